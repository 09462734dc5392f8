/** Whether money and tickets have changed hands together, by what the bank, the money modules and the agents' logs hold in the end. */

import type { LogEntry } from '../../../src/trusted/agent/agent-record.ts';
import { formatAgentId } from '../../../src/trusted/message/agent-id.ts';
import { decodeTicket } from '../../../src/trusted/ticket/compact-ticket.ts';
import { certifiedOf, noticesOf, stateOf } from '../opera.ts';
import type { TrustedAgent } from '../trusted-world.ts';
import { cardOf, type people } from './town.ts';
import { type Book, type Market, refusedAs, startMinor, wantedAs } from './trade.ts';

export interface Judged {
  /** Tickets that were sold. */
  readonly sold: ReadonlySet<string>;
  readonly faults: readonly string[];
  /** How often what happened. */
  readonly seen: readonly string[];
}

export interface Trade {
  readonly market: Market;
  readonly logs: ReadonlyMap<string, readonly LogEntry[]>;
  readonly agents: ReadonlyMap<string, TrustedAgent>;
  readonly book: Book;
}

const short = (id: string) => id.slice(0, 6);

export function judgeTrade({ market, logs, agents, book }: Trade): Judged {
  const { bank, modules } = market;
  const faults: string[] = [...bank.faults];
  const seen: string[] = [];
  const sides = { bought: new Map<string, LogEntry>(), sold: new Map<string, LogEntry>() };
  const nameOf = new Map(
    [...agents.values()].map((one) => [formatAgentId(certifiedOf(one).certificate.agentId), one.name]),
  );
  const owed = new Map<string, bigint>();
  const charged = new Map<string, LogEntry>();
  const seats = new Set<string>();
  const must = (holds: boolean, what: string) => {
    if (!holds) faults.push(what);
  };

  /** What a host side asked for, it has, of whom and for how much it asked, and it was asked before. */
  const judgeBought = (name: string, entry: LogEntry) => {
    const { transaction = '', payment, after, peer } = entry;
    const { components } = decodeTicket(after[0]!.ticket).body;
    const seat = components.type === 'event' ? components.seat : '';
    const seller = nameOf.get(peer);
    must(!seats.has(seat), `${seat} is sold twice`);
    seats.add(seat);
    const got = wantedAs({ buyer: name, matter: seat, seller, minor: payment?.amount.minor });
    must(book.wanted.has(got), `nobody asked for ${got}, and it was bought`);
    for (const one of [name, seller ?? '']) {
      must(!book.refused.has(refusedAs(one, seat)), `${one} refused ${seat}, and it was bought`);
    }
    for (const asked of ['confirm-credential', 'confirm-merchandise'] as const) {
      const saw = noticesOf(agents.get(name)!, asked).some(({ matter }) => matter === seat);
      must(saw, `${short(transaction)}: ${name} did not have to ${asked}`);
    }
  };

  for (const [name, entries] of logs) {
    for (const entry of entries) {
      const { kind, payment, transaction = '' } = entry;
      if (kind !== 'bought' && kind !== 'sold') continue;
      must(!sides[kind].has(transaction), `${short(transaction)} is ${kind} twice`);
      sides[kind].set(transaction, entry);
      if (kind === 'bought') judgeBought(name, entry);
      seen.push(`${kind} by ${payment?.way}`);
      if (payment?.way === 'card') charged.set(transaction, entry);
      const sign = kind === 'bought' ? -1n : 1n;
      if (payment?.way === 'module') owed.set(name, (owed.get(name) ?? 0n) + sign * payment.amount.minor);
    }
  }
  const whatOf = (entry: LogEntry | undefined) => entry?.after.map(({ ticketId }) => ticketId).join();
  for (const [transaction, entry] of sides.bought) {
    must(whatOf(sides.sold.get(transaction)) === whatOf(entry), `${short(transaction)} is bought and not sold`);
  }
  for (const transaction of sides.sold.keys()) {
    must(sides.bought.has(transaction), `${short(transaction)} is sold and not bought`);
  }

  for (const [transaction, { status, minor, card, payee }] of bank.payments) {
    must(status !== 'held', `the bank still holds ${minor} for ${short(transaction)}`);
    must(
      status !== 'captured' || charged.has(transaction),
      `a card is charged for ${short(transaction)}, which was not bought`,
    );
    seen.push(`bank ${status}`);
    const sale = sides.sold.get(transaction);
    if (status !== 'captured' || sale === undefined) continue;
    const buyer = nameOf.get(sale.peer) as (typeof people)[number];
    must(card === cardOf(buyer), `${short(transaction)}: another card than that of ${buyer} is charged`);
    const [seller] = [...logs].find(([, entries]) => entries.includes(sale))!;
    must(nameOf.get(payee) === seller, `${short(transaction)}: ${nameOf.get(payee)} is paid, not ${seller}`);
  }
  for (const [transaction, { payment }] of charged) {
    must(bank.taken(transaction) === payment!.amount.minor, `${short(transaction)} is bought and not paid`);
  }
  for (const [name, { host }] of modules) {
    const due = startMinor + (owed.get(name) ?? 0n);
    must(host!.state.balance === due, `the module of ${name} has ${host!.state.balance}, not ${due}`);
    for (const { status, transaction } of host!.state.payments.values()) {
      must(status !== 'held', `the module of ${name} holds something for ${short(transaction)}`);
      seen.push(`module ${status}`);
    }
  }
  for (const agent of agents.values()) {
    must(stateOf(agent).dealings.size === 0, `${agent.name} has payments under way`);
  }
  const sold = new Set([...sides.sold.values()].flatMap(({ after }) => after.map(({ ticketId }) => ticketId)));
  return { sold, faults, seen };
}
