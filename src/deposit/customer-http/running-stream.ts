/**
 * A stream the customer pays for while it runs. It outlives its connections: a payment whose answer was lost is sent again byte for byte when the
 * stream goes on, messages go on from where they broke off, and nothing is paid twice.
 */
import type { DepositPayload } from '../message/payment-credential.ts';
import { PaymentError } from '../message/payment-error.ts';
import { type Offer, streamPaymentDigest } from '../message/payment-offer.ts';
import {
  type CustomerFrame,
  encodeMessage,
  type MerchantFrame,
  readMerchantFrame,
  type StreamMessage,
  sizeOfMessage,
} from '../message/stream-frame.ts';
import { createStreamInbox } from '../message/stream-inbox.ts';
import { createStreamOutbox } from '../message/stream-outbox.ts';
import { CLOSED_FOR_VIOLATION, CLOSED_NORMALLY, openWire, type StreamWire } from '../message/stream-wire.ts';
import type { Dialled } from './dial-stream.ts';
import { type ReleasedPayment, releasePayment } from './release-payment.ts';
import { problemOf, settlementOf } from './settlement.ts';
import type { Failure, Spender } from './spender.ts';
import type { StreamBill } from './stream-bill.ts';

export interface PayingStream extends AsyncIterable<StreamMessage> {
  /** Transaction and number of the first purchase. */
  readonly reference: string;
  /** In units: what was paid, and what arrived is worth by our own count. */
  readonly paidUnits: number;
  readonly meteredUnits: number;
  /** Resolves when the message is on its way, which is not faster than the merchant takes them. @throws PaymentError */
  send(message: StreamMessage): Promise<void>;
  /** Pays what is owed and ends the stream. What has arrived can still be read. */
  close(): Promise<void>;
}

export interface RunningStreamOptions {
  readonly spender: Spender;
  readonly offer: Offer;
  readonly bill: StreamBill;
  readonly aheadUnits: number;
  /** Of the first payment, which opened it. */
  readonly key: Uint8Array;
  readonly first: ReleasedPayment;
  /** Asks again until somebody answers. @throws PaymentError `ANSWER_LOST` */
  dial(payload: DepositPayload): Promise<Dialled>;
  /** How long the other end may take to end the stream once it is asked to. */
  readonly closeMs: number;
}

interface StreamPayment extends ReleasedPayment {
  readonly sequence: number;
  readonly units: number;
}

/** Times a payment of one number may be refused: another deposit may do. */
const MAX_REFUSALS = 3;

