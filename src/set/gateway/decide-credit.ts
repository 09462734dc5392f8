/**
 * The gateway gives back what it captured, by the way it came: to the same card, from the same merchant. What of a purchase was given back
 * is remembered for ever, so that all of it together never comes to more than was captured.
 */
import { encodeCborExact } from '../../codec/cbor.ts';
import { fromHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Amount } from '../../money/amount.ts';
import type { CardResponse } from '../message/card-message.ts';
import { nextStan, retrievalReferenceOf } from '../message/card-message-identity.ts';
import { sameAmount } from '../message/currency-amount.ts';
import { RESPONSE_CODES } from '../message/response-code.ts';
import type { GatewayRecord, GatewayState, OpenRequest } from './authorization.ts';
import { creditMessage, nextTransmission, openCard, splitKey } from './card-network.ts';
import type { Context, GatewayDecision } from './decide-authorization.ts';

/** What a purchase was, as the gateway recorded it: read back from its journal by whoever asks for a credit. */
export type CapturedPurchase = Pick<OpenRequest, 'key' | 'amount' | 'captureNow' | 'network' | 'card'>;

export interface CreditToGive {
  readonly purchase: CapturedPurchase;
  /** Tells several credits of one purchase apart. */
  readonly reference: string;
  readonly amount: Amount;
}

/** Undefined unless it was captured. @param records with the purchase's key */
export function capturedIn(records: readonly GatewayRecord[]): CapturedPurchase | undefined {
  const opened = records.find((record) => record.type === 'opened');
  const closed = records.findLast((record) => record.type === 'closed');
  return closed?.status === 'captured' ? opened?.request : undefined;
}

/** The answer to a credit: response code of the interchange, `00` when it was given. */
export const encodeCreditAnswer = (responseCode: string) => encodeCborExact(responseCode);

/** @throws HandselError `CREDIT_REFUSED` for more than was captured, and for what was asked for before */
export function credit(
  state: GatewayState,
  { messageId, credit: { purchase, reference, amount } }: { readonly messageId: string; readonly credit: CreditToGive },
  { keys, names, env }: Context,
): GatewayDecision {
  const { key } = purchase;
  const before = state.credits.get(key);
  const given = [...(before?.values() ?? [])].reduce((sum, one) => sum + one.amount.minor, 0n);
  const fits = amount.currency === purchase.amount.currency && amount.minor > 0n;
  if (before?.has(reference) || !fits || given + amount.minor > purchase.amount.minor) {
    throw new HandselError('CREDIT_REFUSED', 'more than was captured, or given back already');
  }
  const network = nextTransmission(nextStan(state.stan), env.nowMs);
  const context = { names, storageKey: keys.storageKey, random: env.random };
  return {
    records: [{ type: 'crediting', key, reference, credit: { amount, network, messageId, status: 'open' } }],
    keys: [key],
    send: [
      creditMessage({ key, reference, amount, network }, purchase, {
        ...context,
        card: openCard(purchase.card, keys.storageKey),
      }),
    ],
  };
}

/** @throws HandselError when the answer is to something else, so that the same message is sent again */
export function concludeCredit(
  { credits }: GatewayState,
  answered: { readonly key: string; readonly reference: string; readonly response: CardResponse },
): GatewayDecision {
  const { key, reference, response } = answered;
  const open = credits.get(key)?.get(reference);
  if (open?.status !== 'open') return { records: [] };
  const { network, amount, messageId } = open;
  const { responseCode } = response;
  const done = responseCode === RESPONSE_CODES.approved;
  const own = response.stan === network.stan && response.transmittedAt === network.transmittedAt;
  const named = response.retrievalReference === retrievalReferenceOf(fromHex(splitKey(key)[1]));
  const whole = response.amount !== undefined && sameAmount(response.amount, amount);
  if (!own || response.type !== 'credit' || (done && !(named && whole))) {
    throw new HandselError('CARD_NETWORK_ANSWER_UNFIT', 'the network answers something else than was asked');
  }
  return {
    records: [{ type: 'credited', key, reference, done }],
    keys: [key],
    answers: [{ messageId, body: encodeCreditAnswer(responseCode) }],
  };
}
