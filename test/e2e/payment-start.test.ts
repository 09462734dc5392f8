/**
 * EP 1 006 469, claims 5 to 7, paragraphs 0018 and 0019: the token in the agent, and the message that starts the payment. The
 * attacks are those of a market gone bad: it has the agent's key and everything the agent carries.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { unwrapWalletKey } from '../../src/agent/guard/wallet-key.ts';
import { readPaymentStart } from '../../src/agent/message/payment-start.ts';
import { openToken } from '../../src/agent/message/token.ts';
import { decodeCbor } from '../../src/codec/cbor.ts';
import type { CborTag } from '../../src/codec/cbor-value.ts';
import { toHex } from '../../src/codec/hex.ts';
import { parseCose1 } from '../../src/crypto/cose-sign1.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import { generateP256 } from '../../src/crypto/signature.ts';
import { readConfiguration } from '../../src/party/configuration/configuration.ts';
import { readWallet, unlockWallet } from '../../src/party/configuration/wallet-file.ts';
import { createCommunicationTrust } from '../../src/party/running/communication-trust.ts';
import { loadSetTrust } from '../../src/party/running/set-trust-files.ts';
import { readCertificate } from '../../src/pki/certificate.ts';
import { minorOf, restingBooks } from './books.ts';
import { type PartyWorld, startPartyWorld } from './party-world.ts';
import { buy, openedLaunch, openedStart } from './purchase.ts';
import { delivered } from './sale.ts';
import { agentOf, guardedMandate, postStart, strandAgent } from './stranded-agent.ts';
import { contains, filesWith } from './wire.ts';

const DAY_MS = 24 * 3_600_000;
const SIGN1_TAG = 18;
const ENCRYPT_TAG = 96;

let world: PartyWorld;

beforeAll(async () => {
  world = await startPartyWorld();
});
afterAll(() => world?.close());

const walletKey = () => unlockWallet(readWallet(join(world.home, 'customer/wallet')), world.password);

describe('the token', () => {
  test('[KPN-5] the code in it opens the wallet: with it the agent pays and no password is asked for', async () => {
    const { mandate, bytes, start } = await strandAgent(world);
    const { itemKeys, wrappedWalletKey } = await guardedMandate(world, mandate);
    const code = openToken(start.token, { itemKey: itemKeys.get(start.token.itemId)!, mandateId: mandate });
    expect(unwrapWalletKey({ wrapped: wrappedWalletKey!, code, mandateId: mandate })).toEqual(walletKey());

    expect((await postStart(world, bytes)).code).toBe('ok');
    await world.start('market');
    await world.follow(mandate, delivered);
  });

  test('[KPN-5] without it the wallet stays shut, whoever holds the agent', async () => {
    const before = await restingBooks(world);
    const { mandate, start, forge } = await strandAgent(world);
    const { token } = start;
    const damaged = new Uint8Array(token.body);
    damaged[damaged.length - 1]! ^= 1;
    const wrong = [
      { ...token, body: damaged },
      { ...token, body: systemRandom(token.body.length) },
      { ...token, itemId: 'item-2' },
      { ...token, itemId: 'item-99' },
      { ...token, protection: 'plain' as const },
    ];
    for (const one of wrong) expect((await postStart(world, forge({ token: one }))).code).toBe('TOKEN_REFUSED');
    expect((await world.station().status(mandate)).payments).toEqual([]);
    expect(await restingBooks(world)).toEqual(before);
    await world.start('market');
    await world.follow(mandate, delivered);
  });

  test('[KPN-6] the token in the agent is unreadable without the station key', async () => {
    const since = world.messages.length;
    const { mandate, start } = await strandAgent(world);
    const { itemKeys, wrappedWalletKey } = await guardedMandate(world, mandate);
    const itemKey = itemKeys.get(start.token.itemId)!;
    expect(start.token.protection).toBe('sealed');
    const code = openToken(start.token, { itemKey, mandateId: mandate });

    const others = [systemRandom(32), ...[...itemKeys.values()].filter((key) => key !== itemKey)];
    expect(others.length).toBeGreaterThan(1);
    for (const key of others) {
      expect(() => openToken(start.token, { itemKey: key, mandateId: mandate })).toThrow(
        expect.objectContaining({ code: 'CRYPTOGRAPHIC_FAILURE' }),
      );
    }
    // Nothing that opens it has ever left the station.
    for (const secret of [itemKey, code, wrappedWalletKey!, walletKey()]) {
      expect(world.messages.slice(since).filter(({ bytes }) => contains(bytes, secret))).toEqual([]);
      for (const party of ['market', 'atlas']) expect(filesWith(join(world.home, party), secret)).toEqual([]);
    }
    expect(filesWith(join(world.home, 'customer'), itemKey).length).toBeGreaterThan(0);
    await world.start('market');
    await world.follow(mandate, delivered);
    expect((await guardedMandate(world, mandate)).itemKeys.has(start.token.itemId)).toBe(false);
  });

  test('[KPN-6] the key is random and new for each item to be bought', async () => {
    const keys: string[] = [];
    const tokens: string[] = [];
    for (const count of [2, 1]) {
      const { mandate, wire } = await buy(world, { merchants: ['atlas'], count, budget: '20EUR' });
      await world.follow(
        mandate,
        ({ payments }) => payments.filter(({ status }) => status === 'delivered').length === count,
      );
      const { launch } = openedLaunch({ mandate, wire });
      const unused = (await guardedMandate(world, mandate)).itemKeys;
      // A purchase uses up a token of its own.
      expect(unused.size).toBe(launch.tokens.length - count);
      keys.push(...[...unused.values()].map(toHex));
      tokens.push(...launch.tokens.map(({ body }) => toHex(body)));
    }
    expect(keys.length).toBeGreaterThan(4);
    expect(new Set(keys).size).toBe(keys.length);
    expect(new Set(tokens).size).toBe(tokens.length);
  });
});

describe('the payment start', () => {
  test('[KPN-7] station and agent have communication certificates of their own, apart from those of SET', async () => {
    const { agent, received } = openedStart(world, await buy(world, { merchants: ['atlas'] }));
    const station = world.identityOf('customer');
    const card = readWallet(join(world.home, 'customer/wallet')).cards[0]!.certificateChain.map((der) =>
      readCertificate(der),
    );
    const keys = [station.chain[0]!, agent, card[0]!].map(({ publicKey }) => publicKey);
    for (const [index, key] of keys.entries()) {
      expect(keys.filter((other) => other.equals(key))).toHaveLength(1);
      expect(index).toBeLessThan(3);
    }
    // Neither hierarchy believes the other's certificates.
    const trust = createCommunicationTrust(station.anchors);
    const chain = received.certificateChain.map((der) => readCertificate(der));
    expect(() => trust.validate(chain, 'agent', Date.now())).not.toThrow();
    expect(() => trust.validate(card, 'signature', Date.now())).toThrow(
      expect.objectContaining({ code: 'PKI_PATH_UNTRUSTED' }),
    );
    const { configuration, path } = readConfiguration('customer', world.configurationOf('customer'));
    const brandId = configuration.brand;
    const { setTrust } = loadSetTrust(configuration.trust, { brandId, path, nowMs: Date.now });
    const request = { purpose: 'signature', holder: 'card', brandId, atMs: Date.now() } as const;
    expect(() => setTrust.validate({ leaf: card[0]!, pool: card.slice(1), ...request })).not.toThrow();
    expect(() => setTrust.validate({ leaf: station.chain[0]!, pool: station.chain.slice(1), ...request })).toThrow();
  });

  test('[KPN-7] it is encrypted under a random session key, that key to the station, and signed by the agent', async () => {
    const starts = [];
    for (let sale = 0; sale < 2; sale++) starts.push(openedStart(world, await buy(world, { merchants: ['atlas'] })));
    const recipients = starts.map(({ bytes, agent, received }) => {
      const signed = decodeCbor(bytes, { maxBytes: 2_000_000 }) as CborTag;
      expect(signed.tag).toBe(SIGN1_TAG);
      const { payload, isSignedBy } = parseCose1(bytes, { maxBytes: 2_000_000 });
      expect(isSignedBy(agent.publicKey)).toBe(true);
      const encrypted = decodeCbor(payload, { maxBytes: 2_000_000, maxDepth: 8 }) as CborTag;
      expect(encrypted.tag).toBe(ENCRYPT_TAG);
      for (const other of ['market', 'atlas', 'north']) {
        const { privateKey } = world.identityOf(other);
        expect(() => received.open(agent.publicKey, privateKey)).toThrow(
          expect.objectContaining({ code: 'CRYPTOGRAPHIC_FAILURE' }),
        );
      }
      const [recipient] = (encrypted.value as unknown[])[3] as [
        [Uint8Array, Map<number, Map<number, Uint8Array>>, Uint8Array],
      ];
      return { ephemeral: toHex(recipient[1].get(-1)!.get(-2)!), wrappedKey: toHex(recipient[2]) };
    });
    expect(recipients[0]!.ephemeral).not.toBe(recipients[1]!.ephemeral);
    expect(recipients[0]!.wrappedKey).not.toBe(recipients[1]!.wrappedKey);
    expect(starts[0]!.start.nonce).not.toEqual(starts[1]!.start.nonce);
    for (const { start, bytes } of starts) expect(contains(bytes, start.token.body)).toBe(false);
  });

  test('[KPN-7] replays are refused: by time stamp, by nonce, by agreement; the same message again changes nothing', async () => {
    const before = await restingBooks(world);
    const { mandate, bytes, start, forge } = await strandAgent(world);
    const codeOf = async (body: Uint8Array) => (await postStart(world, body)).code;
    expect(await codeOf(forge({ atMs: Date.now() - DAY_MS - 60_000 }))).toBe('START_TOO_OLD');
    expect(await codeOf(forge({ atMs: Date.now() + 10 * 60_000 }))).toBe('START_TOO_NEW');

    const first = await postStart(world, bytes);
    expect(first.code).toBe('ok');
    expect(await postStart(world, bytes)).toEqual(first);
    expect(await codeOf(forge({ nonce: start.nonce }))).toBe('MESSAGE_IDENTITY_REUSED');
    expect(await codeOf(forge({}))).toBe('AGREEMENT_USED');
    const other = start.token.itemId === 'item-2' ? 'item-3' : 'item-2';
    expect(await codeOf(forge({ token: { ...start.token, itemId: other } }))).toBe('AGREEMENT_USED');

    await world.start('market');
    const { payments } = await world.follow(mandate, delivered);
    expect(payments).toHaveLength(1);
    expect(before.card - (await restingBooks(world)).card).toBe(minorOf(payments[0]!.price));
    expect(await postStart(world, bytes)).toEqual(first);
    expect(before.card - (await restingBooks(world)).card).toBe(minorOf(payments[0]!.price));
  });

  test('[KPN-7] damaged, signed by another, or sealed to another, it starts nothing, and nobody is told why', async () => {
    const { mandate, bytes, forge, signer, certificate } = await strandAgent(world);
    const stranger = generateP256();
    const damaged = new Uint8Array(bytes);
    damaged[damaged.length - 1]! ^= 1;
    const market = world.identityOf('market');
    const wrong = [
      damaged,
      forge({}, { signer: { ...signer, privateKey: stranger.privateKey } }),
      // Certified in the same network, only not as an agent of this station.
      forge({}, { signer: { privateKey: market.privateKey, certificateChain: market.chain.map(({ der }) => der) } }),
      forge({}, { signer: agentOf(world, 'atlas') }),
      forge({}, { station: stranger.publicKey }),
      forge({ merchantUrl: world.urlOf('lexicon') }),
      new TextEncoder().encode('start!'),
    ];
    for (const body of wrong) expect((await postStart(world, body)).code).toBe('CRYPTOGRAPHIC_FAILURE');
    expect(readPaymentStart(bytes).certificateChain[0]).toEqual(certificate.der);
    expect((await world.station().status(mandate)).payments).toEqual([]);
    await world.start('market');
    await world.follow(mandate, delivered);
  });
});
