/**
 * What evidence alone decides: pure, and the same for everybody. An arbiter rules with it, and anyone with the bundle judges again
 * (`verify-ruling.ts`).
 */
import { equalBytes } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { decodeShape } from '../../crypto/signed-message.ts';
import { CryptographicError, HandselError } from '../../handsel-error.ts';
import { acceptanceType, type CheckedAcceptance, type IdentifyRoles, readAcceptance } from '../message/acceptance.ts';
import type { Complaint, SegmentEvidence } from '../message/complaint.ts';
import { type CustodyReceipt, custodyReceiptType } from '../message/custody.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import type { Manifest } from '../message/manifest.ts';
import { contradictions, type Goods, readGoods, requireCustodyOf } from '../message/offer.ts';
import { type Breach, type Outcome, REASONS, type Reason, type ReasonCode } from '../message/ruling.ts';
import { atItsTime, readSigned, type Signed } from '../message/signed-by.ts';
import { countSegments } from '../package/layout.ts';
import { isUnder } from '../package/merkle-tree.ts';
import { openSegment, segmentKeys } from '../package/segment-cipher.ts';

export interface SoundDocuments extends Goods {
  readonly acceptance: CheckedAcceptance;
  readonly custody: Signed<CustodyReceipt>;
  /** Where description and manifest contradict each other: a reason of its own, once it is known that it was paid. */
  readonly contradiction: Reason | undefined;
}

export type JudgedDocuments =
  | { readonly type: 'sound'; readonly documents: SoundDocuments }
  | { readonly type: 'unsound'; readonly reason: Reason };

/** Whether the complaint is its buyer's, about what it bought, and everything in it signed by whom it should be. */
export function judgeDocuments(complaint: Signed<Complaint>, identify: IdentifyRoles): JudgedDocuments {
  try {
    return { type: 'sound', documents: readDocuments(complaint, identify) };
  } catch (cause) {
    if (!(cause instanceof HandselError)) throw cause;
    const code = cause instanceof DeliveryError ? 'NOT_WHAT_WAS_ACCEPTED' : 'UNSIGNED';
    const text =
      cause instanceof CryptographicError ? 'A document is not signed by whom it should be.' : sentence(cause);
    return { type: 'unsound', reason: reason(code, text) };
  }
}

function readDocuments(complaint: Signed<Complaint>, identify: IdentifyRoles): SoundDocuments {
  const { value } = complaint;
  const acceptance = readAcceptance(decodeShape(acceptanceType, value.acceptance), identify);
  const { order } = acceptance;
  if (!complaint.signer.publicKey.equals(order.signer.publicKey)) {
    throw new CryptographicError(new Error('somebody else complains than ordered'));
  }
  const goods = readGoods(value, identify.merchant);
  const { description, manifest } = goods;
  if (!equalBytes(manifest.digest, order.value.package)) throw another('the package');
  if (!equalBytes(description.digest, order.value.description)) throw another('the description');
  if (manifest.signer.name !== order.value.merchant) throw another('the merchant');
  const custody = readSigned(custodyReceiptType, value.custody, atItsTime(identify.trustee));
  requireCustodyOf(manifest, custody);
  if (custody.signer.name !== order.value.trustee) throw another('the trustee');
  const [differing] = contradictions(goods);
  const text = `Description and manifest, signed by the merchant, differ in ${differing}.`;
  return { ...goods, acceptance, custody, contradiction: differing && reason('DOCUMENTS_CONTRADICT', text) };
}

const another = (what: string) =>
  new DeliveryError('COMPLAINT_UNFIT', `${what} shown is not the one of the order that was accepted`);

/** Whether the segment belongs to the package, and whether K2 opens it. @param productKey that the manifest commits to */
export function judgeSegment(segment: SegmentEvidence, productKey: Uint8Array, manifest: Manifest): Reason {
  const { number, path, bytes } = segment;
  const place = { entry: sha256(bytes), number, count: countSegments(manifest), path };
  if (!isUnder(manifest.root, place)) {
    return reason('SEGMENT_OF_ANOTHER_PACKAGE', `What is shown as segment ${number} is not in the signed package.`);
  }
  try {
    openSegment(bytes, number, segmentKeys(productKey, manifest));
  } catch (cause) {
    if (!(cause instanceof DeliveryError)) throw cause;
    return reason(
      'KEY_DOES_NOT_OPEN',
      `The key the merchant committed to does not open segment ${number} of its package.`,
    );
  }
  return reason('KEY_OPENS', `The key opens segment ${number}: it is as the merchant signed it.`);
}

/** @param content SHA-256 of what was opened @param stated what the description says of it */
export function judgeContent(content: Uint8Array, stated: Uint8Array): Reason {
  return equalBytes(content, stated)
    ? reason('CONTENT_AS_STATED', 'The content has the digest that the signed description states.')
    : reason('CONTENT_DIFFERS', 'The content has another digest than the signed description states.');
}

/** What reasons lead to; undefined when they do not end in one that decides. */
export function consequencesOf(
  reasons: readonly Reason[],
  person: Outcome | undefined,
): { readonly outcome: Outcome; readonly breaches: readonly Breach[] } | undefined {
  const [last, ...before] = reasons.map(({ code }) => code).toReversed();
  const early = before.some((code) => REASONS[code].outcome !== undefined || code === 'SEEN_BY_A_PERSON');
  const outcome = last === 'SEEN_BY_A_PERSON' ? person : last && REASONS[last].outcome;
  if (outcome === undefined || early) return undefined;
  const breaches = reasons.flatMap(({ code }) => REASONS[code].breach ?? []);
  // A refund is at the merchant's cost, whoever else is to blame: it has the money.
  const all = outcome === 'refund' ? [...breaches, 'merchant' as const] : breaches;
  return { outcome, breaches: [...new Set(all)].sort() };
}

export function reason(code: ReasonCode, text: string): Reason {
  return { code, text };
}

function sentence({ message }: HandselError): string {
  return `${message.charAt(0).toUpperCase()}${message.slice(1, 400)}.`;
}
