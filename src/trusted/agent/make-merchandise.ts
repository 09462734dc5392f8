/** Ticket Holder makes the ticket that is sold (US 5,671,280, figure 15, steps 468 and 500). */
import { toHex } from '../../codec/hex.ts';
import type { Amount } from '../../money/amount.ts';
import { dayOf } from '../message/day.ts';
import type { ObjectReference } from '../message/purchase-talk.ts';
import { signObject } from '../object/object-header.ts';
import type { Components } from '../ticket/components.ts';
import type { TicketBody } from '../ticket/ticket.ts';
import { issuerOf } from './issuer.ts';
import type { Merchandise } from './sale.ts';
import type { Talk } from './talk.ts';
import { ownKey, peerOf, type Turn } from './turn.ts';

export type Made = { readonly components: Components; readonly object?: ObjectReference } | { readonly fault: string };

/** The date of purchase is today's; the key and the signature of an electronic object are this agent's. */
export function componentsOf(turn: Turn, merchandise: Merchandise, price: Amount): Made {
  const purchasedOnDay = dayOf(turn.env.nowMs);
  if (merchandise.type === 'none') return { fault: merchandise.reason };
  if (merchandise.type === 'ticket') {
    const { components } = merchandise;
    if (components.type === 'decryption') return { fault: 'an object that was not encrypted here' };
    return { components: 'purchasedOnDay' in components ? { ...components, purchasedOnDay } : components };
  }
  const object = turn.state.objects.get(toHex(merchandise.digest));
  if (object === undefined) return { fault: 'an object that was not encrypted here' };
  const { objectId, digest, length, key: decryptionKey } = object;
  const { description, usage } = merchandise;
  const objectSignature = signObject({ objectId, digest, length }, ownKey(turn).privateKey);
  return {
    components: {
      ...{ type: 'decryption', objectId, decryptionKey, price, purchasedOnDay, objectSignature },
      ...(description === undefined ? {} : { description }),
      ...(usage === undefined ? {} : { usage }),
    },
    object: { digest, length },
  };
}

/** For the agent in the session. */
export function unsignedFor(turn: Turn, talk: Talk, components: Components) {
  const { agentId: receiver, certificate } = peerOf(turn, talk);
  const body: TicketBody = {
    ...issuerOf(turn),
    receiverExpiresDay: certificate.expiresDay,
    issuedOnDay: dayOf(turn.env.nowMs),
    serial: turn.state.serial + 1,
    components,
  };
  return { type: 'issue', body, receiver, signer: ownKey(turn).certificate } as const;
}
