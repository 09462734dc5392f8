/**
 * Compact JWS (RFC 7515) with ES256 and nothing else: what SD-JWTs are made of. Which algorithm counts is decided here and not by what a header
 * says, so `none` and keys of another kind never get as far as a check.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { fromBase64Url, toBase64Url, utf8 } from '../../codec/hex.ts';
import { importCompactKey } from '../../crypto/compact-key.ts';
import { sha256 } from '../../crypto/digest.ts';
import { signP256, verifyP256 } from '../../crypto/signature.ts';
import { CryptographicError } from '../../handsel-error.ts';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = { readonly [name: string]: Json };

/** A public key of P-256 (RFC 7517, RFC 7518 section 6.2.1). */
export interface Jwk {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
  readonly kid?: string;
}

export const maxJwsText = 262_144;

export interface Jws {
  readonly header: JsonObject;
  readonly payload: JsonObject;
  readonly signingInput: string;
  readonly signature: Uint8Array;
}

const failed = (why: string) => new CryptographicError(new Error(why));

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What it says, not checked. @throws CryptographicError */
export function readJws(text: string): Jws {
  const parts = text.split('.');
  const [header = '', payload = '', signature = ''] = parts;
  if (parts.length !== 3 || text.length > maxJwsText) throw failed('not a JWS of three parts');
  const read = { header: readJson(header), payload: readJson(payload) };
  if (!isObject(read.header) || !isObject(read.payload)) throw failed('a JWS whose parts are no objects');
  return { ...read, signingInput: `${header}.${payload}`, signature: decode(signature) } as Jws;
}

/** @throws CryptographicError */
export function readJson(encoded: string): Json {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(decode(encoded))) as Json;
  } catch (cause) {
    throw cause instanceof CryptographicError ? cause : new CryptographicError(cause);
  }
}

function decode(encoded: string): Uint8Array {
  try {
    return fromBase64Url(encoded);
  } catch (cause) {
    throw new CryptographicError(cause);
  }
}

export function encodeJson(value: Json): string {
  return toBase64Url(utf8(JSON.stringify(value)));
}

export function signJws(header: JsonObject, payload: JsonObject, privateKey: KeyObject): string {
  const input = `${encodeJson({ alg: 'ES256', ...header })}.${encodeJson(payload)}`;
  return `${input}.${toBase64Url(signP256(privateKey, utf8(input), 'raw'))}`;
}

/** @throws CryptographicError unless it is signed with ES256 by that key */
export function requireJws({ header, signingInput, signature }: Jws, typ: readonly string[], key: KeyObject): void {
  if (header.alg !== 'ES256') throw failed(`the algorithm ${String(header.alg).slice(0, 20)} does not count`);
  if (!typ.includes(String(header.typ))) throw failed(`of the type ${String(header.typ).slice(0, 40)}`);
  // RFC 7515 section 4.1.11: what is critical and unknown.
  if (header.crit !== undefined) throw failed('critical extensions');
  if (!verifyP256(key, utf8(signingInput), signature, 'raw')) throw failed('a JWS that this key did not sign');
}

/** @throws CryptographicError for what is no public key of P-256 */
export function keyOfJwk(value: Json | undefined): KeyObject {
  if (!isObject(value) || value.kty !== 'EC' || value.crv !== 'P-256') throw failed('no key of P-256');
  const { x, y } = value;
  if (typeof x !== 'string' || typeof y !== 'string') throw failed('a key without its point');
  try {
    return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
  } catch (cause) {
    throw new CryptographicError(cause);
  }
}

/** Of a compact key; named by its thumbprint. */
export function jwkOfCompact(compact: Uint8Array): Jwk & { readonly kid: string } {
  const { x, y } = importCompactKey(compact).export({ format: 'jwk' }) as { x: string; y: string };
  // RFC 7638 section 3: the members in this order and no others.
  const kid = toBase64Url(sha256(utf8(JSON.stringify({ crv: 'P-256', kty: 'EC', x, y }))));
  return { kty: 'EC', crv: 'P-256', x, y, kid };
}
