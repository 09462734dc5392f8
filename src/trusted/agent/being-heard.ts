/** A merchant's agent before a trusted server: what it says comes from its own books, the words from its host side. */
import { fromHex, toHex } from '../../codec/hex.ts';
import { claimType } from '../message/dispute.ts';
import { encodeTrustedAnswer } from '../message/envelope.ts';
import {
  readDocument,
  requireGenuine,
  sealDocument,
  signDocument,
  unsealDocument,
} from '../message/signed-document.ts';
import {
  type TicketStatement,
  ticketComplaintType,
  ticketHearingType,
  ticketStatementType,
} from '../message/ticket-ruling.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { requireTrustedServer } from '../message/validate-certificate.ts';
import { encodeTicket } from '../ticket/compact-ticket.ts';
import { logDispute } from './dispute-log.ts';
import type { Dispute, OpenHearing } from './dispute-state.ts';
import { ownKeys } from './escalate-dispute.ts';
import type { HostCommand } from './host-command.ts';
import { issuedIn } from './leg.ts';
import { tellHost } from './to-host.ts';
import { ownKey, type Turn } from './turn.ts';

/** More than a merchant is heard in at one time. */
const maxHearings = 1000;

/**
 * A hearing came. What the agent knows to be settled it says at once; else its host side is asked, and the answer comes later.
 * @throws HandselError for what is no hearing of a trusted server about this agent
 */
export function hearHearing(turn: Turn, sealed: Uint8Array, messageId: string): void {
  const { state } = turn;
  const hearing = readDocument(ticketHearingType, unsealDocument(ticketHearingType, sealed, ownKeys(turn)));
  requireGenuine(hearing, state.lists);
  if (hearing.by.type !== 'server') throw new TrustedError('COMPLAINT_UNFIT', 'only trusted servers hear');
  requireTrustedServer(hearing.by.certificate, state.lists);
  const complaint = readDocument(ticketComplaintType, hearing.value.complaint);
  const claim = readDocument(claimType, complaint.value.claim);
  if (claim.value.merchant !== ownKey(turn).certificate.agentId || complaint.by.type !== 'agent') {
    throw new TrustedError('COMPLAINT_UNFIT', 'a complaint about another merchant');
  }
  if (state.disputes.hearings.size >= maxHearings)
    throw new TrustedError('COMMAND_UNTIMELY', 'too many hearings are open');
  const number = toHex(claim.value.number);
  const open: OpenHearing = {
    ...{ case: toHex(hearing.value.case), messageId, server: hearing.by.certificate.publicKey, number },
    ...{ complaint: hearing.value.complaint, untilMs: hearing.value.untilMs },
  };
  const known = state.disputes.byNumber.get(number);
  const { about, payment } = claim.value;
  const sold = payment && soldIn(turn, toHex(payment.transaction));
  const settled = known?.refund !== undefined || (about === 'not-delivered' && sold !== undefined);
  // What this agent granted, or was ruled, it keeps to: it is there to be collected.
  if (settled || about === 'not-followed') {
    const stand = settled ? 'contests' : 'concedes';
    turn.draft.answer = stated(turn, open, { known, sold, stand, statement: 'as this agent has it in its log' });
    return;
  }
  turn.draft.records.push({ type: 'dispute', dispute: { type: 'hearing', hearing: open } });
  tellHost(turn, {
    ...{ type: 'heard-in-dispute', number, case: hearing.value.case, about, untilMs: hearing.value.untilMs },
    ...{ statement: claim.value.statement, complaint: complaint.value.statement },
    ...{ customer: complaint.by.certificate.agentId },
  });
}

/** The ticket sold in a transaction of which the customer's agent has not said that it heard. */
function soldIn({ state }: Turn, transaction: string): Uint8Array | undefined {
  const known = state.transactions.get(transaction);
  const [issued] = known?.status === 'committed' ? issuedIn(known.legs, known.deeds) : [];
  return issued && encodeTicket(issued);
}

interface Saying {
  readonly known: Dispute | undefined;
  readonly sold: Uint8Array | undefined;
  readonly stand: TicketStatement['stand'];
  readonly statement: string;
}

function stated(turn: Turn, hearing: OpenHearing, { known, sold, stand, statement }: Saying): Uint8Array {
  const { certificate, privateKey } = ownKey(turn);
  const value: TicketStatement = {
    ...{ case: fromHex(hearing.case), stand, statement, atMs: turn.env.nowMs },
    ...(known?.refund && { refund: known.refund }),
    ...(known?.answer && { answer: known.answer }),
    ...(sold && { ticket: sold }),
  };
  const document = signDocument(ticketStatementType, value, { type: 'agent', certificate, privateKey });
  const to = { certificate: { publicKey: hearing.server }, random: turn.env.random };
  return encodeTrustedAnswer({ type: 'stated', sealed: sealDocument(ticketStatementType, document, to) });
}

/** The command `state-in-dispute`. @throws TrustedError `DISPUTE_UNKNOWN`, `COMMAND_UNTIMELY` */
export function stateInDispute(turn: Turn, command: Extract<HostCommand, { type: 'state-in-dispute' }>): void {
  const name = toHex(command.case);
  const hearing = turn.state.disputes.hearings.get(name);
  if (hearing === undefined) throw new TrustedError('DISPUTE_UNKNOWN', 'nobody waits for that');
  const known = turn.state.disputes.byNumber.get(hearing.number);
  const { stand, statement } = command;
  turn.draft.records.push({ type: 'dispute', dispute: { type: 'heard', case: name } });
  const body = stated(turn, hearing, { known, sold: undefined, stand, statement });
  turn.draft.answers.push({ messageId: hearing.messageId, body });
  if (known !== undefined) logDispute(turn, known, `before trusted server: ${stand}`);
}
