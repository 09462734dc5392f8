/**
 * The rule between customer and merchant (US 09/718,411, claims 10, 11 and 23): from signed evidence alone, what was paid and which list
 * stands. Pure and the same for everybody: an acquirer rules with it, and anyone with the evidence can check the ruling.
 */
import type { KeyObject } from 'node:crypto';
import { encodeCbor } from '../../codec/cbor.ts';
import type { Amount } from '../../money/amount.ts';
import { formatNano, nanoOf, roundNano } from '../../money/nano.ts';
import { type Released, releasedShape, type TransactionRecord } from './conclusion.ts';
import { DepositError } from './deposit-error.ts';
import { type ReleasedProof, readRecord, readReleased, type Side, unlessRefused, type Value } from './evidence.ts';
import { type ListHead, ruleList, type SignedHead } from './list-ruling.ts';

/** Beyond the two records: what somebody kept and shows. */
export interface FurtherEvidence {
  /** Who brings it: one's own signature proves nothing for one's own list. */
  readonly by: Side;
  /** A record either side signed. */
  readonly record?: Uint8Array;
  readonly released?: Released;
}

export interface RulingCase {
  readonly transaction: string;
  /** What is guaranteed to the merchant, in its currency. */
  readonly deposit: Amount;
  /** The temporary keys. */
  readonly customerKey: KeyObject;
  readonly merchantKey: KeyObject;
  /** Signed records; absent for a side that was silent. */
  readonly customerRecord?: Uint8Array;
  readonly merchantRecord?: Uint8Array;
  readonly further?: readonly FurtherEvidence[];
}

export interface Ruling extends ListHead {
  /** At most what the deposit holds. */
  readonly paidUnits: number;
  /** What the customer signed that a unit is worth; 0 when nothing was paid. */
  readonly unitNano: number;
  /** In the merchant's currency: rounded once, half-even, never above the deposit. */
  readonly paid: Amount;
  /** What proves it, where somebody has shown that: for whoever has to pay and was not there. */
  readonly released?: Released;
  /** In plain words, at most 200 characters each, at most 8. */
  readonly reasons: readonly string[];
}

/** Checking words costs hashes: whoever asks for a ruling may not ask for any number of them. */
const MAX_FURTHER = 8;

interface Shown {
  readonly by: Side;
  readonly record: TransactionRecord;
  readonly proof: ReleasedProof | undefined;
}

interface Evidence {
  readonly values: Value[];
  readonly heads: SignedHead[];
  unfit: number;
}

/**
 * Evidence that is not what it says is left out, whatever is wrong with it.
 * @throws DepositError `RECORD_UNFIT` for more than 8 pieces of further evidence; MoneyError for a deposit in no currency
 */
export function ruleDeposit(asked: RulingCase): Ruling {
  const { further = [] } = asked;
  if (further.length > MAX_FURTHER) throw new DepositError('RECORD_UNFIT', `at most ${MAX_FURTHER} pieces of evidence`);
  const evidence: Evidence = { values: [], heads: [], unfit: 0 };
  const customer = shownBy(asked, 'customer');
  const merchant = shownBy(asked, 'merchant');
  if (customer !== undefined) takeRecord(evidence, customer, 'customer');
  if (merchant !== undefined) takeRecord(evidence, merchant, 'merchant');
  for (const piece of further) takeFurther(evidence, asked, piece);

  const highest = evidence.values.reduce(higher, { units: 0, unitNano: 0 });
  const list = ruleList({ customer: customer?.record, merchant: merchant?.record }, evidence.heads);
  const paid = paidOf(highest, asked.deposit);
  return {
    ...paid,
    ...(highest.released && { released: highest.released }),
    count: list.count,
    head: list.head,
    reasons: [
      reasonOfRecord(asked.customerRecord, customer, 'customer'),
      reasonOfRecord(asked.merchantRecord, merchant, 'merchant'),
      evidence.unfit === 0 ? undefined : `${evidence.unfit} pieces of evidence prove nothing here.`,
      `The most the customer provably released is ${worded(highest, asked)}.`,
      reasonOfClaim(merchant, highest, asked),
      reasonOfClaim(customer, highest, asked),
      nanoIn(highest) > nanoOf(asked.deposit).nano
        ? 'More than the deposit is not guaranteed: all of it is paid.'
        : undefined,
      list.reason,
    ].filter((reason) => reason !== undefined),
  };
}

/** Undefined for a silent side, and for a record that is not one. */
function shownBy(asked: RulingCase, by: Side): Shown | undefined {
  const bytes = by === 'customer' ? asked.customerRecord : asked.merchantRecord;
  return bytes === undefined ? undefined : unlessRefused(() => recordOf(asked, bytes, by));
}

