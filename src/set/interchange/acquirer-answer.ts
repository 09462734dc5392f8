/** What the acquirer does with the issuers' answers, and with their silence. */

import type { Env } from '../../journal/machine.ts';
import { clearingAccount } from '../../ledger/clearing.ts';
import type { CardResponse } from '../message/card-message.ts';
import { encodeCardResponse } from '../message/card-message-codec.ts';
import { sameAmount } from '../message/currency-amount.ts';
import { RESPONSE_CODES } from '../message/response-code.ts';
import {
  type AcquirerDecision,
  type AcquirerPolicy,
  automaticReversal,
  lapseTimer,
  merchantAccount,
  merchantKey,
} from './acquirer-request.ts';
import type {
  AcquiredPayment,
  AcquirerRecord,
  AcquirerState,
  ReversalEffect,
  WaitingMessage,
} from './acquirer-state.ts';
import { InterchangeError } from './interchange-error.ts';
import { requireLedger } from './ledger-step.ts';

export interface IssuerAnswer {
  readonly about: 'ask' | 'capture' | 'reverse';
  readonly key: string;
  /** Absent when the issuer did not answer in time. */
  readonly response?: CardResponse;
}

interface Concluding {
  readonly state: AcquirerState;
  readonly key: string;
  readonly payment: AcquiredPayment;
  readonly env: Env;
  readonly policy: AcquirerPolicy;
}

const AUTHORISATION_MS = 7 * 86_400_000;
const STATUS_ABOUT = { ask: 'asking', capture: 'capturing', reverse: 'reversing' } as const;

/** @throws InterchangeError `ANSWER_UNFIT` when it is not the answer to what was asked: the outbox asks again. */
export function decideIssuerAnswer(
  state: AcquirerState,
  answer: IssuerAnswer,
  env: Env,
  policy: AcquirerPolicy,
): AcquirerDecision {
  const { key, about, response } = answer;
  const payment = state.payments.get(key);
  if (payment?.status !== STATUS_ABOUT[about]) return { records: [] };
  if (response !== undefined) requireFit(response, payment);

  const concluding = { state, key, payment, env, policy };
  const decision =
    about === 'ask'
      ? concludeAsking(concluding, response)
      : about === 'capture'
        ? concludeCapture(concluding, response?.responseCode)
        : concludeReversal(concluding, response?.responseCode);
  const { queued, batch, merchantId } = payment;
  const inputs: unknown[] = [];
  // Whatever asks the issuer again keeps the payment in motion, and the queued advice with it.
  if (queued !== undefined && decision.send === undefined) inputs.push({ type: 'queued', ...queued });
  if (batch > 0 && batch < state.batch) inputs.push({ type: 'reconcile' });
  return { ...decision, inputs, keys: [merchantKey(merchantId)] };
}

function requireFit(response: CardResponse, { asked, request, amount }: AcquiredPayment): void {
  const own = response.stan === asked.stan && response.transmittedAt === asked.transmittedAt;
  // While asking for a payment: what is approved must be the whole of it, and no other merchant's.
  const isApproval = request !== undefined && response.responseCode === RESPONSE_CODES.approved;
  const isWhole = response.amount !== undefined && sameAmount(response.amount, amount);
  if (!own || (isApproval && !(isWhole && response.merchantId === request.merchantId))) {
    throw new InterchangeError('ANSWER_UNFIT', 'the answer is not to what was asked');
  }
}

function concludeAsking(concluding: Concluding, response: CardResponse | undefined): AcquirerDecision {
  const { state, key, payment, env, policy } = concluding;
  const code = response?.responseCode ?? RESPONSE_CODES.issuerInoperative;
  if (code === RESPONSE_CODES.issuerInoperative) return reverseUnheard(concluding);
  if (code !== RESPONSE_CODES.approved) {
    return { records: [{ type: 'gone', key, why: `declined ${code}` }], answers: tell(payment.waiting, code) };
  }

  const { approvalCode } = response!;
  const approved = atRest(payment, { status: 'authorised', ...(approvalCode === undefined ? {} : { approvalCode }) });
  const answers = tell(payment.waiting, code, approvalCode);
  if (payment.type === 'purchase') {
    return { records: capturedRecords(state, key, { ...approved, status: 'captured' }, env), answers };
  }
  const atMs = env.nowMs + (policy.authorisationMs ?? AUTHORISATION_MS);
  return { records: [{ type: 'payment', key, payment: approved }], answers, timers: [{ id: lapseTimer(key), atMs }] };
}

