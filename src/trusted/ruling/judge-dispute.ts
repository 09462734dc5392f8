/**
 * What evidence alone decides in a dispute over merchandise: pure, and the same for everybody. A trusted server rules with it, and anyone with the
 * bundle judges again (`verify-ticket-ruling.ts`).
 */
import { equalBytes, toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import type { PaymentEvidence } from '../message/dispute.ts';
import { readPaymentOrder } from '../message/payment-order.ts';
import type { SignedDocument } from '../message/signed-document.ts';
import {
  type RulingBreach,
  type RulingOutcome,
  TICKET_REASONS,
  type TicketReason,
  type TicketStatement,
} from '../message/ticket-ruling.ts';
import type { TrustLists } from '../message/trust-lists.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import type { Components } from '../ticket/components.ts';
import { holderOf, type Ticket, ticketIdOf } from '../ticket/ticket.ts';
import { validateTicket } from '../ticket/validate-ticket.ts';
import { type CaseDocuments, isRefundOf, reason } from './case-documents.ts';
import { judgeObject } from './judge-object.ts';

/** Whether a payment was made, by whoever can tell: a card network's receipt, or its answer. `unknown`: nobody can tell, so the logs count. */
export type PaymentFact = 'paid' | 'not-paid' | 'unknown';

export interface Hearing {
  /** What the merchant said, if it said anything. */
  readonly statement: SignedDocument<TicketStatement> | undefined;
  /** It has spoken, or its time is over. */
  readonly over: boolean;
  /** Whether the merchant was asked where it said itself that it is reached; else what follows from its silence is for a person to find out. */
  readonly silenceCounts: boolean;
  readonly lists: TrustLists;
  readonly paymentFact: (evidence: PaymentEvidence) => PaymentFact;
}

export type Judgement =
  /** The last reason decides. `ticket`: what is released. */
  | { readonly type: 'decided'; readonly reasons: readonly TicketReason[]; readonly ticket?: Uint8Array }
  /** The merchant is to be heard first. */
  | { readonly type: 'hearing' }
  /** Only eyes can tell. */
  | { readonly type: 'seeing'; readonly reasons: readonly TicketReason[] };

export function judgeDispute(documents: CaseDocuments, hearing: Hearing): Judgement {
  const early = fromTheComplaint(documents, hearing);
  if (early !== undefined) return { type: 'decided', reasons: [early] };
  if (!hearing.over) return { type: 'hearing' };

  const { statement } = hearing;
  const refund = statement?.value.refund;
  if (refund !== undefined && isRefundOf(documents, refund) && hearing.paymentFact(refund) !== 'not-paid') {
    return decided([], reason('SETTLED_ALREADY', 'The merchant has paid it back already.'));
  }
  const found = findings(documents, statement);
  const { about } = documents.claim.value;
  const unproved = statement === undefined && !hearing.silenceCounts;
  if (about === 'not-delivered') return judgeDelivery(documents, hearing, unproved);
  if (about === 'not-followed' && unproved) return { type: 'seeing', reasons: found };
  if (about === 'not-followed') return judgeFollowing(documents, statement, found);
  const certain = fromTheMerchandise(documents);
  if (certain !== undefined) return decided(found, certain);
  if (statement?.value.stand === 'concedes') {
    return decided(found, reason('MERCHANT_CONCEDES', 'The merchant agrees to a refund.'));
  }
  if (statement === undefined && documents.answer === undefined && !unproved) {
    const text = 'The merchant answered neither the customer nor this server before its time was over.';
    return decided(found, reason('MERCHANT_SILENT', text));
  }
  return { type: 'seeing', reasons: found };
}

const decided = (found: readonly TicketReason[], last: TicketReason): Judgement => ({
  ...{ type: 'decided', reasons: [...found, last] },
});

/** What needs no hearing. */
function fromTheComplaint(documents: CaseDocuments, { paymentFact }: Hearing): TicketReason | undefined {
  const { claim, ruling, answer, ticket, standing, complaint } = documents;
  const { about, payment, second } = claim.value;
  if (payment === undefined) return reason('NOT_PAID', 'The customer’s log shows no payment for it.');
  if (about === 'not-followed') {
    const owed = ruling === undefined ? answer?.value.outcome === 'granted' : isOwed(ruling.value.outcome);
    const dueMs = ruling?.value.finalAtMs ?? 0;
    if (!owed || complaint.value.atMs < dueMs) {
      return reason('NOT_OWED', 'Nothing was promised or ordered that should have been paid by now.');
    }
  } else if (about === 'not-delivered') {
    if (ticket !== undefined) return reason('SETTLED_ALREADY', 'The ticket that is said to be missing is shown.');
    if (paymentFact(payment) === 'not-paid') return reason('NOT_PAID', 'It was not paid, by the word of whoever pays.');
    return undefined;
  } else if (ticket === undefined) {
    return reason('TICKET_INVALID', 'No ticket is shown for what is complained about.');
  }
  if (standing === 'revoked') return reason('SETTLED_ALREADY', 'The ticket was given back to the merchant.');
  if (paymentFact(payment) === 'not-paid') return reason('NOT_PAID', 'It was not paid, by the word of whoever pays.');
  if (about === 'paid-twice') {
    const twice =
      second !== undefined && !equalBytes(second.transaction, payment.transaction) && isForTheSame(payment, second);
    if (!twice || paymentFact(second) === 'not-paid') {
      return reason('PAID_ONCE', 'What is shown are not two payments for one ticket.');
    }
  }
  const certain = fromTheMerchandise(documents);
  return certain !== undefined && TICKET_REASONS[certain.code].outcome === 'dismissed' ? certain : undefined;
}

const isOwed = (outcome: RulingOutcome) => outcome === 'refund' || outcome === 'replacement';

function isForTheSame(...payments: readonly PaymentEvidence[]): boolean {
  const [one, other] = payments.map(({ order }) =>
    order === undefined ? '' : toHex(readPaymentOrder(order).ticketId),
  );
  return one !== '' && one === other;
}

/** What the signed merchandise itself shows. */
function fromTheMerchandise({ claim, ticket }: CaseDocuments): TicketReason | undefined {
  if (ticket === undefined) return undefined;
  const { about, object } = claim.value;
  if (about === 'paid-twice') return reason('PAID_TWICE', 'One ticket was paid for in two transactions.');
  if (about === 'expired') return judgeDate(ticket);
  return object === undefined ? undefined : judgeObject(ticket, object, about);
}

function judgeDate({ body }: Ticket): TicketReason | undefined {
  const lastDay = lastDayOf(body.components);
  if (lastDay === undefined) return undefined;
  const [sold, over] = [body.issuedOnDay, lastDay].map((day) => new Date(day * 86_400_000).toISOString().slice(0, 10));
  return lastDay < body.issuedOnDay
    ? reason('EXPIRED_WHEN_SOLD', `It was sold on ${sold}, and was good until ${over}.`)
    : reason('IN_TIME_WHEN_SOLD', `It was sold on ${sold}, and was good until ${over}.`);
}

function lastDayOf(components: Components): number | undefined {
  if (components.type === 'event') return Math.floor(components.at / 86_400);
  if (components.type === 'transportation') return Math.floor(components.departureAt / 86_400);
  return 'expiresDay' in components ? components.expiresDay : undefined;
}

/** What was found on the way. */
function findings(
  { answer }: CaseDocuments,
  statement: SignedDocument<TicketStatement> | undefined,
): readonly TicketReason[] {
  const outcome = answer?.value.outcome;
  if (outcome === undefined || outcome === 'granted') return [];
  const said = statement === undefined ? ', and said nothing to this server' : '';
  return [reason('MERCHANT_DENIED', `The merchant answered the customer “${outcome}”${said}.`)];
}

/**
 * A merchant that agrees once more may have been kept from paying by the customer's own machine, so the first time nothing is held against it;
 * whose machine it was the second time, a person has to find out.
 */
function judgeFollowing(
  { ruling }: CaseDocuments,
  statement: SignedDocument<TicketStatement> | undefined,
  found: readonly TicketReason[],
): Judgement {
  if (statement?.value.stand !== 'concedes') {
    return decided(found, reason('NOT_FOLLOWED', 'What the merchant had to pay back was not paid back in time.'));
  }
  if (ruling?.value.reasons.at(-1)?.code === 'MERCHANT_CONCEDES') return { type: 'seeing', reasons: found };
  return decided(found, reason('MERCHANT_CONCEDES', 'The merchant agrees to pay what it owes.'));
}

function judgeDelivery(
  documents: CaseDocuments,
  { statement, paymentFact, lists }: Hearing,
  unproved: boolean,
): Judgement {
  const shown = statement?.value.ticket;
  if (shown !== undefined && isTheMissing(documents, shown, lists)) {
    const text = 'The merchant shows the ticket, signed over to the customer: it is released with this ruling.';
    return { type: 'decided', reasons: [reason('TICKET_SHOWN', text)], ticket: shown };
  }
  const { payment } = documents.claim.value;
  if (paymentFact(payment!) !== 'paid') {
    return decided([], reason('NOT_PAID', 'Nothing shows that the money left the customer.'));
  }
  if (unproved) return { type: 'seeing', reasons: [] };
  return decided([], reason('NEVER_DELIVERED', 'It was paid, and the merchant does not show the ticket.'));
}

/** The ticket that the customer's payment order names, genuine and the customer's. */
export function isTheMissing({ claim, customer }: CaseDocuments, shown: Uint8Array, lists: TrustLists): boolean {
  const { payment, merchant, atMs } = claim.value;
  if (payment?.order === undefined) return false;
  try {
    const ticket = decodeTicket(shown);
    validateTicket(ticket, { lists, nowMs: atMs, holder: customer, taintAllowed: true, fallenAllowed: true });
    const named = toHex(readPaymentOrder(payment.order).ticketId);
    return (
      holderOf(ticket) === customer &&
      ticket.issuerCertificate.agentId === merchant &&
      ticket.transfers.length === 0 &&
      ticketIdOf(ticket) === named
    );
  } catch (error) {
    if (!(error instanceof HandselError)) throw error;
    return false;
  }
}

/** What a person decided, where only eyes could. */
export interface PersonsWord {
  readonly outcome: RulingOutcome;
  readonly breaches: readonly RulingBreach[];
}

/** What the reasons lead to; undefined when they lead to nothing. */
export function consequencesOf(
  reasons: readonly TicketReason[],
  person: PersonsWord | undefined,
): { readonly outcome: RulingOutcome; readonly breaches: readonly RulingBreach[] } | undefined {
  const last = reasons.at(-1);
  if (last === undefined) return undefined;
  if (last.code === 'SEEN_BY_A_PERSON') {
    if (person === undefined || person.outcome === 'released') return undefined;
    const against: RulingBreach = person.outcome === 'dismissed' ? 'customer' : 'merchant';
    // A person may find that nobody broke anything, but not that the winner did.
    return person.breaches.every((breach) => breach === against) ? person : undefined;
  }
  const { outcome, breach } = TICKET_REASONS[last.code];
  return outcome === undefined ? undefined : { outcome, breaches: breach === undefined ? [] : [breach] };
}
