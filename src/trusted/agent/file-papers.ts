/**
 * Commercial papers are filed by the agents that write and receive them, in the same step in which they become the other's. Each paper has the
 * order it is about reconciled anew; a vendor's agent marks the order that it holds (on order, invoiced, paid), and both host sides are told.
 */
import { fromHex } from '../../codec/hex.ts';
import type { OrderAccount } from '../paper/account.ts';
import { isPaper, type Paper, paperOf } from '../paper/paper.ts';
import { reconcile } from '../paper/reconcile.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import { readMark, signMark, statusOf, writeMark } from '../ticket/status.ts';
import type { Changes } from './agent-record.ts';
import type { HeldTicket, Transaction } from './agent-state.ts';
import { issuedIn, type Leg, readUnsigned } from './leg.ts';
import { tellHost } from './to-host.ts';
import { ownKey, type Turn } from './turn.ts';

/** Beyond this many those of settled orders are dropped, then the oldest: Tran Log has them all. */
const maxPapers = 2000;
/** What To Host has room for. */
const maxFindings = 20;

export function filePapers(turn: Turn, transaction: Transaction, { put }: Changes): void {
  const { legs, deeds, peer, matter } = transaction;
  if (!legs.some(bringsPaper)) return;
  const tickets = [...put.map(({ bytes }) => decodeTicket(bytes)), ...issuedIn(legs, deeds)];
  const papers = tickets.flatMap((ticket) => paperOf(ticket) ?? []);
  const all = new Map([...turn.state.papers.values(), ...papers].map((paper) => [paper.id, paper]));
  const withPeer = [...all.values()].filter(({ issuer, receiver }) => [issuer, receiver].includes(peer.agentId));
  const before = reconcile(withPeer.filter(({ id }) => turn.state.papers.has(id)));
  const after = reconcile(withPeer);
  const changed = after.accounts.filter((account) => !isAmong(account, before.accounts));
  const marked = changed.flatMap((account) => markOrder(turn, account, put));
  turn.draft.records.push({ type: 'filed', papers, dropped: dropped(all, after.accounts), marked });
  for (const { reference, standing, verdict, missing, contradictions } of changed) {
    tellHost(turn, {
      ...{ type: 'account', matter, peer: peer.agentId, reference, standing, verdict },
      ...{ missing: textsOf(missing), contradictions: textsOf(contradictions) },
    });
  }
  const stray = after.stray.filter((one) => one.papers.some((id) => papers.some((paper) => paper.id === id)));
  if (stray.length === 0) return;
  tellHost(turn, {
    ...{ type: 'account', matter, peer: peer.agentId, verdict: 'contradicted' },
    ...{ missing: [], contradictions: textsOf(stray) },
  });
}

const textsOf = (findings: readonly { readonly text: string }[]) =>
  findings.slice(-maxFindings).map(({ text }) => text.slice(0, 500));

function bringsPaper(leg: Leg): boolean {
  if (leg.type === 'take' || leg.type === 'give') {
    if (leg.ticket.type === 'transfer') return false;
    const unsigned = readUnsigned(leg.ticket);
    return unsigned.type === 'issue' && isPaper(unsigned.body.components);
  }
  return false;
}

function isAmong(account: OrderAccount, known: readonly OrderAccount[]): boolean {
  const same = known.find(({ order }) => order === account.order);
  return same !== undefined && tellable(same) === tellable(account);
}

const tellable = ({ standing, verdict, missing, contradictions }: OrderAccount) =>
  JSON.stringify([standing, verdict, missing, contradictions]);

/** The order as it stands now, if this agent holds it and is its vendor's. */
function markOrder(turn: Turn, { order, standing }: OrderAccount, put: readonly HeldTicket[]): readonly HeldTicket[] {
  const key = ownKey(turn);
  const held = put.find(({ id }) => id === order) ?? turn.state.tickets.get(order);
  if (held === undefined || held.status.standing === standing || key.certificate.kind === 'customer') return [];
  if (decodeTicket(held.bytes).receiver !== key.certificate.agentId) return [];
  const claims = {
    ...{ ticketId: fromHex(order), number: held.status.number + 1, standing, inUseUntilS: 0 },
    atS: Math.floor(turn.env.nowMs / 1000),
  };
  const mark = writeMark(signMark(claims, key));
  return [{ ...held, mark, status: statusOf(readMark(mark)) }];
}

function dropped(all: ReadonlyMap<string, Paper>, accounts: readonly OrderAccount[]): readonly string[] {
  const excess = all.size - maxPapers;
  if (excess <= 0) return [];
  const settled = new Set(accounts.filter(({ verdict }) => verdict === 'matched').map(({ order }) => order));
  const ids = [...all.keys()];
  return [...ids.filter((id) => settled.has(id)), ...ids.filter((id) => !settled.has(id))].slice(0, excess);
}
