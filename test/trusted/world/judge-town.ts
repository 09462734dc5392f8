/** What must be true of the town when it has come to rest: every ticket is somewhere, once, as good as what was granted leaves it. */
import type { AgentRecord, LogEntry } from '../../../src/trusted/agent/agent-record.ts';
import { formatAgentId } from '../../../src/trusted/message/agent-id.ts';
import { decodeTicket } from '../../../src/trusted/ticket/compact-ticket.ts';
import { unitsOf } from '../../../src/trusted/ticket/components.ts';
import { validateTicket } from '../../../src/trusted/ticket/validate-ticket.ts';
import { certifiedOf, isAtRest, noticesOf, stateOf } from '../opera.ts';
import { inTime, type TrustedAgent, type TrustedWorld } from '../trusted-world.ts';
import { judgeTrade } from './judge-trade.ts';
import type { Book, Market } from './trade.ts';

const short = (id: string) => id.slice(0, 6);

export interface Town {
  readonly trusted: TrustedWorld;
  readonly agents: ReadonlyMap<string, TrustedAgent>;
  readonly market: Market;
  readonly book: Book;
}

/** Everything that is wrong. */
export async function judgeTown({ trusted, agents, market, book }: Town): Promise<readonly string[]> {
  const { world, breaches } = trusted;
  const { count } = book;
  const faults: string[] = [...new Set(breaches)];
  const must = (holds: boolean, what: string) => {
    if (!holds) faults.push(what);
  };
  const suspected = [...(trusted.servers.get('north')!.host?.state.suspects ?? [])];
  must(suspected.length === 0, `an honest device is taken for a copy: ${suspected}`);

  const issued = new Set<string>();
  const logs = new Map<string, readonly LogEntry[]>();
  for (const agent of agents.values()) {
    const records: readonly AgentRecord[] = await inTime(world, agent.machine.host!.readByKey('log'));
    const entries = records.flatMap((record) => (record.type === 'logged' ? [record.entry] : []));
    logs.set(agent.name, entries);
    must(entries.length === stateOf(agent).log.count, `${agent.name}: the log has ${entries.length} entries`);
    for (const { kind, before, note } of entries) {
      count(kind);
      must(kind !== 'suspicion', `${agent.name} suspects an honest agent: ${note}`);
      if (kind === 'bought') count('finished purchase');
      if (kind !== 'given') continue;
      if (agent.name === 'house') for (const { ticketId } of before) issued.add(ticketId);
      else count('finished transfer', before.length);
    }
    must(isAtRest(agent), `${agent.name} is not at rest: ${restOf(agent)}`);
    judgeTold(agent, entries, must);
    for (const { why } of noticesOf(agent, 'failed')) count(`failed ${why}`);
    count('undecided', noticesOf(agent, 'undecided').length);
  }
  const trade = judgeTrade({ market, logs, agents, book });
  faults.push(...trade.faults);
  for (const what of trade.seen) count(what);
  for (const ticketId of trade.sold) issued.add(ticketId);
  judgeTransfers(agents, logs, must);
  judgeTickets({ trusted, agents, issued, logs, count }, must);
  return faults;
}

type Must = (holds: boolean, what: string) => void;

/** A host side is told of everything that its agent has logged, once. */
function judgeTold(agent: TrustedAgent, entries: readonly LogEntry[], must: Must): void {
  const logged = (kinds: readonly LogEntry['kind'][]) => entries.filter(({ kind }) => kinds.includes(kind)).length;
  const pairs = [
    ['given', ['given', 'sold']],
    ['received', ['received', 'bought']],
    ['paid', ['bought', 'sold']],
  ] as const;
  for (const [notice, kinds] of pairs) {
    const [told, all] = [noticesOf(agent, notice).length, logged(kinds)];
    // The credential came before the seed began, and was told then.
    const before = notice === 'received' ? 1 : 0;
    must(told === all - before, `${agent.name} was told ${told} times that something was ${notice}, and logged ${all}`);
  }
}

