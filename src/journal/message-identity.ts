/**
 * Idempotency by message identity: a message is handled once, whoever repeats it gets the same answer bytes, and another
 * message under the same identity is refused. Memory holds only what is unanswered and a bounded cache; the rest is in the journal.
 */

import { decodeEntry, messageKey } from './decided-entry.ts';
import { HostError } from './host-error.ts';
import { type Journal, JournalError } from './journal.ts';
import { hexDigest, type OpenWork } from './open-work.ts';

export interface IncomingMessage {
  /**
   * Chosen by the sender, so unique only among that sender's messages: whoever calls prefixes it with the authenticated
   * peer wherever one peer could guess another's.
   */
  readonly messageId: string;
  readonly digest: Uint8Array;
}

export interface MessageIdentity {
  /** The answer to the message, calling `handle` when it was never seen before; while it waits, it keeps nothing of `handle`. */
  answerTo(message: IncomingMessage & { readonly fleeting?: boolean }, handle: () => void): Promise<Uint8Array>;
  /** To be called when the answer is durable. */
  answered(messageId: string, body: Uint8Array): void;
  /** The message was refused and left no trace: a repetition is a new message. */
  refused(messageId: string, cause: unknown): void;
  failAll(cause: unknown): void;
}

interface Call extends PromiseWithResolvers<Uint8Array> {
  readonly digest: string;
}

interface Answered {
  readonly digest: string;
  readonly body: Uint8Array;
}

const maxIdLength = 512;
const maxCachedBytes = 1024 * 1024;

export function createMessageIdentity(options: {
  readonly journal: Journal;
  readonly work: OpenWork;
  readonly maxOpen: number;
  /** Resolves when everything decided so far is durable. */
  readonly settled: () => Promise<void>;
}): MessageIdentity {
  const { journal, work, maxOpen, settled } = options;
  const calls = new Map<string, Call>();
  const recent = createRecentAnswers();

  const open = (messageId: string, digest: string): Call => {
    const call = { digest, ...Promise.withResolvers<Uint8Array>() };
    calls.set(messageId, call);
    return call;
  };
  const settle = (messageId: string, act: (call: Call) => void) => {
    const call = calls.get(messageId);
    calls.delete(messageId);
    if (call !== undefined) act(call);
  };
  const reject = (messageId: string, cause: unknown) => settle(messageId, (call) => call.reject(cause));

  const lookUp = async (messageId: string, digest: string, handle: () => void) => {
    try {
      const stored = await findAnswered(journal, messageId, settled);
      if (stored === undefined) handle();
      else if (stored.digest !== digest) reject(messageId, reused(messageId));
      else settle(messageId, ({ resolve }) => resolve(stored.body));
    } catch (cause) {
      reject(messageId, cause);
    }
  };

  /** It is on no record. */
  const handleAtOnce = (messageId: string, handle: () => void) => {
    try {
      handle();
    } catch (cause) {
      reject(messageId, cause);
    }
  };

  return {
    answerTo({ messageId, digest: digestBytes, fleeting = false }, handle) {
      if (messageId.length === 0 || messageId.length > maxIdLength) {
        return refuse('MESSAGE_IDENTITY_MALFORMED', `a message identity has 1 to ${maxIdLength} characters`);
      }
      const digest = hexDigest(digestBytes);
      const waiting = calls.get(messageId);
      const known = waiting?.digest ?? recent.get(messageId)?.digest ?? work.unanswered.get(messageId);
      if (known !== undefined && known !== digest) return Promise.reject(reused(messageId));
      if (waiting !== undefined) return waiting.promise;
      const cached = recent.get(messageId);
      if (cached !== undefined) return Promise.resolve(cached.body.slice());
      if (calls.size >= maxOpen) return refuse('HOST_BUSY', `${maxOpen} messages wait for their answers already`);
      const call = open(messageId, digest);
      // Owed since before a restart: this caller waits for the answer in the first one's place.
      if (known === undefined && fleeting) handleAtOnce(messageId, handle);
      else if (known === undefined) void lookUp(messageId, digest, handle);
      return call.promise;
    },
    answered(messageId, body) {
      settle(messageId, (call) => {
        recent.put(messageId, { digest: call.digest, body: body.slice() });
        call.resolve(body);
      });
    },
    refused: reject,
    failAll(cause) {
      for (const messageId of [...calls.keys()]) reject(messageId, cause);
    },
  };
}

const refuse = (code: 'MESSAGE_IDENTITY_MALFORMED' | 'HOST_BUSY', detail: string) =>
  Promise.reject(new HostError(code, detail));

const reused = (messageId: string) =>
  new HostError('MESSAGE_IDENTITY_REUSED', `another message with the identity ${messageId} was handled before`);

/** The answer on record, or undefined when the message was never handled. */
async function findAnswered(
  journal: Journal,
  messageId: string,
  settled: () => Promise<void>,
): Promise<Answered | undefined> {
  for (const mayWait of [true, false]) {
    const entries = (await journal.readByKey(messageKey(messageId))).map(({ body }) => decodeEntry(body));
    const message = entries.find((entry) => entry.message?.id === messageId)?.message;
    if (message === undefined) return undefined;
    const answer = entries.flatMap(({ answers }) => answers).find((candidate) => candidate.messageId === messageId);
    if (answer !== undefined) return { digest: hexDigest(message.digest), body: answer.body };
    // Open messages never get here, so the answer is decided and on its way into the journal.
    if (mayWait) await settled();
  }
  throw new JournalError('JOURNAL_CORRUPT', `message ${messageId} was handled, is not open, and has no answer`);
}

/** The answers given last, the oldest forgotten first; each repetition makes its answer young again. */
function createRecentAnswers() {
  const answers = new Map<string, Answered>();
  let bytes = 0;
  const sizeOf = (messageId: string, { body }: Answered) => messageId.length + body.length + 300;
  return {
    get(messageId: string): Answered | undefined {
      const found = answers.get(messageId);
      if (found !== undefined) {
        answers.delete(messageId);
        answers.set(messageId, found);
      }
      return found;
    },
    put(messageId: string, answered: Answered): void {
      if (sizeOf(messageId, answered) > maxCachedBytes / 8 || answers.has(messageId)) return;
      answers.set(messageId, answered);
      bytes += sizeOf(messageId, answered);
      for (const [oldest, value] of answers) {
        if (bytes <= maxCachedBytes) break;
        answers.delete(oldest);
        bytes -= sizeOf(oldest, value);
      }
    },
  };
}
