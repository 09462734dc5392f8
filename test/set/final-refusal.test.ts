import { describe, expect, it } from 'vitest';
import { PkiError } from '../../src/pki/pki-error.ts';
import { decodeMessage } from '../../src/set/message/message-wrapper.ts';
import type { Trust } from '../../src/set/message/trust.ts';
import { createParties, openWorld } from './purchase-fixture.ts';

const original = createParties();

/** Parties who refuse every certificate while `stale` is set, as they do without current news of revocations. */
function forgetful() {
  const now = { stale: false };
  const guarded = (trust: Trust): Trust => {
    const check =
      <A, T>(ask: (asked: A) => T) =>
      (asked: A): T => {
        if (now.stale) throw new PkiError('PKI_REVOCATION_UNKNOWN', 'no current news of revocations');
        return ask(asked);
      };
    const { certificates, cardholder, merchant, gateway } = trust;
    return { certificates, cardholder: check(cardholder), merchant: check(merchant), gateway: check(gateway) };
  };
  return { now, parties: { ...original, newTrust: () => guarded(original.newTrust()) } };
}

const nameOf = (bytes: Uint8Array) => decodeMessage(bytes).message.type;

describe('a refusal that the sender takes as final', () => {
  it('never meets a repeat of what was accepted, though its certificates would be refused by now', async () => {
    const { now, parties } = forgetful();
    const world = await openWorld({ parties });
    await world.order();
    void world.pay();
    await world.run(5_000);
    now.stale = true;
    for (const { kind, request, answer } of world.carried) {
      const endpoint = kind === 'AuthReq' ? world.gateEndpoint : world.shopEndpoint;
      expect(await endpoint(request)).toEqual(answer);
    }
    expect(world.carried.map(({ kind }) => kind)).toContain('PReq');
  });

  it.each(['PReq', 'AuthReq'])('stays the answer to the same %s, so that nothing is charged after it', async (kind) => {
    const { now, parties } = forgetful();
    const refused: Uint8Array[] = [];
    const world = await openWorld({
      parties,
      onRequest(name, bytes) {
        now.stale = name === kind;
        if (name === kind) refused.push(bytes);
        return bytes;
      },
      onAnswer(_, bytes) {
        now.stale = false;
        return bytes;
      },
    });
    await world.order();
    void world.pay();
    await world.run(60_000);
    const { answer } = world.carried.find((carried) => carried.kind === kind)!;
    expect(nameOf(answer)).toBe('Error');
    const endpoint = kind === 'AuthReq' ? world.gateEndpoint : world.shopEndpoint;
    expect(await endpoint(refused[0]!)).toEqual(answer);
    expect(world.cardRequests).toEqual([]);
    expect(world.payments).toMatchObject([{ status: 'failed' }]);
  });
});
