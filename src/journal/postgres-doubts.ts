/**
 * Commits that are not what they seem: one that stops waiting for its standby (a person or a time limit cancelled the wait) succeeds
 * all the same, with a warning just before the answer. It is on one server then, which may be the one that is about to be replaced
 * (PostgreSQL's documentation, "Planning for High Availability").
 */
import type { Client } from 'pg';
import { JournalError } from './journal.ts';

export interface Doubts {
  /** @throws JournalError `JOURNAL_FAILED` once the server has warned */
  check(): void;
}

export function watchDoubts(writer: Client): Doubts {
  let doubt: string | undefined;
  writer.on('notice', ({ severity, message }) => {
    if (severity === 'WARNING') doubt = message;
  });
  return {
    check() {
      if (doubt !== undefined) throw new JournalError('JOURNAL_FAILED', `PostgreSQL warns: ${doubt}`);
    },
  };
}
