/** One byte range of a download (RFC 9110 section 14), so that an interrupted one goes on where it stopped. */
import { TransportError } from './transport-error.ts';

export interface ByteRange {
  readonly start: number;
  /** Inclusive, as in the header. */
  readonly end: number;
}

/**
 * The range asked for, or undefined for the whole: no header, another unit, or several ranges (which RFC 9110 lets us ignore).
 * @throws TransportError `RANGE_NOT_SATISFIABLE` when it begins past the end.
 */
export function requestedRange(header: string | undefined, size: number): ByteRange | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  const [, first, last] = match as unknown as [string, string, string];

  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < start) return undefined;
  if (start >= size || start > end) {
    throw new TransportError('RANGE_NOT_SATISFIABLE', `there are only ${size} bytes`, { detail: { size } });
  }
  return { start, end };
}

/** Status and headers for a download of `size` bytes of which `range` (or all) is sent. */
export function downloadHead(
  range: ByteRange | undefined,
  size: number,
): { status: number; headers: Record<string, string> } {
  if (range === undefined) {
    return { status: 200, headers: { 'accept-ranges': 'bytes', 'content-length': String(size) } };
  }
  const length = range.end - range.start + 1;
  const headers = {
    'accept-ranges': 'bytes',
    'content-range': `bytes ${range.start}-${range.end}/${size}`,
    'content-length': String(length),
  };
  return { status: 206, headers };
}
