/**
 * How an agent opens the wallet while the person is away (EP 1 006 469, paragraphs 0017 to 0019).
 * The wallet key is sealed once under the person's password and, for each mandate, once more under a fresh authorisation
 * code. The code leaves the station inside the agent's token, itself sealed under an item key that stays here. So neither
 * alone opens anything: not the station's disk without the agent, not the agent (or its platform) without the station.
 */
import { utf8 } from '../../codec/hex.ts';
import { deriveKey } from '../../crypto/agreement.ts';
import type { Random } from '../../crypto/random.ts';
import { open, SEALING_KEY_LENGTH, seal } from '../../crypto/sealing.ts';

export const AUTHORISATION_CODE_LENGTH = 32;

function codeKey(code: Uint8Array, mandateId: string): Uint8Array {
  const info = utf8(`handsel wallet key for mandate ${mandateId}`);
  return deriveKey({ secret: code, salt: new Uint8Array(), info, length: SEALING_KEY_LENGTH });
}

/** Seals the wallet key under the authorisation code of one mandate. */
export function wrapWalletKey(options: {
  readonly walletKey: Uint8Array;
  readonly code: Uint8Array;
  readonly mandateId: string;
  readonly random: Random;
}): Uint8Array {
  return seal({
    key: codeKey(options.code, options.mandateId),
    plaintext: options.walletKey,
    associatedData: utf8(options.mandateId),
    random: options.random,
  });
}

/** @throws CryptographicError when the code is not the one of this mandate. */
export function unwrapWalletKey(options: {
  readonly wrapped: Uint8Array;
  readonly code: Uint8Array;
  readonly mandateId: string;
}): Uint8Array {
  return open({
    key: codeKey(options.code, options.mandateId),
    sealed: options.wrapped,
    associatedData: utf8(options.mandateId),
  });
}
