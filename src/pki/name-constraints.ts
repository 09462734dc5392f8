/**
 * Name constraints (RFC 5280 section 4.2.1.10): which names a CA's subordinates may carry. Directory names, DNS names and
 * IP addresses are honoured; a constraint on any other form is refused rather than overlooked.
 */
import type { Certificate } from './certificate.ts';
import { type Extensions, readExtension } from './extension.ts';
import type { GeneralName } from './general-name.ts';
import { isWithin, type Name } from './name.ts';
import { PkiError } from './pki-error.ts';
import { nameConstraints } from './standard-extensions.ts';

/**
 * Checks every name of `certificate` against the constraints its (direct or remote) issuer carries.
 * @throws PkiError `PKI_NAME_CONSTRAINT` for a name outside the permitted or inside an excluded subtree.
 */
export function checkNameConstraints(issuerExtensions: Extensions, certificate: Certificate): void {
  const constraints = readExtension(issuerExtensions, nameConstraints);
  if (constraints === undefined) return;
  const permitted = (constraints.permitted ?? []).map(({ base }) => base);
  const excluded = (constraints.excluded ?? []).map(({ base }) => base);
  for (const base of [...permitted, ...excluded]) {
    if (base.type !== 'directory' && base.type !== 'dns' && base.type !== 'ip') {
      throw new PkiError('PKI_NAME_CONSTRAINT', `constraints on ${base.type} names are not honoured here`);
    }
  }

  const names: GeneralName[] = [...certificate.subjectAltNames];
  if (certificate.subject.attributes.length > 0) names.push({ type: 'directory', value: certificate.subject });
  for (const name of names) {
    const allowed = permitted.filter((base) => base.type === name.type);
    if (allowed.length > 0 && !allowed.some((base) => covers(base, name, isWithin))) {
      throw new PkiError('PKI_NAME_CONSTRAINT', `a ${name.type} name lies outside the permitted subtrees`);
    }
    if (excluded.some((base) => covers(base, name, isWithinLoosely))) {
      throw new PkiError('PKI_NAME_CONSTRAINT', `a ${name.type} name lies inside an excluded subtree`);
    }
  }
}

type DirectoryRule = (name: Name, subtree: Name) => boolean;

function covers(base: GeneralName, name: GeneralName, within: DirectoryRule): boolean {
  if (base.type === 'directory' && name.type === 'directory') return within(name.value, base.value);
  if (base.type === 'dns' && name.type === 'dns') return dnsWithin(name.value, base.value);
  if (base.type === 'ip' && name.type === 'ip') return addressWithin(name.value, base.value);
  return false;
}

/** For exclusion a name must not slip through by its case or spacing, so letters are folded and spaces dropped. */
function isWithinLoosely(name: Name, subtree: Name): boolean {
  return isWithin(folded(name), folded(subtree));
}

function folded(name: Name): Name {
  const attributes = name.attributes.map(({ type, value }) => ({
    type,
    value: value.normalize('NFKC').toLowerCase().replace(/\s+/g, ''),
  }));
  return { attributes, der: name.der };
}

/** The empty base covers every name. */
function dnsWithin(name: string, base: string): boolean {
  const lowerName = name.toLowerCase();
  const lowerBase = base.toLowerCase();
  return lowerBase === '' || lowerName === lowerBase || lowerName.endsWith(`.${lowerBase}`);
}

/** `base` is an address and a mask of the same length; an address of the other IP version is not covered. */
function addressWithin(address: Uint8Array, base: Uint8Array): boolean {
  const length = address.length;
  if (base.length !== 2 * length) return false;
  return address.every((byte, index) => (byte & base[length + index]!) === (base[index]! & base[length + index]!));
}
