/**
 * What people type about tickets, credentials, disputes and papers where money moves by card, through the real parties of the network that
 * `handsel network init` makes: devices, trusted servers, card network, acquirer and issuer, each a process (US 5,671,280, figures 21 and 26 to 32).
 */
import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflateSync } from 'node:zlib';
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc';
import jsqr from 'jsqr';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askOwnParty } from '../../src/cli/own-party.ts';
import type { ExportedCredential, HeldCopy } from '../../src/party/device/credential-desk.ts';
import type { ShownCode } from '../../src/party/device/device-desk.ts';
import type { DisputeView } from '../../src/party/device/dispute-desk.ts';
import type { Remitted } from '../../src/party/device/paper-desk.ts';
import type { AccountView, PaperBooks, PaperView } from '../../src/party/device/paper-view.ts';
import type { TicketView } from '../../src/party/device/ticket-view.ts';
import type { OperatorAccounts } from '../../src/party/operator/operator-accounts.ts';
import type { TicketCaseView } from '../../src/party/trusted/case-control.ts';
import { event, startTicketTown, type TicketTown, TOWN, until } from './ticket-town.ts';

const examples = fileURLToPath(new URL('../../examples/papers/', import.meta.url));

let town: TicketTown;
/** Names of ada's card credential. */
let card: string;
beforeAll(async () => {
  town = await startTicketTown({ only: [...TOWN, 'north', 'south', 'cards'] });
  said('credentials', 'record', join(town.home, 'bureau/people/ada.json'));
  card = said<TicketView>(
    'credentials',
    'acquire',
    'credit card',
    '--from',
    'bureau',
    '--code',
    visit('credit card'),
  ).id;
}, 120_000);
afterAll(() => town.close(), 60_000);

/** The facts that a command says. */
function said<T>(...args: string[]): T {
  const { code, out, err } = town.handsel(...args, '--json');
  if (code !== 0) throw new Error(`${args.join(' ')}: ${err}`);
  return JSON.parse(out) as T;
}

/** The code of its error. */
function refused(...args: string[]): string {
  const { code, err } = town.handsel(...args, '--json');
  expect(code, args.join(' ')).toBe(1);
  return JSON.parse(err.trim().split('\n').at(-1)!).error.code;
}

const visit = (wanted: string) => said<{ readonly code: string }>('credentials', 'visit', 'ada', wanted).code;
const buy = (sku: string) => said<TicketView>('tickets', 'buy', sku, '--from', 'opera', '--max', '90EUR');

/** Balances in minor units of euros: of the card's owner at its bank, and of those who are paid at theirs. */
async function money() {
  const ask = { method: 'GET', path: '/operator/accounts' } as const;
  const [north, south] = await Promise.all(
    ['north', 'south'].map((name) => askOwnParty<OperatorAccounts>('operator', join(town.home, name), ask)),
  );
  const balance = (accounts: OperatorAccounts['issuer']['accounts'], name: string) =>
    Number(accounts.find(({ account }) => account === name)?.balance ?? 0);
  return {
    card: balance(south!.issuer.accounts, 'customer'),
    opera: balance(north!.acquirer.accounts, 'merchant:opera:EUR'),
    bureau: balance(north!.acquirer.accounts, 'merchant:bureau:EUR'),
  };
}

/** When the advices of the card network have arrived. */
async function moved(before: Awaited<ReturnType<typeof money>>, by: Partial<typeof before>): Promise<void> {
  const expected = { ...before };
  for (const [name, minor] of Object.entries(by)) expected[name as keyof typeof before] += minor;
  await until(async () => JSON.stringify(await money()) === JSON.stringify(expected));
}

