/**
 * The stored form of journal entries, the same on every maker: a checksum, the keys, the body.
 * Layout: CRC-32 of the rest (4 bytes, big-endian), number of keys (1), per key its length (2) and UTF-8 text, then the body.
 */
import { crc32 } from 'node:zlib';
import { fromUtf8 } from '../codec/hex.ts';
import { type JournalEntry, JournalError } from './journal.ts';

const checksumLength = 4;
export const maxKeys = 64;
export const maxKeyBytes = 1024;
export const maxEntryBytes = 16 * 1024 * 1024;

export interface PackedEntries {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where each entry ends in `bytes`. */
  readonly ends: readonly number[];
}

/** @throws JournalError `JOURNAL_FAILED` when an entry has too many keys, too long a key or too large a body. */
export function packEntries(entries: readonly JournalEntry[]): PackedEntries {
  const whole = Buffer.from(new ArrayBuffer(entries.reduce((sum, entry) => sum + packedLength(entry), 0)));
  const ends: number[] = [];
  let offset = 0;
  for (const entry of entries) {
    const start = offset;
    offset = whole.writeUInt8(entry.keys.length, start + checksumLength);
    for (const key of entry.keys) {
      const length = whole.write(key, offset + 2, 'utf8');
      whole.writeUInt16BE(length, offset);
      offset += 2 + length;
    }
    whole.set(entry.body, offset);
    offset += entry.body.length;
    whole.writeUInt32BE(crc32(whole.subarray(start + checksumLength, offset)), start);
    ends.push(offset);
  }
  return { bytes: whole, ends };
}

function packedLength(entry: JournalEntry): number {
  if (entry.keys.length > maxKeys) {
    throw new JournalError('JOURNAL_FAILED', `an entry carries at most ${maxKeys} keys, not ${entry.keys.length}`);
  }
  let length = checksumLength + 1 + entry.body.length;
  for (const key of entry.keys) {
    const keyLength = Buffer.byteLength(key, 'utf8');
    if (keyLength > maxKeyBytes) {
      throw new JournalError('JOURNAL_FAILED', `a key has at most ${maxKeyBytes} bytes, not ${keyLength}`);
    }
    length += 2 + keyLength;
  }
  if (length > maxEntryBytes) {
    throw new JournalError('JOURNAL_FAILED', `an entry has at most ${maxEntryBytes} bytes, not ${length}`);
  }
  return length;
}

/** @throws JournalError `JOURNAL_CORRUPT` when the bytes are not what was stored. */
export function unpackEntry(bytes: Uint8Array): JournalEntry {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (whole.length <= checksumLength || crc32(whole.subarray(checksumLength)) !== whole.readUInt32BE(0)) {
    throw new JournalError('JOURNAL_CORRUPT', 'a journal entry does not match its checksum');
  }
  const keys: string[] = [];
  const { bodyStart } = walkKeys(whole, (key) => keys.push(fromUtf8(key)));
  return { keys, body: bytes.subarray(bodyStart) };
}

/** The raw keys of one packed entry, for indexing without decoding. */
export function packedKeys(bytes: Uint8Array): readonly Uint8Array[] {
  const keys: Uint8Array[] = [];
  walkKeys(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), (key) => keys.push(key));
  return keys;
}

function walkKeys(whole: Buffer, visit: (key: Uint8Array) => void): { bodyStart: number } {
  let offset = checksumLength + 1;
  try {
    for (let left = whole.readUInt8(checksumLength); left > 0; left--) {
      const length = whole.readUInt16BE(offset);
      if (offset + 2 + length > whole.length) throw new RangeError('key beyond the end');
      visit(whole.subarray(offset + 2, offset + 2 + length));
      offset += 2 + length;
    }
  } catch (cause) {
    throw new JournalError('JOURNAL_CORRUPT', 'a journal entry has malformed keys', { cause });
  }
  return { bodyStart: offset };
}
