/**
 * An identification authority beside the opera house: its device, its server with a data base behind the device's port, a card network that
 * authorises, and people who want credentials of it. Each is a machine with a journal of its own, and all that passes between them is bytes.
 */

import { decodeCbor } from '../../src/codec/cbor.ts';
import { toHex } from '../../src/codec/hex.ts';
import { compactKeyOf, makeCompactKey } from '../../src/crypto/compact-key.ts';
import type { DeliveryAttempt } from '../../src/journal/courier.ts';
import type { Outgoing } from '../../src/journal/machine.ts';
import type { HostCommand } from '../../src/trusted/agent/host-command.ts';
import type { PaymentChoice } from '../../src/trusted/agent/talk.ts';
import type { ShownTicket } from '../../src/trusted/agent/to-host.ts';
import { answerAtAuthority, readAuthorityMessage } from '../../src/trusted/authority/authority-endpoint.ts';
import {
  type AuthorityInput,
  type ClerkCommand,
  createAuthorityServer,
} from '../../src/trusted/authority/authority-machine.ts';
import type { AuthorityRecord, AuthorityState } from '../../src/trusted/authority/authority-state.ts';
import type { IssueRule } from '../../src/trusted/authority/issue-rule.ts';
import { createCardNetwork, readPortMessage } from '../../src/trusted/card/card-network-machine.ts';
import type { Claims } from '../../src/trusted/credential/claim.ts';
import { standingOrder } from '../../src/trusted/credential/port-query.ts';
import { messageIdentityOf } from '../../src/trusted/message/envelope.ts';
import type { WorldMachine } from '../world/simulation.ts';
import { type Bank, openBank } from './bank.ts';
import { type Breakable, breakable } from './breakable.ts';
import {
  createMoneyModule,
  type ModuleInput,
  type ModuleRecord,
  type ModuleState,
  readModuleMessage,
} from './money-module.ts';
import { about, certifiedOf, noticesOf, type Opera, openOpera, receivedBy, stateOf } from './opera.ts';
import { sample } from './ticket/samples.ts';
import { type AgentParty, inTime, type NewAgent, type TrustedAgent } from './trusted-world.ts';

export const LICENCE = "driver's licence";
export const SEAL = 'corporate seal';
export const CARD = 'credit card';
/** As it is called where SD-JWT VCs are verified. */
export const ISSUER = 'https://vagverket.example';
export const PASS = 'library pass';
/** May be revalidated as soon as it is a day old; costs something each time. */
export const PERMIT = 'parking permit';
export const CARD_NUMBER = '4000000000000002';

export const ada: Claims = {
  name: 'Ada Nyström',
  address: 'Västra Hamngatan 3, 411 17 Göteborg',
  birthDay: '2001-05-31',
  physicalDescription: '172 cm, brown eyes',
  picture: new Uint8Array(200).fill(7),
  signature: new Uint8Array(100).fill(8),
  corporateName: 'Hansen & Søn ApS',
  taxpayerId: 'DK-24256790',
  brand: 'Visa',
  scheme: 'credit',
  number: CARD_NUMBER,
  holder: 'A NYSTROM',
};

/** `licences`: the agent whose licences are evidence for a pass. */
export const rulesOf = (licences: number): readonly IssueRule[] => [
  {
    ...{ wanted: LICENCE, form: 'attestation', fields: ['name', 'address', 'picture'], validDays: 100 },
    ages: [
      { name: 'over 18', from: 'birthDay', years: 18 },
      { name: 'over 65', from: 'birthDay', years: 65 },
    ],
    ...{ renewalDays: 30, remoteRenewals: 2, price: { currency: 'EUR', minor: 2_500n } },
  },
  {
    ...{ wanted: SEAL, form: 'corporate-seal', fields: ['corporateName', 'address', 'taxpayerId'], validDays: 100 },
    holders: ['customer', 'merchant'],
  },
  {
    ...{ wanted: PERMIT, form: 'attestation', fields: ['name', 'address'], validDays: 80, renewalDays: 1000 },
    price: { currency: 'EUR', minor: 700n },
  },
  { wanted: CARD, form: 'card', fields: ['brand', 'scheme', 'number', 'holder'], validDays: 400 },
  {
    ...{ wanted: PASS, form: 'licence', validDays: 50, renewalDays: 20 },
    fields: ['name', 'address', 'picture', 'physicalDescription', 'signature'],
    evidence: [{ issuer: licences, what: LICENCE, equal: [{ shown: 'name', record: 'name' }] }],
  },
];

type MoneyModule = WorldMachine<ModuleState, ModuleInput, ModuleRecord>;

