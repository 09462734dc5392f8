/**
 * Opening a deposit at the mediating trusted agent (US 09/718,411, claims 4 to 9): the merchant is told of money that is guaranteed to it,
 * and the customer's operator of the rate and of the merchant's key.
 */
import { requireReadable, type Signer, signMessage } from '../../crypto/signed-message.ts';
import { CryptographicError, HandselError } from '../../handsel-error.ts';
import type { Decision, Env } from '../../journal/machine.ts';
import type { Amount } from '../../money/amount.ts';
import { convertAmount } from '../../money/rate.ts';
import { CLEARING_GRACE_MS } from '../message/conclusion.ts';
import { DepositError } from '../message/deposit-error.ts';
import {
  depositRefusedType,
  type Information,
  informationType,
  operatorAcknowledgementType,
} from '../message/initiation.ts';
import { routeOf } from '../message/route.ts';
import { issueTemporaryCertificate } from '../message/temporary-certificate.ts';
import type { InitiationInput, ReplyInput } from './acquirer-input.ts';
import {
  type AcquirerPolicy,
  acknowledgeMs,
  type KnownMerchant,
  type KnownOperator,
  longestMs,
  maxOpen,
} from './acquirer-policy.ts';
import { type AcquirerRecord, type AcquirerState, type Deposit, depositKey, exposureTo } from './acquirer-state.ts';
import { agreedRate } from './agreed-rate.ts';
import { timerOf } from './timer.ts';

type AcquirerDecision = Decision<AcquirerRecord>;

/**
 * Answered later, when the merchant has spoken or its time is over. A refusal is an answer, too, said once and for all: a delayed copy of
 * the message must not open what the other operator has given up.
 */
export function decideInitiation(
  state: AcquirerState,
  input: InitiationInput,
  env: Env,
  policy: AcquirerPolicy,
): AcquirerDecision {
  const { transaction } = input.initiation;
  if (state.deposits.has(transaction)) throw refused('the deposit is open already');
  // Nothing is remembered of strangers: each of them could fill the journal with refusals.
  const customerOperator = policy.operators.get(input.operator);
  if (customerOperator === undefined) throw new DepositError('OPERATOR_UNKNOWN', 'nothing is cleared with you here');
  try {
    return openDeposit(state, { ...input, customerOperator }, env, policy);
  } catch (error) {
    if (!(error instanceof HandselError)) throw error;
    const told = { transaction, code: error.code, detail: error.message.slice(0, 200) };
    return { records: [], answer: signMessage(depositRefusedType, told, policy.signer) };
  }
}

function openDeposit(
  state: AcquirerState,
  input: InitiationInput & { readonly customerOperator: KnownOperator },
  env: Env,
  policy: AcquirerPolicy,
): AcquirerDecision {
  const { initiation, operator, customerOperator, customerKey } = input;
  const { transaction, endsAtMs, merchant } = initiation;
  const knownMerchant = requireMerchant(input, policy);
  requireTime(input, env, policy);
  const rate = agreedRate(initiation, policy, env.nowMs);
  const amount = convertAmount(initiation.deposit, rate);
  const exposed = operator !== policy.name;
  if (amount.minor <= 0n) throw refused('the deposit is less than the least in the merchant’s currency');
  if ((state.openOf.get(operator) ?? 0) >= maxOpen(policy)) throw refused('too many deposits are open');
  if (exposed) requireWithinLimit(state, operator, customerOperator, amount);
  const deposit: Deposit = {
    ...{ transaction, accountManager: operator, merchant, deposit: amount, rate, endsAtMs, customerKey, exposed },
    accountManagerUrl: exposed ? customerOperator.url : policy.accountManagerUrl,
    merchantUrl: knownMerchant.url,
  };
  return {
    records: [{ type: 'asked', deposit, atMs: env.nowMs }],
    keys: [depositKey(transaction)],
    send: [
      {
        id: informationId(transaction),
        to: routeOf(knownMerchant.url, informationType),
        kind: informationType.name,
        body: informationOf(input, deposit, policy),
        expiresAtMs: Math.min(env.nowMs + acknowledgeMs(policy), endsAtMs),
      },
    ],
  };
}

const INFORMATION = 'information:';
export const informationId = (transaction: string) => `${INFORMATION}${transaction}`;
const refused = (why: string) => new DepositError('DEPOSIT_REFUSED', why);

