/**
 * A world of trusted servers and agents as machines on real hosts, in virtual time: a primary server, two ordinary ones, and agents with a
 * host side that keeps what To Host tells it and can be told what to do about it.
 */
import { decodeCbor } from '../../src/codec/cbor.ts';
import { compactKeyOf, makeCompactKey } from '../../src/crypto/compact-key.ts';
import { HandselError } from '../../src/handsel-error.ts';
import { checkDecision } from '../../src/journal/check-decision.ts';
import type { Courier } from '../../src/journal/courier.ts';
import type { MemoryDisk } from '../../src/journal/memory-journal.ts';
import { noWork } from '../../src/journal/open-work.ts';
import { answerAtAgent } from '../../src/trusted/agent/agent-endpoint.ts';
import type { AgentInput } from '../../src/trusted/agent/agent-machine.ts';
import { createTrustedAgent } from '../../src/trusted/agent/agent-machine.ts';
import type { AgentRecord } from '../../src/trusted/agent/agent-record.ts';
import type { AgentState } from '../../src/trusted/agent/agent-state.ts';
import type { HostCommand } from '../../src/trusted/agent/host-command.ts';
import { HOST_ROUTE, type HostNotice, hostNoticeType } from '../../src/trusted/agent/to-host.ts';
import type { AgentPace, PaymentPorts, SdJwtIssuer } from '../../src/trusted/agent/turn.ts';
import type { AgentKind } from '../../src/trusted/message/certificate.ts';
import { decodeTrustedMessage, messageIdentityOf } from '../../src/trusted/message/envelope.ts';
import { foundingLists, type TrustLists } from '../../src/trusted/message/trust-lists.ts';
import { answerAtServer } from '../../src/trusted/server/server-endpoint.ts';
import {
  createTrustedServer,
  type ServerCommand,
  type ServerInput,
  type ServerOptions,
} from '../../src/trusted/server/server-machine.ts';
import type { ServerRecord, ServerState } from '../../src/trusted/server/server-state.ts';
import {
  calmWorld,
  createWorld,
  type Party,
  type World,
  type WorldFaults,
  type WorldMachine,
} from '../world/simulation.ts';

export type ServerMachine = WorldMachine<ServerState, ServerInput, ServerRecord>;
export type AgentMachine = WorldMachine<AgentState, AgentInput, AgentRecord>;
export type AgentParty = Party<AgentState, AgentInput, AgentRecord>;

export interface TrustedAgent {
  readonly name: string;
  readonly machine: AgentMachine;
  /** What its host side was told, oldest first. */
  readonly notices: HostNotice[];
  /** Told at once of each notice; a host side that reacts. */
  react: (notice: HostNotice) => void;
  /** Told whenever the device was switched on. */
  started: () => void;
  /** False while no network reaches it. */
  online: boolean;
  command(command: HostCommand): Promise<void>;
}

export interface TrustedWorld {
  readonly world: World;
  /** What no machine should ever do: decisions that the host refuses, inputs of its own that it refuses. */
  readonly breaches: readonly string[];
  readonly lists: TrustLists;
  /** The primary server's key. */
  readonly scalar: Uint8Array;
  readonly primary: ServerMachine;
  readonly servers: ReadonlyMap<string, ServerMachine>;
  server(name: string): { command(command: ServerCommand): Promise<void>; readonly machine: ServerMachine };
  /** A device as it comes from where it is made: neither number nor certificate. */
  addAgent(name: string, options?: NewAgent): TrustedAgent;
  /** Announces it to the server and has it initialised. */
  certify(agent: TrustedAgent, kind: AgentKind, server?: string): Promise<void>;
  run(forMs: number): Promise<void>;
}

export interface NewAgent {
  /** Default: its name. `undefined` for a device that only calls. */
  readonly replyTo?: string | undefined;
  readonly pace?: Partial<AgentPace>;
  readonly payment?: PaymentPorts;
  readonly sdJwt?: SdJwtIssuer;
  readonly disk?: MemoryDisk;
  readonly alter?: (party: AgentParty) => AgentParty;
}

/** Every decision must be one that a host takes, and no local input may be refused. */
function watched<S, I extends { readonly type: string }, R>(party: Party<S, I, R>, breaches: string[]): Party<S, I, R> {
  const { machine } = party;
  const decide: typeof machine.decide = (state, input, env) => {
    try {
      const decision = machine.decide(state, input, env);
      checkDecision(decision, noWork());
      return decision;
    } catch (error) {
      const code = error instanceof HandselError ? error.code : String(error);
      if (code === 'DECISION_MALFORMED' || input.type === 'session')
        breaches.push(`${machine.name}: ${input.type}: ${error}`);
      throw error;
    }
  };
  return { ...party, machine: { ...machine, decide } };
}

const message = (body: Uint8Array) => ({
  type: 'message' as const,
  message: decodeTrustedMessage(body),
  messageId: messageIdentityOf(body).messageId,
});

