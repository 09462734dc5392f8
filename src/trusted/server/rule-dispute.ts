/** The ruling: signed, with its reasons; told to the customer, who waits for it, and to the merchant. When it is final, it counts. */
import { fromHex } from '../../codec/hex.ts';
import { type Claim, claimType } from '../message/dispute.ts';
import { encodeTrustedAnswer, encodeTrustedMessage } from '../message/envelope.ts';
import { readDocument, sealDocument, signDocument } from '../message/signed-document.ts';
import {
  encodeTicketBundle,
  type RulingBreach,
  type RulingOutcome,
  type TicketReason,
  type TicketRuling,
  ticketBundleType,
  ticketComplaintType,
  ticketRulingType,
} from '../message/ticket-ruling.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { readCase, reason } from '../ruling/case-documents.ts';
import { consequencesOf, type PersonsWord } from '../ruling/judge-dispute.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import type { DisputeCase } from './dispute-state.ts';
import { type ServerTurn, serverKey } from './server-turn.ts';

export interface Verdict {
  readonly reasons: readonly TicketReason[];
  readonly ticket?: Uint8Array;
  readonly person?: PersonsWord & { readonly name: string; readonly seen: string };
}

/** Whoever does not take a ruling for so long is told no more. */
const TELL_MS = 90 * 86_400_000;

export const finalTimer = (of: string) => `final ${of}`;

export function rule(turn: ServerTurn, of: DisputeCase, verdict: Verdict): void {
  const { draft, env, settings } = turn;
  const { certificate, privateKey } = serverKey(turn);
  const appealed = of.phase === 'appealed';
  const ruling = rulingOf(turn, of, verdict, appealed ? env.nowMs : env.nowMs + settings.disputes.appealMs);
  const document = signDocument(ticketRulingType, ruling, { type: 'server', certificate, privateKey });
  const ruled: DisputeCase = { ...of, phase: 'ruled', ruling: document, before: appealed ? of.ruling : undefined };
  draft.records.push({ type: 'dispute', dispute: { type: 'case', case: ruled } });
  draft.timers.push({ id: finalTimer(of.case), atMs: ruling.finalAtMs });
  draft.cancel.push(`h/${of.case}`);
  tell(turn, ruled, 'merchant');
  const answer = answerWithBundle(turn, ruled);
  if (!turn.state.disputes.cases.has(of.case)) draft.answer = answer;
  else if (!appealed) draft.answers.push({ messageId: of.messageId, body: answer });
  else if (of.replyTo !== undefined) tell(turn, ruled, 'customer');
}

function rulingOf(
  turn: ServerTurn,
  of: DisputeCase,
  { reasons, ticket, person }: Verdict,
  finalAtMs: number,
): TicketRuling {
  const { nowMs } = turn.env;
  const consequences = consequencesOf(reasons, person);
  if (consequences === undefined) throw new Error('these reasons lead to no ruling');
  const complaint = readDocument(ticketComplaintType, of.complaint);
  const claim = readDocument(claimType, complaint.value.claim);
  const refund = consequences.outcome === 'refund' ? owedBy(claim.value) : undefined;
  const organisation = organisationOf(claim.value.ticket ?? ticket);
  return {
    ...{ case: fromHex(of.case), server: serverKey(turn).certificate.serverId, number: claim.value.number },
    ...{ claim: claim.digest, merchant: of.merchant.agentId, customer: of.customer.agentId, reasons, atMs: nowMs },
    ...{ outcome: consequences.outcome, breaches: consequences.breaches, finalAtMs },
    ...(organisation === undefined ? {} : { organisation }),
    ...(refund && { refund }),
    ...(person && { person: person.name, seen: person.seen }),
    ...(ticket && { ticket }),
  };
}

const owedBy = ({ about, payment, second }: Claim) => (about === 'paid-twice' ? second : payment)?.amount;

/** Only of a ticket that was found genuine: the name in a forged one is nobody's fault. */
function organisationOf(ticket: Uint8Array | undefined): string | undefined {
  try {
    return ticket && decodeTicket(ticket).body.issuerName;
  } catch {
    return undefined;
  }
}

function bundleOf({ complaint, statement, before, appeal, ruling }: DisputeCase): Uint8Array {
  return encodeTicketBundle({
    ...{ complaint, ruling: ruling! },
    ...(statement && { statement }),
    ...(before && appeal && { before, appeal }),
  });
}

