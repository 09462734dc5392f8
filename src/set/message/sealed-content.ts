/**
 * The operator E (notes on SET, "Operators"): AuthEnvelopedData, AES-256-GCM under a fresh key agreed with one recipient. What SET 1.0
 * distinguishes as EH, EX and EXH (hash or card data in the RSA block) is the same operator here, because GCM protects all alike.
 */
import type { Part } from '../../codec/der.ts';
import type { Random } from '../../crypto/random.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { decryptWith, encryptPartFor } from '../../pki/cms/auth-enveloped-data.ts';
import { type Binding, encodeBinding, requireBinding } from './binding.ts';
import { type CertifiedKey, holderNamedBy } from './certified-key.ts';
import { attributeTypes, type ContentType } from './content-types.ts';
import { asCryptographic } from './set-error.ts';

const MAX_BYTES = 65_536;

export interface ContentToSeal {
  readonly type: ContentType;
  readonly content: Uint8Array;
  /** Authenticated beside the content, so that it opens only as what it was sealed as. */
  readonly binding: Binding;
  readonly recipient: Certificate;
  readonly random: Random;
}

/** Gives the ContentInfo, sealed and still to be encoded where it goes. */
export function sealContent({ type, content, binding, recipient, random }: ContentToSeal): Part {
  return encryptPartFor({
    contentType: type,
    content,
    recipients: [recipient.der],
    random,
    holderOf: () => holderNamedBy(recipient),
    authenticatedAttributes: [{ type: attributeTypes.binding, value: encodeBinding(binding) }],
  });
}

export interface SealChecks {
  readonly type: ContentType;
  readonly binding: Binding;
  readonly holder: CertifiedKey;
}

/** @throws CryptographicError, whatever is wrong. */
export function openContent(message: Uint8Array, { type, binding, holder }: SealChecks): Uint8Array {
  return asCryptographic(() => {
    const { content, authenticatedAttributes } = decryptWith(message, {
      contentType: type,
      recipients: [{ certificate: holder.certificate.der, privateKey: holder.privateKey }],
      holderOf: () => holderNamedBy(holder.certificate),
      maxBytes: MAX_BYTES,
    });
    requireBinding(authenticatedAttributes.get(attributeTypes.binding), binding);
    return content;
  });
}
