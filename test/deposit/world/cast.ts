/**
 * Who there is in the world of deposits: three operators in three currencies, their customers and merchants. Their keys are made once a
 * process. A certificate is its holder's name here: who is certified is for a port of each machine to say, and paths are tested elsewhere.
 */
import { fromUtf8, utf8 } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { generateP256, type KeyPair } from '../../../src/crypto/signature.ts';
import type { Signer } from '../../../src/crypto/signed-message.ts';
import { CryptographicError } from '../../../src/handsel-error.ts';
import { makeName } from '../../../src/pki/name.ts';
import { makeHolder } from '../../pki/world.ts';

export interface OperatorRole {
  readonly name: string;
  /** Of its customers. */
  readonly currency: string;
}

export interface CustomerRole {
  readonly name: string;
  readonly operator: OperatorRole;
  /** Minor units on the account. */
  readonly balance: bigint;
  readonly credit: bigint;
}

export interface MerchantRole {
  readonly name: string;
  readonly operator: OperatorRole;
  readonly currency: string;
}

const north: OperatorRole = { name: 'north', currency: 'EUR' };
const south: OperatorRole = { name: 'south', currency: 'USD' };
/** No decimals: where rounding would show first. */
const east: OperatorRole = { name: 'east', currency: 'JPY' };

export const operators: readonly OperatorRole[] = [north, south, east];
export const currencies: readonly string[] = ['EUR', 'USD', 'JPY'];

export const customers: readonly CustomerRole[] = [
  { name: 'anna', operator: north, balance: 2_000n, credit: 0n },
  { name: 'bill', operator: south, balance: 1_500n, credit: 700n },
  { name: 'chie', operator: east, balance: 3_000n, credit: 0n },
  { name: 'dora', operator: north, balance: 600n, credit: 500n },
];

/**
 * Kiosk and florist sell in north's currency at south: both operators come to owe each other euros, which are settled net. What one of them
 * is told the other could use.
 */
export const merchants: readonly MerchantRole[] = [
  { name: 'bakery', operator: north, currency: 'EUR' },
  { name: 'diner', operator: south, currency: 'USD' },
  { name: 'noodles', operator: east, currency: 'JPY' },
  { name: 'kiosk', operator: south, currency: 'EUR' },
  { name: 'florist', operator: south, currency: 'EUR' },
];

const people = new Map<string, KeyPair>(
  [...operators, ...customers, ...merchants].map(({ name }) => [name, generateP256()]),
);

export function signerOf(name: string): Signer {
  return { privateKey: keysOf(name).privateKey, certificateChain: [utf8(name)] };
}

export function keysOf(name: string): KeyPair {
  return people.get(name)!;
}

/** For every port that says who a chain belongs to. */
export function validate(chain: readonly Uint8Array[]) {
  const name = chain[0] === undefined ? '' : fromUtf8(chain[0]);
  const keys = people.get(name);
  if (keys === undefined) throw new CryptographicError(new Error('a chain that leads nowhere'));
  return { name, publicKey: keys.publicKey };
}

const certificates = new Map<string, Uint8Array>();

/** Who stands at the other end of a connection: the doors of operators read the name in a real certificate. */
export function peerOf(name: string) {
  let der = certificates.get(name);
  if (der === undefined) {
    der = makeHolder({ subject: makeName({ C: 'NL', O: 'World', CN: name }) }).certificate.der;
    certificates.set(name, der);
  }
  return { subject: `CN=${name}`, fingerprint: name, certificateDer: der };
}

export const urlOf = (name: string) => `https://${name}`;
export const storageKeyOf = (name: string) => sha256(utf8(`storage key of ${name}`));
