/**
 * The trusted agent as a machine (US 5,671,280, figures 4A to 4D): what its host side commands, what other agents and servers say, and time. The
 * External Interface and Message Interface are this file; Session Manager and Security Manager are `../session/`; the Transactors are
 * the conversations; Ticket Holder and Tran Log are the state.
 */

import { toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Decision, Env, Machine, Outcome, Reply, Timer } from '../../journal/machine.ts';
import { decodeTrustedAnswer, encodeTrustedAnswer, type TrustedMessage } from '../message/envelope.ts';
import type { Peer } from '../message/party.ts';
import { checkUpdate, type TrustLists } from '../message/trust-lists.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { answerHello, answerProof, answerQuery, hearIdleness, takeRequest } from '../session/answering.ts';
import { hearAnswer, hearLateness } from '../session/calling.ts';
import type { ProofBody } from '../session/handshake.ts';
import { createKeyRing, type KeyRing } from '../session/key-ring.ts';
import type { SessionEvent, SessionInput } from '../session/session.ts';
import { loseSession, usualPace } from '../session/session-context.ts';
import { accepting, hold } from './accepting.ts';
import { acquiring, stopPondering } from './acquiring.ts';
import { type AgentRecord, applyAgentRecord } from './agent-record.ts';
import { emptyAgent, restoreAgent, snapshotAgent } from './agent-snapshot.ts';
import type { AgentState, CipheredObject } from './agent-state.ts';
import { hearHearing } from './being-heard.ts';
import { buying } from './buying.ts';
import { goOnPursuing } from './call-merchant.ts';
import { calleeTalks, isCalledFor } from './callee-talk.ts';
import { certifying } from './certifying.ts';
import { collecting, stopCollecting } from './collecting.ts';
import type { Conversation } from './conversation.ts';
import { creating } from './creating.ts';
import { hearAppealAnswer, hearComplaintAnswer, hearRuling } from './escalate-dispute.ts';
import { exporting } from './exporting.ts';
import { giving } from './giving.ts';
import { hearPort, queryPort } from './hear-port.ts';
import type { HostCommand } from './host-command.ts';
import { disputing } from './initiate-dispute.ts';
import { obey } from './obey.ts';
import { answerStatement, goOnAsking, hearStatementAnswer } from './outcome.ts';
import { takeStandings } from './own-standings.ts';
import { presenting } from './presenting.ts';
import { remitting, stopRemitting } from './remitting.ts';
import { letGo, resolving } from './resolve-dispute.ts';
import { selling } from './selling.ts';
import { taking } from './taking.ts';
import type { Talk } from './talk.ts';
import {
  type AgentPace,
  type AgentSettings,
  decisionOf,
  newTurn,
  type PaymentPorts,
  type SdJwtIssuer,
  type Turn,
} from './turn.ts';

export type AgentInput =
  | { readonly type: 'command'; readonly command: HostCommand }
  | { readonly type: 'message'; readonly message: TrustedMessage; readonly messageId: string }
  | { readonly type: 'reply'; readonly id: string; readonly outcome: Outcome }
  | { readonly type: 'timer'; readonly id: string }
  /** From within the device: an electronic object was encrypted. */
  | { readonly type: 'ciphered'; readonly object: CipheredObject }
  /** What became of a question to a port, for the conversation that asked it. */
  | { readonly type: 'ported'; readonly session: string; readonly outcome: Outcome }
  | SessionInput;

export interface AgentOptions {
  /** The lists as they were built in. */
  readonly foundingLists: TrustLists;
  /** Route under which other agents reach this one; absent for a device that only calls. */
  readonly replyTo?: string;
  readonly pace?: Partial<AgentPace>;
  /** Of an authority whose credentials may be had as SD-JWT VCs. */
  readonly sdJwt?: SdJwtIssuer;
  /** Absent for a device that pays only by card: then the payee's agent has a port, and it has none. */
  readonly payment?: PaymentPorts;
}

export const usualAgentPace: AgentPace = {
  ...usualPace,
  ...{ holdMs: 20_000, useMs: 3_600_000, askMs: 30_000, authoriseMs: 120_000, disputeMs: 7 * 86_400_000 },
};

