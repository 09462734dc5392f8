/** Group commit: while one append is being flushed, the decisions of the meantime gather into the next one. */
import { type Journal, type JournalEntry, JournalError } from './journal.ts';

/** Where a crash is told apart from a crash elsewhere: tests end the process at each of them. */
export type Boundary = 'before-append' | 'after-append' | 'after-answers';

export interface GroupCommit {
  /** Puts the entry into the next append and gives its sequence; `release` runs once it is flushed. */
  add(entry: JournalEntry, release: () => void): number;
  /** Memory for the body of an entry that is then added: shared by a group, so that it costs one allocation and is gone with the group. */
  allocate(length: number): Uint8Array;
  /** Runs once everything added so far is flushed; at once when it already is. */
  afterFlush(release: () => void): void;
  /** The next append has reached its bounds: decisions must wait. */
  readonly full: boolean;
  readonly sequence: number;
  /** Resolves when everything added so far is flushed. */
  settled(): Promise<void>;
  /** Nothing is appended or released any more; whoever waits in `settled` gets the error. */
  stop(error: Error): void;
}

export interface GroupCommitOptions {
  readonly journal: Journal;
  /** The last sequence of the journal. */
  readonly sequence: number;
  readonly maxEntries?: number;
  readonly maxBytes?: number;
  /** Called just before a group is closed and appended: the state is then exactly that of the group's last entry. */
  readonly onCut: () => void;
  /** Called when a group has been released: there is room again. */
  readonly onRoom: () => void;
  readonly onFailure: (cause: unknown) => void;
  readonly onBoundary?: ((boundary: Boundary, group: number) => void) | undefined;
}

const smallestChunk = 4096;
const largestChunk = 256 * 1024;

interface Group {
  readonly entries: JournalEntry[];
  readonly releases: (() => void)[];
  bytes: number;
  chunk: Uint8Array;
  used: number;
}

const noChunk = new Uint8Array();
const emptyGroup = (): Group => ({ entries: [], releases: [], bytes: 0, chunk: noChunk, used: 0 });

/** Each chunk of a group is about as large as those before it together. */
function allocateIn(group: Group, length: number): Uint8Array {
  if (group.used + length > group.chunk.length) {
    const size = Math.min(Math.max(group.bytes, smallestChunk), largestChunk);
    group.chunk = Buffer.allocUnsafeSlow(Math.max(size, length));
    group.used = 0;
  }
  const { chunk, used } = group;
  group.used += length;
  return new Uint8Array(chunk.buffer, used, length);
}

export function createGroupCommit(options: GroupCommitOptions): GroupCommit {
  const { journal, maxEntries = 2048, maxBytes = 8 * 1024 * 1024, onCut, onRoom, onFailure, onBoundary } = options;
  let { sequence } = options;
  let group = emptyGroup();
  let groups = 0;
  let running = false;
  let stopped: Error | undefined;
  const settling = new Set<PromiseWithResolvers<void>>();

  const flush = async () => {
    running = true;
    await undefined; // what arrives in the same turn shares the first append
    while (group.releases.length > 0 && stopped === undefined) {
      if (group.entries.length > 0) onCut();
      const flushing = group;
      group = emptyGroup();
      if (flushing.entries.length > 0) await append(flushing.entries, sequence);
      if (stopped !== undefined) return;
      for (const release of flushing.releases) release();
      if (flushing.entries.length > 0) onBoundary?.('after-answers', groups);
      onRoom();
    }
    running = false;
  };
  const append = async (entries: readonly JournalEntry[], expected: number) => {
    groups++;
    onBoundary?.('before-append', groups);
    const last = await journal.append(entries);
    if (last !== expected)
      throw new JournalError('JOURNAL_CORRUPT', `expected to append up to ${expected}, not ${last}`);
    onBoundary?.('after-append', groups);
  };
  const start = () => {
    // After a failure `running` stays true: nothing is ever appended or released again.
    if (!running) flush().catch(onFailure);
  };

  return {
    allocate: (length) => allocateIn(group, length),
    add(entry, release) {
      group.entries.push(entry);
      group.releases.push(release);
      group.bytes += entry.body.length;
      start();
      return ++sequence;
    },
    afterFlush(release) {
      if (!running) {
        release();
        return;
      }
      group.releases.push(release);
    },
    get full() {
      return group.entries.length >= maxEntries || group.bytes >= maxBytes;
    },
    get sequence() {
      return sequence;
    },
    settled() {
      const waiter = Promise.withResolvers<void>();
      if (stopped !== undefined) waiter.reject(stopped);
      else if (!running) waiter.resolve();
      else {
        settling.add(waiter);
        group.releases.push(() => {
          settling.delete(waiter);
          waiter.resolve();
        });
      }
      return waiter.promise;
    },
    stop(error) {
      stopped = error;
      running = true;
      for (const { reject } of settling) reject(error);
      settling.clear();
    },
  };
}
