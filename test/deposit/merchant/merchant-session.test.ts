/** A deposit at the merchant from its operator's word to the statement, and everything that may not happen in between. */
import { describe, expect, test } from 'vitest';
import { importPoint } from '../../../src/crypto/agreement.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { generateP256 } from '../../../src/crypto/signature.ts';
import { readMessage } from '../../../src/crypto/signed-message.ts';
import { restoreMerchant, snapshotMerchant } from '../../../src/deposit/merchant/merchant-session.ts';
import { readList } from '../../../src/deposit/merchant/read-list.ts';
import { type Checkpoint, checkpointType } from '../../../src/deposit/message/checkpoint.ts';
import { CLEARING_GRACE_MS, transactionRecordType } from '../../../src/deposit/message/conclusion.ts';
import { EMPTY_HEAD } from '../../../src/deposit/message/purchase-list.ts';
import { provenUnits } from '../../../src/deposit/message/tab.ts';
import { issueTemporaryCertificate } from '../../../src/deposit/message/temporary-certificate.ts';
import { createMemoryJournal } from '../../../src/journal/memory-journal.ts';
import { gate, soon } from '../../journal/scripted-host.ts';
import { createVirtualClock } from '../../world/virtual-clock.ts';
import { DAY_MS, type MerchantWorld, openMerchantWorld, operator, storageKey, stranger } from './merchant-world.ts';
import { PayingCustomer, type Sale } from './paying-customer.ts';

const T = 'Bank.1.1';
const MINUTE_MS = 60_000;
const buy = ({ till }: MerchantWorld, { token, item }: Sale, transaction = T) =>
  till.purchase(transaction, token, item);
const refusal = (code: string) => expect.objectContaining({ code });
const sessionOf = (world: MerchantWorld, transaction = T) => world.host.state.sessions.get(transaction)!;
const kindsOf = async (world: MerchantWorld, transaction = T) =>
  (await world.host.readByKey(`deposit:${transaction}`)).map(({ type }) => type);

/** As the acquirer takes it: who signed, and what checkpoint and words prove. */
function readRecord(world: MerchantWorld, customer: PayingCustomer) {
  const [record] = world.sent.filter(({ kind }) => kind === 'deposit-record');
  const message = readMessage(transactionRecordType, record!.body);
  message.requireSignature(importPoint(sessionOf(world, customer.transaction).ownKey));
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
      expect(await buy(world, customer.buy(units))).toEqual({ number: customer.count, repeated: false });
    }
    await world.checkpoint(customer.checkpoint());
    await buy(world, customer.buy(5));
    await world.terminate(customer.terminate());
    await clock.run(clock.nowMs() + 10);

    const { value, proven } = readRecord(world, customer);
    expect(value).toMatchObject({ transaction: T, by: 'merchant', count: 5, units: 544, head: customer.head });
    expect(proven).toBe(544);
    expect(world.sent[0]!.to).toBe('https://acquirer.test/deposit/record');

    await world.statement(T, 5n);
    expect(world.host.state.sessions.size).toBe(0);
    expect(await kindsOf(world)).toEqual([
      ...['opened', 'checkpoint', 'spent', 'spent', 'spent', 'spent', 'checkpoint', 'spent', 'concluded', 'told'],
      'settled',
    ]);
    const records = await world.host.readByKey(`deposit:${T}`);
    expect(records.at(-1)).toMatchObject({ paidMinor: 5n, expectedMinor: 5n });
    const list = await readList(world.host, T, storageKey);
    expect(list.map(({ units }) => units)).toEqual([1, 37, 500, 1, 5]);
    expect(list[0]).toEqual({ number: 1, units: 1, request: sha256(Buffer.from('item 1')) });
  });

  test('never paid from is concluded with nothing to prove', async () => {
    const clock = createVirtualClock();
    const world = await openMerchantWorld({ clock });
    const customer = new PayingCustomer(T);
    await world.inform(customer);
    await world.conclude(T);
    await clock.run(clock.nowMs() + 10);
    const { value } = readRecord(world, customer);
    expect(value).toMatchObject({ count: 0, units: 0, head: EMPTY_HEAD, unitNano: 100_000, currency: 'EUR' });
    expect(value).not.toHaveProperty('released');
  });

  test('keeps its private key sealed, and its list readable with the storage key only', async () => {
    const world = await openMerchantWorld();
    const customer = await world.open(T);
    await buy(world, customer.buy(1, 'something private'));
    await expect(readList(world.host, T, sha256(storageKey))).rejects.toEqual(refusal('CRYPTOGRAPHIC_FAILURE'));
    await expect(readList(world.host, 'Bank.8.8', storageKey)).rejects.toEqual(refusal('DEPOSIT_UNKNOWN'));
    const [spent] = (await world.host.readByKey(`deposit:${T}`)).filter(({ type }) => type === 'spent');
    const { request } = customer.buy(1, 'something private').item;
    expect(Buffer.from((spent as { entries: Uint8Array }).entries).includes(Buffer.from(request))).toBe(false);
  });
});

