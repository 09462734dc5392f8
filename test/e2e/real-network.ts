/** A network in a temporary home whose parties are processes of their own; whoever ends unasked is started again at once. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type StationClient, stationClient } from '../../src/cli/station-client.ts';
import type { NetworkMember } from '../../src/party/configuration/network-home.ts';
import { provisionSettlingAtOnce, temporaryFolder } from '../party/network/network-fixture.ts';
import { type Ended, type PartyProcess, startProcess } from './party-process.ts';

/** A journal boundary by its place in a sale: the n-th of that kind that the party's machine passes. */
export interface BoundaryPlace {
  readonly party: string;
  readonly machine: string;
  readonly boundary: string;
  readonly n: number;
}

export interface RealNetwork {
  readonly home: string;
  readonly password: string;
  /** Read anew each time: the station writes another secret at every start. */
  station(): StationClient;
  urlOf(party: string): string;
  configurationOf(party: string): string;
  /** Ends the party with this signal; resolves with how it ended, when it listens again. */
  end(party: string, signal: NodeJS.Signals): Promise<Ended>;
  /** Has the party kill itself at that boundary, counted from now on. */
  crashAt(place: BoundaryPlace): void;
  /** True when it happened within the time and the party listens again; otherwise false, and it will not happen any more. */
  crashed(place: BoundaryPlace, withinMs: number): Promise<boolean>;
  /** What was passed since the last call, all parties, each in its order. */
  takeBoundaries(): readonly BoundaryPlace[];
  /** Resolves when no party is being started again. */
  allUp(): Promise<void>;
  close(): Promise<void>;
}

/** Hundreds of sales a test: more than a demonstration card may pay. */
const CARD_LIMIT = '100000000';

/** `prepare` may change what is in the home before anything starts. */
export async function startRealNetwork(prepare: (home: string) => void = () => {}): Promise<RealNetwork> {
  const { folder, remove } = temporaryFolder();
  const home = join(folder, 'home');
  const { network } = await provisionSettlingAtOnce(home);
  const crashPoints = join(folder, 'crash-points');
  const logs = join(folder, 'logs');
  for (const made of [crashPoints, logs]) mkdirSync(made);
  raiseLimits(join(home, 'south/issuer/cards.json'));
  prepare(home);

  const running = new Map<string, PartyProcess>();
  const restarting = new Map<string, Promise<Ended>>();
  let condemned: { readonly party: string; readonly process: PartyProcess } | undefined;
  let closing = false;
  const memberOf = (name: string) => network.parties.find((member) => member.name === name)!;
  const configurationOf = (name: string) => join(home, memberOf(name).configuration);
  const orderFile = (name: string) => join(crashPoints, `${name}.crash-at`);
  const boundaryFile = (name: string) => join(crashPoints, `${name}.boundaries`);

  const start = async (member: NetworkMember): Promise<void> => {
    const { name } = member;
    const places = { configuration: configurationOf(name), log: join(logs, `${name}.log`), crashPoints };
    const started = await startProcess(member, places);
    running.set(name, started);
    void started.ended.then((end) => {
      appendFileSync(places.log, `{"msg":"ended","end":${JSON.stringify(end)}}\n`);
      if (!closing) restarting.set(name, startAgain(member, end));
    });
  };
  const startAgain = async (member: NetworkMember, end: Ended): Promise<Ended> => {
    await start(member);
    restarting.delete(member.name);
    return end;
  };

  // Trusted servers and devices have tests of their own (`ticket-town.ts`).
  const selling = network.parties.filter(({ party }) => !['device', 'trusted-server', 'card-network'].includes(party));
  await Promise.all(selling.map(start));
  // An agent that is sent before merchants' agents are on the market finds nobody.
  const merchants = network.parties.filter(({ party }) => party === 'merchant');
  await Promise.all(merchants.map(({ name }) => running.get(name)!.ready));
  return {
    home,
    password: readFileSync(join(home, network.password), 'utf8').trim(),
    station: () => stationClient({ home }),
    urlOf: (name) => memberOf(name).url,
    configurationOf,
    async end(name, signal) {
      const { ended, signal: send } = running.get(name)!;
      send(signal);
      const end = await ended;
      await restarting.get(name);
      return end;
    },
    crashAt({ party, machine, boundary, n }) {
      condemned = { party, process: running.get(party)! };
      const order = orderFile(party);
      writeFileSync(`${order}.new`, `${machine} ${boundary} ${n}`);
      renameSync(`${order}.new`, order);
    },
    async crashed({ party }, withinMs) {
      const order = orderFile(party);
      for (let waitedMs = 0; waitedMs < withinMs && existsSync(order); waitedMs += 10) await sleep(10);
      if (existsSync(order)) {
        rmSync(order, { force: true });
        return false;
      }
      // The order is gone: its process is dying, or has died and another one runs already.
      if (condemned?.party === party) await condemned.process.ended;
      await restarting.get(party);
      return true;
    },
    takeBoundaries: () => network.parties.flatMap(({ name }) => takeBoundaries(name, boundaryFile(name))),
    async allUp() {
      await Promise.all(restarting.values());
    },
    async close() {
      closing = true;
      await Promise.allSettled(restarting.values());
      for (const { signal } of running.values()) signal('SIGKILL');
      await Promise.all([...running.values()].map(({ ended }) => ended));
      remove();
    },
  };
}

function raiseLimits(cardsFile: string): void {
  const cards = JSON.parse(readFileSync(cardsFile, 'utf8')) as Record<string, unknown>[];
  const limits = { creditMinor: CARD_LIMIT, perTransactionMinor: CARD_LIMIT, perDayMinor: CARD_LIMIT };
  writeFileSync(cardsFile, JSON.stringify(cards.map((card) => ({ ...card, ...limits }))));
}

function takeBoundaries(party: string, file: string): readonly BoundaryPlace[] {
  if (!existsSync(file)) return [];
  const taken = `${file}.taken`;
  renameSync(file, taken);
  const counts = new Map<string, number>();
  return readFileSync(taken, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const n = (counts.get(line) ?? 0) + 1;
      counts.set(line, n);
      const [machine = '', boundary = ''] = line.split(' ');
      return { party, machine, boundary, n };
    });
}
