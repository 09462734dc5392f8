/** The port by which a purchase is paid, and the courier that brings the machine's errands to it. The composition plugs a method in. */
import { encodeCbor } from '../../codec/cbor.ts';
import { toHex } from '../../codec/hex.ts';
import { decodeShape, linkOf, readMessage } from '../../crypto/signed-message.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Courier, CourierResult } from '../../journal/courier.ts';
import { type Order, orderType } from '../message/order.ts';
import { cancelType, commitType, prepareType } from './errand.ts';

export interface OrderToPay {
  /** Digest of the signed order, hexadecimal: the same payment each time. */
  readonly digest: string;
  readonly order: Order;
}

/** Every call may come again, also after a restart, and then does nothing more. A HandselError refuses for good; anything else: asked again. */
export interface Settlement {
  /** Makes sure of the money, by a hold or whatever the method has: nothing is paid. */
  prepare(order: OrderToPay): Promise<void>;
  /**
   * Pays, for this accept and no other: its digest must be part of the evidence, which is given back. May refuse only when nothing is paid
   * and nothing will be. @param accept signed
   */
  commit(order: OrderToPay, accept: Uint8Array): Promise<Uint8Array>;
  /** Sets the money free. A `prepare` that comes later, or is still on its way, does nothing. Never after a `commit` that paid. */
  cancel(digest: string): Promise<void>;
}

const DONE = encodeCbor(null);

/** For the routes that begin with `local:settlement`. */
export function settlementCourier(settlement: Settlement): Courier {
  const answer = async (kind: string, body: Uint8Array): Promise<Uint8Array> => {
    if (kind === prepareType.name) {
      await settlement.prepare(toPay(decodeShape(prepareType, body).order));
      return DONE;
    }
    if (kind === commitType.name) {
      const { order, accept } = decodeShape(commitType, body);
      return settlement.commit(toPay(order), accept);
    }
    await settlement.cancel(toHex(decodeShape(cancelType, body).order));
    return DONE;
  };
  return {
    async deliver({ kind, body }): Promise<CourierResult> {
      try {
        return { type: 'answered', body: await answer(kind, body) };
      } catch (cause) {
        if (!(cause instanceof HandselError)) throw cause;
        return { type: 'refused', code: cause.code, detail: cause.message };
      }
    },
  };
}

function toPay(order: Uint8Array): OrderToPay {
  return { digest: toHex(linkOf(order)), order: readMessage(orderType, order).value };
}
