/** Whether a card network does what a payee's agent asks: the payer's agent signed it, and holds the card credential (US 5,671,280, figure 21). */
import { toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import type { AgentId } from '../message/agent-id.ts';
import { isRefundSigned } from '../message/commitment.ts';
import { dayOf } from '../message/day.ts';
import { type PaymentOrder, readPaymentOrder } from '../message/payment-order.ts';
import type { PortRequest } from '../message/payment-port.ts';
import type { TrustLists } from '../message/trust-lists.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { requireTrustedAgent, validateAgentCertificate } from '../message/validate-certificate.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import { ticketIdOf } from '../ticket/ticket.ts';
import { validateTicket } from '../ticket/validate-ticket.ts';
import { longestOrderMs } from './forget-payments.ts';

export type Authorise = Extract<PortRequest, { type: 'authorise' }>;

export interface CheckedOrder {
  readonly order: PaymentOrder;
  readonly card: { readonly number: string; readonly expiresDay: number };
  /** In the payee's credential. */
  readonly payeeName: string | undefined;
}

/** The order and the card it is on, or why not. */
export function checkOrder(
  { order: signed, credential, payee, payeeCredential, consent }: Authorise,
  { lists, nowMs, transaction }: { readonly lists: TrustLists; readonly nowMs: number; readonly transaction: string },
): CheckedOrder | { readonly fault: string } {
  try {
    const order = readPaymentOrder(signed);
    const onDay = dayOf(nowMs);
    for (const certificate of [order.payer, payee]) {
      validateAgentCertificate(certificate, { lists, onDay });
      // A merchant that has lost its standing may still pay back.
      if (certificate !== payee || order.refundOf === undefined) requireTrustedAgent(certificate, lists);
    }
    if (Math.abs(nowMs - order.atS * 1000) > longestOrderMs) return { fault: 'an order of another day' };
    if (order.payee !== payee.agentId) return { fault: 'another payee' };
    if (order.refundOf !== undefined && (consent === undefined || !isRefundSigned(payee.publicKey, signed, consent))) {
      return { fault: 'nobody agreed to give it back' };
    }
    if (toHex(order.transaction) !== transaction) return { fault: 'another transaction' };
    const ticket = decodeTicket(credential);
    // The last receiver of the credential is whoever signed the order (claim 39, step e).
    validateTicket(ticket, { lists, nowMs, holder: order.payer.agentId, taintAllowed: false });
    const { components } = ticket.body;
    if (components.type !== 'card') return { fault: 'no card' };
    if (ticketIdOf(ticket) !== toHex(order.credentialId)) return { fault: 'another card' };
    if (components.expiresDay < onDay) return { fault: 'the card has expired' };
    const { number, expiresDay } = components;
    return { order, card: { number, expiresDay }, payeeName: nameOf(payeeCredential, payee.agentId, { lists, nowMs }) };
  } catch (error) {
    if (!(error instanceof HandselError)) throw error;
    return { fault: error.code };
  }
}

/** @throws HandselError for a credential that is not the payee's own, or not good */
function nameOf(
  credential: Uint8Array | undefined,
  holder: AgentId,
  { lists, nowMs }: { readonly lists: TrustLists; readonly nowMs: number },
): string | undefined {
  if (credential === undefined) return undefined;
  const ticket = decodeTicket(credential);
  validateTicket(ticket, { lists, nowMs, holder, taintAllowed: true });
  const { components } = ticket.body;
  if (components.type !== 'merchant' && components.type !== 'authority') {
    throw new TrustedError('TICKET_INVALID', 'a payee shows who it is by another ticket');
  }
  return components.name;
}

/**
 * Of what opens a dialogue: whether it is answered without a record. Anybody can send it, so questions, and orders that no certified agent has signed, must
 * not fill the journal.
 */
export function isFleetingAtNetwork(
  request: PortRequest | undefined,
  { lists, nowMs }: { readonly lists: TrustLists; readonly nowMs: number },
): boolean {
  if (request?.type !== 'authorise') return request?.type === 'query';
  try {
    validateAgentCertificate(readPaymentOrder(request.order).payer, { lists, onDay: dayOf(nowMs) });
    return false;
  } catch (error) {
    if (!(error instanceof HandselError)) throw error;
    return true;
  }
}
