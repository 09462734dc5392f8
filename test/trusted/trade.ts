/**
 * Purchases in the life of tickets: a card network with a bank behind it, money modules in all devices, merchants that sell and people that buy,
 * with host sides that refuse, bring the wrong thing, or have too little money. Judged by what the bank and the modules hold in the end.
 */
import { toHex, utf8 } from '../../src/codec/hex.ts';
import { compactKeyOf, makeCompactKey } from '../../src/crypto/compact-key.ts';
import type { LogEntry } from '../../src/trusted/agent/agent-record.ts';
import type { HostCommand } from '../../src/trusted/agent/host-command.ts';
import type { HostNotice } from '../../src/trusted/agent/to-host.ts';
import type { PaymentPorts } from '../../src/trusted/agent/turn.ts';
import {
  type CardNetworkInput,
  createCardNetwork,
  readPortMessage,
} from '../../src/trusted/card/card-network-machine.ts';
import type { CardNetworkState, CardRecord } from '../../src/trusted/card/card-payment.ts';
import { messageIdentityOf } from '../../src/trusted/message/envelope.ts';
import { decodeTicket } from '../../src/trusted/ticket/compact-ticket.ts';
import type { SeededRandom } from '../world/seeded-random.ts';
import type { Party } from '../world/simulation.ts';
import { type Bank, openBank } from './bank.ts';
import { createMoneyModule, readModuleMessage } from './money-module.ts';
import { stateOf } from './opera.ts';
import type { MoneyModule } from './shop.ts';
import { sample } from './ticket/samples.ts';
import { cardOf, everybody, gates, people } from './town.ts';
import type { TrustedAgent, TrustedWorld } from './trusted-world.ts';

const price = { currency: 'EUR', minor: 8900n } as const;
/** Two or three seats: some purchases are declined. */
const limit = 30_000n;
const startMinor = 20_000n;

export type NetworkParty = Party<CardNetworkState, CardNetworkInput, CardRecord>;

export interface Market {
  readonly bank: Bank;
  readonly modules: ReadonlyMap<string, MoneyModule>;
  /** Of a device of this name. */
  portsOf(name: string): PaymentPorts;
}

export function openMarket(
  { world, lists }: TrustedWorld,
  alterNetwork: (party: NetworkParty) => NetworkParty = (party) => party,
): Market {
  const bank = openBank(new Map(people.map((name) => [cardOf(name), limit])));
  world.addServer('bank', ({ body }) => bank.answer(body));
  const { scalar } = makeCompactKey(world.random.bytes);
  world.addMachine('port:card', () =>
    alterNetwork({
      machine: createCardNetwork({ scalar, lists, interchange: 'bank', waitMs: 20_000 }),
      arrived: ({ body }) => readPortMessage(body, { scalar }),
      serve: (host, { body }) => host.handle({ ...messageIdentityOf(body), input: readPortMessage(body, { scalar }) }),
    }),
  );
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
          host.handle({ ...messageIdentityOf(body), input: readModuleMessage(body) }),
      });
      return [name, world.addMachine(`port:money-${name}`, party)] as const;
    }),
  );
  const card = { port: 'card', networkKey: compactKeyOf(scalar).x };
  return { bank, modules, portsOf: (name) => ({ card, module: { port: `money-${name}` } }) };
}

/** Somebody buys a seat of a merchant. */
export function buySomething(
  agents: ReadonlyMap<string, TrustedAgent>,
  random: SeededRandom,
  { matter, untilMs }: { readonly matter: string; readonly untilMs: number },
): void {
  const buyer = agents.get(random.pick(people))!;
  const seller = agents.get(random.pick(['house', ...gates]))!;
  const about = utf8(matter);
  const concert = { ...sample('event'), seat: matter };
  const selection = { type: 'event', fields: { event: concert.event, seat: concert.seat } } as const;
  const at = { matter, about, selection, price };
  const fetched = random.chance(0.5) ? {} : { merchandise: { type: 'ticket', components: concert } as const };
  const wantsCredential = random.chance(0.2) ? 1 : 0;
  const tell = (agent: TrustedAgent, command: HostCommand) => void agent.command(command).catch(() => undefined);
  tell(seller, {
    ...{ type: 'sell', ...at, times: 1, untilMs, ways: ['card', 'module'], wantsCredential },
    ...fetched,
  });
  const card = cardHeldBy(buyer);
  const byModule = card === undefined || random.chance(0.4);
  const initiator = random.chance(0.5) ? 'payer' : 'payee';
  const moneyFirst = byModule && random.chance(0.3) ? 1 : 0;
  const payment = byModule ? ({ type: 'module', initiator } as const) : ({ type: 'card', ticketId: card } as const);
  tell(buyer, {
    ...{ type: 'buy', ...at, route: seller.name, moneyFirst },
    ...(card === undefined ? {} : { credential: card }),
    ...(random.chance(0.5) || moneyFirst === 1 ? { payment } : {}),
  });
}

