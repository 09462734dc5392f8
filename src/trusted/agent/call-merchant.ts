/** Sessions of a dispute from the customer's side: a dispute lasts longer than any of them. */
import { encodeCbor } from '../../codec/cbor.ts';
import { type DisputeRequest, disputeRequestShape } from '../message/dispute-talk.ts';
import { call } from '../session/calling.ts';
import { keepDispute, pursueTimer } from './dispute-log.ts';
import type { Dispute } from './dispute-state.ts';
import type { DisputingTalk } from './talk.ts';
import { tellHost } from './to-host.ts';
import { keepTalk, say, type Turn } from './turn.ts';

/** The session of step 1052. */
export function callMerchant(turn: Turn, dispute: Dispute, check = false): void {
  const { number, matter, route, callAbout: about } = dispute;
  const session = call(turn.context, turn.draft, { purpose: 'dispute', about, route: route! });
  keepTalk(turn, {
    ...{ type: 'disputing', session, matter, number, check, step: 'calling', transaction: undefined },
    delivered: undefined,
  });
}

export const talkAbout = ({ state }: Turn, number: string) =>
  [...state.talks.values()].find((talk): talk is DisputingTalk => talk.type === 'disputing' && talk.number === number);

export const askMerchant = (turn: Turn, talk: DisputingTalk, request: DisputeRequest) =>
  say(turn, talk, encodeCbor(disputeRequestShape.encode(request)));

/** An open dispute is asked for again, ever more rarely, until the merchant's time is over. */
export function laterAgain(turn: Turn, dispute: Dispute): void {
  const { number, openedAtMs, attempts } = dispute;
  const { askMs, disputeMs } = turn.settings.pace;
  const pauseMs = Math.min(86_400_000, askMs * 2 ** Math.min(attempts, 12));
  const overMs = openedAtMs + disputeMs;
  keepDispute(turn, { ...dispute, attempts: attempts + 1 });
  if (turn.env.nowMs >= overMs) return;
  turn.draft.timers.push({ id: pursueTimer(number), atMs: Math.min(overMs, turn.env.nowMs + pauseMs) });
}

/** The timer went off. */
export function goOnPursuing(turn: Turn, number: string): void {
  const known = turn.state.disputes.byNumber.get(number);
  if (known?.side !== 'customer' || known.status !== 'open' || talkAbout(turn, number) !== undefined) return;
  if (known.openedAtMs + turn.settings.pace.disputeMs <= turn.env.nowMs) {
    tellHost(turn, { type: 'dispute-overdue', matter: known.matter, number });
    return;
  }
  callMerchant(turn, known);
}
