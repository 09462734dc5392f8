/** What a merchant's agent answers in a dispute: said in the session, and signed, since it may be needed before a trusted server. */
import { encodeCbor } from '../../codec/cbor.ts';
import { fromHex } from '../../codec/hex.ts';
import { type AnswerOutcome, answerType, claimType } from '../message/dispute.ts';
import { type DisputeAnswer, disputeAnswerShape } from '../message/dispute-talk.ts';
import { readDocument, signDocument } from '../message/signed-document.ts';
import { keepDispute, logDispute } from './dispute-log.ts';
import type { Dispute, DisputeStatus } from './dispute-state.ts';
import type { ResolvingTalk } from './talk.ts';
import { ownKey, say, type Turn } from './turn.ts';

export const answerCustomer = (turn: Turn, talk: ResolvingTalk, answer: DisputeAnswer) =>
  say(turn, talk, encodeCbor(disputeAnswerShape.encode(answer)));

export interface Said {
  readonly outcome: AnswerOutcome;
  readonly reason: string;
  readonly refund?: boolean;
  readonly replacement?: boolean;
}

const statusAfter: Readonly<Record<AnswerOutcome, DisputeStatus | undefined>> = {
  granted: 'granted',
  unavailable: 'granted',
  denied: 'denied',
  'ticket-invalid': 'denied',
  'object-invalid': 'denied',
  // What was settled stays so; what was not is over.
  settled: undefined,
};

/** The dispute with its answer, written down. */
export function decideDispute(turn: Turn, dispute: Dispute, said: Said, session?: string): Dispute {
  const { outcome, reason } = said;
  const { certificate, privateKey } = ownKey(turn);
  const refund = said.refund === true ? dispute.payment?.amount : undefined;
  const replacement = said.replacement === true;
  const answer = signDocument(
    answerType,
    {
      ...{ number: fromHex(dispute.number), claim: readDocument(claimType, dispute.claim).digest, outcome, reason },
      ...(refund && { refund }),
      ...(replacement && { replacement: 'yes' as const }),
      atMs: turn.env.nowMs,
    },
    { type: 'agent', certificate, privateKey },
  );
  const status = statusAfter[outcome] ?? (dispute.status === 'open' ? 'denied' : dispute.status);
  const decided: Dispute = { ...dispute, status, answer, offer: { refund, replacement } };
  keepDispute(turn, decided);
  logDispute(turn, decided, `${outcome}: ${reason}`, session);
  return decided;
}
