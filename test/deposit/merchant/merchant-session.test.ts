/** A deposit at the merchant from its operator's word to the statement, and everything that may not happen in between. */
import { describe, expect, test } from 'vitest';
import { importPoint } from '../../../src/crypto/agreement.ts';
import { generateP256 } from '../../../src/crypto/signature.ts';
import { readMessage } from '../../../src/crypto/signed-message.ts';
import { createDepositMerchant } from '../../../src/deposit/merchant/merchant-machine.ts';
import { readList } from '../../../src/deposit/merchant/read-list.ts';
import { type Checkpoint, checkpointType } from '../../../src/deposit/message/checkpoint.ts';
import { CLEARING_GRACE_MS, transactionRecordType } from '../../../src/deposit/message/conclusion.ts';
import { provenUnits } from '../../../src/deposit/message/tab.ts';
import { createMemoryJournal } from '../../../src/journal/memory-journal.ts';
import { createVirtualClock } from '../../world/virtual-clock.ts';
import { DAY_MS, type MerchantWorld, openMerchantWorld, stranger, storageKey } from './merchant-world.ts';
import { PayingCustomer, type Sale } from './paying-customer.ts';

const T = 'Bank.1.1';
const buy = ({ till }: MerchantWorld, transaction: string, { token, item }: Sale) =>
  till.purchase(transaction, token, item);
const refusal = (code: string) => expect.objectContaining({ code });

/** As the acquirer takes it: who signed, and what checkpoint and words prove. */
function readRecord(world: MerchantWorld, customer: PayingCustomer) {
  const [record] = world.sent.filter(({ kind }) => kind === 'deposit-record');
  const message = readMessage(transactionRecordType, record!.body);
  message.requireSignature(importPoint(world.host.state.sessions.get(customer.transaction)!.ownKey));
  const { released } = message.value;
  const checkpoint = released && readMessage(checkpointType, released.checkpoint);
  checkpoint?.requireSignature(customer.keys.publicKey);
  return { value: message.value, proven: released && provenUnits(checkpoint!.value as Checkpoint, released) };
}

describe('a deposit', () => {
  test('is opened, spent, terminated by the customer, proven to the acquirer and settled', async () => {
    const clock = createVirtualClock();
    const world = await openMerchantWorld({ clock });
    const customer = await world.open(T);
    for (const units of [1, 37, 500, 1]) {
      expect(await buy(world, T, customer.buy(units))).toEqual({ number: customer.count, repeated: false });
    }
    await world.checkpoint(customer.checkpoint());
    await buy(world, T, customer.buy(5));
    await world.terminate(customer.terminate());
    await clock.run(clock.nowMs() + 10);

    const { value, proven } = readRecord(world, customer);
    expect(value).toMatchObject({ transaction: T, by: 'merchant', count: 5, units: 544, head: customer.head });
    expect(proven).toBe(544);
    expect(world.sent[0]!.to).toBe('https://acquirer.test/deposit/deposit-record');

    await world.statement(T, 5n);
    expect(world.host.state.sessions.size).toBe(0);
    const records = await world.host.readByKey(`deposit:${T}`);
    expect(records.map(({ type }) => type)).toEqual([
      ...['opened', 'checkpoint', 'spent', 'spent', 'spent', 'spent', 'checkpoint', 'spent', 'concluded', 'told'],
      'settled',
    ]);
    expect(records.at(-1)).toMatchObject({ paidMinor: 5n, expectedMinor: 5n });
    const list = await readList(world.host, T, storageKey);
    expect(list.map(({ units }) => units)).toEqual([1, 37, 500, 1, 5]);
  });
});
