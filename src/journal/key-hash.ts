/**
 * The index value of a journal key: 48 bits of its SHA-256, small enough for a plain number and a dense index.
 * Equal values do not prove equal keys: whoever looks up compares the key stored with the entry.
 */
import { hash } from 'node:crypto';

export function keyHash(key: string | Uint8Array): number {
  return hash('sha256', key, 'buffer').readUIntBE(0, 6);
}
