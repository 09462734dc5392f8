/** CBOR in diagnostic notation (RFC 8949 section 8), one item a line, embedded CBOR shown as `<<…>>`. */
import { decodeCbor } from '../../codec/cbor.ts';
import { CborTag, type CborValue } from '../../codec/cbor-value.ts';
import { HandselError } from '../../handsel-error.ts';
import { bytesText, quoted } from './der-value.ts';
import { HIDDEN } from './private-key.ts';

/** What the tag numbers used here mean (RFC 9052 section 2; RFC 8949 section 3.4). */
const tagNames: Readonly<Record<number, string>> = {
  0: 'date and time',
  1: 'seconds since 1970',
  16: 'COSE_Encrypt0',
  17: 'COSE_Mac0',
  18: 'COSE_Sign1',
  24: 'encoded CBOR',
  96: 'COSE_Encrypt',
  98: 'COSE_Sign',
};

/** COSE_Key (RFC 9052 section 7): key type, and the private part of elliptic and symmetric keys. */
const KEY_TYPE = 1;
const PRIVATE_LABELS: readonly CborValue[] = [-4];
const SYMMETRIC = 4;
const SYMMETRIC_KEY = -1;

export function cborNotation(value: CborValue, indent = ''): string {
  const deeper = `${indent}  `;
  if (value instanceof Uint8Array) return bytesNotation(value, indent);
  if (value instanceof CborTag) {
    const name = tagNames[value.tag];
    return `${value.tag}${name === undefined ? '' : ` / ${name} /`}(${cborNotation(value.value, indent)})`;
  }
  if (Array.isArray(value)) {
    return bracketed(
      value.map((item) => cborNotation(item, deeper)),
      { open: '[', close: ']', indent },
    );
  }
  if (typeof value === 'object' && value !== null) {
    const entries = value instanceof Map ? [...value] : Object.entries(value);
    const shown = entries.map(([key, item]) => {
      const text = isPrivatePart(value, key) ? `/ ${HIDDEN} /` : cborNotation(item, deeper);
      return `${cborNotation(key, deeper)}: ${text}`;
    });
    return bracketed(shown, { open: '{', close: '}', indent });
  }
  if (typeof value === 'string') return quoted(value);
  return value === undefined ? 'undefined' : String(value);
}

function isPrivatePart(map: CborValue, label: CborValue): boolean {
  if (!(map instanceof Map) || typeof map.get(KEY_TYPE) !== 'number') return false;
  return PRIVATE_LABELS.includes(label) || (label === SYMMETRIC_KEY && map.get(KEY_TYPE) === SYMMETRIC);
}

function bracketed(items: readonly string[], form: { open: string; close: string; indent: string }): string {
  const { open, close, indent } = form;
  const oneLine = `${open}${items.join(', ')}${close}`;
  if (items.length === 0 || (oneLine.length < 100 && !oneLine.includes('\n'))) return oneLine;
  return `${open}\n${items.map((item) => `${indent}  ${item}`).join(',\n')}\n${indent}${close}`;
}

/** Only arrays, maps and tags are worth opening: any byte could be read as a small number. */
function bytesNotation(bytes: Uint8Array, indent: string): string {
  const major = (bytes[0] ?? 0) >> 5;
  if (bytes.length > 1 && major >= 4 && major <= 6) {
    try {
      return `<<${cborNotation(decodeCbor(bytes), indent)}>>`;
    } catch (error) {
      if (!(error instanceof HandselError)) throw error;
    }
  }
  return `h'${bytesText(bytes)}'`;
}
