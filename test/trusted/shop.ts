/**
 * A shop in a trusted world: an authority that gives out cards and names merchants, a house that sells, customers with cards, and the card
 * network with a bank behind it. Every party has its own keys and its own journal; host sides answer as they are told to.
 */
import { encodeCborExact } from '../../src/codec/cbor.ts';
import type { CborValue } from '../../src/codec/cbor-value.ts';
import { toHex } from '../../src/codec/hex.ts';
import { compactKeyOf, makeCompactKey } from '../../src/crypto/compact-key.ts';
import type { Journal } from '../../src/journal/journal.ts';
import type { Amount } from '../../src/money/amount.ts';
import type { LogEntry } from '../../src/trusted/agent/agent-record.ts';
import type { HostCommand } from '../../src/trusted/agent/host-command.ts';
import type { HostNotice } from '../../src/trusted/agent/to-host.ts';
import {
  type CardNetworkInput,
  createCardNetwork,
  readPortMessage,
} from '../../src/trusted/card/card-network-machine.ts';
import type { CardNetworkState, CardRecord } from '../../src/trusted/card/card-payment.ts';
import { messageIdentityOf } from '../../src/trusted/message/envelope.ts';
import { decodeTicket } from '../../src/trusted/ticket/compact-ticket.ts';
import type { Components } from '../../src/trusted/ticket/components.ts';
import type { WorldMachine } from '../world/simulation.ts';
import { type Bank, openBank } from './bank.ts';
import {
  createMoneyModule,
  type ModuleInput,
  type ModuleOptions,
  type ModuleRecord,
  type ModuleState,
  readModuleMessage,
} from './money-module.ts';
import { about, noticesOf, receivedBy, stateOf } from './opera.ts';
import { sample } from './ticket/samples.ts';
import { inTime, type NewAgent, openTrustedWorld, type TrustedAgent, type TrustedWorld } from './trusted-world.ts';

const yearMs = 365 * 86_400_000;
export const cardNumber = '4000000000000002';
export const price: Amount = { currency: 'EUR', minor: 8900n };

export type BuyCommand = Extract<HostCommand, { type: 'buy' }>;
export type SellCommand = Extract<HostCommand, { type: 'sell' }>;

export const concert = sample('event');
export const selection = { type: 'event', fields: { event: concert.event, seat: concert.seat } } as const;

export type MoneyModule = WorldMachine<ModuleState, ModuleInput, ModuleRecord>;

export interface Shop {
  readonly trusted: TrustedWorld;
  readonly authority: TrustedAgent;
  readonly house: TrustedAgent;
  readonly ada: TrustedAgent;
  readonly bank: Bank;
  readonly network: WorldMachine<CardNetworkState, CardNetworkInput, CardRecord>;
  readonly modules: ReadonlyMap<string, MoneyModule>;
  /** The name of Ada's card credential. */
  readonly card: string;
  /** Another device with a card, made later. */
  addCustomer(name: string, options?: NewAgent): Promise<TrustedAgent>;
  addMerchant(name: string, options?: NewAgent): Promise<TrustedAgent>;
  issueTo(agent: TrustedAgent, components: Components): Promise<string>;
  sell(from: TrustedAgent, options?: Partial<SellCommand>): Promise<void>;
  /** Sells, buys, and lets the world go on for a while; host sides confirm all they are asked. */
  purchase(options?: { sell?: Partial<SellCommand>; buy?: Partial<BuyCommand>; forMs?: number }): Promise<void>;
  buy(by: TrustedAgent, from: TrustedAgent, options?: Partial<BuyCommand>): Promise<void>;
}

export interface ShopOptions {
  readonly seed?: number;
  readonly traced?: boolean;
  readonly limit?: bigint;
  /** By name: `house` and `ada`. */
  readonly agents?: Readonly<Record<string, NewAgent>>;
  readonly server?: Parameters<typeof openTrustedWorld>[0]['server'];
  readonly alterServer?: Parameters<typeof openTrustedWorld>[0]['alterServer'];
  readonly wrapNetworkJournal?: (journal: Journal) => Journal;
  /** Money modules of `house` and `ada`, with what they hold. */
  readonly modules?: { readonly ada: bigint; readonly house: bigint };
  readonly module?: Partial<Pick<ModuleOptions, 'lie'>> & {
    readonly of?: string;
    readonly wrapJournal?: (journal: Journal) => Journal;
  };
}

