/** What a role has of one session: every value in its stores, messages, logs and connections while it lasted. */
import { readMessage } from '../../../src/crypto/signed-message.ts';
import { informationType } from '../../../src/deposit/message/initiation.ts';
import type { FetchOrder } from '../../../src/party/purse/paid-fetch.ts';
import { journalsIn, messagesOf, spoken } from './evidence.ts';
import { leavesOf } from './leaves.ts';
import { cast, type PrivacyWorld } from './privacy-world.ts';

/** Values in words, so that they can be compared and read. */
export type Seen = ReadonlySet<string>;

export interface SessionTaken {
  readonly sessions: readonly string[];
  readonly messages: readonly [number, number];
  readonly logs: ReadonlyMap<string, readonly [number, number]>;
  /** By merchant, of each connection in use: its number and where its bytes began and ended. */
  readonly connections: ReadonlyMap<string, readonly Part[]>;
}

interface Part {
  readonly connection: number;
  readonly up: readonly [number, number];
  readonly down: readonly [number, number];
}

/** Smaller ones are durations, counts and lengths, and meet by chance. */
const LEAST_NUMBER = 1000n;

export async function takeSession(
  world: PrivacyWorld,
  customer: string,
  merchants: readonly string[],
  more: Partial<FetchOrder>,
): Promise<SessionTaken> {
  const before = counts(world);
  await world.session(customer, merchants, more);
  const after = counts(world);
  const messages = [before.messages, after.messages] as const;
  const told = world.messages
    .slice(...messages)
    .filter((message) => spoken(message).startsWith(`${cast.acquirer} → `) && message.kind === informationType.name);
  const sessions = told.map(({ bytes }) =>
    readMessage(informationType, bytes).value.transaction.split('.').slice(0, 2).join('.'),
  );
  const connections = new Map(
    [...after.connections].map(([name, counted]) => [
      name,
      counted.flatMap(([up, down], connection): Part[] => {
        const [upBefore, downBefore] = before.connections.get(name)![connection] ?? [0, 0];
        return up === upBefore && down === downBefore
          ? []
          : [{ connection, up: [upBefore, up], down: [downBefore, down] }];
      }),
    ]),
  );
  const logs = new Map([...after.logs].map(([name, count]) => [name, [before.logs.get(name)!, count] as const]));
  return { sessions: [...new Set(sessions)], messages, logs, connections };
}

function counts(world: PrivacyWorld) {
  return {
    messages: world.messages.length,
    logs: new Map([...world.parties].map(([name, { logs }]) => [name, logs.length])),
    connections: new Map(
      [...world.shops].map(([name, { connections }]) => [
        name,
        connections.map(({ up, down }) => [up.length, down.length] as const),
      ]),
    ),
  };
}

export async function sessionSights(
  world: PrivacyWorld,
  taken: readonly SessionTaken[],
  role: string,
): Promise<readonly Seen[]> {
  const { folder, logs } = world.parties.get(role)!;
  const entries = await journalsIn(folder);
  const shares = shareOut(entries, taken);
  return taken.map(({ messages, logs: ofLogs, connections }, at) => {
    const seen = new Set<string>();
    const add = (bytes: Uint8Array) => {
      const leaves = leavesOf(bytes);
      for (const number of leaves.numbers) if (number >= LEAST_NUMBER) seen.add(`${number}`);
      for (const text of leaves.texts) if (!/^\d{1,3}$/.test(text)) seen.add(text);
      for (const hex of leaves.bytes) if (hex.length >= 16) seen.add(hex);
    };
    for (const { bytes } of messagesOf({ messages: world.messages.slice(...messages) }, role)) add(bytes);
    for (const line of logs.slice(...ofLogs.get(role)!)) add(Buffer.from(line));
    for (const bytes of shares[at]!) add(bytes);
    for (const { connection, up, down } of connections.get(role) ?? []) {
      const { up: sent, down: answered, shown, resumed } = world.shops.get(role)!.connections[connection]!;
      seen.add(`connection ${connection}`);
      if (resumed) seen.add('connection resumed');
      for (const bytes of shown) seen.add(`certificate ${Buffer.from(bytes).toString('hex')}`);
      for (const part of [...sent.slice(...up), ...answered.slice(...down)]) add(part);
    }
    return seen;
  });
}

/** Journals are written in order: what stands from the first mention of a session to that of the next is of that session. */
function shareOut(
  entries: readonly { readonly where: string; readonly bytes: Uint8Array }[],
  taken: readonly SessionTaken[],
): Uint8Array[][] {
  const shares: Uint8Array[][] = taken.map(() => []);
  const files = Map.groupBy(entries, ({ where }) => where.split(',')[0]!);
  for (const inFile of files.values()) {
    let current: number | undefined;
    for (const { bytes } of inFile) {
      const { texts } = leavesOf(bytes);
      const mentioned = taken.findLastIndex(({ sessions }) =>
        sessions.some((session) => [...texts].some((text) => `${text}.`.includes(`${session}.`))),
      );
      if (mentioned >= 0 && (current === undefined || mentioned > current)) current = mentioned;
      if (current !== undefined) shares[current]!.push(bytes);
    }
  }
  return shares;
}
