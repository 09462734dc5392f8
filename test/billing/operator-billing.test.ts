/** Billing of real operators: a deposit between two banks in two currencies, told to every kind of billing system, and exported. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Exported } from '../../src/billing/files/export-records.ts';
import type { BillingEvent } from '../../src/billing/webhook/billing-event.ts';
import { verifyWebhook } from '../../src/billing/webhook/verify-webhook.ts';
import { toHex } from '../../src/codec/hex.ts';
import { sha256 } from '../../src/crypto/digest.ts';
import { parseAmount } from '../../src/money/amount.ts';
import { ConfigurationError, readConfiguration } from '../../src/party/configuration/configuration.ts';
import { makeAdapter } from '../../src/party/operator/billing-adapters.ts';
import type { OperatorAccounts } from '../../src/party/operator/operator-accounts.ts';
import { handsel, killAll } from '../cli/handsel-process.ts';
import { type PartyWorld, startPartyWorld } from '../e2e/party-world.ts';
import { until } from '../e2e/until.ts';
import { silentLog } from './bookings.ts';
import { schemaFaults } from './schema-judge.ts';

let world: PartyWorld;
const events: BillingEvent[] = [];
/** How many webhooks the receiver turns away before it takes the first. */
let busy = 2;
const receiver = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  if (busy-- > 0) return void response.writeHead(503).end();
  const { port } = receiver.address() as AddressInfo;
  const [certificate] = world.identityOf('south').chain;
  const event = verifyWebhook(
    {
      ...{ method: request.method ?? '', url: `http://127.0.0.1:${port}/south`, body: Buffer.concat(chunks) },
      header: (name) => request.headers[name]?.toString(),
    },
    {
      keyOf: (keyId) => (keyId === toHex(sha256(certificate!.der)) ? certificate!.publicKey : undefined),
      nowMs: Date.now(),
    },
  );
  events.push(event);
  response.writeHead(204).end();
});

const OWN_ADAPTER = `
import { appendFileSync } from 'node:fs';
export function createBillingAdapter({ operator, options, path }) {
  return {
    async take({ number, record }) {
      appendFileSync(path(options.file), operator + ' ' + number + ' ' + record.id + '\\n');
    },
  };
}
`;

const folderOf = (operator: string) => dirname(world.configurationOf(operator));
function configure(operator: string, billing: object): void {
  const file = world.configurationOf(operator);
  const configuration = JSON.parse(readFileSync(file, 'utf8'));
  configuration.deposits.billing = billing;
  writeFileSync(file, JSON.stringify(configuration));
}

beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const { port } = receiver.address() as AddressInfo;
  world = await startPartyWorld();
  await world.stop('south');
  writeFileSync(join(folderOf('south'), 'own.mjs'), OWN_ADAPTER);
  configure('south', {
    bics: { south: 'SOUTNL2A', north: 'NORTGB2L' },
    ibans: { 'customer:customer': 'NL91ABNA0417164300' },
    adapters: [
      { kind: 'csv', directory: 'lists' },
      { kind: 'iso20022', directory: 'bank' },
      { kind: 'webhook', url: `http://127.0.0.1:${port}/south` },
      { kind: 'module', name: 'own', file: 'own.mjs', options: { file: 'own.txt' } },
    ],
  });
  await world.start('south');
  const { fetch } = world.deposits();
  const urls = [`${world.paidUrlOf('atlas')}/paid/country-facts?find=France`];
  const own = { max: parseAmount('0.50EUR') };
  const order = { urls, times: 250, atOnce: 8, method: 'GET', headers: {}, body: new Uint8Array(), own };
  for await (const event of fetch(order)) if (event.type === 'failed') throw new Error(event.detail);
});
afterAll(async () => {
  killAll();
  await world?.close();
  receiver.closeAllConnections();
  receiver.close();
});

async function ask<T>(operator: string, what: string, as = operator): Promise<T> {
  const { status, body } = await world.clientAs(as).get(`${world.urlOf(operator)}/operator/${what}`);
  const json = JSON.parse(Buffer.from(body).toString()) as T & { readonly code: string };
  if (status !== 200) throw Object.assign(new Error(json.code), { code: json.code });
  return json;
}
const today = () => new Date().toISOString().slice(0, 10);
const exported = async (operator: string, format: string, from = today(), to = from) =>
  (await ask<Exported>(operator, `billing?format=${format}&from=${from}&to=${to}`)).text;
const filesIn = (folder: string) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name))
        .sort()
    : [];

