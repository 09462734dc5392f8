/** Why nobody answered, in words for whoever has to mend it: the platform says it in codes, and for some causes in misleading ones. */

const REFUSED = 'nobody listens there';
const NO_HOST = 'there is no host of that name';
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: REFUSED,
  EADDRNOTAVAIL: REFUSED,
  ENOTFOUND: NO_HOST,
  EAI_AGAIN: NO_HOST,
  ENETUNREACH: 'there is no way to that network',
  EHOSTUNREACH: 'there is no way to that host',
  ETIMEDOUT: 'it did not answer in time',
  ABORT_ERR: 'it did not answer in time',
};
const NOT_TRUSTED = /CERT|SIGNATURE|ALTNAME|CRL/;
const NO_TLS = /^EPROTO$|SSL|TLS/;
const NO_HTTP = /^HPE_/;

/** `nobody listens there`; for the end of a sentence after a colon. */
export function whyUnreachable(cause: unknown, { protocol }: URL): string {
  const { code = '', name = '' } = cause as { readonly code?: string; readonly name?: string };
  const known = REASONS[code];
  if (known !== undefined) return known;
  if (name === 'TimeoutError' || name === 'AbortError') return 'it did not answer in time';
  if (NOT_TRUSTED.test(code)) return 'its certificate is none that is trusted here';
  if (NO_TLS.test(code)) return 'it does not speak TLS as is wanted here: is its URL one with http?';
  if (NO_HTTP.test(code))
    return `what it answered is no HTTP${protocol === 'http:' ? ': is its URL one with https?' : ''}`;
  const closed = 'it closed the connection without an answer';
  return protocol === 'http:' ? `${closed}: is its URL one with https?` : closed;
}
