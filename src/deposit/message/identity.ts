/** Identities (ERI-A; US 09/718,411, "A relation between a customer and an account manager"): session and transaction. */
import { text } from '../../codec/shape.ts';
import { DepositError } from './deposit-error.ts';

/** An operator or merchant by the first common name of its certificate: no dots, so that identities can be taken apart. */
export const partyName = text({ min: 1, max: 64 });
/** `accountManager.n` */
export const sessionIdentity = text({ min: 3, max: 84 });
/** `accountManager.n.m` */
export const transactionIdentity = text({ min: 5, max: 104 });

const TRANSACTION = /^([^.\s]{1,64})\.([1-9][0-9]{0,14})\.([1-9][0-9]{0,14})$/;

export function sessionOf(accountManager: string, sequence: number): string {
  return `${accountManager}.${sequence}`;
}

export function transactionOf(session: string, sequence: number): string {
  return `${session}.${sequence}`;
}

export interface TransactionParts {
  readonly accountManager: string;
  readonly session: string;
  readonly sequence: number;
}

/** @throws DepositError `IDENTITY_MALFORMED` */
export function partsOfTransaction(transaction: string): TransactionParts {
  const match = TRANSACTION.exec(transaction);
  if (match === null) throw new DepositError('IDENTITY_MALFORMED', 'expected accountManager.n.m');
  const [, accountManager, session, sequence] = match as unknown as [string, string, string, string];
  return { accountManager, session: `${accountManager}.${session}`, sequence: Number(sequence) };
}
