/** What an operator says of a charge to whoever shows what it was for: charged, void for ever, or not known yet. */
import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { amountOf } from '../../../src/money/amount.ts';
import { outcomeOf } from '../../../src/party/operator/operator-delivery.ts';
import {
  applyGatewayRecord,
  emptyGateway,
  type GatewayRecord,
  purchaseKey,
} from '../../../src/set/gateway/authorization.ts';
import { digestOrder } from '../../../src/set/message/order-information.ts';

const [od, odSalt] = [sha256(new Uint8Array([1])), sha256(new Uint8Array([2]))];
const price = { currency: 'EUR', minor: 249n };
const inquiry = { merchant: 'atlas', transaction: 'ab', od, odSalt, price };
const key = purchaseKey('atlas', 'ab');
const hod = toHex(digestOrder({ od, purchAmt: amountOf('EUR', 249n), odSalt }));
const used = { status: 'open', hPI: 'aa', untilMs: 9000 } as const;

/** A gateway with these records behind it; what it is told is written down. */
function gateway(...records: readonly unknown[]) {
  const state = emptyGateway();
  const told: unknown[] = [];
  for (const record of records) applyGatewayRecord(state, record as GatewayRecord);
  return {
    ...{ state, told },
    submit: async (input: unknown) => void told.push(input),
    readByKey: async () => records as GatewayRecord[],
  };
}

const opened = { type: 'opened', atMs: 1, used, request: { key, hod, network: { stan: 1 } } };
const closed = (status: string) => ({ type: 'closed', key, status, untilMs: 9000 });

describe('an inquiry', () => {
  test('about what was captured is answered with paid, and changes nothing', async () => {
    const one = gateway(opened, closed('captured'));
    expect(await outcomeOf(inquiry, one, () => false)).toBe('paid');
  });

  test('about what was declined, or reversed, is answered with void', async () => {
    for (const status of ['declined', 'reversed']) {
      expect(await outcomeOf(inquiry, gateway(opened, closed(status)))).toBe('void');
    }
  });

  test('about what nobody used makes it void, so that it never can be', async () => {
    const one = gateway();
    expect(await outcomeOf(inquiry, one)).toBe('void');
    expect(one.told).toEqual([{ type: 'void', key }]);
  });

  test('about what nobody used is put off when too many were made void already', async () => {
    const one = gateway();
    await expect(outcomeOf(inquiry, one, () => false)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    expect(one.told).toEqual([]);
  });

  test('about what the network has not answered, or only authorised, has to wait', async () => {
    for (const one of [gateway(opened), gateway(opened, closed('authorized'))]) {
      await expect(outcomeOf(inquiry, one)).rejects.toMatchObject({ code: 'ANSWER_PENDING' });
    }
  });

  test.each([
    ['another order', { od: odSalt }],
    ['other accepts', { odSalt: od }],
    ['another price', { price: { currency: 'EUR', minor: 248n } }],
  ])('that shows %s is told nothing', async (_, changes) => {
    const one = gateway(opened, closed('captured'));
    await expect(outcomeOf({ ...inquiry, ...changes }, one)).rejects.toMatchObject({ code: 'PAYMENT_UNKNOWN' });
  });
});
