/** The operator Enc (notes on SET, "Operators"): sign, then seal the signed text to its recipient. With a linked content it is EncB: the baggage stays outside, its hash inside. */
import { lendDer, type Part, part } from '../../codec/der.ts';
import type { Random } from '../../crypto/random.ts';
import type { Certificate } from '../../pki/certificate.ts';
import type { CertificateCache } from '../../pki/certificate-cache.ts';
import type { Binding } from './binding.ts';
import type { CertifiedHolder, CertifiedKey } from './certified-key.ts';
import type { ContentType } from './content-types.ts';
import { openContent, sealContent } from './sealed-content.ts';
import { type SignedContent, signContent, verifyContent } from './signed-content.ts';

interface Types {
  /** Of what is signed (TBS) and of what is sealed (TBE). */
  readonly signed: ContentType;
  readonly sealed: ContentType;
}

export interface ContentToSignAndSeal {
  readonly types: Types;
  readonly content: Uint8Array;
  /** The same for signature and seal, but the signature also names the request it answers. */
  readonly binding: Binding;
  readonly signer: CertifiedKey;
  readonly enclosed?: readonly CertifiedHolder[];
  readonly recipient: Certificate;
  readonly random: Random;
}

export function signAndSeal(request: ContentToSignAndSeal): Part {
  const { types, content, binding, signer, enclosed = [], recipient, random } = request;
  const signed = signContent({ type: types.signed, content, binding, signer, enclosed });
  const sealing = { type: types.sealed, binding: sealBinding(binding), recipient, random };
  return lendDer(part(), signed, (text) => sealContent({ ...sealing, content: text }));
}

export interface SealedSignatureChecks {
  readonly types: Types;
  /** Of the seal; the signature's is in the result. */
  readonly binding: Binding;
  readonly holder: CertifiedKey;
  readonly certificates: CertificateCache;
}

/** @throws CryptographicError, whatever is wrong. */
export function openSealedSignature(message: Uint8Array, checks: SealedSignatureChecks): SignedContent {
  const { types, binding, holder, certificates } = checks;
  const signed = openContent(message, { type: types.sealed, binding: sealBinding(binding), holder });
  return verifyContent(signed, { type: types.signed, certificates });
}

/** Whoever opens a response does not yet know which request it answers: that is in the signature inside. */
function sealBinding({ request: _, ...binding }: Binding): Binding {
  return binding;
}
