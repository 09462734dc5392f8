/** Secure delivery between real parties over sockets: the straight way, and each way it can go wrong. */
import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { systemRandom } from '../../src/crypto/random.ts';
import { type Network, type NetworkOptions, openNetwork } from './network.ts';

let network: Network | undefined;
afterEach(async () => {
  await network?.close();
  network = undefined;
});

async function open(options: NetworkOptions = {}): Promise<Network> {
  network = await openNetwork(options);
  return network;
}

const content = systemRandom(50_000);

test('goods ordered, checked, accepted and paid are opened', async () => {
  const net = await open();
  const reference = await net.buy(await net.sell(content));
  expect(await net.outcome(reference)).toMatchObject({ outcome: 'delivered' });
  expect(new Uint8Array(readFileSync(net.contentFile(reference)))).toEqual(content);
  expect(net.bank.accounts.get('ada')).toBe(500n);
  expect(net.bank.accounts.get('carl')).toBe(9500n);
  console.log((await net.history(reference)).map(({ type }) => type));
});
