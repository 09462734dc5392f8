/** Makes SignedData (RFC 5652 section 5): one or several signers over one content, each with signed attributes. */
import type { KeyObject } from 'node:crypto';
import { encodeDer, octetString, type Part, partOf, time } from '../../codec/der.ts';
import { sha256 } from '../../crypto/digest.ts';
import { sha256Algorithm } from '../algorithm.ts';
import { type Attribute, contentTypeAttribute, encodeAttributes, MESSAGE_DIGEST, SIGNING_TIME } from './attribute.ts';
import { type HolderOf, holderOf } from './holder.ts';
import { type SuiteSignature, signWith } from './signature-suite.ts';
import {
  type SignedData,
  type SignerInfo,
  sentAttributesType,
  signedDataType,
  signedDataVersion,
} from './signed-data-type.ts';

export interface Signer {
  /** A certificate's DER, or the identifier of a key that has no certificate yet. */
  readonly identity: { readonly certificate: Uint8Array } | { readonly keyIdentifier: Uint8Array };
  readonly privateKey: KeyObject;
  /** Beside content-type, message-digest and signing-time, which are set here. */
  readonly signedAttributes?: readonly Attribute[];
  readonly signingTime?: Date;
  /** For receivers that take another suite than ours; default `signWith`. */
  readonly suite?: (privateKey: KeyObject, data: Uint8Array) => SuiteSignature;
}

export interface DataToSign {
  /** Object identifier of what the content is. */
  readonly contentType: string;
  readonly content: Uint8Array;
  readonly signers: readonly Signer[];
  /** Carried along unsigned, for the verifier's path: DER each. A signer's own certificate is not added by itself. */
  readonly certificates?: readonly Uint8Array[];
  readonly revocationLists?: readonly Uint8Array[];
  /** Leaves the content out: the verifier has it already. */
  readonly detached?: boolean;
  /** Of the signers. */
  readonly holderOf?: HolderOf;
}

const digestType = octetString();
const timeType = time();

/**
 * The DER of the whole message, ContentInfo included.
 * @throws CmsError for an unfit key or repeated attributes, DerError for a malformed certificate or too many of anything.
 */
export function signData(data: DataToSign): Uint8Array {
  return encodeDer(signedDataType, signedData(data));
}

/** As `signData`, to be encoded inside another structure. */
export function signDataPart(data: DataToSign): Part {
  return partOf(signedDataType, signedData(data));
}

function signedData(data: DataToSign): SignedData {
  const { contentType, content, signers, certificates = [], revocationLists = [], detached = false } = data;
  const digest = sha256(content);
  const infos = signers.map((signer) =>
    signerInfo(signer, { contentType, digest, holderOf: data.holderOf ?? holderOf }),
  );
  return {
    version: signedDataVersion(contentType, infos),
    digestAlgorithms: [sha256Algorithm],
    encapsulated: { contentType, ...(detached ? {} : { content }) },
    ...(certificates.length > 0 ? { certificates } : {}),
    ...(revocationLists.length > 0 ? { revocationLists } : {}),
    signers: infos,
  };
}

interface Signed {
  readonly contentType: string;
  readonly digest: Uint8Array;
  readonly holderOf: HolderOf;
}

function signerInfo(signer: Signer, { contentType, digest, holderOf }: Signed): SignerInfo {
  const { identity, privateKey, signedAttributes = [], signingTime, suite = signWith } = signer;
  const attributes: readonly Attribute[] = [
    contentTypeAttribute(contentType),
    { type: MESSAGE_DIGEST, value: encodeDer(digestType, digest) },
    ...(signingTime === undefined ? [] : [{ type: SIGNING_TIME, value: encodeDer(timeType, signingTime) }]),
    ...signedAttributes,
  ];
  const { sent, result } = encodeAttributes(attributes, {
    sentTag: sentAttributesType.tag,
    use: (set) => suite(privateKey, set),
  });
  return {
    version: 'certificate' in identity ? 1 : 3,
    signer:
      'certificate' in identity
        ? { type: 'certificate', value: holderOf(identity.certificate) }
        : { type: 'key', value: identity.keyIdentifier },
    digestAlgorithm: sha256Algorithm,
    signedAttributes: sent,
    signatureAlgorithm: result.algorithm,
    signature: result.signature,
  };
}
