/**
 * Deterministic CBOR (RFC 8949 section 4.2.1): one value has exactly one encoding, and any other is refused.
 *
 * Values: booleans, null, integers, floats, strings, Uint8Array, arrays, maps and tags. A map whose keys are all strings
 * is a plain object, any other a `Map`. An integer comes back as `number` where that is exact and as `bigint` beyond, so
 * wire parsers call `BigInt(…)` on money. Where the type itself must survive (journal records and snapshots, replayed by
 * code that computed with bigints) use the `…Exact` pair: there a bigint is always a tagged bignum and comes back a bigint.
 */
import { readCbor } from './cbor-reader.ts';
import type { CborValue } from './cbor-value.ts';
import { type Allocate, writeCbor } from './cbor-writer.ts';

export interface CborLimits {
  /** Largest input accepted, in bytes; default 1 MiB. */
  readonly maxBytes?: number;
  /** Deepest nesting of arrays, maps and tags accepted; default 24. */
  readonly maxDepth?: number;
}

const MAX_BYTES = 1 << 20;
const MAX_DEPTH = 24;

/** Deterministic encoding for the wire and for signatures. Properties that are `undefined` are left out. */
export function encodeCbor(value: CborValue): Uint8Array {
  return writeCbor(value, false);
}

/** @throws CborError when the bytes are not exactly one deterministic item within the limits. */
export function decodeCbor(bytes: Uint8Array, limits: CborLimits = {}): CborValue {
  return readCbor(bytes, {
    maxBytes: limits.maxBytes ?? MAX_BYTES,
    maxDepth: limits.maxDepth ?? MAX_DEPTH,
    exact: false,
  });
}

/**
 * As `encodeCbor`, but every bigint keeps its type (RFC 8949 section 3.4.3 bignum): for our own stores only. Gives all the memory that
 * `allocate` gave.
 */
export function encodeCborExact(value: CborValue, allocate?: Allocate): Uint8Array {
  return writeCbor(value, true, allocate);
}

/** The inverse of `encodeCborExact`. @throws CborError */
export function decodeCborExact(bytes: Uint8Array, limits: CborLimits = {}): CborValue {
  return readCbor(bytes, {
    maxBytes: limits.maxBytes ?? MAX_BYTES,
    maxDepth: limits.maxDepth ?? MAX_DEPTH,
    exact: true,
  });
}