describe('a dispute about a ticket that was bought', () => {
  const open = (ticket: TicketView) =>
    said<DisputeView>('dispute', 'open', `ticket:${ticket.id}`, '--with', 'opera', '--statement', 'A pillar.').dispute;
  const answer = (dispute: string, ...how: string[]) =>
    said<DisputeView>('dispute', 'answer', `dispute:${dispute}`, '--merchant', 'opera', '--statement', 'Well.', ...how);
  const holds = (id: string) => said<readonly TicketView[]>('tickets', 'list').find((one) => one.id === id)?.standing;

  test('[CITI-F30] [CITI-F32] is granted by the merchant: the money is on the card again, and the ticket void', async () => {
    const before = await money();
    const ticket = buy('night-train');
    await moved(before, { card: -2990, opera: 2990 });
    const dispute = open(ticket);
    expect(answer(dispute, '--grant', 'refund', '--grant', 'replacement')).toMatchObject({ status: 'granted' });
    expect(said<DisputeView>('dispute', 'show', `dispute:${dispute}`).offered).toEqual([
      'refund of 29.90 EUR',
      'replacement',
    ]);
    // It goes back to the card that paid, without being told which one that was; and once.
    expect(said('dispute', 'choose', `dispute:${dispute}`, '--what', 'refund')).toMatchObject({ status: 'refunded' });
    await moved(before, {});
    expect(holds(ticket.id)).toBe('revoked');
    expect(refused('dispute', 'choose', `dispute:${dispute}`, '--what', 'replacement')).toBe('COMMAND_UNTIMELY');
  }, 120_000);

  test('[CITI-F30] [CITI-E] or ends with another seat and no money back; what cannot be had is said', async () => {
    const before = await money();
    const ticket = buy('night-train');
    const dispute = open(ticket);
    const file = join(town.folder, 'other-train.json');
    const { id: _, ...train } = { id: '', ...ticket.fields };
    writeFileSync(file, JSON.stringify({ type: 'transportation', ...train, price: '29.90EUR' }));
    answer(dispute, '--grant', 'refund', '--grant', 'replacement', '--replacement', file);
    expect(said('dispute', 'choose', `dispute:${dispute}`, '--what', 'replacement')).toMatchObject({
      status: 'replaced',
    });
    expect(holds(ticket.id)).toBe('revoked');
    await moved(before, { card: -2990, opera: 2990 });

    const another = open(buy('live-radio'));
    answer(another, '--grant', 'replacement');
    const { code, err } = town.handsel('dispute', 'choose', `dispute:${another}`, '--what', 'replacement');
    expect([code, err.includes('choose a refund')]).toEqual([1, true]);
    said('dispute', 'choose', `dispute:${another}`, '--what', 'refund', '--card', card);
    await moved(before, { card: -2990, opera: 2990 });
  }, 120_000);

  test('[CITI-F31] [CITI-E] and denied goes before people of the trusted server, is appealed, and is paid back by the final ruling', async () => {
    const before = await money();
    const ticket = buy('night-train');
    const name = `dispute:${open(ticket)}`;
    answer(name.slice(8));
    expect(said('dispute', 'show', name)).toMatchObject({ status: 'denied' });
    expect(refused('dispute', 'choose', name)).toBe('COMMAND_UNTIMELY');
    said('dispute', 'escalate', name, '--statement', 'Look at the photograph.');
    const merchants = () => said<DisputeView>('dispute', 'show', name, '--merchant', 'opera');
    await until(() => merchants().heard !== undefined, 40);
    said('dispute', 'answer', name, '--merchant', 'opera', '--statement', 'It is another seat.');
    const registry = ['--kind', 'ticket', '--arbiter', join(town.home, 'registry')];
    const phase = (what: string) => (of: TicketCaseView) => of.phase === what;
    const cases = () => said<readonly TicketCaseView[]>('dispute', 'show', ...registry);
    await until(() => cases().some(phase('seeing')), 40);
    const { case: number } = cases().find(phase('seeing'))!;
    const decide = [
      '--decide',
      'refund',
      '--person',
      'J. Smit',
      '--statement',
      'It is there.',
      '--seen',
      'A photograph.',
    ];
    said('dispute', 'ruling', `case:${number}`, ...registry.slice(2), ...decide);
    const ruling = () => said<DisputeView>('dispute', 'show', name).ruling;
    await until(() => ruling()?.outcome === 'refund', 40);
    expect(refused('dispute', 'choose', name)).toBe('RULING_NOT_FINAL');

    said('dispute', 'escalate', name, '--merchant', 'opera', '--appeal', '--statement', 'That is not my seat.');
    await until(() => cases().some(phase('appealed')), 40);
    said('dispute', 'ruling', `case:${number}`, ...registry.slice(2), ...decide, '--person', 'A. Judge');
    await until(() => Date.parse(ruling()!.final) <= Date.now(), 40);
    said('dispute', 'choose', name);
    expect(holds(ticket.id)).toBe('revoked');
    await moved(before, {});

    const bundle = join(town.folder, 'ruling.bundle');
    said('dispute', 'ruling', name, '--out', bundle);
    const keys = ['--primary-keys', join(town.home, 'ben/trusted/primary-keys.json')];
    expect(said('verify-ruling', bundle, ...keys)).toMatchObject({ outcome: 'refund' });
    const bytes = readFileSync(bundle);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(bundle, bytes);
    expect(town.handsel('verify-ruling', bundle, ...keys).code).toBe(1);
  }, 180_000);
});

