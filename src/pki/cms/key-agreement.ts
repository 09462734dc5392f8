/**
 * A content key for the holder of a P-256 key, by an ephemeral key of the sender (RFC 5753 section 3.1): ECDH, the X9.63 derivation
 * with SHA-256 over ECC-CMS-SharedInfo (section 7.2), AES-256 key wrap (RFC 3394).
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { encodeDer, explicit, objectIdentifier, octetString, optional, sequence } from '../../codec/der.ts';
import { concatBytes, equalBytes, fromHex } from '../../codec/hex.ts';
import { agreeP256, exportPoint, importPoint } from '../../crypto/agreement.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { Random } from '../../crypto/random.ts';
import { generateP256 } from '../../crypto/signature.ts';
import {
  AES256_WRAP,
  type Algorithm,
  aesWrapAlgorithm,
  algorithmType,
  EC_PUBLIC_KEY,
  ECDH_SHA256KDF,
  isPlain,
  P256,
} from '../algorithm.ts';
import { CmsError } from './cms-error.ts';
import type { IssuerAndSerial } from './holder.ts';
import type { KeyAgreement } from './recipient-info.ts';

const KEYING_MATERIAL_LENGTH = 32;
const KEY_BITS = fromHex('00000100');
const FIRST_BLOCK = fromHex('00000001');
const WRAP_IV = fromHex('a6a6a6a6a6a6a6a6');

const sharedInfoType = sequence({
  keyInfo: algorithmType,
  entityUInfo: optional(explicit(0, octetString())),
  suppPubInfo: explicit(2, octetString()),
});

const namedCurve = encodeDer(objectIdentifier(), P256);

export interface KeyToAgree {
  readonly recipient: IssuerAndSerial;
  readonly publicKey: KeyObject;
  readonly contentKey: Uint8Array;
  readonly random: Random;
}

/** Sends user keying material, which may be left out, because pkijs derives another key without it. */
export function agreeOnKey({ recipient, publicKey, contentKey, random }: KeyToAgree): KeyAgreement {
  const userKeyingMaterial = random(KEYING_MATERIAL_LENGTH);
  const ephemeral = generateP256();
  const secret = agreeP256(ephemeral.privateKey, publicKey);
  const wrapping = createCipheriv('id-aes256-wrap', wrappingKey(secret, aesWrapAlgorithm, userKeyingMaterial), WRAP_IV);
  return {
    version: 3,
    originator: {
      type: 'ephemeral',
      value: {
        algorithm: { algorithm: EC_PUBLIC_KEY },
        publicKey: { unused: 0, bytes: exportPoint(ephemeral.publicKey) },
      },
    },
    userKeyingMaterial,
    algorithm: { algorithm: ECDH_SHA256KDF, parameters: encodeDer(algorithmType, aesWrapAlgorithm) },
    encryptedKeys: [
      {
        recipient: { type: 'certificate', value: recipient },
        encryptedKey: concatBytes(wrapping.update(contentKey), wrapping.final()),
      },
    ],
  };
}

/** @throws CmsError, CryptographicError or Node's errors, all to be made the same by the caller. */
export function recoverAgreedKey(
  info: KeyAgreement,
  encryptedKey: Uint8Array,
  { privateKey, wrap }: { readonly privateKey: KeyObject; readonly wrap: Algorithm },
): Uint8Array {
  const { originator, userKeyingMaterial } = info;
  if (originator.type !== 'ephemeral' || !isP256Key(originator.value.algorithm) || !isPlain(wrap, AES256_WRAP)) {
    throw new CmsError('CMS_ALGORITHM', 'the key agreement is not ephemeral P-256 with AES-256 key wrap');
  }
  const secret = agreeP256(privateKey, importPoint(originator.value.publicKey.bytes));
  const unwrapping = createDecipheriv('id-aes256-wrap', wrappingKey(secret, wrap, userKeyingMaterial), WRAP_IV);
  return concatBytes(unwrapping.update(encryptedKey), unwrapping.final());
}

/** The curve is the recipient's own, so it may be left out (RFC 5753 section 3.1.1). */
function isP256Key(algorithm: Algorithm): boolean {
  if (isPlain(algorithm, EC_PUBLIC_KEY)) return true;
  return algorithm.algorithm === EC_PUBLIC_KEY && equalBytes(algorithm.parameters!, namedCurve);
}

/** One block of the derivation is the 32 bytes that are needed. */
function wrappingKey(secret: Uint8Array, wrap: Algorithm, userKeyingMaterial: Uint8Array | undefined): KeyObject {
  const sharedInfo = encodeDer(sharedInfoType, {
    keyInfo: wrap,
    ...(userKeyingMaterial === undefined ? {} : { entityUInfo: userKeyingMaterial }),
    suppPubInfo: KEY_BITS,
  });
  return createSecretKey(sha256(secret, FIRST_BLOCK, sharedInfo));
}
