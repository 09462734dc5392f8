/** Beginning a purchase: the signed order to the merchant, K1 to the trustee, the money set aside, all at once. */
import { toHex } from '../../codec/hex.ts';
import { linkOf, signMessage } from '../../crypto/signed-message.ts';
import type { Env } from '../../journal/machine.ts';
import { sealKey } from '../message/custody.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { routeOf } from '../message/endpoint.ts';
import { type Handover, handoverType } from '../message/key-handover.ts';
import { ORDER_KEY_LENGTH, type Order, orderKeyDigest, orderType } from '../message/order.ts';
import { prepareType } from './errand.ts';
import { type Purchase, purchaseKey, type ReceiverState } from './purchase.ts';
import { errand, type ReceiverDecision } from './receiver-decision.ts';
import { type BuyInput, idOf, timerId } from './receiver-input.ts';
import { maxOpen, type ReceiverPolicy, SETTLEMENT } from './receiver-policy.ts';

const REFERENCE = /^[^/]{1,64}$/;
/** After the deadline the trustee is still to be found: for a claim, and for the arbiter's question. */
const KEPT_AFTER_MS = 3_600_000;

/** @throws DeliveryError `ORDER_REFUSED`, `ORDERS_OPEN`, `ORDER_EXPIRED`, `CUSTODY_ENDED` */
export function beginPurchase(
  { purchases }: ReceiverState,
  asked: BuyInput,
  env: Env,
  policy: ReceiverPolicy,
): ReceiverDecision {
  const { reference, deadlineMs, merchantUrl, trusteeUrl } = asked;
  if (!REFERENCE.test(reference) || purchases.has(reference)) {
    throw new DeliveryError(
      'ORDER_REFUSED',
      'a purchase needs a reference of 1 to 64 characters that no other one has',
    );
  }
  if (purchases.size >= maxOpen(policy)) throw new DeliveryError('ORDERS_OPEN', 'too many purchases are open already');
  if (env.nowMs >= deadlineMs) throw new DeliveryError('ORDER_EXPIRED', 'the deadline is over already');
  const { keptUntilMs } = asked.offer.custody.value;
  if (deadlineMs + KEPT_AFTER_MS > keptUntilMs) {
    throw new DeliveryError('CUSTODY_ENDED', 'the trustee does not keep the key for long enough');
  }
  const purchase = purchaseOf(asked, env, policy);
  return {
    records: [{ type: 'begun', purchase, atMs: env.nowMs }],
    keys: [purchaseKey(reference), `order:${toHex(purchase.orderDigest)}`],
    answer: purchase.orderDigest,
    timers: [{ id: timerId(reference, 'deadline'), atMs: deadlineMs }],
    send: [
      {
        ...{ id: idOf(reference, 'order'), to: routeOf(merchantUrl, orderType), kind: orderType.name },
        ...{ body: purchase.order, expiresAtMs: deadlineMs },
      },
      {
        ...{ id: idOf(reference, 'handover'), to: routeOf(trusteeUrl, handoverType), kind: handoverType.name },
        ...{ body: purchase.handover, expiresAtMs: deadlineMs },
      },
      errand(purchase, {
        ...{ step: 'prepare', to: SETTLEMENT, type: prepareType, value: { order: purchase.order } },
        expiresAtMs: deadlineMs,
      }),
    ],
  };
}

function purchaseOf({ offer, ...asked }: BuyInput, env: Env, { signer }: ReceiverPolicy): Purchase {
  const { description, manifest, custody } = offer;
  const { merchant, product } = manifest.value;
  const { trustee, keptUntilMs } = custody.value;
  const orderKey = env.random(ORDER_KEY_LENGTH);
  const order: Order = {
    ...{ order: env.random(16), merchant, product, trustee, package: manifest.digest, description: description.digest },
    ...{ price: asked.price, payee: asked.payee, deadlineMs: asked.deadlineMs, atMs: env.nowMs },
    keyDigest: orderKeyDigest(orderKey),
  };
  const orderBytes = signMessage(orderType, order, signer);
  const orderDigest = linkOf(orderBytes);
  const handover: Handover = {
    ...{ order: orderDigest, merchant, trustee, keyDigest: order.keyDigest },
    key: sealKey(orderKey, { recipient: manifest.signer.publicKey, binding: orderDigest, random: env.random }),
    ...{ deadlineMs: asked.deadlineMs, atMs: env.nowMs },
  };
  return {
    ...{ reference: asked.reference, phase: 'preparing', orderDigest, order: orderBytes, orderKey },
    handover: signMessage(handoverType, handover, signer),
    ...{ description: description.bytes, manifest: manifest.bytes, custody: custody.bytes, urls: offer.urls },
    ...{ merchant, trustee, keptUntilMs, deadlineMs: asked.deadlineMs, notify: asked.notify ?? null },
    ...{ merchantUrl: asked.merchantUrl, trusteeUrl: asked.trusteeUrl },
    ...{ taken: null, passedKey: null, prepared: false, whole: false, downloads: 0, notAccepts: 0, openings: 0 },
    ...{ productKey: null, complaint: null, complaints: 0 },
    ...{ accept: null, evidence: null, claimed: false, merchantFailed: false, trusteeFailed: false },
  };
}