export async function openShop(options: ShopOptions = {}): Promise<Shop> {
  const { seed = 1, limit = 100_000n, agents = {}, wrapNetworkJournal = (journal) => journal } = options;
  const { server, alterServer, traced = true } = options;
  const trusted = await openTrustedWorld({
    seed,
    traced,
    ...(server && { server }),
    ...(alterServer && { alterServer }),
  });
  const { world } = trusted;
  const bank = openBank(new Map([[cardNumber, limit]]));
  world.addServer('bank', ({ body }) => bank.answer(body));
  const { scalar } = makeCompactKey(world.random.bytes);
  const network = world.addMachine('port:card', () => ({
    machine: createCardNetwork({ scalar, lists: trusted.lists, interchange: 'bank' }),
    wrapJournal: wrapNetworkJournal,
    arrived: ({ body }) => readPortMessage(body, { scalar }),
    serve: (host, { body }) => host.handle({ ...messageIdentityOf(body), input: readPortMessage(body, { scalar }) }),
  }));
  const cards = { card: { port: 'card', networkKey: compactKeyOf(scalar).x } };

  const authority = trusted.addAgent('authority');
  await trusted.certify(authority, 'authority');
  await inTime(world, authority.command({ type: 'name-yourself', components: sample('authority') }));

  const issueTo = async (agent: TrustedAgent, components: Components): Promise<string> => {
    const before = receivedBy(agent).length;
    const untilMs = world.clock.nowMs() + yearMs;
    await inTime(world, agent.command({ type: 'expect', matter: 'issue', purpose: 'give', about, times: 1, untilMs }));
    const items = [{ type: 'issue', components }] as const;
    await inTime(
      world,
      authority.command({ type: 'give', matter: 'issue', route: agent.name, about, items, check: 0 }),
    );
    await trusted.run(5000);
    const ticketId = receivedBy(agent)[before];
    if (ticketId === undefined) throw new Error(`nothing came to ${agent.name}`);
    return ticketId;
  };
  const addCustomer = async (name: string, options: NewAgent = {}) => {
    const agent = trusted.addAgent(name, options);
    await trusted.certify(agent, 'customer');
    return agent;
  };
  const addMerchant = async (name: string, options: NewAgent = {}) => {
    const agent = trusted.addAgent(name, { ...options, payment: { ...cards, ...options.payment } });
    await trusted.certify(agent, 'merchant');
    await issueTo(agent, sample('merchant'));
    agent.notices.length = 0;
    return agent;
  };
  const mint = new Set<string>();
  const modules = new Map<string, MoneyModule>();
  const addModule = (owner: string, balance: bigint) => {
    const key = makeCompactKey(world.random.bytes);
    mint.add(toHex(key.x));
    const altered = options.module?.of === owner ? options.module : {};
    const { wrapJournal = (journal: Journal) => journal, ...lie } = altered;
    const machine = createMoneyModule({
      ...{ balance, scalar: key.scalar, genuine: (x: Uint8Array) => mint.has(toHex(x)) },
      ...('lie' in lie && lie.lie !== undefined ? { lie: lie.lie } : {}),
    });
    modules.set(
      owner,
      world.addMachine(`port:money-${owner}`, () => ({
        ...{ machine, wrapJournal, arrived: ({ body }) => readModuleMessage(body) },
        serve: (host, { body }) => host.handle({ ...messageIdentityOf(body), input: readModuleMessage(body) }),
      })),
    );
    return { payment: { module: { port: `money-${owner}` } } };
  };
  const withModule = (owner: 'ada' | 'house') =>
    options.modules === undefined ? {} : addModule(owner, options.modules[owner]);
  const house = await addMerchant('house', { ...withModule('house'), ...agents.house });
  const ada = await addCustomer('ada', { ...withModule('ada'), ...agents.ada });
  const card = await issueTo(ada, { ...sample('card'), number: cardNumber });
  ada.notices.length = 0;

  const shop: Shop = {
    ...{ trusted, authority, house, ada, bank, network, modules, card, addCustomer, addMerchant, issueTo },
    sell: (from, options = {}) =>
      inTime(
        world,
        from.command({
          ...{ type: 'sell', matter: 'sale', about, times: 1, untilMs: world.clock.nowMs() + yearMs },
          ...{ selection, price, ways: ['card', 'module'], wantsCredential: 0 },
          merchandise: { type: 'ticket', components: concert },
          ...options,
        }),
      ),
    buy: (by, from, options = {}) =>
      inTime(
        world,
        by.command({
          ...{ type: 'buy', matter: 'purchase', route: from.name, about, selection, price, moneyFirst: 0 },
          payment: { type: 'card', ticketId: card },
          ...options,
        }),
      ),
    async purchase({ sell = {}, buy = {}, forMs = 10_000 } = {}) {
      for (const agent of [ada, house]) agent.react = (notice) => confirmAll(agent, notice);
      await shop.sell(house, sell);
      await shop.buy(ada, house, buy);
      await trusted.run(forMs);
    },
  };
  return shop;
}

/** A host side that says yes to everything. */
export function confirmAll(agent: TrustedAgent, notice: HostNotice): void {
  if (notice.type !== 'confirm-credential' && notice.type !== 'confirm-merchandise') return;
  void agent.command({ type: 'confirm', session: notice.session, accept: 1 }).catch(() => undefined);
}

export const whyFailed = (agent: TrustedAgent) => noticesOf(agent, 'failed').map(({ why }) => why);

/** Tickets of a type that an agent holds. */
export function heldBy(agent: TrustedAgent, type: Components['type'] = 'event'): readonly string[] {
  return [...stateOf(agent).tickets.values()]
    .filter(({ bytes }) => decodeTicket(bytes).body.components.type === type)
    .map(({ id }) => id);
}

export async function logOf({ trusted }: Shop, agent: TrustedAgent): Promise<readonly LogEntry[]> {
  const records = await inTime(trusted.world, agent.machine.host!.readByKey('log'));
  return records.flatMap((record) => (record.type === 'logged' ? [record.entry] : []));
}

/** Everything that the host side was ever told, in hexadecimal, to look for what it must not be told. */
export function toldTo({ notices }: TrustedAgent): string {
  return notices.map((notice) => toHex(encodeCborExact(notice as unknown as CborValue))).join();
}