describe('a ticket that is used up step by step', () => {
  test('[CITI-F24] [CITI-F29] is topped up by its issuer for what it sells so much for, and goes on counting at the door', async () => {
    const first = await money();
    const ticket = buy('live-radio');
    await moved(first, { card: -500, opera: 500 });
    expect(town.handsel('tickets', 'present', ticket.id, '--at', 'door').code).toBe(0);
    const topUp = ['tickets', 'top-up', ticket.id, '--at', 'opera', '--max', '5EUR', '--sku'];
    expect(refused(...topUp, 'flute')).toBe('OFFER_UNKNOWN');
    expect(refused(...topUp, 'live-radio', '--max', '4EUR')).toBe('PRICE_ABOVE_LIMIT');
    expect(said(...topUp, 'live-radio')).toMatchObject({ id: ticket.id, remaining: 7199, standing: 'good' });
    await moved(first, { card: -1000, opera: 1000 });
    const presented = town.handsel('tickets', 'present', ticket.id, '--at', 'door');
    expect(presented.out).toContain('is good, 7198 left');
  }, 120_000);
});

describe('a credential', () => {
  test('[CITI-C] [CITI-F26] [CITI-F27] that costs something is issued when it is paid by card, and not for more than was said', async () => {
    const before = await money();
    const order = ['credentials', 'acquire', 'proof of age', '--from', 'bureau', '--code', visit('proof of age')];
    expect(refused(...order)).toBe('COSTS_MORE');
    expect(refused(...order, '--max', '2EUR')).toBe('COSTS_MORE');
    expect(refused(...order, '--max', '9USD')).toBe('COSTS_MORE');
    expect(await money()).toEqual(before);
    expect(said(...order, '--max', '2.50EUR')).toMatchObject({
      ...{ type: 'attestation', standing: 'good' },
      fields: { title: 'proof of age', claims: { 'over 16': true, 'over 18': true } },
    });
    // Each is credited to whoever sold it.
    await moved(before, { card: -250, bureau: 250 });
    expect(refused(...order, '--max', '3EUR')).toBe('NOT_DONE');
  }, 120_000);

  test('goes out as SD-JWT VC and comes in as one, judged and made by another implementation', async () => {
    const nowS = Math.floor(Date.now() / 1000);
    const issuer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const library = new SDJwtVcInstance({
      signer: (data: string) =>
        sign('sha256', Buffer.from(data), { key: issuer.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url'),
      ...{ signAlg: 'ES256', hashAlg: 'sha-256' },
      hasher: (data: string | ArrayBuffer) =>
        new Uint8Array(
          createHash('sha256')
            .update(typeof data === 'string' ? data : new Uint8Array(data))
            .digest(),
        ),
      saltGenerator: () => randomBytes(16).toString('base64url'),
    });
    const iss = 'https://university.example';
    const { id, jwk } = said<{ readonly id: string; readonly jwk: string }>('credentials', 'key');
    const claims = { iss, vct: `${iss}/degree`, iat: nowS, exp: nowS + 3600, cnf: { jwk: JSON.parse(jwk) } };
    const frame = { _sd: ['name', 'degree'] } as never;
    const text = await library.issue({ ...claims, name: 'Ada', degree: 'MSc' } as never, frame, {
      header: { kid: 'k' },
    });
    const [file, keys] = [join(town.folder, 'degree.txt'), join(town.folder, 'keys.json')];
    writeFileSync(file, text);
    const own = { ...issuer.publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256' };
    writeFileSync(keys, JSON.stringify({ issuer: iss, jwks: { keys: [own] } }));

    const take = ['credentials', 'import', file, '--id', id, '--keys', keys];
    expect(refused(...take, '--issuer', 'https://elsewhere.example')).toBe('CRYPTOGRAPHIC_FAILURE');
    expect(said(...take, '--issuer', iss)).toMatchObject({ id, issuer: iss, vct: `${iss}/degree` });
    const shown = ['--audience', 'https://shop.example', '--nonce', 'n-1'];
    const degree = said<ExportedCredential>('credentials', 'export', id.slice(0, 8), ...shown, '--fields', 'degree');
    expect(JSON.stringify(await library.getClaims(degree.sdJwt))).toContain('MSc');
    expect(JSON.stringify(await library.getClaims(degree.sdJwt))).not.toContain('Ada');
    expect(refused('credentials', 'export', id, ...shown, '--fields', 'address')).toBe('TICKET_UNKNOWN');

    // The other way: what the bureau issued, as a copy.
    const [held] = said<readonly TicketView[]>('credentials', 'show').filter(({ type }) => type === 'attestation');
    const copy = ['credentials', 'export', held!.id, '--at', 'bureau', ...shown, '--fields', 'over 18'];
    expect(await library.getClaims(said<ExportedCredential>(...copy).sdJwt)).toMatchObject({ 'over 18': true });
    const copies = said<readonly HeldCopy[]>('credentials', 'copies');
    expect(copies.map(({ fields }) => fields.join()).sort()).toEqual(['name,degree', 'over 16,over 18']);
    // Bound to another device's key, it is of no use there.
    const theirs = said<{ readonly id: string }>('credentials', 'key', '--device', 'ben').id;
    const stolen = ['credentials', 'import', file, '--id', theirs, '--keys', keys, '--issuer', iss, '--device', 'ben'];
    expect(refused(...stolen)).toBe('TICKET_INVALID');
  }, 120_000);
});

describe('commercial papers', () => {
  const write = (name: string, change: object, ...args: string[]) => {
    const file = join(town.folder, 'paper.json');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(`${examples}${name}.json`, 'utf8')), ...change }));
    return said<{ readonly accounts: readonly AccountView[] }>('papers', 'write', file, ...args).accounts;
  };
  const accounts = (...args: string[]) => said<PaperBooks>('papers', 'accounts', ...args).accounts;

  test('[CITI-D] [CITI-F29] [CITI-46] go from order to receipt by command, and both sides’ books say the same', async () => {
    const before = await money();
    expect(write('order', {}, '--to', 'opera')).toMatchObject([{ standing: 'on-order', verdict: 'open' }]);
    const invoiced = write('invoice', {}, '--to', 'ada', '--device', 'opera');
    expect(invoiced).toMatchObject([{ standing: 'invoiced', missing: ['40.00 EUR is invoiced and not paid.'] }]);
    const remit = ['papers', 'remit', '--to', 'opera'];
    expect(refused(...remit, '--invoice', '2026-18')).toBe('INVOICE_UNKNOWN');
    expect(refused(...remit)).toBe('AMOUNT_MISSING');
    const remitted = said<Remitted>(...remit, '--invoice', '2026-17');
    expect(remitted).toMatchObject({
      ...{ amount: '40.00 EUR', payee: 'Handsel Opera', receipt: { type: 'receipt', issuer: 'Handsel Opera' } },
      accounts: [{ reference: 'PO-4711', standing: 'paid', verdict: 'matched', missing: [], contradictions: [] }],
    });
    await moved(before, { card: -4000, opera: 4000 });
    expect(refused(...remit, '--invoice', '2026-17')).toBe('PAID_ALREADY');
    // A receipt for just an amount, such as that of a top-up, is about no order.
    const all = said<readonly PaperView[]>('papers', 'list', '--device', 'opera');
    const papers = all
      .filter(({ type, about }) => type === 'purchase-order' || about.length > 0)
      .map(({ type }) => type);
    expect(papers).toEqual(['purchase-order', 'invoice', 'remittance-advice', 'receipt']);
    expect(accounts('--device', 'opera')).toEqual(accounts());
    // The vendor's mark on the order that it holds.
    const held = said<readonly TicketView[]>('tickets', 'list', '--device', 'opera');
    expect(held.find(({ type }) => type === 'purchase-order')?.standing).toBe('paid');
  }, 120_000);

  test('[CITI-D] tell what is left to a bank, what contradicts, and that only those who can be known are paid', async () => {
    const [orders, invoices] = [{ reference: 'PO-2' }, { number: 'I-2', orderReferences: ['PO-2'] }];
    write('order', orders, '--to', 'opera');
    write('invoice', invoices, '--to', 'ada', '--device', 'opera');
    const later = said<Remitted>('papers', 'remit', '--to', 'opera', '--invoice', 'I-2', '--by', 'later');
    expect(later.receipt).toBeUndefined();
    const missing = ['40.00 EUR is paid by the buyer’s word and not acknowledged by the vendor.'];
    expect(later.accounts).toMatchObject([{ reference: 'PO-2', verdict: 'open', missing }]);
    const receipt = { identifier: 'R-2', invoiceReferences: ['I-2'] };
    expect(write('receipt', receipt, '--to', 'ada', '--device', 'opera')).toMatchObject([{ verdict: 'matched' }]);
    expect(refused('papers', 'remit', '--to', 'ben', '--amount', '1EUR')).toBe('NOT_DONE');
    expect(refused('papers', 'write', join(town.folder, 'paper.json'), '--to', 'nobody')).toBe('DEVICE_UNKNOWN');

    write('invoice', { ...invoices, number: 'I-3', amount: '1.00EUR' }, '--to', 'ada', '--device', 'opera');
    const wrong = town.handsel('papers', 'accounts');
    expect([wrong.code, wrong.out]).toEqual([1, expect.stringContaining('WRONG: Invoice I-3 is 1.00 EUR more')]);
  }, 120_000);
});

