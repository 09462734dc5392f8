/** Takes inputs in their order to the machine, and its decisions to the journal; what follows from them waits for the flush. */
import type { EmbeddedCbor } from '../codec/cbor-value.ts';
import { HandselError } from '../handsel-error.ts';
import { checkDecision } from './check-decision.ts';
import type { Clock } from './clock.ts';
import { type DecidedEntry, encodeEntry, historyKey, messageKey } from './decided-entry.ts';
import type { GroupCommit } from './group-commit.ts';
import type { HostLog } from './host-log.ts';
import type { Decision, Machine, Outgoing, Reply, Timer } from './machine.ts';
import { followEntry, type OpenWork } from './open-work.ts';
import { recordEncoder } from './recovery.ts';

export interface Decider<I> {
  decide(task: Task<I>): void;
  /** There is room in the next append again. */
  resume(): void;
  /** Resolves when no input waits and every decision is flushed. */
  drained(): Promise<void>;
  /** Nothing is decided any more; whoever waits is refused with the error. */
  stop(error: HandselError): void;
}

export interface Task<I> {
  readonly cause: Cause<I>;
  /** Runs when the decision is durable. */
  readonly done?: () => void;
  /** Runs when everything the refusal may rest on is durable. */
  readonly refused?: (error: unknown) => void;
}

export type Cause<I> =
  | {
      readonly type: 'message';
      readonly message: { readonly id: string; readonly digest: Uint8Array };
      readonly input: I;
    }
  | { readonly type: 'local'; readonly input: I }
  | { readonly type: 'reply'; readonly reply: Reply }
  | { readonly type: 'timer'; readonly timer: Timer };

export interface DeciderOptions<S, I, R> {
  readonly machine: Machine<S, I, R>;
  readonly state: S;
  readonly work: OpenWork;
  readonly clock: Clock;
  readonly random: (length: number) => Uint8Array;
  readonly log: HostLog;
  readonly commit: GroupCommit;
  readonly onFailure: (cause: unknown) => void;
  /** After the flush. */
  readonly onSent: (message: Outgoing) => void;
  /** After the flush. */
  readonly onAnswered: (answer: { readonly messageId: string; readonly body: Uint8Array }) => void;
  /** At once: the message was answered or cancelled and needs no further delivery. */
  readonly onSettled: (outgoingId: string) => void;
  /** At once: a timer cannot be decided before the decision that set it. */
  readonly onTimer: (timer: Timer) => void;
}

/** Most decisions have little of anything: what they have not is this. */
const NONE: readonly never[] = [];

type EntryToEncode = DecidedEntry<Uint8Array | EmbeddedCbor>;

/** One input may cause at most this many local ones: more is an endless loop. */
const maxLocalInputs = 10_000;