const conversations: { readonly [K in Talk['type']]: Conversation<Extract<Talk, { type: K }>> } = {
  buying,
  selling,
  certifying,
  giving,
  taking,
  presenting,
  accepting,
  disputing,
  resolving,
  acquiring,
  creating,
  exporting,
  remitting,
  collecting,
};

const conversationOf = (talk: Talk) => conversations[talk.type] as Conversation<Talk>;

export function createTrustedAgent(options: AgentOptions): Machine<AgentState, AgentInput, AgentRecord> {
  const { replyTo, payment = {}, sdJwt } = options;
  const settings: AgentSettings = { pace: { ...usualAgentPace, ...options.pace }, replyTo, payment, sdJwt };
  const ring = createKeyRing();
  return {
    name: 'trusted-agent',
    initial: () => emptyAgent(options.foundingLists),
    decide: (state, input, env) => decide({ state, env, ring, settings }, input),
    apply: applyAgentRecord,
    snapshot: snapshotAgent,
    restore: restoreAgent,
    received: ({ id, outcome }: Reply): AgentInput => ({ type: 'reply', id, outcome }),
    fired: ({ id }: Timer): AgentInput => ({ type: 'timer', id }),
  };
}

interface Deciding {
  readonly state: AgentState;
  readonly env: Env;
  readonly ring: KeyRing;
  readonly settings: AgentSettings;
}

function decide(deciding: Deciding, input: AgentInput): Decision<AgentRecord> {
  const { state, env, ring, settings } = deciding;
  const turn = newTurn(state, env, ring, settings);
  if (input.type === 'session') {
    const { id, event } = input;
    return converse(deciding, turn, id, (conversation, talk) => hearSession(turn, conversation, talk, event));
  }
  if (input.type === 'ported') {
    const { session, outcome } = input;
    return converse(deciding, turn, session, (conversation, talk) => conversation.ported?.(turn, talk, outcome));
  }
  switch (input.type) {
    case 'command':
      obey(turn, input.command);
      break;
    case 'message':
      hear(turn, input.message, input.messageId);
      break;
    case 'reply':
      hearReply(turn, input.id, input.outcome);
      break;
    case 'timer':
      timeIsUp(turn, input.id);
      break;
    case 'ciphered':
      turn.draft.records.push({ type: 'ciphered', object: input.object });
      break;
  }
  return decisionOf(turn.draft);
}

function hearSession(turn: Turn, conversation: Conversation<Talk>, talk: Talk, event: SessionEvent): void {
  if (event.type === 'lost') {
    conversation.lost(turn, talk, event.why);
    turn.draft.records.push({ type: 'talk-over', session: talk.session });
  } else if (event.type === 'open') {
    conversation.open(turn, talk);
  } else {
    conversation.said(turn, talk, event.payload);
  }
}

/** What makes no sense in a conversation ends it: nothing of what it would have led to remains. */
function converse(
  deciding: Deciding,
  turn: Turn,
  id: string,
  hear: (conversation: Conversation<Talk>, talk: Talk) => void,
): Decision<AgentRecord> {
  const { state, env, ring, settings } = deciding;
  const talk = state.talks.get(id);
  if (talk === undefined) return decisionOf(turn.draft);
  try {
    hear(conversationOf(talk), talk);
    return decisionOf(turn.draft);
  } catch (error) {
    const session = state.sessions.get(id);
    if (!(error instanceof HandselError) || session === undefined) throw error;
    const other = newTurn(state, env, ring, settings);
    loseSession(other.context, other.draft, session, error.code);
    return decisionOf(other.draft);
  }
}

