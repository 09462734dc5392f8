/**
 * COSE_Encrypt to one recipient (RFC 9052 section 5.1): content under a random A256GCM key, that key wrapped under
 * ECDH-ES + HKDF-256 + A256KW (RFC 9053 section 6.4.1). This is KPN's "random session key, in turn sent in encrypted
 * form, using the station's public key" (EP 1 006 469, paragraph 0019) with today's algorithms.
 */
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import { decodeCbor, encodeCbor } from '../codec/cbor.ts';
import { CborTag, type CborValue } from '../codec/cbor-value.ts';
import { concatBytes } from '../codec/hex.ts';
import { CryptographicError } from '../handsel-error.ts';
import { agreeP256, deriveKey, exportPoint, importPoint } from './agreement.ts';
import {
  ALGORITHM_A256GCM,
  ALGORITHM_ECDH_ES_A256KW,
  asHeader,
  decodeProtected,
  encodeProtected,
  HEADER_ALGORITHM,
  HEADER_CONTENT_TYPE,
  HEADER_IV,
} from './cose-header.ts';
import type { Random } from './random.ts';
import { decryptGcm, encryptGcm, NONCE_LENGTH, SEALING_KEY_LENGTH } from './sealing.ts';
import { generateP256 } from './signature.ts';

const TAG_ENCRYPT = 96;
const HEADER_EPHEMERAL_KEY = -1;
const ALGORITHM_A256KW = -5;
const COORDINATE_LENGTH = 32;
const EMPTY = new Uint8Array();
/** The default initial value of RFC 3394 section 2.2.3.1. */
const KEY_WRAP_IV = Buffer.alloc(8, 0xa6);

const recipientProtected = encodeProtected(new Map([[HEADER_ALGORITHM, ALGORITHM_ECDH_ES_A256KW]]));

/** COSE_KDF_Context (RFC 9053 section 5.2): what the derived key is for. */
const kdfContext = encodeCbor([ALGORITHM_A256KW, [null, null, null], [null, null, null], [256, recipientProtected]]);

function wrappingKey(privateKey: KeyObject, publicKey: KeyObject): Uint8Array {
  const secret = agreeP256(privateKey, publicKey);
  return deriveKey({ secret, salt: EMPTY, info: kdfContext, length: SEALING_KEY_LENGTH });
}

function associated(protectedHeader: Uint8Array, externalData: Uint8Array): Uint8Array {
  return encodeCbor(['Encrypt', protectedHeader, externalData]);
}

export function encryptCose(options: {
  readonly plaintext: Uint8Array;
  readonly recipient: KeyObject;
  readonly contentType: string;
  readonly externalData?: Uint8Array;
  readonly random: Random;
}): Uint8Array {
  const contentKey = options.random(SEALING_KEY_LENGTH);
  const nonce = options.random(NONCE_LENGTH);
  const header = new Map<CborValue, CborValue>([
    [HEADER_ALGORITHM, ALGORITHM_A256GCM],
    [HEADER_CONTENT_TYPE, options.contentType],
  ]);
  const protectedHeader = encodeProtected(header);
  const associatedData = associated(protectedHeader, options.externalData ?? EMPTY);
  const ciphertext = encryptGcm({ key: contentKey, nonce, plaintext: options.plaintext, associatedData });
  const ephemeral = generateP256();
  const wrap = createCipheriv('id-aes256-wrap', wrappingKey(ephemeral.privateKey, options.recipient), KEY_WRAP_IV);
  const wrapped = concatBytes(wrap.update(contentKey), wrap.final());
  const point = exportPoint(ephemeral.publicKey);
  const ephemeralKey = new Map<CborValue, CborValue>([
    [1, 2], // kty: EC2
    [-1, 1], // crv: P-256
    [-2, point.subarray(1, 1 + COORDINATE_LENGTH)],
    [-3, point.subarray(1 + COORDINATE_LENGTH)],
  ]);
  const recipient = [recipientProtected, new Map([[HEADER_EPHEMERAL_KEY, ephemeralKey]]), wrapped];
  return encodeCbor(
    new CborTag(TAG_ENCRYPT, [protectedHeader, new Map([[HEADER_IV, nonce]]), ciphertext, [recipient]]),
  );
}

function asBytes(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new Error('a part that should be bytes is not');
  return value;
}

function asArray(value: CborValue, length: number): readonly CborValue[] {
  if (!Array.isArray(value) || value.length !== length)
    throw new Error(`a part that should be an array of ${length} is not`);
  return value;
}

function ephemeralOf(recipientHeader: CborValue): KeyObject {
  const key = asHeader(recipientHeader).get(HEADER_EPHEMERAL_KEY);
  if (!(key instanceof Map) || key.get(1) !== 2 || key.get(-1) !== 1) throw new Error('no ephemeral P-256 key');
  return importPoint(concatBytes(new Uint8Array([4]), asBytes(key.get(-2)), asBytes(key.get(-3))));
}

/** @throws CryptographicError, the same for every cause. */
export function decryptCose(options: {
  readonly bytes: Uint8Array;
  readonly privateKey: KeyObject;
  readonly contentType: string;
  readonly externalData?: Uint8Array;
  readonly maxBytes: number;
}): Uint8Array {
  try {
    const message = decodeCbor(options.bytes, { maxBytes: options.maxBytes, maxDepth: 8 });
    if (!(message instanceof CborTag) || message.tag !== TAG_ENCRYPT) throw new Error('not a COSE_Encrypt');
    const [protectedPart, unprotected, ciphertext, recipients] = asArray(message.value, 4);
    const protectedHeader = asBytes(protectedPart);
    const header = decodeProtected(protectedHeader);
    if (header.get(HEADER_ALGORITHM) !== ALGORITHM_A256GCM) throw new Error('an algorithm other than A256GCM');
    if (header.get(HEADER_CONTENT_TYPE) !== options.contentType) throw new Error('another content type');
    const [recipient] = asArray(recipients, 1);
    const [recipientHead, recipientHeader, wrapped] = asArray(recipient, 3);
    if (Buffer.compare(asBytes(recipientHead), recipientProtected) !== 0) throw new Error('another key agreement');
    const unwrap = createDecipheriv(
      'id-aes256-wrap',
      wrappingKey(options.privateKey, ephemeralOf(recipientHeader)),
      KEY_WRAP_IV,
    );
    const contentKey = concatBytes(unwrap.update(asBytes(wrapped)), unwrap.final());
    return decryptGcm({
      key: contentKey,
      nonce: asBytes(asHeader(unprotected).get(HEADER_IV)),
      ciphertext: asBytes(ciphertext),
      associatedData: associated(protectedHeader, options.externalData ?? EMPTY),
    });
  } catch (cause) {
    throw cause instanceof CryptographicError ? cause : new CryptographicError(cause);
  }
}
