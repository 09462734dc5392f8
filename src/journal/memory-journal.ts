/**
 * A journal in memory with the faults of real disks, drawn from the given randomness: appends that fail, bytes that were not
 * flushed and are lost, torn or kept when the power is cut. For simulations and tests: nothing survives the process.
 */
import { crc32 } from 'node:zlib';
import { type Journal, JournalError, type JournalSnapshot } from './journal.ts';
import { packEntries } from './packed-entries.ts';
import { type RawEntry, readInChunks, storedEntry } from './read-entries.ts';

/** What is on the platters: one frame an append. Only the last frame may be torn. */
export interface MemoryDisk {
  readonly frames: readonly Uint8Array[];
  readonly snapshot: JournalSnapshot | undefined;
}

export interface MemoryJournalOptions {
  /** What an earlier journal left, by `powerCut`; default an empty disk. */
  readonly disk?: MemoryDisk;
  /** Resolves when a write that begins now is flushed; default at once. */
  readonly flush?: () => Promise<void>;
  /** Needed for every fault. */
  readonly random?: (length: number) => Uint8Array;
  readonly faults?: {
    /** Probability that an append fails; whether its entries are kept is then left to chance, as on a real disk. */
    readonly failAppend?: number;
  };
}

export interface MemoryJournal extends Journal {
  /**
   * Ends this journal without flushing and gives what a restart would find: everything flushed, and of a write under way
   * nothing, a part, or all. Appends under way never resolve.
   */
  powerCut(): MemoryDisk;
}

export function createMemoryJournal(options: MemoryJournalOptions = {}): MemoryJournal {
  const { flush = () => Promise.resolve(), random = () => new Uint8Array(8), faults = {} } = options;
  const frames: Uint8Array[] = [];
  const data: Uint8Array[] = [];
  const index = new Map<string, number[]>();
  let snapshot = options.disk?.snapshot;
  let unflushed: Uint8Array | undefined;
  let state: 'open' | 'failed' | 'closed' | 'cut' = 'open';

  const keep = (frame: Uint8Array, entries: readonly Uint8Array[]) => {
    frames.push(frame);
    for (const entry of entries) {
      data.push(entry);
      for (const key of storedEntry({ sequence: data.length, data: entry }).keys) {
        const sequences = index.get(key);
        if (sequences === undefined) index.set(key, [data.length]);
        else if (sequences.at(-1) !== data.length) sequences.push(data.length);
      }
    }
  };
  options.disk?.frames.forEach((frame, at, all) => {
    const entries = readFrame(frame);
    if (entries !== undefined) keep(frame, entries);
    else if (at !== all.length - 1)
      throw new JournalError('JOURNAL_CORRUPT', `frame ${at} of ${all.length} is damaged`);
  });

  const check = () => {
    if (state === 'cut') return new Promise<never>(() => undefined);
    if (state === 'closed') throw new JournalError('JOURNAL_CLOSED', 'the journal is closed');
    return undefined;
  };
  const raw = (sequence: number): RawEntry => ({ sequence, data: data[sequence - 1]! });

  return {
    async append(entries) {
      await check();
      if (state === 'failed') throw new JournalError('JOURNAL_FAILED', 'an earlier append failed');
      if (unflushed !== undefined) throw new JournalError('JOURNAL_FAILED', 'two appends at once');
      const frame = writeFrame(entries);
      unflushed = frame;
      await flush();
      await check();
      unflushed = undefined;
      if (faults.failAppend !== undefined && fraction(random) < faults.failAppend) {
        state = 'failed';
        if (fraction(random) < 0.5) frames.push(frame);
        throw new JournalError('JOURNAL_FAILED', 'injected fault: the append failed');
      }
      keep(frame, readFrame(frame) ?? []);
      return data.length;
    },
    read: (afterSequence) =>
      readInChunks(afterSequence, async (after, { maxEntries }) => {
        await check();
        return data.slice(after, after + maxEntries).map((_, at) => raw(after + at + 1));
      }),
    async readByKey(key, { limit = Number.POSITIVE_INFINITY } = {}) {
      await check();
      const sequences = index.get(key) ?? [];
      return sequences.slice(Math.max(0, sequences.length - limit)).map((sequence) => storedEntry(raw(sequence)));
    },
    async saveSnapshot(sequence, body) {
      await check();
      snapshot = { sequence, body: body.slice() };
    },
    async loadSnapshot() {
      await check();
      return snapshot;
    },
    async close() {
      if (state !== 'cut') state = 'closed';
    },
    powerCut() {
      state = 'cut';
      const torn = unflushed === undefined ? [] : tear(unflushed, random);
      return { frames: [...frames, ...torn], snapshot };
    },
  };
}

const headerLength = 8;

function writeFrame(entries: Parameters<Journal['append']>[0]): Uint8Array {
  const { bytes, ends } = packEntries(entries);
  const frame = Buffer.alloc(headerLength + 4 * ends.length + bytes.length);
  frame.writeUInt32BE(ends.length, 4);
  ends.forEach((end, at) => {
    frame.writeUInt32BE(end, headerLength + 4 * at);
  });
  frame.set(bytes, headerLength + 4 * ends.length);
  frame.writeUInt32BE(crc32(frame.subarray(4)), 0);
  return frame;
}

/** The entries of a frame, or undefined when it is torn. */
function readFrame(bytes: Uint8Array): Uint8Array[] | undefined {
  const frame = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (frame.length < headerLength || crc32(frame.subarray(4)) !== frame.readUInt32BE(0)) return undefined;
  const count = frame.readUInt32BE(4);
  const base = headerLength + 4 * count;
  let start = 0;
  return Array.from({ length: count }, (_, at) => {
    const end = frame.readUInt32BE(headerLength + 4 * at);
    const entry = frame.subarray(base + start, base + end);
    start = end;
    return entry;
  });
}

/** A write cut short: nothing of it, all of it, a beginning, or the full length with a stretch never written. */
function tear(frame: Uint8Array, random: (length: number) => Uint8Array): Uint8Array[] {
  const cut = Math.floor(fraction(random) * frame.length);
  switch (Math.floor(fraction(random) * 4)) {
    case 0:
      return [];
    case 1:
      return [frame];
    case 2:
      return [frame.slice(0, cut)];
    default:
      return [frame.slice().fill(0, cut)];
  }
}

function fraction(random: (length: number) => Uint8Array): number {
  return Buffer.from(random(4)).readUInt32BE() / 2 ** 32;
}
