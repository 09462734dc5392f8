/**
 * Initiation (US 09/718,411, claims 1, 3, 4 and 9): the deposit is set aside on the customer's account, and the operator vouches for it
 * towards the merchant's operator. The ledger's hold is what keeps deposits within credit, however many are opened at once (ERI-F).
 */
import { toHex } from '../../codec/hex.ts';
import { signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env, Outgoing } from '../../journal/machine.ts';
import { findAccount, type LedgerState } from '../../ledger/ledger.ts';
import type { Amount } from '../../money/amount.ts';
import { convertAmount, type Rate } from '../../money/rate.ts';
import { CLEARING_GRACE_MS } from '../message/conclusion.ts';
import { DepositError } from '../message/deposit-error.ts';
import { partsOfTransaction } from '../message/identity.ts';
import {
  type AmendedInitiation,
  amendedInitiationType,
  type DepositRefused,
  depositRefusedType,
  type Initiation,
} from '../message/initiation.ts';
import { routeOf } from '../message/route.ts';
import { issueTemporaryCertificate } from '../message/temporary-certificate.ts';
import type { InitiationInput } from './account-input.ts';
import { type AccountPolicy, longestMs, mostDeposits, openingMs, urlOf } from './account-policy.ts';
import { type AccountRecord, type DepositTerms, depositKey } from './account-record.ts';
import type { AccountState, Session } from './account-state.ts';
import { holdElsewhere } from './elsewhere-message.ts';
import { requireCustomer } from './keep-accounts.ts';
import { customerAccount, exchangeAccount, MAX_SAID_MINOR, requireLedger } from './ledger-step.ts';
import { payeeOf } from './payee.ts';

const IDENTIFIER_LENGTH = 16;

export function decideInitiation(
  state: AccountState,
  { customer, initiation }: InitiationInput,
  env: Env,
  policy: AccountPolicy,
): Decision<AccountRecord> {
  const { transaction, deposit } = initiation;
  const session = requireWaiting(state, customer, initiation);
  // Cents are enough for a deposit, and acquirers take only so many from all customers of an operator together.
  if ((state.depositsOf.get(customer) ?? 0) >= mostDeposits(policy)) {
    throw new DepositError('DEPOSIT_REFUSED', `a customer has at most ${mostDeposits(policy)} deposits at a time`);
  }
  const terms = termsOf(state, customer, initiation, env, policy);

  const { idleMs } = initiation;
  if (policy.accountsElsewhere === true) {
    if (state.asking.has(transaction))
      throw new DepositError('DEPOSIT_UNKNOWN', 'the accounts have been asked already');
    return {
      records: [{ type: 'asked', transaction, terms, idleMs, atMs: env.nowMs }],
      keys: [depositKey(transaction)],
      send: [holdElsewhere(transaction, terms, openedBy(terms, env, policy))],
    };
  }
  const { available } = requireCustomer(state.ledger, customer);
  if (deposit.minor > available) return decline(transaction, env, policy);
  return vouchFor({ transaction, session, terms, idleMs }, state, env, policy);
}

/** What was asked for is there: it is held here, and the other operator gets our word. */
export function vouchFor(
  wanted: {
    readonly transaction: string;
    readonly session: Session;
    readonly terms: DepositTerms;
    readonly idleMs: number;
    readonly available?: Amount | undefined;
  },
  { ledger }: AccountState,
  env: Env,
  policy: AccountPolicy,
): Decision<AccountRecord> {
  const { transaction, session, terms, available } = wanted;
  const { customer, deposit, heldUntilMs } = terms;
  const hold = { type: 'hold' as const, id: transaction, account: customerAccount(customer), amount: deposit };
  const held = requireLedger(ledger, env, { ...hold, expiresAtMs: heldUntilMs });
  const identifier = session.identifier ?? toHex(env.random(IDENTIFIER_LENGTH));
  const vouched = { transaction, identifier, terms, ...(available && { available }) };
  return {
    records: [...held, { type: 'vouched', ...vouched, atMs: env.nowMs }],
    keys: [depositKey(transaction)],
    send: [amend({ ...wanted, identifier }, env, policy)],
    timers: [{ id: holdTimer(transaction), atMs: heldUntilMs }],
  };
}

function decline(transaction: string, env: Env, policy: AccountPolicy): Decision<AccountRecord> {
  const detail = 'the account has less available than this deposit';
  return {
    records: [{ type: 'declined', transaction, atMs: env.nowMs }],
    keys: [depositKey(transaction)],
    answer: signRefused({ transaction, code: 'CREDIT_EXCEEDED', detail }, policy),
  };
}

/** Whether a transaction is another's or none at all looks the same from outside. */
export function unknownToCustomer(): DepositError {
  return new DepositError('DEPOSIT_UNKNOWN', 'no such transaction of this customer waits to be initiated');
}

function requireWaiting({ sessions }: AccountState, customer: string, { transaction, merchant }: Initiation): Session {
  const { session: id, sequence } = partsOfTransaction(transaction);
  const session = sessions.get(id);
  if (session === undefined || session.customer !== customer || !session.waiting.includes(sequence)) {
    throw unknownToCustomer();
  }
  if (session.merchant !== merchant) throw new DepositError('MERCHANT_UNKNOWN', 'the session is with another merchant');
  return session;
}

