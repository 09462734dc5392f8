/** What an authority delivers, before it is signed (US 5,671,280, figure 27, steps 922 to 926): whether it is what was asked for, and can be held. */
import { decodeCbor } from '../../codec/cbor.ts';
import { toHex } from '../../codec/hex.ts';
import type { Claims } from '../credential/claim.ts';
import { openDisclosures } from '../credential/disclosure.ts';
import type { CredentialAnswer } from '../message/credential-talk.ts';
import { dayOf } from '../message/day.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { requireTrustedAgent, validateAgentCertificate } from '../message/validate-certificate.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import { type Components, expiryOf, kindOf } from '../ticket/components.ts';
import { firstStatus, inactivity } from '../ticket/status.ts';
import { bodyShape, maxTicketBytes, type TicketBody } from '../ticket/ticket.ts';
import { validateUnissued } from '../ticket/validate-ticket.ts';
import { storeUnsigned, ticketIdOfUnsigned } from './leg.ts';
import { requireShowable } from './own-credential.ts';
import type { AcquiringTalk, DeliveredCredential } from './talk.ts';
import { ownKey, peerOf, type Turn } from './turn.ts';

export type Delivery = Extract<CredentialAnswer, { type: 'deliver' }>;

interface ReadDelivery {
  readonly body: TicketBody;
  /** Of an attestation. */
  readonly claims: Claims;
  readonly delivered: DeliveredCredential;
}

/** @throws HandselError when this agent will not have it */
export function readDelivery(turn: Turn, talk: AcquiringTalk, delivery: Delivery): ReadDelivery {
  const transaction = toHex(delivery.transaction);
  if (turn.state.transactions.has(transaction)) throw invalid('a transaction of this number is open');
  const body = validate(turn, talk, delivery);
  const { signer, disclosures, price } = delivery;
  const { components } = body;
  if ((components.type === 'attestation') !== (disclosures !== undefined)) throw invalid('fields that nobody can show');
  const claims = disclosures === undefined ? {} : openDisclosures(components, disclosures);
  const unsigned = { type: 'issue', body, receiver: ownKey(turn).certificate.agentId, signer } as const;
  const ticketId = ticketIdOfUnsigned(unsigned);
  if (turn.state.tickets.has(ticketId)) throw invalid('this agent holds that credential');
  const delivered: DeliveredCredential = {
    ...{ transaction, ticketId, ticket: storeUnsigned(unsigned) },
    ...(disclosures && { disclosures }),
    ...(price && { price }),
  };
  return { body, claims, delivered };
}

const invalid = (why: string) => new TrustedError('TICKET_INVALID', `what the authority delivers: ${why}`);

function validate(turn: Turn, talk: AcquiringTalk, { signer, body: bytes }: Delivery): TicketBody {
  const { state, env } = turn;
  const { goal } = talk;
  const { lists } = state;
  if (signer.agentId !== peerOf(turn, talk).agentId) throw invalid('another agent is to sign');
  validateAgentCertificate(signer, { lists, onDay: dayOf(env.nowMs) });
  requireTrustedAgent(signer, lists);
  const body = bodyShape.decode(decodeCbor(bytes, { maxBytes: maxTicketBytes, maxDepth: 8 }), 'ticket');
  const receiverExpiresDay = ownKey(turn).certificate.expiresDay;
  validateUnissued({ body, signer }, { lists, nowMs: env.nowMs, receiverExpiresDay });
  const { components } = body;
  if (kindOf(components.type) !== 'credential') throw invalid(`a ${components.type} ticket`);
  const why = inactivity(components, firstStatus(components), Math.floor(env.nowMs / 1000));
  if (why !== undefined) throw invalid(`it is ${why}`);
  if (goal.type === 'revalidate') requireSuccessor(decodeTicket(requireShowable(turn, goal.ticketId).bytes).body, body);
  return body;
}

const titleOf = (components: Components) => ('title' in components ? components.title : '');

/** Step 984: the same credential with a new date. */
function requireSuccessor(before: TicketBody, after: TicketBody): void {
  const [old, new_] = [before.components, after.components];
  const same = old.type === new_.type && titleOf(old) === titleOf(new_) && before.issuerName === after.issuerName;
  if (!same || (expiryOf(new_) ?? 0) <= (expiryOf(old) ?? 0))
    throw invalid('not the same credential with a later date');
}
