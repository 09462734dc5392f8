/**
 * A package file: prelude, signed manifest, SHA-256 of each encrypted segment, segments. Every place follows from the manifest, so any
 * part can be asked for by its range.
 */
import { concatBytes, equalBytes, utf8 } from '../../codec/hex.ts';
import { TAG_LENGTH } from '../../crypto/sealing.ts';
import { DeliveryError } from '../message/delivery-error.ts';

export const DIGEST_LENGTH = 32;
const MAGIC = utf8('HANDSELP');
const PRELUDE_LENGTH = MAGIC.length + 4;

/** Their digests are held in memory: 32 MiB for a terabyte in the longest segments. */
const MAX_SEGMENTS = 2 ** 20;

/** Bytes from start to end, the end excluded. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Layout {
  readonly segments: number;
  /** Prelude and manifest, the same bytes for everybody who holds the manifest. */
  readonly head: Uint8Array;
  readonly digests: Span;
  readonly size: number;
}

/** How contents are cut, before and after encryption. */
export interface Cut {
  readonly length: number;
  readonly segmentLength: number;
}

/** Nothing has one segment, too: an empty content can be opened and checked like any other. */
export function countSegments({ length, segmentLength }: Cut): number {
  return Math.max(1, Math.ceil(length / segmentLength));
}

/** @throws DeliveryError `PACKAGE_MALFORMED` when it would have more segments than can be numbered */
export function layoutOf(manifest: Uint8Array, cut: Cut): Layout {
  const segments = countSegments(cut);
  if (segments > MAX_SEGMENTS) {
    throw new DeliveryError('PACKAGE_MALFORMED', `a package has at most ${MAX_SEGMENTS} segments`);
  }
  const start = PRELUDE_LENGTH + manifest.length;
  const digests = { start, end: start + segments * DIGEST_LENGTH };
  return { segments, head: headOf(manifest), digests, size: digests.end + cut.length + segments * TAG_LENGTH };
}

function headOf(manifest: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, manifest.length);
  return concatBytes(MAGIC, length, manifest);
}

/** Where a segment's content is. */
export function contentSpan(number: number, { length, segmentLength }: Cut): Span {
  const start = number * segmentLength;
  return { start, end: Math.min(start + segmentLength, length) };
}

/** Where the encrypted segment is in the file. */
export function segmentSpan(number: number, cut: Cut, layout: Layout): Span {
  const { start, end } = contentSpan(number, cut);
  const base = layout.digests.end + number * TAG_LENGTH;
  return { start: base + start, end: base + end + TAG_LENGTH };
}

/** The longest manifest a reader has to expect, and how much of a file is read to find it. */
export function longestHead(maxManifestBytes: number): number {
  return PRELUDE_LENGTH + maxManifestBytes;
}

/**
 * The signed manifest at the beginning of a package.
 * @throws DeliveryError `PACKAGE_MALFORMED` when these bytes do not begin one
 */
export function manifestIn(beginning: Uint8Array): Uint8Array {
  const { buffer, byteOffset, length } = beginning;
  if (length < PRELUDE_LENGTH || !equalBytes(beginning.subarray(0, MAGIC.length), MAGIC)) {
    throw new DeliveryError('PACKAGE_MALFORMED', 'this is no package');
  }
  const manifestLength = new DataView(buffer, byteOffset).getUint32(MAGIC.length);
  if (manifestLength > length - PRELUDE_LENGTH) {
    throw new DeliveryError('PACKAGE_MALFORMED', 'the package breaks off inside its manifest');
  }
  return beginning.slice(PRELUDE_LENGTH, PRELUDE_LENGTH + manifestLength);
}
