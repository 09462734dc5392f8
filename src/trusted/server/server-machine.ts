/**
 * A trusted server as a machine (US 5,671,280, figure 6B), ordinary or primary: certifies, keeps or passes on the lists, countersigns the heads
 * of agents, resolves disputes.
 */
import { toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Decision, Env, Machine, Outcome, Reply, Timer } from '../../journal/machine.ts';
import type { AgentKind } from '../message/certificate.ts';
import { decodeTrustedAnswer, encodeTrustedAnswer, type TrustedMessage } from '../message/envelope.ts';
import type { ListChange } from '../message/list-change.ts';
import { enrolmentOf } from '../message/party.ts';
import { longestCertificateDays, type TrustLists } from '../message/trust-lists.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { answerHello, answerProof, answerQuery, hearIdleness, takeRequest } from '../session/answering.ts';
import { hearAnswer, hearLateness } from '../session/calling.ts';
import { createKeyRing, type KeyRing } from '../session/key-ring.ts';
import type { SessionInput } from '../session/session.ts';
import { loseKeyless, loseSession, usualPace } from '../session/session-context.ts';
import { admitParty } from './admit-party.ts';
import { paymentFactIn } from './ask-payments.ts';
import {
  askToBeCertified,
  certifyLater,
  hearCertified,
  initialiseServer,
  RENEW_TIMER,
  recertifyServer,
  renew,
} from './being-certified.ts';
import { certifyParty } from './certify-party.ts';
import { type DisputePolicy, usualDisputePolicy } from './dispute-policy.ts';
import { answerAboutRuling, goOn, hearAppeal, hearComplaint, hearStatement } from './hear-dispute.ts';
import { changeLists, PULL_TIMER, pullLists, takeLists } from './list-keeper.ts';
import { hearReport } from './report-agent.ts';
import { decideByPerson, makeFinal, type PersonsDecision } from './rule-dispute.ts';
import { emptyServer, restoreServer, snapshotServer } from './server-snapshot.ts';
import { applyServerRecord, type ServerRecord, type ServerState } from './server-state.ts';
import {
  decisionOfServer,
  newServerTurn,
  type ServerPace,
  type ServerSettings,
  type ServerTurn,
} from './server-turn.ts';

import { hearLost, pardon, takeStanding } from './standing.ts';

/** What the server's operator commands. */
export type ServerCommand =
  /** The process was started. */
  | { readonly type: 'opened' }
  /** An ordinary server's first certificate, with the token under which the primary server announced it. */
  | { readonly type: 'initialise'; readonly token: Uint8Array }
  | { readonly type: 'recertify' }
  /** A device will come with this token (16 to 64 bytes, random); `kind` for agents only. */
  | { readonly type: 'announce'; readonly token: Uint8Array; readonly kind?: AgentKind }
  /** At a primary server: decommissions a server, takes a merchant's standing, adds a primary key long before its use. */
  | { readonly type: 'change-lists'; readonly change: ListChange }
  /** Of a dispute where only eyes can tell, or that was appealed. */
  | { readonly type: 'decide-dispute'; readonly decision: PersonsDecision }
  /** At a primary server: a merchant with too many lost disputes keeps its standing. */
  | { readonly type: 'pardon'; readonly agentId: number };

export type ServerInput =
  | { readonly type: 'command'; readonly command: ServerCommand }
  | { readonly type: 'message'; readonly message: TrustedMessage; readonly messageId: string }
  | { readonly type: 'reply'; readonly id: string; readonly outcome: Outcome }
  | { readonly type: 'timer'; readonly id: string }
  | SessionInput;

export interface ServerOptions {
  readonly foundingLists: TrustLists;
  readonly role:
    | { readonly type: 'ordinary' /** Route. */; readonly primary: string }
    | { readonly type: 'primary'; readonly primaryId: number /** Secret. */; readonly scalar: Uint8Array };
  /** Default 90 for agents, 120 for servers. */
  readonly certificateDays?: number;
  readonly pace?: Partial<ServerPace>;
  readonly disputes?: Partial<DisputePolicy>;
}

export const usualServerPace: ServerPace = { ...usualPace, pullMs: 600_000 };

export function createTrustedServer(options: ServerOptions): Machine<ServerState, ServerInput, ServerRecord> {
  const { role, foundingLists, certificateDays = role.type === 'primary' ? longestCertificateDays : 90 } = options;
  const settings: ServerSettings = {
    pace: { ...usualServerPace, ...options.pace },
    primary: role.type === 'ordinary' ? role.primary : undefined,
    certificateDays: Math.min(certificateDays, longestCertificateDays),
    disputes: { ...usualDisputePolicy, ...options.disputes },
  };
  const ring = createKeyRing();
  return {
    name: `trusted-${role.type}-server`,
    initial: () => emptyServer(foundingLists, role.type === 'primary' ? role : { type: 'new' }),
    decide: (state, input, env) => decide({ state, env, ring, settings }, input),
    apply: applyServerRecord,
    snapshot: snapshotServer,
    restore: restoreServer,
    received: ({ id, outcome }: Reply): ServerInput => ({ type: 'reply', id, outcome }),
    fired: ({ id }: Timer): ServerInput => ({ type: 'timer', id }),
  };
}

