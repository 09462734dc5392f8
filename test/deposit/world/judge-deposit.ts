/** What must be true of every single deposit when all has come to rest, whoever lied and whatever broke. */
import { equalBytes, toHex } from '../../../src/codec/hex.ts';
import { importPoint } from '../../../src/crypto/agreement.ts';
import { readMessage } from '../../../src/crypto/signed-message.ts';
import { checkpointType } from '../../../src/deposit/message/checkpoint.ts';
import {
  type ClearingInformation,
  clearingInformationType,
  statementType,
  type TransactionRecord,
  transactionRecordType,
} from '../../../src/deposit/message/conclusion.ts';
import { customers, merchants } from './cast.ts';
import type { Chronicle } from './chronicle.ts';
import { converted, type Fraction, inverse, least, minorOf, unitsProven } from './own-arithmetic.ts';
import { type CustomerWay, type MerchantWay, MINUTE_MS, type Plan } from './plan.ts';
import type { Scene } from './run-seed.ts';
import { type Bought, unitsOf } from './truth.ts';

/** For messages to get through when nothing is broken any more. */
const SLACK_MS = 15 * MINUTE_MS;
/** Records of account managers and acquirer about one deposit: whatever was bought in it, there are no more. */
const MOST_WRITTEN = 14;

export interface Verdict {
  readonly end: string;
  readonly faults: readonly string[];
}

type Vouched = NonNullable<Chronicle['vouched']>;

interface Case {
  readonly chronicle: Chronicle;
  readonly vouched: Vouched;
  readonly scene: Scene;
  readonly customerWay: CustomerWay;
  readonly merchantWay: MerchantWay;
  readonly released: ReadonlyMap<number, readonly Bought[]>;
  readonly served: ReadonlyMap<number, Bought>;
  expect(holds: boolean, fault: string): void;
}

/** Undefined for what no account manager ever vouched for. */
export function judgeDeposit(chronicle: Chronicle, scene: Scene): Verdict | undefined {
  const { vouched, transaction } = chronicle;
  const faults: string[] = [];
  const happened = scene.truth.transactions.get(transaction);
  if (vouched === undefined) {
    return happened === undefined && chronicle.cleared.length === 0
      ? undefined
      : { end: 'unknown', faults: ['nobody vouched for it'] };
  }
  const { customer, merchant } = vouched.terms;
  const of: Case = {
    ...{ chronicle, vouched, scene },
    customerWay: scene.plan.customerWays.get(customer)!,
    merchantWay: scene.plan.merchantWays.get(merchant)!,
    released: happened?.released ?? new Map(),
    served: happened?.served ?? new Map(),
    expect(holds, fault) {
      if (!holds) faults.push(fault);
    },
  };
  expectOneEnd(of);
  expectHonestDelivery(of);
  const [withdrawn] = chronicle.withdrawn;
  const [cleared] = chronicle.cleared;
  if (withdrawn !== undefined && cleared !== undefined) {
    const clearing = readMessage(clearingInformationType, cleared.clearing).value;
    expectOneRate(of, clearing);
    expectMoney(of, clearing);
    expectValue(of, clearing);
    expectList(of, clearing);
    expectStatements(of, cleared.clearing);
  }
  expectOwnViews(of);
  return { end: endOf(chronicle), faults };
}

function endOf({ withdrawn, refused, lapsed }: Chronicle): string {
  const [end] = withdrawn;
  if (end !== undefined) return end.withdrawal.paid.minor > 0n ? 'paid' : 'cleared for nothing';
  if (refused[0] !== undefined) return `refused ${refused[0].code}`;
  return lapsed[0] !== undefined ? 'lapsed' : 'open';
}

