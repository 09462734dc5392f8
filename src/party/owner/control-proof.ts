/**
 * How the station shows a command that it is the station before it is told a password: whoever else took its port meanwhile does
 * not know the secret of the control file.
 */
import { fromHex, toHex, utf8 } from '../../codec/hex.ts';
import { equalSecrets } from '../../crypto/constant-time.ts';
import { hmacSha256 } from '../../crypto/digest.ts';

/** Of 32 random bytes in hexadecimal, chosen by the command. */
export function controlProof(secret: Uint8Array, nonce: string): string {
  return toHex(hmacSha256(secret, utf8('handsel control'), fromHex(nonce)));
}

export function isControlProof(proof: unknown, secret: Uint8Array, nonce: string): boolean {
  if (typeof proof !== 'string' || !/^[0-9a-f]{64}$/.test(proof)) return false;
  return equalSecrets(fromHex(proof), fromHex(controlProof(secret, nonce)));
}
