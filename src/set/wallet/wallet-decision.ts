/** What the wallet does next about one payment: the requests it sends, the pauses it makes and the ends it reports. */
import { fromHex, toHex } from '../../codec/hex.ts';
import type { Decision, Env, Outgoing } from '../../journal/machine.ts';
import { digestRequest } from '../message/binding.ts';
import { newId, newNonce } from '../message/identifiers.ts';
import { digestOrderDescription } from '../message/order-information.ts';
import { encodeInquiry } from './inquire.ts';
import type { OpenCard } from './opened-card.ts';
import { type OpenPayment, type PaymentToMake, type PlacedOrder, transIdsOf, type WalletRecord } from './payment.ts';
import { encodePaymentOutcome, type PaymentOutcome } from './payment-outcome.ts';
import { encodePInitReq, type ReceivedInitiation } from './request-initiation.ts';
import { encodePurchase } from './request-purchase.ts';
import { outcomeId, type RequestName, requestId } from './wallet-input.ts';

export type WalletDecision = Decision<WalletRecord>;

export const NOTHING: WalletDecision = { records: [] };

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;
const LANGUAGE = 'en';

export function openPayment(payment: PaymentToMake, env: Env): OpenPayment {
  const { paymentId, amount, merchant, brandId, cardId, bin, deadlineMs, notify } = payment;
  return {
    ...{ paymentId, amount, brandId, cardId, bin, deadlineMs, notify },
    orderId: toHex(payment.orderId),
    od: toHex(digestOrderDescription(payment.description)),
    merchantUrl: merchant.url,
    merchantId: merchant.merchantId,
    ...(payment.boundTo && { odSalt: toHex(payment.boundTo) }),
    lidC: toHex(newId(env.random)),
    phase: 'initiating',
    attempt: 0,
    pauses: 0,
    request: undefined,
    order: undefined,
    pendingTold: false,
  };
}

export function initiate(payment: OpenPayment, env: Env): WalletDecision {
  const rrpid = newId(env.random);
  const challC = newNonce(env.random);
  const body = encodePInitReq(
    {
      ...{ rrpid, challC, language: LANGUAGE, brandId: payment.brandId, bin: payment.bin },
      lidC: fromHex(payment.lidC),
      lidM: fromHex(payment.orderId),
    },
    env.nowMs,
  );
  return ask(payment, { name: 'PInitReq', phase: 'initiating', rrpid, challenge: challC, body });
}

/** Orders, or pauses while the card is closed: the merchant names the same transaction again when asked again. */
export function order(
  payment: OpenPayment,
  initiation: ReceivedInitiation,
  { env, openCard }: { readonly env: Env; readonly openCard: OpenCard },
): WalletDecision {
  const card = openCard(payment.cardId);
  if (card === undefined) return pause(payment, 'pausing', env);
  const rrpid = newId(env.random);
  const challC = newNonce(env.random);
  const body = encodePurchase({ payment, initiation, card, rrpid, challC, random: env.random, nowMs: env.nowMs });
  const { xid, preqDate, language } = initiation.data.transIds;
  const placed: PlacedOrder = {
    xid: toHex(xid),
    preqDateMs: preqDate.getTime(),
    language,
    cardThumb: toHex(card.key.certificate.thumb),
    merchantThumb: toHex(initiation.merchant.certificate.thumb),
  };
  return ask(payment, { name: 'PReq', phase: 'ordering', rrpid, challenge: challC, body, order: placed });
}

export function inquire(
  payment: OpenPayment,
  placed: PlacedOrder,
  { env, openCard }: { readonly env: Env; readonly openCard: OpenCard },
): WalletDecision {
  const card = openCard(payment.cardId);
  if (card === undefined) return pause(payment, 'waiting', env);
  const rrpid = newId(env.random);
  const challC2 = newNonce(env.random);
  const body = encodeInquiry({
    data: { transIds: transIdsOf(payment, placed), rrpid, challC2 },
    signer: card.key,
    merchantThumb: fromHex(placed.merchantThumb),
    nowMs: env.nowMs,
  });
  return ask(payment, { name: 'InqReq', phase: 'inquiring', rrpid, challenge: challC2, body });
}

