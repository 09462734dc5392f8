/**
 * Whom a server lets in to be certified: devices that were announced, and those it has certified, each with its newest certificate only. Whoever
 * comes with one that it has replaced itself is a copy, or was set back.
 */
import { equalBytes } from '../../codec/hex.ts';
import type { Peer } from '../message/party.ts';
import type { ProofBody } from '../session/handshake.ts';
import { loseSession } from '../session/session-context.ts';
import { sendReport } from './report-agent.ts';
import type { Registered } from './server-state.ts';
import type { ServerTurn } from './server-turn.ts';

interface Caller {
  readonly session: string;
  readonly peer: Peer;
  readonly proof: ProofBody;
  /** When it was greeted, Unix milliseconds. */
  readonly greetedAtMs: number;
}

/** Why a caller is not let in; undefined when it is, and the talk has begun. */
export function admitParty(turn: ServerTurn, caller: Caller): string | undefined {
  const { session, peer } = caller;
  const denial = peer.type === 'blank' ? refusalOfBlank(turn, peer, caller) : refusalOfCertified(turn, caller);
  if (denial !== undefined) return denial;
  const id = numberOf(peer);
  // One talk with each at a time: what comes late from an earlier one must not be heard after a newer one.
  for (const talk of turn.state.talks.values()) {
    const other = talk.type === 'certifying' && id !== undefined && talk.id === id ? talk.session : undefined;
    const open = other === undefined ? undefined : turn.state.sessions.get(other);
    if (open !== undefined) loseSession(turn.context, turn.draft, open, 'it called again');
  }
  const enrolment = peer.type === 'blank' ? peer.enrolment : undefined;
  turn.draft.records.push({
    type: 'talk',
    talk: { type: 'certifying', session, id, tries: 0, asked: undefined, enrolment },
  });
  return undefined;
}

/** TA(id) or TS(id), if it has one. */
function numberOf(peer: Peer): number | undefined {
  if (peer.type === 'agent') return peer.agentId;
  return peer.type === 'server' ? peer.serverId : undefined;
}

type Blank = Extract<Peer, { type: 'blank' }>;

function refusalOfBlank({ state }: ServerTurn, { enrolment, publicKey }: Blank, { proof }: Caller): string | undefined {
  const { taken } = state.enrolments.get(enrolment)!;
  if (proof.purpose !== 'initialise') return 'a device without a certificate can only get one';
  const other = taken !== undefined && !equalBytes(taken.publicKey, publicKey);
  return other ? 'another device came with this token' : undefined;
}

function refusalOfCertified(turn: ServerTurn, { peer, greetedAtMs }: Caller): string | undefined {
  const { state } = turn;
  const wanted = state.identity.type === 'primary' ? 'server' : 'agent';
  const id = numberOf(peer);
  if (id === undefined || peer.type !== wanted) return `a ${peer.type} is not certified here`;
  const registered = state.registered.get(id);
  if (registered === undefined) return 'it is registered with another server';
  if (state.suspects.has(id)) return 'it was found out to be a copy';
  const { publicKey } = peer.certificate;
  const { offered, publicKey: inUse, confirmedAtMs } = registered;
  if (offered !== undefined && equalBytes(publicKey, offered)) {
    confirm(turn, registered);
    return undefined;
  }
  if (inUse !== undefined && equalBytes(publicKey, inUse)) return undefined;
  // Unless this call was on its way already when the new one came into use.
  if (peer.type === 'agent' && greetedAtMs > confirmedAtMs) suspect(turn, id);
  return 'it comes with a certificate that was replaced';
}

/** The certificate given out last is in use: older ones are not any more, and the token that led to it is worth nothing. */
export function confirm({ state, draft, env }: ServerTurn, registered: Registered): void {
  const { id, offered } = registered;
  draft.records.push({
    type: 'registered',
    registered: { ...registered, publicKey: offered, offered: undefined, confirmedAtMs: env.nowMs },
  });
  for (const [name, { taken }] of state.enrolments) {
    if (taken?.id === id) draft.records.push({ type: 'enrolled', name });
  }
}

/** It is not let in here any more, and soon nowhere. */
export function suspect(turn: ServerTurn, agentId: number): void {
  turn.draft.records.push({ type: 'suspected', id: agentId });
  sendReport(turn, agentId, 'two devices go by this name, or one was set back');
}
