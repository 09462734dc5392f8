/**
 * SD-JWT (RFC 9901) in its compact form, and SD-JWT VC (draft-ietf-oauth-sd-jwt-vc) on top: a signed JWT in which claims are digests, the
 * disclosures that belong to them, and a proof of whoever holds it. `JWT~disclosure~…~` or `JWT~disclosure~…~KB-JWT`.
 */
import type { KeyObject } from 'node:crypto';
import { toBase64Url, utf8 } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { Random } from '../../crypto/random.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { TrustedError } from '../message/trusted-error.ts';
import type { Claim } from './claim.ts';
import { encodeJson, type Json, jwkOfCompact, maxJwsText, readJson, signJws } from './jws.ts';

/** Of the media type `application/dc+sd-jwt` (draft section 3.1). */
export const SD_JWT_VC_TYPE = 'dc+sd-jwt';
export const KB_TYPE = 'kb+jwt';

/** Digests of nothing are added up to the next multiple. */
const GRAIN = 4;
const SALT_LENGTH = 16;
export const maxDisclosures = 100;

/** Neither these nor what is to be claims of the JWT itself can be disclosed one by one (draft section 3.2.2.2, RFC 9901 section 4.1). */
export const undisclosable: readonly string[] = [
  'iss',
  'nbf',
  'exp',
  'cnf',
  'vct',
  'vct#integrity',
  'status',
  '_sd',
  '...',
  '_sd_alg',
];

export interface SdJwtParts {
  readonly jwt: string;
  readonly disclosures: readonly string[];
  readonly keyBinding: string | undefined;
}

/** @throws CryptographicError */
export function splitSdJwt(text: string): SdJwtParts {
  const [jwt = '', ...rest] = text.length > maxJwsText ? [''] : text.split('~');
  const last = rest.pop();
  if (last === undefined || rest.length > maxDisclosures || rest.includes('')) {
    throw new CryptographicError(new Error('not an SD-JWT'));
  }
  return { jwt, disclosures: rest, keyBinding: last === '' ? undefined : last };
}

export function joinSdJwt({ jwt, disclosures }: Pick<SdJwtParts, 'jwt' | 'disclosures'>): string {
  return [jwt, ...disclosures, ''].join('~');
}

/** What can be disclosed of it, by name. @throws CryptographicError for what is no SD-JWT */
export function disclosableIn(text: string): readonly string[] {
  return splitSdJwt(text).disclosures.flatMap((disclosure) => {
    const read = readJson(disclosure);
    return Array.isArray(read) && typeof read[1] === 'string' ? [read[1]] : [];
  });
}

/** RFC 9901 section 4.2.3: over the text as it stands. */
export function digestOfDisclosure(disclosure: string): string {
  return toBase64Url(sha256(utf8(disclosure)));
}

/** A picture has no form in JSON but text. */
function jsonOf({ value }: Claim): Json {
  return value instanceof Uint8Array
    ? `data:application/octet-stream;base64,${Buffer.from(value).toString('base64')}`
    : value;
}

/** By the issuer: all claims can be disclosed one by one. @throws TrustedError `TICKET_INVALID` for a claim of a name that means something else */
export function issueSdJwt(options: {
  /** An HTTPS URL, below which the metadata with the keys is found. */
  readonly issuer: string;
  readonly vct: string;
  readonly claims: readonly Claim[];
  /** Compact, of the holder. */
  readonly holderKey: Uint8Array;
  /** Unix seconds. */
  readonly issuedAtS: number;
  readonly expiresAtS: number;
  readonly key: { readonly compact: Uint8Array; readonly privateKey: KeyObject };
  readonly random: Random;
}): string {
  const { issuer, vct, claims, holderKey, issuedAtS, expiresAtS, key, random } = options;
  const taken = claims.find(({ name }) => undisclosable.includes(name) || name === 'iat' || name === 'sub');
  if (taken !== undefined) throw new TrustedError('TICKET_INVALID', `a claim named "${taken.name}"`);
  const salt = () => toBase64Url(random(SALT_LENGTH));
  const disclosures = claims.map((claim) => encodeJson([salt(), claim.name, jsonOf(claim)]));
  const digests = disclosures.map(digestOfDisclosure);
  while (digests.length % GRAIN !== 0) digests.push(toBase64Url(sha256(random(SALT_LENGTH))));
  const { kid: _, ...jwk } = jwkOfCompact(holderKey);
  const payload = {
    ...{ iss: issuer, vct, iat: issuedAtS, exp: expiresAtS, cnf: { jwk } },
    ...{ _sd_alg: 'sha-256', _sd: digests.sort() },
  };
  const header = { typ: SD_JWT_VC_TYPE, kid: jwkOfCompact(key.compact).kid };
  return joinSdJwt({ jwt: signJws(header, payload, key.privateKey), disclosures });
}

/**
 * By the holder: only those claims, for that verifier, now (RFC 9901 section 4.3).
 * @throws TrustedError `TICKET_UNKNOWN` when there is no such claim; CryptographicError
 */
export function presentSdJwt(
  text: string,
  options: {
    readonly names: readonly string[];
    readonly audience: string;
    readonly nonce: string;
    readonly atS: number;
    readonly privateKey: KeyObject;
  },
): string {
  const { names, audience, nonce, atS, privateKey } = options;
  const { jwt, disclosures } = splitSdJwt(text);
  const known = disclosures.map((disclosure) => ({ disclosure, read: readJson(disclosure) }));
  const chosen = names.map((name) => {
    const found = known.find(({ read }) => Array.isArray(read) && read.length === 3 && read[1] === name);
    if (found === undefined) throw new TrustedError('TICKET_UNKNOWN', `it has no claim "${name}"`);
    return found.disclosure;
  });
  const shown = joinSdJwt({ jwt, disclosures: chosen });
  const payload = { iat: atS, aud: audience, nonce, sd_hash: digestOfDisclosure(shown) };
  return `${shown}${signJws({ typ: KB_TYPE }, payload, privateKey)}`;
}

/** What an issuer serves under `/.well-known/jwt-vc-issuer` of its URL (draft section 5): the keys it signs with, and those it signed with lately. */
export function issuerMetadata(issuer: string, compactKeys: readonly Uint8Array[]) {
  const keys = compactKeys.map((compact) => ({ ...jwkOfCompact(compact), use: 'sig', alg: 'ES256' }));
  return { issuer, jwks: { keys } };
}
