/** Takes inputs in their order to the machine, and its decisions to the journal; what follows from them waits for the flush. */
import { encodeCborExact } from '../codec/cbor.ts';
import { EmbeddedCbor } from '../codec/cbor-value.ts';
import { HandselError } from '../handsel-error.ts';
import { checkDecision } from './check-decision.ts';
import type { Clock } from './clock.ts';
import { encodeEntry, historyKey, messageKey } from './decided-entry.ts';
import { addPart, type DecidedPart, type EntryDraft, isEmptyPart, newDraft } from './entry-draft.ts';
import type { GroupCommit } from './group-commit.ts';
import { HostError } from './host-error.ts';
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
  /** A message whose answer is all that comes of it, and not recorded. */
  readonly fleeting?: boolean;
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

interface Gathered {
  readonly draft: EntryDraft;
  readonly keys: string[];
  /** Decisions taken in. */
  parts: number;
  /** Of the records encoded so far. */
  bytes: number;
  body: Uint8Array | undefined;
  /** Nobody waits to hear of it, so it need not be written when there is nothing in it. */
  readonly mayBeNothing: boolean;
}

const maxGatheredBytes = 1 << 20;
const maxAnswers = 32;

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

  /** The input and the local inputs it causes: one entry, or one group of them, so that all of it is durable or none. */
  const decideAll = (task: Task<I>) => {
    const { cause } = task;
    try {
      if (isStillDue(cause)) {
        const decision = decideRoot(task);
        if (decision === undefined) return;
        if (task.fleeting === true) answerOnly(cause, decision);
        else gather(cause, decision);
      }
    } catch (error) {
      options.onFailure(error);
      return;
    }
    // Only now: what its local inputs led to must be durable too.
    if (task.done !== undefined) commit.afterFlush(() => tell(task, task.done));
  };

  const gather = (cause: Cause<I>, root: Decision<R>) => {
    let gathered = gatherFor(cause);
    const inputs: unknown[] = [];
    for (let at = 0, decision: Decision<R> | undefined = root; ; at++) {
      if (decision !== undefined) {
        for (const input of decision.inputs ?? NONE) inputs.push(input);
        if (!fits(gathered, decision)) {
          write(gathered);
          gathered = gatherFor(undefined);
        }
        takeIn(gathered, decision, {
          own: at === 0 ? gathered.draft.cause.message?.id : undefined,
          last: at === inputs.length,
        });
      }
      if (at === inputs.length) break;
      if (at === maxLocalInputs)
        throw new Error(`${machine.name}: more than ${maxLocalInputs} local inputs follow from one`);
      decision = decideLocal(inputs[at] as I);
      if (stopped) return;
    }
    write(gathered);
  };

  /** Undefined when the task was refused. */
  const decideRoot = (task: Task<I>): Decision<R> | undefined => {
    try {
      const decision = decide(inputOf(task.cause));
      if (task.fleeting === true && (decision.answer === undefined || !isNothingBut(decision))) {
        throw new HostError('DECISION_MALFORMED', 'the machine decided more than an answer to a fleeting message');
      }
      return decision;
    } catch (error) {
      if (!(error instanceof HandselError)) throw error;
      refuse(error, (refusal) => tell(task, () => task.refused?.(refusal)));
      return task.cause.type === 'timer' ? { records: [] } : undefined; // a timer goes off once, even when the machine has no use for it
    }
  };

  const decideLocal = (input: I): Decision<R> | undefined => {
    try {
      return decide(input);
    } catch (error) {
      if (!(error instanceof HandselError)) throw error;
      refuse(error, (err) => log.warn({ machine: machine.name, err }, 'the machine refused its own input'));
      return undefined;
    }
  };

  const decide = (input: I): Decision<R> => {
    const decision = machine.decide(state, input, { nowMs: clock.nowMs(), random });
    checkDecision(decision, work);
    return decision;
  };

  const gatherFor = (cause: Cause<I> | undefined): Gathered => ({
    draft: newDraft({
      ...(cause?.type === 'message' && { message: cause.message }),
      ...(cause?.type === 'reply' && { acknowledged: cause.reply.id }),
      ...(cause?.type === 'timer' && { fired: cause.timer.id }),
    }),
    ...{ keys: [], parts: 0, bytes: 0, body: undefined, mayBeNothing: cause === undefined || cause.type === 'local' },
  });

  /** Applies a decision and adds it to what is gathered; the last one is written with it. */
  const takeIn = (
    gathered: Gathered,
    decision: Decision<R>,
    { own, last }: { own: string | undefined; last: boolean },
  ) => {
    const { draft } = gathered;
    const part: DecidedPart = {
      records: last
        ? decision.records.map(encodeRecord)
        : decision.records.map((record) => encodeNow(gathered, record)),
      answers: answersOf(own, decision),
      send: decision.send ?? NONE,
      cancel: decision.cancel ?? NONE,
      timers: decision.timers ?? NONE,
      clearTimers: decision.clearTimers ?? NONE,
    };
    for (const key of decision.keys ?? NONE) gathered.keys.push(historyKey(key));
    addPart(draft, part);
    // Before it is applied: what a record holds may be changed from then on.
    if (last) gathered.body = bodyOf(gathered);
    for (const record of decision.records) machine.apply(state, record);
    const cause = gathered.parts === 0 ? draft.cause : {};
    followEntry(work, { ...cause, ...part }, commit.sequence + 1);
    if (cause.acknowledged !== undefined) options.onSettled(cause.acknowledged);
    for (const id of part.cancel) options.onSettled(id);
    for (const timer of part.timers) options.onTimer(timer);
    gathered.parts++;
  };

  const encodeNow = (gathered: Gathered, record: R): Uint8Array => {
    const encoded = encodeRecord(record);
    const bytes = encoded instanceof EmbeddedCbor ? encodeCborExact(encoded.value) : encoded;
    gathered.bytes += bytes.length;
    return bytes;
  };

  /** Records are found by the keys of their own decision, so one that has any stands alone. */
  const fits = (gathered: Gathered, decision: Decision<R>): boolean => {
    if (gathered.parts === 0) return true;
    if ((decision.keys?.length ?? 0) > 0 || gathered.keys.length > 0) return false;
    const answers = gathered.draft.answers.length + (decision.answers?.length ?? 0);
    return answers <= maxAnswers && gathered.bytes <= maxGatheredBytes;
  };

  const bodyOf = ({ draft, mayBeNothing }: Gathered): Uint8Array | undefined => {
    if (mayBeNothing && isEmptyPart(draft)) return undefined;
    const { cause, ...parts } = draft;
    return encodeEntry({ ...cause, ...parts }, commit.allocate);
  };

  const write = (gathered: Gathered) => {
    const { draft, keys } = gathered;
    const body = gathered.body ?? bodyOf(gathered);
    if (body === undefined) return;
    const release = () => {
      for (const answer of draft.answers) options.onAnswered(answer);
      for (const message of draft.send) options.onSent(message);
    };
    commit.add({ keys: keysOf(draft, keys), body }, release);
  };

  /** Nothing but an answer to the message, if there is one. */
  const isNothingBut = (decision: Decision<R>): boolean => {
    const { records, keys = NONE, answers = NONE, send = NONE, cancel = NONE, timers = NONE } = decision;
    const { clearTimers = NONE, inputs = NONE } = decision;
    const lists = [records, keys, answers, send, cancel, timers, clearTimers, inputs];
    return lists.every(({ length }) => length === 0);
  };

  /** It may rest on decisions that are not durable yet. */
  const answerOnly = (cause: Cause<I>, { answer }: Decision<R>) => {
    if (cause.type !== 'message' || answer === undefined) return;
    const { id: messageId } = cause.message;
    commit.afterFlush(() => options.onAnswered({ messageId, body: answer }));
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

  const refuse = (error: HandselError, telling: (error: HandselError) => void) => {
    if (error.code === 'DECISION_MALFORMED') log.error({ machine: machine.name, err: error }, 'a fault of the machine');
    // A refusal may rest on decisions that are not durable yet: it waits for them like an answer.
    commit.afterFlush(() => telling(error));
  };

  const tell = (task: Task<I>, telling: (() => void) | undefined) => {
    untold.delete(task);
    telling?.();
  };

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

function keysOf({ cause, answers }: EntryDraft, keys: readonly string[]): string[] {
  const all = new Set(keys);
  if (cause.message !== undefined) all.add(messageKey(cause.message.id));
  for (const { messageId } of answers) all.add(messageKey(messageId));
  return [...all];
}
