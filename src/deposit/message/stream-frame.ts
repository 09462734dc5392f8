/**
 * What the two ends of a paid stream say to each other (docs/payment-method.md, "Streams"): each text message of the WebSocket is one frame in
 * JSON, each binary message is a message of the application. Numbers of messages are not said: the connection keeps their order.
 */
import { z } from 'zod';
import { fromBase64Url, toBase64Url } from '../../codec/hex.ts';
import { MAX_CHECKPOINT_BYTES, transactionText } from './payment-credential.ts';
import { PaymentError } from './payment-error.ts';
import { MAX_PURCHASE_BYTES } from './purchase.ts';

/** Of the WebSocket handshake: says which frames these are. */
export const STREAM_PROTOCOL = 'deposit-stream';
/** Bytes of a WebSocket message, frame or not. */
export const MAX_FRAME_BYTES = 262_144;
/** Bytes of the application in one message: leaves room for the frame around a text without much to escape. */
export const MAX_MESSAGE_BYTES = 196_608;

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const sequence = count.min(1);
const stream = z.string().min(7).max(120);
const code = z.string().min(1).max(64);
const detail = z.string().max(200);
const encoded = (maxBytes: number) =>
  z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/)
    .max(Math.ceil((maxBytes * 4) / 3))
    .transform((text, context) => {
      try {
        return fromBase64Url(text);
      } catch {
        context.addIssue('expected base64url');
        return z.NEVER;
      }
    });

/** Either way. */
const frames = [
  z.strictObject({ type: z.literal('message'), text: z.string() }),
  /** Messages the application has taken so far: so many more may come. */
  z.strictObject({ type: z.literal('received'), count }),
  /** Why nothing more comes. The last frame. */
  z.strictObject({ type: z.literal('error'), code, detail }),
] as const;

const customerFrame = z.discriminatedUnion('type', [
  ...frames,
  z.strictObject({
    ...{ type: z.literal('payment'), sequence, transaction: transactionText },
    token: encoded(MAX_PURCHASE_BYTES),
    checkpoint: encoded(MAX_CHECKPOINT_BYTES).optional(),
  }),
  /** No more messages, please: what they came to is paid, and the stream ends. */
  z.strictObject({ type: z.literal('end') }),
]);

const merchantFrame = z.discriminatedUnion('type', [
  ...frames,
  /** The first one of every connection: how things stand at this end. `paid` in units, `received` messages of the customer. */
  z.strictObject({ type: z.literal('open'), stream, sequence, paid: count, received: count }),
  /** Please pay, until the units paid in this stream are so many. Said twice, it asks for nothing more. */
  z.strictObject({ type: z.literal('due'), through: count }),
  z.strictObject({ type: z.literal('paid'), sequence, paid: count }),
  /** The payment was not taken: another one with this number may be. */
  z.strictObject({ type: z.literal('refused'), sequence, code, detail }),
  /** The last frame: all is said and settled. Both in units. */
  z.strictObject({ type: z.literal('end'), used: count, paid: count }),
]);

export type CustomerFrame = z.output<typeof customerFrame>;
export type MerchantFrame = z.output<typeof merchantFrame>;

/** @throws PaymentError `FRAME_MALFORMED` */
export function readCustomerFrame(text: string): CustomerFrame {
  return read(customerFrame, text);
}

/** @throws PaymentError `FRAME_MALFORMED` */
export function readMerchantFrame(text: string): MerchantFrame {
  return read(merchantFrame, text);
}

function read<T>(schema: z.ZodType<T>, text: string): T {
  const frame = schema.safeParse(parsed(text));
  if (!frame.success) throw new PaymentError('FRAME_MALFORMED', 'the frame is none of a paid stream');
  return frame.data;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Bytes are written in base64url. */
export function formatFrame(frame: CustomerFrame | MerchantFrame): string {
  return JSON.stringify(frame, (_, value) => (value instanceof Uint8Array ? toBase64Url(value) : value));
}

/** What the application sends. */
export type StreamMessage = string | Uint8Array;

/** In bytes: what a stream by the kilobyte is charged for. */
export function sizeOfMessage(message: StreamMessage): number {
  return typeof message === 'string' ? Buffer.byteLength(message) : message.length;
}

/** Frames of text, and bytes as they are. @throws PaymentError `MESSAGE_TOO_LARGE` */
export function encodeMessage(message: StreamMessage): StreamMessage {
  const sent = typeof message === 'string' ? formatFrame({ type: 'message', text: message }) : message;
  if (sizeOfMessage(message) > MAX_MESSAGE_BYTES || sizeOfMessage(sent) > MAX_FRAME_BYTES) {
    throw new PaymentError('MESSAGE_TOO_LARGE', `a message holds at most ${MAX_MESSAGE_BYTES} bytes`);
  }
  return sent;
}
