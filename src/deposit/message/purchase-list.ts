/**
 * The list of what was bought, which only the two ends can read (US 09/718,411: "the purchase list is encrypted. Only a hash of the
 * purchase list is visible"). Entries are encrypted as they come, and the head is the rolling hash over the encrypted entries.
 */
import { createCipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { sha256 } from '../../crypto/digest.ts';
import { DepositError } from './deposit-error.ts';

/** number (8 bytes) ‖ price in units (8) ‖ SHA-256 of the request (32): three AES blocks. */
export const ENTRY_LENGTH = 48;
const BLOCKS_PER_ENTRY = ENTRY_LENGTH / 16;
const REQUEST_LENGTH = 32;
const HEAD_LENGTH = 32;
const HIGH = 2 ** 32;

export interface ListEntry {
  readonly number: number;
  readonly units: number;
  /** SHA-256 over what was asked for: method, resource and body. */
  readonly request: Uint8Array;
}

export const EMPTY_HEAD: Uint8Array = new Uint8Array(32);

/**
 * Encrypts entries: AES-256-CTR with the entry's place as its counter, so that both ends make the same bytes. The key is of one
 * transaction; a number is used for one entry only, since a purchase refused is not sent again with another entry.
 */
export interface ListCipher {
  encrypt(entry: ListEntry): Uint8Array;
}

/** Key stream is made for so many entries at once: a call into OpenSSL costs as much for one entry as for all of them. */
const ENTRIES_AHEAD = 64;
const ZEROS = new Uint8Array(ENTRIES_AHEAD * ENTRY_LENGTH);

export function createListCipher(key: Uint8Array | KeyObject): ListCipher {
  const secret = key instanceof Uint8Array ? createSecretKey(key) : key;
  let first = 0;
  let stream: Uint8Array | undefined;
  return {
    encrypt(entry) {
      const { number } = entry;
      if (stream === undefined || number < first || number >= first + ENTRIES_AHEAD) {
        stream = keyStream(secret, number);
        first = number;
      }
      const encrypted = plainEntry(entry);
      const from = (number - first) * ENTRY_LENGTH;
      for (let at = 0; at < ENTRY_LENGTH; at++) encrypted[at]! ^= stream[from + at]!;
      return encrypted;
    },
  };
}

function keyStream(key: KeyObject, firstNumber: number): Uint8Array {
  return createCipheriv('aes-256-ctr', key, counterAt(firstNumber)).update(ZEROS);
}

/** @throws DepositError `PURCHASE_UNPROVED` for a request that is no digest: another length would make another list. */
function plainEntry({ number, units, request }: ListEntry): Uint8Array {
  if (request.length !== REQUEST_LENGTH)
    throw new DepositError('PURCHASE_UNPROVED', 'a request is named by its digest');
  const plain = new Uint8Array(ENTRY_LENGTH);
  putUint64(plain, 0, number);
  putUint64(plain, 8, units);
  plain.set(request, 16);
  return plain;
}

function putUint64(bytes: Uint8Array, at: number, value: number): void {
  putUint32(bytes, at, Math.floor(value / HIGH));
  putUint32(bytes, at + 4, value >>> 0);
}

function putUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Reused: putting head and entry together anew each time would cost as much as the hashing. Neither is a secret of anybody's. */
const extended = new Uint8Array(HEAD_LENGTH + ENTRY_LENGTH);

/** The head of the list with one more entry: SHA-256 over both. */
export function headWith(head: Uint8Array, encrypted: Uint8Array): Uint8Array {
  if (head.length !== HEAD_LENGTH || encrypted.length !== ENTRY_LENGTH) return sha256(head, encrypted);
  extended.set(head);
  extended.set(encrypted, HEAD_LENGTH);
  return sha256(extended);
}

/** Reads entries back, for the owner of a key and for an arbiter who is given it. */
export function decryptEntries(key: Uint8Array, encrypted: Uint8Array, firstNumber: number): ListEntry[] {
  const plain = createCipheriv('aes-256-ctr', createSecretKey(key), counterAt(firstNumber)).update(encrypted);
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
