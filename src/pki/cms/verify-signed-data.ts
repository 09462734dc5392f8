/** Checks SignedData (RFC 5652 sections 5.4 to 5.6). It says whose keys signed what; whether to trust them is for the path. */
import type { KeyObject } from 'node:crypto';
import { decodeDer, octetString, time } from '../../codec/der.ts';
import { equalBytes } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { isPlain, SHA256 } from '../algorithm.ts';
import {
  type Attributes,
  indexAttributes,
  lendAsSet,
  MESSAGE_DIGEST,
  requireContentType,
  SIGNING_TIME,
} from './attribute.ts';
import { CmsError, guarded } from './cms-error.ts';
import { MAX_MESSAGE_BYTES } from './content-info.ts';
import { type HolderOf, holderOf, isHolder } from './holder.ts';
import { verifyWith } from './signature-suite.ts';
import { type SignedData, type SignerInfo, signedDataType, signedDataVersion } from './signed-data-type.ts';

export interface SignedDataChecks {
  /** The content type it must have. */
  readonly contentType: string;
  /** The content, for a detached message; a message that carries its own is then refused. */
  readonly detachedContent?: Uint8Array;
  /** Certificates known beforehand, where signers are looked for beside those in the message. DER each. */
  readonly certificates?: readonly Uint8Array[];
  /** Finds the key of a signer who has no certificate yet. */
  readonly keyFor?: (keyIdentifier: Uint8Array) => KeyObject | undefined;
  readonly holderOf?: HolderOf;
  readonly maxBytes?: number;
}

export interface VerifiedSigner {
  /** The DER of the signer's certificate, not yet trusted; absent for a bare key. */
  readonly certificate?: Uint8Array;
  /** For a bare key. */
  readonly keyIdentifier?: Uint8Array;
  readonly publicKey: KeyObject;
  /** All of them, content-type and message-digest included. */
  readonly signedAttributes: Attributes;
  /** What the signer claims. */
  readonly signingTime?: Date;
}

/** Views of the message: whatever is to outlive it must be copied. */
export interface VerifiedData {
  readonly content: Uint8Array;
  /** In the order of the message; every one of them has signed. */
  readonly signers: readonly VerifiedSigner[];
  /** Carried along, unsigned. DER each. */
  readonly certificates: readonly Uint8Array[];
  readonly revocationLists: readonly Uint8Array[];
}

const digestType = octetString({ borrowed: true });
const timeType = time();

/** @throws DerError when it is not SignedData; CryptographicError when any signer's signature or attributes are wrong. */
export function verifySignedData(message: Uint8Array, checks: SignedDataChecks): VerifiedData {
  const signed = decodeDer(signedDataType, message, { maxBytes: checks.maxBytes ?? MAX_MESSAGE_BYTES });
  return guarded(() => {
    requireFrame(signed);
    const content = contentOf(signed, checks);
    const known = [...(signed.certificates ?? []), ...(checks.certificates ?? [])];
    const digest = sha256(content);
    const signers = signed.signers.map((info) => verifySigner(info, { checks, known, digest }));
    return {
      content,
      signers,
      certificates: signed.certificates ?? [],
      revocationLists: signed.revocationLists ?? [],
    };
  });
}

/** What nobody signs has one right form too. */
function requireFrame({ version, digestAlgorithms, encapsulated, signers }: SignedData): void {
  if (version !== signedDataVersion(encapsulated.contentType, signers)) {
    throw new CmsError('CMS_VERSION', 'the version does not belong to the content type and the signers');
  }
  if (digestAlgorithms.length !== 1 || !isPlain(digestAlgorithms[0]!, SHA256)) {
    throw new CmsError('CMS_ALGORITHM', 'the digest algorithms are not SHA-256 alone');
  }
}

function contentOf({ encapsulated }: SignedData, { contentType, detachedContent }: SignedDataChecks): Uint8Array {
  if (encapsulated.contentType !== contentType) {
    throw new CmsError('CMS_CONTENT_TYPE', `expected content type ${contentType}, found ${encapsulated.contentType}`);
  }
  if ((encapsulated.content === undefined) !== (detachedContent !== undefined)) {
    throw new CmsError('CMS_DETACHED', 'the content is in the message and was expected apart, or the other way round');
  }
  return encapsulated.content ?? detachedContent!;
}

interface Circumstances {
  readonly checks: SignedDataChecks;
  readonly known: readonly Uint8Array[];
  readonly digest: Uint8Array;
}

function verifySigner(info: SignerInfo, { checks, known, digest }: Circumstances): VerifiedSigner {
  if (!isPlain(info.digestAlgorithm, SHA256)) throw new CmsError('CMS_ALGORITHM', 'the digest is not SHA-256');

  const attributes = indexAttributes(info.signedAttributes.value);
  requireContentType(attributes, checks.contentType);
  const claimed = attributes.get(MESSAGE_DIGEST);
  if (claimed === undefined || !equalBytes(decodeDer(digestType, claimed), digest)) {
    throw new CmsError('CMS_DIGEST', 'the message-digest attribute is missing or differs from the content');
  }

  const who = identify(info, checks, known);
  const signature = { algorithm: info.signatureAlgorithm, signature: info.signature };
  if (!lendAsSet(info.signedAttributes.der, (set) => verifyWith(who.publicKey, set, signature))) {
    throw new CmsError('CMS_SIGNATURE', 'the signature is not by the key of the signer over the signed attributes');
  }

  const signingTime = attributes.get(SIGNING_TIME);
  return {
    ...who,
    signedAttributes: attributes,
    ...(signingTime === undefined ? {} : { signingTime: decodeDer(timeType, signingTime) }),
  };
}

type Identified = Pick<VerifiedSigner, 'certificate' | 'keyIdentifier' | 'publicKey'>;

function identify(
  { version, signer }: SignerInfo,
  checks: SignedDataChecks,
  known: Circumstances['known'],
): Identified {
  if (version !== (signer.type === 'certificate' ? 1 : 3)) {
    throw new CmsError('CMS_VERSION', 'the version does not belong to the way the signer is named');
  }
  if (signer.type === 'key') {
    const publicKey = checks.keyFor?.(signer.value);
    if (publicKey === undefined) throw new CmsError('CMS_SIGNER', 'the key of a signer is not known');
    return { keyIdentifier: signer.value, publicKey };
  }
  for (const certificate of known) {
    const holder = (checks.holderOf ?? holderOf)(certificate);
    if (isHolder(holder, signer.value)) return { certificate, publicKey: holder.publicKey };
  }
  throw new CmsError('CMS_SIGNER', 'the certificate of a signer is not known');
}
