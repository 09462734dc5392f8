/**
 * One seed of the life of credentials: acquired for a price, revalidated, revoked, shown at a gate, under crashes at every boundary of a journal,
 * failing disks and a network that loses, doubles and reorders. When the world has come to rest, every credential that was paid for is held by
 * its owner, every one that is held was paid for, and everybody's list says the same.
 */
import { compactKeyOf, makeCompactKey } from '../../src/crypto/compact-key.ts';
import type { MemoryDisk } from '../../src/journal/memory-journal.ts';
import type { HostCommand } from '../../src/trusted/agent/host-command.ts';
import { answerAtAuthority, readAuthorityMessage } from '../../src/trusted/authority/authority-endpoint.ts';
import { type AuthorityInput, createAuthorityServer } from '../../src/trusted/authority/authority-machine.ts';
import type { AuthorityRecord, AuthorityState } from '../../src/trusted/authority/authority-state.ts';
import { createCardNetwork, readPortMessage } from '../../src/trusted/card/card-network-machine.ts';
import { standingOrder } from '../../src/trusted/credential/port-query.ts';
import { messageIdentityOf } from '../../src/trusted/message/envelope.ts';
import { decodeTicket } from '../../src/trusted/ticket/compact-ticket.ts';
import type { Party, World, WorldMachine } from '../world/simulation.ts';
import { type Bank, openBank } from './bank.ts';
import { ada, PERMIT, rulesOf } from './bureau.ts';
import { createRecorder, type Recorder } from './copied-disk.ts';
import { about, certifiedOf, isAtRest, noticesOf, receivedBy, stateOf } from './opera.ts';
import { sample } from './ticket/samples.ts';
import { type AgentParty, inTime, openTrustedWorld, type TrustedAgent, type TrustedWorld } from './trusted-world.ts';
import { faultsOf, roughMs } from './world/plan.ts';

export const applicants = ['eve', 'fay', 'gus'] as const;
const settleMs = 4 * 86_400_000;
const dayMs = 86_400_000;
const deeds = 45;
const priceMinor = 700n;

type AuthorityParty = Party<AuthorityState, AuthorityInput, AuthorityRecord>;
type Register = WorldMachine<AuthorityState, AuthorityInput, AuthorityRecord>;

export interface Changes {
  readonly agent?: (party: AgentParty, name: string) => AgentParty;
  readonly register?: (party: AuthorityParty) => AuthorityParty;
}

export interface County {
  readonly scalar: Uint8Array;
  readonly network: Uint8Array;
  readonly bureauId: number;
  /** Credentials that were issued before any seed begins. */
  readonly issuedBefore: number;
  readonly disks: ReadonlyMap<string, MemoryDisk>;
}

const cardOf = (name: string) => `40000000000000${10 + applicants.indexOf(name as never)}`;

interface Cast {
  readonly trusted: TrustedWorld;
  readonly bureau: TrustedAgent;
  readonly gate: TrustedAgent;
  readonly people: readonly TrustedAgent[];
  readonly register: Register;
  readonly bank: Bank;
}

