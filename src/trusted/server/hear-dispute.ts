/**
 * Resolve Dispute (US 5,671,280, function 224): a trusted server hears a customer's agent whose merchant denied a dispute or did not answer, hears
 * the merchant's agent, and rules as soon as evidence decides; where it does not, a person does.
 */
import { fromHex, toHex } from '../../codec/hex.ts';
import { compactKeyOf } from '../../crypto/compact-key.ts';
import type { Outcome } from '../../journal/machine.ts';
import { dayOf } from '../message/day.ts';
import { claimType } from '../message/dispute.ts';
import { decodeTrustedAnswer, encodeTrustedAnswer, encodeTrustedMessage } from '../message/envelope.ts';
import {
  readDocument,
  requireGenuine,
  type SignedDocument,
  sealDocument,
  signDocument,
  unsealDocument,
} from '../message/signed-document.ts';
import {
  type TicketComplaint,
  type TicketStatement,
  ticketAppealType,
  ticketComplaintType,
  ticketHearingType,
  ticketStatementType,
} from '../message/ticket-ruling.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { requireTrustedAgent, validateAgentCertificate } from '../message/validate-certificate.ts';
import { agentOf, type CaseDocuments, readCase } from '../ruling/case-documents.ts';
import { type Judgement, judgeDispute } from '../ruling/judge-dispute.ts';
import { askPayments, payer } from './ask-payments.ts';
import type { DisputeCase } from './dispute-state.ts';
import { answerWithBundle, rule } from './rule-dispute.ts';
import { type ServerTurn, serverKey } from './server-turn.ts';

/** Keys that a document may have been sealed to. @throws TrustedError `COMMAND_UNTIMELY` */
function ownKeys(turn: ServerTurn) {
  serverKey(turn);
  const { identity } = turn.state;
  const scalars = identity.type === 'certified' ? [identity.scalar, ...identity.former] : [];
  return scalars.map((scalar) => compactKeyOf(scalar).privateKey);
}

/**
 * A complaint arrived; the answer is the ruling, at once or later.
 * @throws TrustedError `COMPLAINT_UNFIT`, `COMPLAINT_REFUSED`, or for a signer that does not count; CryptographicError
 */
export function hearComplaint(turn: ServerTurn, sealed: Uint8Array, messageId: string): void {
  const { lists } = turn.state;
  const complaint = readDocument(ticketComplaintType, unsealDocument(ticketComplaintType, sealed, ownKeys(turn)));
  const { by, value } = complaint;
  if (by.type !== 'agent') throw new TrustedError('COMPLAINT_UNFIT', 'servers do not complain');
  requireTrustedAgent(by.certificate, lists);
  const read = readCase(complaint, lists);
  const { merchant } = value;
  validateAgentCertificate(merchant, { lists, onDay: dayOf(turn.env.nowMs), expiredAgent: true });
  const opened: DisputeCase = {
    ...{ case: toHex(complaint.digest), phase: 'hearing', messageId, customer: by.certificate, merchant },
    ...{ ...merchantRouteOf(turn, value), replyTo: value.replyTo, claim: claimOf(complaint) },
    ...{ complaint: complaint.bytes, statement: undefined, heard: false, paid: undefined },
    ...{ ruling: undefined, before: undefined, appeal: undefined },
  };
  requireRoom(turn, opened);
  if (read.type === 'unsound') {
    rule(turn, opened, { reasons: [read.reason] });
    return;
  }
  requireTimely(turn, read.documents);
  const judgement = judge(turn, opened, read.documents);
  if (judgement.type === 'decided') rule(turn, opened, judgement);
  else {
    keep(turn, askPayments(turn, opened, read.documents.claim.value));
    sendHearing(turn, opened);
  }
}

/** Where its agent itself said that it is reached; else what the customer says. */
function merchantRouteOf(
  { state }: ServerTurn,
  { merchant, merchantRoute }: TicketComplaint,
): Pick<DisputeCase, 'merchantRoute' | 'routeUnproved'> {
  const own = state.registered.get(merchant.agentId)?.route;
  return own === undefined ? { merchantRoute, routeUnproved: true } : { merchantRoute: own };
}

/** Digest of the claim in it. */
function claimOf({ value }: SignedDocument<TicketComplaint>): string {
  return toHex(readDocument(claimType, value.claim).digest);
}

function requireRoom({ state, env, settings }: ServerTurn, { claim, customer }: DisputeCase): void {
  const { cases, ruled, falseComplaints } = state.disputes;
  const { maxCases, maxCasesOf, falseLimit, falseWithinMs } = settings.disputes;
  const refuse = (why: string) => new TrustedError('COMPLAINT_REFUSED', why);
  if (ruled.has(claim)) throw refuse('this was ruled upon');
  const open = [...cases.values()];
  if (open.some((one) => one.claim === claim)) throw refuse('this case is open');
  const { agentId } = customer;
  const own = open.filter((one) => one.customer.agentId === agentId);
  if (open.length >= maxCases || own.length >= maxCasesOf) throw refuse('too many cases are open: complain later');
  const falseOnes = (falseComplaints.get(agentId) ?? []).filter((atMs) => atMs + falseWithinMs > env.nowMs);
  if (falseOnes.length >= falseLimit) throw refuse('too many complaints of this agent were disproved');
}

