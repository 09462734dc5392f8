/** A merchant's agent follows what a trusted server has ruled, whatever its host side wants, once the time for an appeal is over. */
import { equalBytes, toHex } from '../../codec/hex.ts';
import { claimType } from '../message/dispute.ts';
import { readDocument } from '../message/signed-document.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { requireTrustedServer } from '../message/validate-certificate.ts';
import { readRuling } from '../ruling/case-documents.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import { ticketIdOf } from '../ticket/ticket.ts';
import { decideDispute } from './answer-dispute.ts';
import type { Dispute } from './dispute-state.ts';
import { ownKey, type Turn } from './turn.ts';

/** The dispute as the ruling leaves it. @throws CryptographicError or TrustedError for a ruling that does not count here, or not yet */
export function grantByRuling(turn: Turn, dispute: Dispute, bytes: Uint8Array): Dispute {
  const { value: ruling, by } = readRuling(bytes, turn.state.lists);
  if (by.type === 'server') requireTrustedServer(by.certificate, turn.state.lists);
  const claim = readDocument(claimType, dispute.claim);
  const about = toHex(ruling.number) === dispute.number && ruling.customer === dispute.peer.agentId;
  if (!about || ruling.merchant !== ownKey(turn).certificate.agentId) {
    throw new TrustedError('RULING_UNFIT', 'a ruling about something else');
  }
  // A later complaint has a claim of its own.
  const same = equalBytes(ruling.claim, claim.digest) || ruling.reasons.some(({ code }) => afterwards.includes(code));
  if (!same) throw new TrustedError('RULING_UNFIT', 'a ruling on another claim');
  if (dispute.appealed === true && !ruling.reasons.some(({ code }) => code === 'APPEALED')) {
    throw new TrustedError('RULING_UNFIT', 'a ruling that was appealed');
  }
  if (ruling.finalAtMs > turn.env.nowMs) throw new TrustedError('RULING_UNFIT', 'a ruling that can still be appealed');
  if (dispute.status === 'refunded' || dispute.status === 'replaced') return dispute;
  if (ruling.outcome !== 'refund' && ruling.outcome !== 'replacement') {
    throw new TrustedError('RULING_UNFIT', 'nothing is to be done by that ruling');
  }
  const { ticket } = claim.value;
  const known = { ...dispute, ticketId: dispute.ticketId ?? (ticket && ticketIdOf(decodeTicket(ticket))) };
  const [refund, replacement] = [ruling.outcome === 'refund', ruling.outcome === 'replacement'];
  if (known.status === 'granted' && (refund ? known.offer.refund !== undefined : known.offer.replacement)) return known;
  const reason = `by the ruling ${toHex(ruling.case).slice(0, 16)} of trusted server ${ruling.server}`;
  return decideDispute(turn, known, { outcome: 'granted', reason, refund, replacement });
}

const afterwards: readonly string[] = ['NOT_FOLLOWED', 'MERCHANT_CONCEDES'];
