/**
 * EnvelopedData (RFC 5652 section 6) with AES-256-CBC (RFC 3565).
 * Nothing authenticates it: whoever can change the message can change the content. It is here for peers that know no better;
 * SET of this suite is sent as AuthEnvelopedData.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import {
  decodeDer,
  encodeDer,
  implicit,
  objectIdentifier,
  octetString,
  sequence,
  smallInteger,
} from '../../codec/der.ts';
import { concatBytes } from '../../codec/hex.ts';
import type { Random } from '../../crypto/random.ts';
import { AES256_CBC, algorithmType } from '../algorithm.ts';
import { CmsError, guarded } from './cms-error.ts';
import { contentInfo, ENVELOPED_DATA, MAX_MESSAGE_BYTES } from './content-info.ts';
import { CONTENT_KEY_LENGTH, giveContentKey, type Recipient, takeContentKey } from './content-key.ts';
import type { HolderOf } from './holder.ts';
import { recipientInfosType } from './recipient-info.ts';

const IV_LENGTH = 16;

const envelopedDataType = contentInfo(
  ENVELOPED_DATA,
  sequence({
    version: smallInteger({ min: 0, max: 2 }),
    recipients: recipientInfosType,
    encrypted: sequence({
      contentType: objectIdentifier(),
      algorithm: algorithmType,
      content: implicit(0, octetString()),
    }),
  }),
);

export interface DataToEnvelop {
  readonly contentType: string;
  readonly content: Uint8Array;
  /** Certificates of everyone who may open it, DER each. */
  readonly recipients: readonly Uint8Array[];
  readonly random: Random;
  readonly holderOf?: HolderOf;
}

/** The DER of the whole message, ContentInfo included. @throws CmsError, DerError for unfit certificates. */
export function envelopData({ contentType, content, recipients, random, holderOf }: DataToEnvelop): Uint8Array {
  const key = random(CONTENT_KEY_LENGTH);
  const iv = random(IV_LENGTH);
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const infos = recipients.map((certificate) => giveContentKey({ contentKey: key, certificate, random, holderOf }));
  return encodeDer(envelopedDataType, {
    version: infos.every(({ value }) => value.version === 0) ? 0 : 2,
    recipients: infos,
    encrypted: {
      contentType,
      algorithm: { algorithm: AES256_CBC, parameters: encodeDer(octetString(), iv) },
      content: concatBytes(cipher.update(content), cipher.final()),
    },
  });
}

export interface EnvelopeChecks {
  readonly contentType: string;
  /** The reader's own certificates and keys, the likeliest first. */
  readonly recipients: readonly Recipient[];
  readonly holderOf?: HolderOf;
  readonly maxBytes?: number;
}

/** Gives the content. @throws DerError when it is not EnvelopedData; CryptographicError, always the same, when it cannot be opened. */
export function openEnvelopedData(message: Uint8Array, checks: EnvelopeChecks): Uint8Array {
  const { contentType, recipients, maxBytes = MAX_MESSAGE_BYTES } = checks;
  const { recipients: infos, encrypted } = decodeDer(envelopedDataType, message, { maxBytes });
  return guarded(() => {
    if (encrypted.contentType !== contentType) {
      throw new CmsError('CMS_CONTENT_TYPE', `expected content type ${contentType}, found ${encrypted.contentType}`);
    }
    const { algorithm, parameters } = encrypted.algorithm;
    if (algorithm !== AES256_CBC || parameters === undefined) {
      throw new CmsError('CMS_ALGORITHM', 'the content encryption is not AES-256-CBC');
    }
    const iv = decodeDer(octetString({ min: IV_LENGTH, max: IV_LENGTH }), parameters);
    const decipher = createDecipheriv('aes-256-cbc', takeContentKey(infos, recipients, checks.holderOf), iv);
    return concatBytes(decipher.update(encrypted.content), decipher.final());
  });
}
