/** The caller's side of a session: greets, proves who it is, asks, and does not wait for ever (US 5,671,280, figure 9 and "Abort And Commit"). */
import { decodeCbor } from '../../codec/cbor.ts';
import { fromHex, toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Outcome } from '../../journal/machine.ts';
import { dayOf } from '../message/day.ts';
import {
  decodeTrustedAnswer,
  encodeTrustedMessage,
  SESSION_ID_LENGTH,
  type TrustedAnswer,
} from '../message/envelope.ts';
import { identifyParty, keyOfPeer, nameOfPeer } from '../message/party.ts';
import { type Purpose, ruleOf } from '../message/purpose.ts';
import { versionsOf } from '../message/trust-lists.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { openFrame, sealFrame } from './channel.ts';
import { deriveSessionKeys, prove, readGreeting, sayHello } from './handshake.ts';
import type { Session } from './session.ts';
import {
  admissionShape,
  lateTimer,
  loseSession,
  messageIdOf,
  queryIdOf,
  type SessionContext,
  type SessionDraft,
  tell,
} from './session-context.ts';

export interface Call {
  readonly purpose: Purpose;
  /** Hexadecimal, up to 64 bytes. */
  readonly about: string;
  readonly route: string;
}

/** Begins a session; an event `open` or `lost` follows. Gives its number. */
export function call(context: SessionContext, draft: SessionDraft, { purpose, about, route }: Call): string {
  const { env, ring } = context;
  const id = toHex(env.random(SESSION_ID_LENGTH));
  const hello = sayHello(id, env.random);
  ring.put(id, 'hello', hello);
  const session: Session = {
    ...{ id, side: 'caller', purpose, about, route, step: 'hello', request: 0, queries: 0, queryNumber: 0 },
    ...{ peer: undefined, peerClockMs: undefined, messageId: undefined },
  };
  draft.records.push({ type: 'session-began', session });
  draft.send.push({ id: messageIdOf(id, 'hello'), to: route, kind: 'SessionHello', body: hello.hello });
  watch(context, draft, id);
  return id;
}

function watch({ env, pace }: SessionContext, draft: SessionDraft, id: string): void {
  draft.timers.push({ id: lateTimer(id), atMs: env.nowMs + pace.lateMs });
}

/** Asks; an event `said` or `lost` follows. */
export function ask(context: SessionContext, draft: SessionDraft, session: Session, payload: Uint8Array): void {
  const keys = context.ring.get(session.id, 'keys');
  if (keys === undefined) {
    loseSession(context, draft, session, 'its keys are gone');
    return;
  }
  const { id, route } = session;
  const number = session.request + 1;
  const sealed = sealFrame(keys, { session: id, by: 'caller', kind: 'frame', number }, payload);
  draft.records.push({ type: 'session-asked', id });
  draft.send.push({
    ...{ id: messageIdOf(id, number), to: route!, kind: 'SessionFrame' },
    body: encodeTrustedMessage({ type: 'frame', session: fromHex(id), number, sealed }),
  });
  watch(context, draft, id);
}

/** What became of a message of a session; `undefined` when it is none, or none that is waited for. */
export function hearAnswer(context: SessionContext, draft: SessionDraft, messageId: string, outcome: Outcome): void {
  const [kind, id = '', what = ''] = messageId.split('/');
  const session = context.state.sessions.get(id);
  if (session === undefined || session.side !== 'caller') return;
  const awaited =
    kind === 'q' ? String(session.queryNumber) : session.step === 'asked' ? String(session.request) : session.step;
  if (what !== awaited) return;
  try {
    const answer = readAnswer(outcome);
    if (kind === 'q') hearQueryAnswer(context, session, answer);
    else if (what === 'hello') hearGreeting(context, draft, session, answer);
    else if (what === 'proof') hearAdmission(context, draft, session, answer);
    else hearFrame(context, draft, session, answer);
  } catch (error) {
    if (!(error instanceof HandselError)) throw error;
    loseSession(context, draft, session, error.code);
  }
}

function readAnswer(outcome: Outcome): TrustedAnswer {
  if (outcome.type === 'answered') return decodeTrustedAnswer(outcome.body);
  const code = outcome.type === 'refused' ? outcome.code : 'no answer';
  throw new TrustedError(code === 'SESSION_DENIED' ? code : 'SESSION_UNKNOWN', `not heard: ${code}`);
}

const keysGone = () => new TrustedError('SESSION_UNKNOWN', 'its keys are gone');

function unexpected({ type }: TrustedAnswer): TrustedError {
  return new TrustedError('SESSION_UNKNOWN', `the answer is "${type}"`);
}

