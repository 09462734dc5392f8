/** Check Credential (US 5,671,280, figure 14): whoever is asked shows one, whoever asked validates it and lets the host side confirm it. */
import { HandselError } from '../../handsel-error.ts';
import { chooseDisclosures } from '../credential/disclosure.ts';
import type { Shown } from '../message/credential-talk.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import { kindOf, type TicketType } from '../ticket/components.ts';
import { inactivity } from '../ticket/status.ts';
import type { HeldTicket } from './agent-state.ts';
import { readShownTicket } from './shown-ticket.ts';
import type { Talk } from './talk.ts';
import { showTicket, tellHost } from './to-host.ts';
import { ownKey, peerOf, type Turn } from './turn.ts';

/**
 * What answers `show-credential`: the credential that the host side chose, or the one in whose name a merchant or authority acts. Undefined
 * when there is none, or it has not the fields that were chosen.
 */
export function credentialAnswer(
  turn: Turn,
  { credential, fields }: { readonly credential: string | undefined; readonly fields?: readonly string[] },
) {
  const held =
    credential === undefined ? ownCredential(turn, ['merchant', 'authority']) : turn.state.tickets.get(credential);
  if (held === undefined) return { type: 'no-credential' } as const;
  try {
    return { type: 'credential', ...shownOf(held, fields) } as const;
  } catch (error) {
    if (!(error instanceof HandselError)) throw error;
    return { type: 'no-credential' } as const;
  }
}

/**
 * A credential of its own as it is shown to somebody: of an attestation the fields named and no other.
 * @throws TrustedError `TICKET_UNKNOWN` when it has no such field, `TICKET_INVALID` when its fields cannot be chosen
 */
export function shownOf({ bytes, mark, disclosures }: HeldTicket, fields: readonly string[] | undefined): Shown {
  const shown = { ticket: bytes, ...(mark && { mark }) };
  if (disclosures !== undefined) return { ...shown, disclosures: chooseDisclosures(disclosures, fields ?? []) };
  // Whoever names fields does not want the others seen.
  if (fields !== undefined) throw new TrustedError('TICKET_INVALID', 'all fields of this credential stand in the open');
  return shown;
}

/** A credential of one of these types that this agent holds and that is good today. */
export function ownCredential({ state, env }: Turn, types: readonly TicketType[]): HeldTicket | undefined {
  return [...state.tickets.values()].find(({ bytes, status }) => {
    const { components } = decodeTicket(bytes).body;
    return (
      types.includes(components.type) && inactivity(components, status, Math.floor(env.nowMs / 1000)) === undefined
    );
  });
}

/**
 * Validates what the other side showed and has the host side look at it; its command `confirm` follows.
 * @throws TrustedError `TICKET_INVALID` or `TICKET_INACTIVE`
 */
export function checkCredential(
  turn: Turn,
  talk: Talk,
  shown: Shown,
  allowed: (type: TicketType) => boolean = (type) => kindOf(type) === 'credential',
): void {
  ownKey(turn);
  const { ticket, status, ...beside } = readShownTicket(turn, peerOf(turn, talk), { ...shown, taintAllowed: false });
  const { components } = ticket.body;
  if (!allowed(components.type))
    throw new TrustedError('TICKET_INVALID', `a ticket of type ${components.type} is shown`);
  const why = inactivity(components, status, Math.floor(turn.env.nowMs / 1000));
  if (why !== undefined) throw new TrustedError('TICKET_INACTIVE', `the credential is ${why}`);
  tellHost(turn, {
    ...{ type: 'confirm-credential', matter: talk.matter, session: talk.session },
    credential: showTicket(ticket, status, beside),
  });
}

/** The reason to give to the other side or the host side: a code, or what `TICKET_INVALID` rests on. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof HandselError)) throw error;
  return error.code;
}
