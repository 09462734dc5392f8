/** A bank behind the card network, for tests: holds, captures and reversals by card, each message counted once, and what is wrong is remembered. */

import { toHex } from '../../src/codec/hex.ts';
import {
  decodeInterchangeRequest,
  encodeInterchangeAnswer,
  type InterchangeAnswer,
} from '../../src/trusted/card/interchange-request.ts';

interface Held {
  readonly card: string;
  readonly payee: string;
  readonly payeeName?: string;
  readonly minor: bigint;
  status: 'held' | 'captured' | 'released' | 'refunded';
}

export interface Bank {
  answer(body: Uint8Array): Uint8Array;
  /** By the agents' transaction. */
  readonly payments: ReadonlyMap<string, Held>;
  /** What a card may be charged yet; cards that are not here are declined. */
  readonly limits: Map<string, bigint>;
  /** Captured and not given back. */
  taken(transaction: string): bigint;
  /** What no network may ask for. */
  readonly faults: readonly string[];
}

export function openBank(limits: ReadonlyMap<string, bigint>): Bank {
  const left = new Map(limits);
  const payments = new Map<string, Held>();
  const said = new Map<number, InterchangeAnswer>();
  /** Reversals may overtake what they undo. */
  const undone = new Set<string>();
  const faults: string[] = [];

  function decide(request: ReturnType<typeof decodeInterchangeRequest>): InterchangeAnswer {
    const transaction = toHex(request.transaction);
    const held = payments.get(transaction);
    const { minor } = request.amount;
    if (request.type === 'authorise') {
      if (undone.has(transaction)) return { type: 'declined', reason: 'reversed' };
      if (held !== undefined) faults.push(`authorised twice: ${transaction}`);
      const limit = left.get(request.cardNumber) ?? 0n;
      if (limit < minor) return { type: 'declined', reason: 'insufficient funds' };
      left.set(request.cardNumber, limit - minor);
      const { cardNumber: card, payee, payeeName } = request;
      payments.set(transaction, { card, payee, minor, status: 'held', ...(payeeName !== undefined && { payeeName }) });
      return { type: 'approved', approvalCode: String(request.number).padStart(6, '0') };
    }
    if (request.type === 'capture') {
      if (held?.status === 'held') held.status = 'captured';
      else faults.push(`captured while ${held?.status}: ${transaction}`);
      return { type: 'taken' };
    }
    undone.add(transaction);
    if (held !== undefined && held.status !== 'released' && held.status !== 'refunded') {
      held.status = held.status === 'captured' ? 'refunded' : 'released';
      left.set(held.card, left.get(held.card)! + held.minor);
    }
    return { type: 'taken' };
  }

  return {
    ...{ payments, limits: left, faults },
    answer(body) {
      const request = decodeInterchangeRequest(body);
      const before = said.get(request.number);
      const answer = before ?? decide(request);
      said.set(request.number, answer);
      return encodeInterchangeAnswer(answer);
    },
    taken(transaction) {
      const held = payments.get(transaction);
      return held?.status === 'captured' ? held.minor : 0n;
    },
  };
}