function recordOf(asked: RulingCase, bytes: Uint8Array, by: Side): Shown {
  const publicKey = by === 'customer' ? asked.customerKey : asked.merchantKey;
  const record = readRecord(bytes, { ...ofDeposit(asked), by, publicKey });
  const { released } = record;
  return { by, record, proof: released && unlessRefused(() => proofOf(asked, released)) };
}

function proofOf(asked: RulingCase, released: Released): ReleasedProof {
  return readReleased(released, { ...ofDeposit(asked), customerKey: asked.customerKey });
}

function ofDeposit({ transaction, deposit }: RulingCase) {
  return { transaction, currency: deposit.currency };
}

function takeRecord(evidence: Evidence, { by, record, proof }: Shown, holder: Side): void {
  // The customer's word against himself; the merchant's word for itself is worth what it proves.
  if (by === 'customer') evidence.values.push(record);
  if (by !== holder) evidence.heads.push({ signer: by, count: record.count, head: record.head });
  if (record.released !== undefined && proof === undefined) evidence.unfit++;
  if (proof !== undefined) takeProof(evidence, proof, holder);
}

function takeProof(evidence: Evidence, { checkpoint, value, wordsFit }: ReleasedProof, holder: Side): void {
  evidence.values.push(value);
  if (!wordsFit) evidence.unfit++;
  if (holder === 'merchant') {
    evidence.heads.push({ signer: 'customer', count: checkpoint.count, head: checkpoint.head });
  }
}

function takeFurther(evidence: Evidence, asked: RulingCase, { by, record, released }: FurtherEvidence): void {
  if (record !== undefined) {
    const shown =
      unlessRefused(() => recordOf(asked, record, 'customer')) ??
      unlessRefused(() => recordOf(asked, record, 'merchant'));
    if (shown === undefined) evidence.unfit++;
    else takeRecord(evidence, shown, by);
  }
  if (released !== undefined) {
    const proof = unlessRefused(() => proofOf(asked, released));
    if (proof === undefined) evidence.unfit++;
    else takeProof(evidence, proof, by);
  }
}

function nanoIn({ units, unitNano }: Value): bigint {
  return BigInt(units) * BigInt(unitNano);
}

/** By what it is worth; among equals the smaller unit, then what is shown, so that the order of evidence does not matter. */
function higher(a: Value, b: Value): Value {
  const [worthA, worthB] = [nanoIn(a), nanoIn(b)];
  if (worthA !== worthB) return worthA > worthB ? a : b;
  if (a.units !== b.units) return a.units > b.units ? a : b;
  return Buffer.compare(shownIn(a), shownIn(b)) >= 0 ? a : b;
}

function shownIn({ released }: Value): Uint8Array {
  return released === undefined ? new Uint8Array() : encodeCbor(releasedShape.encode(released));
}

function paidOf(highest: Value, deposit: Amount): Pick<Ruling, 'paidUnits' | 'unitNano' | 'paid'> {
  const nano = nanoIn(highest);
  if (nano === 0n) return { paidUnits: 0, unitNano: 0, paid: { currency: deposit.currency, minor: 0n } };
  const { unitNano } = highest;
  const guaranteed = nanoOf(deposit).nano;
  if (nano > guaranteed) return { paidUnits: Number(guaranteed / BigInt(unitNano)), unitNano, paid: deposit };
  return { paidUnits: highest.units, unitNano, paid: roundNano({ currency: deposit.currency, nano }) };
}

function reasonOfRecord(bytes: Uint8Array | undefined, shown: Shown | undefined, side: Side): string | undefined {
  if (bytes === undefined) return `The ${side} was silent: the other side’s evidence decides.`;
  return shown === undefined ? `What the ${side} sent is no record of this deposit: it counts as silence.` : undefined;
}

function reasonOfClaim(shown: Shown | undefined, highest: Value, asked: RulingCase): string | undefined {
  if (shown === undefined) return undefined;
  const { by, record } = shown;
  const [claimed, proven] = [nanoIn(record), nanoIn(highest)];
  if (claimed === proven) return `The ${by} says the same.`;
  const said = `The ${by} says ${worded(record, asked)}`;
  return claimed > proven ? `${said}: what it does not prove does not count.` : `${said}: the proof is higher.`;
}

function worded(value: Value, { deposit: { currency } }: RulingCase): string {
  const nano = nanoIn(value);
  return `${formatNano({ currency, nano })} (${value.units} units)`;
}
