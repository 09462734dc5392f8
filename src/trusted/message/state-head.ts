/**
 * How a copied or rolled-back device is found out. An agent's log is a hash chain; before the agent meets its home server it writes down that
 * it is going to present the chain's head, with a fresh nonce. The server countersigns what is presented, if it grew from what it
 * countersigned last. Of two devices of one name the second cannot have that, since the first one's nonce was drawn after they parted.
 */
import type { KeyObject } from 'node:crypto';
import { encodeCbor } from '../../codec/cbor.ts';
import { concatBytes, equalBytes, utf8 } from '../../codec/hex.ts';
import { row } from '../../codec/row-shape.ts';
import { bytes, digest, list, optional, type Shaped, timeMs, whole } from '../../codec/shape.ts';
import { signCompact, verifyCompact } from '../../crypto/compact-key.ts';
import { RAW_SIGNATURE_LENGTH } from '../../crypto/raw-signature.ts';
import { agentIdShape } from './agent-id.ts';
import type { ServerCertificate } from './certificate.ts';

export const PRESENTATION_NONCE_LENGTH = 16;

const presentationShape = row({
  /** Entries in the log. */
  count: whole(),
  head: digest(),
  nonce: bytes({ min: PRESENTATION_NONCE_LENGTH, max: PRESENTATION_NONCE_LENGTH }),
});
export type Presentation = Shaped<typeof presentationShape>;

const receiptFields = { agentId: agentIdShape(), presentation: presentationShape, atMs: timeMs() };
const receiptClaimsShape = row(receiptFields);
export const receiptShape = row({
  ...receiptFields,
  signature: bytes({ min: RAW_SIGNATURE_LENGTH, max: RAW_SIGNATURE_LENGTH }),
});
/** The home server's countersignature. */
export type Receipt = Shaped<typeof receiptShape>;

/** Presented and not answered: each meeting with the server that broke off adds one. */
export const maxPresented = 64;

export const headReportShape = row({
  /** What was countersigned last; absent for an agent that was never countersigned. */
  base: optional(presentationShape),
  /** What was presented since then without an answer, the newest last: it includes what is presented now. */
  presented: list(presentationShape, { min: 1, max: maxPresented }),
});
export type HeadReport = Shaped<typeof headReportShape>;

/** Whether the device that reports is the one that was countersigned last (`latest`). */
export function isSameDevice(report: HeadReport, latest: Presentation | undefined): boolean {
  const { base, presented } = report;
  if (latest === undefined) return base === undefined;
  const known = base === undefined ? presented : [base, ...presented];
  const current = presented.at(-1)!;
  return current.count >= latest.count && known.some((one) => isSamePresentation(one, latest));
}

export function isSamePresentation(a: Presentation, b: Presentation): boolean {
  return a.count === b.count && equalBytes(a.head, b.head) && equalBytes(a.nonce, b.nonce);
}

const LABEL = utf8('Handsel trusted head 1');

const textOf = (claims: Omit<Receipt, 'signature'>) =>
  concatBytes(LABEL, encodeCbor(receiptClaimsShape.encode(claims)));

export function countersign(claims: Omit<Receipt, 'signature'>, privateKey: KeyObject): Receipt {
  return { ...claims, signature: signCompact(privateKey, textOf(claims)) };
}

export function isCountersigned(receipt: Receipt, server: ServerCertificate): boolean {
  return verifyCompact(server.publicKey, textOf(receipt), receipt.signature);
}
