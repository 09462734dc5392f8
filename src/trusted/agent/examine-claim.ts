/** Whether a claim is about something that this merchant's agent sold to whoever claims (US 5,671,280, figure 30, steps 1074 to 1078 and 1138 to 1146). */
import { toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Claim } from '../message/dispute.ts';
import type { AgentPeer } from '../message/party.ts';
import { faultOfPayment } from '../ruling/case-documents.ts';
import { isSoldObject } from '../ruling/judge-object.ts';
import type { Transaction } from './agent-state.ts';
import type { Said } from './answer-dispute.ts';
import { voidedBy } from './door-state.ts';
import { readShownTicket, type ShownTicketRead } from './shown-ticket.ts';
import { ownKey, type Turn } from './turn.ts';

export type Examined =
  /** For the host side to decide. */
  | { readonly type: 'fit'; readonly shown: ShownTicketRead }
  /** The agent knows the answer. */
  | { readonly type: 'answered'; readonly said: Said }
  /** It is not known yet how the purchase ends. */
  | { readonly type: 'wait' }
  /** It was sold: the customer's agent is told so once more. */
  | { readonly type: 'sold'; readonly transaction: Transaction };

const answered = (outcome: Said['outcome'], reason: string): Examined => ({
  ...{ type: 'answered', said: { outcome, reason } },
});

export function examineClaim(turn: Turn, peer: AgentPeer, claim: Claim): Examined {
  const { agentId: own } = ownKey(turn).certificate;
  if (claim.about === 'not-delivered') return examinePurchase(turn, claim);
  if (claim.ticket === undefined) return answered('ticket-invalid', 'no ticket is shown');
  const shown = readOwn(turn, peer, claim, own);
  if (shown === undefined) return answered('ticket-invalid', 'the ticket is not valid, or not of this merchant');
  const { ticketId, ticket } = shown;
  const { state } = turn;
  if (voidedBy(state.door, ticketId, own) !== undefined || shown.status.standing === 'revoked') {
    return answered('settled', 'the ticket was taken back before');
  }
  const ends = { payer: peer.agentId, payee: own, ticket };
  const faults = [claim.payment, claim.second].map((one) => one && faultOfPayment(one, ends));
  const fault = faults.find((one) => one !== undefined);
  if (fault !== undefined) return answered('denied', `the payment shown does not fit: ${fault}`);
  if (claim.object !== undefined && !isSoldObject(ticket, claim.object)) {
    return answered('object-invalid', 'the object shown is not the one that was signed');
  }
  return { type: 'fit', shown };
}

function readOwn(turn: Turn, peer: AgentPeer, { ticket, mark }: Claim, own: number): ShownTicketRead | undefined {
  try {
    const shown = readShownTicket(turn, peer, {
      ...{ ticket: ticket!, taintAllowed: true, fallenAllowed: true },
      ...(mark && { mark }),
    });
    return shown.ticket.issuerCertificate.agentId === own ? shown : undefined;
  } catch (error) {
    if (!(error instanceof HandselError)) throw error;
    return undefined;
  }
}

/** Of a purchase that the customer's agent has not seen the end of, this agent knows the end, or will. */
function examinePurchase({ state }: Turn, { payment }: Claim): Examined {
  const transaction = payment === undefined ? undefined : state.transactions.get(toHex(payment.transaction));
  if (transaction?.status === 'committed') return { type: 'sold', transaction };
  if (transaction !== undefined) return { type: 'wait' };
  return answered('denied', 'nothing was sold in that transaction, and nothing paid');
}
