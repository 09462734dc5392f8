/**
 * The operators H and DD (notes on SET, "Operators"): SHA-256 over a content and its content type, carried as PKCS#7
 * DigestedData without the content (RFC 5652 section 7).
 * The content type's encoding goes into the digest first, which DigestedData alone does not do: a hash made for one
 * structure can then never stand for another with the same bytes (fix 15).
 */
import {
  any,
  encodeDer,
  mapped,
  objectIdentifier,
  octetString,
  optional,
  sequence,
  smallInteger,
  type TaggedType,
} from '../../codec/der.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { ContentType } from './content-types.ts';
import { SetError } from './set-error.ts';

const SHA256 = '2.16.840.1.101.3.4.2.1';
/** RFC 5652 section 7: 2 for every content type but id-data. */
const VERSION = 2;

const oidEncodings = new Map<string, Uint8Array>();

/** H: 32 bytes over the content's exact DER. */
export function digestContent(type: ContentType, der: Uint8Array): Uint8Array {
  let oid = oidEncodings.get(type);
  if (oid === undefined) {
    oid = encodeDer(objectIdentifier(), type);
    oidEncodings.set(type, oid);
  }
  return sha256(oid, der);
}

const shape = sequence({
  version: smallInteger({ min: VERSION, max: VERSION }),
  algorithm: sequence({ algorithm: objectIdentifier(), parameters: optional(any()) }),
  content: sequence({ type: objectIdentifier() }),
  digest: octetString({ min: 32, max: 32 }),
});

/** DD: a field that holds the digest of one kind of content; its value is the bare digest. */
export function digestedType(type: ContentType): TaggedType<Uint8Array> {
  return mapped(shape, {
    decode({ algorithm, content, digest }) {
      if (algorithm.algorithm !== SHA256 || algorithm.parameters !== undefined || content.type !== type) {
        throw new SetError('decodingFailure', 'a digest is of another algorithm or content');
      }
      return digest;
    },
    encode: (digest) => ({ version: VERSION, algorithm: { algorithm: SHA256 }, content: { type }, digest }),
  });
}