export async function openTrustedWorld(options: {
  readonly seed: number;
  readonly traced?: boolean;
  readonly faults?: WorldFaults;
  readonly serverNames?: readonly string[];
  readonly server?: Partial<Pick<ServerOptions, 'certificateDays' | 'pace' | 'disputes'>>;
  readonly alterServer?: (
    party: Party<ServerState, ServerInput, ServerRecord>,
    name: string,
  ) => Party<ServerState, ServerInput, ServerRecord>;
  /** The primary server's key, and what the machines of an earlier world left: they go on from there. */
  readonly from?: { readonly scalar: Uint8Array; readonly disks: ReadonlyMap<string, MemoryDisk> };
}): Promise<TrustedWorld> {
  const { seed, faults = calmWorld, serverNames = ['north'], alterServer = (party) => party } = options;
  const world = createWorld(seed, faults, { traced: options.traced ?? true });
  const { random } = world;
  const scalar = options.from?.scalar ?? makeCompactKey(random.bytes).scalar;
  const diskOf = (name: string) => {
    const disk = options.from?.disks.get(name);
    return disk === undefined ? {} : { disk };
  };
  const lists = foundingLists([{ primaryId: 1, publicKey: compactKeyOf(scalar).x, fromDay: 0 }]);
  const breaches: string[] = [];
  const serverParty = (name: string, role: ServerOptions['role']) => () =>
    watched(
      alterServer(
        {
          machine: createTrustedServer({ foundingLists: lists, role, ...options.server }),
          arrived: ({ body }) => message(body),
          serve: (host, { body }) => answerAtServer(host, body),
        },
        name,
      ),
      breaches,
    );
  const primaryRole = { type: 'primary', primaryId: 1, scalar } as const;
  const primary = world.addMachine('primary', serverParty('primary', primaryRole), diskOf('primary'));
  const servers = new Map<string, ServerMachine>();

  const trusted: TrustedWorld = {
    ...{ world, lists, scalar, primary, servers, breaches },
    server(name) {
      const machine = name === 'primary' ? primary : servers.get(name)!;
      return { machine, command: (command) => machine.insist({ type: 'command', command }) };
    },
    addAgent(name, options = {}) {
      const { pace = {}, payment = {}, sdJwt, disk, alter = (party: AgentParty) => party } = options;
      const notices: HostNotice[] = [];
      const heard = new Set<string>();
      const { replyTo } = 'replyTo' in options ? options : { replyTo: name };
      const own = replyTo === undefined ? {} : { replyTo };
      const agent: TrustedAgent = {
        ...{ name, notices, react: () => {}, started: () => {}, online: true },
        machine: world.addMachine(
          name,
          (): AgentParty => {
            world.clock.after(100, () => agent.started());
            return watched(
              alter({
                machine: createTrustedAgent({ foundingLists: lists, ...own, pace, payment, ...(sdJwt && { sdJwt }) }),
                arrived: ({ body }) => message(body),
                async serve(host, { body }) {
                  return agent.online ? answerAtAgent(host, body, world.clock) : undefined;
                },
                wrapCourier: (courier) =>
                  hostSide(
                    whileOnline(courier, () => agent.online),
                    heard,
                    (notice) => {
                      notices.push(notice);
                      agent.react(notice);
                    },
                  ),
              }),
              breaches,
            );
          },
          disk === undefined ? diskOf(name) : { disk },
        ),
        command: (command) => agent.machine.insist({ type: 'command', command }),
      };
      return agent;
    },
    async certify(agent, kind, server = 'north') {
      const token = random.bytes(16);
      await inTime(world, trusted.server(server).command({ type: 'announce', token, kind }));
      await inTime(world, agent.command({ type: 'initialise', route: server, token }));
      await world.run(world.clock.nowMs() + 2000);
    },
    run: (forMs) => world.run(world.clock.nowMs() + forMs),
  };
  for (const name of serverNames) {
    const role = { type: 'ordinary', primary: 'primary' } as const;
    const machine = world.addMachine(name, serverParty(name, role), diskOf(name));
    servers.set(name, machine);
    if (options.from !== undefined) continue;
    const token = random.bytes(16);
    await inTime(world, primary.insist({ type: 'command', command: { type: 'announce', token } }));
    await inTime(world, machine.insist({ type: 'command', command: { type: 'initialise', token } }));
    await inTime(world, machine.insist({ type: 'command', command: { type: 'opened' } }));
    await world.run(world.clock.nowMs() + 1000);
  }
  return trusted;
}

/** Lets virtual time go on until the promise settles. */
export async function inTime<T>(world: World, promise: Promise<T>, forMs = 600_000): Promise<T> {
  let settled = false;
  const done = promise.finally(() => {
    settled = true;
  });
  done.catch(() => undefined);
  const untilMs = world.clock.nowMs() + forMs;
  while (!settled && world.clock.nowMs() < untilMs) await world.run(world.clock.nowMs() + 50);
  if (!settled) throw new Error('nothing happened in time');
  return done;
}

/** Neither a message nor its answer passes while there is no network. */
function whileOnline({ deliver }: Courier, online: () => boolean): Courier {
  const requireNetwork = () => {
    if (!online()) throw new Error('no network');
  };
  return {
    async deliver(outgoing, attempt) {
      requireNetwork();
      const result = await deliver(outgoing, attempt);
      requireNetwork();
      return result;
    },
  };
}

/** It is told everything at least once, and knows what it has heard before by the message's number. */
function hostSide(courier: Courier, heard: Set<string>, hear: (notice: HostNotice) => void): Courier {
  return {
    async deliver(outgoing, attempt) {
      if (outgoing.to !== HOST_ROUTE) return courier.deliver(outgoing, attempt);
      if (heard.has(outgoing.id)) return { type: 'answered', body: new Uint8Array() };
      heard.add(outgoing.id);
      hear(hostNoticeType.shape.decode(decodeCbor(outgoing.body), 'notice'));
      return { type: 'answered', body: new Uint8Array() };
    },
  };
}
