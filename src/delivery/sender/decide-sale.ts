/** K2 for a paid acceptance (US 09/718,411, claims 24 and 26), the trustee's word that it did so in our place, and complaints. */
import { fromHex, toHex } from '../../codec/hex.ts';
import { requireReadable, signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env } from '../../journal/machine.ts';
import type { CheckedAcceptance } from '../message/acceptance.ts';
import { statementType } from '../message/complaint.ts';
import { sealKey } from '../message/custody.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { ACKNOWLEDGED } from '../message/endpoint.ts';
import { signRelease } from '../message/release.ts';
import { refundOrder } from './decide-refund.ts';
import { tell } from './news.ts';
import type { AcceptanceInput, HearingInput, PassedAcceptanceInput, SenderInput } from './sender-input.ts';
import type { SenderPolicy } from './sender-policy.ts';
import {
  caseKey,
  type Edition,
  type OpenHearing,
  orderKey,
  type SenderRecord,
  type SenderState,
} from './sender-state.ts';

type SenderDecision = Decision<SenderRecord>;

/** @throws DeliveryError `PACKAGE_UNKNOWN`, `ACCEPTED_OTHERWISE`, `ORDER_OVER` */
export function decideAcceptance(
  state: SenderState,
  { acceptance, bytes, orderKey: orderSecret, soldFor, refunded }: AcceptanceInput,
  env: Env,
  policy: SenderPolicy,
): SenderDecision {
  const { order, accept } = acceptance;
  const edition = editionOf(state, acceptance);
  if (refunded) throw new DeliveryError('ORDER_OVER', 'the order was refunded by a ruling');
  const digest = toHex(accept.digest);
  const sold = state.orders.get(toHex(order.digest))?.soldFor ?? soldFor;
  if (sold !== undefined && sold !== digest) {
    throw new DeliveryError('ACCEPTED_OTHERWISE', 'the order was accepted before, by another accept');
  }
  const answer = signRelease(
    {
      ...{ order: order.digest, accept: accept.digest, package: order.value.package },
      ...{ role: 'merchant', by: policy.name, atMs: env.nowMs },
    },
    { orderKey: orderSecret, productKey: fromHex(edition.productKey), signer: policy.signer, random: env.random },
  );
  // The trustee was quicker: the sale is in the books already.
  if (sold === digest) return { records: [], answer };
  return { ...sell(acceptance, { by: 'merchant', bytes }, env, policy), answer };
}

/** What the trustee released for is ours; what it released unpaid is its breach, shown by its own signature. */
export function decidePassedAcceptance(
  { orders }: SenderState,
  { acceptance, acceptanceBytes, bytes, paid, soldFor }: PassedAcceptanceInput,
  env: Env,
  policy: SenderPolicy,
): SenderDecision {
  const { order } = acceptance;
  const name = toHex(order.digest);
  if (!paid) {
    return {
      records: [{ type: 'trustee-breach', order: name, evidence: bytes, atMs: env.nowMs }],
      keys: [orderKey(name)],
      answer: ACKNOWLEDGED,
      send: tell(policy, `breach:${name}`, { order: order.digest, what: 'breach' }),
    };
  }
  const sold = orders.get(name)?.soldFor ?? soldFor;
  if (sold !== undefined) return { records: [], answer: ACKNOWLEDGED };
  return { ...sell(acceptance, { by: 'trustee', bytes: acceptanceBytes }, env, policy), answer: ACKNOWLEDGED };
}

function sell(
  { order, accept }: CheckedAcceptance,
  { by, bytes }: { readonly by: 'merchant' | 'trustee'; readonly bytes: Uint8Array },
  env: Env,
  policy: SenderPolicy,
): SenderDecision {
  const name = toHex(order.digest);
  return {
    records: [{ type: 'sold', order: name, accept: toHex(accept.digest), by, acceptance: bytes, atMs: env.nowMs }],
    keys: [orderKey(name)],
    send: tell(policy, `sold:${name}:${toHex(accept.digest)}`, {
      ...{ order: order.digest, what: 'sold', accept: accept.digest },
    }),
  };
}

