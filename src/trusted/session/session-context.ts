/** What the two sides of a session need from the machine they are part of, and what they put into its decision. */
import { choice, numbered } from '../../codec/row-shape.ts';
import { timeMs } from '../../codec/shape.ts';
import type { Env, Outgoing, Timer } from '../../journal/machine.ts';
import { encodeTrustedAnswer } from '../message/envelope.ts';
import { listVersionsShape } from '../message/list-change.ts';
import type { TrustLists } from '../message/trust-lists.ts';
import type { HandshakeSelf } from './handshake.ts';
import type { KeyRing } from './key-ring.ts';
import type { Session, SessionEvent, SessionInput, SessionRecord, Sessions } from './session.ts';

export interface SessionPace {
  /** How long an answer may take before the other side is asked whether it is still at work. */
  readonly lateMs: number;
  /** How often it is asked, at most, while it says yes. */
  readonly maxQueries: number;
  /** How long a callee waits for the next request. */
  readonly idleMs: number;
}

export const usualPace: SessionPace = { lateMs: 15_000, maxQueries: 5, idleMs: 90_000 };

export interface SessionContext {
  readonly state: Sessions;
  readonly env: Env;
  readonly ring: KeyRing;
  readonly pace: SessionPace;
  readonly lists: TrustLists;
  readonly self: HandshakeSelf & { readonly name: string; readonly replyTo: string | undefined };
  /** The secret under which a blank device was announced. */
  readonly tokenOf: (enrolment: string) => Uint8Array | undefined;
}

/** The decision under way, of which a session adds to these parts. */
export interface SessionDraft {
  readonly records: { push(record: SessionRecord): unknown };
  readonly send: Outgoing[];
  readonly cancel: string[];
  readonly timers: Timer[];
  readonly clearTimers: string[];
  readonly inputs: unknown[];
  readonly answers: { readonly messageId: string; readonly body: Uint8Array }[];
}

/** Frame 0 of the callee. */
export const admissionShape = choice({
  admitted: numbered(1, { versions: listVersionsShape, clockMs: timeMs() }),
  denied: numbered(2, {}),
});

export const messageIdOf = (session: string, what: 'hello' | 'proof' | number) => `s/${session}/${what}`;
export const queryIdOf = (session: string, number: number) => `q/${session}/${number}`;
export const lateTimer = (session: string) => `late ${session}`;
export const idleTimer = (session: string) => `idle ${session}`;

export function tell(draft: SessionDraft, id: string, event: SessionEvent): void {
  const input: SessionInput = { type: 'session', id, event };
  draft.inputs.push(input);
}

/** The session is over, by agreement: nobody is told. */
export function endSession({ ring }: SessionContext, draft: SessionDraft, session: Session, why: string): void {
  const { id, messageId } = session;
  draft.records.push({ type: 'session-ended', id, why });
  const ended = [lateTimer(id), idleTimer(id)];
  draft.clearTimers.push(...ended);
  draft.timers.splice(0, draft.timers.length, ...draft.timers.filter((timer) => !ended.includes(timer.id)));
  ring.forget(id);
  if (session.side === 'caller') {
    const { step, request, queryNumber } = session;
    if (step !== 'quiet') draft.cancel.push(messageIdOf(id, step === 'asked' ? request : step));
    if (queryNumber > 0) draft.cancel.push(queryIdOf(id, queryNumber));
  } else if (messageId !== undefined && !draft.answers.some((answer) => answer.messageId === messageId)) {
    draft.answers.push({ messageId, body: encodeTrustedAnswer({ type: 'lost' }) });
  }
}

/** The session is over before its time; whoever converses in it hears of it. */
export function loseSession(context: SessionContext, draft: SessionDraft, session: Session, why: string): void {
  endSession(context, draft, session, why);
  tell(draft, session.id, { type: 'lost', why });
}

/** After a restart: sessions from before have no keys any more. */
export function loseKeyless(context: SessionContext, draft: SessionDraft): void {
  const { state, ring } = context;
  for (const session of state.sessions.values()) {
    const keyless = (['keys', 'hello'] as const).every((kind) => ring.get(session.id, kind) === undefined);
    if (keyless) loseSession(context, draft, session, 'its keys are gone');
  }
}
