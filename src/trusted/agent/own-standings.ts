/**
 * Telling how credentials stand, and hearing it: an authority's agent keeps the list of those that it issued; every other goes by the lists of
 * the authorities that its host side told it to fetch. Only they make a credential suspended or revoked, and how old a list is, is told.
 */
import { decodeCbor } from '../../codec/cbor.ts';
import { toHex } from '../../codec/hex.ts';
import { compactKeyOf } from '../../crypto/compact-key.ts';
import { encodeTrustedAnswer, encodeTrustedMessage, type TrustedMessage } from '../message/envelope.ts';
import {
  checkStandings,
  type ListedStanding,
  newStandings,
  type StandingUpdate,
  signStandings,
  standingUpdateShape,
} from '../message/standing-list.ts';
import { TrustedError } from '../message/trusted-error.ts';
import type { AgentState } from './agent-state.ts';
import { standingChange } from './known-standings.ts';
import { tellHost } from './to-host.ts';
import { log, ownKey, type Turn } from './turn.ts';

/** By the authority's host side, for its server. Said again, it changes nothing. */
export function setStanding(
  turn: Turn,
  change: { readonly ticketId: string; readonly standing: ListedStanding },
): void {
  const { certificate } = ownKey(turn);
  if (certificate.kind !== 'authority') throw new TrustedError('COMMAND_UNTIMELY', 'only an authority has such a list');
  const { ticketId, standing } = change;
  const before = turn.state.standings.own.list.listed.get(ticketId) ?? 'good';
  // What was replaced stays replaced, whatever its server had said before and is heard only now.
  if (before === standing || before === 'replaced') return;
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