/** Cleared where the merchant was given a guarantee, free again where not; in time, once, and in as many words whatever was bought. */
function expectOneEnd({ chronicle, vouched, scene, expect }: Case): void {
  const { withdrawn, refused, lapsed, deposited, cleared, guaranteed, written } = chronicle;
  const { endsAtMs, heldUntilMs } = vouched.terms;
  const ends = [...withdrawn.map(({ withdrawal }) => withdrawal), ...refused, ...lapsed];
  expect(ends.length === 1, `ended ${ends.length} times`);
  const due = guaranteed === undefined ? 0 : 1;
  expect(cleared.length === due, `guaranteed ${due} times, cleared ${cleared.length} times`);
  expect(withdrawn.length === due, `guaranteed ${due} times, withdrawn ${withdrawn.length} times`);
  expect(deposited.length === due, `guaranteed ${due} times, deposited ${deposited.length} times`);
  const boundMs = Math.max(endsAtMs, scene.calmAtMs) + scene.plan.recordWaitMs + SLACK_MS;
  for (const { atMs } of [...withdrawn.map(({ withdrawal }) => withdrawal), ...refused]) {
    expect(atMs <= boundMs, `ended ${(atMs - boundMs) / MINUTE_MS} minutes after its bound`);
  }
  for (const { atMs } of lapsed) {
    expect(atMs >= heldUntilMs && atMs <= heldUntilMs + SLACK_MS, 'lapsed at another time than said');
  }
  expect(written <= MOST_WRITTEN, `${written} records at the operators`);
}

/** Nothing is served that nobody paid for, and nothing is paid for twice. */
function expectHonestDelivery(of: Case): void {
  const { chronicle, customerWay, released, served, expect } = of;
  for (const [number, { request }] of served) {
    const bought = released.get(number) ?? [];
    expect(
      bought.some((one) => one.request === request),
      `purchase ${number} was served for what nobody released`,
    );
  }
  expectProof(of);
  const { session, spent, records } = chronicle;
  const last = Math.max(0, ...served.keys());
  expect((spent?.count ?? 0) >= last, `purchase ${last} was answered, and ${spent?.count ?? 0} are written down`);
  if (session !== undefined && spent !== undefined) {
    expect(spent.units <= session.depositUnits, 'more was served than is guaranteed');
    expect(spent.units >= unitsOf(served), 'less is written down than was served');
  }
  for (const { by, bytes } of records) {
    if (by === 'customer' || of.merchantWay !== 'honest') continue;
    const { count, units } = readMessage(transactionRecordType, bytes).value;
    expect(count === (spent?.count ?? 0) && units === (spent?.units ?? 0), 'the merchant’s record is not what it took');
  }
  if (customerWay === 'twins') return;
  const requests = [...released.values()].flatMap((bought) => bought.map(({ request }) => request));
  expect(new Set(requests).size === requests.length, 'a purchase was released twice');
  expect(requests.length === released.size, 'a number was released twice');
}

/** What the merchant holds proves, by arithmetic of our own, everything it has written down as paid. */
function expectProof({ chronicle, expect }: Case): void {
  const { session, checkpoints, spent } = chronicle;
  if (session === undefined) return;
  for (const { bytes } of checkpoints) {
    expect(isSigned(bytes, session.customerKey), 'the merchant holds a checkpoint that nobody signed');
  }
  const newest = checkpoints.at(-1);
  if (spent === undefined || newest === undefined) return;
  const { anchors, units } = readMessage(checkpointType, newest.bytes).value;
  const since = chronicle.spentSince ?? { steps: [], words: new Uint8Array() };
  const proven = units + unitsProven(anchors, since.steps, since.words);
  expect(proven === spent.units, `what the merchant holds does not prove ${spent.units} units, but ${proven}`);
}

function isSigned(checkpoint: Uint8Array, customerKey: Uint8Array): boolean {
  try {
    readMessage(checkpointType, checkpoint).requireSignature(importPoint(customerKey));
    return true;
  } catch {
    return false;
  }
}

