/** The data model of our CBOR codec (RFC 8949 section 2): which JavaScript values stand for which CBOR items. */
import { HandselError } from '../handsel-error.ts';

export type CborValue =
  | boolean
  | null
  | undefined
  | number
  | bigint
  | string
  | Uint8Array
  | readonly CborValue[]
  | ReadonlyMap<CborValue, CborValue>
  | CborTag
  | EmbeddedCbor
  | { readonly [key: string]: CborValue };

/** A tagged item (RFC 8949 section 3.4). */
export class CborTag {
  readonly tag: number;
  readonly value: CborValue;

  constructor(tag: number, value: CborValue) {
    this.tag = tag;
    this.value = value;
  }
}

/** A byte string that holds the encoding of a value: written in one go, read as the bytes. */
export class EmbeddedCbor {
  readonly value: CborValue;

  constructor(value: CborValue) {
    this.value = value;
  }
}

export class CborError extends HandselError {
  constructor(reason: string, offset: number) {
    super('CBOR_MALFORMED', `not deterministic CBOR: ${reason} at byte ${offset}`, { detail: { offset } });
  }
}

export const POSITIVE_BIGNUM = 2;
export const NEGATIVE_BIGNUM = 3;