interface Request {
  readonly name: RequestName;
  readonly phase: 'initiating' | 'ordering' | 'inquiring';
  readonly rrpid: Uint8Array;
  readonly challenge: Uint8Array;
  readonly body: Uint8Array;
  readonly order?: PlacedOrder;
}

function ask(payment: OpenPayment, { name, phase, rrpid, challenge, body, order: placed }: Request): WalletDecision {
  const { paymentId, merchantUrl, deadlineMs } = payment;
  const request = { rrpid: toHex(rrpid), challenge: toHex(challenge), hash: toHex(digestRequest(body)) };
  return {
    records: [{ type: 'asked', paymentId, phase, request, ...(placed && { order: placed }) }],
    send: [
      {
        id: requestId({ paymentId, name, attempt: payment.attempt + 1 }),
        to: `${merchantUrl}/set`,
        kind: name,
        body,
        // What may have been ordered is followed up without end; nothing is ordered after the deadline.
        ...(name !== 'InqReq' && { expiresAtMs: deadlineMs }),
      },
    ],
  };
}

/** Waits longer each time, but an order that is not placed yet not beyond its deadline. */
export function pause(payment: OpenPayment, phase: 'pausing' | 'waiting', env: Env): WalletDecision {
  const { paymentId, deadlineMs, pauses } = payment;
  const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(pauses, 16), LONGEST_PAUSE_MS);
  const wakeMs = env.nowMs + pauseMs;
  const timers = [{ id: paymentId, atMs: env.nowMs >= deadlineMs ? wakeMs : Math.min(wakeMs, deadlineMs) }];
  const paused: WalletDecision = { records: [{ type: 'paused', paymentId, phase }], timers };
  return phase === 'waiting' ? both(paused, tellPending(payment, env)) : paused;
}

/** At the deadline, once: the order is out, and nobody can say yet how it ends. */
export function tellPending(payment: OpenPayment, env: Env): WalletDecision {
  const { paymentId, deadlineMs, pendingTold } = payment;
  if (pendingTold || env.nowMs < deadlineMs) return NOTHING;
  return { records: [{ type: 'pending-told', paymentId }], send: [outcomeMessage(payment, 'pending', '')] };
}

export function finish(payment: OpenPayment, status: PaymentOutcome['status'], reason = ''): WalletDecision {
  const { paymentId } = payment;
  return {
    records: [{ type: 'finished', paymentId, outcome: outcomeOf(payment, status, reason) }],
    keys: [paymentKey(paymentId)],
    clearTimers: [paymentId],
    send: [outcomeMessage(payment, status, reason)],
  };
}

function outcomeMessage(payment: OpenPayment, status: PaymentOutcome['status'], reason: string): Outgoing {
  return {
    id: outcomeId(payment.paymentId, status),
    to: payment.notify,
    kind: 'PaymentOutcome',
    body: encodePaymentOutcome(outcomeOf(payment, status, reason)),
  };
}

function outcomeOf(payment: OpenPayment, status: PaymentOutcome['status'], reason: string): PaymentOutcome {
  const { paymentId, amount, order: placed } = payment;
  return { paymentId, status, reason, amount, xid: placed?.xid ?? '' };
}

/** Index key of a payment's history in the wallet's journal. */
export function paymentKey(paymentId: string): string {
  return `payment:${paymentId}`;
}

/** Puts one decision after another about the same payment. */
export function both(first: WalletDecision, second: WalletDecision): WalletDecision {
  return {
    records: [...first.records, ...second.records],
    keys: [...(first.keys ?? []), ...(second.keys ?? [])],
    send: [...(first.send ?? []), ...(second.send ?? [])],
    timers: [...(first.timers ?? []), ...(second.timers ?? [])],
  };
}
