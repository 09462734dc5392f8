/** Errors as HTTP problem details (RFC 9457): the one place where a code becomes a status. */
import { fromUtf8, utf8 } from '../codec/hex.ts';
import { HandselError } from '../handsel-error.ts';

export const PROBLEM_TYPE = 'application/problem+json';

export interface Problem {
  readonly status: number;
  readonly body: Uint8Array;
}

const DEFAULT_STATUS = 400;
const INTERNAL_STATUS = 500;
const MAX_DETAIL_LENGTH = 500;

/** Codes not listed here are the sender's fault in a way of their own: 400. */
const STATUS: Readonly<Record<string, number>> = {
  CRYPTOGRAPHIC_FAILURE: 403,
  NOT_PERMITTED: 403,
  PEER_NOT_TRUSTED: 403,
  ROUTE_UNKNOWN: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TIMEOUT: 408,
  MESSAGE_IDENTITY_REUSED: 409,
  BODY_TOO_LARGE: 413,
  RANGE_NOT_SATISFIABLE: 416,
  RATE_LIMITED: 429,
  HEADERS_TOO_LARGE: 431,
  INTERNAL: 500,
  DECISION_MALFORMED: 500,
  HOST_STOPPED: 503,
  HOST_BUSY: 503,
  ANSWER_PENDING: 503,
};

/**
 * What a peer is told. Anything that is not a HandselError, and the text of any server-side failure, stays inside: the
 * peer sees only that it was internal, the log has the rest.
 */
export function problemFor(error: unknown): Problem {
  const known = error instanceof HandselError && !error.code.startsWith('JOURNAL_');
  const code = known ? error.code : 'INTERNAL';
  const status = STATUS[code] ?? DEFAULT_STATUS;
  const title = code.toLowerCase().replaceAll('_', ' ');
  const detail = known && status < INTERNAL_STATUS ? error.message.slice(0, MAX_DETAIL_LENGTH) : undefined;
  return { status, body: utf8(JSON.stringify({ type: `urn:handsel:problem:${code}`, title, status, code, detail })) };
}

/** Code and detail of a problem a peer sent, or undefined where the body is none. */
export function readProblem(body: Uint8Array): { code: string; detail: string } | undefined {
  try {
    const value: unknown = JSON.parse(fromUtf8(body));
    if (typeof value !== 'object' || value === null || !('code' in value)) return undefined;
    const { code } = value;
    if (typeof code !== 'string' || !/^[A-Z][A-Z0-9_]{0,63}$/.test(code)) return undefined;
    const detail = 'detail' in value && typeof value.detail === 'string' ? value.detail : '';
    return { code, detail: detail.slice(0, MAX_DETAIL_LENGTH) };
  } catch {
    return undefined;
  }
}
