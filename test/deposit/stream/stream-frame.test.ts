/** Frames of streams: what is written is read again, and anything else fails with our own error only. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createStreamBill } from '../../../src/deposit/customer-http/stream-bill.ts';
import { createStreamAccount } from '../../../src/deposit/merchant-http/stream-account.ts';
import { PaymentError } from '../../../src/deposit/message/payment-error.ts';
import {
  type CustomerFrame,
  formatFrame,
  type MerchantFrame,
  readCustomerFrame,
  readMerchantFrame,
} from '../../../src/deposit/message/stream-frame.ts';

const count = fc.nat(2 ** 31 - 1);
const sequence = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const transaction = fc.constantFrom('north.1.1', 'south.77.12');
const bytes = fc.uint8Array({ minLength: 1, maxLength: 170 });

test('what one end writes the other reads, and not the other way round', () => {
  const ofCustomer: fc.Arbitrary<CustomerFrame> = fc.oneof(
    fc.record({ type: fc.constant('payment' as const), sequence, transaction, token: bytes }),
    fc.record({ type: fc.constant('payment' as const), sequence, transaction, token: bytes, checkpoint: bytes }),
    fc.record({ type: fc.constant('end' as const) }),
  );
  const ofMerchant: fc.Arbitrary<MerchantFrame> = fc.oneof(
    fc.record({ type: fc.constant('due' as const), through: count }),
    fc.record({ type: fc.constant('paid' as const), sequence, paid: count }),
    fc.record({ type: fc.constant('end' as const), used: count, paid: count }),
    fc.record({
      type: fc.constant('open' as const),
      stream: fc.constant('north.1.1/1'),
      sequence,
      paid: count,
      received: count,
    }),
  );
  const malformed = expect.objectContaining({ code: 'FRAME_MALFORMED' });
  fc.assert(
    fc.property(ofCustomer, ofMerchant, (customer, merchant) => {
      expect(readCustomerFrame(formatFrame(customer))).toEqual(customer);
      expect(readMerchantFrame(formatFrame(merchant))).toEqual(merchant);
      expect(() => readMerchantFrame(formatFrame(customer))).toThrow(malformed);
      expect(() => readCustomerFrame(formatFrame(merchant))).toThrow(malformed);
    }),
  );
});

test('arbitrary text is read or refused, and nothing else happens', () => {
  const anything = fc.oneof(
    fc.string(),
    fc.json(),
    fc.json().map((json) => json.replace('{', '{"type":"payment",')),
  );
  fc.assert(
    fc.property(anything, (text) => {
      for (const read of [readCustomerFrame, readMerchantFrame]) {
        try {
          read(text);
        } catch (error) {
          expect(error).toBeInstanceOf(PaymentError);
        }
      }
    }),
  );
});

test('whatever is served and asked for, both bounds hold and no honest end is stuck', () => {
  const per = fc.constantFrom('message' as const, 'kilobyte' as const);
  const settings = fc.record({
    per,
    price: fc.integer({ min: 1, max: 9 }),
    credit: fc.nat(5),
    ahead: fc.nat(5),
    more: fc.nat(20),
  });
  const sizes = fc.array(fc.nat(3000), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(settings, sizes, ({ per, price, credit, ahead, more }, messages) => {
      const terms = { per, creditUnits: credit * price };
      const aheadUnits = ahead * price;
      const account = createStreamAccount({ terms, priceUnits: price, aheadUnits });
      const bill = createStreamBill({
        terms,
        priceUnits: price,
        aheadUnits,
        mostUnits: 1e9,
        atOnceUnits: price + more,
        clock: { nowMs: () => 0 },
      });
      const pay = (through: number | undefined) => {
        if (through === undefined) return;
        for (let units = bill.toPay(through); units > 0; units = bill.toPay(through)) {
          const { least, most } = account.payable();
          expect(units).toBeGreaterThanOrEqual(least);
          expect(units).toBeLessThanOrEqual(Math.min(most, price + more));
          bill.released(units);
          account.pay(units);
        }
      };
      for (const size of messages) {
        let cost: number;
        try {
          cost = account.costOf(size);
        } catch (error) {
          expect(error).toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
          continue;
        }
        pay(account.dueFor(cost));
        expect(account.fits(cost)).toBe(true);
        account.serve(cost, size);
        bill.arrived(size);
        expect(account.usedUnits).toBe(bill.meteredUnits);
        expect(account.owedUnits).toBeLessThanOrEqual(terms.creditUnits);
        expect(bill.releasedUnits).toBeLessThanOrEqual(Math.max(price, bill.meteredUnits + aheadUnits));
        pay(account.dueFor(0));
      }
      pay(account.dueAtEnd());
      expect(account.owedUnits).toBe(0);
    }),
  );
});
