import { X509Certificate } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PartyKind, readConfiguration, readJsonFile } from '../../../src/party/configuration/configuration.ts';
import { issuedCards } from '../../../src/party/configuration/issued-cards.ts';
import { readKeyFile } from '../../../src/party/configuration/key-file.ts';
import { readNetwork } from '../../../src/party/configuration/network-home.ts';
import { openCardSecrets, readWallet, unlockWallet } from '../../../src/party/configuration/wallet-file.ts';
import { readChain } from '../../../src/party/running/communication.ts';
import { createCommunicationTrust } from '../../../src/party/running/communication-trust.ts';
import { loadSetTrust, readSetKey } from '../../../src/party/running/set-trust-files.ts';
import { readCertificate } from '../../../src/pki/certificate.ts';
import { isWithin, nameAttribute } from '../../../src/pki/name.ts';
import { isCertificateOfCard } from '../../../src/set/message/cardholder-identity.ts';
import { provisionIn, temporaryFolder } from '../network/network-fixture.ts';

const { folder, remove } = temporaryFolder();
const home = join(folder, 'home');
const KINDS: Readonly<Record<string, PartyKind>> = {
  agency: 'agency',
  north: 'operator',
  south: 'operator',
  atlas: 'merchant',
  lexicon: 'merchant',
  market: 'market',
  customer: 'customer',
};

beforeAll(async () => {
  await provisionIn(home);
});
afterAll(remove);

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function trustOf(name: string) {
  const file = join(home, name, 'party.json');
  if (KINDS[name] === 'operator') {
    const { configuration, path } = readConfiguration('operator', file);
    return { files: configuration.gateway.trust, path };
  }
  const { configuration, path } = readConfiguration(name === 'customer' ? 'customer' : 'merchant', file);
  return { files: configuration.trust, path };
}

