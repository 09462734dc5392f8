/** One decision of a trusted server under way: what it rests on, and what has been put into it so far. */
import type { KeyObject } from 'node:crypto';
import { toHex } from '../../codec/hex.ts';
import { compactKeyOf } from '../../crypto/compact-key.ts';
import type { Decision, Env, Outgoing, Timer } from '../../journal/machine.ts';
import type { ServerCertificate } from '../message/certificate.ts';
import { enrolmentOf, enrolmentProof, nameOfPeer } from '../message/party.ts';
import { TrustedError } from '../message/trusted-error.ts';
import type { KeyRing } from '../session/key-ring.ts';
import type { Session } from '../session/session.ts';
import { endSession, type SessionContext, type SessionPace } from '../session/session-context.ts';
import type { DisputePolicy } from './dispute-policy.ts';
import type { ServerIdentity, ServerRecord, ServerState, ServerTalk } from './server-state.ts';

export interface ServerPace extends SessionPace {
  /** How often an ordinary server asks its primary one for list changes. */
  readonly pullMs: number;
}

export interface ServerSettings {
  readonly pace: ServerPace;
  /** Where the primary server is reached; absent at a primary server. */
  readonly primary: string | undefined;
  /** How long the certificates made here live, at most `longestCertificateDays`. */
  readonly certificateDays: number;
  readonly disputes: DisputePolicy;
}

export interface ServerDraft {
  readonly records: ServerRecord[];
  readonly send: Outgoing[];
  readonly cancel: string[];
  readonly timers: Timer[];
  readonly clearTimers: string[];
  readonly inputs: unknown[];
  readonly answers: { readonly messageId: string; readonly body: Uint8Array }[];
  answer: Uint8Array | undefined;
}

export interface ServerTurn {
  readonly state: ServerState;
  readonly env: Env;
  readonly settings: ServerSettings;
  readonly draft: ServerDraft;
  readonly context: SessionContext;
}

export function newServerTurn(state: ServerState, env: Env, ring: KeyRing, settings: ServerSettings): ServerTurn {
  const draft: ServerDraft = {
    ...{ records: [], send: [], cancel: [], timers: [], clearTimers: [], inputs: [], answers: [] },
    answer: undefined,
  };
  const context: SessionContext = {
    ...{ state, env, ring, pace: settings.pace, lists: state.lists },
    tokenOf: (enrolment) => state.enrolments.get(enrolment)?.token,
    get self() {
      return selfOf(state.identity);
    },
  };
  return { state, env, settings, draft, context };
}

export function decisionOfServer({ answer, ...draft }: ServerDraft): Decision<ServerRecord> {
  return { ...draft, ...(answer === undefined ? {} : { answer }) };
}

function selfOf(identity: ServerIdentity): SessionContext['self'] {
  if (identity.type === 'new') throw new TrustedError('COMMAND_UNTIMELY', 'this server was never initialised');
  const { privateKey, x } = compactKeyOf(identity.scalar);
  const self = { privateKey, replyTo: undefined };
  if (identity.type === 'primary') {
    const { primaryId } = identity;
    return {
      ...self,
      name: nameOfPeer({ type: 'primary', primaryId }),
      credential: () => ({ type: 'primary', primaryId }),
    };
  }
  if (identity.type === 'certified') {
    const { certificate } = identity;
    const name = nameOfPeer({ type: 'server', serverId: certificate.serverId, certificate });
    return { ...self, name, credential: () => ({ type: 'server', certificate }) };
  }
  const enrolment = enrolmentOf(identity.token);
  return {
    ...self,
    name: nameOfPeer({ type: 'blank', publicKey: x, enrolment: toHex(enrolment) }),
    credential: (transcript) => ({
      ...{ type: 'blank', publicKey: x, enrolment },
      proof: enrolmentProof(identity.token, transcript),
    }),
  };
}

/** An ordinary server's own certificate and key. @throws TrustedError `COMMAND_UNTIMELY` before there is one, and at a primary server */
export function serverKey({ state }: ServerTurn): {
  readonly certificate: ServerCertificate;
  readonly privateKey: KeyObject;
} {
  if (state.identity.type !== 'certified') throw new TrustedError('COMMAND_UNTIMELY', 'this server has no certificate');
  const { certificate, scalar } = state.identity;
  return { certificate, privateKey: compactKeyOf(scalar).privateKey };
}

export function sessionOfServer({ state }: ServerTurn, talk: ServerTalk): Session {
  return state.sessions.get(talk.session)!;
}

export function endServerTalk(turn: ServerTurn, talk: ServerTalk, why: string): void {
  const session = turn.state.sessions.get(talk.session);
  if (session !== undefined) endSession(turn.context, turn.draft, session, why);
  turn.draft.records.push({ type: 'talk-over', session: talk.session });
}
