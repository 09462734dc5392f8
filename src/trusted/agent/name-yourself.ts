/**
 * The credential of an authority, with which all others begin. Somebody has to be first: a trusted server certifies agents of the kind
 * `authority` only for bodies that the trusted agency knows, and such an agent states its own name once.
 */
import { formatAgentId } from '../message/agent-id.ts';
import { dayOf } from '../message/day.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { encodeTicket } from '../ticket/compact-ticket.ts';
import type { Components } from '../ticket/components.ts';
import { signDeed, withDeed } from '../ticket/sign-ticket.ts';
import { firstStatus } from '../ticket/status.ts';
import { ticketIdOf } from '../ticket/ticket.ts';
import { ownCredential } from './check-credential.ts';
import { showTicket, tellHost } from './to-host.ts';
import { log, ownKey, type Turn } from './turn.ts';

/** @throws TrustedError `COMMAND_UNTIMELY` */
export function nameYourself(turn: Turn, components: Components): void {
  const { certificate, privateKey } = ownKey(turn);
  const { kind, agentId, expiresDay } = certificate;
  if (kind !== 'authority' || components.type !== 'authority' || ownCredential(turn, ['authority']) !== undefined) {
    throw new TrustedError('COMMAND_UNTIMELY', 'an authority that has no credential names itself, nobody else does');
  }
  const serial = turn.state.serial + 1;
  const body = {
    ...{ issuerName: components.name, issuerExpiresDay: components.expiresDay, receiverExpiresDay: expiresDay },
    ...{ issuedOnDay: dayOf(turn.env.nowMs), serial, components },
  };
  const unsigned = { type: 'issue', body, receiver: agentId, signer: certificate } as const;
  const ticket = withDeed(unsigned, signDeed(unsigned, privateKey))!;
  const held = {
    ...{ id: ticketIdOf(ticket), bytes: encodeTicket(ticket), mark: undefined },
    status: firstStatus(components),
  };
  turn.draft.records.push({ type: 'serial', serial }, { type: 'named', ticket: held });
  log(turn, {
    ...{ kind: 'received', peer: formatAgentId(agentId), transaction: undefined, before: [], note: 'named itself' },
    after: [{ ticketId: held.id, ticket: held.bytes, mark: undefined }],
  });
  tellHost(turn, { type: 'received', matter: 'name-yourself', tickets: [showTicket(ticket, held.status)] });
}