function cardHeldBy(agent: TrustedAgent): string | undefined {
  const held = [...(agent.machine.host?.state.tickets.values() ?? [])];
  return held.find(({ bytes }) => decodeTicket(bytes).body.components.type === 'card')?.id;
}

/** What host sides do about the notices of a purchase; one in ten does not want it after all. */
export function answerNotice(agent: TrustedAgent, notice: HostNotice, random: SeededRandom): void {
  const tell = (command: HostCommand) => void agent.command(command).catch(() => undefined);
  if (notice.type === 'confirm-credential' || notice.type === 'confirm-merchandise') {
    tell({ type: 'confirm', session: notice.session, accept: random.chance(0.95) ? 1 : 0 });
  } else if (notice.type === 'fetch-merchandise') {
    const { seat } = notice.selection.fields;
    const wrong = random.chance(0.3);
    const components = { ...sample('event'), seat: wrong ? 'somewhere else' : String(seat) };
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

export interface Judged {
  /** Tickets that were sold. */
  readonly sold: ReadonlySet<string>;
  readonly faults: readonly string[];
  /** How often what happened. */
  readonly seen: readonly string[];
}

/** Money and tickets have changed hands together, and nothing is held. */
export function judgeTrade(
  { bank, modules }: Market,
  logs: ReadonlyMap<string, readonly LogEntry[]>,
  agents: ReadonlyMap<string, TrustedAgent>,
): Judged {
  const faults: string[] = [...bank.faults];
  const seen: string[] = [];
  const sold = new Set<string>();
  const sides = { bought: new Map<string, string>(), sold: new Map<string, string>() };
  const owed = new Map<string, bigint>();
  const charged = new Set<string>();
  const must = (holds: boolean, what: string) => {
    if (!holds) faults.push(what);
  };
  for (const [name, entries] of logs) {
    for (const { kind, payment, after, transaction = '' } of entries) {
      if (kind !== 'bought' && kind !== 'sold') continue;
      const short = transaction.slice(0, 6);
      must(!sides[kind].has(transaction), `${short} is ${kind} twice`);
      const ticketIds = after.map(({ ticketId }) => ticketId).join();
      sides[kind].set(transaction, ticketIds);
      if (kind === 'sold') for (const { ticketId } of after) sold.add(ticketId);
      seen.push(`${kind} by ${payment?.way}`);
      if (payment?.way === 'card') charged.add(transaction);
      const sign = kind === 'bought' ? -1n : 1n;
      if (payment?.way === 'module') owed.set(name, (owed.get(name) ?? 0n) + sign * payment.amount.minor);
    }
  }
  for (const [transaction, ticketIds] of sides.bought) {
    must(sides.sold.get(transaction) === ticketIds, `${transaction.slice(0, 6)} is bought and not sold`);
  }
  for (const transaction of sides.sold.keys()) {
    must(sides.bought.has(transaction), `${transaction.slice(0, 6)} is sold and not bought`);
  }
  for (const [transaction, { status, minor }] of bank.payments) {
    const short = transaction.slice(0, 6);
    must(status !== 'held', `the bank still holds ${minor} for ${short}`);
    must(status !== 'captured' || charged.has(transaction), `a card is charged for ${short}, which was not bought`);
    seen.push(`bank ${status}`);
  }
  for (const transaction of charged) {
    must(bank.taken(transaction) === price.minor, `${transaction.slice(0, 6)} is bought and not paid`);
  }
  for (const [name, { host }] of modules) {
    const due = startMinor + (owed.get(name) ?? 0n);
    must(host!.state.balance === due, `the module of ${name} has ${host!.state.balance}, not ${due}`);
    for (const { status, transaction } of host!.state.payments.values()) {
      must(status !== 'held', `the module of ${name} holds something for ${transaction.slice(0, 6)}`);
      seen.push(`module ${status}`);
    }
  }
  for (const agent of agents.values()) {
    must(stateOf(agent).dealings.size === 0, `${agent.name} has payments under way`);
  }
  return { sold, faults, seen };
}
