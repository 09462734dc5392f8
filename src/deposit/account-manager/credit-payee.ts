/** The payee's end of a clearing: the merchant's record and statement, or what we owe its operator; or the message to the shard that does it. */
import { encodeShape, signMessage } from '../../crypto/signed-message.ts';
import type { Env, Outgoing } from '../../journal/machine.ts';
import { findAccount, type LedgerState } from '../../ledger/ledger.ts';
import { billingRecord, type DepositRecord } from '../message/billing-record.ts';
import { carriedClearingType } from '../message/carried-clearing.ts';
import { CLEARING_GRACE_MS, type ClearingInformation, statementType } from '../message/conclusion.ts';
import { DepositError } from '../message/deposit-error.ts';
import { routeOf } from '../message/route.ts';
import type { ClearingInput } from './account-input.ts';
import type { AccountPolicy } from './account-policy.ts';
import { type AccountRecord, accountKey, depositKey } from './account-record.ts';
import { bill, billClearing } from './bill.ts';
import { type Payee, payeeOf } from './payee.ts';

/** What belongs to paying somebody, besides the transfer. */
export interface PayeePart {
  readonly records: readonly AccountRecord[];
  readonly keys: readonly string[];
  readonly send: readonly Outgoing[];
}

export type Cleared = Pick<ClearingInput, 'operator' | 'clearing' | 'bytes'>;

/** @throws DepositError `MERCHANT_UNKNOWN` or `OPERATOR_UNKNOWN` where there is no account for it */
export function requirePayee(ledger: LedgerState, { operator, clearing }: Cleared, policy: AccountPolicy): Payee {
  const { merchant, paid } = clearing;
  const payee = payeeOf({ operator, merchant, currency: paid.currency }, policy);
  if (findAccount(ledger, payee.account) !== undefined) return payee;
  if (operator === policy.name && payee.elsewhere === undefined) {
    throw new DepositError('MERCHANT_UNKNOWN', `the merchant has no account in ${paid.currency} here`);
  }
  throw new DepositError('OPERATOR_UNKNOWN', `nothing in ${paid.currency} is cleared with the merchant's operator`);
}

export function payeePart(cleared: Cleared, payee: Payee, env: Env, policy: AccountPolicy): PayeePart {
  const { operator, clearing } = cleared;
  const { transaction } = clearing;
  if (payee.elsewhere !== undefined) {
    return { records: [], keys: [depositKey(transaction)], send: carry(cleared, payee.elsewhere, policy) };
  }
  if (operator === policy.name) return merchantPart(cleared, env, policy);
  const send = billClearing(clearing, { operator, direction: 'owed', atMs: env.nowMs });
  return { records: [], keys: [depositKey(transaction)], send };
}

function merchantPart({ clearing, bytes }: Cleared, env: Env, policy: AccountPolicy): PayeePart {
  const { transaction, merchant, accountManager, paid } = clearing;
  const record: DepositRecord = { transaction, merchant, accountManager, paid, clearing: bytes, atMs: env.nowMs };
  const returned = { currency: paid.currency, minor: 0n };
  const booked = { clearing: bytes, booked: paid, returned, atMs: env.nowMs };
  const statement = signMessage(statementType, booked, policy.signer);
  return {
    records: [{ type: 'deposited', transaction, deposit: record, statement }],
    keys: [depositKey(transaction), accountKey(merchant)],
    send: [bill(billingRecord('deposit', record)), ...tellMerchant(clearing, statement, env, policy)],
  };
}

function tellMerchant(
  { transaction, merchant }: ClearingInformation,
  statement: Uint8Array,
  env: Env,
  policy: AccountPolicy,
): readonly Outgoing[] {
  const url = policy.merchantUrl(merchant);
  if (url === undefined) return [];
  return [
    {
      id: `statement:${transaction}`,
      to: routeOf(url, statementType),
      kind: statementType.name,
      body: statement,
      expiresAtMs: env.nowMs + CLEARING_GRACE_MS,
    },
  ];
}

/** Until it is acknowledged: money depends on it. Another operator does not care that nothing was bought; a merchant gets its statement. */
function carry(
  { operator, clearing, bytes }: Cleared,
  to: number,
  { name, shard }: AccountPolicy,
): readonly Outgoing[] {
  if (shard === undefined || (clearing.paid.minor === 0n && operator !== name)) return [];
  return [
    {
      id: `carried:${clearing.transaction}`,
      to: `shard:${to}`,
      kind: carriedClearingType.name,
      body: encodeShape(carriedClearingType, { from: shard.number, operator, clearing: bytes }),
    },
  ];
}
