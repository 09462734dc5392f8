/** The customer's side of delivery as a machine (US 09/718,411, claims 24 to 27): see `../README.md`. */
import { equalBytes } from '../../codec/hex.ts';
import { readMessage } from '../../crypto/signed-message.ts';
import type { Env, Machine } from '../../journal/machine.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { descriptionType } from '../message/description.ts';
import { releaseType } from '../message/release.ts';
import { readSignedBy } from '../message/signed-by.ts';
import { beginPurchase } from './begin-purchase.ts';
import { claim, notReleased, openPackage, paid, released } from './claim-key.ts';
import { complain } from './complain.ts';
import { download, downloaded, keyPassed, moneyPrepared, orderTaken, resending } from './prepare-purchase.ts';
import {
  applyReceiver,
  type Purchase,
  purchaseKey,
  type ReceiverRecord,
  type ReceiverState,
  restoreReceiver,
  snapshotReceiver,
} from './purchase.ts';
import { abort, both, finish, NOTHING, type ReceiverDecision, step } from './receiver-decision.ts';
import { type AnswerInput, type ComplainInput, type ReceiverInput, readReply, timerInput } from './receiver-input.ts';
import type { ReceiverPolicy } from './receiver-policy.ts';
import { awaitRefund, claimRefund, notRefunded, refunded } from './refund.ts';

/** What was damaged on this side is fetched and opened again so many times. */
const MAX_OPENINGS = 5;

export function createReceiver(policy: ReceiverPolicy): Machine<ReceiverState, ReceiverInput, ReceiverRecord> {
  return {
    name: 'delivery-receiver',
    initial: () => ({ purchases: new Map(), refunds: new Map() }),
    decide: (state, input, env) => decide(state, input, env, policy),
    apply: applyReceiver,
    snapshot: snapshotReceiver,
    restore: restoreReceiver,
    received: (reply) => readReply(reply, policy),
    fired: ({ id }) => timerInput(id),
  };
}

function decide(state: ReceiverState, input: ReceiverInput, env: Env, policy: ReceiverPolicy): ReceiverDecision {
  if (input.type === 'buy') return beginPurchase(state, input, env, policy);
  if (input.type === 'complain') return complainLater(state, input, env, policy);
  if (input.type === 'told') return NOTHING;
  if (input.type === 'evidence') return claimRefund(state, input, env, policy);
  if (input.type === 'refunded') return refunded(state, input, env);
  if (input.type === 'failed' && (input.step === 'refund' || input.step === 'evidence')) {
    return notRefunded(state, input.reference, input.code, env);
  }
  const purchase = state.purchases.get(input.reference);
  if (purchase === undefined) return NOTHING;
  if (input.type === 'time') return timeOver(purchase, input.what, env, policy);
  return answered(purchase, input, env, policy);
}

function answered(
  purchase: Purchase,
  input: Exclude<AnswerInput, { type: 'evidence' | 'refunded' }>,
  env: Env,
  policy: ReceiverPolicy,
): ReceiverDecision {
  switch (input.type) {
    case 'taken':
      return orderTaken(purchase, input, env, policy);
    case 'passed':
      return keyPassed(purchase, input, env, policy);
    case 'prepared':
      return moneyPrepared(purchase, env, policy);
    case 'downloaded':
      return afterDownload(purchase, input, env, policy);
    case 'resending':
      return resending(purchase, input, env, policy);
    case 'paid':
      return paid(purchase, input.evidence, env, policy);
    case 'released':
      return released(purchase, input, env, policy);
    case 'opened':
      return afterOpening(purchase, input, env, policy);
    case 'ruled':
      return afterRuling(purchase, input, env, policy);
    case 'failed':
      return failed(purchase, input, env, policy);
  }
}

/** A deadline ends what is not accepted; silence after the accept leads to the trustee. */
function timeOver(
  purchase: Purchase,
  what: 'deadline' | 'release',
  env: Env,
  policy: ReceiverPolicy,
): ReceiverDecision {
  if (what === 'release') return claim(purchase, 'SILENT', env, policy);
  return purchase.phase === 'preparing' ? abort(purchase, 'DEADLINE', env) : NOTHING;
}

