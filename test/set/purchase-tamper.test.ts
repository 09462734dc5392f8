/** Every message of a purchase, changed on the way in every region of its bytes: nothing is ever charged twice, wrongly, or believed. */
import { describe, expect, it } from 'vitest';
import { readError } from '../../src/set/message/error-exchange.ts';
import { decodeMessage } from '../../src/set/message/message-wrapper.ts';
import { AMOUNT, createParties, openWorld, type World } from './purchase-fixture.ts';

const parties = createParties();
const trust = parties.newTrust();
const REGIONS = 24;

type Change = (kind: string, bytes: Uint8Array) => Uint8Array;

async function purchase(options: { onRequest?: Change; onAnswer?: Change }): Promise<World> {
  const world = await openWorld({ parties, ...options });
  await world.order();
  void world.pay();
  await world.run(3000);
  return world;
}

/** One bit of the region, the first time the message passes. */
function once(wanted: string, region: number): Change {
  let done = false;
  return (kind, bytes) => {
    if (kind !== wanted || done) return bytes;
    done = true;
    const changed = bytes.slice();
    const at = Math.floor(((region + 0.5) / REGIONS) * bytes.length);
    changed[at]! ^= 1 << (region % 8);
    return changed;
  };
}

function errorIn(bytes: Uint8Array): string {
  const { message } = decodeMessage(bytes);
  return message.type === 'Error' ? readError(message.value, trust).errorCode : message.type;
}

const regions = Array.from({ length: REGIONS }, (_, region) => region);

describe.each(['PInitReq', 'PReq', 'AuthReq'])('a changed %s', (kind) => {
  it('never leads to a payment that wallet, merchant and card network see differently', async () => {
    const codes = new Set<string>();
    for (const region of regions) {
      const world = await purchase({ onRequest: once(kind, region) });
      const paid = world.payments.some(({ status }) => status === 'paid');
      expect(world.orders.some(({ status }) => status === 'paid')).toBe(paid);
      expect(world.cardRequests.length).toBe(paid ? 1 : 0);
      if (paid) expect(world.cardRequests).toMatchObject([{ amount: AMOUNT }]);
      // What is signed or sealed cannot be changed; only the header's date or software name, and PInitReq, are in clear.
      for (const { answer } of world.carried) codes.add(errorIn(answer));
    }
    codes.delete('PInitRes');
    codes.delete('PRes');
    codes.delete('AuthRes');
    const allowed = ['signatureFailure', 'decodingFailure', 'wrapperMsgMismatch', 'messageNotSupported'];
    const early = ['versionTooOld', 'versionTooNew', 'messageTooOld', 'messageTooNew', 'unknownLID', 'unknownXID'];
    expect([...allowed, ...early, 'signatureRequired', 'badMessageHeader']).toEqual(expect.arrayContaining([...codes]));
    expect(codes.size).toBeGreaterThan(0);
  }, 20_000);
});

describe.each(['PInitReq', 'PReq', 'AuthReq'])('a changed answer to %s', (kind) => {
  it('is not believed: the request is repeated and the purchase ends as if nothing had happened', async () => {
    for (const region of regions) {
      const world = await purchase({ onAnswer: once(kind, region) });
      expect(world.payments).toMatchObject([{ status: 'paid', amount: AMOUNT }]);
      expect(world.orders).toMatchObject([{ status: 'paid' }]);
      expect(world.cardRequests).toHaveLength(1);
    }
  }, 20_000);
});

describe('one outward code', () => {
  it('whatever is wrong with seal, hash, signature or certificate of an AuthReq, the merchant learns signatureFailure', async () => {
    const honest = await purchase({});
    const { request } = honest.carried.find((carried) => carried.kind === 'AuthReq')!;
    const { message } = decodeMessage(request);
    const start = Buffer.from(request).indexOf(Buffer.from(message.value));
    const answers = new Set<string>();
    for (let at = start + 60; at < request.length; at += 97) {
      const changed = request.slice();
      changed[at]! ^= 0x55;
      // A gateway that has not refused the message before: a refusal is kept, and answers every repetition.
      const fresh = await openWorld({ parties });
      const code = errorIn(await fresh.gateEndpoint(changed));
      // The outer structure in clear may stop being DER; that is no secret.
      if (code !== 'decodingFailure') answers.add(code);
    }
    expect([...answers]).toEqual(['signatureFailure']);
  }, 20_000);
});
