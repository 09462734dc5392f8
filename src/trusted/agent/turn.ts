/** One decision of an agent under way: what it rests on, and what has been put into it so far. */
import type { KeyObject } from 'node:crypto';
import { equalBytes, toHex } from '../../codec/hex.ts';
import { compactKeyOf } from '../../crypto/compact-key.ts';
import type { Decision, Env, Outgoing, Timer } from '../../journal/machine.ts';
import type { AgentCertificate } from '../message/certificate.ts';
import { type AgentPeer, enrolmentOf, enrolmentProof, nameOfPeer } from '../message/party.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { respond } from '../session/answering.ts';
import { ask } from '../session/calling.ts';
import type { KeyRing } from '../session/key-ring.ts';
import type { Session } from '../session/session.ts';
import { endSession, type SessionContext, type SessionPace } from '../session/session-context.ts';
import type { AgentRecord, LogEntry } from './agent-record.ts';
import type { AgentState, Identity } from './agent-state.ts';
import type { Talk } from './talk.ts';

export interface AgentPace extends SessionPace {
  /** How long an acceptor leaves a holder's request open before it says that it is still there. */
  readonly holdMs: number;
  /** How long a mark says that a ticket is in use. */
  readonly useMs: number;
  /** First pause before a voter asks for the outcome; doubled each time, up to a day. */
  readonly askMs: number;
  /** How long a merchant may take to answer a dispute, by the customer's agent: then a trusted server may be asked. */
  readonly disputeMs: number;
  /** How long a network may take to authorise a card. */
  readonly authoriseMs: number;
}

/** The payment ports of a device; each is reached at the route `port:NAME`. */
export interface PaymentPorts {
  /** Where a payee's agent has cards authorised, and the network's compact key. */
  readonly card?: { readonly port: string; readonly networkKey: Uint8Array };
  /** The money module of the device. */
  readonly module?: { readonly port: string };
}

/** How an authority is called where SD-JWT VCs are verified (draft-ietf-oauth-sd-jwt-vc). */
export interface SdJwtIssuer {
  /** An HTTPS URL, below which `issuerMetadata` is served. */
  readonly issuer: string;
  /** What each type's `vct` begins with. */
  readonly vctBase: string;
}

export interface AgentSettings {
  readonly pace: AgentPace;
  /** Where this agent hears statements, if it can be reached at all. */
  readonly replyTo: string | undefined;
  readonly payment: PaymentPorts;
  readonly sdJwt: SdJwtIssuer | undefined;
}

export interface AgentDraft {
  readonly records: AgentRecord[];
  readonly keys: string[];
  readonly send: Outgoing[];
  readonly cancel: string[];
  readonly timers: Timer[];
  readonly clearTimers: string[];
  readonly inputs: unknown[];
  readonly answers: { readonly messageId: string; readonly body: Uint8Array }[];
  answer: Uint8Array | undefined;
}

export interface Turn {
  readonly state: AgentState;
  readonly env: Env;
  readonly settings: AgentSettings;
  readonly draft: AgentDraft;
  readonly context: SessionContext;
}

/** Journal key of Tran Log: `readByKey` gives every decision that logged something. */
export const LOG_KEY = 'log';
/** Journal key of what was logged about the payment for a ticket, for disputes about it. */
export const paidKey = (ticketId: string) => `paid ${ticketId}`;

export function newTurn(state: AgentState, env: Env, ring: KeyRing, settings: AgentSettings): Turn {
  const draft: AgentDraft = {
    ...{ records: [], keys: [], send: [], cancel: [], timers: [], clearTimers: [], inputs: [], answers: [] },
    answer: undefined,
  };
  const context: SessionContext = {
    ...{ state, env, ring, pace: settings.pace, lists: state.lists, tokenOf: () => undefined },
    get self() {
      return selfOf(state.identity, settings);
    },
  };
  return { state, env, settings, draft, context };
}

export function decisionOf({ answer, ...draft }: AgentDraft): Decision<AgentRecord> {
  return { ...draft, ...(answer === undefined ? {} : { answer }) };
}

/** @throws TrustedError `COMMAND_UNTIMELY` for a device that has no key yet */
function selfOf(identity: Identity, { replyTo }: AgentSettings): SessionContext['self'] {
  if (identity.type === 'new') throw new TrustedError('COMMAND_UNTIMELY', 'this device was never initialised');
  const { privateKey, x } = compactKeyOf(identity.scalar);
  if (identity.type === 'certified') {
    const { certificate } = identity;
    const name = nameOfPeer({ type: 'agent', agentId: certificate.agentId, certificate });
    return { name, replyTo, privateKey, credential: () => ({ type: 'agent', certificate }) };
  }
  const { token } = identity;
  const enrolment = enrolmentOf(token);
  return {
    name: nameOfPeer({ type: 'blank', publicKey: x, enrolment: toHex(enrolment) }),
    ...{ replyTo, privateKey },
    credential: (transcript) => ({
      ...{ type: 'blank', publicKey: x, enrolment },
      proof: enrolmentProof(token, transcript),
    }),
  };
}

/** The agent's own certificate and key. @throws TrustedError `COMMAND_UNTIMELY` before there is one */
export function ownKey({ state }: Turn): { readonly certificate: AgentCertificate; readonly privateKey: KeyObject } {
  if (state.identity.type !== 'certified') throw new TrustedError('COMMAND_UNTIMELY', 'this device has no certificate');
  const { certificate, scalar } = state.identity;
  return { certificate, privateKey: compactKeyOf(scalar).privateKey };
}

/** The key of a certificate that this agent has, or had when what is to be signed was laid out. */
export function keyOfCertificate({ state: { identity } }: Turn, { publicKey }: AgentCertificate): KeyObject {
  const scalars = identity.type === 'certified' ? [identity.scalar, ...identity.former] : [];
  const pair = scalars.map(compactKeyOf).find(({ x }) => equalBytes(x, publicKey));
  if (pair === undefined)
    throw new TrustedError('CERTIFICATE_UNFIT', 'this device has no key of that certificate any more');
  return pair.privateKey;
}

export function sessionOf({ state }: Turn, talk: Talk): Session {
  return state.sessions.get(talk.session)!;
}

/** The agent at the other end: who is let in to a talk between agents is one. */
export function peerOf(turn: Turn, talk: Talk): AgentPeer {
  return sessionOf(turn, talk).peer as AgentPeer;
}

export function keepTalk({ draft }: Turn, talk: Talk): void {
  draft.records.push({ type: 'talk', talk });
}

/** Asks or answers, by the side this agent is on. */
export function say(turn: Turn, talk: Talk, payload: Uint8Array): void {
  const session = sessionOf(turn, talk);
  if (session.side === 'caller') ask(turn.context, turn.draft, session, payload);
  else respond(turn.context, turn.draft, session, payload);
}

/** The conversation is over, and its session with it if that still is. */
export function endTalk(turn: Turn, talk: Talk, why: string): void {
  const session = turn.state.sessions.get(talk.session);
  if (session !== undefined) endSession(turn.context, turn.draft, session, why);
  turn.draft.records.push({ type: 'talk-over', session: talk.session });
}

export function log(
  { draft, env, state }: Turn,
  entry: Omit<LogEntry, 'atMs' | 'peerClockMs'> & { session?: string },
): void {
  const { session, ...rest } = entry;
  const peerClockMs = session === undefined ? undefined : state.sessions.get(session)?.peerClockMs;
  draft.records.push({ type: 'logged', entry: { ...rest, atMs: env.nowMs, peerClockMs } });
  if (!draft.keys.includes(LOG_KEY)) draft.keys.push(LOG_KEY);
}
