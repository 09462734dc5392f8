/**
 * Messages inside a session (US 5,671,280, figure 10): AES-256-GCM, a key for each direction, numbered with 64 bits where the text has none.
 * A request and its answer have one number. The number is the nonce, so each must seal one content only: a session's state counts, and what
 * was sealed but not recorded never leaves the process.
 */
import { concatBytes, fromHex, utf8 } from '../../codec/hex.ts';
import { decryptGcm, encryptGcm } from '../../crypto/sealing.ts';
import type { SessionKeys } from './handshake.ts';

/** Who sealed it. */
export type Side = 'caller' | 'callee';

/** Queries are numbered apart from requests, since one is sent while a request is out. */
export type FrameKind = 'frame' | 'query';

export interface FramePlace {
  /** The session's number in hexadecimal. */
  readonly session: string;
  readonly by: Side;
  readonly kind: FrameKind;
  readonly number: number;
}

const LABEL = utf8('Handsel trusted session 1: message');

/** 12 bytes: the kind in the first four, then the number. */
function nonceOf({ kind, number }: FramePlace): Uint8Array {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(kind === 'frame' ? 0 : 1, 0);
  nonce.writeBigUInt64BE(BigInt(number), 4);
  return nonce;
}

const associated = ({ session }: FramePlace) => concatBytes(LABEL, fromHex(session));

export function sealFrame(keys: SessionKeys, place: FramePlace, plaintext: Uint8Array): Uint8Array {
  return encryptGcm({ key: keys[place.by], nonce: nonceOf(place), plaintext, associatedData: associated(place) });
}

/** @throws CryptographicError */
export function openFrame(keys: SessionKeys, place: FramePlace, sealed: Uint8Array): Uint8Array {
  return decryptGcm({
    key: keys[place.by],
    nonce: nonceOf(place),
    ciphertext: sealed,
    associatedData: associated(place),
  });
}
