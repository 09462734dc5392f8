/** The lists as a holder keeps them: what they say, taking in changes, and passing changes on. They never go back to an older version. */
import { toHex } from '../../codec/hex.ts';
import { verifyCompact } from '../../crypto/compact-key.ts';
import { CryptographicError } from '../../handsel-error.ts';
import type { AgentId, PrimaryId, ServerId } from './agent-id.ts';
import {
  headText,
  type ListChange,
  type ListedParty,
  type ListName,
  type ListUpdate,
  type ListVersions,
  listNames,
  listOf,
  maxChanges,
  nextHead,
  type SignedChange,
} from './list-change.ts';
import { TrustedError } from './trusted-error.ts';

/** No certificate of an agent or server lives longer, so by then everybody with a valid one has the lists of today. */
export const longestCertificateDays = 120;
const maxListed = 1_000_000;

export interface PrimaryKey {
  readonly primaryId: PrimaryId;
  readonly publicKey: Uint8Array;
  readonly fromDay: number;
}

interface Chain {
  version: number;
  head: Uint8Array;
}

export interface TrustLists {
  readonly untrusted: Chain & {
    readonly agents: Set<AgentId>;
    readonly servers: Set<ServerId>;
    readonly organisations: Set<string>;
  };
  readonly primaryKeys: Chain & { readonly keys: Map<PrimaryId, PrimaryKey> };
}

/** As they are built into a device where it is made: the keys of the first primary servers, nobody untrusted yet. */
export function foundingLists(keys: readonly PrimaryKey[]): TrustLists {
  const start = () => ({ version: 0, head: new Uint8Array(32) });
  return {
    untrusted: { ...start(), agents: new Set(), servers: new Set(), organisations: new Set() },
    primaryKeys: { ...start(), keys: new Map(keys.map((key) => [key.primaryId, key])) },
  };
}

export function versionsOf({ untrusted, primaryKeys }: TrustLists): ListVersions {
  return { untrusted: untrusted.version, primaryKeys: primaryKeys.version };
}

export function isUntrusted({ untrusted }: TrustLists, party: ListedParty): boolean {
  switch (party.type) {
    case 'agent':
      return untrusted.agents.has(party.agentId);
    case 'server':
      return untrusted.servers.has(party.serverId);
    case 'organisation':
      return untrusted.organisations.has(party.name);
  }
}

/**
 * The part of an update that is new to these lists, checked; `foldUpdate` may take it.
 * @throws TrustedError `LIST_STALE` for changes that do not follow on, `LIST_FULL`; CryptographicError for a wrong signature
 */
export function checkUpdate(lists: TrustLists, update: ListUpdate): ListUpdate {
  const later = (name: ListName) => update[name].filter(({ version }) => version > lists[name].version);
  const checked = { untrusted: later('untrusted'), primaryKeys: later('primaryKeys') };
  const keys = new Map(lists.primaryKeys.keys);
  // Keys first and one after the other, since each change may be signed by a key that an earlier one brought.
  let { head, version } = lists.primaryKeys;
  for (const change of checked.primaryKeys) {
    requireNext(change, 'primaryKeys', version);
    head = nextHead(head, change);
    version = change.version;
    requireSignature(change, head, keys);
    requireTimely(change);
    foldKey(keys, change.change);
  }
  checkUntrusted(lists, checked.untrusted, keys);
  return checked;
}

/** One signature at the end covers all. */
function checkUntrusted(lists: TrustLists, changes: readonly SignedChange[], keys: ReadonlyMap<PrimaryId, PrimaryKey>) {
  const last = changes.at(-1);
  if (last === undefined) return;
  let { head, version } = lists.untrusted;
  for (const change of changes) {
    requireNext(change, 'untrusted', version);
    head = nextHead(head, change);
    version = change.version;
  }
  const { agents, servers, organisations } = lists.untrusted;
  if (agents.size + servers.size + organisations.size + changes.length > maxListed) {
    throw new TrustedError('LIST_FULL', `the list of the untrusted has more than ${maxListed} entries`);
  }
  // A key that was taken away meanwhile signed what came before: it is still in the lists that this update follows on.
  requireSignature(last, head, keys.has(last.by) ? keys : lists.primaryKeys.keys);
}

function requireNext({ version, change }: SignedChange, name: ListName, before: number): void {
  if (version !== before + 1 || listOf(change) !== name) {
    throw new TrustedError('LIST_STALE', `change ${version} of the list ${name} does not follow on version ${before}`);
  }
}

