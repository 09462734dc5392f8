/**
 * Up to the accept: nothing is paid before the merchant has taken the order, the trustee has passed K1 on, the money is set aside and the
 * whole package is here and checked (US 09/718,411, figure 4). Whatever of it fails ends the purchase, unpaid.
 */
import { equalBytes } from '../../codec/hex.ts';
import { linkOf, signMessage } from '../../crypto/signed-message.ts';
import type { Env } from '../../journal/machine.ts';
import { type Accept, acceptType } from '../message/acceptance.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { routeOf } from '../message/endpoint.ts';
import { passesOn } from '../message/key-handover.ts';
import { MAX_RESENDINGS, type NotAccept, notAcceptType } from '../message/resending.ts';
import { commitType, type Downloaded, downloadType } from './errand.ts';
import type { Purchase } from './purchase.ts';
import { abort, errand, NOTHING, type ReceiverDecision, step } from './receiver-decision.ts';
import { type AnswerInput, idOf, timerId } from './receiver-input.ts';
import { PACKAGES, type ReceiverPolicy, SETTLEMENT } from './receiver-policy.ts';

type Answer<T extends AnswerInput['type']> = Extract<AnswerInput, { type: T }>;

/** @throws DeliveryError `ACCEPTANCE_UNFIT` for another order's: it is asked again, until the deadline */
export function orderTaken(
  purchase: Purchase,
  { taken }: Answer<'taken'>,
  env: Env,
  policy: ReceiverPolicy,
): ReceiverDecision {
  if (purchase.phase !== 'preparing') return NOTHING;
  requireFrom(taken.signer.name, purchase.merchant);
  if (!equalBytes(taken.value.order, purchase.orderDigest)) throw unfit('the merchant took another order');
  const { reference } = purchase;
  return step(purchase, { type: 'taken', reference, taken: taken.bytes, urls: taken.value.urls }, (next) =>
    download(next, env, policy),
  );
}

/** @throws DeliveryError `ACCEPTANCE_UNFIT` when it is not what was handed over */
export function keyPassed(
  purchase: Purchase,
  { passed }: Answer<'passed'>,
  env: Env,
  policy: ReceiverPolicy,
): ReceiverDecision {
  if (purchase.phase !== 'preparing') return NOTHING;
  requireFrom(passed.signer.name, purchase.trustee);
  if (!passesOn(passed, purchase.handover)) throw unfit('the trustee passed on something else');
  const { reference } = purchase;
  return step(purchase, { type: 'passed', reference, passedKey: passed.bytes }, (next) =>
    acceptIfReady(next, env, policy),
  );
}

export function moneyPrepared(purchase: Purchase, env: Env, policy: ReceiverPolicy): ReceiverDecision {
  if (purchase.phase !== 'preparing') return NOTHING;
  const { reference } = purchase;
  return step(purchase, { type: 'prepared', reference }, (next) => acceptIfReady(next, env, policy));
}

/** Fetches what is not here yet; what is here and right is not fetched again. */
export function download(purchase: Purchase, env: Env, _policy: ReceiverPolicy): ReceiverDecision {
  const { reference, manifest, urls, phase, deadlineMs } = purchase;
  return step(purchase, { type: 'downloading', reference }, (next) => ({
    records: [],
    send: [
      errand(next, {
        ...{ step: 'download', number: next.downloads, to: PACKAGES, type: downloadType },
        value: { manifest, urls, recheck: phase === 'preparing' ? 'no' : 'yes' },
        // After the accept there is no deadline: it is paid.
        ...(phase === 'preparing' ? { expiresAtMs: Math.max(deadlineMs, env.nowMs) } : {}),
      }),
    ],
  }));
}

export function downloaded(
  purchase: Purchase,
  { downloaded: result }: Answer<'downloaded'>,
  env: Env,
  policy: ReceiverPolicy,
): ReceiverDecision {
  if (result.outcome === 'faulty') return notAccept(purchase, result, env, policy);
  const { reference } = purchase;
  return step(purchase, { type: 'whole', reference }, (next) => acceptIfReady(next, env, policy));
}

/** US 09/718,411, claim 27. The fourth tells the merchant that it is over. */
function notAccept(
  purchase: Purchase,
  { fault, segments }: Downloaded,
  env: Env,
  policy: ReceiverPolicy,
): ReceiverDecision {
  const { reference, orderDigest, manifest, merchantUrl, notAccepts, deadlineMs } = purchase;
  const attempt = notAccepts + 1;
  const said: NotAccept = {
    ...{
      order: orderDigest,
      package: linkOf(manifest),
      attempt,
      fault: fault ?? 'unreachable',
      segments,
      atMs: env.nowMs,
    },
  };
  const body = signMessage(notAcceptType, said, policy.signer);
  const send = [
    {
      ...{ id: idOf(reference, 'not-accept', attempt), to: routeOf(merchantUrl, notAcceptType) },
      ...{ kind: notAcceptType.name, body, expiresAtMs: Math.max(deadlineMs, env.nowMs) },
    },
  ];
  if (attempt > MAX_RESENDINGS) {
    const over = abort(purchase, 'NEVER_WHOLE', env);
    return { ...over, send: [...send, ...over.send!] };
  }
  return step(purchase, { type: 'not-accepted', reference, notAccept: body }, () => ({ records: [], send }));
}

/** @throws DeliveryError `ACCEPTANCE_UNFIT` for an answer to something else */
export function resending(
  purchase: Purchase,
  { resending: answer, number }: Answer<'resending'>,
  env: Env,
  policy: ReceiverPolicy,
): ReceiverDecision {
  if (purchase.phase !== 'preparing' || number !== purchase.notAccepts) return NOTHING;
  requireFrom(answer.signer.name, purchase.merchant);
  const { order, attempt, outcome, urls } = answer.value;
  if (!equalBytes(order, purchase.orderDigest) || attempt !== number) throw unfit('an answer to another not-accept');
  if (outcome === 'over') return abort(purchase, 'MERCHANT_GAVE_UP', env);
  return step(purchase, { type: 'resent', reference: purchase.reference, urls }, (next) => download(next, env, policy));
}

/** The one place where a purchase is accepted; the accept is recorded with the order to pay, and neither comes back. */
export function acceptIfReady(purchase: Purchase, env: Env, { signer }: ReceiverPolicy): ReceiverDecision {
  const { reference, phase, taken, passedKey, prepared, whole, orderDigest: order, deadlineMs } = purchase;
  const ready = phase === 'preparing' && taken !== null && passedKey !== null && prepared && whole;
  if (!ready || env.nowMs >= deadlineMs) return NOTHING;
  const said: Accept = { order, package: linkOf(purchase.manifest), unique: env.random(16), atMs: env.nowMs };
  const accept = signMessage(acceptType, said, signer);
  return step(purchase, { type: 'accepted', reference, accept, atMs: env.nowMs }, () => ({
    records: [],
    clearTimers: [timerId(reference, 'deadline')],
    send: [
      errand(purchase, { step: 'commit', to: SETTLEMENT, type: commitType, value: { order: purchase.order, accept } }),
    ],
  }));
}

function requireFrom(name: string, expected: string): void {
  if (name !== expected) throw unfit('somebody else answered');
}

const unfit = (message: string) => new DeliveryError('ACCEPTANCE_UNFIT', message);
