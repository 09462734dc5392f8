/** Attributes of signers and of authenticated encryption (RFC 5652 sections 5.3 and 11); each is there once and has one value. */
import { any, type Captured, encodeDer, type Infer, objectIdentifier, sequence, setOf } from '../../codec/der.ts';
import { equalBytes } from '../../codec/hex.ts';
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
export const attributesType = setOf(
  sequence({ type: objectIdentifier(), values: setOf(any({ borrowed: true }), { min: 1, max: 1 }) }),
  { min: 1, max: MAX_ATTRIBUTES },
);

/** As the schema has them. */
export type WireAttributes = Infer<typeof attributesType>;

function attributesToWire(attributes: readonly Attribute[]): WireAttributes {
  return attributes.map(({ type, value }) => ({ type, values: [value] }));
}

/** @throws CmsError `CMS_ATTRIBUTE` when one is there twice. */
export function indexAttributes(found: WireAttributes): Attributes {
  const attributes = new Map(found.map(({ type, values }) => [type, values[0]!]));
  if (attributes.size !== found.length) throw new CmsError('CMS_ATTRIBUTE', 'an attribute is there twice');
  return attributes;
}

/** @throws CmsError `CMS_ATTRIBUTE` when the caller's attributes repeat one another or those the message itself sets. */
function requireDistinct(attributes: readonly Attribute[]): void {
  const isRepeated = ({ type }: Attribute, at: number) => attributes.findIndex((other) => other.type === type) !== at;
  if (attributes.some(isRepeated)) {
    throw new CmsError('CMS_ATTRIBUTE', 'an attribute is given twice');
  }
}

/** The content types are those the program knows, a few dozen. */
const contentTypeAttributes = new Map<string, Attribute>();

export function contentTypeAttribute(contentType: string): Attribute {
  let attribute = contentTypeAttributes.get(contentType);
  if (attribute === undefined) {
    attribute = { type: CONTENT_TYPE, value: encodeDer(objectIdentifier(), contentType) };
    contentTypeAttributes.set(contentType, attribute);
  }
  return attribute;
}

/** @throws CmsError `CMS_ATTRIBUTE` unless the content-type attribute is there and says what the message says. */
export function requireContentType(attributes: Attributes, contentType: string): void {
  const value = attributes.get(CONTENT_TYPE);
  // An identifier has one encoding only.
  if (value === undefined || !equalBytes(value, contentTypeAttribute(contentType).value)) {
    throw new CmsError('CMS_ATTRIBUTE', 'the content-type attribute is missing or differs from the content type');
  }
}

const SET = 0x31;

/**
 * Attributes under the tag of a SET, which is what signatures and authentication cover, lent to `use`; then made ready to be sent as
 * [n] IMPLICIT, which replaces the first octet (RFC 5652 section 5.4 and RFC 5083 section 2.2).
 */
export function encodeAttributes<R>(
  attributes: readonly Attribute[],
  { sentTag, use }: { readonly sentTag: number; readonly use: (set: Uint8Array) => R },
): { readonly sent: Captured<WireAttributes>; readonly result: R } {
  requireDistinct(attributes);
  const value = attributesToWire(attributes);
  const der = encodeDer(attributesType, value);
  const result = use(der);
  der[0] = sentTag;
  return { sent: { value, der }, result };
}

const scratch = new Uint8Array(4096);

/** Received attributes as `encodeAttributes` had them, lent to `use`. */
export function lendAsSet<R>(sent: Uint8Array, use: (set: Uint8Array) => R): R {
  const set = sent.length > scratch.length ? new Uint8Array(sent.length) : scratch.subarray(0, sent.length);
  set.set(sent);
  set[0] = SET;
  return use(set);
}