/** The parties, from where their journals left them. */
function addCast(
  trusted: TrustedWorld,
  county: Pick<County, 'network' | 'disks'>,
  options: {
    readonly changes?: Changes;
    readonly wrap?: (name: string) => Recorder['wrap'];
    readonly bureauId: () => number;
  },
): Cast {
  const { world } = trusted;
  const { changes = {}, wrap } = options;
  const scalar = county.network;
  const bank = openBank(new Map(applicants.map((name) => [cardOf(name), 100_000n])));
  world.addServer('bank', ({ body }) => bank.answer(body));
  const diskOf = (name: string) => {
    const disk = county.disks.get(name);
    return { ...(disk && { disk }) };
  };
  const journal = (name: string) => ({ ...(wrap && { wrapJournal: wrap(name) }) });
  world.addMachine(
    'port:card',
    () => ({
      ...journal('port:card'),
      machine: createCardNetwork({ scalar, lists: trusted.lists, interchange: 'bank' }),
      arrived: ({ body }) => readPortMessage(body, { scalar }),
      serve: (host, { body }) => host.handle({ ...messageIdentityOf(body), input: readPortMessage(body, { scalar }) }),
    }),
    diskOf('port:card'),
  );
  const add = (name: string, payment = {}) =>
    trusted.addAgent(name, {
      payment,
      pace: { holdMs: 4000, useMs: 120_000, askMs: 3000, lateMs: 5000, idleMs: 20_000, authoriseMs: 20_000 },
      ...diskOf(name),
      alter(party) {
        const { alter } = { alter: (one: AgentParty) => changes.agent?.(one, name) ?? one };
        return alter({
          ...party,
          ...journal(name),
          wrapCourier(courier) {
            const routed = {
              deliver: (message: Parameters<typeof courier.deliver>[0], attempt: never) =>
                courier.deliver(message.to === 'port:authority' ? { ...message, to: 'register' } : message, attempt),
            };
            return party.wrapCourier?.(routed as never) ?? (routed as never);
          },
        });
      },
    });
  const bureau = add('bureau', { card: { port: 'card', networkKey: compactKeyOf(scalar).x } });
  let starts = 0;
  const register: Register = world.addMachine(
    'register',
    () => {
      const party: AuthorityParty = {
        ...journal('register'),
        // Each time it is started it grants a day more, or in one day nothing could be revalidated.
        machine: createAuthorityServer({ rules: permitsFor(40 + starts++, options.bureauId()), device: 'device' }),
        arrived: ({ kind, body }) => readAuthorityMessage(kind, body),
        serve: (host, message) => answerAtAuthority(host, message),
        wrapCourier: (courier) => ({
          async deliver(message, attempt) {
            if (message.to !== 'device') return courier.deliver(message, attempt);
            const order = standingOrder.decode(message.body);
            await bureau.machine.whileAlive((host) =>
              host.submit({ type: 'command', command: { type: 'set-standing', ...order } }),
            );
            return { type: 'answered', body: new Uint8Array() };
          },
        }),
      };
      return changes.register?.(party) ?? party;
    },
    diskOf('register'),
  );
  return { trusted, bureau, gate: add('gate'), people: applicants.map((name) => add(name)), register, bank };
}

const permitsFor = (validDays: number, bureauId: number) =>
  rulesOf(bureauId).map((rule) => (rule.wanted === PERMIT ? { ...rule, validDays } : rule));

/** Built once, in a calm world: certified, named, with a card each. */
export async function buildCounty(): Promise<County> {
  const recorders = new Map<string, Recorder>();
  const wrap = (name: string) => {
    const recorder = recorders.get(name) ?? createRecorder();
    recorders.set(name, recorder);
    return recorder.wrap;
  };
  const trusted = await openTrustedWorld({
    seed: 1,
    alterServer: (party, name) => ({ ...party, wrapJournal: wrap(name) }),
  });
  const { world } = trusted;
  const network = makeCompactKey(world.random.bytes).scalar;
  const cast = addCast(trusted, { network, disks: new Map() }, { wrap, bureauId: () => 0 });
  const { bureau, gate, people, register } = cast;
  await trusted.certify(bureau, 'authority');
  await trusted.certify(gate, 'merchant');
  await inTime(world, bureau.command({ type: 'name-yourself', components: sample('authority') }));
  for (const person of people) await trusted.certify(person, 'customer');
  const untilMs = world.clock.nowMs() + 400 * dayMs;
  for (const agent of [gate, ...people]) {
    await inTime(world, agent.command({ type: 'expect', matter: 'give', purpose: 'give', times: 1, untilMs }));
    const components = agent === gate ? sample('merchant') : { ...sample('card'), number: cardOf(agent.name) };
    const items = [{ type: 'issue', components }] as const;
    await inTime(world, bureau.command({ type: 'give', matter: 'card', route: agent.name, about, items, check: 0 }));
    await trusted.run(3000);
    if (receivedBy(agent).length !== 1) throw new Error(`${agent.name} has no credential`);
  }
  await inTime(world, bureau.command({ type: 'expect', matter: 'counter', purpose: 'credential', untilMs }));
  await inTime(world, gate.command({ type: 'expect', matter: 'door', purpose: 'present', untilMs }));
  for (const subject of applicants) {
    const record = { subject, fields: { ...ada, name: subject }, eligible: true };
    await inTime(world, register.insist({ type: 'command', command: { type: 'record', record } }));
  }
  play(cast, 0, []);
  for (const [at, person] of people.entries()) {
    const code = new Uint8Array(13).fill(at);
    const visit = { type: 'visit', code, subject: person.name, wanted: PERMIT, untilMs } as const;
    await inTime(world, register.insist({ type: 'command', command: visit }));
    const order = { type: 'acquire', matter: 'acquire', route: 'bureau', about, wanted: PERMIT, evidence: [] } as const;
    await inTime(world, person.command({ ...order, code, check: 0 }));
    await trusted.run(5000);
    if (permitsOf(person).length !== 1) throw new Error(`${person.name} has no permit`);
  }
  const issuedBefore = register.host!.state.issued.size;
  const disks = new Map<string, MemoryDisk>();
  for (const [name, recorder] of recorders) disks.set(name, await recorder.copy());
  return { scalar: trusted.scalar, network, bureauId: certifiedOf(bureau).certificate.agentId, issuedBefore, disks };
}

