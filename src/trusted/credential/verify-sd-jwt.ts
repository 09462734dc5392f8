/**
 * Verifying an SD-JWT VC, ours or anybody's: RFC 9901 section 7.1 (what the issuer signed), 7.3 (who shows it) and the draft's section 3.4.
 * Strict where the texts leave a choice: one algorithm, one hash, no disclosure that nothing refers to.
 */
import type { KeyObject } from 'node:crypto';
import { equalBytes, utf8 } from '../../codec/hex.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { isObject, type Json, type JsonObject, type Jwk, keyOfJwk, readJson, readJws, requireJws } from './jws.ts';
import { digestOfDisclosure, joinSdJwt, KB_TYPE, SD_JWT_VC_TYPE, splitSdJwt, undisclosable } from './sd-jwt.ts';

/** An issuer whose credentials are believed, with its keys. */
export interface TrustedIssuer {
  readonly issuer: string;
  readonly keys: readonly Jwk[];
}

export interface SdJwtVerification {
  readonly issuers: readonly TrustedIssuer[];
  readonly nowMs: number;
  /** The key binding that is expected; undefined where the SD-JWT comes from its issuer. */
  readonly binding: { readonly audience: string; readonly nonce: string } | undefined;
}

export interface VerifiedSdJwt {
  readonly issuer: string;
  readonly vct: string;
  /** What was disclosed and what stood in the open, without what the format needs for itself. */
  readonly claims: JsonObject;
  /** Unix seconds; undefined for what never expires. */
  readonly expiresAtS: number | undefined;
  /** To which it is bound. */
  readonly holderKey: JsonObject | undefined;
  /** It names a list by which it could be revoked; whoever minds has to look there. */
  readonly hasStatus: boolean;
}

const CLOCK_ERROR_S = 300;
/** How old a proof of whoever shows it may be, in seconds. */
const PROOF_AGE_S = 600;
/** The draft says to take the older name for a while, too. */
const types = [SD_JWT_VC_TYPE, 'vc+sd-jwt'];

const forged = (why: string) => new CryptographicError(new Error(why));

/** @throws CryptographicError for whatever is not genuine; TrustedError `TICKET_INACTIVE` when it has expired, `TICKET_INVALID` for another verifier's */
export function verifySdJwt(text: string, { issuers, nowMs, binding }: SdJwtVerification): VerifiedSdJwt {
  const { jwt, disclosures, keyBinding } = splitSdJwt(text);
  const jws = readJws(jwt);
  const { payload } = jws;
  const { iss, vct, exp, nbf, iat, cnf, status } = payload;
  if (typeof iss !== 'string' || typeof vct !== 'string' || vct === '') throw forged('no issuer, or no type');
  requireJws(jws, types, issuerKey(issuers, iss, jws.header.kid));
  if (payload._sd_alg !== undefined && payload._sd_alg !== 'sha-256') throw forged('another hash');

  const nowS = Math.floor(nowMs / 1000);
  const expiresAtS = timeOf(exp);
  if (expiresAtS !== undefined && expiresAtS + CLOCK_ERROR_S <= nowS) throw inactive('it has expired');
  if ((timeOf(nbf) ?? 0) > nowS + CLOCK_ERROR_S || (timeOf(iat) ?? 0) > nowS + CLOCK_ERROR_S) {
    throw inactive('it does not count yet');
  }

  const claims = disclosed(payload, disclosures);
  const holderKey = isObject(cnf) && isObject(cnf.jwk) ? cnf.jwk : undefined;
  if (binding === undefined) {
    if (keyBinding !== undefined) throw forged('a proof that nobody asked for');
  } else {
    requireBinding(keyBinding, { ...binding, holderKey, nowS, shown: joinSdJwt({ jwt, disclosures }) });
  }
  return { issuer: iss, vct, claims, expiresAtS, holderKey, hasStatus: status !== undefined };
}

const inactive = (why: string) => new TrustedError('TICKET_INACTIVE', why);

function issuerKey(issuers: readonly TrustedIssuer[], iss: string, kid: Json | undefined): KeyObject {
  const keys = issuers.find(({ issuer }) => issuer === iss)?.keys ?? [];
  const key =
    kid === undefined && keys.length === 1 ? keys[0] : keys.find((one) => one.kid === kid && kid !== undefined);
  if (key === undefined) throw forged('an issuer or a key that is not believed');
  return keyOfJwk(key as unknown as Json);
}

/** @throws CryptographicError for what is no number */
function timeOf(value: Json | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw forged('a time that is none');
  return value;
}

