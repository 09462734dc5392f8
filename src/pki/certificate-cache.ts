/** Certificates read before, by the hash of their bytes: the same few come with every message, and reading costs more than hashing. */
import { sha256 } from '../crypto/digest.ts';
import { type Certificate, MAX_CERTIFICATE_BYTES, readCertificate } from './certificate.ts';

export interface CertificateCache {
  /** As `readCertificate`, with its errors; what cannot be read is not remembered. */
  read(der: Uint8Array): Certificate;
}

export function createCertificateCache(options: { readonly maxEntries: number }): CertificateCache {
  const known = new Map<string, Certificate>();
  return {
    read(der) {
      if (der.length > MAX_CERTIFICATE_BYTES) return readCertificate(der);
      const key = Buffer.from(sha256(der)).toString('latin1');
      const found = known.get(key);
      if (found !== undefined) {
        known.delete(key);
        known.set(key, found);
        return found;
      }
      // A private copy: the caller's bytes may be a view of a buffer that is used again.
      const certificate = readCertificate(der.slice());
      known.set(key, certificate);
      if (known.size > options.maxEntries) known.delete(known.keys().next().value!);
      return certificate;
    },
  };
}
