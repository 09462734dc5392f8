/**
 * The credential of the "Payment" scheme (draft-httpauth-payment-01, section "Credentials") and the payload of the method `deposit`:
 * base64url JSON that says which challenge it answers and carries one purchase's token.
 */
import { z } from 'zod';
import { fromBase64Url, toBase64Url } from '../../codec/hex.ts';
import { PAYMENT_AUTHORIZATION, PAYMENT_SCHEME, type PaymentChallenge } from './payment-challenge.ts';
import { PaymentError } from './payment-error.ts';
import { decodePaymentJson, encodePaymentJson } from './payment-json.ts';
import { DEPOSIT_METHOD, SESSION_INTENT } from './payment-offer.ts';
import { MAX_PURCHASE_BYTES } from './purchase.ts';

/** Characters of a credential's field: the draft asks for at least 4 KB. */
export const MAX_CREDENTIAL_LENGTH = 8192;
/** The id of a credential that answers no challenge: the price is known from the last answer. */
export const PREEMPTIVE_ID = 'preemptive';
const STREAM_KEY_BYTES = 32;
export const MAX_CHECKPOINT_BYTES = 1024;

/** The challenge as the client says it back: every word of it is the client's until its binding is checked. */
export type EchoedChallenge = Partial<PaymentChallenge> & Pick<PaymentChallenge, 'id' | 'method' | 'intent'>;

export interface DepositPayload {
  readonly transaction: string;
  /** One purchase (`purchase.ts`). */
  readonly token: Uint8Array;
  /** The signed checkpoint this purchase is the first of (`checkpoint.ts`). */
  readonly checkpoint?: Uint8Array;
  /** For a stream: units the customer pays before they are served, at most. */
  readonly ahead?: number;
  /** For a stream that goes on: which, and from where. */
  readonly resume?: StreamPosition;
}

export interface StreamPosition {
  /** Transaction and number of its first purchase. */
  readonly stream: string;
  /** Known to the two ends only (`streamKeyOf`). */
  readonly key: Uint8Array;
  /** Of the payment in this credential: the last one that was taken, once more, or the next one. */
  readonly sequence: number;
  /** Messages that have arrived. */
  readonly received: number;
}

export interface Credential {
  readonly challenge: EchoedChallenge;
  /** Of the method: unknown until read. */
  readonly payload: unknown;
  /** The payload where it has been read already. */
  readonly read?: DepositPayload;
}

const text = (max: number) => z.string().max(max);
const credentialSchema = z.object({
  challenge: z.object({
    id: z.string().min(1).max(256),
    method: text(32),
    intent: text(32),
    realm: text(256).optional(),
    request: text(4096).optional(),
    expires: text(64).optional(),
    digest: text(128).optional(),
    description: text(1024).optional(),
    opaque: text(2048).optional(),
    header: z.literal(PAYMENT_AUTHORIZATION).optional(),
  }),
  source: text(512).optional(),
  payload: z.looseObject({}),
});

const encoded = (maxBytes: number) =>
  z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/)
    .max(Math.ceil((maxBytes * 4) / 3));
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export const transactionText = z.string().min(5).max(104);
const payloadSchema = z.object({
  transaction: transactionText,
  token: encoded(MAX_PURCHASE_BYTES),
  checkpoint: encoded(MAX_CHECKPOINT_BYTES).optional(),
  ahead: count.optional(),
  resume: z
    .object({ stream: text(120), key: encoded(STREAM_KEY_BYTES).length(43), sequence: count.min(1), received: count })
    .optional(),
});

/** The value of the header field. */
export function formatCredential(challenge: EchoedChallenge, payload: DepositPayload): string {
  return `${PAYMENT_SCHEME} ${encodePaymentJson({ challenge: { ...challenge }, payload: payloadJson(payload) })}`;
}

/** The payload as JSON, for clients that put the credential together themselves. */
export function payloadJson({ transaction, token, checkpoint, ahead, resume }: DepositPayload) {
  return {
    transaction,
    token: toBase64Url(token),
    ...(checkpoint === undefined ? {} : { checkpoint: toBase64Url(checkpoint) }),
    ...(ahead === undefined ? {} : { ahead }),
    ...(resume === undefined ? {} : { resume: { ...resume, key: toBase64Url(resume.key) } }),
  };
}

export const preemptiveChallenge: EchoedChallenge = {
  id: PREEMPTIVE_ID,
  method: DEPOSIT_METHOD,
  intent: SESSION_INTENT,
};

/**
 * The one payment credential of a header field; undefined when the field is absent or of another scheme.
 * @throws PaymentError `CREDENTIAL_MALFORMED`, also for more than one
 */
export function parseCredential(header: string | undefined): Credential | undefined {
  if (header === undefined || !/^payment(?:[ \t,]|$)/i.test(header)) return undefined;
  if (header.length > MAX_CREDENTIAL_LENGTH) throw malformed('it is too long');
  const encodedJson = /^payment +([A-Za-z0-9_-]+)$/i.exec(header)?.[1];
  if (encodedJson === undefined) throw malformed('expected one value in base64url');
  const ahead = encodedJson.startsWith(AHEAD) ? readAhead(encodedJson) : undefined;
  if (ahead !== undefined) return ahead;
  const read = credentialSchema.safeParse(decodePaymentJson(encodedJson, MAX_CREDENTIAL_LENGTH));
  if (!read.success) throw malformed('expected a challenge and a payload');
  const { challenge, payload } = read.data;
  // zod leaves out what is absent, so its "possibly undefined" never is.
  return { challenge: challenge as EchoedChallenge, payload };
}

/** How a credential begins that answers no challenge, up to a byte where its base64url can be cut. */
const AHEAD = encodePaymentJson({ challenge: { ...preemptiveChallenge }, payload: { token: '' } }).slice(0, 116);
/** And how it goes on when it brings a token and nothing else. */
const TOKEN_ONLY = /^n":"([A-Za-z0-9_-]{1,227})","transaction":"([ !#-[\]-~]{5,104})"\}\}$/;

/**
 * Nearly all credentials are of this form, and taking one apart as text costs a fifth of reading it as JSON against schemas. Undefined where
 * it is of any other.
 */
function readAhead(encodedJson: string): Credential | undefined {
  try {
    const rest = Buffer.from(fromBase64Url(encodedJson.slice(AHEAD.length))).toString('latin1');
    const [, token, transaction] = TOKEN_ONLY.exec(rest) ?? [];
    if (token === undefined || transaction === undefined) return undefined;
    const payload = { transaction, token };
    return { challenge: preemptiveChallenge, payload, read: { transaction, token: fromBase64Url(token) } };
  } catch {
    return undefined; // what is wrong with it is said by those who read it whole
  }
}

/** Undefined when it is no payload of this method. */
export function readPayload(payload: unknown): DepositPayload | undefined {
  const read = payloadSchema.safeParse(payload);
  if (!read.success) return undefined;
  const { transaction, token, checkpoint, ahead, resume } = read.data;
  try {
    return {
      transaction,
      token: fromBase64Url(token),
      ...(checkpoint === undefined ? {} : { checkpoint: fromBase64Url(checkpoint) }),
      ...(ahead === undefined ? {} : { ahead }),
      ...(resume === undefined ? {} : { resume: { ...resume, key: fromBase64Url(resume.key) } }),
    };
  } catch {
    return undefined;
  }
}

function malformed(why: string): PaymentError {
  return new PaymentError('CREDENTIAL_MALFORMED', `malformed payment credential: ${why}`);
}
