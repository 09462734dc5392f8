/**
 * A session as an agent or server remembers it, without its keys, and all its transitions. The caller asks and the callee answers, one
 * request at a time, so that every message has its number in the answer.
 */
import type { Peer } from '../message/party.ts';
import type { Purpose } from '../message/purpose.ts';

export interface Session {
  /** 32 hexadecimal digits, chosen by the caller. */
  readonly id: string;
  readonly side: 'caller' | 'callee';
  readonly purpose: Purpose;
  /** What the host sides agreed to call the matter; hexadecimal. */
  readonly about: string;
  /** Where the other side is reached: for a callee only if the caller said so. */
  readonly route: string | undefined;
  /** Absent until the other side has shown who it is. */
  peer: Peer | undefined;
  /** The other side's clock when it showed who it is, Unix milliseconds: for the logs of both (figure 9, step 342). */
  peerClockMs: number | undefined;
  /** `hello` and `proof`: the caller has sent that and waits. `asked`: a request is out, or owed an answer. */
  step: 'hello' | 'proof' | 'quiet' | 'asked';
  /** Number of the request sent or received last. */
  request: number;
  /** At the callee: the message that is owed an answer. */
  messageId: string | undefined;
  /** Queries since the last request, and altogether. */
  queries: number;
  queryNumber: number;
}

export type SessionRecord =
  | { readonly type: 'session-began'; readonly session: Session }
  /** The caller was greeted and has proved itself. */
  | { readonly type: 'session-proved'; readonly id: string; readonly peer: Peer; readonly peerClockMs: number }
  | { readonly type: 'session-open'; readonly id: string }
  | { readonly type: 'session-asked'; readonly id: string; readonly messageId?: string }
  | { readonly type: 'session-answered'; readonly id: string }
  | { readonly type: 'session-queried'; readonly id: string }
  | { readonly type: 'session-ended'; readonly id: string; readonly why: string };

export interface Sessions {
  readonly sessions: Map<string, Session>;
}

export function applySessionRecord({ sessions }: Sessions, record: SessionRecord): void {
  if (record.type === 'session-began') {
    sessions.set(record.session.id, { ...record.session });
    return;
  }
  if (record.type === 'session-ended') {
    sessions.delete(record.id);
    return;
  }
  const session = sessions.get(record.id)!;
  switch (record.type) {
    case 'session-proved':
      session.step = 'proof';
      session.peer = record.peer;
      session.peerClockMs = record.peerClockMs;
      break;
    case 'session-open':
      session.step = 'quiet';
      break;
    case 'session-asked':
      session.step = 'asked';
      session.request += 1;
      session.queries = 0;
      session.messageId = record.messageId;
      break;
    case 'session-answered':
      session.step = 'quiet';
      session.messageId = undefined;
      break;
    case 'session-queried':
      session.queries += 1;
      session.queryNumber += 1;
      break;
  }
}

/** What happens in a session, for whoever converses in it. */
export type SessionEvent =
  /** Both sides know each other. */
  | { readonly type: 'open' }
  /** To the callee: a request. To the caller: the answer. */
  | { readonly type: 'said'; readonly payload: Uint8Array }
  /** Nothing can be said any more. */
  | { readonly type: 'lost'; readonly why: string };

export interface SessionInput {
  readonly type: 'session';
  readonly id: string;
  readonly event: SessionEvent;
}
