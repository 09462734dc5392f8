/** ISO 8583 messages as text for traces and `inspect`: one field a line, card data masked, so that the text may be kept and shown. */
import { decodeIso8583 } from './iso8583-message.ts';

/** Fields that carry the card or its proofs: expiry, tracks, PIN, chip and private data as well. */
const SECRET_FIELDS = new Set([14, 23, 34, 35, 36, 45, 52, 53, 55, 102, 103]);
const SHOWN_AT_START = 6;
const SHOWN_AT_END = 4;

/** @throws Iso8583Error when the bytes are no message. */
export function describeIso8583(bytes: Uint8Array): string {
  const { mti, fields } = decodeIso8583(bytes);
  const lines = [...fields].map(([field, value]) => `${String(field).padStart(3, '0')}  ${shown(field, value)}`);
  return `${[`MTI  ${mti}`, ...lines].join('\n')}\n`;
}

function shown(field: number, value: string | Uint8Array): string {
  if (field === 2 && typeof value === 'string') return maskPan(value);
  return SECRET_FIELDS.has(field) || typeof value !== 'string' ? '*'.repeat(value.length) : value;
}

/** First six and last four digits, as PCI DSS 3.4 allows at most; nothing of a number too short for that. */
export function maskPan(pan: string): string {
  const hidden = pan.length - SHOWN_AT_START - SHOWN_AT_END;
  if (hidden < 3) return '*'.repeat(pan.length);
  return `${pan.slice(0, SHOWN_AT_START)}${'*'.repeat(hidden)}${pan.slice(-SHOWN_AT_END)}`;
}
