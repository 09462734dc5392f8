/** The issuer's answers to the network: authorisation and purchase, capture, reversal, reconciliation (ISO 8583:1987). */

import type { Decision, Env } from '../../journal/machine.ts';
import { clearingAccount } from '../../ledger/clearing.ts';
import type { LedgerCommand, Leg } from '../../ledger/command.ts';
import { findAccount } from '../../ledger/ledger.ts';
import type { Amount } from '../../money/amount.ts';
import type { Rate } from '../../money/rate.ts';
import type {
  CardRequest,
  CreditAdvice,
  PaymentAdvice,
  PaymentRequest,
  Reconciliation,
} from '../message/card-message.ts';
import { encodeCardResponse, responseTo } from '../message/card-message-codec.ts';
import { creditKeyOf, paymentKeyOf } from '../message/card-message-identity.ts';
import { RESPONSE_CODES } from '../message/response-code.ts';
import { billedAmount, dayOf, declineReason, isPast } from './issuer-rules.ts';
import type { DeclineReason, IssuedPayment, IssuerRecord, IssuerState } from './issuer-state.ts';
import { exchangeAccount, settlementAccount, stepLedger } from './ledger-step.ts';
import { bookKey, NO_TOTALS, netMinor, sameTotals, settlementLegs } from './settlement-book.ts';

export interface IssuerPolicy {
  /** Own institution number, up to 11 digits. */
  readonly issuerId: string;
  /** How long an authorisation keeps the money set aside; default 7 days. */
  readonly holdMs?: number;
  /** From the currencies of merchants to those of accounts; other pairs are declined. */
  readonly rates?: readonly Rate[];
  /** The card's name in state and journal, which know no card numbers. */
  readonly cardIdOf: (pan: string) => string;
}

type IssuerDecision = Decision<IssuerRecord>;

const HOLD_MS = 7 * 86_400_000;
/** How long a reversal that came before its request is remembered; no host repeats a request for that long. */
const BAR_MS = 2 * 86_400_000;
const APPROVAL_ALPHABET = '0123456789ABCDEFGHJKLMNPQRSTUVWX';

export const holdTimer = (key: string) => `hold:${key}`;
export const barTimer = (key: string) => `bar:${key}`;

export function decideCardRequest(
  state: IssuerState,
  request: CardRequest,
  env: Env,
  policy: IssuerPolicy,
): IssuerDecision {
  switch (request.type) {
    case 'authorise':
    case 'purchase':
      return decidePayment(state, request, env, policy);
    case 'capture':
      return decideCapture(state, request, env, policy);
    case 'reverse':
      return decideReversal(state, request, env, policy);
    case 'credit':
      return decideCredit(state, request, env, policy);
    case 'reconcile':
      return decideReconciliation(state, request, env, policy);
    case 'test':
      return answered(request, RESPONSE_CODES.approved);
  }
}

function decidePayment(state: IssuerState, request: PaymentRequest, env: Env, policy: IssuerPolicy): IssuerDecision {
  const { acquirerId, merchantId, amount, batch = 0 } = request;
  const key = paymentKeyOf(request);
  if (findAccount(state.ledger, clearingAccount(acquirerId, amount.currency)) === undefined) {
    return answered(request, RESPONSE_CODES.invalidTransaction);
  }
  if (request.type === 'purchase' && batch === 0) return answered(request, RESPONSE_CODES.formatError);
  if (state.payments.has(key)) return answered(request, RESPONSE_CODES.duplicateTransmission);
  if (isPast(request.expiry, env.nowMs)) return answered(request, RESPONSE_CODES.expiredCard);

  const cardId = policy.cardIdOf(request.pan);
  const decline = (reason: DeclineReason): IssuerDecision => ({
    ...answered(request, RESPONSE_CODES.doNotHonour, [{ type: 'declined', key, cardId, reason }]),
    keys: [historyKeyOf(cardId)],
  });
  if (state.barred.has(key)) return decline('reversed-before');
  const card = state.cards.get(cardId);
  const account = card === undefined ? undefined : findAccount(state.ledger, card.account);
  if (card === undefined || account === undefined) return decline('unknown-card');
  const billed = billedAmount(amount, account.currency, policy.rates ?? []);
  if (billed === undefined) return decline('currency');
  const reason = declineReason(card, { request, billed, nowMs: env.nowMs });
  if (reason !== undefined) return decline(reason);

  const expiresAtMs = env.nowMs + (policy.holdMs ?? HOLD_MS);
  const command: LedgerCommand =
    request.type === 'purchase'
      ? { type: 'transfer', id: key, legs: chargeLegs({ acquirerId, amount, billed, account: card.account }) }
      : { type: 'hold', id: key, account: card.account, amount: billed, expiresAtMs };
  const steps = stepLedger(state.ledger, env, command);
  if ('refused' in steps) return decline('funds');

  const approvalCode = newApprovalCode(env);
  const common = { acquirerId, merchantId, cardId, approvalCode, amount, billed, day: dayOf(env.nowMs) };
  const payment: IssuedPayment =
    request.type === 'purchase' ? { ...common, status: 'posted', batch } : { ...common, status: 'held', batch: 0 };
  return {
    ...answered(request, RESPONSE_CODES.approved, [...steps, { type: 'approved', key, payment }], approvalCode),
    keys: [historyKeyOf(cardId)],
    timers: request.type === 'purchase' ? [] : [{ id: holdTimer(key), atMs: expiresAtMs }],
  };
}

