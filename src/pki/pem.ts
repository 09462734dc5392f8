/** PEM text around DER bytes (RFC 7468), for certificates, requests, revocation lists and keys in files. */
import { PkiError } from './pki-error.ts';

export type PemLabel = 'CERTIFICATE' | 'CERTIFICATE REQUEST' | 'X509 CRL' | 'PUBLIC KEY' | 'PRIVATE KEY';

export interface PemBlock {
  readonly label: string;
  readonly der: Uint8Array;
}

const MAX_TEXT = 4_000_000;
const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----\s([A-Za-z0-9+/=\s]*)-----END \1-----/g;

export function toPem(label: PemLabel, der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .match(/.{1,64}/g);
  return `-----BEGIN ${label}-----\n${(lines ?? []).join('\n')}\n-----END ${label}-----\n`;
}

/**
 * Every block of a text, in order; text between blocks is ignored, as RFC 7468 allows.
 * @throws PkiError `PKI_PEM_INVALID` when there is none, when base64 is not canonical, or when the text is too long.
 */
export function fromPem(text: string): readonly PemBlock[] {
  if (text.length > MAX_TEXT) throw new PkiError('PKI_PEM_INVALID', 'PEM text is too long');
  const blocks = [...text.matchAll(BLOCK)].map((match) => {
    const base64 = match[2]!.replace(/\s/g, '');
    const der = new Uint8Array(Buffer.from(base64, 'base64'));
    if (Buffer.from(der).toString('base64') !== base64) {
      throw new PkiError('PKI_PEM_INVALID', 'PEM block is not canonical base64');
    }
    return { label: match[1]!, der };
  });
  if (blocks.length === 0) throw new PkiError('PKI_PEM_INVALID', 'no PEM block found');
  return blocks;
}

/** The DER of every block with this label. @throws PkiError `PKI_PEM_INVALID` when there is none. */
export function fromPemLabelled(text: string, label: PemLabel): readonly Uint8Array[] {
  const found = fromPem(text).filter((block) => block.label === label);
  if (found.length === 0) throw new PkiError('PKI_PEM_INVALID', `no ${label} block found`);
  return found.map((block) => block.der);
}