function requireSignature(change: SignedChange, head: Uint8Array, keys: ReadonlyMap<PrimaryId, PrimaryKey>): void {
  const key = keys.get(change.by);
  const { signature, madeOnDay, version } = change;
  const genuine =
    key !== undefined &&
    signature !== undefined &&
    key.fromDay <= madeOnDay &&
    verifyCompact(key.publicKey, headText(head), signature);
  if (!genuine)
    throw new CryptographicError(new Error(`list version ${version} is not signed by primary ${change.by}`));
}

/** A key is known everywhere before it is used: otherwise an agent could meet certificates that it cannot check. */
function requireTimely({ change, madeOnDay }: SignedChange): void {
  if (change.type === 'add-primary' && change.fromDay < madeOnDay + longestCertificateDays) {
    throw new TrustedError('LIST_STALE', `primary key ${change.primaryId} would be used before everybody has it`);
  }
}

/** Takes in what `checkUpdate` gave. Mutates the lists. */
export function foldUpdate(lists: TrustLists, update: ListUpdate): void {
  for (const name of listNames) {
    for (const signed of update[name]) {
      const chain = lists[name];
      chain.head = nextHead(chain.head, signed);
      chain.version = signed.version;
      foldKey(lists.primaryKeys.keys, signed.change);
      foldParty(lists, signed.change);
    }
  }
}

function foldKey(keys: Map<PrimaryId, PrimaryKey>, change: ListChange): void {
  if (change.type === 'add-primary') {
    const { primaryId, publicKey, fromDay } = change;
    keys.set(primaryId, { primaryId, publicKey, fromDay });
  } else if (change.type === 'remove-primary') keys.delete(change.primaryId);
}

function foldParty({ untrusted }: TrustLists, change: ListChange): void {
  if (change.type !== 'distrust' && change.type !== 'trust-again') return;
  const act = change.type === 'distrust' ? 'add' : 'delete';
  const { party } = change;
  if (party.type === 'agent') untrusted.agents[act](party.agentId);
  else if (party.type === 'server') untrusted.servers[act](party.serverId);
  else untrusted.organisations[act](party.name);
}

/** What follows on the given versions, of all the changes there ever were; at most `maxChanges` of each list. */
export function updateSince(log: ListUpdate, versions: ListVersions): ListUpdate {
  return {
    untrusted: log.untrusted.slice(versions.untrusted, versions.untrusted + maxChanges),
    primaryKeys: log.primaryKeys.slice(versions.primaryKeys, versions.primaryKeys + maxChanges),
  };
}

/** The same in a third of the bytes, for whoever does not pass it on. */
export function signedAtTheEnd({ untrusted, primaryKeys }: ListUpdate): ListUpdate {
  return { untrusted: untrusted.map(withoutSignature), primaryKeys };
}

function withoutSignature(change: SignedChange, at: number, all: readonly SignedChange[]): SignedChange {
  if (at === all.length - 1) return change;
  const { signature: _, ...rest } = change;
  return rest;
}

/** The lists as plain data, for records and snapshots. */
export interface StoredLists {
  readonly untrusted: readonly [number, Uint8Array, readonly number[], readonly number[], readonly string[]];
  readonly primaryKeys: readonly [number, Uint8Array, readonly PrimaryKey[]];
}

export function storeLists({ untrusted, primaryKeys }: TrustLists): StoredLists {
  const { agents, servers, organisations } = untrusted;
  return {
    untrusted: [untrusted.version, untrusted.head, [...agents], [...servers], [...organisations]],
    primaryKeys: [primaryKeys.version, primaryKeys.head, [...primaryKeys.keys.values()]],
  };
}

export function restoreLists({ untrusted, primaryKeys }: StoredLists): TrustLists {
  const [version, head, agents, servers, organisations] = untrusted;
  const [keysVersion, keysHead, keys] = primaryKeys;
  return {
    untrusted: {
      ...{ version, head },
      agents: new Set(agents),
      servers: new Set(servers),
      organisations: new Set(organisations),
    },
    primaryKeys: {
      version: keysVersion,
      head: keysHead,
      keys: new Map(keys.map((key) => [key.primaryId, key])),
    },
  };
}

/** Equal lists have equal heads. */
export function headsOf({ untrusted, primaryKeys }: TrustLists): string {
  return `${toHex(untrusted.head)}${toHex(primaryKeys.head)}`;
}