describe('a new network', () => {
  test('has a readable configuration for every party', () => {
    const network = readNetwork(home);
    expect(network?.parties.map(({ name, party }) => [name, party])).toEqual(
      expect.arrayContaining(Object.entries(KINDS)),
    );
    for (const [name, kind] of Object.entries(KINDS)) {
      expect(readConfiguration(kind, join(home, name, 'party.json')).configuration.name).toBe(name);
    }
  });

  test('is kept out of git where it was made, and leaves a folder of somebody else as it is', async () => {
    expect(readFileSync(join(home, '.gitignore'), 'utf8')).toBe('*\n');
    const { folder, remove: removeOther } = temporaryFolder();
    await provisionIn(folder);
    expect(existsSync(join(folder, '.gitignore'))).toBe(false);
    removeOther();
  });

  test('gives every secret to its owner only', () => {
    const secret = /(?:key\.pem|\.key|keys\/.*\.pem|cards\.json|wallet|password)$/;
    const secrets = filesBelow(home).filter((file) => secret.test(file));
    expect(secrets.length).toBeGreaterThan(25);
    expect(secrets.filter((file) => (statSync(file).mode & 0o777) !== 0o600)).toEqual([]);
    const open = filesBelow(home).filter((file) => !secrets.includes(file));
    expect(open.filter((file) => readFileSync(file, 'latin1').includes('PRIVATE KEY'))).toEqual([]);
  });

  test('names each party by its communication certificate, which peers believe', () => {
    for (const name of Object.keys(KINDS)) {
      const chain = readChain(join(home, name, 'communication/chain.pem'));
      expect(nameAttribute(chain[0]!.subject, 'CN')).toBe(name);
      const anchors = readChain(join(home, 'market/communication/anchors.pem'));
      for (const purpose of ['tls-server', 'tls-client', 'signature'] as const) {
        createCommunicationTrust(anchors).validate(chain, purpose, Date.now());
      }
    }
  });

  test('gives customer and merchants an agent authority below their own names', () => {
    for (const name of ['customer', 'atlas', 'lexicon']) {
      const own = readChain(join(home, name, 'communication/chain.pem'))[0]!;
      const authority = readChain(join(home, name, 'agents/chain.pem'))[0]!;
      expect(authority.ca).toBe(true);
      expect(isWithin(authority.subject, own.subject)).toBe(true);
    }
  });

  test('certifies merchants and gateways so that every SET party believes them', () => {
    const atMs = Date.now();
    for (const judge of ['north', 'atlas', 'customer']) {
      const { files, path } = trustOf(judge);
      const { trust } = loadSetTrust(files, { brandId: 'HANDSEL', path, nowMs: () => atMs });
      for (const name of ['atlas', 'lexicon']) {
        const { configuration: merchant, path: at } = readConfiguration('merchant', join(home, name, 'party.json'));
        const { certificate, issuers } = readSetKey(merchant.signature, at);
        const holder = trust.merchant({ leaf: certificate, pool: issuers, use: 'signature', atMs });
        expect(holder).toMatchObject({ merchantId: name, brandId: 'HANDSEL', authorized: true });
      }
      for (const name of ['north', 'south']) {
        const { configuration: operator, path: at } = readConfiguration('operator', join(home, name, 'party.json'));
        const { certificate, issuers } = readSetKey(operator.gateway.encryption, at);
        expect(trust.gateway({ leaf: certificate, pool: issuers, use: 'encryption', atMs }).gatewayId).toBe(name);
      }
    }
  });

  test("puts one card of the other operator's into the wallet, which only the password opens", () => {
    const wallet = readWallet(join(home, 'customer/wallet'));
    const password = readFileSync(join(home, 'customer/password'), 'utf8').trim();
    expect(wallet.cards).toHaveLength(1);
    const card = wallet.cards[0]!;
    const secrets = openCardSecrets(wallet, card.id, unlockWallet(wallet, password));
    const { pan, expiry, panSecret } = secrets;
    const [issued] = readJsonFile(join(home, 'south/issuer/cards.json'), issuedCards);
    expect(issued).toMatchObject({ pan, expiry, account: 'customer', stopped: false });
    expect(isCertificateOfCard(readCertificate(card.certificateChain[0]!), { pan, expiry }, panSecret)).toBe(true);
    expect(() => unlockWallet(wallet, `${password}x`)).toThrow(
      expect.objectContaining({ code: 'CRYPTOGRAPHIC_FAILURE' }),
    );
    const elsewhere = filesBelow(home).filter((file) => readFileSync(file, 'latin1').includes(pan));
    expect(elsewhere).toEqual([join(home, 'south/issuer/cards.json')]);
  });

  test('gives every operator keys of its own for what its journals seal', () => {
    const keys = ['north', 'south'].flatMap((name) =>
      ['gateway/storage.key', 'issuer/pan.key'].map((file) =>
        Buffer.from(readKeyFile(join(home, name, file))).toString('hex'),
      ),
    );
    expect(new Set(keys).size).toBe(4);
    writeFileSync(join(folder, 'short.key'), 'abcd\n');
    expect(() => readKeyFile(join(folder, 'short.key'))).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION_INVALID' }),
    );
  });
});

