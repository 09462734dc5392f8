/**
 * What a trusted server decides in a dispute (US 5,671,280, function 224), with its reasons, and the bundle from which anyone can see whether it
 * is right. The words are those of rulings on deliveries.
 */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { row } from '../../codec/row-shape.ts';
import { bytes, digest, list, oneOf, optional, type Shaped, text, timeMs } from '../../codec/shape.ts';
import { agentIdShape, serverIdShape } from './agent-id.ts';
import { amountShape } from './amount-shape.ts';
import { agentCertificateShape } from './certificate.ts';
import { answerType, claimType, disputeNumber, disputeText, paymentEvidenceShape } from './dispute.ts';
import type { DocumentType } from './signed-document.ts';

/** `refund`: the money goes back. `replacement`: new merchandise. `released`: the ticket that did not come is in the ruling. `dismissed`: nothing. */
export const rulingOutcomes = ['refund', 'replacement', 'released', 'dismissed'] as const;
export type RulingOutcome = (typeof rulingOutcomes)[number];
/** Who broke its word, or said what its own documents disprove. */
export const rulingBreaches = ['merchant', 'customer'] as const;
export type RulingBreach = (typeof rulingBreaches)[number];

/** Customer's agent → trusted server. Signed by the agent; the answer, however late, is the ruling. */
const complaintShape = row({
  /** The customer's claim as it was sent to the merchant. */
  claim: bytes({ min: 1, max: claimType.maxBytes }),
  /** For `not-followed`: the claim before, which was answered. */
  first: optional(bytes({ min: 1, max: claimType.maxBytes })),
  /** The merchant's answer, if there was one. */
  answer: optional(bytes({ min: 1, max: answerType.maxBytes })),
  /** For `not-followed`: the ruling that the merchant does not follow. */
  ruling: optional(bytes({ min: 1, max: 16_384 })),
  statement: disputeText(),
  /** The merchant's newest certificate that the customer knows, to seal the hearing to. */
  merchant: agentCertificateShape(),
  /** Where the merchant's agent is reached. */
  merchantRoute: text({ min: 1, max: 300 }),
  /** Where the customer's is, if it can be. */
  replyTo: optional(text({ min: 1, max: 300 })),
  atMs: timeMs(),
});
export type TicketComplaint = Shaped<typeof complaintShape>;
export const ticketComplaintType: DocumentType<TicketComplaint> = {
  ...{ name: 'complaint', shape: complaintShape },
  // The two claims have one file between them.
  maxBytes: claimType.maxBytes + answerType.maxBytes + 131_072,
};

/** Trusted server → merchant's agent: this is said about you. Signed by the server. */
const hearingShape = row({
  /** SHA-256 of the complaint. */
  case: digest(),
  complaint: bytes({ min: 1, max: ticketComplaintType.maxBytes }),
  untilMs: timeMs(),
  atMs: timeMs(),
});
export type TicketHearing = Shaped<typeof hearingShape>;
export const ticketHearingType: DocumentType<TicketHearing> = {
  ...{ name: 'hearing', shape: hearingShape },
  maxBytes: ticketComplaintType.maxBytes + 4096,
};

/** The answer. Signed by the merchant's agent, from its own Tran Log; the words are its host side's. */
const statementShape = row({
  case: digest(),
  /** `concedes`: it agrees to a refund. */
  stand: oneOf('contests', 'concedes'),
  /** The refund that was paid already. */
  refund: optional(paymentEvidenceShape),
  /** The ticket that was sold in the transaction complained about, with its deed. */
  ticket: optional(bytes({ min: 1, max: 65_536 })),
  /** The answer that it gave the customer, if the complaint does not show it. */
  answer: optional(bytes({ min: 1, max: answerType.maxBytes })),
  statement: disputeText(),
  atMs: timeMs(),
});
export type TicketStatement = Shaped<typeof statementShape>;
export const ticketStatementType: DocumentType<TicketStatement> = {
  ...{ name: 'statement-in-dispute', shape: statementShape },
  maxBytes: 65_536 + answerType.maxBytes + 16_384,
};

export const ticketReasonCodes = [
  'UNSIGNED',
  'NOT_THE_HOLDER',
  'TICKET_INVALID',
  'NOT_PAID',
  'SETTLED_ALREADY',
  'OBJECT_OF_ANOTHER',
  'EXPIRED_WHEN_SOLD',
  'IN_TIME_WHEN_SOLD',
  'PAID_TWICE',
  'PAID_ONCE',
  'NOT_OWED',
  'KEY_DOES_NOT_OPEN',
  'KEY_OPENS',
  'TICKET_SHOWN',
  'NEVER_DELIVERED',
  'NOT_FOLLOWED',
  'MERCHANT_DENIED',
  'MERCHANT_CONCEDES',
  'MERCHANT_SILENT',
  'NOT_REACHED',
  'APPEALED',
  'SEEN_BY_A_PERSON',
] as const;
export type TicketReasonCode = (typeof ticketReasonCodes)[number];

/** What each reason leads to, and whose breach it is. Those without an outcome say what was found on the way. */
export const TICKET_REASONS: Readonly<
  Record<TicketReasonCode, { readonly outcome?: RulingOutcome; readonly breach?: RulingBreach }>
