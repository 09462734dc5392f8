/** What a door let in, as a file that leaves it: each entry carries its own proofs, so whoever brings the file need not be trusted. */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { row } from '../../codec/row-shape.ts';
import { bytes, list, optional, type Shaped, text, whole } from '../../codec/shape.ts';
import { agentIdShape } from '../message/agent-id.ts';
import type { Scan } from '../ticket/scan.ts';
import { maxCodeBytes } from '../ticket/ticket-code.ts';

const maxScans = 200_000;
export const maxScanFileBytes = 512 << 20;
const second = () => whole({ max: 0xffff_ffff });

const scanShape = row({
  /** Compact form. */
  ticket: bytes({ min: 1, max: 65_536 }),
  /** The holder's proof; absent where the ticket was presented in a session. */
  code: optional(bytes({ max: maxCodeBytes })),
  /** The door's own. */
  mark: bytes({ max: 1024 }),
  units: whole({ max: 0xffff_ffff }),
  atS: second(),
});

const fileShape = row({
  format: text({ min: 13, max: 13 }),
  door: agentIdShape(),
  /** What people call it. */
  name: text({ max: 120, line: true }),
  /** When the file was written. */
  atS: second(),
  scans: list(scanShape, { max: maxScans }),
});
export type ScanFile = Shaped<typeof fileShape>;

const FORMAT = 'handsel-scans';

export function writeScanFile(
  file: Omit<ScanFile, 'format' | 'scans'> & { readonly scans: readonly Scan[] },
): Uint8Array {
  const scans = file.scans.map(({ ticket, code, mark, units, atS }) => ({
    ticket,
    mark,
    units,
    atS,
    ...(code && { code }),
  }));
  return encodeCbor(fileShape.encode({ ...file, format: FORMAT, scans }));
}

/** @throws CborError or MessageError for what is no such file */
export function readScanFile(content: Uint8Array): ScanFile {
  return fileShape.decode(decodeCbor(content, { maxBytes: maxScanFileBytes }), 'scans');
}
