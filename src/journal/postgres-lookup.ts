/** Finding the entries of a PostgreSQL journal by key: many keys in one query, newest entries only where a limit is given. */
import type { Client } from 'pg';
import { keyHash } from './key-hash.ts';
import { unpackEntry } from './packed-entries.ts';
import type { RawEntry } from './read-entries.ts';

export interface KeyQuery {
  readonly key: string;
  readonly limit?: number;
}

interface Row {
  readonly hash: number;
  readonly sequence: number;
  readonly data: Uint8Array;
}

/** Answers every query in its place, oldest entry first. */
export async function findByKeys(client: Client, shard: string, queries: readonly KeyQuery[]): Promise<RawEntry[][]> {
  const unlimited = await findAll(
    client,
    shard,
    queries.filter(({ limit }) => limit === undefined),
  );
  const answers: RawEntry[][] = [];
  for (const { key, limit } of queries) {
    answers.push(limit === undefined ? (unlimited.get(key) ?? []) : await findNewest(client, shard, { key, limit }));
  }
  return answers;
}

async function findAll(client: Client, shard: string, queries: readonly KeyQuery[]): Promise<Map<string, RawEntry[]>> {
  const keysByHash = new Map<number, string[]>();
  for (const { key } of queries) {
    const hash = keyHash(key);
    const keys = keysByHash.get(hash) ?? [];
    if (!keys.includes(key)) keysByHash.set(hash, [...keys, key]);
  }
  const found = new Map<string, RawEntry[]>();
  if (keysByHash.size === 0) return found;
  const query = {
    name: `find-all-${shard}`,
    text: `SELECT hash::float8 AS hash, k.sequence::float8 AS sequence, data
      FROM ${shard}.entry_key k JOIN ${shard}.entry e ON e.sequence = k.sequence
      WHERE hash = ANY ($1::bigint[]) ORDER BY k.sequence`,
    values: [[...keysByHash.keys()]],
  };
  for (const { hash, sequence, data } of (await client.query(query)).rows as Row[]) {
    for (const key of keysByHash.get(hash) ?? []) {
      if (!unpackEntry(data).keys.includes(key)) continue;
      const entries = found.get(key);
      if (entries === undefined) found.set(key, [{ sequence, data }]);
      else entries.push({ sequence, data });
    }
  }
  return found;
}

async function findNewest(client: Client, shard: string, { key, limit }: Required<KeyQuery>): Promise<RawEntry[]> {
  const found: RawEntry[] = [];
  let before = Number.MAX_SAFE_INTEGER;
  while (found.length < limit) {
    const wanted = Math.min(limit - found.length, 2048);
    const query = {
      name: `find-newest-${shard}`,
      text: `SELECT k.sequence::float8 AS sequence, data
        FROM ${shard}.entry_key k JOIN ${shard}.entry e ON e.sequence = k.sequence
        WHERE hash = $1 AND k.sequence < $2 ORDER BY k.sequence DESC LIMIT $3`,
      values: [keyHash(key), before, wanted],
    };
    const rows = (await client.query(query)).rows as Row[];
    for (const { sequence, data } of rows) {
      before = sequence;
      if (unpackEntry(data).keys.includes(key)) found.push({ sequence, data });
    }
    if (rows.length < wanted) break;
  }
  return found.reverse();
}
