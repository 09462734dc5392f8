/**
 * Whether a ruling on a ticket is right, by anybody, offline: judges again from the bundle what evidence decides, and says of every reason whether
 * the bundle shows it or only the server says so. Pure; the same form as for rulings on deliveries.
 */
import { equalBytes } from '../../codec/hex.ts';
import type { PaymentEvidence } from '../message/dispute.ts';
import { readDocument, requireGenuine, type SignedDocument } from '../message/signed-document.ts';
import {
  type TicketBundle,
  type TicketComplaint,
  type TicketReason,
  type TicketReasonCode,
  type TicketRuling,
  type TicketStatement,
  ticketAppealType,
  ticketComplaintType,
  ticketStatementType,
} from '../message/ticket-ruling.ts';
import type { TrustLists } from '../message/trust-lists.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { agentOf, type CaseDocuments, type ReadCase, readCase, readRuling } from './case-documents.ts';
import { consequencesOf, isTheMissing, type Judgement, judgeDispute, type PaymentFact } from './judge-dispute.ts';

/** `shown`: the bundle proves it. `stated`: the server's signature says it, and nothing in the bundle speaks against it. */
export type Basis = 'shown' | 'stated';

export interface CheckedTicketRuling {
  readonly ruling: TicketRuling;
  readonly complaint: TicketComplaint;
  readonly reasons: readonly (TicketReason & { readonly basis: Basis })[];
}

export interface TicketRulingTrust {
  /** With the primary servers' keys; who is untrusted today is no matter. */
  readonly lists: TrustLists;
  /** From whoever can tell whether payments were made; without it nobody can. */
  readonly paymentFact?: (evidence: PaymentEvidence) => PaymentFact;
}

interface Evidence {
  readonly bundle: TicketBundle;
  readonly ruling: TicketRuling;
  readonly read: ReadCase;
  readonly statement: SignedDocument<TicketStatement> | undefined;
  readonly judgement: Judgement | undefined;
  readonly lists: TrustLists;
  /** Whoever checks can tell what was paid. */
  readonly paymentsKnown: boolean;
}

/**
 * @throws TrustedError `RULING_UNFIT` saying what the evidence contradicts; CryptographicError, TrustedError or MessageError when it is not signed
 * by a trusted server, or the complaint not by an agent
 */
export function verifyTicketRuling(bundle: TicketBundle, trust: TicketRulingTrust): CheckedTicketRuling {
  const { lists, paymentFact = () => 'unknown' as const } = trust;
  const { value: ruling } = readRuling(bundle.ruling, lists);
  const complaint = readDocument(ticketComplaintType, bundle.complaint);
  if (!equalBytes(ruling.case, complaint.digest)) throw unfit('the ruling is on another complaint');
  const read = readCase(complaint, lists);
  const claim = claimOf(read, complaint, ruling);
  const statement = statementIn(bundle, ruling, lists);
  if (claim.customer !== ruling.customer) throw unfit('the ruling names another customer');
  checkAppeal(bundle, ruling, lists);
  const silenceCounts = !ruling.reasons.some(({ code }) => code === 'NOT_REACHED');
  const hearing = { statement, over: true, silenceCounts, lists, paymentFact };
  const judgement = read.type === 'unsound' ? undefined : judgeDispute(read.documents, hearing);
  const paymentsKnown = trust.paymentFact !== undefined;
  const evidence: Evidence = { bundle, ruling, read, statement, judgement, lists, paymentsKnown };
  requireConsequences(ruling);
  requireEvidenceCounts(evidence);
  return {
    ...{ ruling, complaint: complaint.value },
    reasons: ruling.reasons.map((reason) => ({ ...reason, basis: basisOf(reason.code, evidence) })),
  };
}

function claimOf(read: ReadCase, complaint: SignedDocument<TicketComplaint>, ruling: TicketRuling) {
  if (read.type === 'unsound') return { customer: agentOf(complaint) };
  const { claim, customer } = read.documents;
  const { number, merchant, payment, second, about } = claim.value;
  if (!equalBytes(ruling.claim, claim.digest) || !equalBytes(ruling.number, number)) throw unfit('another claim');
  if (ruling.merchant !== merchant) throw unfit('the ruling names another merchant');
  if (ruling.outcome === 'refund') {
    const paid = about === 'paid-twice' ? second : payment;
    const same = ruling.refund?.currency === paid?.amount.currency && ruling.refund?.minor === paid?.amount.minor;
    if (!same) throw unfit('another amount is to be paid back than was paid');
  }
  return { customer };
}

function statementIn(
  { statement: bytes }: TicketBundle,
  ruling: TicketRuling,
  lists: TrustLists,
): SignedDocument<TicketStatement> | undefined {
  if (bytes === undefined) return undefined;
  const statement = readDocument(ticketStatementType, bytes);
  requireGenuine(statement, lists);
  if (agentOf(statement) !== ruling.merchant || !equalBytes(statement.value.case, ruling.case)) {
    throw unfit('the bundle holds a statement on something else');
  }
  return statement;
}

