/**
 * The host runs one machine on one journal: inputs in order, one durable append for all decisions of the meantime, and nothing
 * leaves (answers, refusals, messages) before the decision it rests on is flushed (ARCHITECTURE.md, "The backbone").
 */
import type { Clock } from './clock.ts';
import type { Courier } from './courier.ts';
import { decodeEntry, historyKey } from './decided-entry.ts';
import { createDecider } from './decider.ts';
import { type Boundary, createGroupCommit } from './group-commit.ts';
import { HostError } from './host-error.ts';
import type { HostLog } from './host-log.ts';
import type { Journal } from './journal.ts';
import type { Machine } from './machine.ts';
import { createMessageIdentity, type IncomingMessage } from './message-identity.ts';
import { createOutbox, type OutboxPace } from './outbox.ts';
import { encodeSnapshot, recordDecoder, recover } from './recovery.ts';
import { createTimers } from './timers.ts';

export interface Host<S, I, R = unknown> {
  /**
   * Handles the message once, however often it comes, and resolves with the answer when it is durable; a repetition gets the
   * same bytes, also after a restart. Waits when the machine answers later; `taken` is called when only the answer is waited
   * for: the machine refuses the message no more.
   * A `fleeting` one is answered from what is known and not recorded: only for some time, and not after a restart, is a repetition told
   * from a new message.
   * @throws HandselError the machine's refusal, or HostError `MESSAGE_IDENTITY_REUSED`, `HOST_BUSY`, `HOST_STOPPED`.
   */
  handle(
    message: IncomingMessage & { readonly input: I; readonly taken?: () => void; readonly fleeting?: boolean },
  ): Promise<Uint8Array>;
  /** An input without identity and answer; resolves when what it caused is durable. @throws as `handle`. */
  submit(input: I): Promise<void>;
  /** For queries. Up to one flush ahead of the journal: what leaves the party on its strength waits for `settled` first. */
  readonly state: Readonly<S>;
  /** Resolves when everything decided so far is durable. @throws HostError `HOST_STOPPED` */
  settled(): Promise<void>;
  /** The durable records decided with this key, oldest first; `limit` keeps those of the newest decisions. */
  readByKey(key: string, options?: { readonly limit?: number }): Promise<R[]>;
  /** Handles what waits, snapshots, and closes the journal. Messages whose answers are still owed get `HOST_STOPPED`. */
  close(): Promise<void>;
  /** Resolves with the cause if the host has to stop by itself: nothing is handled after that, until a restart recovers. */
  readonly failed: Promise<unknown>;
}

export interface HostOptions<S, I, R> {
  readonly machine: Machine<S, I, R>;
  /** The host becomes its owner and closes it. */
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: (length: number) => Uint8Array;
  readonly courier: Courier;
  readonly log: HostLog;
  /** Entries between snapshots; default 10,000, more when snapshots are large. */
  readonly snapshotEvery?: number;
  /** Messages waiting for their answers at one time; default 65,536. */
  readonly maxOpen?: number;
  readonly pace?: OutboxPace;
  /** For tests that end the process at a journal boundary. */
  readonly onBoundary?: (boundary: Boundary, group: number) => void;
}

