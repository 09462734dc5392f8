/** Gives the content key to the recipients and takes it back: RSAES-OAEP (RFC 4055 section 4) or ECDH (RFC 5753), as each certificate's key is. */
import type { KeyObject } from 'node:crypto';
import { decodeDer } from '../../codec/der.ts';
import type { Random } from '../../crypto/random.ts';
import { decryptOaep, encryptOaep, isRsa } from '../../crypto/rsa.ts';
import { isP256 } from '../../crypto/signature.ts';
import { algorithmType, ECDH_SHA256KDF, isOaep, oaepAlgorithm } from '../algorithm.ts';
import { CmsError } from './cms-error.ts';
import { type HolderOf, holderOf, isHolder } from './holder.ts';
import { agreeOnKey, recoverAgreedKey } from './key-agreement.ts';
import type { RecipientInfo } from './recipient-info.ts';

/** Length of every content key: AES-256. */
export const CONTENT_KEY_LENGTH = 32;

/** Who can open a message: the certificate it was encrypted for, and its key. */
export interface Recipient {
  readonly certificate: Uint8Array;
  readonly privateKey: KeyObject;
}

export interface ContentKeyToGive {
  readonly contentKey: Uint8Array;
  /** The recipient's, DER. */
  readonly certificate: Uint8Array;
  readonly random: Random;
  readonly holderOf: HolderOf | undefined;
}

/** @throws CmsError `CMS_KEY` for a key of another kind, DerError for a malformed certificate. */
export function giveContentKey(giving: ContentKeyToGive): RecipientInfo {
  const { contentKey, certificate, random } = giving;
  const recipient = (giving.holderOf ?? holderOf)(certificate);
  const { publicKey } = recipient;
  if (isP256(publicKey)) {
    return { type: 'keyAgreement', value: agreeOnKey({ recipient, publicKey, contentKey, random }) };
  }
  if (!isRsa(publicKey)) {
    throw new CmsError('CMS_KEY', 'the recipient’s key is neither P-256 nor RSA of 2048 to 4096 bits');
  }
  const encryptedKey = encryptOaep(publicKey, contentKey);
  const value = {
    version: 0,
    recipient: { type: 'certificate', value: recipient },
    algorithm: oaepAlgorithm,
    encryptedKey,
  } as const;
  return { type: 'keyTransport', value };
}

/** @throws CmsError, CryptographicError or Node's errors, all to be made the same by the caller. */
export function takeContentKey(
  infos: readonly RecipientInfo[],
  recipients: readonly Recipient[],
  readHolder: HolderOf = holderOf,
): Uint8Array {
  for (const { certificate, privateKey } of recipients) {
    const held = readHolder(certificate);
    for (const info of infos) {
      const key = takeFrom(info, privateKey, (named) => named.type === 'certificate' && isHolder(held, named.value));
      if (key === undefined) continue;
      if (key.length !== CONTENT_KEY_LENGTH) throw new CmsError('CMS_KEY', 'the content key is not 256 bits long');
      return key;
    }
  }
  throw new CmsError('CMS_RECIPIENT', 'the message is not encrypted for any of the recipients');
}

type Named = Extract<RecipientInfo, { type: 'keyTransport' }>['value']['recipient'];
type NamedInAgreement = Extract<RecipientInfo, { type: 'keyAgreement' }>['value']['encryptedKeys'][number]['recipient'];

function takeFrom(
  info: RecipientInfo,
  privateKey: KeyObject,
  isMine: (named: Named | NamedInAgreement) => boolean,
): Uint8Array | undefined {
  if (info.type === 'keyTransport') {
    const { recipient, algorithm, encryptedKey } = info.value;
    if (!isMine(recipient)) return undefined;
    if (!isOaep(algorithm)) throw new CmsError('CMS_ALGORITHM', 'the key transport is not RSAES-OAEP with SHA-256');
    return decryptOaep(privateKey, encryptedKey);
  }
  const { algorithm, encryptedKeys } = info.value;
  const mine = encryptedKeys.find(({ recipient }) => isMine(recipient));
  if (mine === undefined) return undefined;
  if (algorithm.algorithm !== ECDH_SHA256KDF || algorithm.parameters === undefined) {
    throw new CmsError('CMS_ALGORITHM', 'the key agreement is not ECDH with the SHA-256 derivation');
  }
  const wrap = decodeDer(algorithmType, algorithm.parameters);
  return recoverAgreedKey(info.value, mine.encryptedKey, { privateKey, wrap });
}