/** The issuer may or may not have charged the card: the gateway is told that nothing came of it, and it is made true. */
function reverseUnheard({ state, key, payment, env, policy }: Concluding): AcquirerDecision {
  const { request, waiting, queued, ...rest } = payment;
  if (request === undefined) throw new InterchangeError('ANSWER_UNFIT', 'the payment is not being asked for');
  const { asked, message, numbered } = automaticReversal(state, request, env, policy);
  const reversing: AcquiredPayment = {
    ...rest,
    status: 'reversing',
    asked,
    ...(queued === undefined ? {} : { queued }),
  };
  return {
    records: [numbered, { type: 'payment', key, payment: reversing }],
    answers: tell(waiting, RESPONSE_CODES.issuerInoperative),
    send: [message],
  };
}

function concludeCapture({ state, key, payment, env }: Concluding, code: string | undefined): AcquirerDecision {
  const answers = tell(payment.waiting, code ?? RESPONSE_CODES.issuerInoperative, payment.approvalCode);
  if (code === RESPONSE_CODES.approved) {
    const amount = { currency: payment.amount.currency, minor: payment.captureMinor! };
    return {
      records: capturedRecords(state, key, { ...atRest(payment, { status: 'captured' }), amount }, env),
      answers,
    };
  }
  if (code === RESPONSE_CODES.recordNotFound)
    return { records: [{ type: 'gone', key, why: 'not held any more' }], answers };
  const authorised = { ...atRest(payment, { status: 'authorised' }), batch: 0 };
  return { records: [{ type: 'payment', key, payment: authorised }], answers };
}

function concludeReversal({ state, key, payment, env }: Concluding, code: string | undefined): AcquirerDecision {
  const { undoing, waiting, type } = payment;
  if (code !== RESPONSE_CODES.approved && undoing !== undefined) {
    const answers = tell(waiting, code ?? RESPONSE_CODES.issuerInoperative);
    return { records: [{ type: 'payment', key, payment: atRest(payment, { status: undoing }) }], answers };
  }
  // The issuer refuses an automatic reversal only when it has nothing to undo.
  const unseen = type === 'purchase' ? 'undone-unseen' : 'released';
  const done: ReversalEffect = undoing === undefined ? unseen : undoing === 'captured' ? 'undone' : 'released';
  const effect = code === RESPONSE_CODES.approved ? done : 'nothing';
  return {
    records: [...(effect === 'undone' ? payBack(state, key, payment, env) : []), { type: 'reversed', key, effect }],
    answers: tell(waiting, RESPONSE_CODES.approved),
  };
}

function capturedRecords(state: AcquirerState, key: string, payment: AcquiredPayment, env: Env): AcquirerRecord[] {
  const { issuerId, merchantId, amount } = payment;
  const { currency } = amount;
  const legs = [{ from: clearingAccount(issuerId, currency), to: merchantAccount(merchantId, currency), amount }];
  return [
    ...requireLedger(state.ledger, env, { type: 'transfer', id: key, legs }),
    { type: 'captured', key, payment, atMs: env.nowMs },
  ];
}

function payBack(state: AcquirerState, key: string, payment: AcquiredPayment, env: Env): readonly AcquirerRecord[] {
  const { issuerId, merchantId, amount } = payment;
  const { currency } = amount;
  const legs = [{ from: merchantAccount(merchantId, currency), to: clearingAccount(issuerId, currency), amount }];
  return requireLedger(state.ledger, env, { type: 'transfer', id: `reverse:${key}`, legs });
}

/** The payment without what only one in motion has. */
function atRest(payment: AcquiredPayment, change: Partial<AcquiredPayment>): AcquiredPayment {
  const { waiting: _, request: __, captureMinor: ___, undoing: ____, queued: _____, ...rest } = payment;
  return { ...rest, ...change };
}

function tell(waiting: WaitingMessage | undefined, responseCode: string, approvalCode?: string) {
  if (waiting === undefined) return [];
  const { approvalCode: _, ...own } = waiting.answer;
  const approved = responseCode === RESPONSE_CODES.approved && approvalCode !== undefined ? { approvalCode } : {};
  return [{ messageId: waiting.messageId, body: encodeCardResponse({ ...own, responseCode, ...approved }) }];
}
