/** A trusted server tells its primary one of an agent that must go on the list of the untrusted, under its signature. */
import type { KeyObject } from 'node:crypto';
import { encodeCbor } from '../../codec/cbor.ts';
import { concatBytes, utf8 } from '../../codec/hex.ts';
import { row } from '../../codec/row-shape.ts';
import { bytes, type Shaped, text } from '../../codec/shape.ts';
import { signCompact, verifyCompact } from '../../crypto/compact-key.ts';
import { RAW_SIGNATURE_LENGTH } from '../../crypto/raw-signature.ts';
import { agentIdShape } from './agent-id.ts';
import { type ServerCertificate, serverCertificateShape } from './certificate.ts';

const claims = { agentId: agentIdShape(), why: text({ max: 200 }) };
const claimsShape = row(claims);
export const reportShape = row({
  ...claims,
  by: serverCertificateShape(),
  signature: bytes({ min: RAW_SIGNATURE_LENGTH, max: RAW_SIGNATURE_LENGTH }),
});
export type Report = Shaped<typeof reportShape>;
type Claims = Shaped<typeof claimsShape>;

const LABEL = utf8('Handsel trusted report 1');

const textOf = (report: Claims) => concatBytes(LABEL, encodeCbor(claimsShape.encode(report)));

export function signReport(
  report: Claims,
  by: { readonly certificate: ServerCertificate; readonly privateKey: KeyObject },
): Report {
  return { ...report, by: by.certificate, signature: signCompact(by.privateKey, textOf(report)) };
}

/** True when the certificate's key signed it; whether the certificate counts is another question. */
export function isReportGenuine(report: Report): boolean {
  return verifyCompact(report.by.publicKey, textOf(report), report.signature);
}
