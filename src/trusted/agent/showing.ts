/**
 * Showing a ticket by a code. The holder cannot hear what a door without a session makes of it, so the ticket is In Use (US 5,671,280, fields
 * 60, 86, 102, 118) for as long as the code counts: it is not given away nor presented meanwhile, and what was shown is written down first.
 */
import { longestLiveS, signCode, writeCode } from '../ticket/ticket-code.ts';
import type { HostCommand } from './host-command.ts';
import { onPaper, requirePresentable } from './presentable.ts';
import { tellHost } from './to-host.ts';
import { ownKey, type Turn } from './turn.ts';

/** @throws TrustedError `TICKET_UNKNOWN`, `TICKET_UNDER_WAY` or `TICKET_INACTIVE` */
export function showCode(turn: Turn, command: Extract<HostCommand, { type: 'show-code' }>): void {
  const { state, env, draft } = turn;
  const { certificate, privateKey } = ownKey(turn);
  const { matter, ticketId, paper, door } = command;
  const { bytes, mark } = requirePresentable(turn, ticketId);
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