function requireMerchant({ initiation }: InitiationInput, { name, merchants }: AcquirerPolicy): KnownMerchant {
  if (initiation.merchantOperator !== name) throw new DepositError('OPERATOR_UNKNOWN', 'another operator is asked');
  const knownMerchant = merchants.get(initiation.merchant);
  if (knownMerchant === undefined)
    throw new DepositError('MERCHANT_UNKNOWN', 'the merchant has no account at its operator');
  if (initiation.merchantCurrency !== knownMerchant.currency) {
    throw refused(`the merchant’s currency is ${knownMerchant.currency}`);
  }
  return knownMerchant;
}

function requireTime({ initiation, notAfterMs }: InitiationInput, { nowMs }: Env, policy: AcquirerPolicy): void {
  const { endsAtMs } = initiation;
  if (endsAtMs <= nowMs) throw refused('the deposit is over before it begins');
  if (endsAtMs > nowMs + longestMs(policy)) throw refused(`deposits end within ${longestMs(policy)} ms here`);
  if (notAfterMs < endsAtMs) throw new DepositError('CERTIFICATE_UNFIT', 'the voucher ends before the deposit does');
}

/** Open deposits count in full: each of them may be spent to the end. */
function requireWithinLimit(state: AcquirerState, operator: string, { limits }: KnownOperator, amount: Amount): void {
  const limit = limits.find(({ currency }) => currency === amount.currency)?.theyMayOweMinor ?? 0n;
  const { openMinor, clearedMinor } = exposureTo(state, operator, amount.currency);
  if (openMinor + clearedMinor + amount.minor > limit) {
    throw new DepositError('CREDIT_EXCEEDED', `the operator may not owe us so much ${amount.currency}`);
  }
}

/** The certificate signed anew: the merchant needs to know no other operator than its own (ERI-E). */
function informationOf(
  { initiation, customerKey, notAfterMs }: InitiationInput,
  { transaction, merchant, deposit }: Deposit,
  { name, signer }: AcquirerPolicy,
): Uint8Array {
  const { customer, idleMs, endsAtMs } = initiation;
  const certificate = issueTemporaryCertificate(
    {
      ...{ transaction, of: 'customer', key: customerKey, issuer: name },
      notAfterMs: Math.min(notAfterMs, endsAtMs + CLEARING_GRACE_MS),
    },
    withoutChain(signer),
  );
  const information: Information = { transaction, merchant, customer, deposit, certificate, idleMs, endsAtMs };
  const signed = signMessage(informationType, information, signer);
  requireReadable(informationType, information, signed);
  return signed;
}

/** For certificates: the message around them carries the chain. */
const withoutChain = ({ privateKey }: Signer): Signer => ({ privateKey });

/** Claims 6 to 8. */
export function decideAcknowledged(
  { deposits }: AcquirerState,
  { transaction, merchant, merchantKey, url }: Extract<ReplyInput, { type: 'acknowledged' }>,
  env: Env,
  { name, signer }: AcquirerPolicy,
): AcquirerDecision {
  const open = deposits.get(transaction);
  if (open === undefined || open.merchantKey !== undefined) return { records: [] };
  if (merchant !== open.merchant) throw new CryptographicError(new Error(`acknowledged by ${merchant}`));
  const { rate, deposit, endsAtMs } = open;
  const certificate = issueTemporaryCertificate(
    { transaction, of: 'merchant', key: merchantKey, issuer: name, notAfterMs: endsAtMs + CLEARING_GRACE_MS },
    withoutChain(signer),
  );
  const acknowledgement = { transaction, rate, deposit, certificate, url };
  return {
    records: [{ type: 'opened', transaction, merchantKey, atMs: env.nowMs }],
    keys: [depositKey(transaction)],
    answers: [answerTo(transaction, signMessage(operatorAcknowledgementType, acknowledgement, signer))],
    timers: [timerOf(transaction, endsAtMs)],
  };
}

/** The merchant will not, or does not answer: the money is free again. */
export function decideDeclined(
  { deposits }: AcquirerState,
  { transaction, code, detail }: Extract<ReplyInput, { type: 'declined' }>,
  env: Env,
  { signer }: AcquirerPolicy,
): AcquirerDecision {
  const open = deposits.get(transaction);
  if (open === undefined || open.merchantKey !== undefined) return { records: [] };
  return {
    records: [{ type: 'refused', transaction, code, detail, atMs: env.nowMs }],
    keys: [depositKey(transaction)],
    answers: [answerTo(transaction, signMessage(depositRefusedType, { transaction, code, detail }, signer))],
  };
}

/** To the amended initiation, which waits under this identity. */
const answerTo = (transaction: string, body: Uint8Array) => ({ messageId: `amended-initiation:${transaction}`, body });
