/** In whose name an agent issues tickets. */
import { formatAgentId } from '../message/agent-id.ts';
import { lastDay } from '../message/day.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import { expiryOf } from '../ticket/components.ts';
import type { TicketBody } from '../ticket/ticket.ts';
import { ownCredential } from './check-credential.ts';
import { ownKey, type Turn } from './turn.ts';

/** Field 22: copied from the merchant or authority credential of the issuer. */
export function issuerOf(turn: Turn): Pick<TicketBody, 'issuerName' | 'issuerExpiresDay'> {
  const { certificate } = ownKey(turn);
  const wanted = { customer: 'corporate-seal', merchant: 'merchant', authority: 'authority' } as const;
  const held = ownCredential(turn, [wanted[certificate.kind]]);
  if (held !== undefined) {
    const credential = decodeTicket(held.bytes).body.components;
    const name =
      credential.type === 'corporate-seal' ? credential.corporateName : 'name' in credential ? credential.name : '';
    return { issuerName: name, issuerExpiresDay: expiryOf(credential) ?? lastDay };
  }
  if (certificate.kind !== 'customer') throw new TrustedError('COMMAND_UNTIMELY', 'no credential to issue under');
  return { issuerName: `agent ${formatAgentId(certificate.agentId)}`, issuerExpiresDay: certificate.expiresDay };
}
