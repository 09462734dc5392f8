/** For receivers of billing webhooks: whether a request comes from the operator, unchanged and of late. What it says is read afterwards. */
import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { equalSecrets } from '../../crypto/constant-time.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { BillingError } from '../book/billing-error.ts';
import type { BillingEvent } from './billing-event.ts';
import { contentDigest, fieldString, readSignature, type SignedFields } from './message-signature.ts';

export interface ReceivedWebhook {
  readonly method: string;
  /** The whole address as the operator has it in its configuration, also behind a proxy that changes it. */
  readonly url: string;
  /** The value of a header, by its name in lower case. */
  header(name: string): string | undefined;
  /** The bytes as they came, before anything parsed them. */
  readonly body: Uint8Array;
}

const MAX_BYTES = 64 * 1024;
const WINDOW_MS = 5 * 60_000;

const amount = z.object({ amount: z.string(), currency: z.string().length(3) });
const event: z.ZodType<BillingEvent> = z.object({
  id: z.string().min(1).max(300),
  number: z.number().int().positive(),
  type: z.enum(['withdrawal', 'deposit', 'clearing', 'settlement', 'funding']),
  day: z.string().length(10),
  bookedAt: z.iso.datetime(),
  happenedAt: z.iso.datetime(),
  record: z.record(
    z.string(),
    z.union([
      z.string(),
      amount,
      z.object({ from: z.string(), to: z.string(), numerator: z.string(), denominator: z.string() }),
    ]),
  ),
  entry: amount.extend({ account: z.string(), balance: z.string() }).optional(),
});

/**
 * The event of a request that is what it should be. Its `id` may have come before: whoever has taken it already answers 200 again.
 * @throws BillingError `WEBHOOK_MALFORMED`, `WEBHOOK_STALE`; CryptographicError for content, signature or key that is not the operator's
 */
export function verifyWebhook(
  request: ReceivedWebhook,
  trust: {
    /** The operator's public key, by SHA-256 of its certificate in hexadecimal; undefined for a key nobody knows. */
    keyOf(keyId: string): KeyObject | undefined;
    readonly nowMs: number;
    /** How far the time of the signature may be off, either way; default five minutes. */
    readonly windowMs?: number;
  },
): BillingEvent {
  const { method, url, body } = request;
  if (body.length > MAX_BYTES) throw new BillingError('WEBHOOK_MALFORMED', `expected at most ${MAX_BYTES} bytes`);
  const fields: SignedFields = {
    'content-type': headerOf(request, 'content-type'),
    'content-digest': headerOf(request, 'content-digest'),
    'idempotency-key': headerOf(request, 'idempotency-key'),
  };
  const signature = readSignature(
    { method, url, fields },
    { input: headerOf(request, 'signature-input'), signature: headerOf(request, 'signature') },
  );

  const { windowMs = WINDOW_MS, nowMs } = trust;
  if (Math.abs(nowMs - signature.createdSeconds * 1000) > windowMs) {
    throw new BillingError('WEBHOOK_STALE', `signed more than ${windowMs} ms before or after now`);
  }

  const key = trust.keyOf(signature.keyId);
  if (key === undefined || !signature.isBy(key)) throw new CryptographicError(new Error('signature of a webhook'));
  if (!equalSecrets(Buffer.from(fields['content-digest']), Buffer.from(contentDigest(body)))) {
    throw new CryptographicError(new Error('digest of a webhook'));
  }

  const read = event.safeParse(jsonOf(body));
  if (!read.success) throw new BillingError('WEBHOOK_MALFORMED', 'expected a billing event', { cause: read.error });
  if (fieldString(read.data.id) !== fields['idempotency-key']) {
    throw new BillingError('WEBHOOK_MALFORMED', 'the idempotency key is of another event');
  }
  return read.data;
}

function headerOf(request: ReceivedWebhook, name: string): string {
  const value = request.header(name);
  if (value === undefined) throw new BillingError('WEBHOOK_MALFORMED', `expected the header ${name}`);
  return value;
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new BillingError('WEBHOOK_MALFORMED', 'the body is not JSON', { cause });
  }
}
