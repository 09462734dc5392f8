import { expect, it } from 'vitest';
import { fromHex } from '../../../src/codec/hex.ts';
import { decodeMessage } from '../../../src/set/message/message-wrapper.ts';
import { openWorld } from '../purchase-fixture.ts';

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
