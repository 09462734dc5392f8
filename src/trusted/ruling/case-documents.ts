/** What a complaint is made of, taken apart and checked as far as signatures and names go: the ground on which everybody judges. */
import { equalBytes, toHex } from '../../codec/hex.ts';
import { CryptographicError, HandselError } from '../../handsel-error.ts';
import { type Answer, answerType, type Claim, claimType, type PaymentEvidence } from '../message/dispute.ts';
import { readPaymentOrder } from '../message/payment-order.ts';
import { readDocument, requireGenuine, type SignedDocument } from '../message/signed-document.ts';
import {
  type TicketComplaint,
  type TicketReason,
  type TicketReasonCode,
  type TicketRuling,
  ticketRulingType,
} from '../message/ticket-ruling.ts';
import type { TrustLists } from '../message/trust-lists.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import { isMarkGenuine, readMark, type Standing } from '../ticket/status.ts';
import { holderOf, type Ticket, ticketIdOf } from '../ticket/ticket.ts';
import { validateTicket } from '../ticket/validate-ticket.ts';

export interface CaseDocuments {
  readonly complaint: SignedDocument<TicketComplaint>;
  readonly claim: SignedDocument<Claim>;
  readonly customer: number;
  readonly answer: SignedDocument<Answer> | undefined;
  /** For `not-followed`. */
  readonly ruling: SignedDocument<TicketRuling> | undefined;
  readonly ticket: Ticket | undefined;
  /** What the issuer's own mark says of it, if there is one. */
  readonly standing: Standing | undefined;
}

export type ReadCase =
  | { readonly type: 'sound'; readonly documents: CaseDocuments }
  | { readonly type: 'unsound'; readonly reason: TicketReason };

export const reason = (code: TicketReasonCode, text: string): TicketReason => ({ code, text: text.slice(0, 500) });