/** The merchant has its time to answer the customer first. */
function requireTimely({ env, settings }: ServerTurn, { claim, answer }: CaseDocuments): void {
  const { about, atMs } = claim.value;
  if (about === 'not-followed' || (answer !== undefined && answer.value.outcome !== 'granted')) return;
  if (atMs + settings.disputes.answerMs > env.nowMs) {
    throw new TrustedError('COMPLAINT_UNFIT', 'the merchant’s time to answer is not over');
  }
}

function judge({ state, settings }: ServerTurn, of: DisputeCase, documents: CaseDocuments): Judgement {
  const { lists } = state;
  const statement = of.statement && readDocument(ticketStatementType, of.statement);
  const paymentFact = payer(of, settings.disputes.paymentFact);
  return judgeDispute(documents, {
    ...{ statement, over: of.heard && of.paid !== 'asked', lists, paymentFact },
    silenceCounts: of.routeUnproved !== true,
  });
}

const keep = ({ draft }: ServerTurn, of: DisputeCase) =>
  draft.records.push({ type: 'dispute', dispute: { type: 'case', case: of } });

function sendHearing(turn: ServerTurn, of: DisputeCase): void {
  const { draft, env, settings } = turn;
  const untilMs = env.nowMs + settings.disputes.hearingMs;
  const hearing = signDocument(
    ticketHearingType,
    { case: fromHex(of.case), complaint: of.complaint, untilMs, atMs: env.nowMs },
    { type: 'server', ...serverKey(turn) },
  );
  const sealed = sealDocument(ticketHearingType, hearing, { certificate: of.merchant, random: env.random });
  draft.send.push({
    ...{ id: `h/${of.case}`, to: of.merchantRoute, kind: 'TrustedHearing', expiresAtMs: untilMs },
    body: encodeTrustedMessage({ type: 'hearing', sealed }),
  });
}

/** `h/CASE`: what became of a hearing. @throws HandselError when the answer is of no use: it is asked for again */
export function hearStatement(turn: ServerTurn, messageId: string, outcome: Outcome): void {
  const of = turn.state.disputes.cases.get(messageId.slice(2));
  if (of === undefined || of.phase !== 'hearing' || of.heard) return;
  goOn(turn, {
    ...of,
    heard: true,
    statement: outcome.type === 'answered' ? statementOf(turn, of, outcome.body) : undefined,
  });
}

function statementOf(turn: ServerTurn, of: DisputeCase, body: Uint8Array): Uint8Array {
  const answer = decodeTrustedAnswer(body);
  if (answer.type !== 'stated') throw new TrustedError('COMPLAINT_UNFIT', 'no statement came back');
  const statement: SignedDocument<TicketStatement> = readDocument(
    ticketStatementType,
    unsealDocument(ticketStatementType, answer.sealed, ownKeys(turn)),
  );
  requireGenuine(statement, turn.state.lists);
  if (agentOf(statement) !== of.merchant.agentId || toHex(statement.value.case) !== of.case) {
    throw new TrustedError('COMPLAINT_UNFIT', 'a statement of somebody else, or on something else');
  }
  return statement.bytes;
}

/** Something came in: perhaps it can be decided now. */
export function goOn(turn: ServerTurn, of: DisputeCase): void {
  const read = readCase(readDocument(ticketComplaintType, of.complaint), turn.state.lists);
  const judgement = read.type === 'sound' ? judge(turn, of, read.documents) : undefined;
  if (judgement?.type === 'decided') rule(turn, of, judgement);
  else if (judgement?.type === 'seeing') keep(turn, { ...of, phase: 'seeing' });
  else keep(turn, of);
}

/** Once, by either side, before the ruling is final. @throws TrustedError or CryptographicError */
export function hearAppeal(turn: ServerTurn, sealed: Uint8Array): Uint8Array {
  const appeal = readDocument(ticketAppealType, unsealDocument(ticketAppealType, sealed, ownKeys(turn)));
  requireGenuine(appeal, turn.state.lists);
  const of = turn.state.disputes.cases.get(toHex(appeal.value.case));
  if (of === undefined || ![of.customer.agentId, of.merchant.agentId].includes(agentOf(appeal))) {
    throw new TrustedError('DISPUTE_UNKNOWN', 'no such case can be appealed');
  }
  if (of.phase !== 'ruled' || of.before !== undefined) {
    throw new TrustedError('COMPLAINT_REFUSED', 'nothing can be appealed, or it was already');
  }
  keep(turn, { ...of, phase: 'appealed', appeal: appeal.bytes });
  turn.draft.clearTimers.push(`final ${of.case}`);
  return encodeTrustedAnswer({ type: 'heard' });
}

/** What the ruling is now, sealed to the customer. @throws TrustedError `DISPUTE_UNKNOWN` */
export function answerAboutRuling(turn: ServerTurn, of: Uint8Array): Uint8Array {
  const found = turn.state.disputes.cases.get(toHex(of));
  if (found?.ruling === undefined) throw new TrustedError('DISPUTE_UNKNOWN', 'there is no ruling');
  return answerWithBundle(turn, found);
}
