/** The operators S and SO (notes on SET, "Operators"): SignedData with the content, or detached from it; one signer, bound to its recipients. */
import type { Part } from '../../codec/der.ts';
import { CryptographicError } from '../../handsel-error.ts';
import type { Certificate } from '../../pki/certificate.ts';
import type { CertificateCache } from '../../pki/certificate-cache.ts';
import { signDataPart } from '../../pki/cms/sign-data.ts';
import { verifySignedData } from '../../pki/cms/verify-signed-data.ts';
import { type Binding, encodeBinding } from './binding.ts';
import { type CertifiedHolder, type CertifiedKey, holderNamedBy } from './certified-key.ts';
import { attributeTypes, type ContentType } from './content-types.ts';
import { asCryptographic } from './set-error.ts';

const MAX_BYTES = 65_536;

export interface ContentToSign {
  readonly type: ContentType;
  readonly content: Uint8Array;
  readonly binding: Binding;
  readonly signer: CertifiedKey;
  /** SO instead of S: the content goes another way. */
  readonly detached?: boolean;
  /** Others whose certificates the receiver will need. */
  readonly enclosed?: readonly CertifiedHolder[];
}

/** Gives the ContentInfo, signed and still to be encoded where it goes. The signer's certificate rides along, outside what is signed. */
export function signContent(request: ContentToSign): Part {
  const { type, content, binding, signer, detached = false, enclosed = [] } = request;
  return signDataPart({
    contentType: type,
    content,
    detached,
    signers: [
      {
        identity: { certificate: signer.certificate.der },
        privateKey: signer.privateKey,
        signedAttributes: [{ type: attributeTypes.binding, value: encodeBinding(binding) }],
      },
    ],
    // Not their issuers: nobody can rely on a brand without its revocation lists, and those come with the authorities who sign them.
    certificates: [signer, ...enclosed].map(({ certificate }) => certificate.der),
    holderOf: () => holderNamedBy(signer.certificate),
  });
}

export interface SignedContent {
  readonly content: Uint8Array;
  /** Whose key signed; not yet trusted. */
  readonly signer: Certificate;
  /** Certificates that came along, the signer's among them. */
  readonly pool: readonly Certificate[];
  /** For `requireBinding`. */
  readonly binding: Uint8Array | undefined;
}

export interface SignatureChecks {
  readonly type: ContentType;
  /** The content of a detached signature. */
  readonly detached?: Uint8Array;
  readonly certificates: CertificateCache;
}

/** The mathematics only: whose key signed what. @throws CryptographicError, whatever is wrong. */
export function verifyContent(message: Uint8Array, { type, detached, certificates }: SignatureChecks): SignedContent {
  return asCryptographic(() => {
    const read = new Map<Uint8Array, Certificate>();
    const certificateIn = (der: Uint8Array): Certificate => {
      const certificate = read.get(der) ?? certificates.read(der);
      read.set(der, certificate);
      return certificate;
    };
    const verified = verifySignedData(message, {
      contentType: type,
      ...(detached && { detachedContent: detached }),
      holderOf: (der) => holderNamedBy(certificateIn(der)),
      maxBytes: MAX_BYTES,
    });
    const [signer, ...others] = verified.signers;
    if (signer?.certificate === undefined || others.length > 0) {
      throw new CryptographicError(new Error(`${verified.signers.length} signers, or one without certificate`));
    }
    return {
      content: verified.content,
      signer: certificateIn(signer.certificate),
      pool: verified.certificates.map(certificateIn),
      binding: signer.signedAttributes.get(attributeTypes.binding),
    };
  });
}
