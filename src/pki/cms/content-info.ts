/** ContentInfo (RFC 5652 section 3), the frame of every CMS message, and the names of the content types. */
import { any, type DerType, decodeDer, explicit, mapped, objectIdentifier, sequence } from '../../codec/der.ts';
import { CmsError } from './cms-error.ts';

export const DATA = '1.2.840.113549.1.7.1';
export const SIGNED_DATA = '1.2.840.113549.1.7.2';
export const ENVELOPED_DATA = '1.2.840.113549.1.7.3';
export const DIGESTED_DATA = '1.2.840.113549.1.7.5';
/** RFC 5083 section 2. */
export const AUTH_ENVELOPED_DATA = '1.2.840.113549.1.9.16.1.23';

/** Octets of a whole message, unless the caller says otherwise. */
export const MAX_MESSAGE_BYTES = 1 << 20;

/** A message of one content type, seen as its content; any other content type is refused. */
export function contentInfo<T>(contentType: string, type: DerType<T>): DerType<T> {
  return mapped(sequence({ contentType: onlyThe(contentType), content: explicit(0, type) }), {
    decode: ({ content }) => content,
    encode: (content) => ({ contentType, content }),
  });
}

function onlyThe(contentType: string): DerType<string> {
  return mapped(objectIdentifier(), { decode: (found) => requireType(found, contentType), encode: (name) => name });
}

function requireType(found: string, expected: string): string {
  if (found !== expected) throw new CmsError('CMS_CONTENT_TYPE', `expected content type ${expected}, found ${found}`);
  return found;
}

const openContentInfo = sequence({ contentType: objectIdentifier(), content: explicit(0, any()) });

/** Which kind of message it is, before it is read as one. @throws DerError */
export function contentTypeOf(message: Uint8Array, maxBytes: number = MAX_MESSAGE_BYTES): string {
  return decodeDer(openContentInfo, message, { maxBytes }).contentType;
}
