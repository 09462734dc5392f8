/**
 * Keys that stand in a ticket as one bit each, because a signature beside them tells the rest (`crypto/recover-key.ts`). Remembered for the
 * signatures met last: the same ticket is written and read many times, and recovering costs more than checking.
 */
import { toHex } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { type RecoveryBit, recoverKey, recoveryBitOf } from '../../crypto/recover-key.ts';

interface Told {
  readonly digest: string;
  readonly bit: RecoveryBit;
  readonly x: Uint8Array;
}

const told = new Map<string, Told>();
const maxRemembered = 4096;

export function bitOfKey(options: { x: Uint8Array; data: Uint8Array; signature: Uint8Array }): RecoveryBit {
  const digest = toHex(sha256(options.data));
  const known = told.get(toHex(options.signature));
  if (known?.digest === digest && toHex(known.x) === toHex(options.x)) return known.bit;
  const bit = recoveryBitOf(options);
  remember(options.signature, { digest, bit, x: options.x });
  return bit;
}

/** @throws CryptographicError */
export function keyOfBit(options: { data: Uint8Array; signature: Uint8Array; bit: RecoveryBit }): Uint8Array {
  const digest = toHex(sha256(options.data));
  const known = told.get(toHex(options.signature));
  if (known?.digest === digest && known.bit === options.bit) return known.x;
  const x = recoverKey(options);
  remember(options.signature, { digest, bit: options.bit, x });
  return x;
}

function remember(signature: Uint8Array, value: Told): void {
  if (told.size >= maxRemembered) told.delete(told.keys().next().value!);
  told.set(toHex(signature), value);
}
