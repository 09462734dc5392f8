/** The port through which a package is fetched, and what may come back from a web server nobody vouches for. */
import { DeliveryError } from '../message/delivery-error.ts';
import type { Span } from './layout.ts';

export interface RangeAnswer {
  readonly status: number;
  /** Names in small letters. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Left early by whoever has enough: it is then destroyed. */
  readonly stream: AsyncIterable<Uint8Array>;
}

/** Asks for these bytes; the server may know no ranges and send everything. Rejects when nobody answers. */
export type FetchRange = (url: string, span: Span, signal: AbortSignal) => Promise<RangeAnswer>;

/** `unreachable`: worth another try. `package`: what is there is another file. */
export class RangeFailure extends DeliveryError {
  readonly fault: 'unreachable' | 'package';

  constructor(fault: 'unreachable' | 'package', message: string, options: { readonly cause?: unknown } = {}) {
    super('DOWNLOAD_FAILED', message, options);
    this.fault = fault;
  }
}

const CONTENT_RANGE = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/;
/** Says nothing about the file: RFC 9110 section 15.5.9, RFC 8470, RFC 6585. */
const AGAIN_LATER = new Set([408, 425, 429]);

/**
 * Where in the file the answer's first byte belongs.
 * @param size of the whole file, as the manifest makes it
 * @throws RangeFailure unless it is the beginning of these bytes, or of a file of this size
 */
export function startOf({ status, headers }: Omit<RangeAnswer, 'stream'>, span: Span, size: number): number {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw new RangeFailure('package', 'the file comes in another encoding than asked for');
  if (status === 206) {
    const [, start, , whole] = CONTENT_RANGE.exec(String(headers['content-range'] ?? '')) ?? [];
    if (Number(start) !== span.start) throw new RangeFailure('unreachable', 'another range came than was asked for');
    if (Number(whole) !== size) throw new RangeFailure('package', `a file of ${whole} bytes, not ${size}`);
    return span.start;
  }
  if (status === 200) {
    const length = headers['content-length'];
    if (length !== undefined && Number(length) !== size) {
      throw new RangeFailure('package', `a file of ${String(length)} bytes, not ${size}`);
    }
    return 0;
  }
  // A range beyond the end of what is there.
  if (status === 416) throw new RangeFailure('package', 'the file there is shorter');
  const later = status >= 500 || AGAIN_LATER.has(status);
  throw new RangeFailure(later ? 'unreachable' : 'package', `answered with status ${status}`);
}
