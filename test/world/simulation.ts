/**
 * A world of machines in virtual time, all from one seed: hosts on memory journals, a faulty network between them, crashes at
 * any moment and at every journal boundary, failing disks. The hosts are the real ones of `src/journal`.
 */
import type { Clock } from '../../src/journal/clock.ts';
import type { Courier, CourierResult } from '../../src/journal/courier.ts';
import type { Host } from '../../src/journal/host.ts';
import type { Journal } from '../../src/journal/journal.ts';
import type { Machine, Outgoing } from '../../src/journal/machine.ts';
import { createMemoryJournal, type MemoryDisk } from '../../src/journal/memory-journal.ts';
import type { OpenWork } from '../../src/journal/open-work.ts';
import type { OutboxPace } from '../../src/journal/outbox.ts';
import { recover } from '../../src/journal/recovery.ts';
import { answerOf, type Incarnation, incarnate } from './incarnation.ts';
import { calmNetwork, createNetwork, type NetworkFaults, roughNetwork } from './network.ts';
import { type SeededRandom, seededRandom } from './seeded-random.ts';
import { createVirtualClock } from './virtual-clock.ts';

export interface Party<S, I, R> {
  readonly machine: Machine<S, I, R>;
  /** Turns an arriving message into an input; a HandselError is the answer "refused". */
  arrived(message: Outgoing, from: string): I;
  /** In place of `arrived` for parties with an endpoint of their own before the host; undefined is silence. */
  serve?(host: Host<S, I, R>, message: Outgoing, from: string): Promise<Uint8Array | undefined>;
  wrapCourier?(courier: Courier): Courier;
  /** The identity under which the message is handled once; default the sender's name with the message's id. */
  identityOf?(message: Outgoing, from: string): string;
  /** Called once the host runs, at every start: for what lives and dies with the machine. */
  started?(host: Host<S, I, R>, life: RunningLife): void;
  readonly snapshotEvery?: number;
  readonly pace?: OutboxPace;
  /** For planted bugs: a journal that lies. */
  wrapJournal?(journal: Journal): Journal;
}

export interface WorldFaults {
  readonly network: NetworkFaults;
  /** Mean time between crashes of one machine at arbitrary moments; 0 = never. */
  readonly crashEveryMs: number;
  /** Probability of a crash at each journal boundary. */
  readonly crashAtBoundary: number;
  /** Probability that an append fails. */
  readonly failAppend: number;
  /** Each machine's clock is wrong by at most this, and jumps from time to time; default never. */
  readonly clockErrorMs?: number;
}

/** What a machine is made with at each start: its own clock, right or wrong. */
export interface Life {
  readonly nowMs: () => number;
}

/** The clock and the network of one life: both fall silent with it. */
export interface RunningLife {
  readonly clock: Clock;
  readonly random: SeededRandom;
  /** One attempt; rejects when no answer came in time. */
  deliver(message: Outgoing): Promise<CourierResult>;
}

/** A request that was answered, for checks on what parties say. */
export interface Answered {
  readonly target: string;
  readonly from: string;
  readonly message: Outgoing;
  readonly result: CourierResult;
}

export const roughWorld: WorldFaults = {
  network: roughNetwork,
  crashEveryMs: 3000,
  crashAtBoundary: 0.02,
  failAppend: 0.005,
};
export const calmWorld: WorldFaults = { network: calmNetwork, crashEveryMs: 0, crashAtBoundary: 0, failAppend: 0 };

export interface World {
  readonly clock: Clock;
  readonly random: SeededRandom;
  /** What happened, newest last, at most the last 2,000 lines. */
  readonly trace: readonly string[];
  readonly crashes: number;
  /** Nothing will happen any more unless somebody begins it. */
  readonly idle: boolean;
  /**
   * Starts a machine. The factory runs again at every restart. Messages whose route is the name, or begins with one of
   * `routes`, go to it.
   */
  addMachine<S, I, R>(
    name: string,
    factory: (life: Life) => Party<S, I, R>,
    options?: { routes?: readonly string[]; disk?: MemoryDisk },
  ): WorldMachine<S, I, R>;
  /** Somebody who answers and never fails. */
  addServer(name: string, answer: (message: Outgoing, from: string) => Uint8Array): void;
  /**
   * Whoever stands at these routes in front of machines and keeps nothing himself. Undefined is silence, a HandselError the answer
   * "refused".
   */
  addDoor(
    name: string,
    routes: readonly string[],
    serve: (message: Outgoing, from: string) => Promise<Uint8Array | undefined>,
  ): void;
  /**
   * No packet passes between the two any more, until it is undone by the function returned. The first word of a name is its owner:
   * what an owner has goes with him.
   */
  cut(a: string, b: string): () => void;
  /** Called with every answer, whether or not it arrives. */
  observe(listener: (answered: Answered) => void): void;
  /** Sends a message from outside as an outbox would: the same bytes until answered or refused. */
  send(from: string, message: Outgoing): Promise<CourierResult>;
  run(untilMs: number): Promise<void>;
  /** Other faults from now on; every machine starts anew among them. */
  among(faults: WorldFaults): void;
  /** Ends all faults, restarts what is down, and runs until nothing is scheduled, at most for the given virtual time. */
  calm(forMs: number): Promise<void>;
}