/** Of every gift both logs say the same, once. */
function judgeTransfers(
  agents: ReadonlyMap<string, TrustedAgent>,
  logs: ReadonlyMap<string, readonly LogEntry[]>,
  must: Must,
): void {
  const nameOf = new Map(
    [...agents.values()].map((one) => [formatAgentId(certifiedOf(one).certificate.agentId), one.name]),
  );
  const sides = { given: new Map<string, string>(), received: new Map<string, string>() };
  for (const [name, entries] of logs) {
    for (const { kind, transaction = '', before, after, peer } of entries) {
      if (kind !== 'given' && kind !== 'received') continue;
      // What came before the seed began came from nobody in it.
      if (!nameOf.has(peer)) continue;
      const what = kind === 'given' ? before : after;
      const [from, to] = kind === 'given' ? [name, nameOf.get(peer)] : [nameOf.get(peer), name];
      must(!sides[kind].has(transaction), `${short(transaction)} is ${kind} twice`);
      sides[kind].set(transaction, `${what.map(({ ticketId }) => short(ticketId)).toSorted()} from ${from} to ${to}`);
    }
  }
  for (const [transaction, what] of sides.given) {
    const theirs = sides.received.get(transaction);
    must(theirs === what, `${short(transaction)}: given ${what}, received ${theirs}`);
  }
  for (const [transaction, what] of sides.received) {
    must(sides.given.has(transaction), `${short(transaction)}: received ${what}, which nobody gave`);
  }
}

interface Tickets extends Pick<Town, 'trusted' | 'agents'> {
  readonly issued: ReadonlySet<string>;
  readonly logs: ReadonlyMap<string, readonly LogEntry[]>;
  readonly count: Book['count'];
}

function judgeTickets({ trusted, agents, issued, logs, count }: Tickets, must: Must): void {
  const granted = new Map<string, number>();
  const passed = new Map<string, number>();
  for (const agent of agents.values()) {
    for (const { ticketId, units } of noticesOf(agent, 'granted'))
      granted.set(ticketId, (granted.get(ticketId) ?? 0) + units);
    for (const { kind, before } of logs.get(agent.name)!) {
      if (kind !== 'given' || agent.name === 'house') continue;
      for (const { ticketId } of before) passed.set(ticketId, (passed.get(ticketId) ?? 0) + 1);
    }
  }
  const holders = new Map<string, string[]>();
  for (const agent of agents.values()) {
    const { agentId: holder } = certifiedOf(agent).certificate;
    for (const [ticketId, { bytes, status }] of stateOf(agent).tickets) {
      const ticket = decodeTicket(bytes);
      const { components } = ticket.body;
      if (components.type === 'merchant' || components.type === 'card') continue;
      const name = short(ticketId);
      holders.set(ticketId, [...(holders.get(ticketId) ?? []), agent.name]);
      const used = granted.get(ticketId) ?? 0;
      const left = unitsOf(components)! - used;
      must(left === status.remaining, `${name}: ${status.remaining} left, ${used} granted`);
      const marks = [...agents.values()].map((one) => stateOf(one).books.get(ticketId)?.status.number ?? 0);
      must(Math.max(...marks) === status.number, `${name}: mark ${status.number}, in the books ${marks}`);
      const times = passed.get(ticketId) ?? 0;
      must(
        ticket.transfers.length === times,
        `${name} was passed on ${times} times, and shows ${ticket.transfers.length}`,
      );
      try {
        const { lists, world } = trusted;
        validateTicket(ticket, { lists, nowMs: world.clock.nowMs(), holder, taintAllowed: false });
      } catch (error) {
        must(false, `${name} is not valid in the hands of ${agent.name}: ${error}`);
      }
      count(used > 0 ? 'used' : 'unused');
    }
  }
  for (const ticketId of issued) {
    const names = holders.get(ticketId) ?? [];
    must(names.length === 1, `${short(ticketId)} is held by ${names.length === 0 ? 'nobody' : names.join(' and ')}`);
  }
  for (const ticketId of holders.keys()) must(issued.has(ticketId), `${short(ticketId)} was never issued`);
}

function restOf(agent: TrustedAgent): string {
  const { sessions, talks, transactions, underWay } = stateOf(agent);
  const open = [...transactions.values()].map(({ id, role, status }) => `${short(id)} ${role} ${status}`);
  return `${sessions.size} sessions, ${talks.size} talks, ${underWay.size} under way, ${open.join(', ')}`;
}
