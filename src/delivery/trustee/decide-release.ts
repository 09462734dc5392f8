/** Giving K2 out: to a customer whose merchant is silent, for its paid acceptance; to an arbiter, for a case about one. */
import { fromHex, toHex } from '../../codec/hex.ts';
import { signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env } from '../../journal/machine.ts';
import { passedAcceptanceType } from '../message/claim.ts';
import { disclosureType } from '../message/complaint.ts';
import { sealKey } from '../message/custody.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { ACKNOWLEDGED, routeOf } from '../message/endpoint.ts';
import { commitmentTo } from '../message/manifest.ts';
import type { Order } from '../message/order.ts';
import { signRelease } from '../message/release.ts';
import type { Signed } from '../message/signed-by.ts';
import { ACCEPTANCE } from './decide-passing.ts';
import type { ClaimInput, KeyRequestInput, TrusteeInput } from './trustee-input.ts';
import type { TrusteePolicy } from './trustee-policy.ts';
import { type KeptKey, orderKey, packageKey, type TrusteeRecord, type TrusteeState } from './trustee-state.ts';

/** The merchant is told until it has it: it may be away, which is why its customer came here. */
export function decideClaim(
  state: TrusteeState,
  { acceptance, acceptanceBytes, orderKey: orderSecret, refunded }: ClaimInput,
  env: Env,
  policy: TrusteePolicy,
): Decision<TrusteeRecord> {
  const { order, accept } = acceptance;
  const key = keptFor(state, order, policy);
  if (refunded) throw new DeliveryError('ORDER_OVER', 'the order was refunded by a ruling');
  const release = signRelease(
    {
      ...{ order: order.digest, accept: accept.digest, package: order.value.package },
      ...{ role: 'trustee', by: policy.name, atMs: env.nowMs },
    },
    { orderKey: orderSecret, productKey: fromHex(key.productKey), signer: policy.signer, random: env.random },
  );
  const name = toHex(order.digest);
  const passed = { acceptance: acceptanceBytes, trustee: policy.name, release, atMs: env.nowMs };
  return {
    records: [
      {
        ...{ type: 'released', order: name, package: key.package, accept: toHex(accept.digest) },
        ...{ release, atMs: env.nowMs },
      },
    ],
    keys: [orderKey(name), packageKey(key.package)],
    answer: release,
    send: [
      {
        // A customer that pays twice for one order, by two accepts, has the merchant told of both.
        id: `${ACCEPTANCE}${name}/${toHex(accept.digest)}`,
        to: routeOf(policy.merchants.get(key.merchant)!.url, passedAcceptanceType),
        kind: passedAcceptanceType.name,
        body: signMessage(passedAcceptanceType, passed, policy.signer),
      },
    ],
  };
}

/** Logged with the arbiter's signature: whoever wonders where a key went can be shown. */
export function decideKeyRequest(
  state: TrusteeState,
  { request, acceptance, arbiter }: KeyRequestInput,
  env: Env,
  policy: TrusteePolicy,
): Decision<TrusteeRecord> {
  const { order } = acceptance;
  const key = keptFor(state, order, policy);
  const productKey = fromHex(key.productKey);
  const { case: of, package: digest } = request.value;
  const disclosure = signMessage(
    disclosureType,
    {
      ...{ case: of, package: digest, trustee: policy.name, atMs: env.nowMs },
      commitment: commitmentTo(productKey, key),
      key: sealKey(productKey, { recipient: arbiter.publicKey, binding: of, random: env.random }),
    },
    policy.signer,
  );
  return {
    records: [
      {
        ...{ type: 'disclosed', case: toHex(of), package: key.package, order: toHex(order.digest) },
        ...{ arbiter: arbiter.name, request: request.bytes, atMs: env.nowMs },
      },
    ],
    keys: [orderKey(toHex(order.digest)), packageKey(key.package)],
    answer: disclosure,
  };
}

export function decideRuling({ ruling }: Extract<TrusteeInput, { type: 'ruling' }>, env: Env): Decision<TrusteeRecord> {
  const { order, outcome } = ruling.value;
  return {
    records: [{ type: 'ruled', order: toHex(order), outcome, ruling: ruling.bytes, atMs: env.nowMs }],
    keys: [orderKey(toHex(order))],
    answer: ACKNOWLEDGED,
  };
}

/** @throws DeliveryError `PACKAGE_UNKNOWN` */
function keptFor({ kept }: TrusteeState, { value }: Signed<Order>, policy: TrusteePolicy): KeptKey {
  const key = kept.get(toHex(value.package));
  // Nobody's order, however well paid, opens another merchant's package.
  if (key === undefined || key.merchant !== value.merchant || key.product !== value.product) {
    throw new DeliveryError('PACKAGE_UNKNOWN', 'no key of this package is kept here');
  }
  if (!policy.merchants.has(key.merchant))
    throw new DeliveryError('PACKAGE_UNKNOWN', 'the merchant is not known here any more');
  return key;
}
