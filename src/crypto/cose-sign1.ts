/** COSE_Sign1 with ES256 (RFC 9052 section 4.2): the signed form of every agent message. */
import type { KeyObject } from 'node:crypto';
import { decodeCbor, encodeCbor } from '../codec/cbor.ts';
import { CborTag, type CborValue } from '../codec/cbor-value.ts';
import { CryptographicError } from '../handsel-error.ts';
import {
  ALGORITHM_ES256,
  asHeader,
  type CoseHeader,
  decodeProtected,
  encodeProtected,
  HEADER_ALGORITHM,
  HEADER_CERTIFICATE_CHAIN,
  HEADER_CONTENT_TYPE,
  HEADER_KEY_ID,
} from './cose-header.ts';
import { signP256, verifyP256 } from './signature.ts';

const TAG_SIGN1 = 18;
const EMPTY = new Uint8Array();
const MAX_CHAIN = 6;

export interface Sign1Options {
  readonly payload: Uint8Array;
  readonly privateKey: KeyObject;
  /** What the payload is, e.g. `application/handsel-offer`; protected, so one kind of message never passes for another. */
  readonly contentType: string;
  /** Names the key where the verifier already holds it. */
  readonly keyId?: Uint8Array;
  /** The signer's certificate first, then its issuers (DER); needed where the verifier does not hold the key. */
  readonly certificateChain?: readonly Uint8Array[];
  /** Bound by the signature but not carried. */
  readonly externalData?: Uint8Array;
}

/** A COSE_Sign1 that has been taken apart but whose signature has NOT been checked yet. */
export interface ParsedSign1 {
  readonly contentType: string;
  readonly keyId: Uint8Array | undefined;
  readonly certificateChain: readonly Uint8Array[];
  readonly payload: Uint8Array;
  /** True when `publicKey` made the signature over exactly this payload, header and external data. */
  isSignedBy(publicKey: KeyObject, externalData?: Uint8Array): boolean;
}

function toBeSigned(protectedHeader: Uint8Array, externalData: Uint8Array, payload: Uint8Array): Uint8Array {
  return encodeCbor(['Signature1', protectedHeader, externalData, payload]);
}

export function signCose1(options: Sign1Options): Uint8Array {
  const header = new Map<CborValue, CborValue>([
    [HEADER_ALGORITHM, ALGORITHM_ES256],
    [HEADER_CONTENT_TYPE, options.contentType],
  ]);
  if (options.keyId !== undefined) header.set(HEADER_KEY_ID, options.keyId);
  const chain = options.certificateChain ?? [];
  const [only] = chain;
  if (only !== undefined) header.set(HEADER_CERTIFICATE_CHAIN, chain.length === 1 ? only : [...chain]);
  const protectedHeader = encodeProtected(header);
  const signed = toBeSigned(protectedHeader, options.externalData ?? EMPTY, options.payload);
  const signature = signP256(options.privateKey, signed, 'raw');
  return encodeCbor(new CborTag(TAG_SIGN1, [protectedHeader, new Map(), options.payload, signature]));
}

function chainOf(header: CoseHeader): readonly Uint8Array[] {
  const value = header.get(HEADER_CERTIFICATE_CHAIN);
  if (value === undefined) return [];
  const chain = Array.isArray(value) ? value : [value];
  if (chain.length > MAX_CHAIN || !chain.every((item): item is Uint8Array => item instanceof Uint8Array)) {
    throw new Error('a certificate chain that is not one');
  }
  return chain;
}

/**
 * Takes a COSE_Sign1 apart; the caller then finds the key and asks `isSignedBy`.
 * @throws CryptographicError for anything that is not a tagged COSE_Sign1 with ES256 and a content type.
 */
export function parseCose1(bytes: Uint8Array, limits: { readonly maxBytes: number }): ParsedSign1 {
  try {
    const message = decodeCbor(bytes, { maxBytes: limits.maxBytes, maxDepth: 6 });
    if (!(message instanceof CborTag) || message.tag !== TAG_SIGN1) throw new Error('not a COSE_Sign1');
    const parts = message.value;
    if (!Array.isArray(parts) || parts.length !== 4) throw new Error('not a COSE_Sign1');
    const [protectedHeader, unprotected, payload, signature] = parts;
    const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array;
    if (!isBytes(protectedHeader) || !isBytes(payload) || !isBytes(signature)) throw new Error('not a COSE_Sign1');
    if (asHeader(unprotected).size > 0) throw new Error('unprotected parameters are not taken');
    const header = decodeProtected(protectedHeader);
    if (header.get(HEADER_ALGORITHM) !== ALGORITHM_ES256) throw new Error('an algorithm other than ES256');
    const contentType = header.get(HEADER_CONTENT_TYPE);
    const keyId = header.get(HEADER_KEY_ID);
    if (typeof contentType !== 'string') throw new Error('no content type');
    if (keyId !== undefined && !isBytes(keyId)) throw new Error('a key identifier that is not bytes');
    return {
      contentType,
      keyId,
      certificateChain: chainOf(header),
      payload,
      isSignedBy: (publicKey, externalData = EMPTY) =>
        verifyP256(publicKey, toBeSigned(protectedHeader, externalData, payload), signature, 'raw'),
    };
  } catch (cause) {
    throw new CryptographicError(cause);
  }
}

/** Parses, checks content type and signature, and gives the payload. @throws CryptographicError */
export function verifyCose1(options: {
  readonly bytes: Uint8Array;
  readonly publicKey: KeyObject;
  readonly contentType: string;
  readonly externalData?: Uint8Array;
  readonly maxBytes: number;
}): Uint8Array {
  const parsed = parseCose1(options.bytes, options);
  if (parsed.contentType !== options.contentType) {
    throw new CryptographicError(new Error(`content type ${parsed.contentType}, expected ${options.contentType}`));
  }
  if (!parsed.isSignedBy(options.publicKey, options.externalData)) {
    throw new CryptographicError(new Error('the signature does not verify'));
  }
  return parsed.payload;
}