function hearGreeting(context: SessionContext, draft: SessionDraft, session: Session, answer: TrustedAnswer): void {
  if (answer.type !== 'greeting') throw unexpected(answer);
  const { id, purpose, about, route } = session;
  const { env, ring, lists, self } = context;
  const hello = ring.get(id, 'hello');
  if (hello === undefined) throw keysGone();
  const { body, requireSigned, started, sent } = readGreeting(hello, answer);
  const fallenAllowed = ruleOf(purpose).fallenCallee === true;
  const checks = { lists, onDay: dayOf(env.nowMs), transcript: started, tokenOf: () => undefined, fallenAllowed };
  const peer = identifyParty(body.credential, checks);
  requireSigned(keyOfPeer(peer, { lists }));
  if (!ruleOf(purpose).callee.includes(peer.type)) {
    throw new TrustedError('SESSION_DENIED', `a ${peer.type} is not whom to call to ${purpose}`);
  }
  const proof = prove({
    greeted: sent,
    self,
    body: {
      ...{ purpose, about: fromHex(about), versions: versionsOf(lists), clockMs: env.nowMs },
      ...(self.replyTo === undefined ? {} : { replyTo: self.replyTo }),
    },
  });
  const names = { caller: self.name, callee: nameOfPeer(peer), purpose };
  ring.put(id, 'keys', deriveSessionKeys({ keys: sent.keys, transcript: proof.transcript, ...names }));
  draft.records.push({ type: 'session-proved', id, peer, peerClockMs: body.clockMs });
  draft.send.push({
    ...{ id: messageIdOf(id, 'proof'), to: route!, kind: 'SessionProof' },
    body: encodeTrustedMessage({ type: 'proof', session: fromHex(id), sealed: proof.sealed }),
  });
  watch(context, draft, id);
}

function hearAdmission(context: SessionContext, draft: SessionDraft, session: Session, answer: TrustedAnswer): void {
  const payload = openAnswer(context, session, answer, { kind: 'frame', number: 0 });
  const admission = admissionShape.decode(decodeCbor(payload), 'admission');
  if (admission.type === 'denied')
    throw new TrustedError('SESSION_DENIED', 'the other side does not want this session');
  draft.records.push({ type: 'session-open', id: session.id });
  draft.clearTimers.push(lateTimer(session.id));
  tell(draft, session.id, { type: 'open' });
}

function hearFrame(context: SessionContext, draft: SessionDraft, session: Session, answer: TrustedAnswer): void {
  const payload = openAnswer(context, session, answer, { kind: 'frame', number: session.request });
  draft.records.push({ type: 'session-answered', id: session.id });
  draft.clearTimers.push(lateTimer(session.id));
  if (session.queryNumber > 0) draft.cancel.push(queryIdOf(session.id, session.queryNumber));
  tell(draft, session.id, { type: 'said', payload });
}

function openAnswer(
  { ring }: SessionContext,
  { id }: Session,
  answer: TrustedAnswer,
  place: { readonly kind: 'frame' | 'query'; readonly number: number },
): Uint8Array {
  if (answer.type !== 'frame' || answer.number !== place.number) throw unexpected(answer);
  const keys = ring.get(id, 'keys');
  if (keys === undefined) throw keysGone();
  return openFrame(keys, { ...place, session: id, by: 'callee' }, answer.sealed);
}

/** The other side is still at work: it has until the timer goes off once more. */
function hearQueryAnswer(context: SessionContext, session: Session, answer: TrustedAnswer): void {
  const payload = openAnswer(context, session, answer, { kind: 'query', number: session.queryNumber });
  if (payload[0] !== RUNNING) throw new TrustedError('SESSION_UNKNOWN', 'the other side has given up');
}

export const RUNNING = 1;

/** The timer of a request went off. While the handshake is under way, or after too many queries, that is the end. */
export function hearLateness(context: SessionContext, draft: SessionDraft, session: Session): void {
  const { id, step, queries, route } = session;
  const { env, pace, ring } = context;
  const keys = ring.get(id, 'keys');
  if (keys === undefined || step !== 'asked' || queries >= pace.maxQueries) {
    loseSession(context, draft, session, 'no answer in time');
    return;
  }
  const number = session.queryNumber + 1;
  const sealed = sealFrame(keys, { session: id, by: 'caller', kind: 'query', number }, new Uint8Array());
  draft.records.push({ type: 'session-queried', id });
  draft.send.push({
    ...{ id: queryIdOf(id, number), to: route!, kind: 'SessionQuery' },
    // Before the timer: silence about the query ends the session, an answer lets it wait once more.
    expiresAtMs: env.nowMs + Math.floor(pace.lateMs * 0.9),
    body: encodeTrustedMessage({ type: 'query', session: fromHex(id), number, sealed }),
  });
  watch(context, draft, id);
}
