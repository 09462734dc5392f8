/**
 * Which certificate of the issuer's signed: the authority key identifier (RFC 5280 section 4.2.1.1). A CA that carries a subject
 * key identifier is named by it, as RFC 5280 wants; one that does not, as in SET, by its issuer and serial.
 */
import type { KeyObject } from 'node:crypto';
import { equalBytes } from '../codec/hex.ts';
import type { Certificate } from './certificate.ts';
import { type Extension, makeExtension, readExtension } from './extension.ts';
import { sameName } from './name.ts';
import { publicKeyHash } from './public-key.ts';
import { authorityKeyIdentifier, subjectKeyIdentifier } from './standard-extensions.ts';

/** The first 160 bits of SHA-256 over the key (RFC 7093 section 2, methods 1 and 4). */
export function identifyKey(publicKey: KeyObject): Extension {
  return makeExtension(subjectKeyIdentifier, publicKeyHash(publicKey).slice(0, 20));
}

export function identifyIssuer(issuer: Certificate): Extension {
  const keyIdentifier = readExtension(issuer.extensions, subjectKeyIdentifier);
  if (keyIdentifier !== undefined) return makeExtension(authorityKeyIdentifier, { keyIdentifier });
  return makeExtension(authorityKeyIdentifier, {
    issuer: [{ type: 'directory', value: issuer.issuer }],
    serial: issuer.serial,
  });
}

/** Whether `issuer` is the certificate that `certificate` names; true when it names none. */
export function matchesAuthorityKey(certificate: Certificate, issuer: Certificate): boolean {
  const named = readExtension(certificate.extensions, authorityKeyIdentifier);
  if (named === undefined) return true;
  const own = readExtension(issuer.extensions, subjectKeyIdentifier);
  if (named.keyIdentifier !== undefined && own !== undefined && !equalBytes(named.keyIdentifier, own)) return false;
  if (named.serial !== undefined && named.serial !== issuer.serial) return false;
  const directories = named.issuer?.filter((name) => name.type === 'directory') ?? [];
  return directories.length === 0 || directories.some((name) => sameName(name.value, issuer.issuer));
}
