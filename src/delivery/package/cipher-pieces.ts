/** Gigabytes through OpenSSL without leaving the memory of every piece to the garbage collector, which hardly notices it: it is not its own. */
import type { CipherGCM } from 'node:crypto';

/** Longer pieces come from fresh pages each time, which costs several times the encryption; shorter ones cost calls. */
const PIECE = 65_536;

/** `text` through the cipher into `target`. */
export function throughCipher(cipher: CipherGCM, text: Uint8Array, target: Uint8Array): void {
  for (let at = 0; at < text.length; at += PIECE) {
    const piece = cipher.update(text.subarray(at, at + PIECE));
    target.set(piece, at);
    giveBack(piece);
  }
}

/** Nobody may look at the bytes any more. */
export function giveBack({ buffer, byteLength }: Uint8Array): void {
  // Whatever shares its memory with others is not ours to give away.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
