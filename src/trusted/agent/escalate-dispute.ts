/**
 * Before a trusted server (US 5,671,280, "Disputes"): the customer's agent complains with claim and answer, the merchant's agent is heard, and both take
 * the ruling. The complaint goes to the server that certified this agent, sealed to it.
 */
import { toHex } from '../../codec/hex.ts';
import { compactKeyOf } from '../../crypto/compact-key.ts';
import type { Outcome } from '../../journal/machine.ts';
import { claimType } from '../message/dispute.ts';
import { decodeTrustedAnswer, encodeTrustedMessage } from '../message/envelope.ts';
import { readPaymentOrder } from '../message/payment-order.ts';
import {
  readDocument,
  type SignedDocument,
  sealDocument,
  signDocument,
  unsealDocument,
} from '../message/signed-document.ts';
import {
  decodeTicketBundle,
  type TicketComplaint,
  type TicketRuling,
  ticketAppealType,
  ticketBundleType,
  ticketComplaintType,
  ticketRulingType,
} from '../message/ticket-ruling.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { verifyTicketRuling } from '../ruling/verify-ticket-ruling.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import { ticketIdOf } from '../ticket/ticket.ts';
import { disputeOf, isBeingSettled, keepDispute, logDispute, pursueTimer } from './dispute-log.ts';
import type { Dispute } from './dispute-state.ts';
import type { HostCommand } from './host-command.ts';
import { tellHost } from './to-host.ts';
import { settle } from './transaction.ts';
import { ownKey, type Turn } from './turn.ts';

type CommandOf<K extends HostCommand['type']> = Extract<HostCommand, { type: K }>;

/** Keys that a document may have been sealed to. */
export function ownKeys({ state }: Turn) {
  const { identity } = state;
  const scalars = identity.type === 'certified' ? [identity.scalar, ...identity.former] : [];
  return scalars.map((scalar) => compactKeyOf(scalar).privateKey);
}

/**
 * The command `escalate`: after a denial, after silence, or when nothing came of what was granted or ruled. @throws TrustedError `DISPUTE_UNKNOWN`,
 * `COMMAND_UNTIMELY`
 */
export function escalate(turn: Turn, { number, route, statement }: CommandOf<'escalate'>): void {
  const known = disputeOf(turn, number, 'customer');
  const { nowMs } = turn.env;
  if (isBeingSettled(turn, number)) throw new TrustedError('COMMAND_UNTIMELY', 'it is about to be settled');
  const bundle = known.bundle === undefined ? undefined : decodeTicketBundle(known.bundle);
  const unfollowed = known.status === 'granted' || known.status === 'ruled';
  // The owner of this device cannot say so before its agent has asked for the money in vain.
  if (unfollowed && known.attempts === 0) throw new TrustedError('COMMAND_UNTIMELY', 'collect it first');
  const silent = known.status === 'open' && known.openedAtMs + turn.settings.pace.disputeMs <= nowMs;
  if (!unfollowed && !silent && known.status !== 'denied') {
    throw new TrustedError('COMMAND_UNTIMELY', 'the merchant’s time to answer is not over');
  }
  const { certificate, privateKey } = ownKey(turn);
  const by = { type: 'agent', certificate, privateKey } as const;
  const old = readDocument(claimType, known.claim).value;
  // What was to be paid back is not about the object any more.
  const { object: _, ...about } = old;
  const claim = unfollowed
    ? signDocument(claimType, { ...about, about: 'not-followed', statement, atMs: nowMs }, by)
    : known.claim;
  const complaint = signDocument(
    ticketComplaintType,
    {
      ...{ claim, statement, merchant: known.peer.certificate, merchantRoute: known.route!, atMs: nowMs },
      ...(known.answer && { answer: known.answer }),
      ...(unfollowed && { first: known.claim }),
      ...(bundle && unfollowed && { ruling: bundle.ruling }),
      ...(turn.settings.replyTo === undefined ? {} : { replyTo: turn.settings.replyTo }),
    },
    by,
  );
  const sealed = sealDocument(ticketComplaintType, complaint, {
    certificate: certificate.server,
    random: turn.env.random,
  });
  const escalated: Dispute = { ...known, status: 'escalated', attempts: 0 };
  keepDispute(turn, escalated);
  logDispute(turn, escalated, `escalated: ${statement}`);
  turn.draft.clearTimers.push(pursueTimer(number));
  turn.draft.send.push({
    ...{ id: `complaint/${number}/${nowMs}`, to: route, kind: 'TrustedComplaint' },
    body: encodeTrustedMessage({ type: 'complaint', sealed }),
  });
}

