/** Evidence that an accept is paid: an operator's signature over one charge, bound to what it was for. */
import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { signMessage } from '../../../src/crypto/signed-message.ts';
import type { SettlementProof } from '../../../src/delivery/message/settlement-proof.ts';
import {
  createSettlementProof,
  encodeEvidence,
  type PaymentReceipt,
  payeeOf,
  paymentReceiptType,
  readPayee,
  saltOf,
  sharesOf,
} from '../../../src/party/message/payment-evidence.ts';
import { identify, person } from '../../delivery/people.ts';

const north = person('north', 'trustee');
const od = sha256(new Uint8Array([1]));
const accept = sha256(new Uint8Array([2]));
const parts = [
  { accept, minor: 150n },
  { accept: sha256(new Uint8Array([3])), minor: 99n },
];
const receipt: PaymentReceipt = {
  ...{
    outcome: 'paid',
    merchant: 'atlas',
    transaction: 'ab',
    od,
    odSalt: saltOf(parts),
    by: 'north',
    atMs: Date.now(),
  },
  price: { currency: 'EUR', minor: 249n },
};
const order = {
  ...{ merchant: 'atlas', trustee: 'north', price: { currency: 'EUR', minor: 150n } },
  payee: payeeOf({ merchant: 'atlas', orderId: 'ab12', od: toHex(od) }),
};
const proof = createSettlementProof({
  identify: identify('trustee'),
  operatorOf: (merchant) => (merchant === 'atlas' ? 'north' : undefined),
});

function check(
  changes: {
    readonly receipt?: Partial<PaymentReceipt>;
    readonly order?: Partial<typeof order>;
    readonly parts?: typeof parts;
    readonly accept?: Uint8Array;
    readonly signer?: typeof north;
  } = {},
) {
  const signed = signMessage(paymentReceiptType, { ...receipt, ...changes.receipt }, changes.signer ?? north);
  return proof.check({
    order: { value: { ...order, ...changes.order } },
    accept: { digest: changes.accept ?? accept },
    evidence: encodeEvidence({ receipt: signed, parts: changes.parts ?? parts }),
  } as unknown as Parameters<SettlementProof['check']>[0]);
}

describe('a charge the operator signed for', () => {
  test('pays the accepts it was made for, and those alone', async () => {
    expect(await check()).toBe('paid');
    expect(await check({ accept: parts[1]!.accept, order: { price: { currency: 'EUR', minor: 99n } } })).toBe('paid');
    expect(await check({ accept: sha256(new Uint8Array([4])) })).toBe('unproved');
  });

  test.each([
    ['it was void', { receipt: { outcome: 'void' } }],
    ['it was another merchant’s', { receipt: { merchant: 'lexicon' } }],
    ['it was for another order', { receipt: { od: accept } }],
    ['it was for other accepts', { receipt: { odSalt: accept } }],
    ['it was in another currency', { receipt: { price: { currency: 'USD', minor: 249n } } }],
    ['it was for less', { receipt: { price: { currency: 'EUR', minor: 248n } } }],
    ['somebody else signed it', { signer: person('carl', 'customer') }],
    ['another operator signed it', { signer: person('south', 'trustee'), receipt: { by: 'south' } }],
    ['the order names another trustee', { order: { trustee: 'south' } }],
    [
      'the order is paid elsewhere',
      { order: { payee: payeeOf({ merchant: 'lexicon', orderId: 'ab12', od: toHex(od) }) } },
    ],
    ['the order costs more than its share', { order: { price: { currency: 'EUR', minor: 151n } } }],
    ['the shares were changed afterwards', { parts: [{ accept, minor: 249n }, parts[1]!] }],
    ['the payee is no order of SET', { order: { payee: 'atlas' } }],
  ] as const)('proves nothing when %s', async (_, changes) => {
    expect(await check(changes as Parameters<typeof check>[0])).toBe('unproved');
  });

  test('what is no evidence at all proves nothing', async () => {
    const claim = { order: { value: order }, accept: { digest: accept }, evidence: new Uint8Array([1, 2, 3]) };
    expect(await proof.check(claim as unknown as Parameters<SettlementProof['check']>[0])).toBe('unproved');
  });
});

test('shares add up to the amount, whatever is left over', () => {
  expect(sharesOf(249n, 1)).toEqual([249n]);
  expect(sharesOf(100n, 3)).toEqual([34n, 33n, 33n]);
  expect(sharesOf(1n, 4)).toEqual([1n, 0n, 0n, 0n]);
});

test('a payee is read as it was written, and nothing else is one', () => {
  const payee = { merchant: 'atlas', orderId: 'ab12', od: toHex(od) };
  expect(readPayee(payeeOf(payee))).toEqual(payee);
  for (const wrong of ['', 'set:', `set:atlas/xyz/${toHex(od)}`, `${payeeOf(payee)}0`])
    expect(readPayee(wrong)).toBeUndefined();
});
