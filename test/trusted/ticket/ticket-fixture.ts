/** Tickets issued and signed over by agents with real keys, without any machine. */

import type { Components } from '../../../src/trusted/ticket/components.ts';
import { signDeed, withDeed } from '../../../src/trusted/ticket/sign-ticket.ts';
import type { Ticket } from '../../../src/trusted/ticket/ticket.ts';
import { type CertifiedAgent, TODAY } from '../hierarchy.ts';

export const noonS = TODAY * 86_400 + 43_200;

export function issue(options: {
  readonly issuer: CertifiedAgent;
  readonly receiver: { readonly id: number; readonly certificate: { readonly expiresDay: number } };
  readonly components: Components;
  readonly issuerName?: string;
  readonly issuedOnDay?: number;
}): Ticket {
  const { issuer, receiver, components, issuerName = 'Deutsche Oper Berlin', issuedOnDay = TODAY } = options;
  const body = {
    ...{ issuerName, issuedOnDay, components, serial: 70_421 },
    issuerExpiresDay: TODAY + 300,
    receiverExpiresDay: receiver.certificate.expiresDay,
  };
  const unsigned = { type: 'issue', body, receiver: receiver.id, signer: issuer.certificate } as const;
  return withDeed(unsigned, signDeed(unsigned, issuer.key.privateKey))!;
}

export function signOver(ticket: Ticket, sender: CertifiedAgent, receiver: CertifiedAgent, atS = noonS): Ticket {
  const unsigned = { type: 'transfer', ticket, receiver: receiver.id, atS, signer: sender.certificate } as const;
  return withDeed(unsigned, signDeed(unsigned, sender.key.privateKey))!;
}
