/** Asking a port of the device while a transaction is open. A question is repeated until it is answered or its time is over; it has no effect that `port-abort` does not undo. */
import { toHex } from '../../codec/hex.ts';
import type { Talk } from './talk.ts';
import type { Turn } from './turn.ts';

/** How long a data base or a card network has; not a multiple of the time after which a caller asks whether anybody is still there. */
const WAIT_MS = 25_000;

/** An answer comes to the conversation's `ported`. */
export function askPort(
  turn: Turn,
  { session }: Talk,
  question: { port: string; kind: string; body: Uint8Array },
): void {
  const { port, kind, body } = question;
  turn.draft.send.push({
    id: `${portQuestionOf(session)}/${port}/${toHex(turn.env.random(4))}`,
    ...{ to: `port:${port}`, kind, body, expiresAtMs: turn.env.nowMs + WAIT_MS },
  });
}

export const portQuestionOf = (session: string) => `w/${session}`;