describe("the operator's information", () => {
  test('is taken from the own operator only, with a certificate it signed for this transaction', async () => {
    const world = await openMerchantWorld();
    const customer = new PayingCustomer(T);
    const fails = (changed: Parameters<MerchantWorld['inform']>[1], code: string, by = operator) =>
      expect(world.inform(customer, changed, by)).rejects.toEqual(refusal(code));
    await fails({}, 'CRYPTOGRAPHIC_FAILURE', stranger);
    const certify = (changed: object, signer = operator.signer) =>
      issueTemporaryCertificate(
        {
          ...{ transaction: T, of: 'customer', key: customer.point, issuer: operator.name, notAfterMs: 2e12 },
          ...changed,
        },
        signer,
      );
    await fails({ certificate: certify({}, stranger.signer) }, 'CRYPTOGRAPHIC_FAILURE');
    await fails({ certificate: certify({ transaction: 'Bank.1.2' }) }, 'CERTIFICATE_UNFIT');
    await fails({ certificate: certify({ of: 'merchant' }) }, 'CERTIFICATE_UNFIT');
    await fails({ certificate: certify({ notAfterMs: 1 }) }, 'CERTIFICATE_UNFIT');
    await fails({ deposit: { currency: 'USD', minor: 1n } }, 'DEPOSIT_REFUSED');
    await fails({ deposit: { currency: 'EUR', minor: 0n } }, 'DEPOSIT_REFUSED');
    await fails({ endsAtMs: 5 }, 'DEPOSIT_REFUSED');
    await fails({ transaction: 'Bank.1' }, 'IDENTITY_MALFORMED');
    // Word for word what another merchant of the operator was told, who passes it on: nothing would be paid for what is sold here.
    await fails({ merchant: 'Other shop' }, 'MERCHANT_UNKNOWN');
    expect(world.host.state.sessions.size).toBe(0);
    await world.inform(customer);
    expect(sessionOf(world)).toMatchObject({ depositUnits: 1_000_000, status: 'open' });
  });

  test('about one transaction opens one deposit, whatever else it says later', async () => {
    const world = await openMerchantWorld();
    const customer = await world.open(T);
    await buy(world, customer.buy(9));
    await expect(world.inform(customer, { idleMs: 5000 })).rejects.toEqual(refusal('MESSAGE_IDENTITY_REUSED'));
    const information = { transaction: T, customer: '', certificate: new Uint8Array(1), idleMs: 1000, endsAtMs: 2e12 };
    const again = { ...information, merchant: 'Shop', deposit: { currency: 'EUR', minor: 1n } };
    const input = { type: 'information', information: again, customerKey: customer.point } as const;
    await expect(world.host.submit(input)).rejects.toEqual(refusal('DEPOSIT_REFUSED'));
    expect(sessionOf(world).units).toBe(9);
  });
});

