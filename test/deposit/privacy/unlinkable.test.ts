/**
 * Two sessions of one customer cannot be linked by merchant or acquirer: whatever these two have in common, the session of another customer
 * between them has, too. Everything a role keeps, says, hears and logs is taken apart; connections count as what they are.
 */
import { describe, expect, test } from 'vitest';
import { readMessage } from '../../../src/crypto/signed-message.ts';
import { terminateType, transactionRecordType } from '../../../src/deposit/message/conclusion.ts';
import { amendedInitiationType } from '../../../src/deposit/message/initiation.ts';
import { partyClient } from '../../../src/party/running/communication.ts';
import { silentLog } from '../../../src/transport/log.ts';
import { messagesOf, sightsAt } from './evidence.ts';
import { sightsOf } from './mark.ts';
import { joinedBy, joining, telling } from './plants.ts';
import { cast, goods, type Plant, type PrivacyWorld, startPrivacyWorld } from './privacy-world.ts';
import { type Seen, type SessionTaken, sessionSights, takeSession } from './session-sights.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;
const [recordKind, terminateKind] = [transactionRecordType.name, terminateType.name];
const [ann, bob] = cast.customers;
const [bakery, kiosk] = cast.merchants;

type Plan = readonly (readonly [customer: string, ...merchants: string[]])[];

/** Alternating, so that what only the time of day has in common is in common with the session between, too. */
const atBakery: Plan = [ann, bob, ann, bob].map((customer) => [customer, bakery]);
const atBoth: Plan = [
  [ann, bakery],
  [bob, kiosk],
  [ann, kiosk],
  [bob, bakery],
];

async function withSessions<T>(
  plan: Plan,
  { plant, more }: { readonly plant?: Plant; readonly more?: Parameters<typeof takeSession>[3] },
  use: (world: PrivacyWorld, taken: readonly SessionTaken[]) => Promise<T>,
): Promise<T> {
  const world = await startPrivacyWorld(plant);
  try {
    const taken: SessionTaken[] = [];
    for (const [customer, ...merchants] of plan) {
      taken.push(await takeSession(world, customer, merchants, { times: 5, ...more }));
    }
    await world.stop();
    return await use(world, taken);
  } finally {
    world.remove();
  }
}

/** What both sessions of a customer have, and no session of the other one, of which one is between them. */
async function linksAt(role: string, world: PrivacyWorld, taken: readonly SessionTaken[]): Promise<readonly string[]> {
  const seen = await sessionSights(world, taken, role);
  expect(seen.every(({ size }) => size > 50)).toBe(true);
  const [one, two, three, four] = seen as [Seen, Seen, Seen, Seen];
  const common = (first: Seen, second: Seen, others: readonly Seen[]) =>
    [...first].filter((thing) => second.has(thing) && !others.some((other) => other.has(thing)));
  return [...new Set([...common(one, three, [two, four]), ...common(two, four, [one, three])])].sort();
}

test('[ERI-D] the sessions of one customer at a merchant have nothing in common that another’s has not', async () => {
  await withSessions(atBakery, {}, async (world, taken) => {
    expect(await linksAt(bakery, world, taken)).toEqual([]);
    expect(await linksAt(cast.acquirer, world, taken)).toEqual([]);
    // Whoever may link them can.
    expect(await linksAt(cast.accountManager, world, taken)).toEqual(expect.arrayContaining([ann, bob]));
  });
});

test('nor have they under a limit of the customer’s own', async () => {
  const more = { own: { max: { currency: 'EUR', minor: 500_000n } } };
  await withSessions(atBakery, { more }, async (world, taken) => {
    expect(await linksAt(bakery, world, taken)).toEqual([]);
    expect(await linksAt(cast.acquirer, world, taken)).toEqual([]);
  });
});

test('deposits of one command end by the minute, each by its own beginning', async () => {
  const world = await startPrivacyWorld();
  try {
    const limits = [{}, { own: { max: { currency: 'EUR', minor: 1_000_000n } } }];
    for (const own of limits) {
      const beganMs = Date.now();
      const { messages } = await takeSession(world, ann, [bakery, kiosk], { times: 2, ...own });
      const heard = messagesOf({ messages: world.messages.slice(...messages) }, cast.acquirer);
      const asked = heard.filter(({ kind }) => kind === amendedInitiationType.name);
      expect(asked).toHaveLength(2);
      for (const { bytes } of asked) {
        const { endsAtMs } = readMessage(amendedInitiationType, bytes).value;
        expect(endsAtMs % MINUTE_MS).toBe(0);
        expect(endsAtMs).toBeGreaterThanOrEqual(beganMs + DAY_MS);
        expect(endsAtMs).toBeLessThanOrEqual(Date.now() + DAY_MS + MINUTE_MS);
      }
      const said = world.messages
        .slice(...messages)
        .filter(({ from, kind }) => from === ann && [recordKind, terminateKind].includes(kind));
      expect(said.map(({ kind }) => kind).sort()).toEqual([recordKind, recordKind, terminateKind, terminateKind]);
      for (const { kind, bytes } of said) {
        const { atMs } =
          kind === recordKind
            ? readMessage(transactionRecordType, bytes).value
            : readMessage(terminateType, bytes).value;
        expect(atMs % MINUTE_MS).toBe(0);
      }
    }
    await world.stop();
  } finally {
    world.remove();
  }
});

test('a shop does not ask who comes: it hears nothing even from those who would say it', async () => {
  const world = await startPrivacyWorld();
  try {
    const { identity } = world.parties.get(ann)!;
    const client = partyClient({ name: ann, identity, surroundings: { log: silentLog() }, peers: {} });
    const { status } = await client.get(`${world.shopUrl(bakery)}/paid/${goods.sku}`);
    client.close();
    await world.stop();
    expect(status).toBe(402);
    const { logs } = world.parties.get(bakery)!;
    expect(logs.some((line) => line.includes('GET /paid/:sku'))).toBe(true);
    expect(logs.filter((line) => line.includes(ann))).toEqual([]);
  } finally {
    world.remove();
  }
});

test('[ERI-D] the acquirer cannot link sessions with two of its merchants either', async () => {
  await withSessions(atBoth, {}, async (world, taken) => {
    expect(await linksAt(cast.acquirer, world, taken)).toEqual([]);
  });
});

describe('leaks that somebody puts in', () => {
  test('join sessions of a customer, and are found', async () => {
    await withSessions(atBakery, { plant: joining }, async (world, taken) => {
      const [atMerchant, atAcquirer] = [
        await linksAt(bakery, world, taken),
        await linksAt(cast.acquirer, world, taken),
      ];
      for (const customer of [ann, bob]) {
        const { identifier, idle, cookie } = joinedBy(customer);
        expect(atMerchant).toEqual(expect.arrayContaining([identifier, idle, cookie]));
        expect(atAcquirer).toEqual(expect.arrayContaining([identifier, idle]));
      }
    });
  });

  test('say whose account it is and what was bought, and are found', async () => {
    await withSessions([[ann, bakery]], { plant: telling }, async (world) => {
      const found = async (mark: string, role: string) => sightsOf([{ text: mark }], await sightsAt(world, role));
      for (const role of [bakery, cast.acquirer]) expect(await found(ann, role), role).not.toEqual([]);
      for (const role of [cast.acquirer, cast.accountManager])
        expect(await found(goods.asked, role), role).not.toEqual([]);
    });
  });
});
