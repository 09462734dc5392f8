/**
 * AuthEnvelopedData (RFC 5083) with AES-256-GCM (RFC 5084): encrypted for several recipients and authenticated, together with
 * attributes sent in clear (authAttrs), which are GCM's associated data.
 */
import {
  captured,
  decodeDer,
  encodeDer,
  type Infer,
  implicit,
  objectIdentifier,
  octetString,
  optional,
  type Part,
  partOf,
  sequence,
  smallInteger,
  withDefault,
} from '../../codec/der.ts';
import { decryptGcmApart, encryptGcmApart, NONCE_LENGTH, TAG_LENGTH } from '../../crypto/sealing.ts';
import { AES256_GCM, algorithmType } from '../algorithm.ts';
import {
  type Attribute,
  type Attributes,
  attributesType,
  contentTypeAttribute,
  encodeAttributes,
  indexAttributes,
  lendAsSet,
  requireContentType,
} from './attribute.ts';
import { CmsError, guarded } from './cms-error.ts';
import { AUTH_ENVELOPED_DATA, contentInfo, DATA, MAX_MESSAGE_BYTES } from './content-info.ts';
import { CONTENT_KEY_LENGTH, giveContentKey, takeContentKey } from './content-key.ts';
import type { DataToEnvelop, EnvelopeChecks } from './enveloped-data.ts';
import { recipientInfosType } from './recipient-info.ts';

const gcmParametersType = sequence({
  nonce: octetString({ min: NONCE_LENGTH, max: NONCE_LENGTH, borrowed: true }),
  tagLength: withDefault(smallInteger(), 12),
});

const sentAttributesType = implicit(1, attributesType);

/** Decoded bytes are views of the message. */
const authEnvelopedDataType = contentInfo(
  AUTH_ENVELOPED_DATA,
  sequence({
    version: smallInteger({ min: 0, max: 0 }),
    recipients: recipientInfosType,
    encrypted: sequence({
      contentType: objectIdentifier(),
      algorithm: algorithmType,
      content: implicit(0, octetString({ borrowed: true })),
    }),
    attributes: optional(captured(sentAttributesType, { borrowed: true })),
    tag: octetString({ min: TAG_LENGTH, max: TAG_LENGTH, borrowed: true }),
  }),
);

export interface DataToEncrypt extends DataToEnvelop {
  /** Sent in clear and authenticated with the content, beside the content-type attribute that is set here. */
  readonly authenticatedAttributes?: readonly Attribute[];
}

const NOTHING = new Uint8Array();

/** The DER of the whole message, ContentInfo included. @throws CmsError, DerError for unfit certificates or attributes. */
export function encryptFor(data: DataToEncrypt): Uint8Array {
  return encodeDer(authEnvelopedDataType, encryptedData(data));
}

/** As `encryptFor`, to be encoded inside another structure. */
export function encryptPartFor(data: DataToEncrypt): Part {
  return partOf(authEnvelopedDataType, encryptedData(data));
}

function encryptedData(data: DataToEncrypt): Infer<typeof authEnvelopedDataType> {
  const { contentType, content, recipients, random, holderOf, authenticatedAttributes = [] } = data;
  const key = random(CONTENT_KEY_LENGTH);
  const nonce = random(NONCE_LENGTH);
  const encrypt = (associatedData: Uint8Array) => encryptGcmApart({ key, nonce, plaintext: content, associatedData });
  const { sent, result } = withAttributes(contentType, authenticatedAttributes, encrypt);
  return {
    version: 0,
    recipients: recipients.map((certificate) => giveContentKey({ contentKey: key, certificate, random, holderOf })),
    encrypted: {
      contentType,
      algorithm: {
        algorithm: AES256_GCM,
        parameters: encodeDer(gcmParametersType, { nonce, tagLength: TAG_LENGTH }),
      },
      content: result.ciphertext,
    },
    ...(sent === undefined ? {} : { attributes: sent }),
    tag: result.tag,
  };
}

/** They must be there for every content but plain data, and then name the content type (RFC 5083 section 2.1). */
function withAttributes<R>(contentType: string, extra: readonly Attribute[], use: (associatedData: Uint8Array) => R) {
  if (contentType === DATA && extra.length === 0) return { sent: undefined, result: use(NOTHING) };
  return encodeAttributes([contentTypeAttribute(contentType), ...extra], { sentTag: sentAttributesType.tag, use });
}

export interface DecryptedData {
  readonly content: Uint8Array;
  /** Authenticated with the content; content-type included unless the content is plain data without attributes. */
  readonly authenticatedAttributes: Attributes;
}

/** @throws DerError when it is not AuthEnvelopedData; CryptographicError, always the same, when it cannot be opened. */
export function decryptWith(message: Uint8Array, checks: EnvelopeChecks): DecryptedData {
  const { contentType, recipients, maxBytes = MAX_MESSAGE_BYTES } = checks;
  const { recipients: infos, encrypted, attributes, tag } = decodeDer(authEnvelopedDataType, message, { maxBytes });
  return guarded(() => {
    if (encrypted.contentType !== contentType) {
      throw new CmsError('CMS_CONTENT_TYPE', `expected content type ${contentType}, found ${encrypted.contentType}`);
    }

    const authenticatedAttributes = indexAttributes(attributes?.value ?? []);
    if (attributes !== undefined || contentType !== DATA) requireContentType(authenticatedAttributes, contentType);

    const { algorithm, parameters } = encrypted.algorithm;
    if (algorithm !== AES256_GCM || parameters === undefined) {
      throw new CmsError('CMS_ALGORITHM', 'the content encryption is not AES-256-GCM');
    }
    const { nonce, tagLength } = decodeDer(gcmParametersType, parameters);
    if (tagLength !== TAG_LENGTH) throw new CmsError('CMS_ALGORITHM', 'the tag is not 128 bits long');

    const key = takeContentKey(infos, recipients, checks.holderOf);
    const decrypt = (associatedData: Uint8Array) =>
      decryptGcmApart({ key, nonce, ciphertext: encrypted.content, tag, associatedData });
    const content = attributes === undefined ? decrypt(NOTHING) : lendAsSet(attributes.der, decrypt);
    return { content, authenticatedAttributes };
  });
}
