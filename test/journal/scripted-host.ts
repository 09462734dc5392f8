/** A host whose machine does what each input says, in virtual time on a memory journal: for tests of the host alone. */
import { decodeCborExact, encodeCborExact } from '../../src/codec/cbor.ts';
import { utf8 } from '../../src/codec/hex.ts';
import type { CourierResult } from '../../src/journal/courier.ts';
import { type Host, type HostOptions, openHost } from '../../src/journal/host.ts';
import type { Journal } from '../../src/journal/journal.ts';
import type { Decision, Env, Machine, Outgoing, Reply, Timer } from '../../src/journal/machine.ts';
import { createMemoryJournal, type MemoryDisk, type MemoryJournalOptions } from '../../src/journal/memory-journal.ts';
import { seededRandom } from '../world/seeded-random.ts';
import { createVirtualClock, type VirtualClock } from '../world/virtual-clock.ts';

export type Script = (state: readonly string[], env: Env) => Decision<string>;
export type ScriptedHost = Host<string[], Script, string>;

export interface Scenario {
  readonly clock: VirtualClock;
  readonly host: ScriptedHost;
  /** Every delivery attempt the courier saw, with its virtual time. */
  readonly deliveries: readonly (Outgoing & { atMs: number })[];
  readonly appends: readonly number[];
  readonly warnings: readonly string[];
  /** Power cut; the next scenario continues from here. */
  crash(): MemoryDisk;
}

export interface ScenarioOptions {
  readonly disk?: MemoryDisk;
  readonly clock?: VirtualClock;
  readonly flush?: () => Promise<void>;
  readonly faults?: NonNullable<MemoryJournalOptions['faults']>;
  readonly lost?: NonNullable<Journal['lost']>;
  readonly deliver?: (message: Outgoing, signal: AbortSignal) => Promise<CourierResult>;
  readonly received?: (reply: Reply) => Script;
  readonly fired?: (timer: Timer) => Script;
  readonly host?: Partial<HostOptions<string[], Script, string>>;
}

export async function startScenario(options: ScenarioOptions = {}): Promise<Scenario> {
  const clock = options.clock ?? createVirtualClock();
  const deliveries: (Outgoing & { atMs: number })[] = [];
  const appends: number[] = [];
  const warnings: string[] = [];
  let dead = false;
  const journal = createMemoryJournal({
    random: seededRandom(1).bytes,
    ...(options.disk === undefined ? {} : { disk: options.disk }),
    ...(options.flush === undefined ? {} : { flush: options.flush }),
    ...(options.faults === undefined ? {} : { faults: options.faults }),
  });
  const machine: Machine<string[], Script, string> = {
    name: 'scripted',
    initial: () => [],
    decide: (state, script, env) => script(state, env),
    apply(state, record) {
      state.push(record);
    },
    snapshot: (state) => encodeCborExact(state),
    restore: (bytes) => decodeCborExact(bytes) as string[],
    received:
      options.received ??
      (({ id, outcome }) =>
        () => ({ records: [`${id} ${outcome.type}`] })),
    fired:
      options.fired ??
      (({ id }) =>
        () => ({ records: [`fired ${id}`] })),
  };
  const host = await openHost({
    machine,
    journal: {
      ...journal,
      ...(options.lost === undefined ? {} : { lost: options.lost }),
      append(entries) {
        appends.push(entries.length);
        return journal.append(entries);
      },
    },
    clock: { nowMs: clock.nowMs, after: (delayMs, call) => clock.after(delayMs, () => dead || call()) },
    random: seededRandom(2).bytes,
    courier: {
      deliver(message, attempt) {
        deliveries.push({ ...message, body: message.body.slice(), atMs: clock.nowMs() });
        return options.deliver?.(message, attempt.signal) ?? Promise.reject(new Error('nobody there'));
      },
    },
    log: {
      info: () => {},
      warn: (_, message) => warnings.push(message),
      error: (_, message) => warnings.push(message),
    },
    ...options.host,
  });
  return {
    ...{ clock, host, deliveries, appends, warnings },
    crash() {
      dead = true;
      return journal.powerCut();
    },
  };
}

export const message = (messageId: string, input: Script, digest = 'digest') => ({
  ...{ messageId, input },
  digest: utf8(digest),
});

export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** A flush that waits until it is let go. */
export function gate() {
  let waiting: (() => void)[] = [];
  return {
    pass: () => new Promise<void>((resolve) => waiting.push(resolve)),
    open() {
      const passing = waiting;
      waiting = [];
      for (const resolve of passing) resolve();
    },
  };
}

/** Lets everything happen that waits for nothing but promises. */
export const soon = () => new Promise(setImmediate);
