/** The journal port: an append-only, durable, ordered record of everything a machine decided (ARCHITECTURE.md, "The backbone"). */
import { HandselError } from '../handsel-error.ts';

export interface JournalEntry {
  /** Index keys under which the entry is found again by `readByKey`; may be empty. */
  readonly keys: readonly string[];
  readonly body: Uint8Array;
}

export interface StoredEntry extends JournalEntry {
  /** 1, 2, 3 … without gaps, in the order of appending. */
  readonly sequence: number;
}

/** Makers: `sqlite-journal.ts`, `postgres-journal.ts` and `memory-journal.ts`; one conformance suite runs on all three. */
export interface Journal {
  /**
   * Appends all entries or none. Resolves, with the last sequence, only when they are flushed to stable storage.
   * Callers have at most one append in flight at a time: grouping is the host's task.
   */
  append(entries: readonly JournalEntry[]): Promise<number>;
  /** All entries with a sequence above the one given, in order. */
  read(afterSequence: number): AsyncIterable<StoredEntry>;
  /** The entries that carry the key, oldest first; `limit` keeps the newest ones. */
  readByKey(key: string, options?: { readonly limit?: number }): Promise<readonly StoredEntry[]>;
  /** Replaces the snapshot, which stands for every entry up to and including `sequence`. Entries are never deleted. */
  saveSnapshot(sequence: number, body: Uint8Array): Promise<void>;
  loadSnapshot(): Promise<JournalSnapshot | undefined>;
  /** Resolves, once, when the store is gone though nobody closed it, also while nothing is asked of it; absent where that cannot be. */
  readonly lost?: Promise<JournalError>;
  close(): Promise<void>;
}

export interface JournalSnapshot {
  readonly sequence: number;
  readonly body: Uint8Array;
}

export type JournalErrorCode =
  | 'JOURNAL_LOCKED'
  | 'JOURNAL_FENCED'
  | 'JOURNAL_UNSAFE'
  | 'JOURNAL_FAILED'
  | 'JOURNAL_CORRUPT'
  | 'JOURNAL_CLOSED';

/** Whatever goes wrong below the journal port. After any of these the host stops rather than guess what was kept. */
export class JournalError extends HandselError {
  constructor(code: JournalErrorCode, message: string, options: ConstructorParameters<typeof HandselError>[2] = {}) {
    super(code, message, options);
  }
}
