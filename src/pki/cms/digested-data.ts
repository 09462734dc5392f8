/**
 * DigestedData (RFC 5652 section 7): a content, or nothing, and its SHA-256.
 * The digest covers the content's bytes alone, not its type: who needs the type bound must put it into the content.
 */
import {
  decodeDer,
  encodeDer,
  explicit,
  objectIdentifier,
  octetString,
  optional,
  sequence,
  smallInteger,
} from '../../codec/der.ts';
import { equalBytes } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { algorithmType, isPlain, SHA256, sha256Algorithm } from '../algorithm.ts';
import { CmsError, guarded } from './cms-error.ts';
import { contentInfo, DATA, DIGESTED_DATA, MAX_MESSAGE_BYTES } from './content-info.ts';

const digestedDataType = contentInfo(
  DIGESTED_DATA,
  sequence({
    version: smallInteger({ min: 0, max: 2 }),
    digestAlgorithm: algorithmType,
    encapsulated: sequence({ contentType: objectIdentifier(), content: optional(explicit(0, octetString())) }),
    digest: octetString({ min: 32, max: 32 }),
  }),
);

export interface DataToDigest {
  readonly contentType: string;
  readonly content: Uint8Array;
  readonly detached?: boolean;
}

/** The DER of the whole message, ContentInfo included. */
export function digestData({ contentType, content, detached = false }: DataToDigest): Uint8Array {
  return encodeDer(digestedDataType, {
    version: versionFor(contentType),
    digestAlgorithm: sha256Algorithm,
    encapsulated: { contentType, ...(detached ? {} : { content }) },
    digest: sha256(content),
  });
}

export interface DigestedDataChecks {
  readonly contentType: string;
  /** For a detached message; a message that carries its own content is then refused. */
  readonly detachedContent?: Uint8Array;
  readonly maxBytes?: number;
}

/** Gives the content. @throws DerError when it is not DigestedData; CryptographicError when type or digest differ. */
export function verifyDigestedData(message: Uint8Array, checks: DigestedDataChecks): Uint8Array {
  const { contentType, detachedContent, maxBytes = MAX_MESSAGE_BYTES } = checks;
  const { version, digestAlgorithm, encapsulated, digest } = decodeDer(digestedDataType, message, { maxBytes });
  return guarded(() => {
    if (encapsulated.contentType !== contentType || version !== versionFor(contentType)) {
      throw new CmsError('CMS_CONTENT_TYPE', `expected content type ${contentType}, found ${encapsulated.contentType}`);
    }
    if (!isPlain(digestAlgorithm, SHA256)) throw new CmsError('CMS_ALGORITHM', 'the digest is not SHA-256');
    const content = encapsulated.content ?? detachedContent;
    if (content === undefined || (encapsulated.content !== undefined && detachedContent !== undefined)) {
      throw new CmsError('CMS_DETACHED', 'the content must be in the message or given apart, and not both');
    }
    if (!equalBytes(sha256(content), digest)) throw new CmsError('CMS_DIGEST', 'the digest differs from the content');
    return content;
  });
}

function versionFor(contentType: string): number {
  return contentType === DATA ? 0 : 2;
}
