/** How a case goes on: from the complaint to the key, from the key to what it opens, and to the ruling. */
import { fromHex, toHex } from '../../codec/hex.ts';
import { encodeShape, readMessage, signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env, Outgoing } from '../../journal/machine.ts';
import { type Hearing, hearingType, type KeyRequest, keyRequestType } from '../message/complaint.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { nameOfKey, routeOf } from '../message/endpoint.ts';
import { isKeyOf, type Manifest, manifestType } from '../message/manifest.ts';
import { signRelease } from '../message/release.ts';
import type { Reason } from '../message/ruling.ts';
import type { ArbiterInput, ComplaintInput } from './arbiter-input.ts';
import { type ArbiterPolicy, EXAMINATION, hearingMs, maxCases, maxCasesOf, trusteeWaitMs } from './arbiter-policy.ts';
import { type ArbiterRecord, type ArbiterState, afterRecord, type Case, caseKey, type KeyAnswer } from './case.ts';
import { examineType } from './examination.ts';
import { judgeContent, judgeSegment, reason } from './judge.ts';
import { rule, type Verdict } from './rule.ts';

type ArbiterDecision = Decision<ArbiterRecord>;
type Answered = Extract<ArbiterInput, { type: 'answered' }>;

/** @throws DeliveryError `CASES_OPEN` */
export function decideComplaint(
  { cases, casesOf }: ArbiterState,
  { complaint, messageId, order, judged }: ComplaintInput,
  env: Env,
  policy: ArbiterPolicy,
): ArbiterDecision {
  const name = toHex(complaint.digest);
  if (judged.type === 'decided') {
    return rule(
      { case: name, order, merchant: null, trustee: null },
      { reasons: [judged.reason], complaint },
      env,
      policy,
    );
  }
  const customer = nameOfKey(complaint.signer);
  if (cases.size >= maxCases(policy) || (casesOf.get(customer) ?? 0) >= maxCasesOf(policy)) {
    throw new DeliveryError('CASES_OPEN', 'too many cases are open: complain later');
  }
  const { acceptance, manifest, description } = judged.documents;
  const { merchant, trustee } = acceptance.order.value;
  const opened: Case = {
    ...{ case: name, messageId, customer, phase: 'gathering', about: complaint.value.about, merchant, trustee },
    ...{ order, accept: acceptance.accept.digest, package: manifest.digest, manifest: manifest.bytes },
    ...{ content: description.value.content, urls: complaint.value.urls, orderKey: judged.orderKey },
    segment: complaint.value.segment ?? null,
    ...{ trusteeSaid: 'waiting', merchantSaid: 'waiting', productKey: null, opened: null },
  };
  return {
    records: [{ type: 'opened', case: opened, complaint: complaint.bytes, atMs: env.nowMs }],
    keys: [caseKey(name), `order:${toHex(order)}`],
    ...ask(opened, complaint, env, policy),
  };
}

/** The trustee for the key (ERI-H), and the merchant to be heard. Whom nobody knows is silent. */
function ask(
  of: Case,
  complaint: ComplaintInput['complaint'],
  env: Env,
  policy: ArbiterPolicy,
): Pick<ArbiterDecision, 'send' | 'inputs'> {
  const trustee = policy.trustees.get(of.trustee);
  const merchant = policy.merchants.get(of.merchant);
  const id = fromHex(of.case);
  const request: KeyRequest = {
    ...{ case: id, acceptance: complaint.value.acceptance, package: of.package, trustee: of.trustee, atMs: env.nowMs },
  };
  const untilMs = env.nowMs + hearingMs(policy);
  const hearing: Hearing = { case: id, complaint: complaint.bytes, untilMs, atMs: env.nowMs };
  const send: Outgoing[] = [];
  const inputs: Answered[] = [];
  const silent = (by: Answered['by']): Answered => ({
    ...{ type: 'answered', case: of.case, by, productKey: undefined, signer: undefined, bytes: undefined },
  });
  if (trustee === undefined) inputs.push(silent('trustee'));
  else {
    send.push({
      ...{ id: `key-request:${of.case}`, to: routeOf(trustee.url, keyRequestType), kind: keyRequestType.name },
      ...{ body: signMessage(keyRequestType, request, policy.signer), expiresAtMs: env.nowMs + trusteeWaitMs(policy) },
    });
  }
  if (merchant === undefined) inputs.push(silent('merchant'));
  else {
    send.push({
      ...{ id: `hearing:${of.case}`, to: routeOf(merchant.url, hearingType), kind: hearingType.name },
      ...{ body: signMessage(hearingType, hearing, policy.signer), expiresAtMs: untilMs },
    });
  }
  return { send, inputs };
}

export function decideAnswered(
  { cases }: ArbiterState,
  input: Answered,
  env: Env,
  policy: ArbiterPolicy,
): ArbiterDecision {
  const of = cases.get(input.case);
  if (of === undefined) return { records: [] };
  const { by, productKey, signer, bytes } = input;
  // Somebody else's answer is none, and asked for again.
  if (signer !== undefined && signer !== of[by]) {
    throw new DeliveryError('COMPLAINT_UNFIT', `another ${by} answered than was asked`);
  }
  const right = productKey !== undefined && isKeyOf(productKey, manifestOf(of));
  const said: KeyAnswer = productKey === undefined ? 'none' : right ? 'key' : 'another';
  const record: Extract<ArbiterRecord, { type: 'answered' }> = {
    ...{ type: 'answered', case: of.case, by, said, bytes: bytes ?? null, atMs: env.nowMs },
    productKey: right ? productKey : null,
  };
  const recorded = { records: [record], keys: [caseKey(of.case)] };
  return join(recorded, proceed(afterRecord(of, record), env, policy));
}

