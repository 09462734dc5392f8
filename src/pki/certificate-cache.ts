/** Certificates read before, by the end of their bytes: the same few come with every message. */
import { equalBytes } from '../codec/hex.ts';
import { type Certificate, MAX_CERTIFICATE_BYTES, readCertificate } from './certificate.ts';

export interface CertificateCache {
  /** As `readCertificate`, with its errors; what cannot be read is not remembered. */
  read(der: Uint8Array): Certificate;
}

/** A certificate ends with its signature: as good a name for it as a hash, for nothing. All bytes are compared all the same. */
const NAME_LENGTH = 32;

export function createCertificateCache(options: { readonly maxEntries: number }): CertificateCache {
  const known = new Map<string, Certificate>();
  return {
    read(der) {
      if (der.length > MAX_CERTIFICATE_BYTES) return readCertificate(der);
      const name = Buffer.prototype.latin1Slice.call(der, Math.max(0, der.length - NAME_LENGTH), der.length);
      const found = known.get(name);
      if (found !== undefined && equalBytes(found.der, der)) {
        known.delete(name);
        known.set(name, found);
        return found;
      }
      // A private copy: the caller's bytes may be a view of a buffer that is used again.
      const certificate = readCertificate(der.slice());
      known.set(name, certificate);
      if (known.size > options.maxEntries) known.delete(known.keys().next().value!);
      return certificate;
    },
  };
}