test('no more deposits are open at one time than the merchant wants', async () => {
  const world = await openMerchantWorld({ maxOpen: 1 });
  await world.open(T);
  await expect(world.open('Bank.2.1')).rejects.toEqual(refusal('DEPOSIT_REFUSED'));
  await world.conclude(T);
  await world.statement(T, 0n);
  await world.open('Bank.3.1');
});

describe('a checkpoint', () => {
  test('is taken when it says exactly what was counted, and from the customer only', async () => {
    const world = await openMerchantWorld();
    const customer = await world.open(T);
    await buy(world, customer.buy(20));
    const back = customer.save();
    const fails = async (changed: Partial<Checkpoint>, code: string, keys = customer.keys) => {
      await expect(world.checkpoint(customer.checkpoint(changed, keys))).rejects.toEqual(refusal(code));
      back();
    };
    await fails({}, 'CRYPTOGRAPHIC_FAILURE', generateP256());
    await fails({ transaction: 'Bank.7.7' }, 'DEPOSIT_UNKNOWN');
    await fails({ count: 0, units: 0, head: EMPTY_HEAD }, 'CHECKPOINT_UNFIT');
    await fails({ count: 2 }, 'CHECKPOINT_UNFIT');
    await fails({ units: 19 }, 'CHECKPOINT_UNFIT');
    await fails({ units: 21 }, 'CHECKPOINT_UNFIT');
    await fails({ head: EMPTY_HEAD }, 'CHECKPOINT_UNFIT');
    await fails({ unitNano: 100_001 }, 'CHECKPOINT_UNFIT');
    await fails({ currency: 'USD' }, 'CHECKPOINT_UNFIT');
    expect(sessionOf(world).epoch).toBe(1);
    await buy(world, customer.buy(1));
    await world.checkpoint(customer.checkpoint());
    expect(sessionOf(world)).toMatchObject({ epoch: 2, steps: [0, 0, 0, 0] });
  });

  test('that comes again changes nothing, then or after more was bought', async () => {
    const world = await openMerchantWorld();
    const customer = await world.open(T);
    const bytes = customer.checkpoint();
    await world.checkpoint(bytes);
    await buy(world, customer.buy(3));
    await world.checkpoint(bytes);
    await expect(world.till.checkpoint('Bank.3.3', bytes)).rejects.toEqual(refusal('CHECKPOINT_UNFIT'));
    expect(sessionOf(world)).toMatchObject({ count: 1, units: 3, steps: [3, 0, 0, 0] });
    const checkpoint = readMessage(checkpointType, bytes).value;
    await expect(world.host.submit({ type: 'checkpoint', checkpoint, bytes })).rejects.toEqual(
      refusal('CHECKPOINT_UNFIT'),
    );
  });

  test('sent right behind the purchases it counts waits for them', async () => {
    const passing = gate();
    let held = false;
    const journal = createMemoryJournal({ flush: () => (held ? passing.pass() : Promise.resolve()) });
    const world = await openMerchantWorld({ journal });
    const customer = await world.open(T);
    held = true;
    const bought = [buy(world, customer.buy(2))];
    await soon();
    bought.push(buy(world, customer.buy(2)));
    const taken = world.checkpoint(customer.checkpoint());
    await soon();
    held = false;
    passing.open();
    await Promise.all([...bought, taken]);
    expect(sessionOf(world)).toMatchObject({ epoch: 2, count: 2 });
    await buy(world, customer.buy(2));
  });
});

