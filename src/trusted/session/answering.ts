/** The callee's side of a session: greets whoever calls, then decides whether to have it in (US 5,671,280, figure 9, trusted server B). */
import { encodeCbor } from '../../codec/cbor.ts';
import { toHex } from '../../codec/hex.ts';
import { CryptographicError, HandselError } from '../../handsel-error.ts';
import { dayOf } from '../message/day.ts';
import { encodeTrustedAnswer, encodeTrustedMessage, type TrustedMessage } from '../message/envelope.ts';
import { identifyParty, keyOfPeer, nameOfPeer, type Peer } from '../message/party.ts';
import { ruleOf } from '../message/purpose.ts';
import { versionsOf } from '../message/trust-lists.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { RUNNING } from './calling.ts';
import { openFrame, sealFrame } from './channel.ts';
import { deriveSessionKeys, greet, type ProofBody, readProof, type SessionKeys } from './handshake.ts';
import type { Session } from './session.ts';
import {
  admissionShape,
  idleTimer,
  loseSession,
  type SessionContext,
  type SessionDraft,
  tell,
} from './session-context.ts';

type Hello = Extract<TrustedMessage, { type: 'hello' }>;
type Proof = Extract<TrustedMessage, { type: 'proof' }>;
type Framed = Extract<TrustedMessage, { type: 'frame' | 'query' }>;

/** The greeting. @throws TrustedError `SESSION_BUSY`, CryptographicError */
export function answerHello({ state, ring, env, lists, self }: SessionContext, message: Hello): Uint8Array {
  const id = toHex(message.session);
  if (state.sessions.has(id)) throw new TrustedError('SESSION_BUSY', 'there is a session of this number');
  const { greeting, ...sent } = greet({
    ...{ hello: encodeTrustedMessage(message), point: message.point, self, random: env.random },
    body: { versions: versionsOf(lists), clockMs: env.nowMs },
  });
  ring.put(id, 'greeted', { ...sent, atMs: env.nowMs });
  return encodeTrustedAnswer({ type: 'greeting', ...greeting });
}

const INSIDE = /^(port:|local:|host-side$)/;

/** Why a caller is not let in, or undefined when it is. */
export type Admit = (caller: {
  readonly peer: Peer;
  readonly proof: ProofBody;
  /** When it was greeted, Unix milliseconds. */
  readonly greetedAtMs: number;
}) => string | undefined;

/**
 * Whether the caller is whom it names, and let in: the answer, and an event `open` if so.
 * @throws TrustedError `SESSION_UNKNOWN`; CryptographicError for whatever is wrong with the proof itself
 */
export function answerProof(context: SessionContext, draft: SessionDraft, message: Proof, admit: Admit): Uint8Array {
  const { ring, env, lists, self, pace } = context;
  const id = toHex(message.session);
  const greeted = ring.get(id, 'greeted');
  if (greeted === undefined) throw new TrustedError('SESSION_UNKNOWN', 'no such session');
  const { body, requireSigned, transcript } = readProof(greeted, message.sealed);
  const { purpose, about, replyTo, credential } = body;

  let denial: string | undefined;
  let peer: Peer;
  try {
    const expiredAgent = ruleOf(purpose).expiredCaller === true;
    const said = greeted.transcript;
    peer = identifyParty(credential, {
      ...{ lists, onDay: dayOf(env.nowMs), expiredAgent, transcript: said, tokenOf: context.tokenOf },
    });
  } catch (error) {
    if (!(error instanceof HandselError) || error instanceof CryptographicError) throw error;
    throw new TrustedError('SESSION_DENIED', 'denied', { cause: error });
  }
  requireSigned(keyOfPeer(peer, { lists }));
  if (!ruleOf(purpose).caller.includes(peer.type)) denial = `a ${peer.type} does not call to ${purpose}`;
  // Where it is reached is outside of this device: its ports and its host side are nobody else's to be named.
  if (replyTo !== undefined && INSIDE.test(replyTo))
    denial ??= 'it would have messages sent to the inside of this device';
  denial ??= admit({ peer, proof: body, greetedAtMs: greeted.atMs });

  const names = { caller: nameOfPeer(peer), callee: self.name, purpose };
  const keys = deriveSessionKeys({ keys: greeted.keys, transcript, ...names });
  const admission = admissionShape.encode(
    denial === undefined ? { type: 'admitted', versions: versionsOf(lists), clockMs: env.nowMs } : { type: 'denied' },
  );
  const answer = sealAnswer(keys, { id, kind: 'frame', number: 0 }, encodeCbor(admission));
  if (denial !== undefined) {
    ring.forget(id);
    return answer;
  }
  ring.put(id, 'keys', keys);
  const session: Session = {
    ...{ id, side: 'callee', purpose, about: toHex(about), route: replyTo, peer, peerClockMs: body.clockMs },
    ...{ step: 'quiet', request: 0, queries: 0, queryNumber: 0, messageId: undefined },
  };
  draft.records.push({ type: 'session-began', session });
  draft.timers.push({ id: idleTimer(id), atMs: env.nowMs + pace.idleMs });
  tell(draft, id, { type: 'open' });
  return answer;
}

