/** The seal around the payment instruction (exPIData): from the cardholder to the one gateway it names, opened by nobody on the way. */
import type { Part } from '../../codec/der.ts';
import type { Random } from '../../crypto/random.ts';
import type { Certificate } from '../../pki/certificate.ts';
import type { Binding } from './binding.ts';
import type { CertifiedKey } from './certified-key.ts';
import { contentTypes } from './content-types.ts';
import { decodeSealedInstruction, lendSealedInstruction, type SealedInstruction } from './payment-instruction.ts';
import { openContent, sealContent } from './sealed-content.ts';
import { asCryptographic } from './set-error.ts';

export function sealInstruction(instruction: SealedInstruction, gateway: Certificate, random: Random): Part {
  const sealing = { type: contentTypes.piDualSignedTbe, binding: bindingFor(gateway), recipient: gateway, random };
  return lendSealedInstruction(instruction, (content) => sealContent({ ...sealing, content }));
}

/** @throws CryptographicError, whatever is wrong. */
export function openInstruction(exPIData: Uint8Array, gateway: CertifiedKey): SealedInstruction {
  return asCryptographic(() => {
    const binding = bindingFor(gateway.certificate);
    return decodeSealedInstruction(
      openContent(exPIData, { type: contentTypes.piDualSignedTbe, binding, holder: gateway }),
    );
  });
}

/** The gateway is authenticated here too, so that a text sealed to one certificate is nothing under another (fix 1). */
function bindingFor(gateway: Certificate): Binding {
  return { direction: 'cardholderToGateway', message: 'PReq', recipients: [gateway.thumb] };
}
