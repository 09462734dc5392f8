/**
 * Where what is kept, when an operator's accounts are cut into shards: each customer, merchant and other operator has one, by ranges of the
 * digest of its name. Whoever has the map finds it without asking anybody.
 */
import { utf8 } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { clearingAccount } from '../../ledger/clearing.ts';
import { DepositError } from '../message/deposit-error.ts';
import { sessionOf } from '../message/identity.ts';
import { MAX_SHARDS, type SessionPlace, sessionNumber, sessionPlace } from './session-number.ts';

export interface ShardMap {
  /** How many there are; numbered from 0. */
  readonly count: number;
  /** The customer's account and sessions. */
  ofCustomer(name: string): number;
  ofMerchant(name: string): number;
  /** Of the positions with it, and its settlements. */
  ofOperator(name: string): number;
  /** Of one of our sessions, or of what begins with it; undefined for one that never was. */
  ofSession(identity: string): number | undefined;
  sessionOf(place: SessionPlace): string;
}

/** What a shard knows of itself and of the others. */
export interface OwnShard {
  readonly number: number;
  readonly map: ShardMap;
}

const DIGESTS = 2 ** 32;

/** `key`: 32 bytes for session numbers, the same as long as the operator has accounts. */
export function createShardMap(given: {
  readonly operator: string;
  readonly count: number;
  readonly key: Uint8Array;
}): ShardMap {
  const { operator, count, key } = given;
  if (!Number.isInteger(count) || count < 1 || count > MAX_SHARDS) {
    throw new DepositError('DEPOSIT_REFUSED', `an operator has 1 to ${MAX_SHARDS} shards`);
  }
  const rangeOf = (name: string) => {
    const digest = sha256(utf8(name));
    const place = new DataView(digest.buffer, digest.byteOffset).getUint32(0);
    return Math.floor((place * count) / DIGESTS);
  };
  return {
    count,
    ofCustomer: (name) => rangeOf(`customer:${name}`),
    ofMerchant: (name) => rangeOf(`merchant:${name}`),
    ofOperator: (name) => rangeOf(`operator:${name}`),
    ofSession(identity) {
      const [owner, number] = identity.split('.', 2);
      if (owner !== operator || !/^[1-9][0-9]{0,14}$/.test(number ?? '')) return undefined;
      const shard = sessionPlace(key, Number(number))?.shard;
      return shard === undefined || shard >= count ? undefined : shard;
    },
    sessionOf: (place) => sessionOf(operator, sessionNumber(key, place)),
  };
}

/** What shards call each other in their positions: no operator has a dot in its name. */
export function shardName(operator: string, number: number): string {
  return `${operator}.${number}`;
}

/** Where a shard keeps what another one owes it, or is owed. */
export function betweenShards(operator: string, number: number, currency: string): string {
  return clearingAccount(shardName(operator, number), currency);
}
