/** The port by which the roles ask who a certificate's holder is; the rules of SET's certificates are behind it (notes on SET, "Path validation"). */
import type { Certificate } from '../../pki/certificate.ts';
import type { CertificateCache } from '../../pki/certificate-cache.ts';

export interface HolderCheck {
  readonly leaf: Certificate;
  /** Certificates that came along, in any order. */
  readonly pool: readonly Certificate[];
  readonly use: 'signature' | 'encryption';
  /** Unix milliseconds. */
  readonly atMs: number;
}

interface Holder {
  readonly certificate: Certificate;
  /** The brand under whose authority the certificate was issued. */
  readonly brandId: string;
}

export interface Cardholder extends Holder {
  /** The Unique Cardholder ID: an HMAC that says nothing about the card to whoever lacks its secret. */
  readonly cardholderId: string;
}

export interface Merchant extends Holder {
  readonly merchantId: string;
  /** Whether the gateway may authorize payments to it. */
  readonly authorized: boolean;
}

export interface Gateway extends Holder {
  readonly gatewayId: string;
}

/** Each throws a HandselError when the path, the kind of holder, the use, the time or revocation does not allow it. */
export interface Trust {
  readonly certificates: CertificateCache;
  cardholder(check: HolderCheck): Cardholder;
  merchant(check: HolderCheck): Merchant;
  gateway(check: HolderCheck): Gateway;
}