/** `complaint/NUMBER/…` or `ask-ruling/NUMBER/…`: what came back. @throws HandselError when it is of no use: it is asked for again */
export function hearComplaintAnswer(turn: Turn, messageId: string, outcome: Outcome): void {
  const [kind, number = ''] = messageId.split('/');
  const known = turn.state.disputes.byNumber.get(number);
  if (known?.side !== 'customer') return;
  if (outcome.type === 'answered') {
    const answer = decodeTrustedAnswer(outcome.body);
    if (answer.type !== 'ruled') throw new TrustedError('RULING_UNFIT', 'no ruling came back');
    takeRuling(turn, known, openBundle(turn, answer.sealed));
    return;
  }
  const why = outcome.type === 'refused' ? outcome.code : 'no answer';
  tellHost(turn, { type: 'failed', matter: known.matter, why });
  if (kind !== 'complaint' || known.status !== 'escalated') return;
  // As it was before: it may be complained about again.
  const status = known.bundle !== undefined ? 'ruled' : known.answer === undefined ? 'open' : 'denied';
  keepDispute(turn, { ...known, status, attempts: 1 });
}

const openBundle = (turn: Turn, sealed: Uint8Array) => unsealDocument(ticketBundleType, sealed, ownKeys(turn));

/** A bundle came, as the answer or by itself. @throws HandselError for one that is not right: evidence is checked here, too */
function takeRuling(turn: Turn, known: Dispute, bytes: Uint8Array): void {
  const { ruling } = verifyTicketRuling(decodeTicketBundle(bytes), { lists: turn.state.lists });
  if (toHex(ruling.number) !== known.number) throw new TrustedError('RULING_UNFIT', 'a ruling on another dispute');
  const other = known.side === 'customer' ? ruling.merchant : ruling.customer;
  if (other !== known.peer.agentId) throw new TrustedError('RULING_UNFIT', 'a ruling about others');
  const settled = known.status === 'refunded' || known.status === 'replaced';
  // A merchant's goes on where it was: only a final ruling, brought by the customer's agent, changes it.
  const moved = known.side === 'customer' && !settled ? { status: 'ruled' as const } : {};
  const ruled: Dispute = { ...known, bundle: bytes, ...moved };
  keepDispute(turn, ruled);
  const { outcome, reasons, finalAtMs } = ruling;
  logDispute(turn, ruled, `ruled: ${outcome}, ${reasons.at(-1)!.code}`);
  const { matter, number } = known;
  const reason = reasons.at(-1)!;
  tellHost(turn, {
    ...{ type: 'ruled', matter, number, case: ruling.case, outcome, finalAtMs, bundle: bytes },
    ...{ code: reason.code, reason: reason.text },
  });
  if (known.side === 'customer' && outcome === 'released') takeReleased(turn, known, ruling);
}

/** The ticket that did not come, with its deed: for the transaction in which this agent has voted, and for nothing else. */
function takeReleased(turn: Turn, { payment }: Dispute, { ticket: bytes }: TicketRuling): void {
  const transaction = payment && turn.state.transactions.get(toHex(payment.transaction));
  if (bytes === undefined || payment?.order === undefined || transaction?.status !== 'voted') return;
  const ticket = decodeTicket(bytes);
  if (ticketIdOf(ticket) !== toHex(readPaymentOrder(payment.order).ticketId)) return;
  settle(turn, transaction, [ticket.issuerSignature]);
}

/** A trusted server sends a ruling by itself: to a merchant, or after an appeal. @throws HandselError */
export function hearRuling(turn: Turn, sealed: Uint8Array): void {
  const bytes = openBundle(turn, sealed);
  const complaint = readDocument(ticketComplaintType, decodeTicketBundle(bytes).complaint);
  const number = toHex(readDocument(claimType, complaint.value.claim).value.number);
  const known = turn.state.disputes.byNumber.get(number);
  if (known !== undefined) {
    takeRuling(turn, known, bytes);
    return;
  }
  // A dispute that never reached this agent: its owner may still appeal, and has to follow.
  takeRuling(turn, unheard(turn, complaint), bytes);
}

