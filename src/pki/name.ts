/** X.500 distinguished names (RFC 5280 section 4.1.2.4): an ordered list of single-valued attributes. */
import {
  any,
  choice,
  decodeDer,
  encodeDer,
  type Infer,
  ia5String,
  mapped,
  objectIdentifier,
  printableString,
  sequence,
  sequenceOf,
  setOf,
  utf8String,
} from '../codec/der.ts';
import { equalBytes } from '../codec/hex.ts';
import { PkiError } from './pki-error.ts';

export interface NameAttribute {
  /** A short name of `ATTRIBUTE_OIDS`, or the dotted object identifier of an attribute that has none. */
  readonly type: string;
  readonly value: string;
}

export interface Name {
  readonly attributes: readonly NameAttribute[];
  /** The exact encoding. Names are the same only when these bytes are (RFC 5280 section 4.1.2.6 asks CAs for that). */
  readonly der: Uint8Array;
}

const ATTRIBUTE_OIDS: Readonly<Record<string, string>> = {
  C: '2.5.4.6',
  ST: '2.5.4.8',
  L: '2.5.4.7',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  CN: '2.5.4.3',
  serialNumber: '2.5.4.5',
  DC: '0.9.2342.19200300.100.1.25',
  UID: '0.9.2342.19200300.100.1.1',
};
const SHORT_NAMES = new Map(Object.entries(ATTRIBUTE_OIDS).map(([short, oid]) => [oid, short]));

const MAX_ATTRIBUTES = 16;
const MAX_VALUE_LENGTH = 256;
/** Upper bound of commonName and organizationName (RFC 5280 appendix A.1), kept for the names made here. */
const MAX_MADE_LENGTH = 64;

const directoryString = choice({
  utf8: utf8String({ min: 1, max: MAX_VALUE_LENGTH }),
  printable: printableString({ min: 1, max: MAX_VALUE_LENGTH }),
  ia5: ia5String({ min: 1, max: MAX_VALUE_LENGTH }),
});
const attributeShape = sequence({ type: objectIdentifier(), value: directoryString });
const nameShape = sequenceOf(setOf(attributeShape, { min: 1, max: 1 }), { max: MAX_ATTRIBUTES });

/**
 * Makes a name from attributes in the order given, e.g. `makeName({ C: 'NL', O: 'Brand', OU: ['A', 'B'], CN: 'Alice' })`.
 * @throws PkiError `PKI_NAME_INVALID` on an unknown attribute type, or an empty or too long value.
 */
export function makeName(attributes: Readonly<Record<string, string | readonly string[]>>): Name {
  const list: NameAttribute[] = [];
  for (const [type, values] of Object.entries(attributes)) {
    for (const value of typeof values === 'string' ? [values] : values) list.push({ type, value });
  }
  return nameOf(list);
}

/** The name one level or more below `parent`: its attributes, then those given. */
export function extendName(parent: Name, attributes: Readonly<Record<string, string>>): Name {
  return nameOf([...parent.attributes, ...Object.entries(attributes).map(([type, value]) => ({ type, value }))]);
}

function nameOf(attributes: readonly NameAttribute[]): Name {
  const rdns = attributes.map(({ type, value }) => {
    const oid = ATTRIBUTE_OIDS[type];
    if (oid === undefined) throw new PkiError('PKI_NAME_INVALID', `unknown name attribute ${type}`);
    if (value.length === 0 || value.length > MAX_MADE_LENGTH) {
      throw new PkiError('PKI_NAME_INVALID', `name attribute ${type} must have 1 to ${MAX_MADE_LENGTH} characters`);
    }
    return [{ type: oid, value: { type: stringKind(type), value } }];
  });
  try {
    return { attributes, der: encodeDer(nameShape, rdns) };
  } catch (cause) {
    throw new PkiError('PKI_NAME_INVALID', 'name cannot be encoded', { cause });
  }
}

function stringKind(type: string): Infer<typeof directoryString>['type'] {
  if (type === 'C' || type === 'serialNumber') return 'printable';
  return type === 'DC' ? 'ia5' : 'utf8';
}

/** @throws DerError on anything but a strictly encoded name of single-valued attributes. */
export function readName(der: Uint8Array): Name {
  const rdns = decodeDer(nameShape, der, { maxBytes: 8192 });
  const attributes = rdns.map((rdn) => {
    const { type, value } = rdn[0]!;
    return { type: SHORT_NAMES.get(type) ?? type, value: value.value };
  });
  return { attributes, der };
}

/** A field of a DER structure that holds a name. */
export const nameType = mapped(any(), { decode: readName, encode: (name: Name) => name.der });

/** The first value of an attribute, by its short name. */
export function nameAttribute(name: Name, type: string): string | undefined {
  return name.attributes.find((attribute) => attribute.type === type)?.value;
}

export function sameName(a: Name, b: Name): boolean {
  return equalBytes(a.der, b.der);
}

/** Whether `name` is `subtree` itself or lies below it: the subtree's attributes come first, exactly. */
export function isWithin(name: Name, subtree: Name): boolean {
  if (subtree.attributes.length > name.attributes.length) return false;
  return subtree.attributes.every((attribute, index) => {
    const other = name.attributes[index]!;
    return other.type === attribute.type && other.value === attribute.value;
  });
}

/** For people: the attributes in their order, as `C=NL,O=Brand,CN=Alice`, separators inside values escaped by `\`. */
export function formatName(name: Name): string {
  return name.attributes.map(({ type, value }) => `${type}=${value.replace(/[\\,=+]/g, '\\$&')}`).join(',');
}
