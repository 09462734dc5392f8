/**
 * Whether a ruling is right, by anybody, offline: judges again from the bundle what evidence decides, and says of every reason whether the
 * bundle shows it or only the arbiter says so. Pure.
 */
import { equalBytes } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { decodeShape } from '../../crypto/signed-message.ts';
import { acceptanceType, type IdentifyRoles } from '../message/acceptance.ts';
import {
  type Complaint,
  complaintType,
  type Disclosure,
  disclosureType,
  type Statement,
  statementType,
} from '../message/complaint.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { isKeyOf } from '../message/manifest.ts';
import { releaseType } from '../message/release.ts';
import { type Bundle, type Reason, type ReasonCode, type Ruling, rulingType } from '../message/ruling.ts';
import { atItsTime, type Identify, readSigned, readSignedBy, type Signed } from '../message/signed-by.ts';
import { consequencesOf, type JudgedDocuments, judgeDocuments, judgeSegment, type SoundDocuments } from './judge.ts';

/** `shown`: the bundle proves it. `stated`: the arbiter's signature says it, and nothing in the bundle speaks against it. */
export type Basis = 'shown' | 'stated';

export interface CheckedRuling {
  readonly ruling: Ruling;
  readonly complaint: Complaint;
  readonly reasons: readonly (Reason & { readonly basis: Basis })[];
}

export interface RulingTrust {
  readonly identify: IdentifyRoles & { readonly arbiter: Identify };
  /** SHA-256 of the content, from whoever has package and key and opened it. */
  readonly content?: Uint8Array;
}

interface Evidence {
  readonly bundle: Bundle;
  readonly ruling: Signed<Ruling>;
  readonly complaint: Complaint;
  readonly judged: JudgedDocuments;
  readonly disclosure: Signed<Disclosure> | undefined;
  readonly statement: Signed<Statement> | undefined;
  readonly content: Uint8Array | undefined;
}

/**
 * @throws DeliveryError `RULING_UNFIT` saying what the evidence contradicts; CryptographicError when it is not signed by an arbiter the
 * caller trusts; MessageError, CborError
 */
export function verifyRuling(bundle: Bundle, { identify, content }: RulingTrust): CheckedRuling {
  const ruling = readSigned(rulingType, bundle.ruling, atItsTime(identify.arbiter));
  const { value } = ruling;
  if (value.arbiter !== ruling.signer.name) throw unfit('the ruling names another arbiter than signed it');
  if (!equalBytes(value.case, sha256(bundle.complaint))) throw unfit('the ruling is on another complaint');
  const complaint = readSigned(complaintType, bundle.complaint, atItsTime(identify.customer));
  if (complaint.value.arbiter !== value.arbiter) throw unfit('the complaint went to another arbiter');
  if (!equalBytes(value.order, sha256(decodeShape(acceptanceType, complaint.value.acceptance).order))) {
    throw unfit('the ruling is about another order than the complaint');
  }
  const judged = judgeDocuments(complaint, identify);
  const named = judged.type === 'sound' ? judged.documents.acceptance.order.value : undefined;
  const evidence: Evidence = {
    ...{ bundle, ruling, judged, content, complaint: complaint.value },
    disclosure: answerOf(bundle.disclosure, disclosureType, identify.trustee, { of: value.case, by: named?.trustee }),
    statement: answerOf(bundle.statement, statementType, identify.merchant, { of: value.case, by: named?.merchant }),
  };
  // Whatever the reasons are: who shows another content than was judged hears so.
  if (content !== undefined && value.content !== undefined && !equalBytes(content, value.content)) {
    throw unfit('the content is another than the arbiter opened');
  }
  requireConsequences(value);
  return {
    ruling: value,
    complaint: complaint.value,
    reasons: value.reasons.map((reason) => ({ ...reason, basis: basisOf(reason.code, evidence) })),
  };
}

/** An answer that is not signed by whom it should be is no evidence of anything. */
function answerOf<T extends { readonly case: Uint8Array; readonly atMs: number }>(
  bytes: Uint8Array | undefined,
  type: Parameters<typeof readSigned<T>>[0],
  identify: Identify,
  { of, by }: { readonly of: Uint8Array; readonly by: string | undefined },
): Signed<T> | undefined {
  if (bytes === undefined) return undefined;
  const answer = readSigned(type, bytes, atItsTime(identify));
  if (answer.signer.name !== by || !equalBytes(answer.value.case, of)) {
    throw unfit('the bundle holds an answer to something else');
  }
  return answer;
}

function requireConsequences({ reasons, outcome, breaches, person }: Ruling): void {
  const seen = reasons.at(-1)?.code === 'SEEN_BY_A_PERSON';
  if (seen !== (person !== undefined)) throw unfit('who decided is not told as it should be');
  if (seen && outcome === 'released') throw unfit('no person releases keys');
  const follows = consequencesOf(reasons, seen ? outcome : undefined);
  if (follows?.outcome !== outcome || follows.breaches.join() !== [...breaches].sort().join()) {
    throw unfit('what was decided does not follow from the reasons given');
  }
}

