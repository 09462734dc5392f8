/**
 * Compares what several doors let in while they could not ask each other: which tickets let more in than they are worth, the proofs of both
 * sides for each, and whose doing it was as far as the proofs say. Nothing of a file is believed that is not signed.
 */
import { toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import { type AgentId, formatAgentId } from '../message/agent-id.ts';
import { dayOf } from '../message/day.ts';
import type { TrustLists } from '../message/trust-lists.ts';
import { validateAgentCertificate } from '../message/validate-certificate.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import { unitsOf } from '../ticket/components.ts';
import { isMarkGenuine, readMark } from '../ticket/status.ts';
import { holderOf, type Ticket, ticketIdOf } from '../ticket/ticket.ts';
import { isCodeSigned, readCode } from '../ticket/ticket-code.ts';
import { validateTicket } from '../ticket/validate-ticket.ts';
import type { ScanFile } from './scan-file.ts';

export interface Admission {
  readonly door: AgentId;
  readonly doorName: string;
  /** Unix seconds, by the door's clock. */
  readonly atS: number;
  readonly holder: AgentId;
  readonly how: 'code' | 'paper' | 'session';
  readonly units: number;
  readonly ticket: Uint8Array;
  readonly code: Uint8Array | undefined;
  readonly mark: Uint8Array;
}

export interface DoubleAdmission {
  readonly ticketId: string;
  readonly ticket: Ticket;
  /** What it was worth when it was issued, and what it was let in for. */
  readonly worth: number;
  readonly used: number;
  /** The earliest first. */
  readonly admissions: readonly Admission[];
  /** What the proofs say of how it came about. */
  readonly finding: string;
}

export interface Comparison {
  readonly admissions: number;
  readonly tickets: number;
  readonly doubles: readonly DoubleAdmission[];
  /** Entries that prove nothing, by file. */
  readonly worthless: readonly { readonly door: string; readonly why: string }[];
}

export function compareDoors(
  files: readonly ScanFile[],
  { lists, nowMs }: { readonly lists: TrustLists; readonly nowMs: number },
): Comparison {
  const byTicket = new Map<string, { ticket: Ticket; admissions: Map<string, Admission> }>();
  const worthless: { door: string; why: string }[] = [];
  for (const file of files) {
    for (const scan of file.scans) {
      try {
        const { ticketId, ticket, admission } = readScan(file, scan, { lists, nowMs });
        const known = byTicket.get(ticketId);
        const { admissions } = known ?? { admissions: new Map<string, Admission>() };
        // A file of the same door given twice is the same admission.
        admissions.set(toHex(admission.mark), admission);
        const longer = known === undefined || ticket.transfers.length > known.ticket.transfers.length;
        byTicket.set(ticketId, { admissions, ticket: longer ? ticket : known.ticket });
      } catch (error) {
        if (!(error instanceof HandselError)) throw error;
        worthless.push({ door: file.name, why: error.code });
      }
    }
  }
  const all = [...byTicket].map(([ticketId, { ticket, admissions }]) => ({
    ...{ ticketId, ticket },
    admissions: [...admissions.values()].sort((a, b) => a.atS - b.atS),
  }));
  return {
    admissions: all.reduce((sum, { admissions }) => sum + admissions.length, 0),
    tickets: all.length,
    doubles: all.flatMap((one) => doubleOf(one)),
    worthless,
  };
}

type Entry = ScanFile['scans'][number];

/** @throws HandselError for an entry that its door or its holder did not sign */
function readScan(file: ScanFile, { ticket: bytes, code: codeBytes, mark: markBytes, units }: Entry, trust: Trust) {
  const ticket = decodeTicket(bytes);
  const holder = holderOf(ticket);
  validateTicket(ticket, { ...trust, holder, taintAllowed: true });
  const ticketId = ticketIdOf(ticket);

  const mark = readMark(markBytes);
  validateAgentCertificate(mark.acceptor, {
    lists: trust.lists,
    onDay: Math.min(dayOf(mark.atS * 1000), dayOf(trust.nowMs)),
  });
  if (!isMarkGenuine(mark) || toHex(mark.ticketId) !== ticketId || mark.acceptor.agentId !== file.door) {
    throw new HandselError('SCAN_WORTHLESS', 'the door did not sign it');
  }

  const code = codeBytes === undefined ? undefined : readCode(codeBytes);
  if (code !== undefined && (!isCodeSigned(code) || code.holder.agentId !== holder || !sameBytes(code.ticket, bytes))) {
    throw new HandselError('SCAN_WORTHLESS', 'the holder did not sign it');
  }
  const how = code === undefined ? 'session' : code.paper === 1 ? 'paper' : 'code';
  const admission: Admission = {
    ...{ door: file.door, doorName: file.name, atS: mark.atS, holder, how, units, ticket: bytes },
    ...{ code: codeBytes, mark: markBytes },
  };
  return { ticketId, ticket, admission };
}

interface Trust {
  readonly lists: TrustLists;
  readonly nowMs: number;
}

const sameBytes = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

interface Seen {
  readonly ticketId: string;
  /** With the longest history that was seen. */
  readonly ticket: Ticket;
  readonly admissions: readonly Admission[];
}

function doubleOf({ ticketId, ticket, admissions }: Seen): readonly DoubleAdmission[] {
  const issued = unitsOf(ticket.body.components);
  // What is not used up may be shown as often as one likes.
  if (issued === undefined) return [];
  // The issuer may have raised the value, and nobody else: the highest that it left counts, with what was taken there.
  const raised = admissions.filter(({ door }) => door === ticket.issuerCertificate.agentId);
  const worth = Math.max(issued, ...raised.map(({ mark, units }) => (readMark(mark).remaining ?? 0) + units));
  const used = admissions.reduce((sum, { units }) => sum + units, 0);
  if (used <= worth) return [];
  return [{ ticketId, ticket, worth, used, admissions, finding: findingOf(ticket, admissions) }];
}

function findingOf(ticket: Ticket, admissions: readonly Admission[]): string {
  const codes = admissions.flatMap(({ code }) => (code === undefined ? [] : [toHex(code)]));
  if (new Set(codes).size < codes.length) {
    const paper = admissions.some(({ how }) => how === 'paper');
    return paper
      ? 'the same code on paper was shown at both: whoever has a copy of the paper can do that'
      : 'the same code was shown at both within its minute: it was photographed or sent on';
  }
  const holders = [...new Set(admissions.map(({ holder }) => holder))];
  if (holders.length === 1) {
    return `device ${formatAgentId(holders[0]!)} or a copy of it made more than one: its owner is to have it looked at`;
  }
  for (const { senderCertificate, receiver, atS } of ticket.transfers) {
    const sender = senderCertificate.agentId;
    const after = admissions.find(({ holder, atS: usedS }) => holder === sender && usedS >= atS);
    if (after !== undefined) {
      return `device ${formatAgentId(sender)} used it after it had given it to ${formatAgentId(receiver)}`;
    }
    const before = admissions.find(({ holder, atS: usedS }) => holder === sender && usedS < atS);
    if (before !== undefined) {
      return `device ${formatAgentId(sender)} gave it to ${formatAgentId(receiver)} after it had used it`;
    }
  }
  return `it was given to more than one: ${holders.map(formatAgentId).join(', ')}`;
}
