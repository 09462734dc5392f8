/** What is said to be certified: figure 8, and the same for a device that gets its first certificate, and for a server at its primary. */

import { concatBytes, utf8 } from '../../codec/hex.ts';
import { type ChoiceOf, choice, numbered } from '../../codec/row-shape.ts';
import { bytes, optional } from '../../codec/shape.ts';
import { COMPACT_KEY_LENGTH } from '../../crypto/compact-key.ts';
import { RAW_SIGNATURE_LENGTH } from '../../crypto/raw-signature.ts';
import { agentCertificateShape, serverCertificateShape } from './certificate.ts';
import { listUpdateShape, listVersionsShape } from './list-change.ts';
import { headReportShape, receiptShape } from './state-head.ts';

const requests = {
  /** Step 250: the new public key, signed with the private key that belongs to the session's certificate. */
  certify: numbered(1, {
    publicKey: bytes({ min: COMPACT_KEY_LENGTH, max: COMPACT_KEY_LENGTH }),
    signature: bytes({ min: RAW_SIGNATURE_LENGTH, max: RAW_SIGNATURE_LENGTH }),
    versions: listVersionsShape,
    /** Of an agent that has a log. */
    report: optional(headReportShape),
  }),
  /** Step 280: the certificate is not valid, make another. */
  retry: numbered(2, {}),
  /** Step 290: it is in use. */
  installed: numbered(3, {}),
  /** Only the head and the lists. */
  sync: numbered(4, { versions: listVersionsShape, report: headReportShape }),
};
export type CertifyRequest = ChoiceOf<typeof requests>;
export const certifyRequestShape = choice(requests);

const answers = {
  'agent-certified': numbered(1, {
    certificate: agentCertificateShape(),
    update: listUpdateShape,
    receipt: optional(receiptShape),
  }),
  'server-certified': numbered(2, { certificate: serverCertificateShape(), update: listUpdateShape }),
  synced: numbered(3, { update: listUpdateShape, receipt: receiptShape }),
  noted: numbered(4, {}),
  /** Without a reason: figure 11. */
  refused: numbered(5, {}),
};
export type CertifyAnswer = ChoiceOf<typeof answers>;
export const certifyAnswerShape = choice(answers);

/** How often a server may try (step 274). */
export const maxTries = 3;

const LABEL = utf8('Handsel new key 1');

/** What the old key signs. */
export function newKeyText(publicKey: Uint8Array): Uint8Array {
  return concatBytes(LABEL, publicKey);
}
