/**
 * Too many disputes cost a merchant its standing (US 5,671,280, "Disputes"): the primary server counts what trusted servers found against merchants
 * once it is final, gives notice, and then puts agent and organisation on the list of the untrusted, unless a person pardons them.
 */
import { toHex } from '../../codec/hex.ts';
import type { ListedParty } from '../message/list-change.ts';
import type { TicketRuling } from '../message/ticket-ruling.ts';
import { isUntrusted } from '../message/trust-lists.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { requireTrustedServer } from '../message/validate-certificate.ts';
import { readRuling } from '../ruling/case-documents.ts';
import type { MerchantStanding } from './dispute-state.ts';
import { changeLists } from './list-keeper.ts';
import type { ServerRecord } from './server-state.ts';
import type { ServerTurn } from './server-turn.ts';

const standingTimer = (merchant: number) => `standing ${merchant}`;
const unblemished: MerchantStanding = { lost: [], organisations: [], noticeUntilMs: undefined };

/** @throws CryptographicError or TrustedError for what is no final ruling of a trusted server against a merchant */
export function hearLost(turn: ServerTurn, bytes: Uint8Array): void {
  const { state, env, settings, draft } = turn;
  if (state.identity.type !== 'primary') throw new TrustedError('SESSION_DENIED', 'only a primary server counts');
  const { value: ruling, by } = readRuling(bytes, state.lists);
  if (by.type === 'server') requireTrustedServer(by.certificate, state.lists);
  if (!ruling.breaches.includes('merchant') || ruling.finalAtMs > env.nowMs) {
    throw new TrustedError('RULING_UNFIT', 'nothing final was found against a merchant');
  }
  const { merchant } = ruling;
  const before = state.disputes.standings.get(merchant) ?? unblemished;
  const name = toHex(ruling.case);
  const { lostLimit, lostWithinMs, noticeMs } = settings.disputes;
  // By the ruling's own time: whoever has it can bring it as often, and as late, as it likes.
  const atMs = ruling.finalAtMs;
  if (before.lost.some((one) => one.case === name) || atMs + lostWithinMs <= env.nowMs) return;
  const recent = before.lost.filter((one) => one.atMs + lostWithinMs > env.nowMs);
  const lost = [...recent, { case: name, atMs, weight: weightOf(ruling, lostLimit) }];
  const organisations = [...new Set([...before.organisations, ...(ruling.organisation ? [ruling.organisation] : [])])];
  const tooMany = weigh(lost) >= lostLimit;
  const noticeUntilMs = before.noticeUntilMs ?? (tooMany ? env.nowMs + noticeMs : undefined);
  const standing = { lost, organisations: organisations.slice(0, 16), noticeUntilMs };
  draft.records.push({ type: 'dispute', dispute: { type: 'standing', merchant, standing } });
  if (noticeUntilMs !== undefined && before.noticeUntilMs === undefined) {
    draft.timers.push({ id: standingTimer(merchant), atMs: noticeUntilMs });
  }
}

/** Who does not follow a ruling is at the limit at once. */
function weightOf({ reasons }: TicketRuling, limit: number): number {
  return reasons.at(-1)?.code === 'NOT_FOLLOWED' ? limit : 1;
}

const weigh = (lost: MerchantStanding['lost']) => lost.reduce((sum, { weight }) => sum + weight, 0);

/** The notice is over. */
export function takeStanding(turn: ServerTurn, merchant: number): void {
  const { state, draft, env } = turn;
  const standing = state.disputes.standings.get(merchant);
  if (standing?.noticeUntilMs === undefined || standing.noticeUntilMs > env.nowMs) return;
  const parties: readonly ListedParty[] = [
    { type: 'agent', agentId: merchant },
    ...standing.organisations.map((name): ListedParty => ({ type: 'organisation', name })),
  ];
  const next = parties.find((party) => !isUntrusted(state.lists, party));
  if (next === undefined) {
    draft.records.push(settled(merchant, standing));
    return;
  }
  changeLists(turn, { type: 'distrust', party: next });
  // Each change follows on the one before: the others come in steps of their own.
  draft.timers.push({ id: standingTimer(merchant), atMs: env.nowMs + 1 });
}

/** A person at the primary server found that it deserves it. @throws TrustedError `DISPUTE_UNKNOWN` */
export function pardon({ state, draft }: ServerTurn, merchant: number): void {
  const standing = state.disputes.standings.get(merchant);
  if (standing === undefined || weigh(standing.lost) === 0) {
    throw new TrustedError('DISPUTE_UNKNOWN', 'nothing is held against it');
  }
  draft.records.push(settled(merchant, standing));
  draft.clearTimers.push(standingTimer(merchant));
}

/** Nothing weighs any more; but what was counted once is remembered, so that nobody has it counted again. */
function settled(merchant: number, { lost }: MerchantStanding): ServerRecord {
  const standing = { ...unblemished, lost: lost.map((one) => ({ ...one, weight: 0 })) };
  return { type: 'dispute', dispute: { type: 'standing', merchant, standing } };
}
