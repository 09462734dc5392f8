/** The identifiers and random values of SET's messages, with their lengths (notes on SET, "Common data" and fix 14). */
import { mapped, octetString, type TaggedType, visibleString } from '../../codec/der.ts';
import type { Random } from '../../crypto/random.ts';
import { HandselError } from '../../handsel-error.ts';

/** XID and RRPID keep SET's 20 octets: they name things, they do not protect them. */
const ID_LENGTH = 20;
/** Challenges, nonces, salts and secrets are 32 octets in version 2. */
const SECRET_LENGTH = 32;

export const xidType = fresh(ID_LENGTH);
export const rrpidType = fresh(ID_LENGTH);
/** A challenge, nonce, salt or secret: 32 octets, never all zero. */
export const nonceType = fresh(SECRET_LENGTH);
/** A certificate's thumbprint or any other SHA-256 value. */
export const hashType = octetString({ min: 32, max: 32 });
/** LocalID: how one party names the transaction, LID-C the cardholder's and LID-M the merchant's. */
export const localIdType = octetString({ min: 1, max: 20 });
export const merchantIdType = visibleString({ min: 1, max: 30 });
export const brandIdType = visibleString({ min: 1, max: 40 });
export const languageType = visibleString({ min: 2, max: 35 });
/** Name and version of the software that made a message. */
export const softwareType = visibleString({ min: 1, max: 64 });

export const SOFTWARE = 'Handsel SET 2';

export const newId = (random: Random): Uint8Array => random(ID_LENGTH);
export const newNonce = (random: Random): Uint8Array => random(SECRET_LENGTH);

/** All zero is what broken randomness and SET 1.0's "no secret" look like: refused, so that no hash is left unsalted. */
function fresh(length: number): TaggedType<Uint8Array> {
  const check = (value: Uint8Array): Uint8Array => {
    for (const octet of value) if (octet !== 0) return value;
    throw new HandselError('SET_VALUE_ALL_ZERO', 'a random value is all zero');
  };
  return mapped(octetString({ min: length, max: length }), { decode: check, encode: check });
}
