/** After the accept: it is paid, so K2 is owed; by the merchant, and where that is silent or lies, by the trustee. */
import { encodeShape, linkOf, signMessage } from '../../crypto/signed-message.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Env } from '../../journal/machine.ts';
import { type Acceptance, acceptanceType } from '../message/acceptance.ts';
import { claimType } from '../message/claim.ts';
import { custodyReceiptType, sealKey } from '../message/custody.ts';
import { routeOf } from '../message/endpoint.ts';
import { openRelease, type Release } from '../message/release.ts';
import { readSigned, type Signed } from '../message/signed-by.ts';
import { complain } from './complain.ts';
import { openType } from './errand.ts';
import type { Purchase } from './purchase.ts';
import { both, errand, finish, manifestOf, NOTHING, type ReceiverDecision, step } from './receiver-decision.ts';
import { idOf, timerId } from './receiver-input.ts';
import { claimWaitMs, PACKAGES, type ReceiverPolicy, releaseWaitMs } from './receiver-policy.ts';

/** Everything that shows a paid acceptance, once there is evidence. */
export function acceptanceOf({ order, taken, passedKey, accept, evidence }: Purchase): Acceptance {
  return { order, taken: taken!, passedKey: passedKey!, accept: accept!, evidence: evidence! };
}

export function paid(purchase: Purchase, evidence: Uint8Array, env: Env, policy: ReceiverPolicy): ReceiverDecision {
  if (purchase.phase !== 'paying') return NOTHING;
  const { reference, merchantUrl, keptUntilMs } = purchase;
  return step(purchase, { type: 'paid', reference, evidence, atMs: env.nowMs }, (next) => ({
    records: [],
    timers: [{ id: timerId(reference, 'release'), atMs: env.nowMs + releaseWaitMs(policy) }],
    send: [
      {
        ...{ id: idOf(reference, 'acceptance'), to: routeOf(merchantUrl, acceptanceType), kind: acceptanceType.name },
        ...{ body: encodeShape(acceptanceType, acceptanceOf(next)), expiresAtMs: Math.max(keptUntilMs, env.nowMs) },
      },
    ],
  }));
}

/** The merchant is silent, refuses, or released something else: the trustee is asked, once. */
export function claim(purchase: Purchase, reason: string, env: Env, policy: ReceiverPolicy): ReceiverDecision {
  if (purchase.phase !== 'claiming' || purchase.claimed) return NOTHING;
  const { reference, trustee, trusteeUrl, orderDigest, orderKey, keptUntilMs } = purchase;
  const { signer } = readSigned(custodyReceiptType, purchase.custody, {
    identify: policy.identify.trustee,
    atMs: ({ atMs }) => atMs,
  });
  const said = {
    ...{ acceptance: encodeShape(acceptanceType, acceptanceOf(purchase)), trustee, atMs: env.nowMs },
    key: sealKey(orderKey, { recipient: signer.publicKey, binding: orderDigest, random: env.random }),
  };
  return step(purchase, { type: 'claimed', reference, reason, atMs: env.nowMs }, () => ({
    records: [],
    clearTimers: [timerId(reference, 'release')],
    send: [
      {
        ...{ id: idOf(reference, 'claim'), to: routeOf(trusteeUrl, claimType), kind: claimType.name },
        body: signMessage(claimType, said, policy.signer),
        expiresAtMs: Math.max(env.nowMs, Math.min(keptUntilMs, env.nowMs + claimWaitMs(policy))),
      },
    ],
  }));
}

/** K2, from whomever it comes first; what is signed and wrong is kept against its signer, and the next is asked. */
export function released(
  purchase: Purchase,
  from: { readonly step: 'acceptance' | 'claim' | 'complaint'; readonly release: Signed<Release> },
  env: Env,
  policy: ReceiverPolicy,
): ReceiverDecision {
  if (purchase.phase !== 'claiming' && purchase.phase !== 'complaining') return NOTHING;
  const { reference } = purchase;
  const { release } = from;
  const productKey = keyIn(purchase, from, policy);
  if (productKey === undefined) {
    const kept = step(purchase, { type: 'false-release', reference, release: release.bytes, atMs: env.nowMs });
    if (from.step === 'complaint') return both(kept, finish(purchase, 'withheld', 'FALSE_RELEASE', env));
    return both(kept, notReleased(purchase, from.step, 'FALSE_RELEASE', env, policy));
  }
  const record = { type: 'released', reference, productKey, release: release.bytes, atMs: env.nowMs } as const;
  return step(purchase, record, (next) => {
    const called = {
      records: [],
      cancel: [idOf(reference, 'acceptance'), idOf(reference, 'claim'), idOf(reference, 'complaint', next.complaints)],
      clearTimers: [timerId(reference, 'release')],
    };
    return both(called, openPackage(next));
  });
}

function keyIn(
  purchase: Purchase,
  { step: from, release }: Parameters<typeof released>[1],
  policy: ReceiverPolicy,
): Uint8Array | undefined {
  const { orderDigest: order, accept, orderKey, merchant, trustee } = purchase;
  const expected = { acceptance: merchant, claim: trustee, complaint: policy.arbiter?.name }[from];
  if (release.signer.name !== expected || release.value.by !== expected) return undefined;
  const { value: manifest, digest } = manifestOf(purchase);
  try {
    return openRelease(release, { order, accept: linkOf(accept!), package: digest, orderKey, manifest });
  } catch (cause) {
    if (cause instanceof HandselError) return undefined;
    throw cause;
  }
}

/** Whoever was asked has not released K2 and will not: the next one is asked; without an arbiter, as long as there is one. */
export function notReleased(
  purchase: Purchase,
  from: 'acceptance' | 'claim',
  code: string,
  env: Env,
  policy: ReceiverPolicy,
): ReceiverDecision {
  if (purchase.phase !== 'claiming') return NOTHING;
  const { reference } = purchase;
  const by = from === 'acceptance' ? 'merchant' : 'trustee';
  return step(purchase, { type: 'not-released', reference, by, code }, (next) => {
    if (!next.claimed) return claim(next, code, env, policy);
    if (!next.trusteeFailed) return NOTHING;
    if (policy.arbiter === undefined && !next.merchantFailed) return NOTHING;
    return complain(next, { about: 'withheld', reason: code }, env, policy);
  });
}

export function openPackage(purchase: Purchase): ReceiverDecision {
  const { reference, manifest, productKey } = purchase;
  return step(purchase, { type: 'opening', reference }, (next) => ({
    records: [],
    send: [
      errand(next, {
        ...{ step: 'open', number: next.openings, to: PACKAGES, type: openType },
        value: { reference, manifest, productKey: productKey! },
      }),
    ],
  }));
}