function decideCapture(state: IssuerState, request: PaymentAdvice, env: Env, policy: IssuerPolicy): IssuerDecision {
  const key = paymentKeyOf(request);
  const payment = state.payments.get(key);
  if (payment?.status !== 'held') return answered(request, RESPONSE_CODES.recordNotFound);
  if (!isAbout(request, payment, policy)) return answered(request, RESPONSE_CODES.invalidTransaction);
  if (request.batch === undefined) return answered(request, RESPONSE_CODES.formatError);
  if (request.amount.minor > payment.amount.minor) return answered(request, RESPONSE_CODES.invalidAmount);

  const { acquirerId, amount, batch } = request;
  const billed = partOf(payment, amount.minor);
  const clearing = clearingAccount(acquirerId, amount.currency);
  const converted = billed.currency !== amount.currency;
  const payee = converted ? exchangeAccount(billed.currency) : clearing;
  const commands: LedgerCommand[] = [
    { type: 'post', id: `capture:${key}`, hold: key, to: [{ account: payee, amount: billed }], rest: 'release' },
  ];
  if (converted) {
    const legs = [{ from: exchangeAccount(amount.currency), to: clearing, amount }];
    commands.push({ type: 'transfer', id: `convert:${key}`, legs });
  }
  const steps = stepLedger(state.ledger, env, ...commands);
  if ('refused' in steps) return answered(request, RESPONSE_CODES.recordNotFound);

  const captured: IssuedPayment = { ...payment, status: 'posted', amount, billed, batch };
  const records: IssuerRecord[] = [...steps, { type: 'captured', key, payment: captured }];
  return {
    ...answered(request, RESPONSE_CODES.approved, records, payment.approvalCode),
    keys: [historyKeyOf(payment.cardId)],
    clearTimers: [holdTimer(key)],
  };
}

/** 00: it had been approved and is undone. 25: there is nothing to undo, and there never will be. */
function decideReversal(state: IssuerState, request: PaymentAdvice, env: Env, policy: IssuerPolicy): IssuerDecision {
  const key = paymentKeyOf(request);
  const payment = state.payments.get(key);
  if (payment === undefined) {
    return {
      ...answered(request, RESPONSE_CODES.recordNotFound, [{ type: 'barred', key }]),
      timers: [{ id: barTimer(key), atMs: env.nowMs + BAR_MS }],
    };
  }
  if (!isAbout(request, payment, policy)) return answered(request, RESPONSE_CODES.invalidTransaction);

  const { acquirerId, amount, billed, cardId } = payment;
  const command: LedgerCommand =
    payment.status === 'held'
      ? { type: 'release', id: `reverse:${key}`, hold: key }
      : {
          type: 'transfer',
          id: `reverse:${key}`,
          legs: backwards(chargeLegs({ acquirerId, amount, billed, account: state.cards.get(cardId)!.account })),
        };
  const steps = stepLedger(state.ledger, env, command);
  if ('refused' in steps) return answered(request, RESPONSE_CODES.systemMalfunction);
  return {
    ...answered(request, RESPONSE_CODES.approved, [...steps, { type: 'reversed', key }]),
    keys: [historyKeyOf(cardId)],
    clearTimers: [holdTimer(key)],
  };
}

