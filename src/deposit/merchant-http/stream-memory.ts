/**
 * The streams of this server, by their names, also those without a connection, for a while: whoever lost one comes back to it. And what was paid
 * into streams, so that an old payment opens no new one.
 */
import type { Clock } from '../../journal/clock.ts';

export interface StreamMemory<S> {
  readonly size: number;
  find(name: string): S | undefined;
  add(name: string, stream: S): void;
  /** It goes in that time, unless it is kept again; undefined: it stays. */
  keep(name: string, forMs: number | undefined): void;
  forgetAll(): void;
  /** False when it was known before. */
  notePayment(reference: string): boolean;
}

/** Of each purchase about 100 bytes. */
const MAX_PAYMENTS = 65_536;

/** @param forgotten is called with what nobody has come back to */
export function createStreamMemory<S>(clock: Clock, forgotten: (stream: S) => void): StreamMemory<S> {
  const streams = new Map<string, { readonly stream: S; cancel: () => void }>();
  const payments = new Set<string>();
  return {
    get size() {
      return streams.size;
    },
    find: (name) => streams.get(name)?.stream,
    add: (name, stream) => void streams.set(name, { stream, cancel: () => {} }),
    keep(name, forMs) {
      const known = streams.get(name);
      if (known === undefined) return;
      known.cancel();
      if (forMs === undefined) return;
      known.cancel = clock.after(forMs, () => {
        streams.delete(name);
        forgotten(known.stream);
      });
    },
    forgetAll() {
      for (const { cancel } of streams.values()) cancel();
      streams.clear();
    },
    notePayment(reference) {
      if (payments.has(reference)) return false;
      payments.add(reference);
      for (const oldest of payments) {
        if (payments.size <= MAX_PAYMENTS) break;
        payments.delete(oldest);
      }
      return true;
    },
  };
}
