/** Pieces of decisions about one purchase: what is sent, and how it ends. */
import { encodeShape, linkOf, type MessageType, readMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env, Outgoing } from '../../journal/machine.ts';
import { type Manifest, manifestType } from '../message/manifest.ts';
import type { Signed } from '../message/signed-by.ts';
import { cancelType, type Outcome, outcomeType } from './errand.ts';
import { afterRecord, type Purchase, purchaseKey, type ReceiverRecord } from './purchase.ts';
import { idOf, type Step, timerId } from './receiver-input.ts';
import { SETTLEMENT } from './receiver-policy.ts';

export type ReceiverDecision = Decision<ReceiverRecord>;

export const NOTHING: ReceiverDecision = { records: [] };

/** Puts one decision after another about the same purchase. */
export function both(first: ReceiverDecision, second: ReceiverDecision): ReceiverDecision {
  return {
    records: [...first.records, ...second.records],
    keys: [...new Set([...(first.keys ?? []), ...(second.keys ?? [])])],
    send: [...(first.send ?? []), ...(second.send ?? [])],
    cancel: [...(first.cancel ?? []), ...(second.cancel ?? [])],
    timers: [...(first.timers ?? []), ...(second.timers ?? [])],
    clearTimers: [...(first.clearTimers ?? []), ...(second.clearTimers ?? [])],
  };
}

/** Records a step, and decides further with the purchase as it is then. */
export function step(
  purchase: Purchase,
  record: Parameters<typeof afterRecord>[1],
  then: (purchase: Purchase) => ReceiverDecision = () => NOTHING,
): ReceiverDecision {
  const recorded = { records: [record], keys: [purchaseKey(purchase.reference)] };
  return both(recorded, then(afterRecord(purchase, record)));
}

/** The manifest, which was checked before the purchase began. */
export function manifestOf({ manifest }: Purchase): Pick<Signed<Manifest>, 'value' | 'digest' | 'bytes'> {
  return { value: readMessage(manifestType, manifest).value, digest: linkOf(manifest), bytes: manifest };
}

/** A message within this party. */
export function errand<T>(
  purchase: Purchase,
  {
    step: name,
    number = 1,
    to,
    type,
    value,
    expiresAtMs,
  }: {
    readonly step: Step;
    readonly number?: number;
    readonly to: string;
    readonly type: MessageType<T>;
    readonly value: T;
    readonly expiresAtMs?: number;
  },
): Outgoing {
  return {
    ...{ id: idOf(purchase.reference, name, number), to, kind: type.name, body: encodeShape(type, value) },
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  };
}

/** Nothing was paid: what is under way is called back, and the money set aside is set free. */
export function abort(purchase: Purchase, reason: string, env: Env): ReceiverDecision {
  const { reference, orderDigest, downloads, notAccepts } = purchase;
  const called = {
    records: [],
    cancel: [
      idOf(reference, 'order'),
      idOf(reference, 'handover'),
      idOf(reference, 'prepare'),
      idOf(reference, 'download', downloads),
      idOf(reference, 'not-accept', notAccepts),
    ],
    clearTimers: [timerId(reference, 'deadline')],
    send: [errand(purchase, { step: 'cancel', to: SETTLEMENT, type: cancelType, value: { order: orderDigest } })],
  };
  return both(called, finish(purchase, 'unpaid', reason, env));
}

export function finish(purchase: Purchase, outcome: Outcome['outcome'], reason: string, env: Env): ReceiverDecision {
  const { reference, orderDigest: order, notify, complaint } = purchase;
  const told: Outcome = { reference, order, package: linkOf(purchase.manifest), outcome, reason: reason.slice(0, 100) };
  // A purchase complained about after its end has another one.
  const number = complaint === null ? 1 : 2;
  return {
    records: [{ type: 'finished', reference, outcome, reason, atMs: env.nowMs }],
    keys: [purchaseKey(reference)],
    send:
      notify === null
        ? []
        : [errand(purchase, { step: 'outcome', number, to: notify, type: outcomeType, value: told })],
  };
}
