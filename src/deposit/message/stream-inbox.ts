/** Messages of a stream that have arrived and wait to be taken, never more than the window of the other end allows (`stream-outbox.ts`). */
import { PaymentError } from './payment-error.ts';
import { type StreamMessage, sizeOfMessage } from './stream-frame.ts';
import { WINDOW_BYTES, WINDOW_MESSAGES } from './stream-outbox.ts';

export interface StreamInbox extends AsyncIterable<StreamMessage> {
  /** Messages that have arrived so far, and of them those that were taken. */
  readonly count: number;
  readonly taken: number;
  /** @throws PaymentError `STREAM_OVERRUN` when more comes than there is room for */
  arrived(message: StreamMessage): void;
  /** Nothing more comes: what waits can still be taken, then comes the error, if any. */
  end(error?: unknown): void;
}

/** The other end hears of it when so much was taken: often enough that it need not wait, seldom enough to cost little. */
const TELL_MESSAGES = WINDOW_MESSAGES / 4;
const TELL_BYTES = WINDOW_BYTES / 4;

/** @param tell is called with how many messages were taken so far */
export function createStreamInbox(tell: (taken: number) => void): StreamInbox {
  const waiting: StreamMessage[] = [];
  let [waitingBytes, count, taken, toldTaken, untoldBytes] = [0, 0, 0, 0, 0];
  let over = false;
  let failure: unknown;
  let change = Promise.withResolvers<void>();
  const changed = () => {
    const { resolve } = change;
    change = Promise.withResolvers();
    resolve();
  };

  const take = async (): Promise<IteratorResult<StreamMessage, undefined>> => {
    while (waiting.length === 0 && !over) await change.promise;
    const message = waiting.shift();
    if (message === undefined) {
      if (failure !== undefined) throw failure;
      return { done: true, value: undefined };
    }
    taken++;
    const bytes = sizeOfMessage(message);
    waitingBytes -= bytes;
    untoldBytes += bytes;
    if (taken - toldTaken >= TELL_MESSAGES || untoldBytes >= TELL_BYTES) {
      [toldTaken, untoldBytes] = [taken, 0];
      tell(taken);
    }
    return { done: false, value: message };
  };

  return {
    get count() {
      return count;
    },
    get taken() {
      return taken;
    },
    arrived(message) {
      const bytes = sizeOfMessage(message);
      if (waiting.length >= WINDOW_MESSAGES || waitingBytes + bytes > WINDOW_BYTES) {
        throw new PaymentError(
          'STREAM_OVERRUN',
          `more than ${WINDOW_MESSAGES} messages, or ${WINDOW_BYTES} bytes, wait`,
        );
      }
      waiting.push(message);
      waitingBytes += bytes;
      count++;
      changed();
    },
    end(error) {
      if (over) return;
      over = true;
      failure = error;
      changed();
    },
    [Symbol.asyncIterator]: () => ({ next: take }),
  };
}
