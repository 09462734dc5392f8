/**
 * The file of an encrypted electronic object (US 5,671,280, figure 15, steps 494 to 512): it can lie on any server and be fetched from anywhere,
 * since only decryption tickets open it and only one content has the digest that the merchant's agent signs. Streamed, whatever its size.
 *
 *   "HNDSLEO1" · length of the header 2 · sealed header · segments of 65,536 bytes, each with its tag (AES-256-GCM in the STREAM construction)
 */
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { concatBytes, equalBytes, utf8 } from '../../codec/hex.ts';
import { deriveKey } from '../../crypto/agreement.ts';
import { NONCE_LENGTH, SEALING_KEY_LENGTH, TAG_LENGTH } from '../../crypto/sealing.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { maxSealedHeader, type ObjectHeader, openHeader, sealHeader } from './object-header.ts';

const MAGIC = utf8('HNDSLEO1');
const LENGTH_BYTES = 2;
const PREAMBLE = MAGIC.length + LENGTH_BYTES;
const SEGMENT = 65_536;
const BODY = utf8('Handsel object body 1');
const ALGORITHM = 'aes-256-gcm';
const EMPTY = new Uint8Array();

const bodyKey = (key: Uint8Array) => deriveKey({ secret: key, salt: EMPTY, info: BODY, length: SEALING_KEY_LENGTH });

/** Each key encrypts one object, so no nonce comes twice; the last byte tells the last segment, so nothing can be cut off. */
function nonceOf(number: number, last: boolean): Uint8Array {
  const nonce = new Uint8Array(NONCE_LENGTH);
  new DataView(nonce.buffer).setUint32(0, number);
  nonce[NONCE_LENGTH - 1] = last ? 1 : 0;
  return nonce;
}

/** What identifies the file; everything of it that an agent needs. */
export interface FileFacts {
  readonly digest: Uint8Array;
  readonly length: number;
  /** As the file has it. */
  readonly header: Uint8Array;
}

/**
 * Encrypts an object, and hands the pieces of the file on as they are made.
 * @throws TrustedError `MERCHANDISE_WRONG` when the content has another length than the header says
 */
export async function cipherObject(
  content: AsyncIterable<Uint8Array>,
  options: {
    readonly header: ObjectHeader;
    readonly key: Uint8Array;
    readonly write: (piece: Uint8Array) => Promise<void>;
  },
): Promise<FileFacts> {
  const { header, key, write } = options;
  const hash = createHash('sha256');
  let length = 0;
  const put = async (piece: Uint8Array) => {
    hash.update(piece);
    length += piece.length;
    await write(piece);
  };
  const sealed = sealHeader(header, key);
  const size = new Uint8Array(LENGTH_BYTES);
  new DataView(size.buffer).setUint16(0, sealed.length);
  await put(concatBytes(MAGIC, size, sealed));
  const segmentKey = bodyKey(key);
  let number = 0;
  let plain = 0;
  for await (const { piece, last } of piecesOf(content, SEGMENT)) {
    plain += piece.length;
    const cipher = createCipheriv(ALGORITHM, segmentKey, nonceOf(number++, last), { authTagLength: TAG_LENGTH });
    await put(concatBytes(cipher.update(piece), cipher.final(), cipher.getAuthTag()));
  }
  if (plain !== header.length) throw new TrustedError('MERCHANDISE_WRONG', `${plain} bytes for ${header.length}`);
  return { digest: new Uint8Array(hash.digest()), length, header: sealed };
}

/** What has arrived, without opening it. @throws TrustedError `MERCHANDISE_WRONG` for what is no such file */
export async function inspectObject(file: AsyncIterable<Uint8Array>): Promise<FileFacts> {
  const hash = createHash('sha256');
  let start: Uint8Array = EMPTY;
  let length = 0;
  for await (const piece of file) {
    hash.update(piece);
    length += piece.length;
    if (start.length < PREAMBLE + maxSealedHeader)
      start = concatBytes(start, piece).slice(0, PREAMBLE + maxSealedHeader);
  }
  return { digest: new Uint8Array(hash.digest()), length, header: headerIn(start) };
}

