/** Attributes of signers and of authenticated encryption (RFC 5652 sections 5.3 and 11); each is there once and has one value. */
import { any, decodeDer, encodeDer, type Infer, objectIdentifier, sequence, setOf } from '../../codec/der.ts';
import { CmsError } from './cms-error.ts';

export const CONTENT_TYPE = '1.2.840.113549.1.9.3';
export const MESSAGE_DIGEST = '1.2.840.113549.1.9.4';
export const SIGNING_TIME = '1.2.840.113549.1.9.5';

export interface Attribute {
  /** Object identifier. */
  readonly type: string;
  /** The DER of its one value. */
  readonly value: Uint8Array;
}

/** By object identifier: the DER of the value. */
export type Attributes = ReadonlyMap<string, Uint8Array>;

const MAX_ATTRIBUTES = 32;

/** What signatures and authentication cover: the SET OF with its own tag, whatever tag it is sent under. */
export const attributesType = setOf(sequence({ type: objectIdentifier(), values: setOf(any(), { min: 1, max: 1 }) }), {
  min: 1,
  max: MAX_ATTRIBUTES,
});

/** As the schema has them. */
export type WireAttributes = Infer<typeof attributesType>;

export function attributesToWire(attributes: readonly Attribute[]): WireAttributes {
  return attributes.map(({ type, value }) => ({ type, values: [value] }));
}

/** @throws CmsError `CMS_ATTRIBUTE` when one is there twice. */
export function indexAttributes(found: WireAttributes): Attributes {
  const attributes = new Map(found.map(({ type, values }) => [type, values[0]!]));
  if (attributes.size !== found.length) throw new CmsError('CMS_ATTRIBUTE', 'an attribute is there twice');
  return attributes;
}

/** @throws CmsError `CMS_ATTRIBUTE` when the caller's attributes repeat one another or those the message itself sets. */
export function requireDistinct(attributes: readonly Attribute[]): void {
  if (new Set(attributes.map(({ type }) => type)).size !== attributes.length) {
    throw new CmsError('CMS_ATTRIBUTE', 'an attribute is given twice');
  }
}

export function contentTypeAttribute(contentType: string): Attribute {
  return { type: CONTENT_TYPE, value: encodeDer(objectIdentifier(), contentType) };
}

/** @throws CmsError `CMS_ATTRIBUTE` unless the content-type attribute is there and says what the message says. */
export function requireContentType(attributes: Attributes, contentType: string): void {
  const value = attributes.get(CONTENT_TYPE);
  if (value === undefined || decodeDer(objectIdentifier(), value) !== contentType) {
    throw new CmsError('CMS_ATTRIBUTE', 'the content-type attribute is missing or differs from the content type');
  }
}

/** [n] IMPLICIT replaces the first octet; what is signed has the tag of a SET (RFC 5652 sections 5.4 and RFC 5083 section 2.2). */
export function asSet(tagged: Uint8Array): Uint8Array {
  const set = tagged.slice();
  set[0] = 0x31;
  return set;
}