function hear(turn: Turn, message: TrustedMessage, messageId: string): void {
  const { context, draft } = turn;
  switch (message.type) {
    case 'hello':
      draft.answer = answerHello(context, message);
      break;
    case 'proof':
      draft.answer = answerProof(context, draft, message, ({ peer, proof }) =>
        admit(turn, toHex(message.session), peer, proof),
      );
      break;
    case 'frame':
      takeRequest(context, draft, message, messageId);
      break;
    case 'query':
      draft.answer = answerQuery(context, message);
      break;
    case 'statement':
      draft.answer = answerStatement(turn, message.sealed);
      break;
    case 'hearing':
      hearHearing(turn, message.sealed, messageId);
      break;
    case 'ruling':
      hearRuling(turn, message.sealed);
      draft.answer = encodeTrustedAnswer({ type: 'heard' });
      break;
    case 'lists':
    case 'standings':
      throw new TrustedError('SESSION_DENIED', 'agents do not pass lists on');
  }
}

/** Only what the host side said it expects is let in. */
function admit(
  { state, draft, env }: Turn,
  session: string,
  peer: Peer,
  { purpose, about }: ProofBody,
): string | undefined {
  if (peer.type !== 'agent' || !isCalledFor(purpose)) return `nothing is done for "${purpose}"`;
  const own = state.identity.type === 'certified' ? state.identity.certificate.agentId : undefined;
  if (peer.agentId === own) return 'it has the same name as this agent';
  const said = toHex(about);
  const expectation = [...state.expectations.values()].find(
    (one) => one.purpose === purpose && one.untilMs >= env.nowMs && (one.about ?? said) === said,
  );
  if (expectation === undefined) return 'nobody said that it would call';
  const { id, left } = expectation;
  if (left !== undefined) draft.records.push({ type: 'expected', id, left: left - 1 });
  draft.records.push({ type: 'talk', talk: calleeTalks[purpose](state, session, expectation) });
  return undefined;
}

function hearReply(turn: Turn, id: string, outcome: Outcome): void {
  const [kind, session = ''] = id.split('/');
  if (kind === 's' || kind === 'q') hearAnswer(turn.context, turn.draft, id, outcome);
  else if (kind === 'complaint' || kind === 'ask-ruling') hearComplaintAnswer(turn, id, outcome);
  else if (kind === 'appeal') hearAppealAnswer(turn, id, outcome);
  else if (kind === 'port') hearPort(turn, id, { outcome, conversationOf });
  else if (kind === 'o' || kind === 'a') hearStatementAnswer(turn, id, outcome);
  else if (kind === 'w') turn.draft.inputs.push({ type: 'ported', session, outcome } satisfies AgentInput);
  else if (kind === 'n' && outcome.type === 'answered') hearStandings(turn, outcome.body);
  else if (kind === 'l' && outcome.type === 'answered') {
    const answer = decodeTrustedAnswer(outcome.body);
    if (answer.type !== 'lists') throw new TrustedError('LIST_STALE', 'no lists came back');
    turn.draft.records.push({ type: 'lists', update: checkUpdate(turn.state.lists, answer.update) });
  }
}

function hearStandings(turn: Turn, body: Uint8Array): void {
  const answer = decodeTrustedAnswer(body);
  if (answer.type !== 'standings') throw new TrustedError('LIST_STALE', 'no list came back');
  takeStandings(turn, answer.update);
}

function timeIsUp(turn: Turn, timer: string): void {
  const { state, context, draft } = turn;
  const [kind, id = ''] = timer.split(' ');
  if (kind === 'ask') {
    goOnAsking(turn, id);
    return;
  }
  if (kind === 'port') {
    queryPort(turn, id);
    return;
  }
  if (kind === 'dispute') {
    goOnPursuing(turn, id);
    return;
  }
  const session = state.sessions.get(id);
  if (session === undefined) return;
  if (kind === 'late') hearLateness(context, draft, session);
  else if (kind === 'idle') hearIdleness(context, draft, session);
  else {
    const talk = state.talks.get(id);
    if (talk?.type === 'accepting') hold(turn, talk);
    else if (talk?.type === 'resolving') letGo(turn, talk);
    else if (talk?.type === 'acquiring') stopPondering(turn, talk);
    else if (talk?.type === 'remitting') stopRemitting(turn, talk);
    else if (talk?.type === 'collecting') stopCollecting(turn, talk);
  }
}