function failed(
  purchase: Purchase,
  { step: failedStep, number, code }: Extract<AnswerInput, { type: 'failed' }>,
  env: Env,
  policy: ReceiverPolicy,
): ReceiverDecision {
  switch (failedStep) {
    case 'order':
    case 'handover':
    case 'prepare':
      return purchase.phase === 'preparing' ? abort(purchase, code, env) : NOTHING;
    case 'not-accept':
      return purchase.phase === 'preparing' && number === purchase.notAccepts ? abort(purchase, code, env) : NOTHING;
    case 'download':
      return afterDownload(
        purchase,
        { type: 'downloaded', number, downloaded: { outcome: 'faulty', fault: 'unreachable', segments: [] } },
        env,
        policy,
      );
    case 'commit':
      return purchase.phase === 'paying' ? abort(purchase, code, env) : NOTHING;
    case 'acceptance':
    case 'claim':
      return notReleased(purchase, failedStep, code, env, policy);
    case 'open':
      return purchase.phase === 'opening' ? finish(purchase, 'faulty', code, env) : NOTHING;
    case 'complaint': {
      const withheld = purchase.complaint?.about === 'withheld';
      return purchase.phase === 'complaining' ? finish(purchase, withheld ? 'withheld' : 'faulty', code, env) : NOTHING;
    }
    case 'cancel':
    case 'evidence':
    case 'refund':
    case 'outcome':
      return NOTHING;
  }
}

function afterDownload(
  purchase: Purchase,
  input: Extract<AnswerInput, { type: 'downloaded' }>,
  env: Env,
  policy: ReceiverPolicy,
): ReceiverDecision {
  if (input.number !== purchase.downloads) return NOTHING;
  if (purchase.phase === 'preparing') return downloaded(purchase, input, env, policy);
  if (purchase.phase !== 'opening') return NOTHING;
  // It was whole once, and then damaged here.
  const { reference } = purchase;
  if (input.downloaded.outcome === 'whole') return step(purchase, { type: 'whole', reference }, openPackage);
  return finish(purchase, 'faulty', 'DAMAGED_HERE', env);
}

function afterOpening(
  purchase: Purchase,
  { opened, number }: Extract<AnswerInput, { type: 'opened' }>,
  env: Env,
  policy: ReceiverPolicy,
): ReceiverDecision {
  if (purchase.phase !== 'opening' || number !== purchase.openings) return NOTHING;
  if (opened.outcome === 'damaged') {
    return number >= MAX_OPENINGS ? finish(purchase, 'faulty', 'DAMAGED_HERE', env) : download(purchase, env, policy);
  }
  if (opened.outcome === 'does-not-open') {
    const { segment } = opened;
    return complain(
      purchase,
      { about: 'does-not-open', reason: 'DOES_NOT_OPEN', ...(segment && { segment }) },
      env,
      policy,
    );
  }
  const { content } = readMessage(descriptionType, purchase.description).value;
  if (opened.content === undefined || !equalBytes(opened.content, content)) {
    return complain(purchase, { about: 'content-differs', reason: 'CONTENT_DIFFERS' }, env, policy);
  }
  return finish(purchase, 'delivered', '', env);
}

/** @throws DeliveryError `RULING_UNFIT` for another case's, or another arbiter's: it is asked again */
function afterRuling(
  purchase: Purchase,
  { ruling }: Extract<AnswerInput, { type: 'ruled' }>,
  env: Env,
  policy: ReceiverPolicy,
): ReceiverDecision {
  if (purchase.phase !== 'complaining') return NOTHING;
  const { value, signer, bytes } = ruling;
  const same = equalBytes(value.case, purchase.complaint!.digest) && equalBytes(value.order, purchase.orderDigest);
  if (!same || signer.name !== policy.arbiter?.name || value.arbiter !== signer.name) {
    throw new DeliveryError('RULING_UNFIT', 'the ruling is on another case');
  }
  const recorded = step(purchase, { type: 'ruled', reference: purchase.reference, ruling: bytes, atMs: env.nowMs });
  if (value.outcome === 'released' && value.release !== undefined) {
    const release = readSignedBy(releaseType, value.release, signer);
    return both(recorded, released(purchase, { step: 'complaint', release }, env, policy));
  }
  const reason = `${value.outcome} ${value.reasons.at(-1)?.code ?? ''}`;
  const ended = both(recorded, finish(purchase, 'ruled', reason, env));
  return value.outcome === 'refund' ? both(ended, awaitRefund(purchase, env, policy)) : ended;
}

/** @throws DeliveryError `COMPLAINT_UNFIT` for what was not delivered, or is complained about already */
function complainLater(
  { purchases }: ReceiverState,
  { purchase, statement }: ComplainInput,
  env: Env,
  policy: ReceiverPolicy,
): ReceiverDecision {
  const { reference, productKey, complaint } = purchase;
  if (purchases.has(reference) || productKey === null || complaint !== null || policy.arbiter === undefined) {
    throw new DeliveryError(
      'COMPLAINT_UNFIT',
      'there is nothing to complain about, it was done, or there is no arbiter',
    );
  }
  const again = { records: [{ type: 'begun' as const, purchase, atMs: env.nowMs }], keys: [purchaseKey(reference)] };
  return both(again, complain(purchase, { about: 'not-as-described', reason: '', statement }, env, policy));
}