function basisOf(code: ReasonCode, evidence: Evidence): Basis {
  const { judged } = evidence;
  if (code === 'UNSIGNED' || code === 'NOT_WHAT_WAS_ACCEPTED') {
    if (judged.type === 'sound' || judged.reason.code !== code) throw unfit('the documents are in order');
    return 'shown';
  }
  if (judged.type === 'unsound') throw unfit(`the documents are not in order: ${judged.reason.text}`);
  return checks[code](evidence, judged.documents);
}

type Check = (evidence: Evidence, documents: SoundDocuments) => Basis;

const disclosedRightly = ({ disclosure }: Evidence, { manifest }: SoundDocuments) =>
  disclosure !== undefined && equalBytes(disclosure.value.commitment, manifest.value.commitment);

const checks: Readonly<Record<Exclude<ReasonCode, 'UNSIGNED' | 'NOT_WHAT_WAS_ACCEPTED'>, Check>> = {
  NOT_PAID: () => 'stated',
  DOCUMENTS_CONTRADICT: (_, { contradiction }) => {
    if (contradiction === undefined) throw unfit('description and manifest agree');
    return 'shown';
  },
  TRUSTEE_SILENT: ({ disclosure }) => {
    if (disclosure !== undefined) throw unfit('the trustee answered');
    return 'stated';
  },
  TRUSTEE_DISCLOSED_ANOTHER_KEY: (evidence, documents) => {
    if (evidence.disclosure === undefined) throw unfit('the trustee’s answer is not in the bundle');
    // Signed with the right commitment, what was sealed can still be another key: only the arbiter could open it.
    return disclosedRightly(evidence, documents) ? 'stated' : 'shown';
  },
  KEY_FROM_TRUSTEE: (evidence, documents) => {
    if (!disclosedRightly(evidence, documents)) throw unfit('the trustee did not disclose the key');
    return 'shown';
  },
  KEY_FROM_MERCHANT: ({ statement }) => {
    if (statement?.value.key === undefined) throw unfit('the merchant showed no key');
    return 'shown';
  },
  KEY_NOT_SHOWN: ({ ruling }) => {
    const codes = ruling.value.reasons.map(({ code }) => code);
    if (codes.includes('KEY_FROM_TRUSTEE') || codes.includes('KEY_FROM_MERCHANT')) throw unfit('the key was shown');
    return 'stated';
  },
  KEY_RELEASED: ({ ruling }, { acceptance, manifest }) => {
    if (ruling.value.release === undefined) throw unfit('the key that was released is not in the ruling');
    const { value } = readSignedBy(releaseType, ruling.value.release, ruling.signer);
    const { order, accept } = acceptance;
    const same = equalBytes(value.order, order.digest) && equalBytes(value.accept, accept.digest);
    if (!same || !equalBytes(value.package, manifest.digest)) throw unfit('the key was released for something else');
    return 'shown';
  },
  SEGMENT_OF_ANOTHER_PACKAGE: (evidence, documents) => segmentSays('SEGMENT_OF_ANOTHER_PACKAGE', evidence, documents),
  KEY_DOES_NOT_OPEN: (evidence, documents) => segmentSays('KEY_DOES_NOT_OPEN', evidence, documents),
  KEY_OPENS: () => 'stated',
  CONTENT_DIFFERS: (evidence, documents) => contentSays(false, evidence, documents),
  CONTENT_AS_STATED: (evidence, documents) => contentSays(true, evidence, documents),
  PACKAGE_NOT_SHOWN: () => 'stated',
  SEEN_BY_A_PERSON: () => 'stated',
};

function segmentSays(code: ReasonCode, { bundle, complaint }: Evidence, { manifest }: SoundDocuments): Basis {
  const { productKey, segment = complaint.segment } = bundle;
  if (segment === undefined) throw unfit('the segment is not in the bundle');
  if (code === 'KEY_DOES_NOT_OPEN' && (productKey === undefined || !isKeyOf(productKey, manifest.value))) {
    throw unfit('the key the manifest commits to is not in the bundle');
  }
  const says = judgeSegment(segment, productKey ?? new Uint8Array(32), manifest.value).code;
  if (says !== code) throw unfit('the segment in the bundle says something else');
  return 'shown';
}

function contentSays(same: boolean, { ruling, content }: Evidence, { description }: SoundDocuments): Basis {
  const opened = ruling.value.content;
  if (opened === undefined) throw unfit('what was opened is not in the ruling');
  if (equalBytes(opened, description.value.content) !== same) throw unfit('the digests say the contrary');
  if (content === undefined) return 'stated';
  return 'shown';
}

const unfit = (message: string) => new DeliveryError('RULING_UNFIT', message);
