/**
 * Purchases in the life of tickets: a card network with a bank behind it, money modules in all devices, merchants that sell and people that buy,
 * with host sides that refuse, bring the wrong thing, or have too little money. Judged by what the bank and the modules hold in the end.
 */
import { toHex, utf8 } from '../../../src/codec/hex.ts';
import { compactKeyOf, makeCompactKey } from '../../../src/crypto/compact-key.ts';
import type { HeldTicket } from '../../../src/trusted/agent/agent-state.ts';
import type { HostCommand } from '../../../src/trusted/agent/host-command.ts';
import type { HostNotice } from '../../../src/trusted/agent/to-host.ts';
import type { PaymentPorts } from '../../../src/trusted/agent/turn.ts';
import { createCardNetwork, readPortMessage } from '../../../src/trusted/card/card-network-machine.ts';
import { messageIdentityOf } from '../../../src/trusted/message/envelope.ts';
import { decodeTicket } from '../../../src/trusted/ticket/compact-ticket.ts';
import type { SeededRandom } from '../../world/seeded-random.ts';
import { type Bank, openBank } from '../bank.ts';
import { createMoneyModule, readModuleMessage } from '../money-module.ts';
import type { MoneyModule } from '../shop.ts';
import { sample } from '../ticket/samples.ts';
import type { TrustedAgent, TrustedWorld } from '../trusted-world.ts';
import type { Way } from './plan.ts';
import { cardOf, everybody, gates, people } from './town.ts';

const price = { currency: 'EUR', minor: 8900n } as const;
/** Two or three seats: some purchases are declined. */
const limit = 30_000n;
export const startMinor = 20_000n;

export interface Market {
  readonly bank: Bank;
  readonly modules: ReadonlyMap<string, MoneyModule>;
  /** Of a device of this name. */
  portsOf(name: string): PaymentPorts;
}

export function openMarket({ world, lists }: TrustedWorld): Market {
  const bank = openBank(new Map(people.map((name) => [cardOf(name), limit])));
  world.addServer('bank', ({ body }) => bank.answer(body));
  const { scalar } = makeCompactKey(world.random.bytes);
  const own = world.random.fork();
  /** What a port has done it says when it comes to it: in between, anything may happen to whoever asked. */
  const late = async (answer: Promise<Uint8Array>) => {
    const body = await answer;
    if (own.chance(0.1)) await new Promise<void>((resolve) => world.clock.after(own.below(3000), resolve));
    return body;
  };
  world.addMachine('port:card', () => ({
    machine: createCardNetwork({ scalar, lists, interchange: 'bank', waitMs: 20_000 }),
    arrived: ({ body }) => readPortMessage(body, { scalar }),
    serve: (host, { body }) =>
      late(host.handle({ ...messageIdentityOf(body), input: readPortMessage(body, { scalar }) })),
  }));
  const keys = new Map(everybody.map((name) => [name as string, makeCompactKey(world.random.bytes)]));
  const genuine = new Set([...keys.values()].map(({ x }) => toHex(x)));
  const modules = new Map(
    [...keys].map(([name, key]) => {
      const machine = createMoneyModule({
        ...{ balance: startMinor, scalar: key.scalar, genuine: (x: Uint8Array) => genuine.has(toHex(x)) },
      });
      const party = () => ({
        ...{ machine, arrived: ({ body }: { readonly body: Uint8Array }) => readModuleMessage(body) },
        serve: (host: NonNullable<MoneyModule['host']>, { body }: { readonly body: Uint8Array }) =>
          late(host.handle({ ...messageIdentityOf(body), input: readModuleMessage(body) })),
      });
      return [name, world.addMachine(`port:money-${name}`, party)] as const;
    }),
  );
  const card = { port: 'card', networkKey: compactKeyOf(scalar).x };
  return { bank, modules, portsOf: (name) => ({ card, module: { port: `money-${name}` } }) };
}

/** What host sides asked for and did not want, to judge by what came of it; and how often what happened. */
export interface Book {
  readonly count: (what: string, times?: number) => void;
  /** What people asked for: who, what, of whom, for how much (`wantedAs`). */
  readonly wanted: Set<string>;
  /** Who said no to what (`refusedAs`). */
  readonly refused: Set<string>;
  readonly liar: Liar;
}

export type Liar = { readonly name: string; readonly way: Way } | undefined;

export function openBook(count: Book['count'], liar: Liar): Book {
  return { count, wanted: new Set(), refused: new Set(), liar };
}

export const refusedAs = (name: string, matter: string) => `${name} does not want ${matter}`;

