/** Finds out what bytes are and makes them readable: PEM, JSON, DER, CBOR, text, or plain hexadecimal when they are none of these. */
import { decodeCbor } from '../../codec/cbor.ts';
import { DerError } from '../../codec/der.ts';
import { toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import { fromPem } from '../../pki/pem.ts';
import { cborNotation } from './cbor-notation.ts';
import { readDerTree } from './der-tree.ts';
import { describeCbor, describeWallet } from './describe-cbor.ts';
import { describeDer } from './describe-der.ts';
import { hiddenByName, inspectJson, inspectPlainText, textOf } from './inspect-text.ts';
import type { Inspection } from './inspection.ts';

/** Enough for any artefact of the project; goods are not inspected. */
export const MAX_INSPECTED_BYTES = 4 << 20;
const MAX_PEM_BLOCKS = 64;
const MAX_HEX_BYTES = 4096;
const MAX_CBOR_DEPTH = 48;

/**
 * One inspection for each artefact in the bytes: a PEM file may hold several.
 * @param file its name, which may tell what must not be shown; @throws HandselError on too many bytes
 */
export function inspectBytes(bytes: Uint8Array, file = ''): readonly Inspection[] {
  if (bytes.length > MAX_INSPECTED_BYTES) {
    throw new HandselError('INSPECT_TOO_LARGE', `a file may have ${MAX_INSPECTED_BYTES} bytes to be inspected`);
  }
  const text = textOf(bytes);
  if (text?.includes('-----BEGIN ')) return inspectPem(text);
  const hidden = hiddenByName(file, bytes);
  if (hidden !== undefined) return [hidden];
  const json = text === undefined ? undefined : inspectJson(text, file);
  if (json !== undefined) return [json];
  const binary = inspectDer(bytes) ?? inspectCbor(bytes);
  if (binary !== undefined) return [binary];
  return [text === undefined ? inspectUnknown(bytes) : inspectPlainText(text)];
}

function inspectPem(text: string): readonly Inspection[] {
  return fromPem(text)
    .slice(0, MAX_PEM_BLOCKS)
    .map(({ label, der }) => {
      if (label.startsWith('ENCRYPTED')) return { kind: label.toLowerCase(), facts: { bytes: String(der.length) } };
      // A label that promises a private key is believed: nothing of the block is shown unless it is recognised and hidden.
      const inspection = inspectBinary(der);
      const safe = !label.includes('PRIVATE') || inspection.kind === 'private key';
      return safe ? inspection : { kind: label.toLowerCase(), facts: { bytes: String(der.length) } };
    });
}

function inspectBinary(bytes: Uint8Array): Inspection {
  return inspectDer(bytes) ?? inspectCbor(bytes) ?? inspectUnknown(bytes);
}

function inspectDer(bytes: Uint8Array): Inspection | undefined {
  try {
    const tree = readDerTree(bytes);
    return { ...describeDer(bytes, tree), tree };
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return undefined;
  }
}

function inspectCbor(bytes: Uint8Array): Inspection | undefined {
  // A lone byte or number is CBOR by accident.
  if ((bytes[0] ?? 0) >> 5 < 4) return undefined;
  try {
    const value = decodeCbor(bytes, { maxBytes: MAX_INSPECTED_BYTES, maxDepth: MAX_CBOR_DEPTH });
    return describeWallet(value) ?? { ...describeCbor(value), notation: cborNotation(value) };
  } catch (error) {
    if (!(error instanceof HandselError)) throw error;
    return undefined;
  }
}

/** Says how far each encoding could be read, because a damaged artefact is what somebody most wants to look into. */
function inspectUnknown(bytes: Uint8Array): Inspection {
  const facts = {
    bytes: String(bytes.length),
    'as DER': whyNot(() => readDerTree(bytes)),
    'as CBOR': whyNot(() => decodeCbor(bytes)),
  };
  const shown = toHex(bytes.subarray(0, MAX_HEX_BYTES)).replace(/(.{64})/g, '$1\n');
  return { kind: 'unknown', facts, hex: bytes.length > MAX_HEX_BYTES ? `${shown}…` : shown, unreadable: true };
}

function whyNot(read: () => unknown): string {
  try {
    read();
    return 'a number or string by itself';
  } catch (error) {
    return error instanceof HandselError ? error.message : String(error);
  }
}