export function runStream(
  options: RunningStreamOptions,
  dialled: Extract<Dialled, { type: 'connected' }>,
): PayingStream {
  const { spender, offer, bill, key, first, aheadUnits } = options;
  const reference = `${first.transaction}/${first.number}`;
  const inbox = createStreamInbox((count) => wire?.frame({ type: 'received', count }));
  const outbox = createStreamOutbox();
  const done = Promise.withResolvers<void>();
  let connection: StreamWire | undefined;
  /** The connection, once the merchant has said where it goes on: before that nothing is sent on it. */
  let wire: StreamWire | undefined;
  let settled: StreamPayment = { ...first, sequence: 1, units: offer.units };
  let unanswered: StreamPayment | undefined;
  let releasing = false;
  let refusals = 0;
  let due = 0;
  let leaving = false;
  let ended = false;
  let over: { readonly error: unknown } | undefined;
  let change = Promise.withResolvers<void>();

  const changed = () => {
    const { resolve } = change;
    change = Promise.withResolvers();
    resolve();
  };
  const end = (error: unknown) => {
    if (over !== undefined) return;
    over = { error };
    bill.disconnected();
    if (unanswered !== undefined) tell(unanswered, { reason: 'unknown' });
    unanswered = undefined;
    inbox.end(error);
    changed();
    done.resolve();
  };
  const fail = (error: unknown) => {
    if (over !== undefined) return;
    const code = error instanceof PaymentError ? error.code : 'STREAM_FAILED';
    connection?.frame({ type: 'error', code, detail: 'the customer ends the stream' });
    connection?.close(CLOSED_FOR_VIOLATION);
    end(error);
  };
  /** The spender may have to write what became of it; the stream does not wait for that. */
  const tell = ({ transaction, number }: StreamPayment, failure?: Failure) => {
    const told =
      failure === undefined ? spender.paid(transaction, number) : spender.failed(transaction, number, failure);
    Promise.resolve(told).catch(fail);
  };

  const settle = (paid: number) => {
    if (unanswered === undefined) return;
    tell(unanswered);
    settled = unanswered;
    unanswered = undefined;
    refusals = 0;
    if (paid !== bill.releasedUnits) throw unfit(`${paid} units paid, where ${bill.releasedUnits} were released`);
  };
  const refused = (code: string) => {
    if (unanswered === undefined) return;
    tell(unanswered, { reason: 'refused', code });
    bill.refused(unanswered.units);
    unanswered = undefined;
    refusals++;
    if (refusals === MAX_REFUSALS) throw new PaymentError('PAYMENT_REFUSED', `payments are refused: ${code}`);
  };
  const pay = async (units: number): Promise<void> => {
    const sequence = settled.sequence + 1;
    const request = streamPaymentDigest(offer.resource, reference, sequence);
    const released = await releasePayment(spender, { ...offer, units }, request);
    bill.released(units);
    unanswered = { ...released, sequence, units };
    if (over === undefined) wire?.frame(paymentFrame(unanswered));
    else tell(unanswered, { reason: 'unknown' });
  };
  const payDue = () => {
    if (releasing || unanswered !== undefined || wire === undefined) return;
    if (ended) {
      wire.close(CLOSED_NORMALLY);
      end(undefined);
      return;
    }
    const units = bill.toPay(due);
    if (units === 0) return;
    releasing = true;
    pay(units)
      .catch(fail)
      .finally(() => {
        releasing = false;
      });
  };

  const take = (frame: MerchantFrame, from: StreamWire) => {
    if ((frame.type === 'open') !== (wire === undefined) && frame.type !== 'error')
      throw unfit(`${frame.type} in its place`);
    switch (frame.type) {
      case 'open':
        wire = from;
        goOn(frame, from);
        break;
      case 'message':
        arrived(frame.text);
        break;
      case 'due':
        due = Math.max(due, frame.through);
        break;
      case 'paid':
        if (frame.sequence === unanswered?.sequence) settle(frame.paid);
        break;
      case 'refused':
        if (frame.sequence === unanswered?.sequence) refused(frame.code);
        break;
      case 'received':
        outbox.taken(frame.count);
        changed();
        break;
      case 'end':
        // A payment may still be under way, ahead of what will not come: it has to be told of first.
        ended = true;
        break;
      case 'error':
        throw new PaymentError('STREAM_FAILED', `the merchant ends the stream: ${frame.code}`);
    }
    payDue();
  };
  /** How the merchant sees it: everything that was under way is as it says. */
  const goOn = ({ stream, sequence, paid, received }: Extract<MerchantFrame, { type: 'open' }>, to: StreamWire) => {
    if (stream !== reference) throw unfit(`the stream ${stream}`);
    if (sequence === unanswered?.sequence) settle(paid);
    else if (sequence !== settled.sequence) throw unfit(`payment ${sequence}`);
    for (const message of outbox.after(received)) to.message(message);
    to.frame({ type: 'received', count: inbox.taken });
    if (unanswered !== undefined) to.frame(paymentFrame(unanswered));
    if (leaving) to.frame({ type: 'end' });
    changed();
  };
  const arrived = (message: StreamMessage) => {
    if (wire === undefined) throw unfit('a message before the stream is open');
    inbox.arrived(message);
    bill.arrived(sizeOfMessage(message));
  };

  const attach = ({ socket }: Extract<Dialled, { type: 'connected' }>) => {
    if (over !== undefined) {
      socket.terminate();
      return;
    }
    const guarded = (step: () => void) => {
      if (connection !== opened || over !== undefined) return;
      try {
        step();
      } catch (error) {
        fail(error);
      }
    };
    const opened = openWire(socket, {
      text: (text) => guarded(() => take(readMerchantFrame(text), opened)),
      bytes: (bytes) => guarded(() => arrived(bytes)),
      closed({ code, final }) {
        if (connection !== opened) return;
        connection = undefined;
        wire = undefined;
        bill.disconnected();
        if (over !== undefined) return;
        if (final) end(new PaymentError('STREAM_FAILED', `the merchant has broken the stream off (${code})`));
        else reconnect().catch(fail);
      },
    });
    connection = opened;
    bill.connected();
    socket.resume();
  };
  const reconnect = async (): Promise<void> => {
    const shown = unanswered ?? settled;
    const { transaction, token, checkpoint, sequence } = shown;
    const again = await options.dial({
      ...{ transaction, token, ahead: aheadUnits },
      ...(checkpoint === undefined ? {} : { checkpoint }),
      resume: { stream: reference, key, sequence, received: inbox.count },
    });
    if (again.type === 'connected') {
      attach(again);
      return;
    }
    const { response } = again;
    const problem = await problemOf(response);
    const code = problem?.code ?? problem?.type ?? `status ${response.status}`;
    const taken = settlementOf(response, shown).type === 'paid';
    if (!taken && shown === unanswered) refused(code);
    if (response.status !== 402) throw new PaymentError('STREAM_UNKNOWN', `the stream does not go on: ${code}`);
    // Another payment may do; what was paid before still shows whose stream it is.
    if (shown === settled) throw new PaymentError('PAYMENT_REFUSED', `the stream does not go on: ${code}`);
    await reconnect();
  };

  attach(dialled);
  const close = async () => {
    leaving = true;
    wire?.frame({ type: 'end' });
    const late = setTimeout(
      () => fail(new PaymentError('ANSWER_LOST', 'the merchant does not end the stream')),
      options.closeMs,
    );
    await done.promise;
    clearTimeout(late);
  };
  return {
    reference,
    get paidUnits() {
      return bill.releasedUnits;
    },
    get meteredUnits() {
      return bill.meteredUnits;
    },
    async send(message) {
      const encoded = encodeMessage(message);
      while (over === undefined && !leaving && !outbox.hasRoom(sizeOfMessage(encoded))) await change.promise;
      if (over !== undefined || leaving) throw over?.error ?? new PaymentError('STREAM_CLOSED', 'the stream is over');
      outbox.add(encoded);
      wire?.message(encoded);
    },
    close,
    [Symbol.asyncIterator]: () => ({
      ...inbox[Symbol.asyncIterator](),
      async return() {
        await close();
        return { done: true, value: undefined };
      },
    }),
  };
}

function paymentFrame({ sequence, transaction, token, checkpoint }: StreamPayment): CustomerFrame {
  return { type: 'payment', sequence, transaction, token, ...(checkpoint === undefined ? {} : { checkpoint }) };
}

function unfit(what: string): PaymentError {
  return new PaymentError('FRAME_MALFORMED', `the merchant says what cannot be: ${what}`);
}