describe('a deposit ends', () => {
  test.each(['customer', 'acquirer', 'merchant'] as const)('once, by the word of the %s', async (by) => {
    const clock = createVirtualClock();
    const world = await openMerchantWorld({ clock });
    const customer = await world.open(T);
    await buy(world, customer.buy(2));
    if (by === 'customer') await world.terminate(customer.terminate());
    else if (by === 'acquirer') await world.conclude(T);
    else await world.host.submit({ type: 'conclude', transaction: T, ending: 'closed' });
    await clock.run(clock.nowMs() + 10);
    expect(sessionOf(world).status).toBe('concluding');
    await expect(world.checkpoint(customer.checkpoint())).rejects.toEqual(refusal('DEPOSIT_CLOSED'));
    await expect(buy(world, customer.buy(1))).rejects.toEqual(refusal('DEPOSIT_CLOSED'));
    if (by !== 'acquirer') await world.conclude(T);
    await world.terminate(customer.terminate());
    await clock.run(clock.nowMs() + 10);
    expect(world.sent).toHaveLength(1);
    const ending = { customer: 'terminated', acquirer: 'concluded', merchant: 'closed' }[by];
    const concluded = (await world.host.readByKey(`deposit:${T}`)).filter(({ type }) => type === 'concluded');
    expect(concluded).toMatchObject([{ ending }]);
  });

  test('by nobody else', async () => {
    const world = await openMerchantWorld();
    const customer = await world.open(T);
    const terminated = world.terminate(customer.terminate(generateP256()));
    await expect(terminated).rejects.toEqual(refusal('CRYPTOGRAPHIC_FAILURE'));
    await expect(world.conclude(T, stranger)).rejects.toEqual(refusal('CRYPTOGRAPHIC_FAILURE'));
    await expect(world.conclude('Bank.5.5')).rejects.toEqual(refusal('DEPOSIT_UNKNOWN'));
    expect(sessionOf(world).status).toBe('open');
  });

  test('when nothing was bought for too long, counted from the last purchase', async () => {
    const clock = createVirtualClock();
    const world = await openMerchantWorld({ clock });
    const startMs = clock.nowMs();
    const customer = await world.open(T, { idleMs: 10 * MINUTE_MS });
    await clock.run(startMs + 9 * MINUTE_MS);
    await buy(world, customer.buy(1));
    await clock.run(startMs + 19 * MINUTE_MS - 1);
    expect(sessionOf(world).status).toBe('open');
    await clock.run(startMs + 19 * MINUTE_MS);
    expect(sessionOf(world).status).toBe('concluding');
  });

  test('at its end, however busy it is, and nothing is bought after that', async () => {
    const clock = createVirtualClock();
    const endsAtMs = clock.nowMs() + 20 * MINUTE_MS;
    const world = await openMerchantWorld({ clock });
    const customer = await world.open(T, { endsAtMs, idleMs: 15 * MINUTE_MS });
    await clock.run(endsAtMs - 10 * MINUTE_MS);
    await buy(world, customer.buy(1));
    await clock.run(endsAtMs - 1);
    await buy(world, customer.buy(1));
    await clock.run(endsAtMs);
    expect(sessionOf(world)).toMatchObject({ status: 'concluding', count: 2 });

    let late = 0;
    const slow = await openMerchantWorld({ clock: { nowMs: () => clock.nowMs() + late, after: clock.after } });
    const other = await slow.open(T);
    late = 31 * DAY_MS;
    await expect(buy(slow, other.buy(1))).rejects.toEqual(refusal('DEPOSIT_CLOSED'));
  });

  test('without a statement, it leaves the state seven days after its end; what proves it stays', async () => {
    const clock = createVirtualClock();
    const refused = { type: 'refused', code: 'RECORD_UNFIT', detail: '' } as const;
    const world = await openMerchantWorld({ clock, deliver: () => Promise.resolve(refused) });
    const endsAtMs = clock.nowMs() + MINUTE_MS;
    const customer = await world.open(T, { endsAtMs });
    await buy(world, customer.buy(4));
    await world.terminate(customer.terminate());
    await clock.run(endsAtMs + CLEARING_GRACE_MS - 1);
    expect(sessionOf(world).status).toBe('concluding');
    await clock.run(endsAtMs + CLEARING_GRACE_MS);
    expect(world.host.state.sessions.size).toBe(0);
    expect(await kindsOf(world)).toEqual(['opened', 'checkpoint', 'spent', 'concluded', 'told', 'lapsed']);
    expect(await readList(world.host, T, storageKey)).toHaveLength(1);
  });

  test('and its record is sent until it is acknowledged, or a statement makes it needless', async () => {
    const clock = createVirtualClock();
    let there = false;
    const world = await openMerchantWorld({
      clock,
      deliver: () =>
        there ? Promise.resolve({ type: 'answered', body: new Uint8Array([0xf6]) }) : Promise.reject(new Error('away')),
    });
    const [customer, other] = [await world.open(T), await world.open('Bank.2.1')];
    await world.terminate(customer.terminate());
    await world.terminate(other.terminate());
    await clock.run(clock.nowMs() + MINUTE_MS);
    const bodies = new Set(world.sent.map(({ body }) => Buffer.from(body).toString('hex')));
    expect(world.sent.length).toBeGreaterThan(4);
    expect(bodies.size).toBe(2);
    await world.statement('Bank.2.1', 0n);
    there = true;
    const before = world.sent.length;
    await clock.run(clock.nowMs() + DAY_MS);
    expect(world.sent).toHaveLength(before + 1);
    expect(await kindsOf(world)).toEqual(['opened', 'checkpoint', 'concluded', 'told']);
    expect(await kindsOf(world, 'Bank.2.1')).toEqual(['opened', 'checkpoint', 'concluded', 'settled']);
  });
});