export interface Bureau extends Opera {
  readonly bureau: TrustedAgent;
  readonly register: WorldMachine<AuthorityState, AuthorityInput, AuthorityRecord>;
  readonly bank: Bank;
  /** Money modules of `bureau` and `cy`. */
  readonly modules: ReadonlyMap<string, MoneyModule>;
  /** What the bank captured altogether, in minor units, and how many payments are neither captured nor undone. */
  captured(): bigint;
  held(): number;
  /** Where each of them crashes. */
  readonly points: {
    readonly bureau: Breakable;
    readonly cy: Breakable;
    readonly register: Breakable;
    readonly till: Breakable;
  };
  /** A customer whose device can be made to crash. */
  readonly cy: TrustedAgent;
  readonly bureauId: number;
  /** A merchant where cards are taken. */
  addTill(): Promise<TrustedAgent>;
  /** To be replaced by a test: what an outsider changes on the way to the register. */
  tamper: (message: Outgoing) => Outgoing | undefined;
  clerk(command: ClerkCommand): Promise<void>;
  /** In person: a code is handed over. */
  visit(subject: string, wanted: string, code?: number): Promise<Uint8Array>;
  /** Has it acquired: `accept` is what the owner says to each question. */
  acquire(
    agent: TrustedAgent,
    wanted: string,
    options?: Partial<Omit<Extract<HostCommand, { type: 'acquire' }>, 'type'>> & { readonly forMs?: number },
  ): Promise<void>;
  revalidate(agent: TrustedAgent, ticketId: string, forMs?: number): Promise<void>;
}

/** How an owner answers: yes to everything, paying with the card that it holds. */
export function sayYes(
  agent: TrustedAgent,
  say: { readonly accept?: 0 | 1; readonly payment?: PaymentChoice } = {},
): void {
  const { accept = 1 } = say;
  agent.react = (notice) => {
    if (notice.type === 'confirm-credential') {
      void agent.command({ type: 'confirm', session: notice.session, accept: 1 }).catch(() => undefined);
    }
    if (notice.type === 'confirm-delivery') {
      const payment = say.payment ?? ({ type: 'card', ticketId: cardOf(agent) ?? '' } as const);
      const paid = say.payment !== undefined || cardOf(agent) !== undefined;
      const pay = notice.price === undefined || !paid ? {} : { payment };
      void agent.command({ type: 'confirm', session: notice.session, accept, ...pay }).catch(() => undefined);
    }
  };
}

export function heldOf(agent: TrustedAgent, what: string): readonly ShownTicket[] {
  return shownBy(agent)
    .filter(({ fields }) => fields.title === what || fields.type === what)
    .map(({ shown }) => shown);
}

function shownBy(agent: TrustedAgent) {
  const received = noticesOf(agent, 'received').flatMap(({ tickets }) => tickets);
  return received
    .filter(({ ticketId }) => stateOf(agent).tickets.has(ticketId))
    .map((shown) => ({ shown, fields: fieldsOf(shown) }));
}

export function fieldsOf({ components }: ShownTicket): Readonly<Record<string, unknown>> {
  return decodeCbor(components) as Readonly<Record<string, unknown>>;
}

const cardOf = (agent: TrustedAgent) => heldOf(agent, 'card')[0]?.ticketId;

