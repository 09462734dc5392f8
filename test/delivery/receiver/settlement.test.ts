/** The machine's errands reach the payment method, and what it refuses for good is told apart from what it has not done yet. */
import { expect, test } from 'vitest';
import { toHex } from '../../../src/codec/hex.ts';
import { encodeShape, linkOf } from '../../../src/crypto/signed-message.ts';
import { cancelType, commitType, prepareType } from '../../../src/delivery/receiver/errand.ts';
import { type Settlement, settlementCourier } from '../../../src/delivery/receiver/settlement.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import { makeAcceptance } from '../message/documents-fixture.ts';

const { order, accept } = makeAcceptance();
const digest = toHex(linkOf(order));
const attempt = { signal: new AbortController().signal };
const message = (type: { readonly name: string }, body: Uint8Array) => ({
  id: '1',
  to: 'local:settlement',
  kind: type.name,
  body,
});

test('prepare, commit and cancel', async () => {
  const asked: string[] = [];
  const settlement: Settlement = {
    async prepare(toPay) {
      asked.push(`prepare ${toPay.digest} ${toPay.order.price.minor}`);
    },
    async commit(toPay, signed) {
      asked.push(`commit ${toPay.digest} ${toHex(signed) === toHex(accept)}`);
      return new Uint8Array([7]);
    },
    async cancel(of) {
      asked.push(`cancel ${of}`);
    },
  };
  const { deliver } = settlementCourier(settlement);
  await deliver(message(prepareType, encodeShape(prepareType, { order })), attempt);
  const paid = await deliver(message(commitType, encodeShape(commitType, { order, accept })), attempt);
  await deliver(message(cancelType, encodeShape(cancelType, { order: linkOf(order) })), attempt);
  expect(paid).toEqual({ type: 'answered', body: new Uint8Array([7]) });
  expect(asked).toEqual([`prepare ${digest} 500`, `commit ${digest} true`, `cancel ${digest}`]);
});

test('a refusal is final, anything else is tried again', async () => {
  const failing = (cause: Error) =>
    settlementCourier({
      prepare: () => Promise.reject(cause),
      commit: () => Promise.reject(cause),
      cancel: () => Promise.reject(cause),
    });
  const asking = message(commitType, encodeShape(commitType, { order, accept }));
  const refused = failing(new HandselError('FUNDS_LACKING', 'not enough')).deliver(asking, attempt);
  await expect(refused).resolves.toEqual({ type: 'refused', code: 'FUNDS_LACKING', detail: 'not enough' });
  await expect(failing(new Error('away')).deliver(asking, attempt)).rejects.toThrow('away');
});
