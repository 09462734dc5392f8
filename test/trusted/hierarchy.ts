/** A small security hierarchy with real keys: primary servers, trusted servers, and certificates of agents, made without any machine. */
import { type CompactKeyPair, makeCompactKey, signCompact } from '../../src/crypto/compact-key.ts';
import type { Random } from '../../src/crypto/random.ts';
import { type AgentId, agentIdOf, type PrimaryId, type ServerId } from '../../src/trusted/message/agent-id.ts';
import {
  type AgentCertificate,
  type AgentKind,
  certifyAgent,
  certifyServer,
  type ServerCertificate,
} from '../../src/trusted/message/certificate.ts';
import {
  headText,
  type ListChange,
  type ListUpdate,
  listOf,
  nextHead,
  type SignedChange,
} from '../../src/trusted/message/list-change.ts';
import { foundingLists, type PrimaryKey, type TrustLists } from '../../src/trusted/message/trust-lists.ts';

/** A day in 2026. */
export const TODAY = 20_500;

export interface Primary {
  readonly id: PrimaryId;
  readonly key: CompactKeyPair;
}

export interface Server {
  readonly certificate: ServerCertificate;
  readonly key: CompactKeyPair;
}

export interface CertifiedAgent {
  readonly id: AgentId;
  readonly key: CompactKeyPair;
  readonly certificate: AgentCertificate;
}

export function newPrimary(id: PrimaryId, random: Random): Primary {
  return { id, key: makeCompactKey(random) };
}

export function primaryKeyOf({ id, key }: Primary, fromDay = 0): PrimaryKey {
  return { primaryId: id, publicKey: key.x, fromDay };
}

export function newServer(options: {
  readonly primary: Primary;
  readonly serverId: ServerId;
  readonly random: Random;
  readonly expiresDay?: number;
}): Server {
  const { primary, serverId, random, expiresDay = TODAY + 100 } = options;
  const key = makeCompactKey(random);
  const claims = { serverId, publicKey: key.x, expiresDay, primaryId: primary.id };
  return { key, certificate: certifyServer(claims, primary.key.privateKey) };
}

export function newAgent(options: {
  readonly server: Server;
  readonly serial: number;
  readonly random: Random;
  readonly kind?: AgentKind;
  readonly expiresDay?: number;
  /** Of the server that named it, where that is another one. */
  readonly home?: ServerId;
}): CertifiedAgent {
  const { server, serial, random, kind = 'customer', expiresDay = TODAY + 60 } = options;
  const { home = server.certificate.serverId } = options;
  const key = makeCompactKey(random);
  const id = agentIdOf(home, serial);
  const claims = { agentId: id, kind, publicKey: key.x, expiresDay };
  return {
    id,
    key,
    certificate: certifyAgent(claims, { certificate: server.certificate, privateKey: server.key.privateKey }),
  };
}

export function listsOf(primary: Primary): TrustLists {
  return foundingLists([primaryKeyOf(primary)]);
}

/** Signed changes that follow on the given lists (which stay as they are). */
export function changesAfter(options: {
  readonly lists: TrustLists;
  readonly primary: Primary;
  readonly changes: readonly ListChange[];
  readonly madeOnDay?: number;
}): ListUpdate {
  const { lists, primary, changes, madeOnDay = TODAY } = options;
  const chains = {
    untrusted: { head: lists.untrusted.head, version: lists.untrusted.version },
    primaryKeys: { head: lists.primaryKeys.head, version: lists.primaryKeys.version },
  };
  const update = { untrusted: [] as SignedChange[], primaryKeys: [] as SignedChange[] };
  for (const change of changes) {
    const name = listOf(change);
    const chain = chains[name];
    chain.version++;
    const unsigned = { version: chain.version, change, madeOnDay, by: primary.id };
    chain.head = nextHead(chain.head, unsigned);
    update[name].push({ ...unsigned, signature: signCompact(primary.key.privateKey, headText(chain.head)) });
  }
  return update;
}
