/** SignedData as it is written (RFC 5652 section 5.1), in the part that SET uses: X.509 certificates, signed attributes, no unsigned ones. */
import {
  any,
  captured,
  choice,
  explicit,
  type Infer,
  implicit,
  objectIdentifier,
  octetString,
  optional,
  sequence,
  setOf,
  smallInteger,
  unopened,
} from '../../codec/der.ts';
import { algorithmType } from '../algorithm.ts';
import { attributesType } from './attribute.ts';
import { contentInfo, DATA, SIGNED_DATA } from './content-info.ts';
import { issuerAndSerialType } from './holder.ts';

const MAX_SIGNERS = 8;
const MAX_CERTIFICATES = 32;
const MAX_REVOCATION_LISTS = 16;

export const sentAttributesType = implicit(0, attributesType);

const signerInfoType = sequence({
  version: smallInteger({ min: 1, max: 3 }),
  signer: choice({
    certificate: issuerAndSerialType,
    key: implicit(0, octetString({ min: 1, max: 64, borrowed: true })),
  }),
  digestAlgorithm: algorithmType,
  signedAttributes: captured(sentAttributesType, { borrowed: true }),
  signatureAlgorithm: algorithmType,
  signature: octetString({ max: 1024, borrowed: true }),
});
export type SignerInfo = Infer<typeof signerInfoType>;

/** Decoded bytes are views of the message. */
export const signedDataType = contentInfo(
  SIGNED_DATA,
  sequence({
    version: smallInteger({ min: 1, max: 3 }),
    digestAlgorithms: setOf(algorithmType, { max: MAX_SIGNERS }),
    encapsulated: sequence({
      contentType: objectIdentifier(),
      content: optional(explicit(0, octetString({ borrowed: true }))),
    }),
    certificates: optional(implicit(0, setOf(unopened(), { max: MAX_CERTIFICATES }))),
    revocationLists: optional(implicit(1, setOf(any({ borrowed: true }), { max: MAX_REVOCATION_LISTS }))),
    signers: setOf(signerInfoType, { min: 1, max: MAX_SIGNERS }),
  }),
);
export type SignedData = Infer<typeof signedDataType>;

/** RFC 5652 section 5.1: 1 when everything is as PKCS #7 had it, otherwise 3. */
export function signedDataVersion(contentType: string, signers: readonly SignerInfo[]): 1 | 3 {
  return contentType === DATA && signers.every(({ version }) => version === 1) ? 1 : 3;
}