interface Opening {
  readonly byDigest: Map<string, { readonly read: readonly Json[]; used: boolean }>;
  /** Every digest met so far: none may stand there twice (section 7.1, step 4). */
  readonly seen: Set<string>;
}

/** Section 7.1, steps 2 to 5. */
function disclosed(payload: JsonObject, disclosures: readonly string[]): JsonObject {
  const byDigest: Opening['byDigest'] = new Map();
  for (const disclosure of disclosures) {
    const read = readJson(disclosure);
    if (!Array.isArray(read) || typeof read[0] !== 'string') throw forged('a disclosure that is none');
    const digest = digestOfDisclosure(disclosure);
    if (byDigest.has(digest)) throw forged('a disclosure twice');
    byDigest.set(digest, { read, used: false });
  }
  const opening = { byDigest, seen: new Set<string>() };
  const { _sd_alg: _, ...rest } = payload;
  const opened = openObject(rest, opening, 0);
  if ([...byDigest.values()].some(({ used }) => !used)) throw forged('a disclosure that nothing refers to');
  const own = ['iss', 'vct', 'vct#integrity', 'exp', 'nbf', 'iat', 'cnf', 'status'];
  return Object.fromEntries(Object.entries(opened).filter(([name]) => !own.includes(name)));
}

const maxDepth = 12;

function openValue(value: Json, opening: Opening, depth: number): Json {
  if (depth > maxDepth) throw forged('nested too deeply');
  if (Array.isArray(value)) return openArray(value, opening, depth);
  return isObject(value) ? openObject(value, opening, depth) : value;
}

function openObject(object: JsonObject, opening: Opening, depth: number): JsonObject {
  const opened = new Map<string, Json>();
  for (const [name, value] of Object.entries(object)) {
    if (name === '...' || name === '_sd_alg') throw forged(`a claim named "${name}"`);
    if (name !== '_sd') opened.set(name, openValue(value, opening, depth + 1));
  }
  const digests = object._sd ?? [];
  if (!Array.isArray(digests)) throw forged('digests that are no list');
  for (const digest of digests) {
    const read = take(digest, opening);
    if (read === undefined) continue;
    const [, name, value] = read;
    if (read.length !== 3 || typeof name !== 'string' || value === undefined) throw forged('no disclosure of a claim');
    if (undisclosable.includes(name) || opened.has(name))
      throw forged(`the claim "${name.slice(0, 40)}" twice, or never`);
    opened.set(name, openValue(value, opening, depth + 1));
  }
  return Object.fromEntries(opened);
}

function openArray(array: readonly Json[], opening: Opening, depth: number): readonly Json[] {
  return array.flatMap((element) => {
    if (!isObject(element) || !Object.hasOwn(element, '...')) return [openValue(element, opening, depth + 1)];
    if (Object.keys(element).length !== 1) throw forged('an element beside its digest');
    const read = take(element['...'], opening);
    if (read === undefined) return [];
    if (read.length !== 2) throw forged('no disclosure of an element');
    return [openValue(read[1]!, opening, depth + 1)];
  });
}

/** What a digest stands for, if it is disclosed. */
function take(digest: Json | undefined, { byDigest, seen }: Opening): readonly Json[] | undefined {
  if (typeof digest !== 'string' || seen.has(digest)) throw forged('a digest twice, or none');
  seen.add(digest);
  const found = byDigest.get(digest);
  if (found !== undefined) found.used = true;
  return found?.read;
}

/** Section 7.3. */
function requireBinding(
  keyBinding: string | undefined,
  expected: {
    readonly audience: string;
    readonly nonce: string;
    readonly holderKey: JsonObject | undefined;
    readonly nowS: number;
    readonly shown: string;
  },
): void {
  const { audience, nonce, holderKey, nowS, shown } = expected;
  if (keyBinding === undefined || holderKey === undefined) throw forged('nobody proves to hold it');
  const proof = readJws(keyBinding);
  requireJws(proof, [KB_TYPE], keyOfJwk(holderKey));
  const { iat, aud, nonce: said, sd_hash } = proof.payload;
  if (sd_hash !== digestOfDisclosure(shown)) throw forged('a proof for other disclosures');
  const madeAtS = timeOf(iat) ?? 0;
  if (madeAtS > nowS + CLOCK_ERROR_S || madeAtS < nowS - PROOF_AGE_S) throw inactive('a proof of another time');
  if (aud !== audience || typeof said !== 'string' || !equalBytes(utf8(said), utf8(nonce))) {
    throw new TrustedError('TICKET_INVALID', 'it was shown to somebody else, or on another occasion');
  }
}