/** With the key the case goes on; without it, once both have had their say, it ends. */
function proceed(of: Case, env: Env, policy: ArbiterPolicy): ArbiterDecision {
  if (of.phase === 'seeing') return { records: [] };
  const { productKey, trusteeSaid, merchantSaid, about, segment } = of;
  if (of.phase === 'examining') return { records: [] };
  if (productKey === null) {
    if (trusteeSaid === 'waiting' || merchantSaid === 'waiting') return { records: [] };
    const text = 'Neither the trustee nor the merchant showed the key of the package.';
    return end(of, { reasons: [...findings(of), reason('KEY_NOT_SHOWN', text)] }, env, policy);
  }
  if (about === 'withheld') {
    const release = signRelease(
      { order: of.order, accept: of.accept, package: of.package, role: 'arbiter', by: policy.name, atMs: env.nowMs },
      { orderKey: of.orderKey, productKey, signer: policy.signer, random: env.random },
    );
    const text = 'It was paid, so the key is released to the customer with this ruling.';
    return end(of, { reasons: [...findings(of), reason('KEY_RELEASED', text)], release }, env, policy);
  }
  if (about === 'does-not-open' && segment !== null) {
    return end(of, { reasons: [...findings(of), judgeSegment(segment, productKey, manifestOf(of))] }, env, policy);
  }
  const errand = { case: of.case, manifest: of.manifest, productKey, urls: of.urls };
  return {
    records: [{ type: 'examining', case: of.case, atMs: env.nowMs }],
    keys: [caseKey(of.case)],
    send: [
      { id: `examine:${of.case}`, to: EXAMINATION, kind: examineType.name, body: encodeShape(examineType, errand) },
    ],
  };
}

/** Who kept its word with the key, as far as it is known. */
function findings({ trusteeSaid, merchantSaid }: Case): readonly Reason[] {
  const trustee = {
    waiting: [],
    key: [reason('KEY_FROM_TRUSTEE', 'The trustee disclosed the key it has in its keeping.')],
    none: [reason('TRUSTEE_SILENT', 'The trustee, who signed for the key, did not disclose it in time.')],
    another: [reason('TRUSTEE_DISCLOSED_ANOTHER_KEY', 'The trustee disclosed another key than the one it signed for.')],
  }[trusteeSaid];
  const needed = trusteeSaid !== 'key' && merchantSaid === 'key';
  return needed ? [...trustee, reason('KEY_FROM_MERCHANT', 'The merchant showed the key when it was heard.')] : trustee;
}

export function decideExamined(
  { cases }: ArbiterState,
  { case: name, content, segment }: Extract<ArbiterInput, { type: 'examined' }>,
  env: Env,
  policy: ArbiterPolicy,
): ArbiterDecision {
  const of = cases.get(name);
  if (of?.phase !== 'examining') return { records: [] };
  const record: Extract<ArbiterRecord, { type: 'examined' }> = {
    ...{ type: 'examined', case: name, content: content ?? null, segment: segment ?? null, atMs: env.nowMs },
  };
  const recorded = { records: [record], keys: [caseKey(name)] };
  const next = afterRecord(of, record);
  const decided = judgeExamined(next, segment);
  return decided === undefined
    ? recorded
    : join(recorded, end(next, { reasons: [...findings(next), decided] }, env, policy));
}

/** Undefined where the evidence is as signed, and only eyes can tell whether the words are true. */
function judgeExamined(of: Case, segment: Case['segment'] | undefined): Reason | undefined {
  if (segment) return judgeSegment(segment, of.productKey!, manifestOf(of));
  if (of.opened === null) return reason('PACKAGE_NOT_SHOWN', 'The package, as it was signed, could not be had.');
  const judged = judgeContent(of.opened, of.content);
  return of.about === 'not-as-described' && judged.code === 'CONTENT_AS_STATED' ? undefined : judged;
}

/** @throws DeliveryError `CASE_UNKNOWN`, or `CASE_DECIDED` when it is not for a person to decide (yet) */
export function decideByPerson(
  { cases }: ArbiterState,
  { case: name, person, outcome, text }: Extract<ArbiterInput, { type: 'decide' }>,
  env: Env,
  policy: ArbiterPolicy,
): ArbiterDecision {
  const of = cases.get(name);
  if (of === undefined) throw new DeliveryError('CASE_UNKNOWN', 'no such case is open');
  if (of.phase !== 'seeing') throw new DeliveryError('CASE_DECIDED', 'the evidence is still gathered');
  if (of.merchantSaid === 'waiting') throw new DeliveryError('CASE_DECIDED', 'the merchant has not been heard yet');
  if (of.opened === null) throw new DeliveryError('CASE_DECIDED', 'the content was not opened');
  const reasons = [...findings(of), judgeContent(of.opened, of.content), reason('SEEN_BY_A_PERSON', text)];
  // That the content has the stated digest is here but a finding: its words are what is complained about.
  const found = reasons.filter(({ code }) => code !== 'CONTENT_AS_STATED');
  return end(of, { reasons: found, person: { name: person, outcome } }, env, policy);
}

function end(of: Case, verdict: Omit<Verdict, 'complaint'>, env: Env, policy: ArbiterPolicy): ArbiterDecision {
  return rule(of, { ...verdict, content: of.opened }, env, policy);
}

function manifestOf({ manifest }: Case): Manifest {
  return readMessage(manifestType, manifest).value;
}

function join(first: ArbiterDecision, second: ArbiterDecision): ArbiterDecision {
  return { ...second, records: [...first.records, ...second.records], keys: first.keys ?? [] };
}
