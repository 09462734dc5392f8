/**
 * Merchandise as it arrives at the customer's agent (US 5,671,280, figure 15, steps 472 to 518): compared with what was selected, an electronic
 * object with its decryption ticket and with what the merchant's agent signed, and shown to the host side without what opens it.
 */
import { decodeCbor } from '../../codec/cbor.ts';
import { equalBytes } from '../../codec/hex.ts';
import { dayOf } from '../message/day.ts';
import type { BuyAnswer } from '../message/purchase-talk.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { requireTrustedAgent, validateAgentCertificate } from '../message/validate-certificate.ts';
import { isObjectSigned, type ObjectHeader, openHeader } from '../object/object-header.ts';
import { faultOfMerchandise } from '../ticket/merchandise.ts';
import { firstStatus } from '../ticket/status.ts';
import { bodyShape, maxTicketBytes } from '../ticket/ticket.ts';
import { validateUnissued } from '../ticket/validate-ticket.ts';
import { type Leg, readUnsigned, storeUnsigned, ticketIdOfUnsigned } from './leg.ts';
import type { BuyingTalk, Delivered } from './talk.ts';
import { type HostNotice, showTicket, tellHost } from './to-host.ts';
import { keepTalk, ownKey, peerOf, type Turn } from './turn.ts';

/** Steps 474 to 482, and 514 to 516. @throws HandselError when it is not what was selected, or cannot be believed */
export function acceptDelivery(
  turn: Turn,
  talk: BuyingTalk,
  { signer, body: encoded, object }: Extract<BuyAnswer, { type: 'delivered' }>,
): Delivered {
  const { env, state } = turn;
  const { lists } = state;
  const { agentId: receiver, expiresDay: receiverExpiresDay } = ownKey(turn).certificate;
  if (signer.agentId !== peerOf(turn, talk).agentId) throw wrong('another agent is to sign');
  validateAgentCertificate(signer, { lists, onDay: dayOf(env.nowMs) });
  requireTrustedAgent(signer, lists);

  const body = bodyShape.decode(decodeCbor(encoded, { maxBytes: maxTicketBytes, maxDepth: 8 }), 'ticket');
  validateUnissued({ body, signer }, { lists, nowMs: env.nowMs, receiverExpiresDay });
  const fault = faultOfMerchandise(body.components, talk);
  if (fault !== undefined) throw wrong(fault);
  if ((body.components.type === 'decryption') !== (object !== undefined)) throw wrong('ticket and object do not match');

  const unsigned = { type: 'issue', body, receiver, signer } as const;
  const ticketId = ticketIdOfUnsigned(unsigned);
  if (state.tickets.has(ticketId)) throw wrong('this agent holds that ticket');
  return { ticketId, ticket: storeUnsigned(unsigned), object };
}

const wrong = (why: string) => new TrustedError('MERCHANDISE_WRONG', why);

export function takeLegOf({ ticketId, ticket }: Delivered): Leg {
  return { type: 'take', ticketId, ticket };
}

/** Step 488: for the purchaser to see that it is what was selected, at that price. */
export function showDelivered(talk: BuyingTalk, header: ObjectHeader | undefined): HostNotice {
  const unsigned = readUnsigned(talk.delivered!.ticket);
  if (unsigned.type !== 'issue') throw wrong('not a new ticket');
  const { body, receiver, signer: issuerCertificate } = unsigned;
  const ticket = { body, receiver, issuerCertificate, transfers: [] };
  const { matter, session, price } = talk;
  return {
    ...{ type: 'confirm-merchandise', matter, session, price },
    ticket: showTicket(ticket, firstStatus(body.components)),
    ...(header && { object: header }),
  };
}

export interface ArrivedObject {
  /** Of the whole encrypted file. */
  readonly digest: Uint8Array;
  readonly length: number;
  /** The sealed header, as the file has it. */
  readonly header: Uint8Array;
}

/**
 * Steps 506 to 518: the encrypted object has arrived, from wherever. It stays with the host side, which cannot open it.
 * @throws TrustedError `COMMAND_UNTIMELY`; `MERCHANDISE_WRONG` or CryptographicError when it is not the object that the merchant's agent signed
 */
export function takeObject(turn: Turn, talk: BuyingTalk, arrived: ArrivedObject): void {
  const { delivered } = talk;
  if (talk.step !== 'fetching' || delivered?.object === undefined) {
    throw new TrustedError('COMMAND_UNTIMELY', 'no object is expected');
  }
  const unsigned = readUnsigned(delivered.ticket);
  const components = unsigned.type === 'issue' ? unsigned.body.components : undefined;
  if (components?.type !== 'decryption') throw wrong('no decryption ticket');
  const { digest, length } = delivered.object;
  if (!equalBytes(arrived.digest, digest) || arrived.length !== length) throw wrong('another object');
  const { objectId, decryptionKey, objectSignature } = components;
  if (!isObjectSigned(unsigned.signer.publicKey, { objectId, digest, length }, objectSignature)) {
    throw wrong('an object that the merchant did not sign');
  }
  const header = openHeader(arrived.header, decryptionKey);
  if (header.objectId !== objectId) throw wrong('the ticket is for another object');
  const shown: BuyingTalk = { ...talk, step: 'confirming' };
  keepTalk(turn, shown);
  tellHost(turn, showDelivered(shown, header));
}