describe('tickets as files', () => {
  test('[CITI-F2] as a pass whose signature another program finds good, and whose code the door takes', async () => {
    const id = await town.issue('ada', event);
    const file = join(town.folder, 'ticket.pkpass');
    said('tickets', 'export', id, '--out', file);
    const { unzipSync } = await import('fflate');
    const parts = unzipSync(readFileSync(file));
    const [signature, manifest] = ['signature', 'manifest.json'].map((name) => {
      const to = join(town.folder, name);
      writeFileSync(to, parts[name]!);
      return to;
    }) as [string, string];
    const check = ['smime', '-verify', '-inform', 'DER', '-in', signature, '-content', manifest, '-noverify'];
    expect(spawnSync('openssl', check, { encoding: 'utf8' }).stderr).toContain('erification successful');
    const told = JSON.parse(Buffer.from(parts['manifest.json']!).toString()) as Readonly<Record<string, string>>;
    for (const [name, digest] of Object.entries(told)) {
      expect(createHash('sha1').update(parts[name]!).digest('hex'), name).toBe(digest);
    }
    const pass = JSON.parse(Buffer.from(parts['pass.json']!).toString());
    const [{ message, format }] = pass.barcodes;
    expect(format).toBe('PKBarcodeFormatQR');
    expect(town.handsel('gate', 'check', message).out).toContain('IN   Die Zauberflöte, on paper');
    expect(town.handsel('gate', 'check', message).out).toContain('duplicate');
  }, 120_000);

  test('[CITI-F2] as picture, drawing, letters and paper: each is read back by another program as a code that counts', async () => {
    const id = await town.issue('ada', event);
    const [png, svg, pdf] = ['code.png', 'code.svg', 'ticket.pdf'].map((name) => join(town.folder, name)) as [
      string,
      string,
      string,
    ];
    const { letters } = said<ShownCode>('tickets', 'show', id, '--png', png, '--svg', svg);
    expect(letterOfPicture(readFileSync(png))).toBe(letters);
    expect(readFileSync(svg, 'utf8')).toContain('<svg');
    expect(town.handsel('tickets', 'show', id, '--text').out).toMatch(/^HT1:[0-9A-Z $%*+./:-]+$/m);
    // Blocks as wide as high: as a camera sees them.
    const blocks = town
      .handsel('tickets', 'show', id)
      .out.split('\n')
      .filter((line) => /[█▀▄]{2}/.test(line));
    expect(blocks.length).toBeGreaterThan(20);

    said('tickets', 'print', id, '--out', pdf);
    expect(wordsOfPaper(readFileSync(pdf))).toContain('Parkett links, Reihe 12, Platz 7');
    expect(refused('tickets', 'show', id)).toBe('TICKET_INACTIVE');
    expect(refused('tickets', 'transfer', id, '--to', 'ben')).toBe('TICKET_INACTIVE');
    expect(town.handsel('gate', 'check', letters).out).toContain('IN   Die Zauberflöte');
  }, 120_000);
});