function sealAnswer(
  keys: SessionKeys,
  { id, ...place }: { readonly id: string; readonly kind: 'frame' | 'query'; readonly number: number },
  payload: Uint8Array,
): Uint8Array {
  const sealed = sealFrame(keys, { ...place, session: id, by: 'callee' }, payload);
  return encodeTrustedAnswer({ type: 'frame', number: place.number, sealed });
}

/**
 * A request: an event `said` follows, and `respond` has to, sooner or later.
 * @throws TrustedError `SESSION_UNKNOWN` or `SESSION_OUT_OF_ORDER`; CryptographicError
 */
export function takeRequest(context: SessionContext, draft: SessionDraft, message: Framed, messageId: string): void {
  const { session, keys } = openSession(context, message);
  const { id } = session;
  if (session.step !== 'quiet' || message.number !== session.request + 1) {
    throw new TrustedError('SESSION_OUT_OF_ORDER', `message ${message.number} after ${session.request}`);
  }
  const payload = openFrame(keys, { session: id, by: 'caller', kind: 'frame', number: message.number }, message.sealed);
  draft.records.push({ type: 'session-asked', id, messageId });
  draft.clearTimers.push(idleTimer(id));
  tell(draft, id, { type: 'said', payload });
}

/** Whether the session is still running: the caller asks when an answer is late. @throws as `takeRequest` */
export function answerQuery(context: SessionContext, message: Framed): Uint8Array {
  const { session, keys } = openSession(context, message);
  const place = { session: session.id, kind: 'query', number: message.number } as const;
  openFrame(keys, { ...place, by: 'caller' }, message.sealed);
  return sealAnswer(keys, { id: session.id, ...place }, new Uint8Array([RUNNING]));
}

function openSession({ state, ring }: SessionContext, message: Framed) {
  const session = state.sessions.get(toHex(message.session));
  const keys = session && ring.get(session.id, 'keys');
  if (session?.side !== 'callee' || keys === undefined) throw new TrustedError('SESSION_UNKNOWN', 'no such session');
  return { session, keys };
}

/** The answer to the request that waits. */
export function respond(context: SessionContext, draft: SessionDraft, session: Session, payload: Uint8Array): void {
  const { ring, env, pace } = context;
  const { id, request: number, messageId } = session;
  const keys = ring.get(id, 'keys');
  if (keys === undefined || messageId === undefined) {
    loseSession(context, draft, session, 'its keys are gone');
    return;
  }
  draft.answers.push({ messageId, body: sealAnswer(keys, { id, kind: 'frame', number }, payload) });
  draft.records.push({ type: 'session-answered', id });
  draft.timers.push({ id: idleTimer(id), atMs: env.nowMs + pace.idleMs });
}

/** The caller has said nothing for too long. */
export function hearIdleness(context: SessionContext, draft: SessionDraft, session: Session): void {
  if (session.step === 'quiet') loseSession(context, draft, session, 'idle');
}
