/** Disputes as the owner of a device may see them: what was said, offered and ruled, and never what opens merchandise. */
import type { Amount } from '../../money/amount.ts';
import { type About, answerType, claimType } from '../message/dispute.ts';
import { readDocument } from '../message/signed-document.ts';
import type { AgentState } from './agent-state.ts';
import type { Dispute, DisputeStatus } from './dispute-state.ts';

export interface ShownDispute {
  readonly number: string;
  /** Under which its host side hears of it. */
  readonly matter: string;
  readonly side: 'customer' | 'merchant';
  readonly status: DisputeStatus;
  readonly about: About;
  /** TA(id) of the other side. */
  readonly peer: number;
  readonly ticketId: string | undefined;
  readonly statement: string;
  readonly paid: Amount | undefined;
  readonly answer: { readonly outcome: string; readonly reason: string } | undefined;
  readonly offer: Dispute['offer'];
  readonly bundle: Uint8Array | undefined;
  readonly openedAtMs: number;
  /** Of a merchant: a trusted server waits for what it has to say, under this case, until then. */
  readonly heard: { readonly case: string; readonly untilMs: number } | undefined;
}

export function showDisputes({ disputes }: AgentState): readonly ShownDispute[] {
  const hearings = [...disputes.hearings.values()];
  return [...disputes.byNumber.values()].map((dispute) => {
    const { number, matter, side, status, about, peer, ticketId, claim, answer, offer, bundle, openedAtMs } = dispute;
    const hearing = hearings.find((one) => one.number === number);
    const said = answer && readDocument(answerType, answer).value;
    return {
      ...{ number, matter, side, status, about, peer: peer.agentId, ticketId, offer, bundle, openedAtMs },
      statement: readDocument(claimType, claim).value.statement,
      paid: dispute.payment?.amount,
      answer: said && { outcome: said.outcome, reason: said.reason },
      heard: hearing && { case: hearing.case, untilMs: hearing.untilMs },
    };
  });
}