export interface CredentialRun {
  readonly world: World;
  readonly seen: ReadonlyMap<string, number>;
}

/** @throws Error naming every fault found */
export async function runCredentialLife(options: {
  readonly seed: number;
  readonly county: County;
  readonly changes?: Changes;
  readonly watch?: (world: World) => void;
}): Promise<CredentialRun> {
  const { seed, county, changes, watch = () => {} } = options;
  const { scalar, disks } = county;
  const trusted = await openTrustedWorld({
    ...{ seed, from: { scalar, disks }, faults: faultsOf(seed), server: { pace: { pullMs: settleMs } } },
  });
  const { world } = trusted;
  watch(world);
  const cast = addCast(trusted, county, { bureauId: () => county.bureauId, ...(changes && { changes }) });
  const wrongly: string[] = [];
  const agents = [cast.bureau, cast.gate, ...cast.people];
  for (const agent of agents) agent.started = () => void agent.command({ type: 'opened' }).catch(() => undefined);
  play(cast, county.bureauId, wrongly);
  await world.run(world.clock.nowMs() + roughMs);
  await world.calm(60_000);
  await world.run(world.clock.nowMs() + settleMs);
  const fetched = { type: 'fetch-standings', issuer: county.bureauId, route: 'bureau' } as const;
  await inTime(world, cast.gate.command(fetched));
  await world.run(world.clock.nowMs() + 60_000);
  const { faults, seen } = await findFaults(cast, county, wrongly);
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return { world, seen };
}

function play({ trusted, gate, people, register }: Cast, bureauId: number, wrongly: string[]): void {
  const { world } = trusted;
  const random = world.random.fork();
  const tell = (agent: TrustedAgent, command: HostCommand) => void agent.command(command).catch(() => undefined);
  const clerk = (command: Extract<AuthorityInput, { type: 'command' }>['command']) =>
    register.insist({ type: 'command', command }).catch(() => undefined);
  for (const person of people) {
    person.react = (notice) => {
      if (notice.type === 'confirm-credential') tell(person, { type: 'confirm', session: notice.session, accept: 1 });
      if (notice.type !== 'confirm-delivery') return;
      const card = [...stateOf(person).tickets.values()].find(
        ({ bytes }) => decodeTicket(bytes).body.components.type === 'card',
      );
      const payment = { type: 'card', ticketId: card!.id } as const;
      tell(person, {
        type: 'confirm',
        session: notice.session,
        accept: bureauId === 0 || random.chance(0.9) ? 1 : 0,
        payment,
      });
    };
  }
  gate.react = (notice) => {
    if (notice.type !== 'presented') return;
    const listed = stateOf(gate).standings.known.get(bureauId)?.listed.get(notice.ticket.ticketId);
    // What the gate had on its list when it looked, it has still: nothing here lifts a revocation.
    if (listed !== undefined && (notice.ticket.listedAtS ?? 0) > 0 && wasListed.has(notice.ticket.ticketId)) {
      wrongly.push(`the gate accepts ${notice.ticket.ticketId.slice(0, 6)}, which is ${listed}`);
    }
    tell(gate, { type: 'use', session: notice.session, units: 0, last: 1 });
  };
  /** What the gate knew before the last time it was shown anything. */
  const wasListed = new Set<string>();
  for (let i = 0; i < deeds && bureauId !== 0; i++) {
    world.clock.after(1000 + random.below(roughMs - 2000), () => {
      for (const id of stateOfOr(gate)?.standings.known.get(bureauId)?.listed.keys() ?? []) wasListed.add(id);
      const person = random.pick(people);
      const permits = permitsOf(person);
      const what = random.fraction();
      if (what < 0.4 || permits.length === 0) {
        const code = new Uint8Array(13).map(() => random.below(256));
        const untilMs = world.clock.nowMs() + 10 * settleMs;
        void clerk({ type: 'visit', code, subject: person.name, wanted: PERMIT, untilMs }).then(() => {
          const order = { type: 'acquire', matter: `acquire ${i}`, route: 'bureau', about, wanted: PERMIT } as const;
          tell(person, { ...order, code, evidence: [], check: random.chance(0.5) ? 1 : 0 });
        });
      } else if (what < 0.65) {
        tell(person, {
          type: 'revalidate',
          matter: `renew ${i}`,
          route: 'bureau',
          about,
          ticketId: random.pick(permits),
        });
      } else if (what < 0.75) {
        void clerk({ type: 'set-standing', ticketId: random.pick(permits), standing: 'revoked' });
      } else if (what < 0.9) {
        const ticketId = random.pick(permits);
        tell(person, {
          type: 'present',
          matter: `show ${i}`,
          route: 'gate',
          about,
          ticketId,
          check: 0,
          fields: ['name'],
        });
      } else {
        tell(gate, { type: 'fetch-standings', issuer: bureauId, route: 'bureau' });
      }
    });
  }
}

