/**
 * The challenge of the "Payment" HTTP authentication scheme (draft-httpauth-payment-01, section "Challenge"): what stands in
 * `WWW-Authenticate` of a 402. The syntax is that of RFC 9110 section 11: several challenges, also of other schemes, in one field.
 */
import { PaymentError } from './payment-error.ts';

export const PAYMENT_SCHEME = 'Payment';
/** The other field a challenge may choose, so that `Authorization` stays free for whoever is logged in. */
export const PAYMENT_AUTHORIZATION = 'Payment-Authorization';

export interface PaymentChallenge {
  readonly id: string;
  readonly realm: string;
  readonly method: string;
  readonly intent: string;
  /** Base64url of canonical JSON, as it stands on the wire. */
  readonly request: string;
  /** RFC 3339. */
  readonly expires?: string;
  /** Of the request's body, as in `Content-Digest` (RFC 9530). */
  readonly digest?: string;
  /** For people to read: proves nothing. */
  readonly description?: string;
  readonly opaque?: string;
  readonly header?: typeof PAYMENT_AUTHORIZATION;
}

const MAX_HEADER_LENGTH = 32_768;
const MAX_CHALLENGES = 16;
const MAX_PARAMETERS = 32;
const PARAMETERS = [
  ...(['id', 'realm', 'method', 'intent', 'request'] as const),
  ...(['expires', 'digest', 'description', 'opaque', 'header'] as const),
] as const;
const METHOD = /^[a-z]{1,32}$/;
const INTENT = /^[A-Za-z0-9-]{1,32}$/;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
/** What a quoted text may hold here: visible ASCII and space. */
const QUOTABLE = /^[ -~]*$/;

/** @throws PaymentError `CHALLENGE_MALFORMED` for what no header field can carry */
export function formatChallenge(challenge: PaymentChallenge): string {
  const parts = PARAMETERS.flatMap((name) => {
    const value = challenge[name];
    return value === undefined ? [] : [`${name}="${quoted(value)}"`];
  });
  return `${PAYMENT_SCHEME} ${parts.join(', ')}`;
}

/**
 * The payment challenges of a field's value, in its order. Those of other schemes, and payment challenges that are incomplete or choose
 * a header nobody may choose, are left out: whoever offers several means one of the others.
 * @throws PaymentError `CHALLENGE_MALFORMED` when the field is no list of challenges, or longer than 32 KiB
 */
export function parseChallenges(header: string): PaymentChallenge[] {
  return schemesIn(header).flatMap(({ scheme, parameters }) => {
    if (scheme.toLowerCase() !== PAYMENT_SCHEME.toLowerCase()) return [];
    const challenge = challengeOf(parameters);
    return challenge === undefined ? [] : [challenge];
  });
}

function challengeOf(parameters: ReadonlyMap<string, string>): PaymentChallenge | undefined {
  const known = Object.fromEntries(
    PARAMETERS.map((name) => [name, parameters.get(name)]).filter(([, value]) => value !== undefined),
  );
  const { id, realm, method, intent, request, header } = known;
  if (!id || realm === undefined || !request || !METHOD.test(method ?? '') || !INTENT.test(intent ?? ''))
    return undefined;
  if (header !== undefined && header !== PAYMENT_AUTHORIZATION) return undefined;
  return known as unknown as PaymentChallenge;
}

interface Scheme {
  readonly scheme: string;
  readonly parameters: Map<string, string>;
}

function schemesIn(header: string): Scheme[] {
  if (header.length > MAX_HEADER_LENGTH) throw malformed('the field is too long');
  const schemes: Scheme[] = [];
  let at = skip(header, 0, ' \t,');
  while (at < header.length) {
    const name = tokenAt(header, at);
    const after = skip(header, at + name.length, ' \t');
    const current = schemes.at(-1);
    if (header[after] === '=' && current !== undefined) {
      const { value, end } = valueAt(header, skip(header, after + 1, ' \t'));
      const key = name.toLowerCase();
      if (current.parameters.has(key) || current.parameters.size >= MAX_PARAMETERS)
        throw malformed(`${key} stands twice`);
      current.parameters.set(key, value);
      at = afterElement(header, end);
    } else {
      if (schemes.length >= MAX_CHALLENGES) throw malformed('there are too many challenges');
      schemes.push({ scheme: name, parameters: new Map() });
      at = afterScheme(header, at + name.length);
    }
  }
  return schemes;
}

/** A scheme is followed by nothing, by its parameters, or by one token68 (as `Negotiate` has), which we pass over. */
function afterScheme(header: string, at: number): number {
  const start = skip(header, at, ' \t');
  const token68 = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
  token68.lastIndex = start;
  if (start > at && token68.test(header)) return afterElement(header, token68.lastIndex);
  return skip(header, start, ' \t,');
}

function afterElement(header: string, at: number): number {
  const end = skip(header, at, ' \t');
  if (end < header.length && header[end] !== ',') throw malformed(`expected a comma at ${end}`);
  return skip(header, end, ' \t,');
}

function tokenAt(header: string, at: number): string {
  TOKEN.lastIndex = at;
  const match = TOKEN.exec(header);
  if (match === null) throw malformed(`expected a name at ${at}`);
  return match[0];
}

function valueAt(header: string, at: number): { readonly value: string; readonly end: number } {
  if (header[at] !== '"') {
    const value = tokenAt(header, at);
    return { value, end: at + value.length };
  }
  let value = '';
  for (let next = at + 1; next < header.length; next++) {
    const character = header[next]!;
    if (character === '"') return { value, end: next + 1 };
    if (character === '\\') next++;
    value += header[next] ?? '';
  }
  throw malformed('a quoted text has no end');
}

function skip(header: string, from: number, characters: string): number {
  let at = from;
  while (at < header.length && characters.includes(header[at]!)) at++;
  return at;
}

function quoted(value: string): string {
  if (!QUOTABLE.test(value)) throw malformed('a header field carries visible ASCII only');
  return value.replaceAll(/["\\]/g, '\\$&');
}

function malformed(why: string): PaymentError {
  return new PaymentError('CHALLENGE_MALFORMED', `malformed challenge: ${why}`);
}
