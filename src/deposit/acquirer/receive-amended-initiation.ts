/** A customer's operator asks for a deposit (US 09/718,411, claims 1, 4 and 9) and vouches for the customer, whom nobody here will know. */
import { DepositError } from '../message/deposit-error.ts';
import { partsOfTransaction } from '../message/identity.ts';
import { amendedInitiationType } from '../message/initiation.ts';
import { readTemporaryCertificate } from '../message/temporary-certificate.ts';
import type { InitiationInput } from './acquirer-input.ts';
import type { Validate } from './acquirer-policy.ts';
import { readFromSender } from './signed-by.ts';

/** @throws CryptographicError, MessageError; DepositError `IDENTITY_MALFORMED`, `OPERATOR_UNKNOWN`, `CERTIFICATE_UNFIT` */
export function receiveAmendedInitiation(
  bytes: Uint8Array,
  { validate, nowMs }: { readonly validate: Validate; readonly nowMs: number },
): InitiationInput {
  const { value: initiation, name, publicKey } = readFromSender(amendedInitiationType, bytes, validate);
  const { transaction } = initiation;
  if (partsOfTransaction(transaction).accountManager !== name) {
    throw new DepositError('OPERATOR_UNKNOWN', 'the transaction is of another operator than its sender');
  }
  const { certificate } = readTemporaryCertificate(initiation.certificate, {
    ...{ transaction, of: 'customer', issuer: name, issuerKey: publicKey, nowMs },
  });
  const { key: customerKey, notAfterMs } = certificate;
  return { type: 'amended-initiation', operator: name, initiation, customerKey, notAfterMs };
}
