/** Everything a role gets to see of deposits: its stores, also in clear where it has the key, what it says and hears, and its logs. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeCborExact, encodeCbor } from '../../../src/codec/cbor.ts';
import { readMessage } from '../../../src/crypto/signed-message.ts';
import type { MerchantRecord } from '../../../src/deposit/merchant/merchant-session.ts';
import { readList } from '../../../src/deposit/merchant/read-list.ts';
import { statementType } from '../../../src/deposit/message/conclusion.ts';
import { informationType, openedType } from '../../../src/deposit/message/initiation.ts';
import { decodeEntry, historyKey } from '../../../src/journal/decided-entry.ts';
import { openSqliteJournal } from '../../../src/journal/sqlite-journal.ts';
import { readKeyFile } from '../../../src/party/configuration/key-file.ts';
import type { TracedMessage } from '../../../src/transport/trace.ts';
import type { Sight } from './mark.ts';
import { cast, type PrivacyWorld } from './privacy-world.ts';
import type { Role } from './seen-by.ts';

/** Of a world that has stopped. */
export async function evidenceOf(
  world: PrivacyWorld,
  customer: string,
  merchant: string,
): Promise<Readonly<Record<Role, readonly Sight[]>>> {
  return {
    customer: await sightsAt(world, customer),
    'account manager': await sightsAt(world, cast.accountManager),
    acquirer: await sightsAt(world, cast.acquirer),
    merchant: await sightsAt(world, merchant),
    network: world.taps.flatMap(({ connections }, tap) =>
      connections.flatMap(({ up, down }, at) => [
        { where: `connection ${at} of tap ${tap}, up`, bytes: Buffer.concat(up) },
        { where: `connection ${at} of tap ${tap}, down`, bytes: Buffer.concat(down) },
      ]),
    ),
    arbiter: await handedOver(world, customer, merchant),
  };
}

export async function sightsAt(world: PrivacyWorld, name: string): Promise<Sight[]> {
  const { folder, logs } = world.parties.get(name)!;
  const shop = world.shops.get(name);
  return [
    ...filesBelow(join(folder, 'journals')),
    ...filesBelow(join(folder, 'billing')),
    ...(await journalsIn(folder)),
    ...(shop === undefined ? [] : await listsOf(world, name)),
    ...messagesOf(world, name).map((message) => ({ where: spoken(message), bytes: message.bytes })),
    ...logs.map((line) => ({ where: 'log', bytes: Buffer.from(line) })),
    ...(shop?.connections ?? []).flatMap(({ up, down, shown }) => [
      { where: 'requests in clear', bytes: Buffer.concat(up) },
      { where: 'answers in clear', bytes: Buffer.concat(down) },
      ...shown.map((bytes) => ({ where: 'certificate shown', bytes })),
    ]),
  ];
}

export const messagesOf = ({ messages }: Pick<PrivacyWorld, 'messages'>, name: string) =>
  messages.filter(({ from, to }) => from === name || to === name);

export const spoken = ({ from, to, kind }: TracedMessage) => `${from} → ${to} ${kind}`;

export function firstSpoken({ messages }: Pick<PrivacyWorld, 'messages'>, what: string): Uint8Array {
  const found = messages.find((message) => spoken(message) === what);
  if (found === undefined) throw new Error(`nobody said ${what}`);
  return found.bytes;
}

function filesBelow(folder: string): Sight[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => ({ where: `file ${name}`, bytes: readFileSync(join(parentPath, name)) }));
}

/** Entry by entry, in their order. */
export async function journalsIn(folder: string): Promise<Sight[]> {
  const sights: Sight[] = [];
  for (const file of readdirSync(join(folder, 'journals')).filter((name) => name.endsWith('.journal'))) {
    const journal = await openSqliteJournal({ file: join(folder, 'journals', file) });
    for await (const { sequence, body } of journal.read(0))
      sights.push({ where: `${file}, entry ${sequence}`, bytes: body });
    await journal.close();
  }
  return sights;
}

/** The merchant's own lists, with its own key. */
async function listsOf(world: PrivacyWorld, merchant: string): Promise<Sight[]> {
  const { folder } = world.parties.get(merchant)!;
  const storageKey = readKeyFile(join(folder, 'storage.key'));
  const journal = await openSqliteJournal({ file: join(folder, 'journals', 'deposits.journal') });
  const host = {
    async readByKey(key: string): Promise<MerchantRecord[]> {
      const entries = await journal.readByKey(historyKey(key));
      return entries.flatMap(({ body }) =>
        decodeEntry(body).records.map((record) => decodeCborExact(record) as unknown as MerchantRecord),
      );
    },
  };
  const sights: Sight[] = [];
  for (const transaction of transactionsAt(world, merchant)) {
    const entries = await readList(host, transaction, storageKey);
    const list = encodeCbor(entries.map(({ number, units, request }) => [number, units, request]));
    sights.push({ where: `list of ${transaction}`, bytes: list });
  }
  await journal.close();
  return sights;
}

export function transactionsAt(world: PrivacyWorld, merchant: string): string[] {
  const told = world.messages.filter(
    (message) => spoken(message) === `${cast.acquirer} → ${merchant} ${informationType.name}`,
  );
  return [...new Set(told.map(({ bytes }) => readMessage(informationType, bytes).value.transaction))];
}

/** What a dispute over a deposit puts before whoever decides: both records, the keys they are signed with, the ruling, and the list. */
async function handedOver(world: PrivacyWorld, customer: string, merchant: string): Promise<Sight[]> {
  const { acquirer, accountManager } = cast;
  const statement = readMessage(statementType, firstSpoken(world, `${acquirer} → ${merchant} deposit-statement`)).value;
  return [
    { where: 'record of the customer', bytes: firstSpoken(world, `${customer} → ${accountManager} deposit-record`) },
    { where: 'record of the merchant', bytes: firstSpoken(world, `${merchant} → ${acquirer} deposit-record`) },
    {
      where: 'key of the customer',
      bytes: readMessage(informationType, firstSpoken(world, `${acquirer} → ${merchant} deposit-information`)).value
        .certificate,
    },
    {
      where: 'key of the merchant',
      bytes: readMessage(openedType, firstSpoken(world, `${accountManager} → ${customer} deposit-initiationAnswer`))
        .value.certificate,
    },
    { where: 'ruling', bytes: statement.clearing },
    ...(await listsOf(world, merchant)).slice(0, 1),
  ];
}
