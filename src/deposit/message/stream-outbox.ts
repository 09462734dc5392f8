/**
 * Messages of one end of a stream on their way: numbered in their order, kept until the other application has taken them, sent again on the next
 * connection from where the last one broke. Never more than the window: a slow reader slows the sender down.
 */
import { PaymentError } from './payment-error.ts';
import { type StreamMessage, sizeOfMessage } from './stream-frame.ts';

/** Messages and bytes that may be under way, or wait at the other end. */
export const WINDOW_MESSAGES = 64;
export const WINDOW_BYTES = 1_048_576;

export interface StreamOutbox {
  /** Messages handed in so far. */
  readonly count: number;
  hasRoom(bytes: number): boolean;
  /** Keeps the message. */
  add(message: StreamMessage): void;
  /** @throws PaymentError `FRAME_MALFORMED` for fewer than before, or more than were sent */
  taken(count: number): void;
  /** What the other end has not got, with so many that it has. @throws PaymentError `FRAME_MALFORMED` for none that can be */
  after(received: number): readonly StreamMessage[];
}

export function createStreamOutbox(): StreamOutbox {
  let kept: StreamMessage[] = [];
  let keptBytes = 0;
  let count = 0;
  const position = (said: number): number => {
    const at = said - (count - kept.length);
    if (at >= 0 && at <= kept.length) return at;
    throw new PaymentError('FRAME_MALFORMED', `${said} messages cannot have been received of ${count}`);
  };
  return {
    get count() {
      return count;
    },
    hasRoom: (bytes) => kept.length < WINDOW_MESSAGES && keptBytes + bytes <= WINDOW_BYTES,
    add(message) {
      kept.push(message);
      keptBytes += sizeOfMessage(message);
      count++;
    },
    taken(said) {
      const gone = kept.slice(0, position(said));
      kept = kept.slice(gone.length);
      for (const message of gone) keptBytes -= sizeOfMessage(message);
    },
    after: (received) => kept.slice(position(received)),
  };
}
