/**
 * JSON as the scheme puts it in headers: canonical (JCS, RFC 8785), in unpadded base64url (RFC 4648 section 5), and bounded before it
 * is parsed. The values of this method are texts, whole numbers and truths, which JCS writes as JavaScript does.
 */
import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from '../../codec/hex.ts';

export type PaymentJson =
  | string
  | number
  | boolean
  | readonly PaymentJson[]
  | { readonly [name: string]: PaymentJson | undefined };

export function encodePaymentJson(value: PaymentJson): string {
  return toBase64Url(utf8(canonical(value)));
}

/** Undefined for anything that is not base64url of JSON, or longer than `maxLength` characters. */
export function decodePaymentJson(text: string, maxLength: number): unknown {
  if (text.length > maxLength) return undefined;
  try {
    return JSON.parse(fromUtf8(fromBase64Url(text)));
  } catch {
    return undefined;
  }
}

function canonical(value: PaymentJson): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined) as [string, PaymentJson][];
  members.sort(([a], [b]) => (a < b ? -1 : 1)); // by UTF-16 code units, as JCS asks
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`;
}
