/**
 * A paid stream at the merchant: it outlives its connections. What was sent and not taken is sent again on the next one and not charged again;
 * while there is none, nothing is served and no second is counted.
 */
import type { Clock } from '../../journal/clock.ts';
import { PaymentError } from '../message/payment-error.ts';
import type { StreamUnit } from '../message/payment-offer.ts';
import { encodeMessage, type MerchantFrame, type StreamMessage, sizeOfMessage } from '../message/stream-frame.ts';
import { createStreamInbox } from '../message/stream-inbox.ts';
import { createStreamOutbox } from '../message/stream-outbox.ts';
import { CLOSED_FOR_FAULT, CLOSED_FOR_VIOLATION, type StreamWire } from '../message/stream-wire.ts';
import type { Payment } from './charge-terms.ts';
import type { StreamAccount } from './stream-account.ts';

/** What a handler has in hand. */
export interface ChargedStream extends AsyncIterable<StreamMessage> {
  /** The first one: `reference` names the stream for ever. */
  readonly payment: Payment;
  /** Path and query. */
  readonly target: string;
  /** Aborted when nothing more can be sent, whoever ended it. */
  readonly signal: AbortSignal;
  /** So far, in units. */
  readonly usedUnits: number;
  readonly paidUnits: number;
  /**
   * Resolves when the message has gone out: within what is paid and the credit, and not faster than the customer takes them.
   * @throws PaymentError `STREAM_CLOSED` when the stream is over, `MESSAGE_TOO_LARGE`; `STREAM_UNPAID` when payment did not come
   */
  send(message: StreamMessage): Promise<void>;
}

/** The same stream as its connections see it. */
export interface StreamBody {
  readonly stream: ChargedStream;
  readonly isOver: boolean;
  readonly isConnected: boolean;
  /** Takes the place of the connection before, which is cut. @throws PaymentError `FRAME_MALFORMED` */
  attach(wire: StreamWire, at: { readonly received: number; readonly sequence: number }): void;
  /** False when another one has taken its place. */
  isAttached(wire: StreamWire): boolean;
  detach(wire: StreamWire): void;
  arrived(message: StreamMessage): void;
  /** Messages the customer has taken. @throws PaymentError */
  taken(count: number): void;
  /** Something was paid: whoever waits goes on. */
  paid(): void;
  /** What the merchant is sending still goes out, unless the customer has had enough; what is owed is asked for; then both ends know. */
  finish(by: 'merchant' | 'customer'): Promise<void>;
  /** Ends it at once, and says why. */
  fail(error: PaymentError, code?: number): void;
}

export interface StreamBodyOptions {
  readonly payment: Payment;
  readonly target: string;
  readonly per: StreamUnit;
  readonly priceUnits: number;
  readonly account: StreamAccount;
  readonly clock: Clock;
  /** How long what is served may stay unpaid. */
  readonly unpaidMs: number;
  /** Called once, when it is over; the last frames may still be on their way. */
  over(): void;
}

interface Waiting {
  stopped(): boolean;
}

const STUBBORN: Waiting = { stopped: () => false };
const SECOND_MS = 1000;

