/**
 * How credentials stand, as an agent knows it: an authority's agent keeps the list of those that it issued; every other keeps the lists of the
 * authorities that its host side told it to fetch. Nothing else makes a credential suspended or revoked for it, and how old a list is, is told.
 */
import { decodeCbor } from '../../codec/cbor.ts';
import { fromHex, toHex } from '../../codec/hex.ts';
import { compactKeyOf } from '../../crypto/compact-key.ts';
import type { Env } from '../../journal/machine.ts';
import { dayOf } from '../message/day.ts';
import { encodeTrustedAnswer, encodeTrustedMessage, type TrustedMessage } from '../message/envelope.ts';
import {
  checkStandings,
  foldStandings,
  type KnownStandings,
  type ListedStanding,
  newStandings,
  type StandingChange,
  type StandingUpdate,
  signStandings,
  standingUpdateShape,
} from '../message/standing-list.ts';
import { TrustedError } from '../message/trusted-error.ts';
import type { TicketStatus } from '../ticket/status.ts';
import { type Ticket, ticketIdOf } from '../ticket/ticket.ts';
import type { AgentState } from './agent-state.ts';
import { tellHost } from './to-host.ts';
import { log, ownKey, type Turn } from './turn.ts';

/** Mutates the state: what `apply` does with changes to the agent's own list. */
export function listOwn({ standings: { own } }: AgentState, changes: readonly StandingChange[]): void {
  foldStandings(own.list, { changes, atS: 0 });
  own.changes.push(...changes);
}

/** Mutates the state. */
export function takeKnown({ standings }: AgentState, update: StandingUpdate): void {
  const known = standings.known.get(update.issuer) ?? newStandings(update.issuer);
  standings.known.set(update.issuer, known);
  foldStandings(known, update);
}

export function standingChange(
  { ticketId, standing }: { readonly ticketId: string; readonly standing: ListedStanding },
  { nowMs }: Pick<Env, 'nowMs'>,
): StandingChange {
  return { ticketId: fromHex(ticketId), standing, onDay: dayOf(nowMs) };
}

/** By the authority's host side, for its server. Said again, it changes nothing. */
export function setStanding(
  turn: Turn,
  change: { readonly ticketId: string; readonly standing: ListedStanding },
): void {
  const { certificate } = ownKey(turn);
  if (certificate.kind !== 'authority') throw new TrustedError('COMMAND_UNTIMELY', 'only an authority has such a list');
  const { ticketId, standing } = change;
  const before = turn.state.standings.own.list.listed.get(ticketId) ?? 'good';
  if (before === standing) return;
  turn.draft.records.push({ type: 'listed', changes: [standingChange(change, turn.env)] });
  log(turn, {
    ...{ kind: 'listed', peer: '', transaction: undefined, before: [], after: [] },
    note: `${ticketId} is ${standing}`,
  });
}

/** By any host side: asks an authority, or whoever passes its list on, for what is newer. */
export function fetchStandings(
  turn: Turn,
  { issuer, route }: { readonly issuer: number; readonly route: string },
): void {
  const { draft, env, state } = turn;
  const version = state.standings.known.get(issuer)?.version ?? 0;
  draft.send.push({
    ...{ id: `n/${toHex(env.random(8))}`, to: route, kind: 'Standings', expiresAtMs: env.nowMs + 60_000 },
    body: encodeTrustedMessage({ type: 'standings', issuer, version }),
  });
}

/** Issuers whose lists one agent goes by. */
const maxKnown = 10_000;

/** @throws TrustedError or CryptographicError as `checkStandings` */
export function takeStandings(turn: Turn, update: StandingUpdate): void {
  const { state, env, draft } = turn;
  const { issuer } = update;
  const known = state.standings.known.get(issuer);
  if (known === undefined && state.standings.known.size >= maxKnown) {
    throw new TrustedError('LIST_FULL', `the lists of more than ${maxKnown} authorities`);
  }
  checkStandings(known ?? newStandings(issuer), update, { lists: state.lists, nowMs: env.nowMs });
  draft.records.push({ type: 'standings', update });
  const version = update.after + update.changes.length;
  tellHost(turn, { type: 'standings', issuer, version, atS: update.atS });
}

/** The same, carried by the host side from another device: a gate without a network. @throws also CborError or MessageError */
export function readStandings(encoded: Uint8Array): StandingUpdate {
  return standingUpdateShape.decode(decodeCbor(encoded, { maxBytes: 1 << 20, maxDepth: 8 }), 'list');
}

/** Within that time a list is signed once. */
const GRAIN_S = 60;
const signed = new WeakMap<AgentState, { readonly key: string; readonly answer: Uint8Array }>();

/**
 * An authority's answer to whoever asks; no decision, since nothing changes.
 * @throws TrustedError `LIST_STALE` when this agent has no such list
 */
export function answerStandings(
  state: AgentState,
  { issuer, version }: Extract<TrustedMessage, { type: 'standings' }>,
  nowMs: number,
): Uint8Array {
  const { identity, standings } = state;
  if (
    identity.type !== 'certified' ||
    identity.certificate.agentId !== issuer ||
    identity.certificate.kind !== 'authority'
  ) {
    throw new TrustedError('LIST_STALE', 'the list of another authority');
  }
  const { list, changes } = standings.own;
  const after = Math.min(version, changes.length);
  const atS = Math.floor(nowMs / 1000 / GRAIN_S) * GRAIN_S;
  const key = `${after} ${changes.length} ${atS} ${toHex(identity.certificate.publicKey)}`;
  const before = signed.get(state);
  if (before?.key === key) return before.answer;
  const by = { certificate: identity.certificate, privateKey: compactKeyOf(identity.scalar).privateKey };
  const update = signStandings({ changes, head: list.head, after, atS, by });
  const answer = encodeTrustedAnswer({ type: 'standings', update });
  signed.set(state, { key, answer });
  return answer;
}

/** How a credential stands by the list of its issuer, and how old that list is (Unix seconds); a list can only take away. */
export function standingOf(
  { standings, identity }: AgentState,
  ticket: Ticket,
  status: TicketStatus,
): { readonly status: TicketStatus; readonly listedAtS?: number } {
  const issuer = ticket.issuerCertificate.agentId;
  const own = identity.type === 'certified' && identity.certificate.agentId === issuer;
  const known: KnownStandings | undefined = own ? standings.own.list : standings.known.get(issuer);
  if (known === undefined) return { status };
  const listed = known.listed.get(ticketIdOf(ticket)) ?? 'good';
  const listedAtS = own ? {} : { listedAtS: known.atS };
  if (listed === 'good') return { status, ...listedAtS };
  return { status: { ...status, standing: listed === 'replaced' ? 'revoked' : listed }, ...listedAtS };
}