function termsOf(
  { ledger }: AccountState,
  customer: string,
  initiation: Initiation,
  env: Env,
  policy: AccountPolicy,
): DepositTerms {
  const { deposit, merchant, merchantOperator, merchantCurrency, key, endsAtMs } = initiation;
  const { currency } = requireCustomer(ledger, customer);
  if (deposit.currency !== currency) {
    throw new DepositError('DEPOSIT_REFUSED', `a deposit from this account is in ${currency}`);
  }
  if (endsAtMs <= env.nowMs || endsAtMs > env.nowMs + longestMs(policy)) {
    throw new DepositError('DEPOSIT_REFUSED', 'the end of the deposit is past or too far away');
  }
  requireClearable(ledger, initiation, policy);
  const proposed = proposedRate(deposit.currency, merchantCurrency, env, policy);
  if (proposed !== null) {
    const { minor } = convertAmount(deposit, proposed);
    if (minor <= 0n || minor > MAX_SAID_MINOR) {
      throw new DepositError('DEPOSIT_REFUSED', `the deposit is no amount in ${merchantCurrency}`);
    }
  }
  const heldUntilMs = endsAtMs + CLEARING_GRACE_MS;
  return { customer, merchant, merchantOperator, deposit, merchantCurrency, key, proposed, endsAtMs, heldUntilMs };
}

/** What could not be paid in the end is not vouched for in the beginning. */
function requireClearable(ledger: LedgerState, initiation: Initiation, policy: AccountPolicy): void {
  const { deposit, merchant, merchantOperator, merchantCurrency } = initiation;
  if (!policy.operators.has(merchantOperator)) {
    throw new DepositError('OPERATOR_UNKNOWN', 'nothing is cleared with this operator');
  }
  const own = merchantOperator === policy.name;
  const payee = payeeOf({ operator: merchantOperator, merchant, currency: merchantCurrency }, policy);
  // Another shard's accounts cannot be looked at from here. Our own acquirer knows what its merchants take, and says no by itself.
  const unknown = payee.elsewhere !== undefined && own && policy.merchantUrl(merchant) === undefined;
  const missing = unknown || findAccount(ledger, payee.account) === undefined;
  if (missing && own)
    throw new DepositError('MERCHANT_UNKNOWN', 'the merchant has no account in this currency at its operator');
  if (missing)
    throw new DepositError('OPERATOR_UNKNOWN', `nothing in ${merchantCurrency} is cleared with this operator`);
  if (deposit.currency === merchantCurrency) return;
  const exchanged = [deposit.currency, merchantCurrency].map((currency) => exchangeAccount(currency));
  if (exchanged.some((account) => findAccount(ledger, account) === undefined)) {
    throw new DepositError('RATE_UNKNOWN', `${merchantCurrency} is not exchanged here`);
  }
}

function proposedRate(from: string, to: string, { nowMs }: Env, policy: AccountPolicy): Rate | null {
  if (from === to) return { from, to, numerator: 1n, denominator: 1n };
  const { rates, validUntilMs } = policy.rateTable(from, nowMs);
  if (validUntilMs < nowMs) return null;
  return rates.find((rate) => rate.from === from && rate.to === to) ?? null;
}

function amend(
  vouched: {
    readonly transaction: string;
    readonly identifier: string;
    readonly terms: DepositTerms;
    readonly idleMs: number;
  },
  env: Env,
  policy: AccountPolicy,
): Outgoing {
  const { transaction, idleMs, terms } = vouched;
  const { merchant, merchantCurrency, deposit, endsAtMs, key, proposed, heldUntilMs, merchantOperator } = terms;
  // Without the chain, which the message around it carries.
  const signer = { privateKey: policy.signer.privateKey };
  const amended: AmendedInitiation = {
    ...{ transaction, deposit, merchant, merchantOperator, merchantCurrency, idleMs, endsAtMs },
    customer: vouched.identifier,
    ...(proposed === null ? {} : { rate: proposed }),
    // Records are signed with the key, too, and come after the end.
    certificate: issueTemporaryCertificate(
      { transaction, of: 'customer', key, issuer: policy.name, notAfterMs: heldUntilMs },
      signer,
    ),
  };
  return {
    id: amendedInitiationId(transaction),
    to: routeOf(urlOf(policy, merchantOperator), amendedInitiationType),
    kind: amendedInitiationType.name,
    body: signMessage(amendedInitiationType, amended, policy.signer),
    expiresAtMs: openedBy(terms, env, policy),
  };
}

/** Until then a deposit is open, or it will not be. */
function openedBy({ endsAtMs }: DepositTerms, env: Env, policy: AccountPolicy): number {
  return Math.min(endsAtMs, env.nowMs + openingMs(policy));
}

export function signRefused(refused: DepositRefused, { signer }: AccountPolicy): Uint8Array {
  return signMessage(depositRefusedType, refused, signer);
}

export const amendedInitiationId = (transaction: string) => `amended-initiation:${transaction}`;
export const holdTimer = (transaction: string) => `hold:${transaction}`;
/** Of the message that waits for the answer. */
export const initiationId = (transaction: string) => `initiation:${transaction}`;