/** Agreed once: a rate of the customer's bank while its table counted, else one of the merchant's side. */
function expectOneRate({ chronicle, vouched, scene, expect }: Case, { rate }: ClearingInformation): void {
  const { asked, withdrawn, rate: opened } = chronicle;
  const said: readonly (Fraction | undefined)[] = [asked?.deposit.rate, opened, withdrawn[0]?.withdrawal.rate];
  expect(
    said.every((other) => other === undefined || sameFraction(other, rate)),
    'not one rate in all',
  );
  const { deposit, merchantOperator, merchantCurrency, customer } = vouched.terms;
  const pair = { from: deposit.currency, to: merchantCurrency };
  expect(rate.from === pair.from && rate.to === pair.to, 'a rate of other currencies');
  if (pair.from === pair.to) {
    expect(rate.numerator === rate.denominator, 'a rate within one currency');
    return;
  }
  const { feed } = scene.plan;
  const bank = customers.find(({ name }) => name === customer)!.operator.name;
  const { rates, validUntilMs } = feed.table(bank, pair.from, vouched.atMs);
  const own = validUntilMs < vouched.atMs ? undefined : rates.find(({ to }) => to === pair.to);
  const allowed =
    own === undefined ? ratesAround(vouched.atMs, (atMs) => feed.rate(merchantOperator, pair, atMs)) : [own];
  expect(
    allowed.some((one) => sameFraction(one, rate)),
    'a rate that was not one then',
  );
}

function ratesAround(atMs: number, rateAt: (atMs: number) => Fraction): Fraction[] {
  return Array.from({ length: 12 }, (_, minutes) => rateAt(atMs + minutes * MINUTE_MS));
}

function sameFraction(a: Fraction, b: Fraction): boolean {
  return a.numerator * b.denominator === b.numerator * a.denominator;
}

/** What the customer pays is the cleared value at that rate; nobody gains by converting, and the rest is the rest. */
function expectMoney({ chronicle, vouched, expect }: Case, clearing: ClearingInformation): void {
  const { deposit, merchantCurrency } = vouched.terms;
  const { paid, unused, rate } = clearing;
  const { withdrawn, returned } = chronicle.withdrawn[0]!.withdrawal;
  const there = converted(deposit.minor, rate, deposit.currency, merchantCurrency);
  expect(
    paid.minor >= 0n && unused.minor >= 0n && paid.minor + unused.minor === there,
    'paid and unused are not the deposit',
  );
  const back =
    paid.minor === 0n
      ? deposit.minor
      : converted(there - paid.minor, inverse(rate), merchantCurrency, deposit.currency);
  expect(returned.minor === back, `${returned.minor} came back where ${back} should`);
  expect(withdrawn.minor === deposit.minor - back, `${withdrawn.minor} was withdrawn for ${deposit.minor - back}`);
  const credited = chronicle.deposited[0]?.deposit.paid;
  expect(credited?.minor === paid.minor, `${credited?.minor} was credited for ${paid.minor}`);
}

/** An honest customer never pays more than he released, an honest merchant gets everything it holds proof of. */
function expectValue(of: Case, { paid, merchantRecord, reasons }: ClearingInformation): void {
  const { chronicle, vouched, scene, customerWay, merchantWay, released, served, expect } = of;
  const { merchant, merchantCurrency } = vouched.terms;
  const unitNano = scene.plan.unitNano.get(merchant)!;
  const guaranteed = chronicle.asked!.deposit.deposit.minor;
  const worth = (units: number) => least(guaranteed, minorOf(units, unitNano, merchantCurrency));
  if (customerWay !== 'twins') {
    const most = worth(unitsOf(released));
    expect(paid.minor <= most, `${paid.minor} is paid and only ${most} was released: ${reasons.join(' ')}`);
  }
  const spoke = merchantRecord !== undefined && SPEAKS_FOR_ITSELF.includes(merchantWay);
  if (spoke || (merchantWay === 'silent' && customerWay === 'honest' && served.size === 0)) {
    const due = worth(chronicle.spent?.units ?? 0);
    expect(paid.minor >= due, `${paid.minor} is paid and the merchant has proof of ${due}: ${reasons.join(' ')}`);
  }
  if (merchantRecord === undefined && merchantWay === 'honest') {
    expect(wasCutOff(merchant, scene.plan), 'the merchant was taken for silent, and nothing was in its way');
  }
}