class Unsound extends Error {
  readonly code: TicketReasonCode;
  constructor(code: TicketReasonCode, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * @throws CryptographicError, TrustedError or MessageError when the complaint itself or its claim is signed by nobody who counts: there is no
 * case then
 */
export function readCase(complaint: SignedDocument<TicketComplaint>, lists: TrustLists): ReadCase {
  requireGenuine(complaint, lists);
  const claim = readDocument(claimType, complaint.value.claim);
  requireGenuine(claim, lists);
  const customer = agentOf(complaint);
  if (agentOf(claim) !== customer) throw new CryptographicError(new Error('somebody else complains than claims'));
  if (claim.value.merchant === customer) throw new TrustedError('COMPLAINT_UNFIT', 'it complains about itself');
  try {
    const answered = firstIn(complaint.value.first, claim, lists) ?? claim;
    const answer = answerIn(complaint.value.answer, answered, lists);
    const ruling = rulingIn(complaint.value.ruling, claim, lists);
    const ticket = ticketIn(claim, customer, lists);
    const standing = standingIn(claim, ticket);
    checkPayments(claim, customer, ticket);
    return { type: 'sound', documents: { complaint, claim, customer, answer, ruling, ticket, standing } };
  } catch (error) {
    if (!(error instanceof Unsound)) throw error;
    return { type: 'unsound', reason: reason(error.code, error.message) };
  }
}

/** The agent that signed. @throws CryptographicError when a server did */
export function agentOf({ by }: SignedDocument<unknown>): number {
  if (by.type !== 'agent') throw new CryptographicError(new Error('a server signed what is an agent’s to sign'));
  return by.certificate.agentId;
}

/** The claim that was answered, of the same dispute. */
function firstIn(
  bytes: Uint8Array | undefined,
  claim: SignedDocument<Claim>,
  lists: TrustLists,
): SignedDocument<Claim> | undefined {
  if (bytes === undefined) return undefined;
  return orUnsound('UNSIGNED', 'The first claim shown is not one of that dispute.', () => {
    const first = readDocument(claimType, bytes);
    requireGenuine(first, lists);
    const { number, merchant } = first.value;
    if (
      agentOf(first) !== agentOf(claim) ||
      toHex(number) !== toHex(claim.value.number) ||
      merchant !== claim.value.merchant
    ) {
      throw new TrustedError('COMPLAINT_UNFIT', 'a claim in another dispute');
    }
    return first;
  });
}

/** The answer that a merchant gave to a claim. @throws Unsound */
export function answerIn(
  bytes: Uint8Array | undefined,
  claim: SignedDocument<Claim>,
  lists: TrustLists,
): SignedDocument<Answer> | undefined {
  if (bytes === undefined) return undefined;
  return orUnsound('UNSIGNED', 'The answer shown is not one of that merchant to that claim.', () => {
    const answer = readDocument(answerType, bytes);
    requireGenuine(answer, lists);
    const fits = agentOf(answer) === claim.value.merchant && equalBytes(answer.value.claim, claim.digest);
    if (!fits) throw new TrustedError('COMPLAINT_UNFIT', 'an answer to something else');
    return answer;
  });
}

function rulingIn(
  bytes: Uint8Array | undefined,
  claim: SignedDocument<Claim>,
  lists: TrustLists,
): SignedDocument<TicketRuling> | undefined {
  if (bytes === undefined) return undefined;
  return orUnsound('UNSIGNED', 'The ruling shown is not one of a trusted server about that purchase.', () => {
    const ruling = readRuling(bytes, lists);
    const { merchant, customer } = ruling.value;
    if (merchant !== claim.value.merchant || customer !== agentOf(claim)) {
      throw new TrustedError('COMPLAINT_UNFIT', 'a ruling about others');
    }
    return ruling;
  });
}

/** @throws CryptographicError, TrustedError or MessageError unless a trusted server signed it */
export function readRuling(bytes: Uint8Array, lists: TrustLists): SignedDocument<TicketRuling> {
  const ruling = readDocument(ticketRulingType, bytes);
  requireGenuine(ruling, lists);
  if (ruling.by.type !== 'server' || ruling.by.certificate.serverId !== ruling.value.server) {
    throw new CryptographicError(new Error('a ruling that no trusted server signed'));
  }
  return ruling;
}

function ticketIn({ value }: SignedDocument<Claim>, customer: number, lists: TrustLists): Ticket | undefined {
  if (value.ticket === undefined) return undefined;
  const bytes = value.ticket;
  const ticket = orUnsound('TICKET_INVALID', 'What is shown is no ticket.', () => decodeTicket(bytes));
  if (holderOf(ticket) !== customer) throw new Unsound('NOT_THE_HOLDER', 'The ticket belongs to somebody else.');
  const validation = { lists, nowMs: value.atMs, holder: customer, taintAllowed: true, fallenAllowed: true };
  orUnsound('TICKET_INVALID', 'The ticket is not genuine.', () => validateTicket(ticket, validation));
  if (ticket.issuerCertificate.agentId !== value.merchant) {
    throw new Unsound('TICKET_INVALID', 'The ticket is not one of that merchant.');
  }
  return ticket;
}

function standingIn({ value }: SignedDocument<Claim>, ticket: Ticket | undefined): Standing | undefined {
  if (value.mark === undefined) return undefined;
  const bytes = value.mark;
  return orUnsound('TICKET_INVALID', 'The mark on the ticket is not genuine.', () => {
    const mark = readMark(bytes);
    const fits = ticket !== undefined && toHex(mark.ticketId) === ticketIdOf(ticket) && isMarkGenuine(mark);
    if (!fits) throw new TrustedError('TICKET_INVALID', 'a mark on something else');
    return mark.acceptor.agentId === ticket.issuerCertificate.agentId ? mark.standing : undefined;
  });
}

/** What is said to be a payment has to be one by this customer to this merchant, for this ticket. */
function checkPayments({ value }: SignedDocument<Claim>, customer: number, ticket: Ticket | undefined): void {
  const { payment, second, merchant } = value;
  for (const evidence of [payment, second]) {
    const wrong = evidence && faultOfPayment(evidence, { payer: customer, payee: merchant, ticket });
    if (wrong !== undefined) throw new Unsound('NOT_PAID', `The payment shown does not fit: ${wrong}.`);
  }
}

interface PaymentEnds {
  readonly payer: number;
  readonly payee: number;
  readonly ticket: Ticket | undefined;
  /** Of a refund: the transaction that is paid back. */
  readonly refundOf?: Uint8Array;
}

/** What is wrong with the order of a payment by card; a payment by module has none, and its receipt is for its port to judge. */
export function faultOfPayment(
  { order, way, amount, transaction }: PaymentEvidence,
  { payer, payee, ticket, refundOf }: PaymentEnds,
): string | undefined {
  if (way === 'module' && order === undefined) return undefined;
  if (order === undefined) return 'the customer’s order is missing';
  try {
    const read = readPaymentOrder(order);
    if (read.payer.agentId !== payer || read.payee !== payee) return 'it is between others';
    if (!equalBytes(read.transaction, transaction)) return 'the order is for another transaction';
    if (read.amount.currency !== amount.currency || read.amount.minor !== amount.minor) return 'another amount';
    if (ticket !== undefined && toHex(read.ticketId) !== ticketIdOf(ticket)) return 'it is for another ticket';
    if (toHex(read.refundOf ?? new Uint8Array()) !== toHex(refundOf ?? new Uint8Array())) {
      return refundOf === undefined ? 'it is a refund' : 'it is no refund of that payment';
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof HandselError)) throw error;
    return 'the order is not signed';
  }
}

const isBackByModule = (refund: PaymentEvidence, paid: PaymentEvidence) =>
  refund.way === 'module' &&
  paid.way === 'module' &&
  refund.amount.currency === paid.amount.currency &&
  refund.amount.minor === paid.amount.minor &&
  !equalBytes(refund.transaction, paid.transaction);

/** Whether a refund is one of the payment that is claimed. */
export function isRefundOf({ claim, customer, ticket }: CaseDocuments, refund: PaymentEvidence): boolean {
  const { payment, second, merchant, about } = claim.value;
  const paid = about === 'paid-twice' ? [payment, second] : [payment];
  return paid.some((one) => {
    // Between money modules nobody signs an order: the merchant's agent has it from its own module, and says so.
    if (refund.order === undefined) return one !== undefined && isBackByModule(refund, one);
    const ends = one && { payer: customer, payee: merchant, ticket, refundOf: one.transaction };
    return ends !== undefined && faultOfPayment(refund, ends) === undefined;
  });
}

function orUnsound<T>(code: TicketReasonCode, text: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof HandselError)) throw error;
    throw new Unsound(code, text);
  }
}