export async function openBureau(options: Parameters<typeof openOpera>[0] = {}): Promise<Bureau> {
  const opera = await openOpera(options);
  const { trusted } = opera;
  const { world } = trusted;
  const fresh = (): Breakable => ({ plan: undefined, happened: false });
  const points = { bureau: fresh(), cy: fresh(), register: fresh(), till: fresh() };
  const bank = openBank(new Map([[CARD_NUMBER, 10_000n]]));
  world.addServer('bank', ({ body }) => bank.answer(body));
  const { scalar } = makeCompactKey(world.random.bytes);
  world.addMachine('port:card', () => ({
    machine: createCardNetwork({ scalar, lists: trusted.lists, interchange: 'bank' }),
    arrived: ({ body }) => readPortMessage(body, { scalar }),
    serve: (host, { body }) => host.handle({ ...messageIdentityOf(body), input: readPortMessage(body, { scalar }) }),
  }));
  const mint = new Set<string>();
  const modules = new Map<string, MoneyModule>();
  const addModule = (owner: string, balance: bigint) => {
    const key = makeCompactKey(world.random.bytes);
    mint.add(toHex(key.x));
    const machine = createMoneyModule({ balance, scalar: key.scalar, genuine: (x) => mint.has(toHex(x)) });
    const added = world.addMachine(`port:money-${owner}`, () => ({
      ...{ machine, arrived: ({ body }: Outgoing) => readModuleMessage(body) },
      serve: (host, { body }) => host.handle({ ...messageIdentityOf(body), input: readModuleMessage(body) }),
    }));
    modules.set(owner, added);
    return { module: { port: `money-${owner}` } };
  };
  const payment = { card: { port: 'card', networkKey: compactKeyOf(scalar).x } };
  const routes: Readonly<Record<string, string>> = { 'port:authority': 'register' };
  const make = (name: 'bureau' | 'cy', given: NewAgent = {}): TrustedAgent => {
    const agent: TrustedAgent = trusted.addAgent(name, {
      ...given,
      alter: (party: AgentParty): AgentParty => ({
        ...party,
        wrapJournal: (journal) => breakable(journal, points[name], () => agent.machine.crash()),
        wrapCourier(courier) {
          const ported = {
            async deliver(message: Outgoing, attempt: DeliveryAttempt) {
              const to = routes[message.to];
              const sent = to === undefined ? message : bureau.tamper({ ...message, to });
              if (sent === undefined) throw new Error('dropped');
              return courier.deliver(sent, attempt);
            },
          };
          return party.wrapCourier?.(ported) ?? ported;
        },
      }),
    });
    return agent;
  };
  const agent = make('bureau', {
    payment: { ...payment, ...addModule('bureau', 0n) },
    sdJwt: { issuer: ISSUER, vctBase: `${ISSUER}/types/` },
  });
  const cy = make('cy', { payment: addModule('cy', 1_000n) });
  await trusted.certify(agent, 'authority');
  await trusted.certify(cy, 'customer');
  const bureauId = certifiedOf(agent).certificate.agentId;
  const register = world.addMachine('register', () => ({
    machine: createAuthorityServer({ rules: rulesOf(bureauId), device: 'device' }),
    arrived: ({ kind, body }) => readAuthorityMessage(kind, body),
    serve: (host, message) => answerAtAuthority(host, message),
    wrapJournal: (journal) => breakable(journal, points.register, () => register.crash()),
    wrapCourier: (courier) => ({
      async deliver(message, attempt) {
        if (message.to !== 'device') return courier.deliver(message, attempt);
        await agent.machine.whileAlive((host) =>
          host.submit({ type: 'command', command: { type: 'set-standing', ...standingOrder.decode(message.body) } }),
        );
        return { type: 'answered', body: new Uint8Array() };
      },
    }),
  }));
  await inTime(world, agent.command({ type: 'name-yourself', components: sample('authority') }));
  let visits = 0;
  const bureau: Bureau = {
    ...opera,
    ...{ bureau: agent, cy, register, bank, points, modules, bureauId, tamper: (message) => message },
    captured: () =>
      [...bank.payments.values()].reduce((sum, one) => (one.status === 'captured' ? sum + one.minor : sum), 0n),
    held: () => [...bank.payments.values()].filter(({ status }) => status === 'held').length,
    async addTill() {
      const till: TrustedAgent = trusted.addAgent('till', {
        payment,
        alter: (party) => ({
          ...party,
          wrapJournal: (journal) => breakable(journal, points.till, () => till.machine.crash()),
        }),
      });
      await trusted.certify(till, 'merchant');
      await opera.give(opera.authority, till, [{ type: 'issue', components: sample('merchant') }]);
      till.notices.length = 0;
      return till;
    },
    clerk: (command) => inTime(world, register.insist({ type: 'command', command })),
    async visit(subject, wanted, number = ++visits) {
      const code = new Uint8Array(13).fill(number);
      const untilMs = world.clock.nowMs() + 3_600_000;
      await bureau.clerk({ type: 'visit', code, subject, wanted, untilMs });
      return code;
    },
    async acquire(applicant, wanted, { forMs = 5000, ...given } = {}) {
      const order = { type: 'acquire', matter: 'acquire', route: 'bureau', about, evidence: [], check: 1 } as const;
      await inTime(world, applicant.command({ ...order, ...given, wanted }));
      await trusted.run(forMs);
    },
    async revalidate(holder, ticketId, forMs = 5000) {
      const order = { type: 'revalidate', matter: 'renew', route: 'bureau', about, ticketId } as const;
      await inTime(world, holder.command(order));
      await trusted.run(forMs);
    },
  };
  const untilMs = world.clock.nowMs() + 10 * 365 * 86_400_000;
  await inTime(world, agent.command({ type: 'expect', matter: 'counter', purpose: 'credential', about, untilMs }));
  await bureau.clerk({ type: 'record', record: { subject: '640531-1', fields: ada, eligible: true } });
  for (const one of [agent, cy, opera.ada, opera.bob]) sayYes(one);
  return bureau;
}

/** With a card and a licence that was paid with it. */
export async function withLicence() {
  const bureau = await openBureau();
  await bureau.acquire(bureau.cy, CARD, { code: await bureau.visit('640531-1', CARD) });
  await bureau.acquire(bureau.cy, LICENCE, { code: await bureau.visit('640531-1', LICENCE) });
  const [card, licence] = receivedBy(bureau.cy);
  return { ...bureau, card: card!, licence: licence! };
}
