/**
 * The list of what was bought, which only the two ends can read (US 09/718,411: "the purchase list is encrypted. Only a hash of the
 * purchase list is visible"). Entries are encrypted as they come, and the head is the rolling hash over the encrypted entries.
 */
import { createCipheriv } from 'node:crypto';
import { sha256 } from '../../crypto/digest.ts';

/** number (8 bytes) ‖ price in units (8) ‖ SHA-256 of the request (32): three AES blocks. */
export const ENTRY_LENGTH = 48;
const BLOCKS_PER_ENTRY = ENTRY_LENGTH / 16;

export interface ListEntry {
  readonly number: number;
  readonly units: number;
  /** SHA-256 over what was asked for: method, resource and body. */
  readonly request: Uint8Array;
}

export const EMPTY_HEAD: Uint8Array = new Uint8Array(32);

/**
 * Encrypts entries in their order: AES-256-CTR with the entry's place as its counter, so that both ends make the same bytes. The
 * key is of one transaction; a number is used for one entry only, since a purchase refused is not sent again with another entry.
 */
export interface ListCipher {
  encrypt(entry: ListEntry): Uint8Array;
}

export function createListCipher(key: Uint8Array): ListCipher {
  let next = 0;
  let stream: ReturnType<typeof createCipheriv> | undefined;
  const plain = Buffer.alloc(ENTRY_LENGTH);
  return {
    encrypt({ number, units, request }) {
      if (stream === undefined || next !== number) stream = createCipheriv('aes-256-ctr', key, counterAt(number));
      next = number + 1;
      plain.writeBigUInt64BE(BigInt(number), 0);
      plain.writeBigUInt64BE(BigInt(units), 8);
      plain.set(request, 16);
      return new Uint8Array(stream.update(plain));
    },
  };
}

/** The head of the list with one more entry. */
export function headWith(head: Uint8Array, encrypted: Uint8Array): Uint8Array {
  return sha256(head, encrypted);
}

/** Reads entries back, for the owner of a key and for an arbiter who is given it. */
export function decryptEntries(key: Uint8Array, encrypted: Uint8Array, firstNumber: number): ListEntry[] {
  const plain = createCipheriv('aes-256-ctr', key, counterAt(firstNumber)).update(encrypted);
  return Array.from({ length: Math.floor(plain.length / ENTRY_LENGTH) }, (_, index) => {
    const at = index * ENTRY_LENGTH;
    return {
      number: Number(plain.readBigUInt64BE(at)),
      units: Number(plain.readBigUInt64BE(at + 8)),
      request: new Uint8Array(plain.subarray(at + 16, at + ENTRY_LENGTH)),
    };
  });
}

function counterAt(number: number): Buffer {
  const counter = Buffer.alloc(16);
  counter.writeBigUInt64BE(BigInt(number) * BigInt(BLOCKS_PER_ENTRY), 8);
  return counter;
}
