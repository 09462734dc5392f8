import { expect, it } from 'vitest';
import { fromHex } from '../../../src/codec/hex.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { CryptographicError } from '../../../src/handsel-error.ts';
import { createEndpoint } from '../../../src/set/message/endpoint.ts';
import { decodeMessage } from '../../../src/set/message/message-wrapper.ts';
import { openWorld, WINDOW } from '../purchase-fixture.ts';

it('answers no Error with another, not even one of a version that it does not speak', async () => {
  const world = await openWorld();
  const error = await world.shopEndpoint(fromHex('3000'));
  expect(decodeMessage(error).message.type).toBe('Error');

  // The version is the first INTEGER of the header.
  const at = Buffer.from(error).indexOf(Buffer.from(fromHex('020102')));
  const later = error.slice();
  later[at + 2] = 3;
  for (const endpoint of [world.shopEndpoint, world.gateEndpoint]) {
    expect(await endpoint(error)).toHaveLength(0);
    expect(await endpoint(later)).toHaveLength(0);
  }
});

it('quotes a message in an Error until its machine has taken it', async () => {
  const world = await openWorld();
  await world.order();
  await world.pay();
  await world.run(1000);
  const { request } = world.carried.find(({ kind }) => kind === 'PInitReq')!;
  const failure = new CryptographicError('the host stopped');
  const endpointWhoseMachine = (takes: boolean) =>
    createEndpoint<'read' | 'refused'>({
      host: {
        async handle({ taken }) {
          if (takes) taken?.();
          throw failure;
        },
      },
      ...{ requests: ['PInitReq'], final: [], direction: 'merchantToCardholder', window: WINDOW, random: systemRandom },
      ...{ read: () => 'read', refuse: () => 'refused', signer: world.parties.shop.signing, onRefusal() {} },
      nowMs: () => world.clock.nowMs(),
    });
  const error = await endpointWhoseMachine(false)(request);
  expect(decodeMessage(error).message.type).toBe('Error');
  await expect(endpointWhoseMachine(true)(request)).rejects.toBe(failure);
});
