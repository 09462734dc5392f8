/** The roles' port `trust.ts` on the rules of SET's certificates: who the holder of a certificate is, once `set-trust.ts` vouches for its path. */
import type { Certificate } from '../../pki/certificate.ts';
import { createCertificateCache } from '../../pki/certificate-cache.ts';
import { readExtension } from '../../pki/extension.ts';
import { nameAttribute } from '../../pki/name.ts';
import { PkiError } from '../../pki/pki-error.ts';
import { type CertificateType, merchantData } from './certificate-extensions.ts';
import type { SetTrust } from './set-trust.ts';
import type { HolderCheck, Merchant, Trust } from './trust.ts';

/** `maxCertificates` bounds the parsed certificates remembered between messages. */
export function createHolderTrust(options: { readonly setTrust: SetTrust; readonly maxCertificates?: number }): Trust {
  const { setTrust, maxCertificates = 4096 } = options;
  const leafOf = (holder: CertificateType, { leaf, pool, use, atMs }: HolderCheck) =>
    setTrust.validate({ leaf, pool, purpose: use, atMs, holder, brandId: brandOf(leaf) }).leaf;

  /** What a certificate says does not change: read once. */
  const merchants = new WeakMap<Certificate, Merchant>();

  return {
    certificates: createCertificateCache({ maxEntries: maxCertificates }),
    cardholder(check) {
      const certificate = leafOf('card', check);
      return { certificate, brandId: brandOf(certificate), cardholderId: commonNameOf(certificate) };
    },
    merchant(check) {
      const certificate = leafOf('merchant', check);
      const known = merchants.get(certificate) ?? readMerchant(certificate);
      merchants.set(certificate, known);
      return known;
    },
    gateway(check) {
      const certificate = leafOf('gateway', check);
      return { certificate, brandId: brandOf(certificate), gatewayId: commonNameOf(certificate) };
    },
  };
}

function readMerchant(certificate: Certificate): Merchant {
  const data = readExtension(certificate.extensions, merchantData);
  if (data === undefined) throw new PkiError('PKI_SET_MERCHANT', 'a merchant certificate without merchant data');
  const { merchantId, authorized } = data;
  return { certificate, brandId: brandOf(certificate), merchantId, authorized };
}

/** The path rules hold the brand equal in every certificate below the root, so the leaf's own word is enough to begin with. */
function brandOf(certificate: Certificate): string {
  return nameAttribute(certificate.subject, 'O') ?? '';
}

function commonNameOf(certificate: Certificate): string {
  return nameAttribute(certificate.subject, 'CN') ?? '';
}
