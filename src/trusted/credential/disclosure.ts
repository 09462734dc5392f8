/**
 * Showing only some fields of a credential: the issuer signs a salted digest of each, and the holder shows those that it likes with their
 * salts, as RFC 9901 (SD-JWT) section 4 does it for JSON. Here the encoding is deterministic CBOR, so a field has one digest for each salt.
 */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { toHex, utf8 } from '../../codec/hex.ts';
import { row } from '../../codec/row-shape.ts';
import { bytes, list, type Shaped } from '../../codec/shape.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { Random } from '../../crypto/random.ts';
import { HandselError } from '../../handsel-error.ts';
import { maxDisclosuresBytes } from '../message/ticket-talk.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { type Components, maxClaims } from '../ticket/components.ts';
import { type Claim, type Claims, claimName, claimValueShape } from './claim.ts';

/** RFC 9901 section 9.3: 128 bits. */
const SALT_LENGTH = 16;
/** Digests of nothing are added up to the next multiple, so that their number tells little of how many fields there are. */
const GRAIN = 4;

const disclosureShape = row({
  salt: bytes({ min: SALT_LENGTH, max: SALT_LENGTH }),
  name: claimName(),
  value: claimValueShape(),
});
export type Disclosure = Shaped<typeof disclosureShape>;
const disclosuresShape = list(disclosureShape, { max: maxClaims });

/** As they travel and are kept beside the ticket. */
export function encodeDisclosures(disclosures: readonly Disclosure[]): Uint8Array {
  return encodeCbor(disclosuresShape.encode(disclosures));
}

/** @throws CborError or MessageError */
export function decodeDisclosures(encoded: Uint8Array): readonly Disclosure[] {
  return disclosuresShape.decode(decodeCbor(encoded, { maxBytes: maxDisclosuresBytes, maxDepth: 4 }), 'disclosures');
}

const LABEL = utf8('Handsel disclosure 1');

function digestOf(disclosure: Disclosure): Uint8Array {
  return sha256(LABEL, encodeCbor(disclosureShape.encode(disclosure)));
}

export interface Committed {
  readonly digests: readonly Uint8Array[];
  readonly disclosures: readonly Disclosure[];
}

/** By the issuer. @throws TrustedError `TICKET_INVALID` for two fields of one name, or none or too many of them */
export function commitToClaims(claims: readonly Claim[], random: Random): Committed {
  if (claims.length === 0 || claims.length > maxClaims - GRAIN) throw invalid(`${claims.length} fields`);
  if (new Set(claims.map(({ name }) => name)).size < claims.length) throw invalid('two fields of one name');
  const disclosures = claims.map(({ name, value }) => ({ salt: random(SALT_LENGTH), name, value }));
  const digests = disclosures.map(digestOf);
  while (digests.length % GRAIN !== 0) digests.push(sha256(random(SALT_LENGTH)));
  return { digests: digests.sort(Buffer.compare), disclosures };
}

const invalid = (why: string) => new TrustedError('TICKET_INVALID', `disclosures: ${why}`);

/**
 * The fields that are shown, once every one of them is known to be the issuer's.
 * @throws TrustedError `TICKET_INVALID` for one that is not, for one shown twice, and for a ticket that has no such fields
 */
export function openDisclosures(components: Components, encoded: Uint8Array): Claims {
  if (components.type !== 'attestation') throw invalid(`a ${components.type} has none`);
  const digests = new Set(components.digests.map(toHex));
  if (digests.size < components.digests.length) throw invalid('a digest stands there twice');
  const shown = new Map<string, Claim['value']>();
  for (const disclosure of readDisclosures(encoded)) {
    // Each digest once: what is taken out cannot be shown again.
    if (!digests.delete(toHex(digestOf(disclosure)))) throw invalid('a field that the issuer did not sign');
    if (shown.has(disclosure.name)) throw invalid('two fields of one name');
    shown.set(disclosure.name, disclosure.value);
  }
  return Object.fromEntries(shown);
}

function readDisclosures(encoded: Uint8Array): readonly Disclosure[] {
  try {
    return decodeDisclosures(encoded);
  } catch (cause) {
    if (!(cause instanceof HandselError)) throw cause;
    throw new TrustedError('TICKET_INVALID', 'these are no disclosures', { cause });
  }
}

/** By the holder: those of the fields that are to be shown. @throws TrustedError `TICKET_UNKNOWN` when there is no such field */
export function chooseDisclosures(encoded: Uint8Array, names: readonly string[]): Uint8Array {
  const all = decodeDisclosures(encoded);
  const chosen = names.map((name) => {
    const found = all.find((disclosure) => disclosure.name === name);
    if (found === undefined) throw new TrustedError('TICKET_UNKNOWN', `the credential has no field "${name}"`);
    return found;
  });
  return encodeDisclosures(chosen);
}