/** What a phone reads from the picture: one bit a pixel, no filter (PNG, chapters 9 and 10). */
function letterOfPicture(png: Buffer): string | undefined {
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const data: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  const rows = inflateSync(Buffer.concat(data));
  const bytesARow = 1 + Math.ceil(width / 8);
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    expect(rows[y * bytesARow]).toBe(0);
    for (let x = 0; x < width; x++) {
      const bit = (rows[y * bytesARow + 1 + (x >> 3)]! >> (7 - (x & 7))) & 1;
      pixels.set([bit * 255, bit * 255, bit * 255, 255], (y * width + x) * 4);
    }
  }
  // The module says that it is an ES module, and is none.
  return (jsqr as unknown as (typeof jsqr)['default'])(pixels, width, height)?.data;
}

/** Standard fonts write words in hexadecimal, inside compressed streams. */
function wordsOfPaper(pdf: Buffer): string {
  const text = pdf.toString('latin1');
  const streams = [...text.matchAll(/stream\r?\n([\s\S]*?)endstream/g)].flatMap(([, stream = '']) => {
    try {
      return [inflateSync(Buffer.from(stream, 'latin1')).toString('latin1')];
    } catch {
      return [];
    }
  });
  return [...streams.join('\n').matchAll(/\[([^\]]*)\] TJ/g)]
    .flatMap(([, shown]) =>
      [...shown!.matchAll(/<([0-9a-f]+)>/g)].map(([, hex]) => Buffer.from(hex!, 'hex').toString('latin1')),
    )
    .join('');
}
