/** The payment gateway a purchase is meant for, named by the cardholder in order and instruction alike (fix 1). */
import { type Infer, sequence, utf8String } from '../../codec/der.ts';
import { equalBytes } from '../../codec/hex.ts';
import { hashType } from './identifiers.ts';

export const gatewayIdentityType = sequence({
  /** The common name in the gateway's certificates: it outlives the keys. */
  gatewayId: utf8String({ min: 1, max: 64 }),
  /** PEThumb: the certificate the payment instruction is sealed to. */
  peThumb: hashType,
});
export type GatewayIdentity = Infer<typeof gatewayIdentityType>;

export function sameGateway(a: GatewayIdentity, b: GatewayIdentity): boolean {
  return a.gatewayId === b.gatewayId && equalBytes(a.peThumb, b.peThumb);
}
