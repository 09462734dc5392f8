/** A deposit may be over between finding it and paying from it: then another one is found, and nothing is paid twice. */
import { expect, test } from 'vitest';
import { releasePayment } from '../../../src/deposit/customer-http/release-payment.ts';
import type { Spender } from '../../../src/deposit/customer-http/spender.ts';
import { DepositError, type DepositErrorCode } from '../../../src/deposit/message/deposit-error.ts';
import type { Offer } from '../../../src/deposit/message/payment-offer.ts';

const offer: Offer = {
  ...{ merchant: 'bakery', operator: 'south', currency: 'EUR', unitNano: 100_000, units: 4, preemptive: true },
  resource: new Uint8Array(32),
};

/** Gives deposits `bank.1.1`, `bank.1.2`, … of which the first so many refuse to be paid from. */
function spenderOf(unfit: number, code: DepositErrorCode) {
  let found = 0;
  const paid: string[] = [];
  const spender: Spender = {
    ensure: async () => `bank.1.${++found}`,
    async pay(transaction) {
      if (found <= unfit) throw new DepositError(code, 'not any more');
      paid.push(transaction);
      return { number: 1, token: new Uint8Array(74) };
    },
    paid: () => {},
    failed: () => {},
  };
  return { spender, paid };
}

test.each(['DEPOSIT_EXCEEDED', 'DEPOSIT_CLOSED', 'DEPOSIT_UNKNOWN'] as const)(
  'a deposit that says %s is followed by another',
  async (code) => {
    const { spender, paid } = spenderOf(3, code);
    expect(await releasePayment(spender, offer, offer.resource)).toMatchObject({ transaction: 'bank.1.4', number: 1 });
    expect(paid).toEqual(['bank.1.4']);
  },
);

test('not for ever, and not for what another deposit would not better', async () => {
  const endless = spenderOf(1000, 'DEPOSIT_EXCEEDED');
  await expect(releasePayment(endless.spender, offer, offer.resource)).rejects.toMatchObject({
    code: 'DEPOSIT_EXCEEDED',
  });
  const refused = spenderOf(1, 'DEPOSIT_REFUSED');
  await expect(releasePayment(refused.spender, offer, offer.resource)).rejects.toMatchObject({
    code: 'DEPOSIT_REFUSED',
  });
  expect([endless.paid, refused.paid]).toEqual([[], []]);
});
