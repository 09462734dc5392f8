/** An agent's state as bytes, for snapshots of its journal. */
import { decodeCborExact, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import {
  foldStandings,
  type KnownStandings,
  type ListedStanding,
  newStandings,
  type StandingChange,
} from '../message/standing-list.ts';
import { restoreLists, type StoredLists, storeLists, type TrustLists } from '../message/trust-lists.ts';
import type { Paper } from '../paper/paper.ts';
import type { Session } from '../session/session.ts';
import type {
  AgentState,
  Booked,
  CipheredObject,
  Dealing,
  Expectation,
  HeldSdJwt,
  HeldTicket,
  Identity,
  Transaction,
} from './agent-state.ts';
import {
  emptyAgentDisputes,
  restoreAgentDisputes,
  type StoredAgentDisputes,
  storeAgentDisputes,
} from './dispute-state.ts';
import { newDoorState, restoreDoor, type StoredDoor, storeDoor } from './door-state.ts';
import type { Talk } from './talk.ts';

export function emptyAgent(foundingLists: TrustLists): AgentState {
  return {
    identity: { type: 'new' },
    lists: restoreLists(storeLists(foundingLists)),
    sessions: new Map(),
    talks: new Map(),
    tickets: new Map(),
    underWay: new Map(),
    transactions: new Map(),
    dealings: new Map(),
    objects: new Map(),
    books: new Map(),
    papers: new Map(),
    disputes: emptyAgentDisputes(),
    expectations: new Map(),
    door: newDoorState(),
    log: { count: 0, head: new Uint8Array(32) },
    heads: { base: undefined, presented: [] },
    serial: 0,
    standings: { own: { list: newStandings(0), changes: [] }, known: new Map() },
    sdJwts: new Map(),
  };
}

interface StoredAgent {
  readonly identity: Identity;
  readonly lists: StoredLists;
  readonly sessions: readonly Session[];
  readonly talks: readonly Talk[];
  readonly tickets: readonly HeldTicket[];
  readonly underWay: readonly [string, string][];
  readonly transactions: readonly Transaction[];
  readonly dealings: readonly Dealing[];
  readonly objects: readonly [string, CipheredObject][];
  readonly books: readonly [string, Booked][];
  readonly papers: readonly Paper[];
  readonly disputes: StoredAgentDisputes;
  readonly expectations: readonly Expectation[];
  readonly door: StoredDoor;
  readonly log: AgentState['log'];
  readonly heads: AgentState['heads'];
  readonly serial: number;
  readonly standings: { readonly own: readonly StandingChange[]; readonly known: readonly StoredStandings[] };
  readonly sdJwts: readonly HeldSdJwt[];
}

type StoredStandings = Omit<KnownStandings, 'listed'> & { readonly listed: readonly [string, ListedStanding][] };

export function snapshotAgent(state: AgentState): Uint8Array {
  const stored: StoredAgent = {
    ...{
      identity: state.identity,
      lists: storeLists(state.lists),
      log: state.log,
      heads: state.heads,
      serial: state.serial,
    },
    sessions: [...state.sessions.values()],
    talks: [...state.talks.values()],
    tickets: [...state.tickets.values()],
    underWay: [...state.underWay],
    transactions: [...state.transactions.values()],
    dealings: [...state.dealings.values()],
    objects: [...state.objects],
    books: [...state.books],
    papers: [...state.papers.values()],
    disputes: storeAgentDisputes(state.disputes),
    expectations: [...state.expectations.values()],
    standings: {
      own: state.standings.own.changes,
      known: [...state.standings.known.values()].map((known) => ({ ...known, listed: [...known.listed] })),
    },
    sdJwts: [...state.sdJwts.values()],
    door: storeDoor(state.door),
  };
  return encodeCborExact(stored as unknown as CborValue);
}

/** Written by `snapshotAgent` into this device's own journal, which vouches for it. */
export function restoreAgent(bytes: Uint8Array): AgentState {
  const stored = decodeCborExact(bytes, { maxBytes: Number.MAX_SAFE_INTEGER }) as unknown as StoredAgent;
  const { identity, log, heads, serial } = stored;
  const by = <T, K extends keyof T>(items: readonly T[], key: K) =>
    new Map(items.map((item) => [item[key] as string, item]));
  const own = { list: newStandings(0), changes: [...stored.standings.own] };
  foldStandings(own.list, { changes: own.changes, atS: 0 });
  const known = stored.standings.known.map((one) => ({ ...one, listed: new Map(one.listed) }));
  return {
    standings: { own, known: new Map(known.map((one) => [one.issuer, one])) },
    sdJwts: by(stored.sdJwts, 'id'),
    ...{ identity, serial, log: { ...log }, lists: restoreLists(stored.lists) },
    heads: { base: heads.base, presented: [...heads.presented] },
    sessions: by(stored.sessions, 'id'),
    talks: by(stored.talks, 'session'),
    tickets: by(stored.tickets, 'id'),
    underWay: new Map(stored.underWay),
    transactions: by(stored.transactions, 'id'),
    dealings: by(stored.dealings, 'transaction'),
    objects: new Map(stored.objects),
    books: new Map(stored.books),
    papers: by(stored.papers, 'id'),
    disputes: restoreAgentDisputes(stored.disputes),
    expectations: by(stored.expectations, 'id'),
    door: restoreDoor(stored.door),
  };
}
