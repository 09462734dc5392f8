/**
 * Temporary certificates (US 09/718,411, zones 1 to 4): "contains only the consumer's public key and a session ID". The operator of an
 * end signs it for the other operator, who checks it and signs one of its own for the other end: nobody at the ends looks up anything.
 */
import type { KeyObject } from 'node:crypto';
import { bytes, oneOf, record, type Shaped, timeMs } from '../../codec/shape.ts';
import { importPoint } from '../../crypto/agreement.ts';
import { type MessageType, readMessage, type Signer, signMessage } from '../../crypto/signed-message.ts';
import { DepositError } from './deposit-error.ts';
import { partyName, transactionIdentity } from './identity.ts';

/** An uncompressed P-256 point. */
export const temporaryKey = bytes({ min: 65, max: 65 });

const certificateShape = record({
  transaction: transactionIdentity,
  of: oneOf('customer', 'merchant'),
  key: temporaryKey,
  /** The operator who signed it. */
  issuer: partyName,
  notAfterMs: timeMs(),
});

export type TemporaryCertificate = Shaped<typeof certificateShape>;
export const temporaryCertificateType: MessageType<TemporaryCertificate> = {
  name: 'temporary-certificate',
  shape: certificateShape,
  maxBytes: 4096,
};

export const temporaryCertificate = bytes({ min: 1, max: 4096 });

export function issueTemporaryCertificate(certificate: TemporaryCertificate, signer: Signer): Uint8Array {
  return signMessage(temporaryCertificateType, certificate, signer);
}

/** @throws CryptographicError for a wrong signature; DepositError `CERTIFICATE_UNFIT` for another's or an old certificate */
export function readTemporaryCertificate(
  certificate: Uint8Array,
  expected: Pick<TemporaryCertificate, 'transaction' | 'of' | 'issuer'> & {
    readonly issuerKey: KeyObject;
    readonly nowMs: number;
  },
): { readonly certificate: TemporaryCertificate; readonly publicKey: KeyObject } {
  const message = readMessage(temporaryCertificateType, certificate);
  message.requireSignature(expected.issuerKey);
  const { value } = message;
  const { transaction, of, issuer, nowMs } = expected;
  if (value.transaction !== transaction || value.of !== of || value.issuer !== issuer || value.notAfterMs < nowMs) {
    throw new DepositError('CERTIFICATE_UNFIT', 'the temporary certificate is of another transaction or expired');
  }
  return { certificate: value, publicKey: importPoint(value.key) };
}