test('[ERI-G] each billing system of an operator is told of the deposit through one API, and so is the other operator’s', async () => {
  await until(
    async () => events.map(({ id }) => id).sort(),
    (ids) => ids.length === 2,
  );
  // The receiver was busy at first, and got both all the same.
  expect(busy).toBeLessThan(0);
  expect(events.map(({ id }) => id).sort()).toEqual(['clearing:south.1.1', 'withdrawal:south.1.1']);
  const withdrawn = events.find(({ type }) => type === 'withdrawal')!.record;
  expect(withdrawn).toMatchObject({
    ...{ customer: 'customer', merchant: 'atlas', merchantOperator: 'north' },
    ...{ deposit: { amount: '0.50', currency: 'EUR' }, paid: { amount: '0.10', currency: 'USD' } },
  });
  const south = folderOf('south');
  const [list] = filesIn(join(south, 'lists'));
  expect(readFileSync(list!, 'utf8').split('\r\n')).toHaveLength(4);
  expect(readFileSync(join(south, 'own.txt'), 'utf8').trimEnd().split('\n').sort()).toEqual(
    expect.arrayContaining([expect.stringMatching(/^south \d withdrawal:south\.1\.1$/)]),
  );
  const messages = filesIn(join(south, 'bank')).map((file) => readFileSync(file, 'utf8'));
  expect(messages).toHaveLength(2);
  expect(await schemaFaults(messages)).toEqual([]);
  const transfer = messages.find((message) => message.includes('pacs.008'))!;
  expect(transfer).toContain('<IntrBkSttlmAmt Ccy="USD">0.10</IntrBkSttlmAmt>');
  expect(transfer).toContain('<BICFI>NORTGB2L</BICFI>');

  // The merchant's operator has the lists it began with, in its own currency.
  const north = await until(
    async () => filesIn(join(folderOf('north'), 'billing')).map((file) => readFileSync(file, 'utf8')),
    ([text]) => text?.split('\r\n').length === 4,
  );
  expect(north[0]).toContain('deposit:south.1.1');
  expect(north[0]).toMatch(/clearing:south\.1\.1,.*,due,0\.10,USD/);
});

test('nothing that goes to the other operator or its merchant names the customer, and nothing at all what was bought', async () => {
  const transfer = filesIn(join(folderOf('south'), 'bank/pacs.008')).map((file) => readFileSync(file, 'utf8'));
  const north = filesIn(join(folderOf('north'), 'billing')).map((file) => readFileSync(file, 'utf8').split('\r\n')[1]!);
  expect([transfer.length, north.length]).toEqual([1, 1]);
  for (const text of [...transfer, ...north]) expect(text).not.toMatch(/customer/i);
  const everything = [...transfer, ...north, JSON.stringify(events), await exported('south', 'csv')];
  for (const text of everything) expect(text).not.toMatch(/country-facts|France|lookup/i);
});

test('statements end with the balances of the ledger, after the settlement, too', async () => {
  const message = { kind: 'close', contentType: 'application/json', extension: 'json', body: new Uint8Array() };
  await world.clientAs('south').post(`${world.urlOf('south')}/operator/close-of-business`, message);
  const paid = await until(
    () => exported('south', 'pacs.009').catch(() => ''),
    (text) => text !== '',
  );
  expect(paid).toContain('<IntrBkSttlmAmt Ccy="USD">0.10</IntrBkSttlmAmt>');
  for (const operator of ['north', 'south']) {
    const statements = await until(
      () => exported(operator, 'camt.053'),
      (text) => /SETTLEMENT/.test(text),
    );
    expect(await schemaFaults([statements])).toEqual([]);
    const { deposits } = await ask<OperatorAccounts>(operator, 'accounts');
    const balances = new Map(deposits!.accounts.map(({ account, balance }) => [account, Number(balance) / 100]));
    const stated = [...statements.matchAll(/<Stmt>[\s\S]*?<\/Stmt>/g)].map(([statement]) => {
      const account = /<Acct>\s*<Id>\s*(?:<IBAN>(.*)<\/IBAN>|<Othr>\s*<Id>(.*)<\/Id>)/.exec(statement)!;
      const last = [
        ...statement.matchAll(/<Amt Ccy="[A-Z]+">([\d.]+)<\/Amt>\s*<CdtDbtInd>(\w+)<\/CdtDbtInd>\s*<Dt>/g),
      ].at(-1)!;
      return [
        account[1] === undefined ? account[2]! : 'customer:customer',
        Number(last[1]) * (last[2] === 'DBIT' ? -1 : 1),
      ] as const;
    });
    expect(stated.length).toBe(2);
    for (const [account, balance] of stated) expect([account, balance]).toEqual([account, balances.get(account)]);
  }
  expect(await schemaFaults([paid])).toEqual([]);
});