/** Of these the record says at least what they can prove. */
const SPEAKS_FOR_ITSELF: readonly MerchantWay[] = ['honest', 'withholds', 'vanishes'];

/** For longer than records are waited for, as far as cuts go: crashes take less. */
function wasCutOff(merchant: string, { cuts, recordWaitMs }: Plan): boolean {
  const { operator } = merchants.find(({ name }) => name === merchant)!;
  return cuts.some(
    ({ between, forMs }) =>
      between.includes(merchant) && between.includes(operator.name) && forMs > recordWaitMs - SLACK_MS,
  );
}

/** Where both sides counted the same purchases they have the same list, and that one stands. */
function expectList(of: Case, { count, head, customerRecord, merchantRecord }: ClearingInformation): void {
  const { chronicle, customerWay, merchantWay, released, expect } = of;
  if (customerWay !== 'twins')
    expect(count <= released.size || merchantWay !== 'honest', 'a longer list than was released');
  if (customerRecord === undefined || merchantRecord === undefined) return;
  if (customerWay !== 'honest' || merchantWay !== 'honest') return;
  const said = chronicle.records.map(({ bytes }) => readMessage(transactionRecordType, bytes).value);
  const [first, second] = said as [TransactionRecord, TransactionRecord];
  if (first.count !== second.count) return;
  expect(equalBytes(first.head, second.head), 'both counted as many purchases, in different lists');
  expect(count === first.count && equalBytes(head, first.head), 'the list of both does not stand');
}

/** Both sides are told the same, byte for byte. */
function expectStatements({ chronicle, expect }: Case, clearing: Uint8Array): void {
  const { withdrawn, deposited, settled, finished } = chronicle;
  const told = [
    ...withdrawn.map(({ statement }) => statement),
    ...deposited.map(({ statement }) => statement),
    ...settled.map(({ statement }) => statement),
    ...finished.flatMap(({ statement }) => statement ?? []),
  ];
  for (const bytes of new Map(told.map((one) => [toHex(one), one])).values()) {
    const { value } = readMessage(statementType, bytes);
    expect(equalBytes(value.clearing, clearing), 'a statement about another clearing');
  }
}

/** What honest customers and merchants have in their own books. */
function expectOwnViews({ chronicle, vouched, scene, customerWay, merchantWay, expect }: Case): void {
  const { withdrawn, deposited, settled, finished, forgotten, session, guaranteed } = chronicle;
  const gone = (
    parties: readonly { readonly role: { readonly name: string }; readonly machine: { readonly retired: boolean } }[],
    name: string,
  ) => parties.some(({ role, machine }) => role.name === name && machine.retired);
  const { merchant } = vouched.terms;
  if (customerWay === 'honest') {
    expect(finished.length === 1, `the device finished it ${finished.length} times`);
    const [own] = finished;
    const booked = withdrawn[0]?.withdrawal.withdrawn.minor ?? 0n;
    expect(
      own?.bookedMinor === booked && own.spentMinor === booked,
      `the device counts ${own?.bookedMinor} of ${booked}`,
    );
    const right = withdrawn.length > 0 ? ['concluded', 'refused'] : ['refused', 'lapsed'];
    // Alone before the acquirer a merchant may claim a longer list, though no more money: then the device is right to say so.
    const sawLie = merchantWay === 'inflates' || merchantWay === 'forges' ? own?.reasons.every(isAboutList) : false;
    expect(
      own !== undefined && (right.includes(own.outcome) || sawLie === true),
      `the device calls it ${own?.outcome}: ${own?.reasons.join(' ')}`,
    );
  }
  if (session === undefined || gone(scene.merchants, merchant) || merchantWay === 'vanishes') return;
  expect(settled.length + forgotten.length === 1, `the merchant heard ${settled.length} statements`);
  expect(forgotten.length === 0 || guaranteed === undefined, 'the merchant gave up what was cleared');
  const [own] = settled;
  if (own !== undefined)
    expect(own.paidMinor === deposited[0]?.deposit.paid.minor, 'the merchant was told another amount');
}

const isAboutList = (reason: string) => /purchases are cleared|list of purchases/.test(reason);
