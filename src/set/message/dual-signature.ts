/**
 * The dual signature (notes on SET, "Purchase"): one signature by the cardholder over the hashes of order and instruction. The
 * merchant sees the order and the other hash, the gateway the instruction and the other hash; neither can pair its part with another.
 */
import type { Part } from '../../codec/der.ts';
import { type Binding, requireBinding } from './binding.ts';
import type { CertifiedKey } from './certified-key.ts';
import { contentTypes } from './content-types.ts';
import { lendPiTbs } from './purchase-request.ts';
import { asCryptographic } from './set-error.ts';
import { signContent, verifyContent } from './signed-content.ts';
import type { Cardholder, Trust } from './trust.ts';

export interface DualHashes {
  readonly hPIData: Uint8Array;
  readonly hOIData: Uint8Array;
}

/** For whom the cardholder signs: SET 1.0 names neither (fixes 1 and 3). */
export interface DualRecipients {
  /** Thumbprint of the certificate that signed PInitRes. */
  readonly merchantThumb: Uint8Array;
  readonly peThumb: Uint8Array;
}

export function signDual(hashes: DualHashes, recipients: DualRecipients, signer: CertifiedKey): Part {
  const binding = bindingFor(recipients);
  return lendPiTbs(hashes, (content) =>
    signContent({ type: contentTypes.piTbs, content, binding, signer, detached: true }),
  );
}

export interface DualChecks {
  readonly recipients: DualRecipients;
  readonly trust: Trust;
  readonly atMs: number;
}

/** @throws CryptographicError unless a cardholder signed just these hashes for these two. */
export function verifyDual(piSignature: Uint8Array, hashes: DualHashes, checks: DualChecks): Cardholder {
  const { recipients, trust, atMs } = checks;
  return asCryptographic(() => {
    const { certificates } = trust;
    const { signer, pool, binding } = lendPiTbs(hashes, (detached) =>
      verifyContent(piSignature, { type: contentTypes.piTbs, detached, certificates }),
    );
    requireBinding(binding, bindingFor(recipients));
    return trust.cardholder({ leaf: signer, pool, use: 'signature', atMs });
  });
}

function bindingFor({ merchantThumb, peThumb }: DualRecipients): Binding {
  return { direction: 'cardholderToMerchant', message: 'PReq', recipients: [merchantThumb, peThumb] };
}
