/** A server's state as bytes, for snapshots of its journal. */
import { decodeCborExact, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import type { SignedChange } from '../message/list-change.ts';
import { restoreLists, type StoredLists, storeLists, type TrustLists } from '../message/trust-lists.ts';
import type { Session } from '../session/session.ts';
import { emptyDisputes, restoreDisputes, type StoredDisputes, storeDisputes } from './dispute-state.ts';
import type { ServerIdentity, ServerState } from './server-state.ts';

export function emptyServer(foundingLists: TrustLists, identity: ServerIdentity): ServerState {
  return {
    identity,
    lists: restoreLists(storeLists(foundingLists)),
    changes: { untrusted: [], primaryKeys: [] },
    disputes: emptyDisputes(),
    ...{ sessions: new Map(), talks: new Map(), enrolments: new Map(), registered: new Map(), suspects: new Set() },
    serial: 0,
  };
}

interface StoredServer
  extends Omit<
    ServerState,
    'lists' | 'sessions' | 'talks' | 'enrolments' | 'registered' | 'suspects' | 'changes' | 'disputes'
  > {
  readonly disputes: StoredDisputes;
  readonly lists: StoredLists;
  readonly changes: { readonly untrusted: readonly SignedChange[]; readonly primaryKeys: readonly SignedChange[] };
  readonly sessions: readonly Session[];
  readonly talks: readonly [string, unknown][];
  readonly enrolments: readonly [string, unknown][];
  readonly registered: readonly [number, unknown][];
  readonly suspects: readonly number[];
}

export function snapshotServer(state: ServerState): Uint8Array {
  const { identity, serial, changes } = state;
  const stored: StoredServer = {
    ...{ identity, serial, changes, lists: storeLists(state.lists), sessions: [...state.sessions.values()] },
    talks: [...state.talks],
    enrolments: [...state.enrolments],
    registered: [...state.registered],
    suspects: [...state.suspects],
    disputes: storeDisputes(state.disputes),
  };
  return encodeCborExact(stored as unknown as CborValue);
}

/** Written by `snapshotServer` into this server's own journal, which vouches for it. */
export function restoreServer(bytes: Uint8Array): ServerState {
  const stored = decodeCborExact(bytes, { maxBytes: Number.MAX_SAFE_INTEGER }) as unknown as StoredServer;
  const { identity, serial, changes } = stored;
  return {
    ...{ identity, serial, lists: restoreLists(stored.lists) },
    changes: { untrusted: [...changes.untrusted], primaryKeys: [...changes.primaryKeys] },
    sessions: new Map(stored.sessions.map((session) => [session.id, session])),
    talks: new Map(stored.talks) as ServerState['talks'],
    enrolments: new Map(stored.enrolments) as ServerState['enrolments'],
    registered: new Map(stored.registered) as ServerState['registered'],
    suspects: new Set(stored.suspects),
    disputes: restoreDisputes(stored.disputes),
  };
}
