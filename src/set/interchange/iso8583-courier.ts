/**
 * The journal's courier for routes `iso8583:NAME`: the outbox body is the ISO 8583 message, the answer is the response
 * message. A repeat carries the same bytes, the original message type included (not the repeat types 0101, 0221 or 0421):
 * the receiver knows a repeat by its identity, and answers it with the same answer.
 */

import { utf8 } from '../../codec/hex.ts';
import type { Courier } from '../../journal/courier.ts';
import type { Tracer } from '../../transport/trace.ts';
import { describeIso8583 } from '../message/iso8583-text.ts';
import { InterchangeError } from './interchange-error.ts';
import type { Iso8583Exchange } from './tcp-link.ts';

const SCHEME = 'iso8583:';

export interface Iso8583CourierOptions {
  /** By the NAME of the route. */
  readonly links: Readonly<Record<string, Iso8583Exchange>>;
  /** The own party's name, for traces. */
  readonly name: string;
  /** Gets the messages as text with the card masked: the bytes have its number in clear. */
  readonly tracer?: Tracer;
}

export function createIso8583Courier({ links, name, tracer }: Iso8583CourierOptions): Courier {
  const trace = (from: string, to: string, bytes: Uint8Array) => {
    if (tracer === undefined) return;
    const text = describeIso8583(bytes);
    tracer.record({ from, to, kind: `ISO${text.slice(5, 9)}`, extension: 'txt', bytes: utf8(text) });
  };
  return {
    async deliver({ to, body }, attempt) {
      const peer = to.startsWith(SCHEME) ? to.slice(SCHEME.length) : '';
      const link = Object.hasOwn(links, peer) ? links[peer] : undefined;
      if (link === undefined)
        throw new InterchangeError('ROUTE_NOT_INTERCHANGE', `there is no interchange route ${to}`);
      trace(name, peer, body);
      const answer = await link.send(body, attempt.signal);
      trace(peer, name, answer);
      return { type: 'answered', body: answer };
    },
  };
}
