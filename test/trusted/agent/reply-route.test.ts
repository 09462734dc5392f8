/** A caller says where it hears statements: what it says must lead out of the device or server that sends them. */
import { expect, it } from 'vitest';
import { openOpera, stateOf } from '../opera.ts';

it.each([
  ['port:card', 'blank'],
  ['host-side', 'blank'],
  ['local:delivery-news', 'blank'],
  ['mallory', 'certified'],
] as const)('a caller that is reached at %s ends %s', async (replyTo, identity) => {
  const { trusted } = await openOpera();
  const mallory = trusted.addAgent('mallory', { replyTo });
  await trusted.certify(mallory, 'merchant').catch(() => undefined);
  expect(stateOf(mallory).identity.type).toBe(identity);
});
