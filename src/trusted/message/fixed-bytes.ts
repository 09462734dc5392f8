/** Fields of fixed width one after the other, for what tickets carry: no byte says what the next one is, because the layout does. */
import { MessageError } from '../../codec/message-error.ts';

/** A whole number in `width` bytes, the highest first. */
export function fixed(width: 1 | 2 | 4 | 6, value: number): Uint8Array {
  const bytes = Buffer.alloc(width);
  bytes.writeUIntBE(value, 0, width);
  return new Uint8Array(bytes);
}

export interface FixedReader {
  number(width: 1 | 2 | 4 | 6): number;
  /** A copy, so that what is kept does not keep the whole. */
  bytes(length: number): Uint8Array;
  /** @throws MessageError when something is left */
  end(): void;
}

/** @throws MessageError from every method that needs more bytes than there are */
export function readFixed(source: Uint8Array, what: string): FixedReader {
  const buffer = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  let at = 0;
  const advance = (length: number): number => {
    const from = at;
    if (from + length > buffer.length) throw new MessageError('MESSAGE_INVALID', `${what}: ends too early`);
    at += length;
    return from;
  };
  return {
    number: (width) => buffer.readUIntBE(advance(width), width),
    bytes: (length) => {
      const from = advance(length);
      return source.slice(from, from + length);
    },
    end() {
      if (at !== buffer.length)
        throw new MessageError('MESSAGE_INVALID', `${what}: ${buffer.length - at} bytes too many`);
    },
  };
}
