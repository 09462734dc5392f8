/** The bank's rate table on its own (ERI-B), for devices whose table is past its lifespan: a question, so nothing is written down. */
import { signMessage } from '../../crypto/signed-message.ts';
import { DepositError } from '../message/deposit-error.ts';
import { ratesRequestType } from '../message/rates-request.ts';
import { rateTableType } from '../message/session-rate.ts';
import type { AccountPolicy, Validate } from './account-policy.ts';
import type { AccountState } from './account-state.ts';
import { requireCustomer } from './keep-accounts.ts';
import { readSigned } from './receive-customer.ts';

/** A signed rate table for the customer's account. @throws CryptographicError, MessageError, DepositError */
export function answerRates(
  bytes: Uint8Array,
  given: {
    readonly policy: Pick<AccountPolicy, 'rateTable' | 'signer'>;
    readonly validateCustomer: Validate;
    readonly state: Readonly<AccountState>;
    readonly nowMs: number;
  },
): Uint8Array {
  const { policy, validateCustomer, state, nowMs } = given;
  const { name, value } = readSigned(ratesRequestType, bytes, validateCustomer);
  const { currency } = requireCustomer(state.ledger, name);
  if (value.currency !== currency) throw new DepositError('RATE_UNKNOWN', `the account is kept in ${currency}`);
  return signMessage(rateTableType, policy.rateTable(currency, nowMs), policy.signer);
}
