/** The rules of SET's certificates behind the port `trust.ts`: paths under the SET roots, each validated once and then only rechecked. */
import type { Certificate } from '../../pki/certificate.ts';
import { createCertificateCache } from '../../pki/certificate-cache.ts';
import { readExtension } from '../../pki/extension.ts';
import { nameAttribute } from '../../pki/name.ts';
import { collectChain, type RevocationCheck, recheckPath } from '../../pki/path.ts';
import { createPathCache } from '../../pki/path-cache.ts';
import { PkiError } from '../../pki/pki-error.ts';
import { type CertificateType, merchantData } from './certificate-extensions.ts';
import { validateSetPath } from './set-path.ts';
import type { HolderCheck, Trust } from './trust.ts';

export interface SetTrustOptions {
  readonly roots: readonly Certificate[];
  readonly revocation?: RevocationCheck;
  /** Certificates and paths remembered, of each kind of holder. */
  readonly maxEntries?: number;
}

export function createSetTrust({ roots, revocation, maxEntries = 4096 }: SetTrustOptions): Trust {
  const cacheFor = (holder: CertificateType) =>
    createPathCache({
      maxEntries,
      validate: ({ leaf, pool, purpose, atMs }) =>
        validateSetPath({
          ...{ roots, atMs, holder, purpose },
          chain: collectChain(leaf, pool),
          brandId: brandOf(leaf),
          ...(revocation && { revocation }),
        }),
      recheck: (path, { atMs }) => recheckPath(path, atMs, revocation),
    });
  const cards = cacheFor('card');
  const merchants = cacheFor('merchant');
  const gateways = cacheFor('gateway');
  const leafIn = (cache: typeof cards, { leaf, pool, use, atMs }: HolderCheck) =>
    cache.validate({ leaf, pool, purpose: use, atMs }).leaf;

  return {
    certificates: createCertificateCache({ maxEntries }),
    cardholder(check) {
      const certificate = leafIn(cards, check);
      return { certificate, brandId: brandOf(certificate), cardholderId: commonNameOf(certificate) };
    },
    merchant(check) {
      const certificate = leafIn(merchants, check);
      const data = readExtension(certificate.extensions, merchantData);
      if (data === undefined) throw new PkiError('PKI_SET_MERCHANT', 'a merchant certificate without merchant data');
      const { merchantId, authorized } = data;
      return { certificate, brandId: brandOf(certificate), merchantId, authorized };
    },
    gateway(check) {
      const certificate = leafIn(gateways, check);
      return { certificate, brandId: brandOf(certificate), gatewayId: commonNameOf(certificate) };
    },
  };
}

function brandOf(certificate: Certificate): string {
  return nameAttribute(certificate.subject, 'O') ?? '';
}

function commonNameOf(certificate: Certificate): string {
  return nameAttribute(certificate.subject, 'CN') ?? '';
}