/** Also to a card that is stopped or past its date: it is its owner's money. What the acquirer gives back it owes us from now on. */
function decideCredit(state: IssuerState, request: CreditAdvice, env: Env, policy: IssuerPolicy): IssuerDecision {
  const { acquirerId, merchantId, amount, batch } = request;
  const key = creditKeyOf(request);
  if (findAccount(state.ledger, clearingAccount(acquirerId, amount.currency)) === undefined) {
    return answered(request, RESPONSE_CODES.invalidTransaction);
  }
  if (batch === undefined) return answered(request, RESPONSE_CODES.formatError);
  const cardId = policy.cardIdOf(request.pan);
  const card = state.cards.get(cardId);
  const account = card === undefined ? undefined : findAccount(state.ledger, card.account);
  const billed = account && billedAmount(amount, account.currency, policy.rates ?? []);
  if (card === undefined || billed === undefined) return answered(request, RESPONSE_CODES.recordNotFound);
  const legs = backwards(chargeLegs({ acquirerId, amount, billed, account: card.account }));
  const steps = stepLedger(state.ledger, env, { type: 'transfer', id: key, legs });
  if ('refused' in steps) return answered(request, RESPONSE_CODES.systemMalfunction);
  const credit = { acquirerId, merchantId, cardId, amount, billed, batch };
  return {
    ...answered(request, RESPONSE_CODES.approved, [...steps, { type: 'credited', key, credit }]),
    keys: [historyKeyOf(cardId)],
  };
}

function decideReconciliation(
  state: IssuerState,
  request: Reconciliation,
  env: Env,
  policy: IssuerPolicy,
): IssuerDecision {
  const { acquirerId, batch, totals, issuerId } = request;
  const { currency } = totals;
  const clearing = clearingAccount(acquirerId, currency);
  if (issuerId !== policy.issuerId || findAccount(state.ledger, clearing) === undefined) {
    return answered(request, RESPONSE_CODES.invalidTransaction);
  }
  const book = bookKey({ counterparty: acquirerId, currency, batch });
  const own = state.books.get(book)?.totals ?? NO_TOTALS;
  if (!sameTotals(own, totals)) return answered(request, RESPONSE_CODES.reconcileError);

  const minor = netMinor(own);
  const legs = settlementLegs({ from: clearing, to: settlementAccount(currency), currency, minor });
  const steps = minor === 0n ? [] : stepLedger(state.ledger, env, { type: 'transfer', id: `settle:${book}`, legs });
  if ('refused' in steps) return answered(request, RESPONSE_CODES.systemMalfunction);
  return {
    ...answered(request, RESPONSE_CODES.approved, [...steps, { type: 'settled', book }]),
    keys: [`book:${book}`],
  };
}

/** Index key of a card's history in the journal. */
export function historyKeyOf(cardId: string): string {
  return `card:${cardId}`;
}

function answered(
  request: CardRequest,
  code: string,
  records: readonly IssuerRecord[] = [],
  approvalCode?: string,
): IssuerDecision {
  return { records, answer: encodeCardResponse(responseTo(request, code, approvalCode)) };
}

/** Straight to what we owe the acquirer, or through our own stock of both currencies. */
function chargeLegs(charge: { acquirerId: string; amount: Amount; billed: Amount; account: string }): Leg[] {
  const { acquirerId, amount, billed, account } = charge;
  const clearing = clearingAccount(acquirerId, amount.currency);
  if (billed.currency === amount.currency) return [{ from: account, to: clearing, amount }];
  return [
    { from: account, to: exchangeAccount(billed.currency), amount: billed },
    { from: exchangeAccount(amount.currency), to: clearing, amount },
  ];
}

const backwards = (legs: readonly Leg[]): Leg[] =>
  legs.map(({ from, to, amount }) => ({ from: to, to: from, amount })).reverse();

function isAbout(request: PaymentAdvice, payment: IssuedPayment, policy: IssuerPolicy): boolean {
  return (
    request.merchantId === payment.merchantId &&
    request.amount.currency === payment.amount.currency &&
    policy.cardIdOf(request.pan) === payment.cardId
  );
}

/** The share of the billed amount that a partial capture takes, rounded toward zero but never to nothing. */
function partOf({ amount, billed }: IssuedPayment, minor: bigint): Amount {
  const share = (billed.minor * minor) / amount.minor;
  return { currency: billed.currency, minor: share > 0n ? share : 1n };
}

function newApprovalCode(env: Env): string {
  return [...env.random(6)].map((byte) => APPROVAL_ALPHABET[byte & 31]).join('');
}