describe('a statement', () => {
  test('is taken for this merchant and its open deposit only, and says what was expected beside what was paid', async () => {
    const world = await openMerchantWorld();
    const customer = await world.open(T, { deposit: { currency: 'EUR', minor: 3n } });
    await buy(world, customer.buy(250));
    await expect(world.statement(T, 2n, { merchant: 'Other' })).rejects.toEqual(refusal('RECORD_UNFIT'));
    await expect(world.statement('Bank.6.6', 2n)).rejects.toEqual(refusal('DEPOSIT_UNKNOWN'));
    await world.conclude(T);
    await world.statement(T, 1n);
    const records = await world.host.readByKey(`deposit:${T}`);
    // 0.025 EUR, rounded half to even.
    expect(records.at(-1)).toMatchObject({ type: 'settled', paidMinor: 1n, expectedMinor: 2n });
    await expect(buy(world, customer.buy(1))).rejects.toEqual(refusal('DEPOSIT_UNKNOWN'));
  });
});

test('a restored state is the state that was, and its deposits go on', async () => {
  const journal = createMemoryJournal();
  const clock = createVirtualClock();
  const world = await openMerchantWorld({ journal, clock });
  const customer = await world.open(T);
  const fresh = new PayingCustomer('Bank.2.1');
  await world.inform(fresh);
  for (let at = 0; at < 20; at++) await buy(world, customer.buy(40));
  const restored = restoreMerchant(snapshotMerchant(world.host.state));
  expect(restored).toEqual(world.host.state);
  expect(snapshotMerchant(restored)).toEqual(snapshotMerchant(world.host.state));
  await world.host.close();

  let next = await openMerchantWorld({ journal: createMemoryJournal({ disk: journal.powerCut() }), clock });
  expect(next.host.state).toEqual(restored);
  await buy(next, customer.buy(2));
  await next.checkpoint(customer.checkpoint());
  await buy(next, customer.buy(2));
  await next.checkpoint(fresh.checkpoint());
  await buy(next, fresh.buy(1), 'Bank.2.1');
  expect(sessionOf(next)).toMatchObject({ count: 22, units: 804 });
  next = await openMerchantWorld({ clock });
  expect(next.host.state.sessions.size).toBe(0);
});