export function answerWithBundle({ env }: ServerTurn, of: DisputeCase): Uint8Array {
  const sealed = sealDocument(ticketBundleType, bundleOf(of), { certificate: of.customer, random: env.random });
  return encodeTrustedAnswer({ type: 'ruled', sealed });
}

function tell({ draft, env }: ServerTurn, of: DisputeCase, whom: 'merchant' | 'customer'): void {
  const sealed = sealDocument(ticketBundleType, bundleOf(of), { certificate: of[whom], random: env.random });
  draft.send.push({
    ...{ id: `t/${of.case}/${whom}/${of.before === undefined ? 1 : 2}`, kind: 'TrustedRuling' },
    to: whom === 'merchant' ? of.merchantRoute : of.replyTo!,
    ...{ body: encodeTrustedMessage({ type: 'ruling', sealed }), expiresAtMs: env.nowMs + TELL_MS },
  });
}

/** A person has looked. */
export interface PersonsDecision {
  /** 64 hexadecimal digits. */
  readonly case: string;
  readonly person: string;
  readonly outcome: Exclude<RulingOutcome, 'released'>;
  /** Whether the loser broke its word, or complained against better knowledge; without it nothing is held against anybody. */
  readonly breach: boolean;
  /** Why, and what was looked at. */
  readonly text: string;
  readonly seen: string;
}

/** @throws TrustedError `DISPUTE_UNKNOWN`, or `COMMAND_UNTIMELY` when it is not for a person to decide (yet) */
export function decideByPerson(turn: ServerTurn, decision: PersonsDecision): void {
  const { outcome, person: name, text, seen, breach } = decision;
  const of = turn.state.disputes.cases.get(decision.case);
  if (of === undefined) throw new TrustedError('DISPUTE_UNKNOWN', 'no such case is open');
  if (of.phase !== 'seeing' && of.phase !== 'appealed') {
    throw new TrustedError('COMMAND_UNTIMELY', 'the evidence is still gathered, or has decided');
  }
  if ([name, text, seen].some((words) => words.length === 0) || name.length > 100 || seen.length > 500) {
    throw new TrustedError('COMMAND_UNTIMELY', 'who decided, why and from what has to be said');
  }
  const against: RulingBreach = outcome === 'dismissed' ? 'customer' : 'merchant';
  rule(turn, of, {
    reasons: [...foundBefore(turn, of), reason('SEEN_BY_A_PERSON', text)],
    person: { name, seen, outcome, breaches: breach ? [against] : [] },
  });
}

function foundBefore({ state }: ServerTurn, of: DisputeCase): readonly TicketReason[] {
  const read = readCase(readDocument(ticketComplaintType, of.complaint), state.lists);
  const answer = read.type === 'sound' ? read.documents.answer?.value.outcome : undefined;
  const denied =
    answer === undefined || answer === 'granted' ? [] : [reason('MERCHANT_DENIED', 'The merchant denied it.')];
  const unproved = of.routeUnproved === true && of.statement === undefined;
  const text = 'The merchant gave no answer; it was asked only where the customer says that it is.';
  const found = unproved ? [...denied, reason('NOT_REACHED', text)] : denied;
  return of.appeal === undefined ? found : [...found, reason('APPEALED', 'The first ruling was appealed against.')];
}

/** The time for an appeal is over: it counts. */
export function makeFinal(turn: ServerTurn, name: string): void {
  const { state, draft, env, settings } = turn;
  const of = state.disputes.cases.get(name);
  if (of?.phase !== 'ruled') return;
  const { breaches } = readDocument(ticketRulingType, of.ruling!).value;
  const disproved = breaches.includes('customer') ? of.customer.agentId : undefined;
  const over = { type: 'case-over', case: name, claim: of.claim, atMs: env.nowMs, disproved } as const;
  draft.records.push({ type: 'dispute', dispute: over });
  if (!breaches.includes('merchant') || settings.primary === undefined) return;
  draft.send.push({
    ...{ id: `lost/${name}`, to: settings.primary, kind: 'TrustedLost' },
    body: encodeTrustedMessage({ type: 'lost', ruling: of.ruling! }),
  });
}
