/**
 * The commercial papers of US 5,671,280 (figure 2, "physical object"): purchase order, invoice, remittance advice and receipt, each a ticket
 * that its writer's agent signed and gave to the other side. Here is what of one is needed to reconcile it.
 */
import type { AgentId } from '../message/agent-id.ts';
import type { Components } from '../ticket/components.ts';
import { type IssuedTicket, ticketIdOf } from '../ticket/ticket.ts';

export const paperTypes = ['purchase-order', 'invoice', 'remittance-advice', 'receipt'] as const;
export type PaperType = (typeof paperTypes)[number];
export type PaperComponents<T extends PaperType = PaperType> = Extract<Components, { type: T }>;

export interface Paper {
  /** The ticket's name. */
  readonly id: string;
  /** Who wrote it, and to whom. */
  readonly issuer: AgentId;
  readonly receiver: AgentId;
  /** Rises with each ticket of one issuer. */
  readonly serial: number;
  /** From the issuer's credential. */
  readonly issuerName: string;
  readonly components: PaperComponents;
}

export type PaperOf<T extends PaperType> = Paper & { readonly components: PaperComponents<T> };

/** Undefined for a ticket that is no commercial paper. The ticket is NOT validated by that. */
export function paperOf(ticket: Omit<IssuedTicket, 'issuerSignature'>): Paper | undefined {
  const { components, issuerName, serial } = ticket.body;
  if (!isPaper(components)) return undefined;
  const { receiver, issuerCertificate } = ticket;
  return { id: ticketIdOf(ticket), issuer: issuerCertificate.agentId, receiver, serial, issuerName, components };
}

export function isPaper(components: Components): components is PaperComponents {
  return (paperTypes as readonly string[]).includes(components.type);
}

export function isPaperOf<T extends PaperType>(paper: Paper, type: T): paper is PaperOf<T> {
  return paper.components.type === type;
}
