/**
 * Showing a ticket by a code. The holder cannot hear what a door without a session makes of it, so the ticket is In Use (US 5,671,280, fields
 * 60, 86, 102, 118) for as long as the code counts: it is not given away nor presented meanwhile, and what was shown is written down first.
 */
import { TrustedError } from '../message/trusted-error.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import { holdsSecrets } from '../ticket/components.ts';
import { longestLiveS, maxCodeBytes, signCode, writeCode } from '../ticket/ticket-code.ts';
import type { HostCommand } from './host-command.ts';
import { onPaper, requirePresentable } from './presentable.ts';
import { tellHost } from './to-host.ts';
import { ownKey, type Turn } from './turn.ts';

/** @throws TrustedError `TICKET_UNKNOWN`, `TICKET_UNDER_WAY`, `TICKET_INACTIVE` or `TICKET_UNSHOWABLE` */
export function showCode(turn: Turn, command: Extract<HostCommand, { type: 'show-code' }>): void {
  const { state, env, draft } = turn;
  const { certificate, privateKey } = ownKey(turn);
  const { matter, ticketId, paper, door } = command;
  const { bytes, mark } = requirePresentable(turn, ticketId);
  requireShowable(ticketId, bytes, mark);
  const before = state.door.shown.get(ticketId);
  const fromS = Math.floor(env.nowMs / 1000);
  if (before?.paper === true && before.untilS > fromS) throw onPaper(ticketId);
  const untilS = fromS + (paper === 1 ? command.forS : Math.min(command.forS, longestLiveS));
  const code = signCode(
    {
      ...{ ticket: bytes, holder: certificate, fromS, untilS, paper },
      ...(mark && { mark }),
      ...(door !== undefined && { door }),
    },
    privateKey,
  );
  const shown = {
    fromS: Math.min(fromS, before?.fromS ?? fromS),
    untilS: Math.max(untilS, before?.untilS ?? 0),
    paper: paper === 1,
  };
  draft.records.push({ type: 'shown', ticketId, shown });
  tellHost(turn, { type: 'code', matter, ticketId, code: writeCode(code), untilS });
}

/** Around the ticket and its mark: certificate, times, signature. */
const proofBytes = 320;

/** A code can be read by everybody who sees it, the device's own host side first. */
function requireShowable(ticketId: string, bytes: Uint8Array, mark: Uint8Array | undefined): void {
  if (holdsSecrets(decodeTicket(bytes).body.components)) {
    throw new TrustedError(
      'TICKET_UNSHOWABLE',
      `ticket ${ticketId} holds a key or a card: it is only presented in sessions`,
    );
  }
  const size = bytes.length + (mark?.length ?? 0) + proofBytes;
  if (size > maxCodeBytes) {
    throw new TrustedError(
      'TICKET_UNSHOWABLE',
      `ticket ${ticketId} does not fit into a code: it is only presented in sessions`,
    );
  }
}
