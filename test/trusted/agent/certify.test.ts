/** Agents and servers get their certificates. */
import { describe, expect, it } from 'vitest';
import { openTrustedWorld } from '../trusted-world.ts';

describe('a new device', () => {
  it('gets a number and a certificate from a server that got its own from the primary one', async () => {
    const trusted = await openTrustedWorld({ seed: 1 });
    const agent = trusted.addAgent('ada');
    await trusted.certify(agent, 'customer');
    expect(agent.notices).toEqual([
      { type: 'certified', agentId: 2 ** 32 + 1, kind: 'customer', expiresDay: expect.any(Number) },
    ]);
  });
});
