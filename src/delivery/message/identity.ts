/** How parties, products, packages and orders are named in every message of secure delivery. */
import { bytes, digest, minorUnits, record, text } from '../../codec/shape.ts';

/** The first common name of a party's certificate. */
export const partyName = text({ min: 1, max: 64 });

/** The merchant's own name for one edition of one product: the "product identity" of US 09/718,411. */
export const productName = text({ min: 1, max: 100 });

/** SHA-256 of a signed manifest. */
export const packageDigest = digest();

/** Chosen by the customer at random. */
export const orderIdentity = bytes({ min: 16, max: 16 });

/** SHA-256 of the signed order: it stands for the order in everything that follows. */
export const orderDigest = digest();

export const url = text({ min: 1, max: 500 });

/** Where the same package can be fetched. */
export const MAX_URLS = 4;

export const mediaType = text({ min: 3, max: 100 });

export const money = record({ currency: text({ min: 3, max: 3 }), minor: minorUnits() });

/** Longest certificate chain that comes with a message, in bytes: what a signed message may have beside its own content. */
export const CHAIN_BYTES = 16_384;
