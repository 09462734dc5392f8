/** A field of a credential as plain data: what an authority's data base knows of somebody, and what a holder shows of an attestation. */
import type { CborValue } from '../../codec/cbor-value.ts';
import { MessageError } from '../../codec/message-error.ts';
import { row } from '../../codec/row-shape.ts';
import { dictionary, type Shape, text } from '../../codec/shape.ts';
import { type Components, maxClaims } from '../ticket/components.ts';

/** Text, a whole number, yes or no, or a picture. */
export type ClaimValue = string | number | boolean | Uint8Array;

const maxText = 2000;
const maxPicture = 16_384;

export function claimValueShape(): Shape<ClaimValue> {
  return {
    decode(value, at) {
      if (!isClaimValue(value)) throw new MessageError('MESSAGE_INVALID', `${at}: expected the value of a field`);
      return value;
    },
    encode: (value) => value,
  };
}

function isClaimValue(value: CborValue): value is ClaimValue {
  if (typeof value === 'string') return value.length <= maxText;
  if (typeof value === 'number') return Number.isSafeInteger(value);
  return typeof value === 'boolean' || (value instanceof Uint8Array && value.length <= maxPicture);
}

export const claimName = () => text({ min: 1, max: 60 });

export interface Claim {
  readonly name: string;
  readonly value: ClaimValue;
}
export const claimShape: Shape<Claim> = row({ name: claimName(), value: claimValueShape() });

/** Fields by their names. */
export type Claims = Readonly<Record<string, ClaimValue>>;

export function claimsShape(): Shape<Claims> {
  return dictionary(claimValueShape(), { max: maxClaims });
}

const notFields: readonly string[] = ['type', 'title', 'expiresDay', 'digests'];

/** What a credential says of its holder, where it stands in the open. */
export function openClaims(components: Components): Claims {
  const fields = Object.entries(components).filter(([name, value]) => !notFields.includes(name) && isClaimValue(value));
  return Object.fromEntries(fields) as Claims;
}
