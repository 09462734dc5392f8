/**
 * How a card network learns who is untrusted, and which primary keys count: it asks a trusted server when it is opened and regularly from then on, as devices
 * do when they meet theirs. What it has counts until there is something newer: lists never go back.
 */
import { toHex } from '../../codec/hex.ts';
import type { Decision, Env, Outcome } from '../../journal/machine.ts';
import { decodeTrustedAnswer, encodeTrustedMessage } from '../message/envelope.ts';
import { checkUpdate, versionsOf } from '../message/trust-lists.ts';
import { TrustedError } from '../message/trusted-error.ts';
import type { CardNetworkState, CardRecord } from './card-payment.ts';

export interface ListSource {
  /** Route of a trusted server. */
  readonly server: string;
  /** Milliseconds; default a quarter of an hour. */
  readonly everyMs?: number;
}

export const LISTS_TIMER = 'lists';
const LISTS_ID = 'lists/';
const QUARTER_MS = 15 * 60_000;

export const isAboutLists = (id: string) => id.startsWith(LISTS_ID);

/** A question that is not answered when the next one is due is given up. */
export function askForLists(
  { lists }: CardNetworkState,
  env: Env,
  { server, everyMs = QUARTER_MS }: ListSource,
): Decision<CardRecord> {
  const atMs = env.nowMs + everyMs;
  return {
    records: [],
    timers: [{ id: LISTS_TIMER, atMs }],
    send: [
      {
        ...{ id: `${LISTS_ID}${toHex(env.random(8))}`, to: server, kind: 'TrustLists', expiresAtMs: atMs },
        body: encodeTrustedMessage({ type: 'lists', versions: versionsOf(lists) }),
      },
    ],
  };
}

/** @throws HandselError for what is no list, or not signed: it is asked for again */
export function takeLists({ lists }: CardNetworkState, env: Env, outcome: Outcome): Decision<CardRecord> {
  if (outcome.type !== 'answered') return { records: [] };
  const answer = decodeTrustedAnswer(outcome.body);
  if (answer.type !== 'lists') throw new TrustedError('LIST_STALE', 'no lists came back');
  return { records: [{ type: 'lists', update: checkUpdate(lists, answer.update), atMs: env.nowMs }] };
}
