/** What the journal thread is asked and answers: the messages between `sqlite-journal.ts` and `sqlite-thread.ts`. */
import type { JournalErrorCode } from './journal.ts';
import type { RawEntry } from './read-entries.ts';
import type { KeyQuery } from './sqlite-file.ts';

export interface RequestResults {
  open: undefined;
  append: number;
  read: RawEntry[];
  find: RawEntry[][];
  saveSnapshot: undefined;
  loadSnapshot: { sequence: number; body: Uint8Array } | undefined;
  close: undefined;
}

export type SqliteRequest =
  | { readonly act: 'open'; readonly file: string }
  | { readonly act: 'append'; readonly bytes: Uint8Array; readonly ends: readonly number[] }
  | { readonly act: 'read'; readonly afterSequence: number; readonly maxEntries: number; readonly maxBytes: number }
  | { readonly act: 'find'; readonly queries: readonly KeyQuery[] }
  | { readonly act: 'saveSnapshot'; readonly sequence: number; readonly body: Uint8Array }
  | { readonly act: 'loadSnapshot' }
  | { readonly act: 'close' };

/** `journal` numbers the open file within the thread, `id` the request. */
export type NumberedRequest = SqliteRequest & { readonly journal: number; readonly id: number };

export type SqliteResponse =
  | { readonly id: number; readonly result: RequestResults[keyof RequestResults] }
  | { readonly id: number; readonly failure: { readonly code: JournalErrorCode; readonly message: string } };
