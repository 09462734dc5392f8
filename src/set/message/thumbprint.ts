/**
 * Thumbs (notes on SET, "Thumbprints"): SHA-256 over the signed part of certificates, revocation lists and BrandCRLIdentifiers, by
 * which a party says what it holds already and a peer knows what it need not send.
 */
import {
  any,
  decodeDer,
  encodeDer,
  explicit,
  type Infer,
  objectIdentifier,
  octetString,
  optional,
  sequence,
  sequenceOf,
} from '../../codec/der.ts';
import { equalBytes, toHex } from '../../codec/hex.ts';
import { SetError } from './set-error.ts';

const SHA256 = '2.16.840.1.101.3.4.2.1';
const MAX_THUMBS = 64;

const digestsType = sequenceOf(octetString({ min: 32, max: 32 }), { min: 1, max: MAX_THUMBS });
const thumbsType = sequence({
  algorithm: sequence({ algorithm: objectIdentifier(), parameters: optional(any()) }),
  certificates: optional(explicit(0, digestsType)),
  revocationLists: optional(explicit(1, digestsType)),
  brandCrlIdentifiers: optional(explicit(2, digestsType)),
});
export type Thumbs = Omit<Infer<typeof thumbsType>, 'algorithm'>;

/** Anything signed whose thumb has been made when it was read. */
export interface Thumbed {
  readonly thumb: Uint8Array;
}

export interface Held {
  readonly certificates?: readonly Thumbed[];
  readonly revocationLists?: readonly Thumbed[];
  readonly brandCrlIdentifiers?: readonly Thumbed[];
}

/** The Thumbs field about what is held; the first 64 of each kind, since a peer may leave out no more than it is told. */
export function makeThumbs(held: Held): Uint8Array {
  const thumbsOf = (items: readonly Thumbed[] = []) => items.slice(0, MAX_THUMBS).map((item) => item.thumb);
  const certificates = thumbsOf(held.certificates);
  const revocationLists = thumbsOf(held.revocationLists);
  const brandCrlIdentifiers = thumbsOf(held.brandCrlIdentifiers);
  return encodeDer(thumbsType, {
    algorithm: { algorithm: SHA256 },
    ...(certificates.length > 0 && { certificates }),
    ...(revocationLists.length > 0 && { revocationLists }),
    ...(brandCrlIdentifiers.length > 0 && { brandCrlIdentifiers }),
  });
}

/** @throws DerError when malformed, SetError when made with another digest. */
export function readThumbs(der: Uint8Array): Thumbs {
  const { algorithm, ...thumbs } = decodeDer(thumbsType, der, { maxBytes: 16384 });
  if (algorithm.algorithm !== SHA256 || algorithm.parameters !== undefined) {
    throw new SetError('decodingFailure', 'thumbs are made with another digest than SHA-256');
  }
  return thumbs;
}

/** Those of `items` that the peer has not said it holds. */
export function notHeld<T extends Thumbed>(items: readonly T[], thumbs: readonly Uint8Array[] = []): readonly T[] {
  const held = new Set(thumbs.map(toHex));
  return items.filter((item) => !held.has(toHex(item.thumb)));
}

/** A response echoes the thumbs of its request, so that stripping them on the way is noticed. @throws SetError `thumbsMismatch` */
export function requireSameThumbs(sent: Uint8Array | undefined, echoed: Uint8Array | undefined): void {
  const same = sent === undefined || echoed === undefined ? sent === echoed : equalBytes(sent, echoed);
  if (!same) throw new SetError('thumbsMismatch', 'the thumbs echoed are not those sent');
}