function headerIn(start: Uint8Array): Uint8Array {
  const size = headerSizeOf(start);
  if (start.length < PREAMBLE + size) throw noObject();
  return start.slice(PREAMBLE, PREAMBLE + size);
}

function headerSizeOf(start: Uint8Array): number {
  if (start.length < PREAMBLE || !equalBytes(start.subarray(0, MAGIC.length), MAGIC)) throw noObject();
  const size = new DataView(start.buffer, start.byteOffset).getUint16(MAGIC.length);
  if (size > maxSealedHeader) throw noObject();
  return size;
}

const noObject = () => new TrustedError('MERCHANDISE_WRONG', 'this is no electronic object');

/**
 * Figure 22: opens a file with the key of its decryption ticket. Nothing is handed on that is not authentic.
 * @throws TrustedError `MERCHANDISE_WRONG`; CryptographicError for another key and for whatever was changed or is missing
 */
export async function* openObject(file: AsyncIterable<Uint8Array>, key: Uint8Array): AsyncGenerator<Uint8Array> {
  const segmentKey = bodyKey(key);
  let header: ObjectHeader | undefined;
  let number = 0;
  let plain = 0;
  let waiting: Uint8Array = EMPTY;
  const iterator = file[Symbol.asyncIterator]();
  while (header === undefined) {
    const { value, done } = await iterator.next();
    if (done === true) throw noObject();
    waiting = concatBytes(waiting, value);
    if (waiting.length < PREAMBLE) continue;
    const end = PREAMBLE + headerSizeOf(waiting);
    if (waiting.length < end) continue;
    header = openHeader(waiting.slice(PREAMBLE, end), key);
    waiting = waiting.slice(end);
  }
  const rest = {
    async *[Symbol.asyncIterator]() {
      yield waiting;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    },
  };
  for await (const { piece, last } of piecesOf(rest, SEGMENT + TAG_LENGTH)) {
    const opened = openSegment(piece, segmentKey, nonceOf(number++, last));
    plain += opened.length;
    yield opened;
  }
  if (plain !== header.length) throw new CryptographicError(new Error('the object is not whole'));
}

/** A file that is at hand as a whole. @throws as `openObject` */
export function openWhole(
  file: Uint8Array,
  key: Uint8Array,
): { readonly header: ObjectHeader; readonly content: Uint8Array } {
  const header = openHeader(headerIn(file), key);
  const segmentKey = bodyKey(key);
  const parts: Uint8Array[] = [];
  let from = PREAMBLE + headerSizeOf(file);
  for (let number = 0; number === 0 || from < file.length; number++) {
    const end = Math.min(file.length, from + SEGMENT + TAG_LENGTH);
    parts.push(openSegment(file.subarray(from, end), segmentKey, nonceOf(number, end === file.length)));
    from = end;
  }
  const content = concatBytes(...parts);
  if (content.length !== header.length) throw new CryptographicError(new Error('the object is not whole'));
  return { header, content };
}

function openSegment(piece: Uint8Array, key: Uint8Array, nonce: Uint8Array): Uint8Array {
  try {
    const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_LENGTH });
    decipher.setAuthTag(piece.subarray(Math.max(0, piece.length - TAG_LENGTH)));
    return concatBytes(decipher.update(piece.subarray(0, piece.length - TAG_LENGTH)), decipher.final());
  } catch (cause) {
    throw new CryptographicError(cause);
  }
}

/** The content in pieces of one size, the last one told apart; an empty content is one empty piece. */
async function* piecesOf(content: AsyncIterable<Uint8Array>, size: number) {
  let waiting: Uint8Array = EMPTY;
  for await (const piece of content) {
    waiting = waiting.length === 0 ? piece : concatBytes(waiting, piece);
    let from = 0;
    // One byte more than a piece shows that it is not the last.
    for (; waiting.length - from > size; from += size)
      yield { piece: waiting.subarray(from, from + size), last: false };
    waiting = waiting.subarray(from);
  }
  yield { piece: waiting, last: true };
}
