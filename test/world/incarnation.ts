/** One life of a machine in a simulated world: a real host on a memory journal, from its start to its crash. */
import { sha256 } from '../../src/crypto/digest.ts';
import { HandselError } from '../../src/handsel-error.ts';
import type { Clock } from '../../src/journal/clock.ts';
import type { Courier, CourierResult } from '../../src/journal/courier.ts';
import { type Host, openHost } from '../../src/journal/host.ts';
import type { Outgoing } from '../../src/journal/machine.ts';
import { createMemoryJournal, type MemoryDisk, type MemoryJournal } from '../../src/journal/memory-journal.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Party, WorldFaults } from './simulation.ts';

export interface Incarnation<S, I, R> {
  readonly host: Host<S, I, R> | undefined;
  receive(message: Outgoing, from: string): Promise<CourierResult>;
  /** Never settles when the machine dies first. */
  whileAlive<T>(work: Promise<T>): Promise<T>;
  end(): MemoryDisk;
}

/** Later: the host has stopped or is busy, or the machine cannot say yet. Nothing is said then, and the peer asks again. */
const LATER: readonly string[] = ['HOST_STOPPED', 'HOST_BUSY', 'ANSWER_PENDING'];

/** What the asking side gets: the answer, a refusal, or nothing at all. */
export async function answerOf(serve: () => Promise<Uint8Array | undefined>): Promise<CourierResult> {
  try {
    const body = await serve();
    return body === undefined ? new Promise(() => undefined) : { type: 'answered', body };
  } catch (cause) {
    if (!(cause instanceof HandselError)) throw cause;
    if (LATER.includes(cause.code)) return new Promise(() => undefined);
    return { type: 'refused', code: cause.code, detail: cause.message };
  }
}

/** One life of a machine, from start to crash. What it started must not act after its end: its clock and courier die with it. */
export function incarnate<S, I, R>(options: {
  readonly name: string;
  readonly party: Party<S, I, R>;
  readonly disk: MemoryDisk;
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly faults: WorldFaults;
  readonly exchange: (message: Outgoing) => Promise<CourierResult>;
  readonly crash: (why: string) => void;
}): Incarnation<S, I, R> {
  const { party, disk, random, faults } = options;
  let ended = false;
  let host: Host<S, I, R> | undefined;
  const clock: Clock = {
    nowMs: options.clock.nowMs,
    after: (delayMs, call) => options.clock.after(delayMs, () => ended || call()),
  };
  const whileAlive = <T>(work: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      work.then(
        (result) => ended || resolve(result),
        (cause) => ended || reject(cause),
      );
    });
  const direct: Courier = {
    deliver: (message) => whileAlive(ended ? new Promise(() => undefined) : options.exchange(message)),
  };
  const courier = party.wrapCourier?.(direct) ?? direct;
  const journal: MemoryJournal = createMemoryJournal({
    ...{ disk, random: random.bytes, faults: { failAppend: faults.failAppend } },
    flush: () => new Promise((resolve) => clock.after(random.fraction() * flushMs, resolve)),
  });
  const opened = openHost({
    machine: party.machine,
    journal: party.wrapJournal?.(journal) ?? journal,
    ...{ clock, courier, random: random.bytes, log: silence },
    ...(party.snapshotEvery === undefined ? {} : { snapshotEvery: party.snapshotEvery }),
    ...(party.pace === undefined ? {} : { pace: party.pace }),
    onBoundary(boundary) {
      if (!ended && random.chance(faults.crashAtBoundary)) options.crash(boundary);
    },
  });
  opened.then(
    (running) => {
      if (ended) return;
      host = running;
      party.started?.(running, { clock, random, deliver: (message) => direct.deliver(message, noSignal) });
      void running.failed.then((cause) => options.crash(`stopped: ${cause}`));
    },
    (cause) => {
      throw new Error(`${options.name} cannot recover`, { cause });
    },
  );
  return {
    get host() {
      return host;
    },
    receive(message, from) {
      const running = host;
      if (running === undefined) return new Promise(() => undefined);
      return answerOf(() => {
        if (party.serve !== undefined) return whileAlive(party.serve(running, message, from));
        const messageId = party.identityOf?.(message, from) ?? `${from}/${message.id}`;
        const input = party.arrived(message, from);
        return whileAlive(running.handle({ messageId, digest: sha256(message.body), input }));
      });
    },
    whileAlive,
    end() {
      ended = true;
      return journal.powerCut();
    },
  };
}

const flushMs = 3;
const silence = { info: () => {}, warn: () => {}, error: () => {} };
const noSignal = { signal: new AbortController().signal };
