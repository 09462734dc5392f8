/** Taking K2 into keeping, and giving it up when the time is over. */
import { toHex } from '../../codec/hex.ts';
import { signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env } from '../../journal/machine.ts';
import { type CustodyReceipt, custodyReceiptType } from '../message/custody.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { requireStanding } from './decide-refund.ts';
import type { LodgingInput } from './trustee-input.ts';
import { keepMs, maxKept, type TrusteePolicy } from './trustee-policy.ts';
import { packageKey, type TrusteeRecord, type TrusteeState } from './trustee-state.ts';

const custodyTimer = (of: string) => `custody:${of}`;
export const packageOfTimer = (id: string) => id.slice('custody:'.length);

/** A key lodged again is kept longer, never shorter. */
export function decideLodging(
  state: TrusteeState,
  { lodging, manifest, productKey }: LodgingInput,
  env: Env,
  policy: TrusteePolicy,
): Decision<TrusteeRecord> {
  const of = toHex(manifest.digest);
  const { merchant, product, commitment } = manifest.value;
  requireStanding(state, merchant, env, policy);
  const { kept, keptOf } = state;
  const before = kept.get(of);
  if (before === undefined && (keptOf.get(merchant) ?? 0) >= maxKept(policy)) {
    throw new DeliveryError('CUSTODY_REFUSED', 'no more keys of this merchant are kept');
  }
  const wantedMs = Math.min(lodging.value.keepUntilMs, env.nowMs + keepMs(policy));
  const keptUntilMs = Math.max(wantedMs, before?.keptUntilMs ?? 0);
  if (keptUntilMs <= env.nowMs) throw new DeliveryError('CUSTODY_REFUSED', 'the time to keep the key is over already');
  const said: CustodyReceipt = {
    ...{ trustee: policy.name, package: manifest.digest, merchant, product, commitment, keptUntilMs },
    atMs: env.nowMs,
  };
  const receipt = signMessage(custodyReceiptType, said, policy.signer);
  const key = { package: of, merchant, product, productKey: toHex(productKey), keptUntilMs };
  return {
    records: [{ type: 'kept', key, receipt, atMs: env.nowMs }],
    keys: [packageKey(of)],
    answer: receipt,
    timers: [{ id: custodyTimer(of), atMs: keptUntilMs }],
  };
}

export function decideCustodyOver({ kept }: TrusteeState, of: string, env: Env): Decision<TrusteeRecord> {
  const key = kept.get(of);
  if (key === undefined || key.keptUntilMs > env.nowMs) return { records: [] };
  return { records: [{ type: 'forgotten', package: of, atMs: env.nowMs }], keys: [packageKey(of)] };
}
