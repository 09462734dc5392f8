/** An ordinary server reports agents to its primary server, which puts them on the list (US 5,671,280, function 220). */

import { CryptographicError } from '../../handsel-error.ts';
import { homeOf } from '../message/agent-id.ts';
import { dayOf } from '../message/day.ts';
import { encodeTrustedMessage } from '../message/envelope.ts';
import { isReportGenuine, type Report, signReport } from '../message/report.ts';
import { isUntrusted } from '../message/trust-lists.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { requireTrustedServer, validateServerCertificate } from '../message/validate-certificate.ts';
import { changeLists } from './list-keeper.ts';
import { type ServerTurn, serverKey } from './server-turn.ts';

export function sendReport(turn: ServerTurn, agentId: number, why: string): void {
  const { settings, draft, env } = turn;
  if (settings.primary === undefined) return;
  const report = signReport({ agentId, why }, serverKey(turn));
  draft.send.push({
    ...{ id: `r/${agentId}/${env.nowMs}`, to: settings.primary, kind: 'TrustedReport' },
    body: encodeTrustedMessage({ type: 'report', report }),
  });
}

/**
 * At the primary server: a server speaks for the agents that it named.
 * @throws CryptographicError or TrustedError
 */
export function hearReport(turn: ServerTurn, report: Report): void {
  const { lists } = turn.state;
  validateServerCertificate(report.by, { lists, onDay: dayOf(turn.env.nowMs) });
  requireTrustedServer(report.by, lists);
  if (!isReportGenuine(report)) throw new CryptographicError(new Error('a report by another server'));
  const { agentId } = report;
  if (homeOf(agentId) !== report.by.serverId) throw new TrustedError('SESSION_DENIED', 'an agent of another server');
  if (!isUntrusted(lists, { type: 'agent', agentId })) {
    changeLists(turn, { type: 'distrust', party: { type: 'agent', agentId } });
  }
}