interface Deciding {
  readonly state: ServerState;
  readonly env: Env;
  readonly ring: KeyRing;
  readonly settings: ServerSettings;
}

function decide({ state, env, ring, settings }: Deciding, input: ServerInput): Decision<ServerRecord> {
  const turn = newServerTurn(state, env, ring, settings);
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
    case 'session':
      try {
        converse(turn, input);
      } catch (error) {
        const session = state.sessions.get(input.id);
        if (!(error instanceof HandselError) || session === undefined) throw error;
        // Nothing of what it would have led to remains.
        const other = newServerTurn(state, env, ring, settings);
        loseSession(other.context, other.draft, session, error.code);
        return decisionOfServer(other.draft);
      }
      break;
  }
  return decisionOfServer(turn.draft);
}

function converse(turn: ServerTurn, { id, event }: SessionInput): void {
  const talk = turn.state.talks.get(id);
  if (talk === undefined) return;
  if (event.type === 'lost') {
    if (talk.type === 'being-certified') certifyLater(turn, talk);
    turn.draft.records.push({ type: 'talk-over', session: id });
  } else if (talk.type === 'certifying') {
    if (event.type === 'said') certifyParty(turn, talk, event.payload);
  } else if (event.type === 'open') {
    askToBeCertified(turn, talk);
  } else {
    hearCertified(turn, talk, event.payload);
  }
}

function obey(turn: ServerTurn, command: ServerCommand): void {
  switch (command.type) {
    case 'opened':
      loseKeyless(turn.context, turn.draft);
      pullLists(turn);
      break;
    case 'initialise':
      initialiseServer(turn, command.token);
      break;
    case 'recertify':
      recertifyServer(turn);
      break;
    case 'announce':
      announce(turn, command);
      break;
    case 'change-lists':
      changeLists(turn, command.change);
      break;
    case 'decide-dispute':
      decideByPerson(turn, command.decision);
      break;
    case 'pardon':
      pardon(turn, command.agentId);
      break;
  }
}

function announce({ draft, state }: ServerTurn, { token, kind }: Extract<ServerCommand, { type: 'announce' }>): void {
  const name = toHex(enrolmentOf(token));
  if (token.length < 16 || token.length > 64 || state.enrolments.has(name)) {
    throw new TrustedError('COMMAND_UNTIMELY', 'a token has 16 to 64 bytes and is used once');
  }
  draft.records.push({ type: 'announced', name, enrolment: { token, kind, taken: undefined } });
}

function hear(turn: ServerTurn, message: TrustedMessage, messageId: string): void {
  const { context, draft } = turn;
  switch (message.type) {
    case 'hello':
      draft.answer = answerHello(context, message);
      break;
    case 'proof': {
      const session = toHex(message.session);
      draft.answer = answerProof(context, draft, message, (caller) => admitParty(turn, { session, ...caller }));
      break;
    }
    case 'frame':
      takeRequest(context, draft, message, messageId);
      break;
    case 'query':
      draft.answer = answerQuery(context, message);
      break;
    case 'report':
      hearReport(turn, message.report);
      draft.answer = encodeTrustedAnswer({ type: 'heard' });
      break;
    case 'complaint':
      hearComplaint(turn, message.sealed, messageId);
      break;
    case 'appeal':
      draft.answer = hearAppeal(turn, message.sealed);
      break;
    case 'ask-ruling':
      draft.answer = answerAboutRuling(turn, message.case);
      break;
    case 'lost':
      hearLost(turn, message.ruling);
      draft.answer = encodeTrustedAnswer({ type: 'heard' });
      break;
    case 'statement':
    case 'hearing':
    case 'ruling':
    case 'lists':
      throw new TrustedError('TRANSACTION_UNKNOWN', `"${message.type}" is nothing for a server's machine`);
  }
}

function hearReply(turn: ServerTurn, id: string, outcome: Outcome): void {
  const [kind] = id.split('/');
  if (kind === 's' || kind === 'q') hearAnswer(turn.context, turn.draft, id, outcome);
  else if (kind === 'l' && outcome.type === 'answered') {
    const answer = decodeTrustedAnswer(outcome.body);
    if (answer.type === 'lists') takeLists(turn, answer.update);
  } else if (kind === 'h') hearStatement(turn, id, outcome);
  else if (kind === 'p') {
    const of = turn.state.disputes.cases.get(id.slice(2));
    if (of?.paid === 'asked') goOn(turn, { ...of, paid: paymentFactIn(outcome) });
  }
}

function timeIsUp(turn: ServerTurn, timer: string): void {
  if (timer === PULL_TIMER) {
    pullLists(turn);
  } else if (timer === RENEW_TIMER) {
    renew(turn);
  } else {
    const [kind, id = ''] = timer.split(' ');
    if (kind === 'final') makeFinal(turn, id);
    if (kind === 'standing') takeStanding(turn, Number(id));
    const session = turn.state.sessions.get(id);
    if (session === undefined) return;
    if (kind === 'late') hearLateness(turn.context, turn.draft, session);
    else hearIdleness(turn.context, turn.draft, session);
  }
}