describe('handsel operator export', () => {
  const run = (...args: string[]) => handsel('operator', 'export', '--config', folderOf('south'), ...args).ended;

  test('writes to standard output, or into a file', async () => {
    const { code, out } = await run('--format', 'csv', '--from', today());
    expect(code).toBe(0);
    expect(out).toBe(await exported('south', 'csv'));
    const file = join(folderOf('south'), 'out/november.xml');
    const written = await run('--format', 'pacs.008', '--from', today(), '--to', today(), '--out', file);
    expect(written).toMatchObject({ code: 0, err: '' });
    expect(written.out).toMatch(/november\.xml: pacs\.008, \d{4} bytes\n$/);
    expect(await schemaFaults([readFileSync(file, 'utf8')])).toEqual([]);
    const json = await run('--format', 'camt.054', '--from', today(), '--json');
    expect(JSON.parse(json.out)).toMatchObject({ format: 'camt.054', contentType: 'application/xml' });
  });

  test.each([
    [['--format', 'camt.052', '--from', '2026-10-02'], 2, 'Allowed choices are camt.053'],
    [['--format', 'csv'], 2, '--from'],
    [['--format', 'csv', '--from', 'today'], 2, 'write a day such as 2026-10-02'],
    [['--format', 'csv', '--from', '2026-13-02'], 2, 'write a day such as 2026-10-02'],
    [['--format', 'csv', '--from', '2026-10-02', '--to', '2026-10-01'], 1, 'is before'],
    [['--format', 'pacs.009', '--from', '2020-01-01'], 1, 'nothing was booked'],
  ])('%j ends with %i: %s', async (args, exit, words) => {
    const { code, err } = await run(...args);
    expect(code).toBe(exit);
    expect(err).toContain(words);
  });

  test('has help with examples', async () => {
    const { code, out } = await handsel('operator', 'export', '--help').ended;
    expect(code).toBe(0);
    expect(out).toContain('--format camt.053');
  });

  test('is for the operator itself', async () => {
    for (const other of ['north', 'atlas', 'customer']) {
      await expect(ask('south', `billing?format=csv&from=${today()}&to=${today()}`, other)).rejects.toMatchObject({
        code: 'NOT_ALLOWED',
      });
    }
  });
});

describe('the configuration', () => {
  const csv = { kind: 'csv', directory: 'x' };
  test.each([
    [{ timeZone: 'Mars/Olympus' }, 'expected a time zone such as Europe/Berlin'],
    [{ bics: { south: 'SOUTH' } }, 'expected a BIC'],
    [{ ibans: { 'customer:customer': 'NL92ABNA0417164300' } }, 'expected an IBAN'],
    [{ clearingSystem: 'target' }, 'a code such as TGT'],
    [{ adapters: [csv, csv] }, 'two adapters are called "csv"'],
    [{ adapters: [{ kind: 'fax' }] }, 'adapters'],
    [{ adapters: [{ kind: 'iso20022', directory: 'x', messages: ['camt.052'] }] }, 'messages'],
    [{ adapters: [{ kind: 'webhook', url: 'http://billing.example/' }] }, 'https addresses'],
    [{ adapters: [{ kind: 'webhook', url: 'not at all' }] }, 'expected an https address'],
    [{ adapters: [{ kind: 'csv', directory: 'x', name: 'Big Name' }] }, 'small letters'],
    ['billing', 'billing'],
  ])('%j is refused: %s', (billing, words) => {
    const before = readFileSync(world.configurationOf('north'), 'utf8');
    try {
      configure('north', billing as object);
      expect(() => readConfiguration('operator', world.configurationOf('north'))).toThrow(ConfigurationError);
      expect(() => readConfiguration('operator', world.configurationOf('north'))).toThrow(words);
    } finally {
      writeFileSync(world.configurationOf('north'), before);
    }
  });

  test.each([
    ['export const nothing = 1;', 'exports no function "createBillingAdapter"'],
    ['export const createBillingAdapter = () => ({});', 'made nothing with a "take"'],
    ['export const createBillingAdapter = () => { throw new Error("no ledger"); };', 'failed: no ledger'],
    ['this is no program', 'cannot load'],
    [undefined, 'cannot load'],
  ])('a module of the operator’s own that says %j is refused', async (text, words) => {
    const file = `bad-${toHex(sha256(Buffer.from(words))).slice(0, 8)}-${text?.length}.mjs`;
    const folder = folderOf('north');
    if (text !== undefined) writeFileSync(join(folder, file), text);
    const around = {
      ...{ bank: { name: 'north', bics: new Map(), ibans: new Map() }, timeZone: 'UTC', dayOf: () => today() },
      ...{ identity: world.identityOf('north'), path: (relative: string) => join(folder, relative), nowMs: Date.now },
      log: silentLog,
    };
    const made = makeAdapter({ kind: 'module', name: 'own', file, options: {} }, around);
    await expect(made).rejects.toThrow(ConfigurationError);
    await expect(made).rejects.toThrow(words);
  });
});
