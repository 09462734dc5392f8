import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exportPoint } from '../../../src/crypto/agreement.ts';
import type { Deposit } from '../../../src/deposit/acquirer/acquirer-state.ts';
import { receiveAmendedInitiation } from '../../../src/deposit/acquirer/receive-amended-initiation.ts';
import { receiveRecord } from '../../../src/deposit/acquirer/receive-record.ts';
import { receivedReply } from '../../../src/deposit/acquirer/received-reply.ts';
import { acknowledgementType, informationType } from '../../../src/deposit/message/initiation.ts';
import { CryptographicError, HandselError } from '../../../src/handsel-error.ts';
import { createSpending, customerKeys, merchantKeys } from '../message/spending-fixture.ts';
import { acknowledging, amendedInitiation, openWorld, rate, transaction, validate } from './acquirer-world.ts';

const nowMs = 1_700_000_000_000;
const deposit: Deposit = {
  ...{ transaction, accountManager: 'north', merchant: 'ada', deposit: { currency: 'EUR', minor: 900n }, rate },
  ...{ endsAtMs: nowMs, accountManagerUrl: '', merchantUrl: '', exposed: true },
  customerKey: exportPoint(customerKeys.publicKey),
  merchantKey: exportPoint(merchantKeys.publicKey),
};

/** Nothing, anything, and the real thing with one byte changed. */
function damaged(real: Uint8Array): fc.Arbitrary<Uint8Array> {
  const changed = fc.tuple(fc.nat({ max: real.length - 1 }), fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
    const bytes = real.slice();
    bytes[at]! ^= by;
    return bytes;
  });
  return fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constant(new Uint8Array(20_000)), changed);
}

const refuses = async (act: () => unknown) => {
  const error = await Promise.resolve()
    .then(act)
    .then(() => undefined)
    .catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(HandselError);
};

test('whatever comes through the door is refused with an error of ours, unless it is signed as it stands', async () => {
  const record = createSpending().record('customer');
  const find = async () => deposit;
  await fc.assert(
    fc.asyncProperty(damaged(amendedInitiation(nowMs)), damaged(record), async (initiation, damagedRecord) => {
      await refuses(() => receiveAmendedInitiation(initiation, { validate, nowMs }));
      await refuses(() => receiveRecord(damagedRecord, { deliverer: 'north', find }));
    }),
    { numRuns: 500 },
  );
  expect(receiveAmendedInitiation(amendedInitiation(nowMs), { validate, nowMs }).operator).toBe('north');
  expect(await receiveRecord(record, { deliverer: 'north', find })).toMatchObject({ transaction, by: 'customer' });
});

test('a merchant’s answer is taken as it was signed or not at all', async () => {
  const world = await openWorld();
  await world.initiate();
  const [message] = world.sentOf(informationType.name);
  const answer = acknowledging(message!);
  if (answer.type !== 'answered') throw new Error('the merchant answers');
  const reply = (body: Uint8Array) => receivedReply({ ...message!, outcome: { type: 'answered', body } }, validate);
  await fc.assert(
    fc.asyncProperty(damaged(answer.body), (body) => refuses(() => reply(body))),
    { numRuns: 300 },
  );
  expect(answer.body.length).toBeLessThan(acknowledgementType.maxBytes);
  expect(reply(answer.body)).toMatchObject({ type: 'acknowledged', merchant: 'ada' });
});

test('whatever goes wrong with a chain looks the same from outside', () => {
  const broken = () => {
    throw new RangeError('a path that is none');
  };
  const receive = () => receiveAmendedInitiation(amendedInitiation(nowMs), { validate: broken, nowMs });
  expect(receive).toThrow(CryptographicError);
});
