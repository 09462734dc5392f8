/** Everything a customer's machine is told. Answers of others come with their signatures checked; whether they fit, the machine knows. */

import { decodeShape } from '../../crypto/signed-message.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Reply } from '../../journal/machine.ts';
import type { Amount } from '../../money/amount.ts';
import { type PassedKey, passedKeyType } from '../message/key-handover.ts';
import type { CheckedOffer } from '../message/offer.ts';
import { type OrderTaken, orderTakenType } from '../message/order.ts';
import { type RefundReceipt, refundReceiptType } from '../message/refund.ts';
import { type Release, releaseType } from '../message/release.ts';
import { type Resending, resendingType } from '../message/resending.ts';
import { bundleType, type Ruling, rulingType } from '../message/ruling.ts';
import { readSigned, type Signed } from '../message/signed-by.ts';
import { type Downloaded, downloadedType, type Opened, openedType } from './errand.ts';
import type { Purchase } from './purchase.ts';
import type { ReceiverPolicy } from './receiver-policy.ts';

export interface BuyInput {
  readonly type: 'buy';
  readonly reference: string;
  /** Checked. */
  readonly offer: CheckedOffer;
  readonly price: Amount;
  readonly payee: string;
  readonly merchantUrl: string;
  readonly trusteeUrl: string;
  /** Unix milliseconds: not accepted by then, it is off. */
  readonly deadlineMs: number;
  /** Route to tell of the end, e.g. `local:station`. */
  readonly notify?: string;
}

/** A person has looked at what was delivered: what the description says in words is not so. */
export interface ComplainInput {
  readonly type: 'complain';
  /** Read back by `purchaseIn`. */
  readonly purchase: Purchase;
  readonly statement: string;
}

/** The steps of a purchase that are waited for. */
export type Step =
  | 'order'
  | 'handover'
  | 'prepare'
  | 'download'
  | 'not-accept'
  | 'commit'
  | 'cancel'
  | 'acceptance'
  | 'claim'
  | 'open'
  | 'complaint'
  | 'evidence'
  | 'refund'
  | 'outcome';

export type AnswerInput =
  | { readonly type: 'taken'; readonly taken: Signed<OrderTaken> }
  | { readonly type: 'passed'; readonly passed: Signed<PassedKey> }
  | { readonly type: 'prepared' }
  | { readonly type: 'downloaded'; readonly number: number; readonly downloaded: Downloaded }
  | { readonly type: 'resending'; readonly number: number; readonly resending: Signed<Resending> }
  | { readonly type: 'paid'; readonly evidence: Uint8Array }
  | { readonly type: 'released'; readonly step: 'acceptance' | 'claim'; readonly release: Signed<Release> }
  | { readonly type: 'opened'; readonly number: number; readonly opened: Opened }
  | { readonly type: 'ruled'; readonly ruling: Signed<Ruling> }
  | { readonly type: 'evidence'; readonly bundle: Uint8Array }
  | { readonly type: 'refunded'; readonly receipt: Signed<RefundReceipt> }
  /** Refused, or not answered in time. */
  | { readonly type: 'failed'; readonly step: Step; readonly number: number; readonly code: string };

export type ReceiverInput =
  | BuyInput
  | ComplainInput
  | ({ readonly reference: string } & AnswerInput)
  | { readonly type: 'told' }
  | { readonly type: 'time'; readonly reference: string; readonly what: 'deadline' | 'release' };

/** Outbox ids: `reference/step/number`. */
export function idOf(reference: string, step: Step, number = 1): string {
  return `${reference}/${step}/${number}`;
}

export const timerId = (reference: string, what: 'deadline' | 'release') => `${reference}/${what}`;

export function timerInput(id: string): ReceiverInput {
  const [reference, what] = id.split('/') as [string, 'deadline' | 'release'];
  return { type: 'time', reference, what };
}

/** @throws HandselError when the answer is of no use, so that the same message is sent again */
export function readReply({ id, outcome }: Reply, policy: ReceiverPolicy): ReceiverInput {
  const [reference, step, number] = id.split('/') as [string, Step, string];
  if (step === 'cancel' || step === 'outcome') return { type: 'told' };
  if (outcome.type !== 'answered') {
    const code = outcome.type === 'refused' ? outcome.code : 'DEADLINE';
    return { type: 'failed', reference, step, number: Number(number), code };
  }
  return { reference, ...answerTo(step, Number(number), outcome.body, policy) };
}

function answerTo(
  step: Exclude<Step, 'cancel' | 'outcome'>,
  number: number,
  body: Uint8Array,
  policy: ReceiverPolicy,
): AnswerInput {
  const { identify, nowMs } = policy;
  const merchant = { identify: identify.merchant, atMs: nowMs() };
  const trustee = { identify: identify.trustee, atMs: nowMs() };
  switch (step) {
    case 'order':
      return { type: 'taken', taken: readSigned(orderTakenType, body, merchant) };
    case 'handover':
      return { type: 'passed', passed: readSigned(passedKeyType, body, trustee) };
    case 'prepare':
      return { type: 'prepared' };
    case 'download':
      return { type: 'downloaded', number, downloaded: decodeShape(downloadedType, body) };
    case 'not-accept':
      return { type: 'resending', number, resending: readSigned(resendingType, body, merchant) };
    case 'commit':
      return { type: 'paid', evidence: body };
    case 'acceptance':
      return releaseOr({ step, number, body }, merchant);
    case 'claim':
      return releaseOr({ step, number, body }, trustee);
    case 'open':
      return { type: 'opened', number, opened: decodeShape(openedType, body) };
    case 'evidence':
      // For the trustee to judge; that it is a bundle at all can be seen.
      decodeShape(bundleType, body);
      return { type: 'evidence', bundle: body };
    case 'refund':
      return { type: 'refunded', receipt: readSigned(refundReceiptType, body, trustee) };
    case 'complaint':
      return {
        type: 'ruled',
        ruling: readSigned(rulingType, body, { identify: identify.arbiter, atMs: nowMs() }),
      };
  }
}

/** It is paid: an answer that is no release is not asked for again and again, but counts as none. */
function releaseOr(
  { step, number, body }: { readonly step: 'acceptance' | 'claim'; readonly number: number; readonly body: Uint8Array },
  by: Parameters<typeof readSigned>[2] & { readonly atMs: number },
): AnswerInput {
  try {
    return { type: 'released', step, release: readSigned(releaseType, body, by) };
  } catch (cause) {
    if (!(cause instanceof HandselError)) throw cause;
    return { type: 'failed', step, number, code: cause.code };
  }
}
