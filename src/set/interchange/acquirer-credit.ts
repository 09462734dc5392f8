/**
 * Giving back what was captured (ISO 8583:1987, 0220 with processing code 20): the issuer credits the card, then the merchant's account is
 * debited, in whichever batch is open. Whether it is owed is for whoever asks; that no more is given back than was captured, too, because
 * what is settled is not known here any more.
 */
import type { Env } from '../../journal/machine.ts';
import { clearingAccount } from '../../ledger/clearing.ts';
import { findAccount } from '../../ledger/ledger.ts';
import type { CardResponse, CreditAdvice } from '../message/card-message.ts';
import { encodeCardResponse, responseTo } from '../message/card-message-codec.ts';
import { creditKeyOf, paymentKeyOf } from '../message/card-message-identity.ts';
import { RESPONSE_CODES } from '../message/response-code.ts';
import {
  type AcquirerDecision,
  type AcquirerPolicy,
  type Arrived,
  answered,
  issuerOf,
  merchantAccount,
  merchantKey,
  outboxId,
  toNetwork,
} from './acquirer-request.ts';
import type { AcquiredCredit, AcquirerState } from './acquirer-state.ts';
import { InterchangeError } from './interchange-error.ts';
import { requireLedger } from './ledger-step.ts';

/** Of a merchant that is no longer served, too: it keeps its account, and what it owes. */
export function decideCredit(
  state: AcquirerState,
  { messageId, request }: Arrived<CreditAdvice>,
  policy: AcquirerPolicy,
): AcquirerDecision {
  const { merchantId, amount, stan, transmittedAt } = request;
  if (request.acquirerId !== policy.acquirerId) return answered(request, RESPONSE_CODES.invalidTransaction);
  if (findAccount(state.ledger, merchantAccount(merchantId, amount.currency)) === undefined) {
    return answered(request, RESPONSE_CODES.invalidMerchant);
  }
  const issuerId = issuerOf(policy, request.pan);
  if (issuerId === undefined) return answered(request, RESPONSE_CODES.noSuchIssuer);
  const payment = paymentKeyOf(request);
  const known = state.payments.get(payment);
  const isOther = known !== undefined && (known.merchantId !== merchantId || known.amount.currency !== amount.currency);
  if (isOther || (known !== undefined && known.status !== 'captured')) {
    return answered(request, RESPONSE_CODES.invalidTransaction);
  }
  if (known !== undefined && (known.creditedMinor ?? 0n) + amount.minor > known.amount.minor) {
    return answered(request, RESPONSE_CODES.invalidAmount);
  }
  const key = creditKeyOf(request);
  const { batch } = state;
  const waiting = { messageId, answer: responseTo(request, RESPONSE_CODES.approved) };
  const credit = { payment, issuerId, merchantId, amount, batch, waiting, asked: { stan, transmittedAt } };
  return {
    records: [{ type: 'crediting', key, credit }],
    keys: [merchantKey(merchantId)],
    // An advice: repeated until it is answered.
    send: [toNetwork(policy, outboxId('credit', key, stan), { ...request, batch })],
  };
}

/** @throws InterchangeError `ANSWER_UNFIT` when it is not the answer to what was asked: the outbox asks again */
export function decideCreditAnswer(
  state: AcquirerState,
  { key, response }: { readonly key: string; readonly response: CardResponse },
  env: Env,
): AcquirerDecision {
  const credit = state.credits.get(key);
  if (credit === undefined) return { records: [] };
  const { asked, batch, merchantId, waiting } = credit;
  if (response.stan !== asked.stan || response.transmittedAt !== asked.transmittedAt || response.type !== 'credit') {
    throw new InterchangeError('ANSWER_UNFIT', 'the answer is not to the credit that was asked for');
  }
  const { responseCode } = response;
  const done = responseCode === RESPONSE_CODES.approved;
  return {
    records: [...(done ? debitMerchant(state, key, credit, env) : []), { type: 'credited', key, done }],
    keys: [merchantKey(merchantId)],
    answers: [{ messageId: waiting.messageId, body: encodeCardResponse({ ...waiting.answer, responseCode }) }],
    inputs: batch < state.batch ? [{ type: 'reconcile' }] : [],
  };
}

function debitMerchant(state: AcquirerState, key: string, { issuerId, merchantId, amount }: AcquiredCredit, env: Env) {
  const { currency } = amount;
  const legs = [{ from: merchantAccount(merchantId, currency), to: clearingAccount(issuerId, currency), amount }];
  return requireLedger(state.ledger, env, { type: 'transfer', id: key, legs });
}