describe('provisioning again', () => {
  test('leaves a finished home exactly as it is', async () => {
    const before = new Map(filesBelow(home).map((file) => [file, readFileSync(file, 'latin1')]));
    const { made } = await provisionIn(home, { basePort: 40_000 });
    expect(made).toBe(false);
    expect(new Map(filesBelow(home).map((file) => [file, readFileSync(file, 'latin1')]))).toEqual(before);
  });

  test.each([0, 3, 7])(
    'makes a home anew that a crash left half made, with %i parties in their places',
    async (moved) => {
      const half = join(folder, `half-${moved}`);
      cpSync(home, half, { recursive: true });
      const old = readFileSync(join(half, 'north/communication/key.pem'), 'utf8');
      // As a crash leaves it: some folders moved out already, the others still inside, the end not reached.
      mkdirSync(join(half, '.making'));
      for (const name of Object.keys(KINDS).slice(moved)) renameSync(join(half, name), join(half, '.making', name));
      renameSync(join(half, 'network.json'), join(half, '.making/network.json'));

      const { made } = await provisionIn(half);
      expect(made).toBe(true);
      expect(existsSync(join(half, '.making'))).toBe(false);
      expect(readFileSync(join(half, 'north/communication/key.pem'), 'utf8')).not.toBe(old);
      for (const [name, kind] of Object.entries(KINDS)) readConfiguration(kind, join(half, name, 'party.json'));
    },
  );

  test('leaves a home alone that another process is making, and takes over from one that died', async () => {
    const shared = join(folder, 'shared');
    mkdirSync(join(shared, '.making'), { recursive: true });
    writeFileSync(join(shared, '.making/maker'), String(process.ppid));
    await expect(provisionIn(shared)).rejects.toMatchObject({ code: 'HOME_BUSY' });
    writeFileSync(join(shared, '.making/maker'), '4194304');
    expect((await provisionIn(shared)).made).toBe(true);

    const old = join(folder, 'old');
    mkdirSync(join(old, '.making'), { recursive: true });
    writeFileSync(join(old, '.making/maker'), String(process.ppid));
    utimesSync(join(old, '.making/maker'), 1, 1);
    expect((await provisionIn(old)).made).toBe(true);
  });

  test('keeps a home whose end was reached, and clears away what was left over', async () => {
    const ended = join(folder, 'ended');
    cpSync(home, ended, { recursive: true });
    mkdirSync(join(ended, '.making'));
    expect((await provisionIn(ended)).made).toBe(false);
    expect(existsSync(join(ended, '.making'))).toBe(false);
  });

  test('touches nothing of a folder that somebody else filled', async () => {
    const foreign = join(folder, 'foreign');
    mkdirSync(join(foreign, 'customer'), { recursive: true });
    writeFileSync(join(foreign, 'customer/diary'), 'mine');
    await expect(provisionIn(foreign)).rejects.toMatchObject({ code: 'HOME_NOT_EMPTY' });
    expect(filesBelow(foreign)).toEqual([join(foreign, 'customer/diary')]);
  });

  test('refuses a home of another version', async () => {
    const other = join(folder, 'other');
    cpSync(home, other, { recursive: true });
    const file = join(other, 'network.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"version": 1', '"version": 99'));
    await expect(provisionIn(other)).rejects.toMatchObject({ code: 'NETWORK_VERSION' });
  });
});

test('takes ports that nobody listens on, from the base on, and writes them down', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', () => resolve()));
  const { port } = taken.address() as { port: number };
  try {
    const { network } = await provisionIn(join(folder, 'ports'), { basePort: port });
    const ports = network.parties.map(({ url }) => Number(new URL(url).port));
    expect(new Set(ports).size).toBe(network.parties.length);
    expect(Math.min(...ports)).toBeGreaterThan(port);
  } finally {
    await new Promise((resolve) => taken.close(resolve));
  }
});

test('a party that is to run elsewhere listens there, is certified for it, and is known there by the others', async () => {
  const apart = join(folder, 'apart');
  const elsewhere = { north: '192.0.2.20' };
  const { network, portsProbed } = await provisionIn(apart, { elsewhere });
  expect(portsProbed).toBe(true);
  const north = readConfiguration('operator', join(apart, 'north/party.json'));
  expect([north.configuration.listen.host, north.configuration.interchange.listen.host]).toEqual(
    Array(2).fill('192.0.2.20'),
  );
  const [certificate] = readChain(north.path(north.configuration.communication.chain));
  expect(new X509Certificate(certificate!.der).checkIP('192.0.2.20')).toBe('192.0.2.20');
  const url = network.parties.find(({ name }) => name === 'north')!.url;
  expect(new URL(url).hostname).toBe('192.0.2.20');
  const south = readConfiguration('operator', join(apart, 'south/party.json')).configuration;
  expect(south.listen.host).toBe('127.0.0.1');
  expect(south.interchange.operators).toMatchObject([{ name: 'north', host: '192.0.2.20' }]);
  const atlas = readConfiguration('merchant', join(apart, 'atlas/party.json')).configuration;
  expect(atlas.gateway.url).toBe(url);
  expect(atlas.peers[url]).toBe('north');
});