/** @throws JournalError when the journal cannot be read, is damaged, or belongs to another machine. */
export async function openHost<S, I, R>(options: HostOptions<S, I, R>): Promise<Host<S, I, R>> {
  const {
    machine,
    journal,
    clock,
    random,
    courier,
    log,
    snapshotEvery = 10_000,
    maxOpen = 65_536,
    onBoundary,
  } = options;
  const { state, work, sequence, ...recovered } = await recover(machine, journal);
  const failure = Promise.withResolvers<unknown>();
  let phase: 'running' | 'closing' | 'stopped' = 'running';
  const stoppedError = (cause?: unknown) => new HostError('HOST_STOPPED', `${machine.name} has stopped`, { cause });

  const end = (cause?: unknown) => {
    phase = 'stopped';
    outbox.stop();
    timers.stop();
    commit.stop(stoppedError(cause));
    decider.stop(stoppedError(cause));
    messages.failAll(stoppedError(cause));
  };
  /** Fail-stop: memory may be ahead of the journal now, so only a restart tells what is true. */
  const fail = (cause: unknown) => {
    if (phase === 'stopped') return;
    log.error({ machine: machine.name, err: cause }, 'the host stops: its state is no longer certain');
    end(cause);
    failure.resolve(cause);
  };

  let { sinceSnapshot, snapshotBytes } = recovered;
  let snapshotSequence = sequence - sinceSnapshot;
  const saveSnapshot = async () => {
    const at = commit.sequence;
    const body = encodeSnapshot(machine, state, work);
    snapshotSequence = at;
    snapshotBytes = body.length;
    await commit.settled();
    await journal.saveSnapshot(at, body);
  };
  const commit = createGroupCommit({
    journal,
    sequence,
    onCut() {
      sinceSnapshot = commit.sequence - snapshotSequence;
      // A large state is written less often, so that snapshots stay a small part of all writing.
      if (sinceSnapshot >= Math.max(snapshotEvery, snapshotBytes / 128)) saveSnapshot().catch(fail);
    },
    onRoom: () => decider.resume(),
    onFailure: fail,
    onBoundary(boundary, group) {
      // Resolved promises have their say first, so that the answers are on their way.
      if (boundary === 'after-answers') clock.after(0, () => onBoundary?.(boundary, group));
      else onBoundary?.(boundary, group);
    },
  });
  const messages = createMessageIdentity({ journal, work, maxOpen, settled: () => commit.settled() });
  const decider = createDecider({
    ...{ machine, state, work, clock, random, log, commit },
    onFailure: fail,
    onSent: ({ id, body }) => outbox.release(id, body),
    onSettled: (id) => outbox.forget(id),
    onAnswered: ({ messageId, body }) => messages.answered(messageId, body),
    onTimer: (timer) => timers.watch(timer),
  });
  const outbox = createOutbox({
    ...{ undelivered: work.outbox, courier, clock, random, log },
    ...(options.pace === undefined ? {} : { pace: options.pace }),
    readBody: (id, at) => readBody(journal, id, at),
    onReply(reply) {
      decider.decide({
        cause: { type: 'reply', reply },
        refused(error) {
          log.warn(
            { machine: machine.name, id: reply.id, kind: reply.kind, err: error },
            'the reply is of no use: asked again',
          );
          outbox.retry(reply.id);
        },
      });
    },
  });
  const timers = createTimers({
    clock,
    waiting: work.timers,
    onDue: (timer) => decider.decide({ cause: { type: 'timer', timer } }),
  });
  for (const id of work.outbox.keys()) outbox.release(id);
  void journal.lost?.then(fail);

  const decodeRecord = recordDecoder(machine);
  let closed: Promise<void> | undefined;
  const close = async () => {
    if (phase === 'running') {
      phase = 'closing';
      outbox.stop();
      timers.stop();
      try {
        await decider.drained();
        if (commit.sequence > snapshotSequence) await saveSnapshot();
      } catch (cause) {
        fail(cause);
      } finally {
        end();
      }
    }
    await journal.close();
  };

  return {
    handle({ messageId, digest, input, taken, fleeting = false }) {
      if (phase !== 'running') return Promise.reject(stoppedError());
      return messages.answerTo({ messageId, digest, fleeting }, () => {
        if (phase !== 'running') throw stoppedError();
        decider.decide({
          cause: { type: 'message', message: { id: messageId, digest }, input },
          fleeting,
          ...(taken && { done: taken }),
          refused: (error) => messages.refused(messageId, error),
        });
      });
    },
    submit(input) {
      if (phase !== 'running') return Promise.reject(stoppedError());
      return new Promise((done, refused) => decider.decide({ cause: { type: 'local', input }, done, refused }));
    },
    state,
    settled: () => commit.settled(),
    async readByKey(key, readOptions) {
      const entries = await journal.readByKey(historyKey(key), readOptions);
      return entries.flatMap(({ body }) => decodeEntry(body).records.map(decodeRecord));
    },
    close() {
      closed ??= close();
      return closed;
    },
    failed: failure.promise,
  };
}

async function readBody(journal: Journal, id: string, sequence: number): Promise<Uint8Array> {
  for await (const entry of journal.read(sequence - 1)) {
    const message = decodeEntry(entry.body).send.find((candidate) => candidate.id === id);
    if (message !== undefined) return message.body;
    break;
  }
  throw new HostError('HOST_STOPPED', `message ${id} is not in journal entry ${sequence}`);
}
