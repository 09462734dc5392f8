/** How an operator's accounts for deposits are cut into shards: what its configuration and the command line say, and what follows. */
import { hkdfSync } from 'node:crypto';
import { createShardMap, type ShardMap } from '../../deposit/account-manager/shard-map.ts';
import {
  ConfigurationError,
  type OperatorConfiguration,
  type StoreConfiguration,
} from '../configuration/configuration.ts';
import { readKeyFile } from '../configuration/key-file.ts';

export interface ShardPlace {
  /** From 0. */
  readonly number: number;
  /** Port 0 takes any free one: whoever starts it is told. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly store: StoreConfiguration;
  /** Of its journal in the store. */
  readonly journal: string;
  /** Run by somebody else, at the address it listens at; not by the operator's own process. */
  readonly elsewhere: boolean;
}

export interface ShardPlan {
  readonly places: readonly ShardPlace[];
  readonly map: ShardMap;
}

/**
 * Undefined where the accounts are not cut. `asked`: into how many, if the command line says so.
 * @throws ConfigurationError where command line and configuration disagree
 */
export function planShards(
  configuration: OperatorConfiguration,
  path: (relative: string) => string,
  asked?: number,
): ShardPlan | undefined {
  const { name, listen, store, deposits, gateway } = configuration;
  const configured = deposits?.shards;
  const count = configured?.length ?? asked;
  if (count === undefined) return undefined;
  if (deposits === undefined)
    throw new ConfigurationError(`${name} has no part in deposits: it has no accounts to cut`);
  if (asked !== undefined && asked !== count) {
    throw new ConfigurationError(`the configuration lists ${count} shards, not ${asked}`);
  }
  const places = Array.from({ length: count }, (_, number): ShardPlace => {
    const own = configured?.[number];
    return {
      number,
      listen: own?.listen ?? { host: listen.host, port: 0 },
      store: own?.store ?? store,
      journal: number === 0 ? 'accounts' : `accounts-${number}`,
      elsewhere: own?.elsewhere ?? false,
    };
  });
  return {
    places,
    map: createShardMap({ operator: name, count, key: numberKey(readKeyFile(path(gateway.storageKey))) }),
  };
}

/** The operator keeps its storage key for ever, and so the sessions their numbers. */
function numberKey(storageKey: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', storageKey, new Uint8Array(), 'handsel session numbers', 32));
}