export interface WorldMachine<S, I, R> {
  readonly name: string;
  /** The running host; undefined while the machine is down. */
  readonly host: Host<S, I, R> | undefined;
  /** Power cut now; restarts by itself after a while. */
  crash(): void;
  /** Ends the machine for good. */
  retire(): void;
  readonly retired: boolean;
  /** What a power cut now would leave. The machine crashes of it and restarts. */
  copyDisk(): MemoryDisk;
  /** The work of the host that runs now; nothing is heard of it when the machine dies before. */
  whileAlive<T>(work: (host: Host<S, I, R>) => Promise<T>): Promise<T>;
  /** Tells the host something again and again until it has taken it or refused it. */
  insist(input: I): Promise<void>;
  /** The state as a snapshot would keep it. */
  snapshotNow(): Uint8Array;
  /** Ends the machine for good and reads what a restart would find. */
  lastWords(): Promise<{ readonly snapshot: Uint8Array; readonly work: OpenWork }>;
}

const answerTimeoutMs = 2000;
const clockJumpMs = 4000;

export interface WorldOptions {
  /** Whether to write down what happens; default true. */
  readonly traced?: boolean;
}

export function createWorld(seed: number, faults: WorldFaults = roughWorld, options: WorldOptions = {}): World {
  const { traced = true } = options;
  const random = seededRandom(seed);
  const clock = createVirtualClock();
  const network = createNetwork({ clock, random: random.fork(), faults: faults.network });
  let current = faults;
  let crashes = 0;
  const trace: string[] = [];
  const note = (...words: readonly string[]) => {
    if (!traced) return;
    trace.push(`${clock.nowMs()} ${words.join(' ')}`);
    if (trace.length > 2000) trace.shift();
  };
  type Receive = (message: Outgoing, from: string) => Promise<CourierResult>;
  const listeners: ((answered: Answered) => void)[] = [];
  const machines: { name: string; routes: readonly string[]; receive: Receive; restart: () => void }[] = [];
  const cuts = new Map<string, number>();
  const reachable = (a: string, b: string) => cuts.size === 0 || !cuts.has(linkOf(a, b));

  /** One request and one response over the network; rejects when no answer came in time. */
  const exchange = (from: string, message: Outgoing): Promise<CourierResult> => {
    const target = machines.find(
      ({ name, routes }) => name === message.to || routes.some((route) => message.to.startsWith(route)),
    );
    if (target === undefined) return Promise.reject(new Error(`no machine for the route ${message.to}`));
    return new Promise((resolve, reject) => {
      const cancelTimeout = clock.after(answerTimeoutMs, () => reject(new Error('no answer in time')));
      const arrive = () => {
        if (!reachable(from, target.name)) return;
        note(from, '→', target.name, message.kind, message.id);
        const answer = target.receive(message, from);
        answer.then((result) => {
          for (const listener of listeners) listener({ target: target.name, from, message, result });
          network.carry(() => {
            if (!reachable(from, target.name)) return;
            note(from, '←', target.name, result.type, message.kind, message.id);
            cancelTimeout();
            resolve(result);
          });
        }, noAnswer);
      };
      network.carry(arrive);
      network.echo(arrive);
    });
  };

  const addMachine: World['addMachine'] = <S, I, R>(
    name: string,
    factory: (life: Life) => Party<S, I, R>,
    options: { routes?: readonly string[]; disk?: MemoryDisk } = {},
  ): WorldMachine<S, I, R> => {
    const own = random.fork();
    let disk: MemoryDisk = options.disk ?? { frames: [], snapshot: undefined };
    let retired = false;
    let errorMs = 0;
    const nowMs = () => clock.nowMs() + errorMs;
    const jump = () => {
      const { clockErrorMs = 0 } = current;
      if (clockErrorMs === 0) return;
      errorMs = Math.round((2 * own.fraction() - 1) * clockErrorMs);
      note(name, `has its clock ${errorMs} ms ahead`);
      clock.after(own.fraction() * 2 * clockJumpMs, jump);
    };
    let alive: Incarnation<S, I, R> | undefined;

    const crash = (why: string) => {
      if (alive === undefined) return;
      note(name, 'crashes:', why);
      crashes++;
      disk = alive.end();
      alive = undefined;
      clock.after(own.fraction() * 500, start);
    };
    const start = () => {
      if (alive !== undefined || retired) return;
      note(name, 'starts');
      const life = incarnate({
        ...{ name, party: factory({ nowMs }), disk, random: own.fork(), faults: current },
        clock: { nowMs, after: clock.after },
        exchange: (message) => exchange(name, message),
        crash: (why) => {
          if (alive === life) crash(why);
        },
      });
      alive = life;
      if (current.crashEveryMs > 0) {
        clock.after(own.fraction() * 2 * current.crashEveryMs, () => {
          if (alive === life && current.crashEveryMs > 0) crash('power cut');
        });
      }
    };
    machines.push({
      name,
      routes: options.routes ?? [],
      receive: (message, from) => alive?.receive(message, from) ?? new Promise(() => undefined),
      // A restart also leaves the old faults behind.
      restart() {
        errorMs = 0;
        crash('restart among other faults');
        start();
      },
    });
    jump();
    start();
    /** Undefined when the machine died before it said anything. */
    const attempt = (input: I) =>
      new Promise<undefined | { refused?: unknown }>((resolve) => {
        const cancel = clock.after(answerTimeoutMs, () => resolve(undefined));
        alive?.host?.submit(input).then(
          () => {
            cancel();
            resolve({});
          },
          (refused) => {
            cancel();
            resolve(refused.code === 'HOST_STOPPED' ? undefined : { refused });
          },
        );
      });
    return {
      name,
      get host() {
        return alive?.host;
      },
      crash: () => crash('asked to'),
      retire() {
        retired = true;
        crash('for good');
      },
      get retired() {
        return retired;
      },
      copyDisk() {
        crash('its disk is copied');
        return disk;
      },
      whileAlive(work) {
        const life = alive;
        const host = life?.host;
        return host === undefined ? new Promise(() => undefined) : life!.whileAlive(work(host));
      },
      async insist(input) {
        for (;;) {
          // Nobody is there any more to take it.
          if (retired) return new Promise<never>(() => undefined);
          const outcome = await attempt(input);
          if (outcome === undefined) await new Promise<void>((resolve) => clock.after(100, resolve));
          else if (outcome.refused !== undefined) throw outcome.refused;
          else return;
        }
      },
      snapshotNow: () => factory({ nowMs }).machine.snapshot(alive!.host!.state),
      async lastWords() {
        const found = alive?.end() ?? disk;
        alive = undefined;
        const { machine } = factory({ nowMs });
        const { state, work } = await recover(machine, createMemoryJournal({ disk: found }));
        return { snapshot: machine.snapshot(state), work };
      },
    };
  };

  const among = (other: WorldFaults) => {
    current = other;
    network.faults = other.network;
    for (const { restart } of machines) restart();
  };

  return {
    ...{ clock, random, trace, addMachine },
    get crashes() {
      return crashes;
    },
    addDoor(name, routes, serve) {
      const receive: Receive = (message, from) => answerOf(() => serve(message, from));
      machines.push({ name, routes, receive, restart: () => {} });
    },
    cut(a, b) {
      const link = linkOf(a, b);
      note(link, 'is cut');
      cuts.set(link, (cuts.get(link) ?? 0) + 1);
      return () => {
        note(link, 'is mended');
        const left = (cuts.get(link) ?? 0) - 1;
        if (left > 0) cuts.set(link, left);
        else cuts.delete(link);
      };
    },
    get idle() {
      return clock.idle;
    },
    addServer(name, answer) {
      const receive: Receive = async (message, from) => ({ type: 'answered', body: answer(message, from) });
      machines.push({ name, routes: [], receive, restart: () => {} });
    },
    observe: (listener) => void listeners.push(listener),
    async send(from, message) {
      for (;;) {
        try {
          return await exchange(from, message);
        } catch {
          await new Promise<void>((resolve) => clock.after(100, resolve));
        }
      }
    },
    run: clock.run,
    among,
    async calm(forMs) {
      cuts.clear();
      among(calmWorld);
      await clock.runUntilIdle(clock.nowMs() + forMs);
    },
  };
}

/** Between two owners, whoever is named first. */
function linkOf(a: string, b: string): string {
  const [one, other] = [a.split(' ', 1)[0]!, b.split(' ', 1)[0]!];
  return one < other ? `${one} – ${other}` : `${other} – ${one}`;
}

const noAnswer = () => {};