function checkAppeal({ before, appeal }: TicketBundle, ruling: TicketRuling, lists: TrustLists): void {
  const appealed = ruling.reasons.some(({ code }) => code === 'APPEALED');
  if (appealed !== (before !== undefined && appeal !== undefined)) throw unfit('an appeal is not told as it should be');
  if (before === undefined || appeal === undefined) return;
  const first = readRuling(before, lists).value;
  const asked = readDocument(ticketAppealType, appeal);
  requireGenuine(asked, lists);
  const by = agentOf(asked);
  const fits =
    equalBytes(first.case, ruling.case) &&
    equalBytes(asked.value.case, ruling.case) &&
    (by === ruling.merchant || by === ruling.customer);
  if (!fits) throw unfit('the appeal is about something else');
}

function requireConsequences({ reasons, outcome, breaches, person, seen, ticket }: TicketRuling): void {
  const byPerson = reasons.at(-1)?.code === 'SEEN_BY_A_PERSON';
  if (byPerson !== (person !== undefined && seen !== undefined)) throw unfit('who decided is not told as it should be');
  const follows = consequencesOf(reasons, byPerson ? { outcome, breaches } : undefined);
  if (follows?.outcome !== outcome || follows.breaches.join() !== breaches.join()) {
    throw unfit('what was decided does not follow from the reasons given');
  }
  if ((outcome === 'released') !== (ticket !== undefined)) throw unfit('a ticket is released that is not there');
}

/** What the bundle decides nobody may decide otherwise, unless it was appealed. */
function requireEvidenceCounts({ read, judgement, ruling, paymentsKnown }: Evidence): void {
  const last = ruling.reasons.at(-1)!.code;
  if (read.type === 'unsound') {
    if (read.reason.code !== last) throw unfit(`the documents are not in order: ${read.reason.text}`);
    return;
  }
  if (ruling.reasons.some(({ code }) => code === 'APPEALED')) return;
  const says = judgement?.type === 'decided' ? judgement.reasons.at(-1)!.code : undefined;
  if (says === undefined || says === last) return;
  // Whether money moved a bundle need not show.
  if (!paymentsKnown && (aboutMoney.includes(says) || aboutMoney.includes(last))) return;
  throw unfit(`the evidence says ${says}`);
}

const aboutMoney: readonly TicketReasonCode[] = ['NOT_PAID', 'NEVER_DELIVERED'];

function basisOf(code: TicketReasonCode, evidence: Evidence): Basis {
  const { read, judgement } = evidence;
  if (read.type === 'unsound') return 'shown';
  const { documents } = read;
  const check = checks[code];
  if (check !== undefined) return check(evidence, documents);
  const codes = judgement?.type === 'hearing' ? [] : judgement?.reasons.map((reason) => reason.code);
  if (codes?.includes(code) !== true) throw unfit(`the bundle does not show ${code}`);
  return 'shown';
}

type Check = (evidence: Evidence, documents: CaseDocuments) => Basis;

const stated: Check = () => 'stated';

/** The others have to come out of the bundle when it is judged again. */
const checks: Readonly<Partial<Record<TicketReasonCode, Check>>> = {
  NOT_PAID: (_, { claim }) => (claim.value.payment === undefined ? 'shown' : 'stated'),
  SETTLED_ALREADY: ({ judgement, statement }) => {
    const says = judgement?.type === 'decided' && judgement.reasons.at(-1)?.code === 'SETTLED_ALREADY';
    if (!says) throw unfit('nothing shows that it was settled');
    const refund = statement?.value.refund;
    return refund !== undefined && refund.order === undefined ? 'stated' : 'shown';
  },
  TICKET_SHOWN: ({ ruling, lists }, documents) => {
    if (ruling.ticket === undefined || !isTheMissing(documents, ruling.ticket, lists)) {
      throw unfit('the ticket released is not the one that was paid for');
    }
    return 'shown';
  },
  NEVER_DELIVERED: ({ statement, lists }, documents) => {
    if (documents.claim.value.about !== 'not-delivered') throw unfit('nobody said that nothing was delivered');
    if (statement?.value.ticket !== undefined && isTheMissing(documents, statement.value.ticket, lists)) {
      throw unfit('the merchant showed the ticket');
    }
    return 'stated';
  },
  NOT_FOLLOWED: ({ judgement }) => {
    const says = judgement?.type === 'decided' ? judgement.reasons.at(-1)?.code : undefined;
    if (says !== 'NOT_FOLLOWED') throw unfit('the merchant owed nothing, or paid');
    return 'stated';
  },
  MERCHANT_DENIED: ({ statement }, { answer }) => {
    if (answer === undefined && statement?.value.answer === undefined) throw unfit('no answer is shown');
    return 'shown';
  },
  MERCHANT_CONCEDES: ({ statement }) => {
    if (statement?.value.stand !== 'concedes') throw unfit('the merchant does not agree');
    return 'shown';
  },
  MERCHANT_SILENT: ({ statement }, { answer }) => {
    if (statement !== undefined || answer !== undefined) throw unfit('the merchant did answer');
    return 'stated';
  },
  NOT_REACHED: ({ statement }) => {
    if (statement !== undefined) throw unfit('the merchant did answer');
    return 'stated';
  },
  APPEALED: () => 'shown',
  SEEN_BY_A_PERSON: stated,
};

const unfit = (message: string) => new TrustedError('RULING_UNFIT', message);