export const wantedAs = (one: {
  readonly buyer: string | undefined;
  readonly matter: string;
  readonly seller: string | undefined;
  readonly minor: bigint | undefined;
}) => `${one.matter} for ${one.buyer} of ${one.seller} for ${one.minor}`;

const lies = ({ liar }: Book, name: string, way: Way) => liar?.name === name && liar.way === way;

interface Trading {
  readonly random: SeededRandom;
  readonly book: Book;
}

/** Somebody buys a seat of a merchant, of which there is one; and perhaps somebody else wants it, too. */
export function buySomething(
  agents: ReadonlyMap<string, TrustedAgent>,
  { random, book }: Trading,
  { matter, untilMs }: { readonly matter: string; readonly untilMs: number },
): void {
  const seller = agents.get(random.pick(['house', ...gates]))!;
  const about = utf8(matter);
  const concert = { ...sample('event'), seat: matter };
  const selection = { type: 'event', fields: { event: concert.event, seat: concert.seat } } as const;
  const at = { matter, about, selection };
  const priceOf = ({ name }: TrustedAgent) =>
    lies(book, name, 'misprices') && random.chance(0.5) ? { ...price, minor: price.minor - 8000n } : price;
  const fetched = random.chance(0.5) ? {} : { merchandise: { type: 'ticket', components: concert } as const };
  const wantsCredential = random.chance(0.2) ? 1 : 0;
  const command: HostCommand = {
    ...{ type: 'sell', ...at, price: priceOf(seller), times: 1, untilMs, ways: ['card', 'module'], wantsCredential },
    ...fetched,
  };
  // Said once, whatever becomes of it: each time it is said one more is for sale.
  void seller.machine.whileAlive((host) => host.submit({ type: 'command', command })).catch(() => undefined);
  const buyers = new Set([random.pick(people), ...(random.chance(0.1) ? [random.pick(people)] : [])]);
  for (const name of buyers) {
    const buyer = agents.get(name)!;
    const card = cardHeldBy(buyer);
    const byModule = card === undefined || random.chance(0.4);
    const initiator = random.chance(0.5) ? 'payer' : 'payee';
    const moneyFirst = byModule && random.chance(0.3) ? 1 : 0;
    const payment = byModule ? ({ type: 'module', initiator } as const) : ({ type: 'card', ticketId: card } as const);
    const bid = priceOf(buyer);
    book.wanted.add(wantedAs({ buyer: name, matter, seller: seller.name, minor: bid.minor }));
    const order: HostCommand = {
      ...{ type: 'buy', ...at, price: bid, route: seller.name, moneyFirst },
      ...(card === undefined ? {} : { credential: card }),
      ...(random.chance(0.5) || moneyFirst === 1 ? { payment } : {}),
    };
    buyer.command(order).then(
      () => book.count('tried purchase'),
      () => undefined,
    );
  }
}

/** Asked all the time; what a ticket is does not change. */
const cards = new Map<string, boolean>();

export function isCard({ id, bytes }: HeldTicket): boolean {
  const known = cards.get(id) ?? decodeTicket(bytes).body.components.type === 'card';
  cards.set(id, known);
  return known;
}

const cardHeldBy = ({ machine }: TrustedAgent) => [...(machine.host?.state.tickets.values() ?? [])].find(isCard)?.id;

/** What host sides do about the notices of a purchase; one in twenty does not want it after all. */
export function answerNotice(agent: TrustedAgent, notice: HostNotice, { random, book }: Trading): void {
  const tell = (command: HostCommand) => void agent.command(command).catch(() => undefined);
  if (notice.type === 'confirm-credential' || notice.type === 'confirm-merchandise') {
    const accept = random.chance(lies(book, agent.name, 'refuses') ? 0.4 : 0.95);
    if (!accept) book.refused.add(refusedAs(agent.name, notice.matter));
    tell({ type: 'confirm', session: notice.session, accept: accept ? 1 : 0 });
  } else if (notice.type === 'fetch-merchandise') {
    const { seat } = notice.selection.fields;
    const wrong = random.chance(lies(book, agent.name, 'misprices') ? 0.7 : 0.15);
    const bad = random.pick([{ seat: 'somewhere else' }, { price: { ...price, minor: 1n } }]);
    const components = { ...sample('event'), seat: String(seat), ...(wrong && bad) };
    tell({ type: 'merchandise', session: notice.session, merchandise: { type: 'ticket', components } });
  } else if (notice.type === 'choose-payment') {
    const card = cardHeldBy(agent);
    const payment =
      card === undefined || random.chance(0.3)
        ? ({ type: 'module', initiator: random.chance(0.5) ? 'payer' : 'payee' } as const)
        : ({ type: 'card', ticketId: card } as const);
    tell({ type: 'pay', session: notice.session, payment });
  }
}
