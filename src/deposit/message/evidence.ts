/** What a side's signed record and released words prove by themselves, before anything is compared (US 09/718,411, claims 10 and 11). */
import type { KeyObject } from 'node:crypto';
import { readMessage } from '../../crypto/signed-message.ts';
import { HandselError } from '../../handsel-error.ts';
import { type Checkpoint, checkpointType } from './checkpoint.ts';
import { type Released, type TransactionRecord, transactionRecordType } from './conclusion.ts';
import { DepositError } from './deposit-error.ts';
import { provenUnits } from './tab.ts';

export type Side = 'customer' | 'merchant';

/** A value under the customer's signature, in units of `unitNano`. */
export interface Value {
  readonly units: number;
  readonly unitNano: number;
  /** What shows it to others; a record of the customer's shows its own value by itself. */
  readonly released?: Released;
}

export interface ReleasedProof {
  readonly checkpoint: Checkpoint;
  readonly value: Value;
  /** False when only the checkpoint counts, because a word is not of its chains. */
  readonly wordsFit: boolean;
}

/** The deposit that evidence has to be of. */
export interface EvidenceOf {
  readonly transaction: string;
  /** The merchant's. */
  readonly currency: string;
}

/**
 * A record its side has signed for this deposit. What it claims is not proven by that.
 * @throws CryptographicError for a wrong signature; MessageError; DepositError `RECORD_UNFIT` for another deposit's or side's
 */
export function readRecord(
  bytes: Uint8Array,
  expected: EvidenceOf & { readonly by: Side; readonly publicKey: KeyObject },
): TransactionRecord {
  const message = readMessage(transactionRecordType, bytes);
  message.requireSignature(expected.publicKey);
  const { value } = message;
  if (value.by !== expected.by) throw new DepositError('RECORD_UNFIT', `expected a record of the ${expected.by}`);
  requireOfDeposit(value, expected);
  return value;
}

/**
 * What the customer released: a checkpoint without fitting words still proves its own value.
 * @throws CryptographicError for a wrong signature; MessageError; DepositError `RECORD_UNFIT` for another deposit's checkpoint
 */
export function readReleased(
  released: Released,
  expected: EvidenceOf & { readonly customerKey: KeyObject },
): ReleasedProof {
  const message = readMessage(checkpointType, released.checkpoint);
  message.requireSignature(expected.customerKey);
  const checkpoint = message.value;
  requireOfDeposit(checkpoint, expected);
  const { units, unitNano } = checkpoint;
  const proven = unlessRefused(() => provenUnits(checkpoint, released));
  if (proven === undefined) return { checkpoint, value: { units, unitNano, released }, wordsFit: false };
  return {
    checkpoint,
    value: { units: Math.min(proven, Number.MAX_SAFE_INTEGER), unitNano, released },
    wordsFit: true,
  };
}

/** Undefined when the evidence is refused: a ruling goes on without it. Faults of ours still come through. */
export function unlessRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof HandselError) return undefined;
    throw error;
  }
}

function requireOfDeposit(value: EvidenceOf, { transaction, currency }: EvidenceOf): void {
  if (value.transaction !== transaction) throw new DepositError('RECORD_UNFIT', `expected evidence of ${transaction}`);
  if (value.currency !== currency) throw new DepositError('RECORD_UNFIT', `expected evidence in ${currency}`);
}
