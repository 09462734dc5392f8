/**
 * Clearing information that another shard of ours has booked. Its payer has paid, so that it is never refused here: what cannot be done yet
 * is asked for again, and stands in the position between the two shards until then.
 */
import { sha256 } from '../../crypto/digest.ts';
import { decodeShape, readMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env } from '../../journal/machine.ts';
import type { LedgerCommand } from '../../ledger/command.ts';
import { carriedClearingType } from '../message/carried-clearing.ts';
import { clearingInformationType } from '../message/conclusion.ts';
import { DepositError } from '../message/deposit-error.ts';
import type { CarriedInput } from './account-input.ts';
import type { AccountPolicy } from './account-policy.ts';
import type { AccountRecord } from './account-record.ts';
import type { AccountState } from './account-state.ts';
import { payeePart, requirePayee } from './credit-payee.ts';
import { ACKNOWLEDGED } from './keep-accounts.ts';
import { askAgain, requireLedger } from './ledger-step.ts';
import type { Arrived } from './receive-customer.ts';
import { betweenShards } from './shard-map.ts';

/** From nobody but a shard of ours, which has checked the signature. @throws CryptographicError, MessageError */
export function receiveCarried(bytes: Uint8Array): Arrived<CarriedInput> {
  const { from, operator, clearing: signed } = decodeShape(carriedClearingType, bytes);
  const clearing = readMessage(clearingInformationType, signed).value;
  const input: CarriedInput = { type: 'carried', from, operator, clearing, bytes: signed };
  return { messageId: `carried:${clearing.transaction}`, digest: sha256(bytes), input };
}

export function decideCarried(
  state: AccountState,
  input: CarriedInput,
  env: Env,
  policy: AccountPolicy,
): Decision<AccountRecord> {
  try {
    return creditPayee(state, input, env, policy);
  } catch (refused) {
    if (refused instanceof DepositError) throw askAgain(refused.message);
    throw refused;
  }
}

function creditPayee(
  { ledger }: AccountState,
  input: CarriedInput,
  env: Env,
  policy: AccountPolicy,
): Decision<AccountRecord> {
  const { transaction, paid } = input.clearing;
  const payee = requirePayee(ledger, input, policy);
  if (payee.elsewhere !== undefined) throw new DepositError('OPERATOR_UNKNOWN', 'another shard keeps the payee');
  const leg = { from: betweenShards(policy.name, input.from, paid.currency), to: payee.account, amount: paid };
  const commands: LedgerCommand[] = paid.minor === 0n ? [] : [{ type: 'transfer', id: transaction, legs: [leg] }];
  const steps = requireLedger(ledger, env, ...commands);
  const { records, keys, send } = payeePart(input, payee, env, policy);
  return { records: [...steps, ...records], keys, send, answer: ACKNOWLEDGED };
}
