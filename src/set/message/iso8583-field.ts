/**
 * The data elements of ISO 8583:1987 with their formats, in the standard's own notation: `n6` six digits, `an..40` up to
 * forty letters and digits after a length of as many digits as the dots, `x+n8` a sign (C or D) and eight digits, `b8` bytes.
 */
import { HandselError } from '../../handsel-error.ts';

export type Iso8583ErrorCode =
  | 'ISO8583_MALFORMED'
  | 'ISO8583_FIELD_MISSING'
  | 'ISO8583_FIELD_INVALID'
  | 'ISO8583_UNSUPPORTED';

/** Texts name fields by number and never carry their values: a value may be a card number. */
export class Iso8583Error extends HandselError {
  constructor(code: Iso8583ErrorCode, message: string, field?: number) {
    super(code, message, field === undefined ? {} : { detail: { field } });
  }
}

type FieldKind = 'n' | 'an' | 'ans' | 'z' | 'x+n' | 'b';

export interface FieldFormat {
  readonly kind: FieldKind;
  /** Characters (bytes for kind b, the sign included for x+n); the most there may be when `prefixDigits` is above zero. */
  readonly length: number;
  /** Digits of the length that stands before a variable field; 0 for a fixed one. */
  readonly prefixDigits: 0 | 2 | 3;
}

const FIELDS = `
  2 n..19     3 n6       4 n12     5 n12     6 n12     7 n10     8 n8      9 n8     10 n8     11 n6     12 n6     13 n4
  14 n4      15 n4      16 n4     17 n4     18 n4     19 n3     20 n3     21 n3     22 n3     23 n3     24 n3     25 n2
  26 n2      27 n1      28 x+n8   29 x+n8   30 x+n8   31 x+n8   32 n..11  33 n..11  34 ans..28 35 z..37 36 z...104
  37 an12    38 an6     39 an2    40 an3    41 ans8   42 ans15  43 ans40  44 an..25 45 an..76 46 ans...999 47 ans...999
  48 ans...999 49 n3    50 n3     51 n3     52 b8     53 n16    54 an...120 55 ans...999 56 ans...999 57 ans...999
  58 ans...999 59 ans...999 60 ans...999 61 ans...999 62 ans...999 63 ans...999 64 b8 66 n1 67 n2 68 n3 69 n3 70 n3
  71 n4      72 n4      73 n6     74 n10    75 n10    76 n10    77 n10    78 n10    79 n10    80 n10    81 n10    82 n12
  83 n12     84 n12     85 n12    86 n16    87 n16    88 n16    89 n16    90 n42    91 an1    92 an2    93 an5    94 an7
  95 an42    96 b8      97 x+n16  98 ans25  99 n..11 100 n..11 101 ans..17 102 ans..28 103 ans..28 104 ans...100
  105 ans...999 106 ans...999 107 ans...999 108 ans...999 109 ans...999 110 ans...999 111 ans...999 112 ans...999
  113 ans...999 114 ans...999 115 ans...999 116 ans...999 117 ans...999 118 ans...999 119 ans...999 120 ans...999
  121 ans...999 122 ans...999 123 ans...999 124 ans...999 125 ans...999 126 ans...999 127 ans...999 128 b8
`;

const PATTERNS: Readonly<Record<Exclude<FieldKind, 'b'>, RegExp>> = {
  n: /^[0-9]*$/,
  an: /^[A-Za-z0-9 ]*$/,
  ans: /^[\x20-\x7e]*$/,
  z: /^[0-9=D]*$/,
  'x+n': /^[CD][0-9]*$/,
};

function readFormat(notation: string): FieldFormat {
  const [, kind, dots, digits] = /^(n|an|ans|z|x\+n|b)(\.{0,3})([0-9]+)$/.exec(notation)!;
  const length = Number(digits) + (kind === 'x+n' ? 1 : 0);
  return { kind: kind as FieldKind, length, prefixDigits: dots!.length as 0 | 2 | 3 };
}

function readTable(table: string): readonly (FieldFormat | undefined)[] {
  const words = table.trim().split(/\s+/);
  const formats: (FieldFormat | undefined)[] = [];
  for (let i = 0; i < words.length; i += 2) formats[Number(words[i])] = readFormat(words[i + 1]!);
  return formats;
}

const formats = readTable(FIELDS);

/** Format of a data element, or undefined where 1987 defines none (1 and 65 are bitmaps, not elements). */
export function fieldFormat(field: number): FieldFormat | undefined {
  return formats[field];
}

/** @throws Iso8583Error `ISO8583_FIELD_INVALID` when the text is not of the element's form and length. */
export function requireFieldText(field: number, format: FieldFormat, text: string): void {
  const lengthRight = format.prefixDigits === 0 ? text.length === format.length : text.length <= format.length;
  if (!lengthRight || format.kind === 'b' || !PATTERNS[format.kind].test(text)) {
    throw new Iso8583Error('ISO8583_FIELD_INVALID', `field ${field} is not ${describe(format)}`, field);
  }
}

function describe(format: FieldFormat): string {
  return `${format.kind}${format.prefixDigits > 0 ? ' of up to' : ' of'} ${format.length}`;
}
