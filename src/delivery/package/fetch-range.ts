/** One span of bytes from a web server, bounded, with an end to waiting; what comes before or after it is dropped. */
import type { Span } from './layout.ts';
import { type FetchRange, RangeFailure, startOf } from './ranges.ts';

export interface RangeSource {
  readonly fetch: FetchRange;
  readonly url: string;
  /** A server that sends nothing for so long has gone away. */
  readonly stalledMs: number;
  readonly signal: AbortSignal;
}

/**
 * Gives each piece to `take` in order, exactly the span.
 * @param size of the whole file
 * @throws RangeFailure when it breaks off, stalls, or is something else; what `take` throws; the signal's reason when that is aborted
 */
export async function fetchSpan(
  { fetch, url, stalledMs, signal }: RangeSource,
  span: Span,
  size: number,
  take: (piece: Uint8Array) => Promise<void> | void,
): Promise<void> {
  const stalled = new AbortController();
  const watch = setTimeout(() => stalled.abort(), stalledMs);
  const failed = (cause: unknown) => {
    if (cause instanceof RangeFailure || cause instanceof TakeFailure) return cause;
    return new RangeFailure('unreachable', stalled.signal.aborted ? 'nothing came for too long' : 'it broke off', {
      cause,
    });
  };
  try {
    const answer = await fetch(url, span, AbortSignal.any([signal, stalled.signal]));
    let at = startOf(answer, span, size);
    for await (const chunk of answer.stream) {
      watch.refresh();
      const piece = chunk.subarray(Math.max(0, span.start - at), Math.max(0, span.end - at));
      if (piece.length > 0) await takeSafely(take, piece);
      at += chunk.length;
      if (at >= span.end) break; // leaving early destroys the stream: nobody can make us take more
    }
    if (at < span.end) throw new RangeFailure('unreachable', `it broke off at byte ${at} of ${span.end}`);
  } catch (cause) {
    signal.throwIfAborted();
    const failure = failed(cause);
    throw failure instanceof TakeFailure ? failure.cause : failure;
  } finally {
    clearTimeout(watch);
  }
}

/** A disk that is full is not the server's fault. */
class TakeFailure extends Error {}

async function takeSafely(take: (piece: Uint8Array) => Promise<void> | void, piece: Uint8Array): Promise<void> {
  try {
    await take(piece);
  } catch (cause) {
    throw new TakeFailure('taken no further', { cause });
  }
}
