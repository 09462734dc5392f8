/** Whom the roles of deposits believe: chains to the agency's communication root, by the first common name of the leaf. */
import type { KeyObject } from 'node:crypto';
import { readCertificate } from '../../pki/certificate.ts';
import { nameAttribute } from '../../pki/name.ts';
import { PkiError } from '../../pki/pki-error.ts';
import type { CommunicationTrust } from './communication-trust.ts';

export type ValidateChain = (
  chain: readonly Uint8Array[],
  atMs?: number,
) => { readonly name: string; readonly publicKey: KeyObject };

/** @throws (the function returned) PkiError, DerError unless the chain (DER, leaf first) leads to an anchor and names somebody */
export function chainValidation(trust: CommunicationTrust, nowMs: () => number): ValidateChain {
  return (chain, atMs = nowMs()) => {
    const certificates = chain.map((der) => readCertificate(der));
    const [leaf] = certificates;
    if (leaf === undefined) throw new PkiError('PKI_PATH_NOT_FOUND', 'the message brings no certificate');
    trust.validate(certificates, 'signature', atMs);
    const name = nameAttribute(leaf.subject, 'CN');
    if (name === undefined) throw new PkiError('PKI_PATH_NOT_FOUND', 'the certificate names nobody');
    return { name, publicKey: leaf.publicKey };
  };
}
