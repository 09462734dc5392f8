/** A private key with the certificate that names its holder: what a party signs or opens messages with. */
import type { KeyObject } from 'node:crypto';
import type { Certificate } from '../../pki/certificate.ts';
import type { Holder } from '../../pki/cms/holder.ts';

export interface CertifiedKey {
  readonly certificate: Certificate;
  readonly privateKey: KeyObject;
}

/** Somebody whose key is elsewhere. */
export type CertifiedHolder = Omit<CertifiedKey, 'privateKey'>;

/** As CMS names a certificate's holder. */
export function holderNamedBy({ issuer, serial, publicKey }: Certificate): Holder {
  return { issuer: issuer.der, serial, publicKey };
}