export function createStreamBody(options: StreamBodyOptions): StreamBody {
  const { payment, target, per, priceUnits, account, clock, unpaidMs } = options;
  const outbox = createStreamOutbox();
  const inbox = createStreamInbox((count) => say({ type: 'received', count }));
  const aborting = new AbortController();
  let wire: StreamWire | undefined;
  let change = Promise.withResolvers<void>();
  let sending: Promise<unknown> = Promise.resolve();
  let finishing: Promise<void> | undefined;
  let failure: PaymentError | undefined;
  let isOver = false;
  let suspended = false;
  let leaving = false;
  let lastWord: MerchantFrame | undefined;

  const say = (frame: MerchantFrame) => wire?.frame(frame);
  const changed = () => {
    const { resolve } = change;
    change = Promise.withResolvers();
    resolve();
  };
  const closed = () => failure ?? new PaymentError('STREAM_CLOSED', 'the stream is over');
  const until = async (ready: () => boolean, { stopped }: Waiting): Promise<void> => {
    while (!isOver && !stopped() && !ready()) await change.promise;
    if (isOver || stopped()) throw closed();
  };
  const ask = (through: number | undefined) => {
    if (through !== undefined) say({ type: 'due', through });
  };
  /** Waits for payment as for anything else, but not for ever while the customer is there. */
  const untilPaid = async (ready: () => boolean, waiting: Waiting): Promise<void> => {
    let cancel = () => {};
    const watch = () => {
      cancel = clock.after(unpaidMs, () => {
        if (wire === undefined) watch();
        else fail(new PaymentError('STREAM_UNPAID', 'what was served was not paid in time'));
      });
    };
    if (!ready()) watch();
    try {
      await until(ready, waiting);
    } finally {
      cancel();
    }
  };
  const serve = async (units: () => number, bytes: number, waiting: Waiting): Promise<void> => {
    await untilPaid(() => {
      if (wire === undefined) return false;
      ask(account.dueFor(units()));
      return account.fits(units());
    }, waiting);
    account.serve(units(), bytes);
  };

  const transmit = async (message: StreamMessage): Promise<void> => {
    const encoded = encodeMessage(message);
    const bytes = sizeOfMessage(message);
    const waiting = { stopped: () => leaving };
    await until(() => wire !== undefined && !suspended && outbox.hasRoom(sizeOfMessage(encoded)), waiting);
    await serve(() => account.costOf(bytes), bytes, waiting);
    outbox.add(encoded);
    wire?.message(encoded);
    ask(account.dueFor(0));
  };
  /** Each second that begins is paid as a message is; while it is not, nothing is sent. */
  const countSeconds = async (): Promise<void> => {
    while (finishing === undefined && !isOver) {
      suspended = true;
      await serve(() => priceUnits, 0, { stopped: () => finishing !== undefined });
      suspended = false;
      changed();
      await new Promise<void>((resolve) => {
        const cancel = clock.after(SECOND_MS, resolve);
        aborting.signal.addEventListener('abort', () => {
          cancel();
          resolve();
        });
      });
    }
  };

  const end = (error?: PaymentError) => {
    if (isOver) return;
    isOver = true;
    failure = error;
    aborting.abort();
    inbox.end(error);
    changed();
    options.over();
  };
  const fail = (error: PaymentError, code = CLOSED_FOR_VIOLATION) => {
    if (isOver) return;
    lastWord = { type: 'error', code: error.code, detail: error.message.slice(0, 200) };
    say(lastWord);
    wire?.close(code);
    end(error);
  };
  const finish = async () => {
    aborting.abort();
    await sending;
    try {
      await untilPaid(() => {
        ask(account.dueAtEnd());
        return account.owedUnits === 0;
      }, STUBBORN);
    } catch {
      return; // it has failed, and said so
    }
    lastWord = { type: 'end', used: account.usedUnits, paid: account.paidUnits };
    say(lastWord);
    // It closes the connection when what it has paid meanwhile is answered, too.
    wire?.expectClose();
    end();
  };

  const stream: ChargedStream = {
    ...{ payment, target, signal: aborting.signal },
    get usedUnits() {
      return account.usedUnits;
    },
    get paidUnits() {
      return account.paidUnits;
    },
    send(message) {
      if (finishing !== undefined) return Promise.reject(closed());
      const sent = sending.then(() => transmit(message));
      sending = sent.catch(() => {});
      return sent;
    },
    [Symbol.asyncIterator]: inbox[Symbol.asyncIterator],
  };
  if (per === 'second') countSeconds().catch(() => {}); // whoever sends is told
  return {
    stream,
    get isOver() {
      return isOver;
    },
    get isConnected() {
      return wire !== undefined;
    },
    attach(next, { received, sequence }) {
      const before = wire;
      wire = next;
      before?.close(CLOSED_FOR_FAULT);
      const again = outbox.after(received);
      const { paidUnits: paid } = account;
      say({ type: 'open', stream: payment.reference, sequence, paid, received: inbox.count });
      say({ type: 'received', count: inbox.taken });
      for (const message of again) next.message(message);
      if (lastWord !== undefined) {
        say(lastWord);
        if (lastWord.type === 'end') next.expectClose();
        else next.close(CLOSED_FOR_VIOLATION);
      }
      account.askAgain();
      changed();
    },
    isAttached: (one) => wire === one,
    detach(one) {
      if (wire === one) wire = undefined;
    },
    arrived(message) {
      // What was on its way when the stream ended is not an offence.
      if (!isOver && finishing === undefined) inbox.arrived(message);
    },
    taken(count) {
      outbox.taken(count);
      changed();
    },
    paid: changed,
    finish(by) {
      leaving ||= by === 'customer';
      finishing ??= finish();
      changed();
      return finishing;
    },
    fail,
  };
}
