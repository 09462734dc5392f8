/** One element of a DER tree as it is shown, and the names of the tags (X.690 section 8.1.2). */

export interface DerNode {
  /** Octets from the beginning of the whole encoding. */
  readonly offset: number;
  readonly headerLength: number;
  readonly length: number;
  /** `SEQUENCE`, `[0]`, … */
  readonly tag: string;
  /** The value in words; absent when `children` say it. */
  value?: string;
  children?: readonly DerNode[];
}

const universal: Readonly<Record<number, string>> = {
  1: 'BOOLEAN',
  2: 'INTEGER',
  3: 'BIT STRING',
  4: 'OCTET STRING',
  5: 'NULL',
  6: 'OBJECT IDENTIFIER',
  10: 'ENUMERATED',
  12: 'UTF8String',
  16: 'SEQUENCE',
  17: 'SET',
  18: 'NumericString',
  19: 'PrintableString',
  22: 'IA5String',
  23: 'UTCTime',
  24: 'GeneralizedTime',
  26: 'VisibleString',
  30: 'BMPString',
};

export interface Identifier {
  readonly universal: boolean;
  readonly constructed: boolean;
  readonly number: number;
  readonly first: number;
}

/** The codec holds identifier octets as one big-endian number. */
export function identifierOf(tag: number): Identifier {
  const first = tag > 0xffff ? tag >> 16 : tag > 0xff ? tag >> 8 : tag;
  const low = tag > 0xffff ? ((tag >> 8) & 0x7f) * 128 + (tag & 0x7f) : tag & 0x7f;
  return {
    first,
    universal: first < 0x40,
    constructed: (first & 0x20) !== 0,
    number: tag > 0xff ? low : first & 0x1f,
  };
}

export function nameOf({ universal: isUniversal, first, number }: Identifier): string {
  if (isUniversal) return universal[number] ?? `UNIVERSAL ${number}`;
  if (first < 0x80) return `[APPLICATION ${number}]`;
  return first < 0xc0 ? `[${number}]` : `[PRIVATE ${number}]`;
}
