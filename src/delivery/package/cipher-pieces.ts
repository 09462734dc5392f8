/** Long texts through a cipher in pieces, without leaving the memory of each piece to the garbage collector. */
import type { CipherGCM, DecipherGCM } from 'node:crypto';

/** Longer pieces come from fresh pages each time, which costs several times the encryption; shorter ones cost calls. */
const PIECE = 65_536;

/**
 * `text` through the cipher into `target`, and each piece to `seen`. Node gives every piece in memory of its own outside the heap, which
 * the collector hardly notices: gigabytes would pile up, so it is given back by hand.
 */
export function throughCipher(
  cipher: CipherGCM | DecipherGCM,
  text: Uint8Array,
  target: Uint8Array,
  seen?: (piece: Uint8Array) => void,
): void {
  for (let at = 0; at < text.length; at += PIECE) {
    const piece = cipher.update(text.subarray(at, at + PIECE));
    target.set(piece, at);
    seen?.(piece);
    giveBack(piece);
  }
}

function giveBack({ buffer, byteLength }: Buffer): void {
  // Whatever shares its memory with others is not ours to give away.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