function unheard(turn: Turn, { value, by }: SignedDocument<TicketComplaint>): Dispute {
  const claim = readDocument(claimType, value.first ?? value.claim).value;
  if (by.type !== 'agent' || claim.merchant !== ownKey(turn).certificate.agentId) {
    throw new TrustedError('RULING_UNFIT', 'a ruling about others');
  }
  const { certificate } = by;
  return {
    ...{
      number: toHex(claim.number),
      side: 'merchant',
      peer: { type: 'agent', agentId: certificate.agentId, certificate },
    },
    ...{ matter: '', about: claim.about, status: 'open', claim: value.first ?? value.claim, answer: undefined },
    ...{ ticketId: claim.ticket && ticketIdOf(decodeTicket(claim.ticket)), payment: claim.payment, refund: undefined },
    ...{ offer: { refund: undefined, replacement: false }, choice: undefined, route: undefined, callAbout: '' },
    ...{ attempts: 0, openedAtMs: turn.env.nowMs, bundle: undefined },
  };
}

/** The command `appeal`. @throws TrustedError `DISPUTE_UNKNOWN`, `COMMAND_UNTIMELY` */
export function appeal(turn: Turn, { number, route, statement }: CommandOf<'appeal'>): void {
  const known = turn.state.disputes.byNumber.get(number);
  if (known?.bundle === undefined) throw new TrustedError('DISPUTE_UNKNOWN', 'no ruling on that is known');
  const ruling = readDocumentOfBundle(known.bundle);
  if (ruling.value.finalAtMs <= turn.env.nowMs) throw new TrustedError('COMMAND_UNTIMELY', 'the ruling is final');
  if (ruling.by.type !== 'server') throw new TrustedError('RULING_UNFIT', 'no server signed it');
  const { certificate, privateKey } = ownKey(turn);
  const value = { case: ruling.value.case, statement, atMs: turn.env.nowMs };
  const document = signDocument(ticketAppealType, value, { type: 'agent', certificate, privateKey });
  const sealed = sealDocument(ticketAppealType, document, {
    certificate: ruling.by.certificate,
    random: turn.env.random,
  });
  logDispute(turn, known, `appealed: ${statement}`);
  turn.draft.send.push({
    ...{ id: `appeal/${number}`, to: route, kind: 'TrustedAppeal', expiresAtMs: ruling.value.finalAtMs },
    body: encodeTrustedMessage({ type: 'appeal', sealed }),
  });
}

/** The server has it: until it has decided once more, the first ruling is not to be followed. */
export function hearAppealAnswer(turn: Turn, messageId: string, outcome: Outcome): void {
  const known = turn.state.disputes.byNumber.get(messageId.split('/')[1] ?? '');
  if (known === undefined) return;
  if (outcome.type === 'answered') keepDispute(turn, { ...known, appealed: true });
  else
    tellHost(turn, {
      type: 'failed',
      matter: known.matter,
      why: outcome.type === 'refused' ? outcome.code : 'no answer',
    });
}

const readDocumentOfBundle = (bundle: Uint8Array) => readDocument(ticketRulingType, decodeTicketBundle(bundle).ruling);

/** The command `ask-ruling`: whether it was changed, for a device that cannot be called. @throws TrustedError `DISPUTE_UNKNOWN` */
export function askRuling(turn: Turn, { number, route }: CommandOf<'ask-ruling'>): void {
  const known = disputeOf(turn, number, 'customer');
  if (known.bundle === undefined) throw new TrustedError('DISPUTE_UNKNOWN', 'no ruling on that is known');
  const of = readDocumentOfBundle(known.bundle).value.case;
  turn.draft.send.push({
    ...{ id: `ask-ruling/${number}/${turn.env.nowMs}`, to: route, kind: 'TrustedAskRuling' },
    ...{ expiresAtMs: turn.env.nowMs + 60_000, body: encodeTrustedMessage({ type: 'ask-ruling', case: of }) },
  });
}
