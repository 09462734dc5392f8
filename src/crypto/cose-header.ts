/** COSE header parameters and identifiers we use (RFC 9052 section 3.1, RFC 9053, RFC 9360 for x5chain). */
import { decodeCbor, encodeCbor } from '../codec/cbor.ts';
import type { CborValue } from '../codec/cbor-value.ts';

export const HEADER_ALGORITHM = 1;
export const HEADER_CRITICAL = 2;
export const HEADER_CONTENT_TYPE = 3;
export const HEADER_KEY_ID = 4;
export const HEADER_IV = 5;
export const HEADER_CERTIFICATE_CHAIN = 33;

export const ALGORITHM_ES256 = -7;
export const ALGORITHM_A256GCM = 3;
/** ECDH-ES with HKDF-SHA-256 and AES-256 key wrap (RFC 9053 section 6.4.1). */
export const ALGORITHM_ECDH_ES_A256KW = -31;

export type CoseHeader = ReadonlyMap<CborValue, CborValue>;

const EMPTY = new Uint8Array();

/** An empty protected header is an empty byte string, not an empty map (RFC 9052 section 3). */
export function encodeProtected(header: CoseHeader): Uint8Array {
  return header.size === 0 ? EMPTY : encodeCbor(header);
}

/** @throws CborError or Error for anything but an empty string or a map with integer or text labels. */
export function decodeProtected(bytes: Uint8Array): CoseHeader {
  if (bytes.length === 0) return new Map();
  const header = decodeCbor(bytes, { maxBytes: 16_384, maxDepth: 8 });
  if (!(header instanceof Map)) throw new Error('a protected header that is not a map of labels');
  if (header.has(HEADER_CRITICAL)) throw new Error('a critical header parameter that is not understood');
  return header;
}

/** The unprotected header: an absent map reads as an empty plain object, since it has no integer keys to show. */
export function asHeader(value: CborValue): CoseHeader {
  if (value instanceof Map) return value;
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) return new Map();
  throw new Error('an unprotected header that is not a map of labels');
}