const stateOfOr = ({ machine }: TrustedAgent) => machine.host?.state;

const permitsOf = (agent: TrustedAgent): readonly string[] =>
  [...(stateOfOr(agent)?.tickets.values() ?? [])]
    .filter(({ bytes }) => decodeTicket(bytes).body.components.type === 'attestation')
    .map(({ id }) => id);

async function findFaults(
  { trusted, bureau, gate, people, register, bank }: Cast,
  { bureauId, issuedBefore }: County,
  wrongly: readonly string[],
) {
  const faults: string[] = [...new Set([...trusted.breaches, ...bank.faults, ...wrongly])];
  const seen = new Map<string, number>();
  const count = (what: string, by = 1) => seen.set(what, (seen.get(what) ?? 0) + by);
  const must = (holds: boolean, what: string) => {
    if (!holds) faults.push(what);
  };
  const { issued, grants, visits, orders } = register.host!.state;
  must(grants.size === 0, `${grants.size} grants are open`);
  must(orders.size === 0, `${orders.size} orders to the device are open`);
  for (const agent of [bureau, gate, ...people]) {
    must(isAtRest(agent), `${agent.name} is not at rest`);
    for (const { why } of noticesOf(agent, 'failed')) count(`failed ${why}`);
    count('undecided', noticesOf(agent, 'undecided').length);
  }

  const payments = [...bank.payments.values()];
  const captured = payments.filter(({ status }) => status === 'captured');
  const newly = issued.size - issuedBefore;
  must(captured.length === newly, `${newly} credentials were issued, ${captured.length} paid`);
  must(
    captured.every(({ minor }) => minor === priceMinor),
    'another price was paid',
  );
  must(
    payments.every(({ status }) => status !== 'held'),
    'a payment is neither taken nor undone',
  );
  count('issued', issued.size);
  count('codes left', visits.size);

  const held = new Map<string, string[]>();
  for (const person of people) {
    for (const id of permitsOf(person)) held.set(id, [...(held.get(id) ?? []), person.name]);
    const records = await inTime(trusted.world, person.machine.host!.readByKey('log'));
    for (const record of records) {
      if (record.type !== 'logged') continue;
      const { before, after } = record.entry;
      const gone = before.filter(
        ({ ticketId }) => issued.has(ticketId) && after.every((one) => one.ticketId !== ticketId),
      );
      if (after.length === 0) continue;
      count('revalidated', gone.length);
      for (const { ticketId } of gone) must(!held.has(ticketId), `${ticketId.slice(0, 6)} was revalidated and is held`);
    }
  }
  for (const { ticketId, subject, standing } of issued.values()) {
    const names = held.get(ticketId) ?? [];
    count(standing);
    if (standing !== 'replaced')
      must(names.join() === subject, `${ticketId.slice(0, 6)} of ${subject} is held by ${names.join() || 'nobody'}`);
  }
  for (const ticketId of held.keys())
    must(issued.has(ticketId), `${ticketId.slice(0, 6)} is held and was never issued`);

  const wanted = [...issued.values()]
    .filter(({ standing }) => standing !== 'good')
    .map(({ ticketId, standing }) => `${ticketId} ${standing}`);
  const lists = [
    ['the authority', stateOf(bureau).standings.own.list.listed],
    ['the gate', stateOf(gate).standings.known.get(bureauId)?.listed ?? new Map()],
  ] as const;
  for (const [whose, listed] of lists) {
    const there = [...listed].map(([ticketId, standing]) => `${ticketId} ${standing}`);
    must(
      there.sort().join() === [...wanted].sort().join(),
      `the list of ${whose} has ${there.length} of ${wanted.length}`,
    );
  }
  count('shown', noticesOf(gate, 'presented').length);
  return { faults, seen };
}
