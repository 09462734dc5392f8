import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemRandom } from '../../../src/crypto/random.ts';
import { readConfiguration } from '../../../src/party/configuration/configuration.ts';
import { partyClient, readCommunication } from '../../../src/party/running/communication.ts';
import { keepTrustFresh } from '../../../src/party/running/keep-trust-fresh.ts';
import { loadSetTrust, readSetKey } from '../../../src/party/running/set-trust-files.ts';
import { type RunningAgency, startAgency } from '../../../src/party/trusted/agency.ts';
import { changeAgency } from '../../../src/party/trusted/agency-directory.ts';
import { revoke } from '../../../src/set/authority/revocation.ts';
import { type Client, createClient } from '../../../src/transport/client.ts';
import { createVirtualClock } from '../../world/virtual-clock.ts';
import { provisionIn, readableLog, temporaryFolder } from '../network/network-fixture.ts';

const DAY_MS = 86_400_000;
const BRAND = 'HANDSEL';
const { folder, remove } = temporaryFolder();
const home = join(folder, 'home');
const agencyFile = join(home, 'agency/party.json');
const { log, lines } = readableLog();
let agency: RunningAgency;
let client: Client;

beforeAll(async () => {
  await provisionIn(home);
  agency = await startAgency(agencyFile, { log });
  const { configuration, path } = readConfiguration('merchant', join(home, 'atlas/party.json'));
  const identity = readCommunication(configuration.communication, path);
  client = partyClient({ name: 'atlas', identity, surroundings: { log }, peers: {} });
});
afterAll(async () => {
  client.close();
  await agency.close();
  remove();
});

/** What the customer's station would say of the merchant, with its trust as the files have it now. */
function customerTrust() {
  const { configuration, path } = readConfiguration('customer', join(home, 'customer/party.json'));
  const loaded = loadSetTrust(configuration.trust, { brandId: BRAND, path, nowMs: Date.now });
  const { configuration: merchant, path: at } = readConfiguration('merchant', join(home, 'atlas/party.json'));
  const { certificate, issuers } = readSetKey(merchant.signature, at);
  const check = (atMs: number) =>
    loaded.trust.merchant({ leaf: certificate, pool: issuers, use: 'signature', atMs }).merchantId;
  return { loaded, files: configuration.trust, path, check, certificate };
}

test('what it publishes is there for everybody, with a certificate or without', async () => {
  const anchorsPem = readFileSync(join(home, 'agency/communication/anchors.pem'), 'utf8');
  const stranger = createClient({ name: 'stranger', tls: { anchorsPem }, limits: { maxBytes: 1e6, timeoutMs: 5000 } });
  for (const what of ['root', 'certificates', 'crl', 'bci']) {
    expect(await stranger.get(`${agency.url}/${what}/${BRAND}`)).toMatchObject({ status: 200 });
  }
  for (const path of ['bci/OTHER', 'bci/..%2f..', 'keys/root-1.pem', 'bci']) {
    expect((await stranger.get(`${agency.url}/${path}`)).status).toBe(404);
  }
  stranger.close();
});

test('a party takes the news of a revocation over, and then refuses whom it named', async () => {
  const { loaded, files, path, check, certificate } = customerTrust();
  expect(check(Date.now())).toBe('atlas');
  const place = { directory: join(home, 'agency'), clock: { nowMs: Date.now }, random: systemRandom };
  changeAgency(place, (state) => revoke(state, { serial: certificate.serial, reason: 'keyCompromise' }));
  agency.renew();

  const clock = createVirtualClock(Date.now() + 2 * DAY_MS);
  const stop = await keepTrustFresh({ trust: loaded, files, brandId: BRAND, path, client, clock, log });
  stop();
  expect(() => check(Date.now())).toThrow(expect.objectContaining({ code: 'PKI_REVOKED' }));
  // The files are the new ones: a restart without the agency knows it, too.
  expect(() => customerTrust().check(Date.now())).toThrow(expect.objectContaining({ code: 'PKI_REVOKED' }));
});

test('without the agency the old news counts for a while, and then nothing is relied on', async () => {
  const { configuration, path } = readConfiguration('customer', join(home, 'customer/party.json'));
  const loaded = loadSetTrust(configuration.trust, { brandId: BRAND, path, nowMs: Date.now });
  const { configuration: merchant, path: at } = readConfiguration('merchant', join(home, 'lexicon/party.json'));
  const { certificate, issuers } = readSetKey(merchant.signature, at);
  const check = (atMs: number) => loaded.trust.merchant({ leaf: certificate, pool: issuers, use: 'signature', atMs });
  const away = { get: () => Promise.reject(new Error('nobody is there')) };
  const clock = createVirtualClock(Date.now() + 3 * DAY_MS);
  const files = configuration.trust;
  const stop = await keepTrustFresh({ trust: loaded, files, brandId: BRAND, path, client: away, clock, log });
  stop();
  expect(lines.some((line) => line.includes('no news of the agency'))).toBe(true);
  expect(check(Date.now() + 3 * DAY_MS).merchantId).toBe('lexicon');
  expect(() => check(Date.now() + 31 * DAY_MS)).toThrow(expect.objectContaining({ code: 'PKI_REVOCATION_UNKNOWN' }));
});

test('news that is not signed by the brand changes neither what is held nor the files', async () => {
  const { loaded, files, path } = customerTrust();
  const before = readFileSync(path(files.brandCrlIdentifier));
  const sequence = loaded.setTrust.news(BRAND)?.identifier.sequenceNumber;
  const bytes: Record<string, Uint8Array> = {};
  for (const what of ['bci', 'crl', 'certificates'])
    bytes[what] = (await client.get(`${agency.url}/${what}/${BRAND}`)).body;
  const forged = bytes.bci!.slice();
  forged[forged.length - 1]! ^= 1;
  const forger = {
    get: async (url: string) => ({
      status: 200,
      contentType: '',
      body: url.includes('/bci/') ? forged : bytes[new URL(url).pathname.split('/')[1]!]!,
    }),
  };
  const clock = createVirtualClock(Date.now() + 3 * DAY_MS);
  const stop = await keepTrustFresh({ trust: loaded, files, brandId: BRAND, path, client: forger, clock, log });
  stop();
  expect(loaded.setTrust.news(BRAND)?.identifier.sequenceNumber).toBe(sequence);
  expect(readFileSync(path(files.brandCrlIdentifier))).toEqual(before);
});

test('it publishes anew only when something has changed or grown old', async () => {
  const file = join(home, `agency/published/${BRAND}/trust/brand.bci`);
  agency.renew();
  const before = readFileSync(file);
  agency.renew();
  expect(readFileSync(file)).toEqual(before);
  rmSync(file);
  agency.renew();
  expect(existsSync(file)).toBe(true);
});
