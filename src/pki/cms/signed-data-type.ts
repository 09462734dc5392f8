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

const signerInfoType = sequence({
  version: smallInteger({ min: 1, max: 3 }),
  signer: choice({
    certificate: issuerAndSerialType,
    key: implicit(0, octetString({ min: 1, max: 64 })),
  }),
  digestAlgorithm: algorithmType,
  signedAttributes: captured(implicit(0, attributesType)),
  signatureAlgorithm: algorithmType,
  signature: octetString({ max: 1024 }),
});
export type SignerInfo = Infer<typeof signerInfoType>;

export const signedDataType = contentInfo(
  SIGNED_DATA,
  sequence({
    version: smallInteger({ min: 1, max: 3 }),
    digestAlgorithms: setOf(algorithmType, { max: MAX_SIGNERS }),
    encapsulated: sequence({ contentType: objectIdentifier(), content: optional(explicit(0, octetString())) }),
    certificates: optional(implicit(0, setOf(unopened(), { max: MAX_CERTIFICATES }))),
    revocationLists: optional(implicit(1, setOf(any(), { max: MAX_REVOCATION_LISTS }))),
    signers: setOf(signerInfoType, { min: 1, max: MAX_SIGNERS }),
  }),
);

/** RFC 5652 section 5.1: 1 when everything is as PKCS #7 had it, otherwise 3. */
export function signedDataVersion(contentType: string, signers: readonly SignerInfo[]): 1 | 3 {
  return contentType === DATA && signers.every(({ version }) => version === 1) ? 1 : 3;
}