/**
 * With K2 for the arbiter's eyes, so that whoever complains of a key withheld gets it even now. Where only words are complained about,
 * the merchant's people may say something first.
 */
export function decideHearing(
  state: SenderState,
  { hearing, arbiter, acceptance, messageId, isAboutWords }: HearingInput,
  env: Env,
  policy: SenderPolicy,
): SenderDecision {
  const { case: of, untilMs } = hearing.value;
  const name = toHex(of);
  const edition = acceptance === undefined ? undefined : state.editions.get(toHex(acceptance.order.value.package));
  const keys = [caseKey(name), ...(acceptance === undefined ? [] : [orderKey(toHex(acceptance.order.digest))])];
  const record = { type: 'heard', case: name, hearing: hearing.bytes, atMs: env.nowMs } as const;
  if (edition === undefined) {
    const statement = { case: of, merchant: policy.name, atMs: env.nowMs };
    const nothing = { ...statement, statement: 'Nothing of that kind was bought here.' };
    return { records: [record], keys, answer: signMessage(statementType, nothing, policy.signer) };
  }
  const key = sealKey(fromHex(edition.productKey), { recipient: arbiter.publicKey, binding: of, random: env.random });
  const open: OpenHearing = { case: name, messageId, untilMs, key };
  if (!isAboutWords || policy.answersInPerson !== true) {
    return { records: [record], keys, answer: statementOf(open, policy.statement ?? '', env, policy) };
  }
  const leftMs = Math.max(0, untilMs - env.nowMs);
  return {
    records: [{ ...record, open }],
    keys,
    timers: [{ id: hearingTimer(name), atMs: untilMs - Math.floor(leftMs / 5) }],
  };
}

export const hearingTimer = (of: string) => `hearing:${of}`;

/** @throws DeliveryError `CASE_UNKNOWN` for one that is answered, or never was heard; MessageError for too many words */
export function decideStatement(
  { hearings }: SenderState,
  { case: of, statement }: Extract<SenderInput, { type: 'say' }>,
  env: Env,
  policy: SenderPolicy,
): SenderDecision {
  const hearing = hearings.get(of);
  if (hearing === undefined) {
    if (statement === undefined) return { records: [] };
    throw new DeliveryError('CASE_UNKNOWN', 'no such complaint waits for an answer');
  }
  const body = statementOf(hearing, statement ?? policy.statement ?? '', env, policy);
  return {
    records: [{ type: 'answered', case: of, statement: body, atMs: env.nowMs }],
    keys: [caseKey(of)],
    answers: [{ messageId: hearing.messageId, body }],
    clearTimers: [hearingTimer(of)],
  };
}

function statementOf({ case: of, key }: OpenHearing, statement: string, env: Env, policy: SenderPolicy): Uint8Array {
  const said = { case: fromHex(of), merchant: policy.name, key, statement, atMs: env.nowMs };
  const signed = signMessage(statementType, said, policy.signer);
  requireReadable(statementType, said, signed);
  return signed;
}

export function decideRuling(
  { ruling, ...toRefund }: Extract<SenderInput, { type: 'ruling' }>,
  env: Env,
  policy: SenderPolicy,
): SenderDecision {
  const { order, outcome, case: of } = ruling.value;
  const name = toHex(order);
  return {
    records: [{ type: 'ruled', order: name, outcome, ruling: ruling.bytes, atMs: env.nowMs }],
    keys: [orderKey(name), caseKey(toHex(of))],
    answer: ACKNOWLEDGED,
    send: [
      ...tell(policy, `ruled:${toHex(of)}`, {
        order,
        what: outcome === 'refund' ? 'refund' : 'ruled',
        reason: outcome,
      }),
      ...(outcome === 'refund' && !toRefund.refunding ? refundOrder(name, toRefund, env, policy) : []),
    ],
  };
}

/** @throws DeliveryError `PACKAGE_UNKNOWN` */
function editionOf({ editions }: SenderState, { order }: CheckedAcceptance): Edition {
  const edition = editions.get(toHex(order.value.package));
  if (edition === undefined) throw new DeliveryError('PACKAGE_UNKNOWN', 'no such package is sold here');
  return edition;
}