export function createDecider<S, I, R>(options: DeciderOptions<S, I, R>): Decider<I> {
  const { machine, state, work, clock, random, log, commit } = options;
  const encodeRecord = recordEncoder(machine);
  const waiting: Task<I>[] = [];
  /** Submitted, not yet told: they must hear of a stop. */
  const untold = new Set<Task<I>>();
  let stopped = false;

  const resume = () => {
    let taken = 0;
    while (taken < waiting.length && !commit.full && !stopped) decideAll(waiting[taken++]!);
    waiting.splice(0, taken);
  };

  /** The input and the local inputs it causes: one group, so that all of them are durable or none. */
  const decideAll = (task: Task<I>) => {
    const tasks = [task];
    let wasRefused = false;
    for (let at = 0; at < tasks.length && !stopped; at++) {
      if (at > maxLocalInputs) {
        options.onFailure(new Error(`${machine.name}: more than ${maxLocalInputs} local inputs follow from one`));
        return;
      }
      try {
        const inputs = decideOne(tasks[at]!);
        if (at === 0 && inputs === undefined) wasRefused = true;
        for (const input of inputs ?? NONE) tasks.push(localTask(input as I));
      } catch (cause) {
        options.onFailure(cause);
      }
    }
    // Only now: what its local inputs led to must be durable too.
    if (!wasRefused && task.done !== undefined) commit.afterFlush(() => tell(task, task.done));
  };

  /** The local inputs that follow; undefined when the task was refused. */
  const decideOne = (task: Task<I>): readonly unknown[] | undefined => {
    const { cause } = task;
    if (!isStillDue(cause)) return NONE;
    let decision: Decision<R>;
    try {
      decision = machine.decide(state, inputOf(cause), { nowMs: clock.nowMs(), random });
      checkDecision(decision, work);
    } catch (error) {
      if (!(error instanceof HandselError)) throw error;
      refuse(task, error);
      if (cause.type !== 'timer') return undefined;
      decision = { records: [] }; // a timer goes off once, even when the machine has no use for it
    }
    record(task, decision);
    return decision.inputs ?? NONE;
  };

  const record = (task: Task<I>, decision: Decision<R>) => {
    const entry = entryOf(task.cause, decision);
    const body = encodeEntry(entry, commit.allocate);
    for (const item of decision.records) machine.apply(state, item);
    const release = () => {
      for (const answer of entry.answers) options.onAnswered(answer);
      for (const message of entry.send) options.onSent(message);
    };
    if (task.cause.type === 'local' && isEmpty(entry)) return;
    followEntry(work, entry, commit.add({ keys: keysOf(entry, decision), body }, release));
    if (entry.acknowledged !== undefined) options.onSettled(entry.acknowledged);
    for (const id of entry.cancel) options.onSettled(id);
    for (const timer of entry.timers) options.onTimer(timer);
  };

  const entryOf = (cause: Cause<I>, decision: Decision<R>): EntryToEncode => {
    const message = cause.type === 'message' ? cause.message : undefined;
    return {
      ...(message === undefined ? {} : { message }),
      ...(cause.type === 'reply' ? { acknowledged: cause.reply.id } : {}),
      ...(cause.type === 'timer' ? { fired: cause.timer.id } : {}),
      records: decision.records.map(encodeRecord),
      answers: answersOf(message?.id, decision),
      send: decision.send ?? NONE,
      cancel: decision.cancel ?? NONE,
      timers: decision.timers ?? NONE,
      clearTimers: decision.clearTimers ?? NONE,
    };
  };

  /** The first answer to a message is the answer: a second one would break the promise of the same bytes. */
  const answersOf = (messageId: string | undefined, { answer, answers = NONE }: Decision<R>) => {
    const own = messageId !== undefined && answer !== undefined ? [{ messageId, body: answer }] : NONE;
    if (own.length + answers.length === 0) return NONE;
    const seen = new Set<string>();
    return [...own, ...answers].filter(({ messageId: id }) => {
      const wanted = !seen.has(id) && (id === messageId || work.unanswered.has(id));
      if (!wanted) log.warn({ machine: machine.name, id }, 'an answer to a message that waits for none is dropped');
      seen.add(id);
      return wanted;
    });
  };

  const inputOf = (cause: Cause<I>): I => {
    if (cause.type === 'reply') return machine.received(cause.reply);
    return cause.type === 'timer' ? machine.fired(cause.timer) : cause.input;
  };

  const isStillDue = (cause: Cause<I>): boolean => {
    if (cause.type === 'reply') return work.outbox.has(cause.reply.id);
    return cause.type !== 'timer' || work.timers.get(cause.timer.id)?.atMs === cause.timer.atMs;
  };

  const refuse = (task: Task<I>, error: HandselError) => {
    if (error.code === 'DECISION_MALFORMED') log.error({ machine: machine.name, err: error }, 'a fault of the machine');
    // A refusal may rest on decisions that are not durable yet: it waits for them like an answer.
    commit.afterFlush(() => tell(task, () => task.refused?.(error)));
  };

  const tell = (task: Task<I>, telling: (() => void) | undefined) => {
    untold.delete(task);
    telling?.();
  };

  const localTask = (input: I): Task<I> => ({
    cause: { type: 'local', input },
    refused: (error) => log.warn({ machine: machine.name, err: error }, 'the machine refused its own input'),
  });

  return {
    decide(task) {
      if (task.done !== undefined) untold.add(task);
      waiting.push(task);
      resume();
    },
    resume,
    async drained() {
      do await commit.settled();
      while (waiting.length > 0);
    },
    stop(error) {
      stopped = true;
      for (const task of [...untold, ...waiting]) tell(task, () => task.refused?.(error));
      waiting.length = 0;
    },
  };
}

function keysOf(entry: EntryToEncode, decision: Decision<unknown>): string[] {
  const keys: string[] = [];
  const add = (key: string) => {
    if (!keys.includes(key)) keys.push(key);
  };
  for (const key of decision.keys ?? NONE) add(historyKey(key));
  if (entry.message !== undefined) add(messageKey(entry.message.id));
  for (const { messageId } of entry.answers) add(messageKey(messageId));
  return keys;
}

function isEmpty({ records, answers, send, cancel, timers, clearTimers }: EntryToEncode): boolean {
  const parts = records.length + answers.length + send.length + cancel.length + timers.length + clearTimers.length;
  return parts === 0;
}