> = {
  UNSIGNED: { outcome: 'dismissed' },
  NOT_THE_HOLDER: { outcome: 'dismissed', breach: 'customer' },
  TICKET_INVALID: { outcome: 'dismissed', breach: 'customer' },
  NOT_PAID: { outcome: 'dismissed' },
  SETTLED_ALREADY: { outcome: 'dismissed', breach: 'customer' },
  OBJECT_OF_ANOTHER: { outcome: 'dismissed', breach: 'customer' },
  EXPIRED_WHEN_SOLD: { outcome: 'refund', breach: 'merchant' },
  IN_TIME_WHEN_SOLD: { outcome: 'dismissed', breach: 'customer' },
  PAID_TWICE: { outcome: 'refund', breach: 'merchant' },
  PAID_ONCE: { outcome: 'dismissed', breach: 'customer' },
  NOT_OWED: { outcome: 'dismissed', breach: 'customer' },
  KEY_DOES_NOT_OPEN: { outcome: 'refund', breach: 'merchant' },
  KEY_OPENS: { outcome: 'dismissed', breach: 'customer' },
  TICKET_SHOWN: { outcome: 'released' },
  NEVER_DELIVERED: { outcome: 'refund', breach: 'merchant' },
  NOT_FOLLOWED: { outcome: 'refund', breach: 'merchant' },
  MERCHANT_DENIED: {},
  /** Nothing was broken: it pays back. */
  MERCHANT_CONCEDES: { outcome: 'refund' },
  MERCHANT_SILENT: { outcome: 'refund', breach: 'merchant' },
  /** It gave no answer, and was asked only where the customer says that it is. */
  NOT_REACHED: {},
  APPEALED: {},
  /** What it leads to, and whether the complaint was a false one, is what the person says. */
  SEEN_BY_A_PERSON: {},
};

const reasonShape = row({
  code: oneOf(...ticketReasonCodes),
  /** In plain words. */
  text: text({ min: 1, max: 500 }),
});
export type TicketReason = Shaped<typeof reasonShape>;

/** Trusted server → both, and its summary to the primary server. Signed by the server. */
const rulingShape = row({
  /** SHA-256 of the complaint. */
  case: digest(),
  server: serverIdShape(),
  number: disputeNumber(),
  /** SHA-256 of the claim. */
  claim: digest(),
  merchant: agentIdShape(),
  /** In whose name it sells, where a ticket says so. */
  organisation: optional(text({ min: 1, max: 120 })),
  customer: agentIdShape(),
  outcome: oneOf(...rulingOutcomes),
  refund: optional(amountShape()),
  breaches: list(oneOf(...rulingBreaches), { max: 2 }),
  /** The last one decides; those before it say what was found on the way. */
  reasons: list(reasonShape, { min: 1, max: 8 }),
  /** Who decided, where only eyes could, and what was looked at. */
  person: optional(text({ min: 1, max: 100 })),
  seen: optional(text({ min: 1, max: 500 })),
  /** For `released`. */
  ticket: optional(bytes({ min: 1, max: 65_536 })),
  /** Until then either side may appeal, and nobody has to follow it; the time of the ruling itself when that is over. */
  finalAtMs: timeMs(),
  atMs: timeMs(),
});
export type TicketRuling = Shaped<typeof rulingShape>;
export const ticketRulingType: DocumentType<TicketRuling> = {
  ...{ name: 'ruling', shape: rulingShape },
  maxBytes: 65_536 + 16_384,
};

/** Either side → trusted server, once. Signed by its agent. */
const appealShape = row({ case: digest(), statement: disputeText(), atMs: timeMs() });
export type TicketAppeal = Shaped<typeof appealShape>;
export const ticketAppealType: DocumentType<TicketAppeal> = { name: 'appeal', shape: appealShape, maxBytes: 16_384 };

/** First in every bundle, so that nobody takes it for one of another kind of dispute. */
const BUNDLE = 'handsel-ticket-ruling-bundle-1';

/** All of a case: checked by `verifyTicketRuling`, offline. */
const bundleShape = row({
  kind: oneOf(BUNDLE),
  complaint: bytes({ min: 1, max: ticketComplaintType.maxBytes }),
  statement: optional(bytes({ min: 1, max: ticketStatementType.maxBytes })),
  /** Of an appeal: the ruling before it. */
  before: optional(bytes({ min: 1, max: ticketRulingType.maxBytes })),
  appeal: optional(bytes({ min: 1, max: ticketAppealType.maxBytes })),
  ruling: bytes({ min: 1, max: ticketRulingType.maxBytes }),
});
export type TicketBundle = Omit<Shaped<typeof bundleShape>, 'kind'>;

const maxBundleBytes =
  ticketComplaintType.maxBytes +
  ticketStatementType.maxBytes +
  2 * ticketRulingType.maxBytes +
  ticketAppealType.maxBytes;
export const ticketBundleType = { name: 'ruling-bundle', maxBytes: maxBundleBytes };

export function encodeTicketBundle(bundle: TicketBundle): Uint8Array {
  return encodeCbor(bundleShape.encode({ ...bundle, kind: BUNDLE }));
}

/** @throws CborError or MessageError */
export function decodeTicketBundle(encoded: Uint8Array): TicketBundle {
  const { kind: _, ...bundle } = bundleShape.decode(decodeCbor(encoded, { maxBytes: maxBundleBytes }), 'bundle');
  return bundle;
}

/** Whether a file is a bundle of a dispute over tickets; what it says is another question. */
export function isTicketBundle(encoded: Uint8Array): boolean {
  try {
    decodeTicketBundle(encoded);
    return true;
  } catch {
    return false;
  }
}
