/** AlgorithmIdentifier (RFC 5280 section 4.1.1.2) and the algorithms of the suite: names, parameters and when two ways of writing one are the same. */
import {
  any,
  decodeDer,
  encodeDer,
  explicit,
  type Infer,
  nullValue,
  objectIdentifier,
  octetString,
  optional,
  sequence,
  smallInteger,
  withDefault,
} from '../codec/der.ts';
import { equalBytes } from '../codec/hex.ts';

export const algorithmType = sequence({ algorithm: objectIdentifier(), parameters: optional(any()) });
export type Algorithm = Infer<typeof algorithmType>;

export const SHA256 = '2.16.840.1.101.3.4.2.1';
export const ECDSA_SHA256 = '1.2.840.10045.4.3.2';
export const RSA_PSS = '1.2.840.113549.1.1.10';
export const RSA_OAEP = '1.2.840.113549.1.1.7';
export const AES256_CBC = '2.16.840.1.101.3.4.1.42';
export const AES256_WRAP = '2.16.840.1.101.3.4.1.45';
export const AES256_GCM = '2.16.840.1.101.3.4.1.46';
/** dhSinglePass-stdDH-sha256kdf-scheme (RFC 5753 section 7.1.4). */
export const ECDH_SHA256KDF = '1.3.132.1.11.1';
export const EC_PUBLIC_KEY = '1.2.840.10045.2.1';
export const P256 = '1.2.840.10045.3.1.7';
const MGF1 = '1.2.840.113549.1.1.8';
const P_SPECIFIED = '1.2.840.113549.1.1.9';
const PSS_SALT_LENGTH = 32;

const NULL = encodeDer(nullValue(), null);

/** SHA-1, which RFC 4055 makes the default of its parameters, written out so that it is recognised and never produced. */
const sha1: Algorithm = { algorithm: '1.3.14.3.2.26', parameters: NULL };
const mgf1Sha1: Algorithm = { algorithm: MGF1, parameters: encodeDer(algorithmType, sha1) };
const emptyLabel: Algorithm = { algorithm: P_SPECIFIED, parameters: encodeDer(octetString(), new Uint8Array()) };

const pssParametersType = sequence({
  hash: withDefault(explicit(0, algorithmType), sha1),
  mask: withDefault(explicit(1, algorithmType), mgf1Sha1),
  saltLength: withDefault(explicit(2, smallInteger()), 20),
  trailer: withDefault(explicit(3, smallInteger()), 1),
});
const oaepParametersType = sequence({
  hash: withDefault(explicit(0, algorithmType), sha1),
  mask: withDefault(explicit(1, algorithmType), mgf1Sha1),
  label: withDefault(explicit(2, algorithmType), emptyLabel),
});

export const sha256Algorithm: Algorithm = { algorithm: SHA256 };
export const ecdsaAlgorithm: Algorithm = { algorithm: ECDSA_SHA256 };
export const aesWrapAlgorithm: Algorithm = { algorithm: AES256_WRAP };

const hash = sha256Algorithm;
const mask: Algorithm = { algorithm: MGF1, parameters: encodeDer(algorithmType, hash) };

/** RSASSA-PSS with SHA-256 throughout and a salt of 32 bytes (RFC 4055 section 3.1). */
export const pssAlgorithm: Algorithm = {
  algorithm: RSA_PSS,
  parameters: encodeDer(pssParametersType, { hash, mask, saltLength: PSS_SALT_LENGTH, trailer: 1 }),
};

/** RSAES-OAEP with SHA-256 throughout and an empty label (RFC 4055 section 4.1). */
export const oaepAlgorithm: Algorithm = {
  algorithm: RSA_OAEP,
  parameters: encodeDer(oaepParametersType, { hash, mask, label: emptyLabel }),
};

/** Absent and NULL parameters mean the same for hashes and key wrap (RFC 4055 section 2.1, RFC 5754 section 2). */
export function isPlain(algorithm: Algorithm, name: string): boolean {
  const { parameters } = algorithm;
  return algorithm.algorithm === name && (parameters === undefined || equalBytes(parameters, NULL));
}

export function isEcdsa(algorithm: Algorithm): boolean {
  return algorithm.algorithm === ECDSA_SHA256 && algorithm.parameters === undefined;
}

/** @throws DerError when the parameters are malformed. */
export function isPss({ algorithm, parameters }: Algorithm): boolean {
  if (algorithm !== RSA_PSS || parameters === undefined) return false;
  const found = decodeDer(pssParametersType, parameters);
  return (
    isPlain(found.hash, SHA256) && isMask(found.mask) && found.saltLength === PSS_SALT_LENGTH && found.trailer === 1
  );
}

/** @throws DerError when the parameters are malformed. */
export function isOaep({ algorithm, parameters }: Algorithm): boolean {
  if (algorithm !== RSA_OAEP || parameters === undefined) return false;
  const found = decodeDer(oaepParametersType, parameters);
  const label = found.label.parameters;
  const unlabelled =
    found.label.algorithm === P_SPECIFIED && label !== undefined && equalBytes(label, emptyLabel.parameters!);
  return isPlain(found.hash, SHA256) && isMask(found.mask) && unlabelled;
}

function isMask({ algorithm, parameters }: Algorithm): boolean {
  return algorithm === MGF1 && parameters !== undefined && isPlain(decodeDer(algorithmType, parameters), SHA256);
}
