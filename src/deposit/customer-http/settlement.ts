/** What an answer says about the payment that was sent with its request. */
import { z } from 'zod';
import { PaymentError } from '../message/payment-error.ts';
import { PURCHASE_HEADER, parseReceipt, RECEIPT_HEADER } from '../message/payment-receipt.ts';
import type { Failure } from './spender.ts';

export type Settlement = { readonly type: 'paid' } | ({ readonly type: 'failed' } & Failure);

/** Whoever stands between may answer so for a server whose answer did not come. */
const SAYS_NOTHING: readonly number[] = [408, 429, 500, 502, 503, 504];
const MAX_PROBLEM_BYTES = 16_384;
const PROBLEM_MS = 3000;
const problemSchema = z.object({
  type: z.string().max(200),
  code: z.string().max(64).optional(),
  detail: z.string().max(500).optional(),
});

export interface Sent {
  readonly transaction: string;
  readonly number: number;
}

export function settlementOf({ status, headers }: Response, sent: Sent): Settlement {
  if (headers.get(PURCHASE_HEADER) === String(sent.number) || hasReceipt(headers, sent)) return { type: 'paid' };
  if (SAYS_NOTHING.includes(status)) return { type: 'failed', reason: 'unknown' };
  return { type: 'failed', reason: 'refused', code: status === 402 ? 'PAYMENT_REFUSED' : 'NOT_TAKEN' };
}

function hasReceipt(headers: Headers, { transaction, number }: Sent): boolean {
  const header = headers.get(RECEIPT_HEADER);
  if (header === null) return false;
  try {
    const receipt = parseReceipt(header);
    return receipt.transaction === transaction && receipt.number === number;
  } catch {
    return false; // a receipt of something else says nothing about this payment
  }
}

export interface Problem {
  /** Last part of the problem's type. */
  readonly type: string;
  readonly code: string | undefined;
  readonly detail: string | undefined;
}

/** The problem of a refusal; undefined where there is none to be read, in size and time. The answer's own body stays unread. */
export async function problemOf(response: Response): Promise<Problem | undefined> {
  if (!(response.headers.get('content-type') ?? '').startsWith('application/problem+json')) return undefined;
  if (Number(response.headers.get('content-length') ?? 0) > MAX_PROBLEM_BYTES) return undefined;
  try {
    const text = await readProblem(response.clone());
    const read = problemSchema.safeParse(text === undefined ? undefined : JSON.parse(text));
    if (!read.success) return undefined;
    const { type, code, detail } = read.data;
    return { type: type.slice(type.lastIndexOf('/') + 1), code, detail };
  } catch {
    return undefined;
  }
}

/** Bounded while it comes: whoever refuses says how long it is, or nothing at all, and may go on for ever. */
async function readProblem({ body }: Response): Promise<string | undefined> {
  if (body === null) return undefined;
  const reader = body.getReader();
  const late = setTimeout(() => reader.cancel().catch(() => {}), PROBLEM_MS);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      size += next.value.length;
      if (size > MAX_PROBLEM_BYTES) return undefined;
      chunks.push(next.value);
    }
    return Buffer.concat(chunks).toString();
  } finally {
    clearTimeout(late);
    reader.cancel().catch(() => {}); // the rest is nobody's
  }
}

/** What the spender is told of a payment that failed. */
export async function failureOf(
  settlement: Extract<Settlement, { type: 'failed' }>,
  response: Response,
): Promise<Failure> {
  if (settlement.reason === 'unknown') return { reason: 'unknown' };
  const problem = await problemOf(response);
  return { reason: 'refused', code: problem?.code ?? problem?.type ?? settlement.code };
}

export async function refusedError(response: Response): Promise<PaymentError> {
  const problem = await problemOf(response);
  const why = problem?.detail ?? problem?.type ?? 'without a reason';
  return new PaymentError('PAYMENT_REFUSED', `the payment was refused: ${why}`);
}
