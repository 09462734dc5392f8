/**
 * Receive Ticket at a door that has no session with the holder's device, and perhaps no network (US 5,671,280, figures 23 and 24, with a code in
 * place of the session): the code is checked against the lists and books that the door has, and what it lets in is marked and booked in
 * one step. The holder hears of the mark later (`told-marks.ts`), other doors when scans are compared.
 */
import { fromHex, toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import { formatAgentId } from '../message/agent-id.ts';
import { dayOf } from '../message/day.ts';
import { requireTrustedAgent, validateAgentCertificate } from '../message/validate-certificate.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import { type DoorReason, DoorRefusal } from '../ticket/door-reason.ts';
import type { Scan } from '../ticket/scan.ts';
import {
  inactivity,
  lastMark,
  readMark,
  type Standing,
  signMark,
  type TicketStatus,
  writeMark,
} from '../ticket/status.ts';
import { holderOf, type Ticket } from '../ticket/ticket.ts';
import { isCodeSigned, isForDoor, readCode, type TicketCode } from '../ticket/ticket-code.ts';
import { checkIssuer } from '../ticket/validate-ticket.ts';
import { statusToGoOnFrom } from './book-status.ts';
import { SCAN_KEY, voidedBy } from './door-state.ts';
import type { HostCommand } from './host-command.ts';
import { isBeingRaised } from './raising.ts';
import { readShownTicket } from './shown-ticket.ts';
import { showTicket, tellHost } from './to-host.ts';
import { log, ownKey, type Turn } from './turn.ts';

type ScanCommand = Extract<HostCommand, { type: 'scan' }>;

interface Shown {
  readonly code: TicketCode;
  readonly ticketId: string;
  readonly ticket: Ticket;
  readonly status: TicketStatus;
  readonly byIssuer: boolean;
}

/** The clock of the device that made the code, and this door's, may differ by so much. */
const clockErrorS = 30;

export function scan(turn: Turn, command: ScanCommand): void {
  ownKey(turn);
  const { matter } = command;
  let shown: Shown | undefined;
  try {
    shown = check(turn, command);
    requireGood(turn, shown);
    letIn(turn, command, shown);
  } catch (error) {
    if (!(error instanceof DoorRefusal)) throw error;
    const { reason, message } = error;
    const ticket = shown && showTicket(shown.ticket, shown.status);
    tellHost(turn, { type: 'turned-away', matter, reason, why: message.slice(0, 200), ...(ticket && { ticket }) });
    if (shown !== undefined) keepEvidence(turn, command, shown, reason);
  }
}

/** What is wrong with the code itself. @throws DoorRefusal */
function check(turn: Turn, { code: bytes, paperTaken }: ScanCommand): Shown {
  const { env, state } = turn;
  const code = readOrRefuse(bytes);
  const nowS = Math.floor(env.nowMs / 1000);
  const { holder, fromS, untilS, paper } = code;

  const { ticketId, ticket, status, byIssuer } = readTicket(turn, code);

  if (holderOf(ticket) !== holder.agentId) {
    throw new DoorRefusal('not-the-holder', `it belongs to ${formatAgentId(holderOf(ticket))}`);
  }
  try {
    // Paper outlives certificates: then the day on which it was printed counts.
    const onDay = paper === 1 ? Math.min(Math.floor(fromS / 86_400), dayOf(env.nowMs)) : dayOf(env.nowMs);
    validateAgentCertificate(holder, { lists: state.lists, onDay });
  } catch (cause) {
    throw new DoorRefusal('not-the-holder', "the certificate of the holder's device does not count", cause);
  }
  if (!isCodeSigned(code)) throw new DoorRefusal('not-the-holder', 'another device made this code');
  try {
    requireTrustedAgent(holder, state.lists);
  } catch (cause) {
    throw new DoorRefusal('untrusted-holder', `device ${formatAgentId(holder.agentId)} is not trusted`, cause);
  }

  if (untilS + clockErrorS < nowS) throw new DoorRefusal('stale-code', `it ran out ${nowS - untilS} s ago`);
  if (fromS - clockErrorS > nowS) throw new DoorRefusal('early-code', `it begins in ${fromS - nowS} s`);
  if (!isForDoor(code, ownKey(turn).certificate.agentId)) {
    throw new DoorRefusal('another-door', `it is for door ${formatAgentId(code.door!)}`);
  }
  if (paper === 1 && paperTaken !== 1) throw new DoorRefusal('paper-not-taken', 'a code on paper');
  return { code, ticketId, ticket, status, byIssuer };
}

function readOrRefuse(bytes: Uint8Array): TicketCode {
  try {
    return readCode(bytes);
  } catch (cause) {
    if (!(cause instanceof HandselError)) throw cause;
    throw new DoorRefusal('unreadable', 'this is no code of a ticket', cause);
  }
}

/** The ticket, valid for whoever it belongs to by its own history. @throws DoorRefusal */
function readTicket(turn: Turn, { ticket: bytes, mark, holder }: TicketCode) {
  let ticket: Ticket | undefined;
  try {
    ticket = decodeTicket(bytes);
    const peer = { type: 'agent', agentId: holderOf(ticket), certificate: holder } as const;
    return readShownTicket(turn, peer, { ticket: bytes, ...(mark && { mark }), taintAllowed: true });
  } catch (cause) {
    if (!(cause instanceof HandselError)) throw cause;
    throw new DoorRefusal(faultOf(turn, bytes, ticket), 'the ticket is not genuine', cause);
  }
}

/**
 * For the words at the door. Keys follow from signatures, so whatever is changed makes nothing fit; but who only changed a ticket has left the
 * issuer's certificate in it, and that this door may have met.
 */
function faultOf({ state, env }: Turn, bytes: Uint8Array, ticket: Ticket | undefined): DoorReason {
  const hex = toHex(bytes);
  const changed = [...state.door.issuersMet].some((signature) => hex.includes(signature));
  if (ticket === undefined) return changed ? 'altered' : 'forged';
  try {
    checkIssuer(ticket, { lists: state.lists, nowMs: env.nowMs });
    // The issue is genuine: it is the history, or the mark.
    return 'altered';
  } catch (cause) {
    const code = cause instanceof HandselError ? cause.code : '';
    if (code === 'PARTY_UNTRUSTED' || code === 'CERTIFICATE_UNFIT') return 'untrusted-issuer';
    return changed ? 'altered' : 'forged';
  }
}

const reasonOfInactivity: Readonly<Record<string, DoorReason>> = {
  ...{ expired: 'expired', used: 'used', suspended: 'suspended', revoked: 'revoked' },
  'in use': 'in-use',
};

/** What this door's books and lists say of a genuine ticket. @throws DoorRefusal */
export function requireGood({ state, env }: Turn, shown: Omit<Shown, 'code'>): void {
  const { ticketId, ticket } = shown;
  const { door } = state;
  const voided = voidedBy(door, ticketId, ticket.issuerCertificate.agentId);
  if (voided !== undefined) {
    const { standing } = readMark(voided.mark);
    throw new DoorRefusal(standing === 'suspended' ? 'suspended' : 'revoked', 'its issuer has said so');
  }
  const seen = door.seen.get(ticketId);
  if (seen !== undefined && seen.transfers > ticket.transfers.length) {
    throw new DoorRefusal('transferred-away', `${formatAgentId(seen.holder)} had it at ${timeOf(seen.atS)}`);
  }
  if (isBeingRaised(state, ticketId)) throw new DoorRefusal('in-use', 'it is being topped up');
  const status = statusToGoOnFrom(state.books, shown);
  // Somebody has marked it up to the end: there is no number for another mark.
  if (status.number + 1 >= lastMark) throw new DoorRefusal('used', 'it can be marked no more');
  const why = inactivity(ticket.body.components, status, Math.floor(env.nowMs / 1000));
  if (why === undefined) return;
  const reason = reasonOfInactivity[why] ?? 'used';
  if (reason === 'used' && seen !== undefined) {
    const whom = formatAgentId(seen.holder);
    throw new DoorRefusal('duplicate', `let in at ${timeOf(seen.atS)}, shown by device ${whom}`);
  }
  throw new DoorRefusal(reason, `the ticket is ${why}`);
}

const timeOf = (atS: number) => new Date(atS * 1000).toISOString().replace('.000', '');

function letIn(turn: Turn, { matter, code: bytes, units }: ScanCommand, shown: Shown) {
  const { code, ticketId, ticket } = shown;
  const { state, env, draft } = turn;
  const before = statusToGoOnFrom(state.books, shown);
  const atS = Math.floor(env.nowMs / 1000);
  const granted = before.remaining === undefined ? 0 : Math.min(before.remaining, units);
  const remaining = before.remaining === undefined ? undefined : before.remaining - granted;
  const standing: Standing = remaining === 0 ? 'used' : before.standing;
  const after = { standing, ...(remaining !== undefined && { remaining }), inUseUntilS: 0 };
  const mark = writeMark(
    signMark({ ticketId: fromHex(ticketId), number: before.number + 1, atS, ...after }, ownKey(turn)),
  );
  const holder = code.holder.agentId;
  draft.records.push({
    type: 'scanned',
    scan: { ticketId, ticket: code.ticket, code: bytes, mark, units: granted, atS },
    seen: { holder, transfers: ticket.transfers.length, atS },
  });
  const met = toHex(ticket.issuerCertificate.signature);
  if (!state.door.issuersMet.has(met)) draft.records.push({ type: 'issuer-met', signature: met });
  log(turn, {
    ...{ kind: 'accepted', peer: formatAgentId(holder), transaction: undefined, note: 'by a code' },
    before: [{ ticketId, ticket: code.ticket, mark: code.mark }],
    after: [{ ticketId, ticket: code.ticket, mark }],
  });
  draft.keys.push(SCAN_KEY);
  tellHost(turn, {
    ...{ type: 'let-in', matter, holder, units: granted, paper: code.paper },
    ticket: showTicket(ticket, { standing, remaining, inUseUntilS: 0, number: before.number + 1 }),
  });
}

function keepEvidence(turn: Turn, { code }: ScanCommand, { ticketId }: Shown, reason: DoorReason): void {
  const atS = Math.floor(turn.env.nowMs / 1000);
  turn.draft.records.push({ type: 'turned-away', ticketId: ticketId, code, reason, atS });
  turn.draft.keys.push(SCAN_KEY);
}

/** For what was presented in a session: it is a scan like any other to whoever compares doors. */
export function noteAdmission(
  turn: Turn,
  { ticketId, ticket: bytes, mark, units }: Pick<Scan, 'ticketId' | 'ticket' | 'mark' | 'units'>,
): void {
  const ticket = decodeTicket(bytes);
  const atS = Math.floor(turn.env.nowMs / 1000);
  turn.draft.records.push({
    type: 'scanned',
    scan: { ticketId, ticket: bytes, code: undefined, mark, units, atS },
    seen: { holder: holderOf(ticket), transfers: ticket.transfers.length, atS },
  });
  if (!turn.draft.keys.includes(SCAN_KEY)) turn.draft.keys.push(SCAN_KEY);
}
