/** What a certificate is wanted for, in terms of key usage and extended key usage (RFC 5280 sections 4.2.1.3 and 4.2.1.12). */
import type { Certificate } from './certificate.ts';
import { PkiError } from './pki-error.ts';
import { CLIENT_AUTH, DOCUMENT_SIGNING, type KeyUsage, SERVER_AUTH } from './standard-extensions.ts';

/** `agent` is a signature by an agent's key; `any` asks nothing, for showing a certificate to a person. */
export type Purpose =
  | 'signature'
  | 'encryption'
  | 'certificate-signing'
  | 'crl-signing'
  | 'tls-server'
  | 'tls-client'
  | 'agent'
  | 'any';

const EXTENDED: Partial<Record<Purpose, string>> = {
  'tls-server': SERVER_AUTH,
  'tls-client': CLIENT_AUTH,
  agent: DOCUMENT_SIGNING,
};

/**
 * @param chain leaf first
 * @throws PkiError `PKI_KEY_USAGE` when the leaf's key is for something else, or a CA above it restricts it to something else
 */
export function requirePurpose(chain: readonly Certificate[], purpose: Purpose): void {
  if (purpose === 'any') return;
  const leaf = chain[0]!;
  const wanted = wantedUsage(leaf, purpose);
  if (leaf.keyUsage === undefined || !wanted.some((usage) => leaf.keyUsage?.has(usage))) {
    throw new PkiError('PKI_KEY_USAGE', `key usage of the certificate does not allow ${purpose}`);
  }
  if (purpose === 'certificate-signing' && !leaf.ca) throw new PkiError('PKI_NOT_A_CA', 'the certificate is no CA');
  const extended = EXTENDED[purpose];
  if (extended === undefined) return;
  if (!leaf.extendedKeyUsage?.includes(extended)) {
    throw new PkiError('PKI_KEY_USAGE', `extended key usage of the certificate does not allow ${purpose}`);
  }
  for (const authority of chain.slice(1)) {
    if (authority.extendedKeyUsage !== undefined && !authority.extendedKeyUsage.includes(extended)) {
      throw new PkiError('PKI_KEY_USAGE', `extended key usage of a CA in the path does not allow ${purpose}`);
    }
  }
}

function wantedUsage(leaf: Certificate, purpose: Purpose): readonly KeyUsage[] {
  if (purpose === 'certificate-signing') return ['keyCertSign'];
  if (purpose === 'crl-signing') return ['cRLSign'];
  if (purpose !== 'encryption') return ['digitalSignature'];
  return leaf.publicKey.asymmetricKeyType === 'ec' ? ['keyAgreement'] : ['keyEncipherment', 'dataEncipherment'];
}
