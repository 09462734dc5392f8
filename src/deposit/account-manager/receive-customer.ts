/**
 * The door for customers. Everything is read, bounded and its signature checked here; what comes out goes to `Host.handle` as it is, which
 * does the same message once and answers a repetition alike.
 */
import type { KeyObject } from 'node:crypto';
import { importPoint } from '../../crypto/agreement.ts';
import { sha256 } from '../../crypto/digest.ts';
import { encodeShape, type MessageType, readMessage, type SignedMessage } from '../../crypto/signed-message.ts';
import { CryptographicError } from '../../handsel-error.ts';
import type { Host } from '../../journal/host.ts';
import { transactionRecordType } from '../message/conclusion.ts';
import { DepositError } from '../message/deposit-error.ts';
import { partsOfTransaction } from '../message/identity.ts';
import { initiationType, logOnType } from '../message/initiation.ts';
import type { AccountInput, InitiationInput, LogOnInput, RecordInput } from './account-input.ts';
import type { Validate } from './account-policy.ts';
import { type AccountRecord, depositKey } from './account-record.ts';
import type { AccountState } from './account-state.ts';
import { initiationId, unknownToCustomer } from './initiate.ts';
import { recordId } from './take-record.ts';

/** For `Host.handle`. */
export interface Arrived<I> {
  readonly messageId: string;
  readonly digest: Uint8Array;
  readonly input: I;
}

/** @throws CryptographicError, MessageError, DepositError */
export function receiveLogOn(bytes: Uint8Array, validateCustomer: Validate): Arrived<LogOnInput> {
  const { name: customer, value: logOn } = readSigned(logOnType, bytes, validateCustomer);
  // What is asked for, not when or with which signature: a device that signs its request again gets the same identities.
  const digest = sha256(encodeShape(logOnType, { ...logOn, atMs: 0 }));
  return { messageId: `log-on:${customer}:${logOn.reference}`, digest, input: { type: 'log-on', customer, logOn } };
}

/**
 * Transactions can be guessed, and who is first with one has its name: a customer is refused here already what is another one's.
 * @throws CryptographicError, MessageError, DepositError
 */
export function receiveInitiation(
  bytes: Uint8Array,
  validateCustomer: Validate,
  { sessions }: Pick<AccountState, 'sessions'>,
): Arrived<InitiationInput> {
  const { name: customer, value: initiation } = readSigned(initiationType, bytes, validateCustomer);
  const { transaction } = initiation;
  const session = sessions.get(partsOfTransaction(transaction).session);
  if (session !== undefined && session.customer !== customer) throw unknownToCustomer();
  importPoint(initiation.key);
  const input: InitiationInput = { type: 'initiation', customer, initiation };
  return { messageId: initiationId(transaction), digest: sha256(bytes), input };
}

/** What is known of a deposit that is open or has been: its customer's temporary key, and how it ended. */
export interface KnownDeposit {
  readonly key: Uint8Array;
  readonly ended?: { readonly statement?: Uint8Array };
}

/** @throws CryptographicError, MessageError, DepositError */
export async function receiveRecord(
  bytes: Uint8Array,
  find: (transaction: string) => Promise<KnownDeposit | undefined>,
): Promise<Arrived<RecordInput>> {
  const message = readMessage(transactionRecordType, bytes);
  const { value: record } = message;
  partsOfTransaction(record.transaction);
  const known = await find(record.transaction);
  if (known === undefined) throw new DepositError('DEPOSIT_UNKNOWN', 'there is no such deposit');
  message.requireSignature(importPoint(known.key));
  if (record.by !== 'customer') throw new DepositError('RECORD_UNFIT', 'expected a record of the customer');
  const { ended } = known;
  const input: RecordInput = { type: 'record', record, bytes, ...(ended === undefined ? {} : { ended }) };
  return { messageId: recordId(record.transaction), digest: sha256(bytes), input };
}

/** Looks among the open deposits, then in the journal. */
export async function findDeposit(
  host: Pick<Host<AccountState, AccountInput, AccountRecord>, 'state' | 'readByKey'>,
  transaction: string,
): Promise<KnownDeposit | undefined> {
  const open = host.state.deposits.get(transaction);
  if (open !== undefined) return { key: open.key };
  let known: KnownDeposit | undefined;
  for (const record of await host.readByKey(depositKey(transaction))) {
    if (!('transaction' in record) || record.transaction !== transaction) continue;
    if (record.type === 'vouched') known = { key: record.terms.key };
    if (known === undefined) continue;
    if (record.type === 'withdrawn') known = { ...known, ended: { statement: record.statement } };
    if (record.type === 'refused' || record.type === 'lapsed') known = { ...known, ended: {} };
  }
  // Ended in a decision that is not in the journal yet, or not so far open: nothing to say for now.
  return known;
}

/** @throws CryptographicError, MessageError */
export function readSigned<T>(
  type: MessageType<T>,
  bytes: Uint8Array,
  validate: Validate,
): SignedMessage<T> & { readonly name: string; readonly publicKey: KeyObject } {
  const message = readMessage(type, bytes);
  const signer = whoIs(message.certificateChain, validate);
  message.requireSignature(signer.publicKey);
  return { ...message, ...signer };
}

function whoIs(chain: readonly Uint8Array[], validate: Validate): ReturnType<Validate> {
  try {
    return validate(chain);
  } catch (cause) {
    throw cause instanceof CryptographicError ? cause : new CryptographicError(cause);
  }
}
