/** The journal thread: serves the SQLite journals of one process, so that no flush ever blocks a party's own thread. */
import { parentPort } from 'node:worker_threads';
import { JournalError, type JournalErrorCode } from './journal.ts';
import { openSqliteFile, type SqliteFile } from './sqlite-file.ts';
import type { NumberedRequest, RequestResults, SqliteResponse } from './sqlite-request.ts';

const open = new Map<number, SqliteFile>();

parentPort?.on('message', (request: NumberedRequest) => {
  let response: SqliteResponse;
  try {
    response = { id: request.id, result: serve(request) };
  } catch (cause) {
    const code = cause instanceof JournalError ? (cause.code as JournalErrorCode) : 'JOURNAL_FAILED';
    response = { id: request.id, failure: { code, message: cause instanceof Error ? cause.message : String(cause) } };
  }
  parentPort?.postMessage(response);
});

function serve(request: NumberedRequest): RequestResults[keyof RequestResults] {
  if (request.act === 'open') {
    open.set(request.journal, openSqliteFile(request.file));
    return undefined;
  }
  const file = open.get(request.journal);
  if (file === undefined) throw new JournalError('JOURNAL_CLOSED', 'the journal is closed');
  switch (request.act) {
    case 'append':
      return file.append(request.bytes, request.ends);
    case 'read':
      return file.read(request.afterSequence, request);
    case 'find':
      return file.find(request.queries);
    case 'saveSnapshot':
      file.saveSnapshot(request.sequence, request.body);
      return undefined;
    case 'loadSnapshot':
      return file.loadSnapshot();
    case 'close':
      open.delete(request.journal);
      file.close();
      return undefined;
  }
}
