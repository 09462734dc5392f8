/**
 * The Merkle tree over the digests of a package's segments (RFC 9162 section 2.1): one signature covers all of them, and one segment can
 * be shown to belong to the package by some 20 digests.
 */
import { equalBytes } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { DIGEST_LENGTH } from './layout.ts';

const LEAF = new Uint8Array([0]);
const NODE = new Uint8Array([1]);

const leafOf = (entry: Uint8Array) => sha256(LEAF, entry);
const nodeOf = (left: Uint8Array, right: Uint8Array) => sha256(NODE, left, right);

/** Section 2.1.1, entry after entry: as many nodes are held as the tree is deep. */
export function rootOf(entries: Iterable<Uint8Array>): Uint8Array {
  /** Roots of complete subtrees, each larger than the next. */
  const complete: { readonly root: Uint8Array; readonly height: number }[] = [];
  for (const entry of entries) {
    let node = { root: leafOf(entry), height: 0 };
    for (let last = complete.at(-1); last?.height === node.height; last = complete.at(-1)) {
      complete.pop();
      node = { root: nodeOf(last.root, node.root), height: node.height + 1 };
    }
    complete.push(node);
  }
  if (complete.length === 0) return sha256(new Uint8Array());
  return complete.map(({ root }) => root).reduceRight((right, left) => nodeOf(left, right));
}

/** The digests of all segments, one after the other. */
export function* entriesOf(table: Uint8Array): Iterable<Uint8Array> {
  for (let at = 0; at < table.length; at += DIGEST_LENGTH) yield table.subarray(at, at + DIGEST_LENGTH);
}

/** Section 2.1.3.1: what else is needed to come from the entry to the root, from the bottom up. */
export function pathTo(number: number, table: Uint8Array): readonly Uint8Array[] {
  const between = (first: number, end: number): Uint8Array =>
    rootOf(entriesOf(table.subarray(first * DIGEST_LENGTH, end * DIGEST_LENGTH)));
  const path: Uint8Array[] = [];
  let [first, end] = [0, table.length / DIGEST_LENGTH];
  while (end - first > 1) {
    const middle = first + 2 ** Math.ceil(Math.log2(end - first) - 1);
    if (number < middle) {
      path.push(between(middle, end));
      end = middle;
    } else {
      path.push(between(first, middle));
      first = middle;
    }
  }
  return path.reverse();
}

/** Section 2.1.3.2: whether the entry is the one with this number, of so many, under the root. */
export function isUnder(
  root: Uint8Array,
  proof: {
    readonly entry: Uint8Array;
    readonly number: number;
    readonly count: number;
    readonly path: readonly Uint8Array[];
  },
): boolean {
  const { entry, number, count, path } = proof;
  if (!Number.isSafeInteger(number) || number < 0 || number >= count) return false;
  let [place, last] = [number, count - 1];
  let node = leafOf(entry);
  for (const sibling of path) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      node = nodeOf(sibling, node);
      while (place % 2 === 0 && place !== 0) {
        place = Math.floor(place / 2);
        last = Math.floor(last / 2);
      }
    } else {
      node = nodeOf(node, sibling);
    }
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && equalBytes(node, root);
}
