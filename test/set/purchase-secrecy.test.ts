/** Who can see what: bytes on the wire, in the journals and in the hands of each party are searched for what must not be there. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeDer } from '../../src/codec/der.ts';
import { CryptographicError } from '../../src/handsel-error.ts';
import { toPem } from '../../src/pki/pem.ts';
import { decodeAuthReq } from '../../src/set/message/authorization-request.ts';
import type { CertifiedKey } from '../../src/set/message/certified-key.ts';
import { digestContent } from '../../src/set/message/content-digest.ts';
import { contentTypes } from '../../src/set/message/content-types.ts';
import { openInstruction } from '../../src/set/message/instruction-seal.ts';
import { decodeMessage } from '../../src/set/message/message-wrapper.ts';
import { panDataType } from '../../src/set/message/payment-instruction.ts';
import { decodePReq, lendPiTbs } from '../../src/set/message/purchase-request.ts';
import { createParties, DESCRIPTION, openWorld, PAN, type World } from './purchase-fixture.ts';

const copy = (lent: Uint8Array) => lent.slice();
const parties = createParties();
let world: World;
beforeAll(async () => {
  world = await openWorld({ parties });
  await world.order();
  void world.pay();
  await world.run(5000);
  expect(world.payments).toMatchObject([{ status: 'paid' }]);
});

/** The forms in which the bytes could be found by somebody who looks. */
function formsOf(bytes: Uint8Array): Buffer[] {
  const buffer = Buffer.from(bytes);
  return [buffer, Buffer.from(buffer.toString('hex')), Buffer.from(buffer.toString('base64').replace(/=+$/, ''))];
}

function occursIn(places: readonly Uint8Array[], secret: Uint8Array): boolean {
  return places.some((place) => formsOf(secret).some((form) => Buffer.from(place).includes(form)));
}

const wire = () => world.carried.flatMap(({ request, answer }) => [request, answer]);
const journalOf = (who: 'wallet' | 'merchant' | 'gateway'): readonly Uint8Array[] =>
  world.journals[who].powerCut().frames;
const text = (value: string) => new TextEncoder().encode(value);

describe('card data', () => {
  it('never goes over the wire in clear: number, secrets, expiry', () => {
    const { pan, panSecret, cardSecret } = parties.card;
    for (const secret of [text(pan), text(pan.slice(6)), panSecret, cardSecret]) {
      expect(occursIn(wire(), secret)).toBe(false);
    }
    // The same search finds what is there: the six digits that a merchant may know.
    expect(occursIn(wire(), text(pan.slice(0, 6)))).toBe(true);
  });

  it('cannot be opened by the merchant, with any key it has, though it holds the sealed text', () => {
    const { request } = world.carried.find(({ kind }) => kind === 'PReq')!;
    const { exPIData } = decodePReq(decodeMessage(request).message.value).piDualSigned;
    const gate: CertifiedKey = parties.gate.encryption;
    const panData = decodeDer(panDataType, openInstruction(exPIData, gate).panData);
    expect(panData.pan).toBe(PAN);
    for (const own of [parties.shop.encryption, parties.shop.signing]) {
      expect(() => openInstruction(exPIData, own)).toThrow(CryptographicError);
      // Nor by claiming to be the gateway: the certificate is public, the key is not.
      expect(() => openInstruction(exPIData, { ...gate, privateKey: own.privateKey })).toThrow(CryptographicError);
    }
  });

  it('is in no journal in clear, not even in the gateway’s outbox to the card network', () => {
    expect(world.cardRequests[0]).toMatchObject({ pan: PAN });
    for (const who of ['wallet', 'merchant', 'gateway'] as const) {
      const frames = journalOf(who);
      expect(frames.length).toBeGreaterThan(0);
      expect(occursIn(frames, text(PAN))).toBe(false);
      expect(occursIn(frames, parties.card.panSecret)).toBe(false);
    }
    // The search would find it: the wallet's journal holds the amount's currency just so.
    expect(occursIn(journalOf('wallet'), text('EUR'))).toBe(true);
  });
});

describe('the order', () => {
  it('is never sent, and the gateway cannot find it in anything it is given or can open', () => {
    expect(occursIn(wire(), DESCRIPTION)).toBe(false);
    expect(occursIn(journalOf('gateway'), DESCRIPTION)).toBe(false);
    const { request } = world.carried.find(({ kind }) => kind === 'AuthReq')!;
    const { pi } = decodeAuthReq(decodeMessage(request).message.value);
    expect(occursIn([pi], DESCRIPTION)).toBe(false);
  });

  it('stays unknown to the gateway by salt: the same order has another hash in every purchase', async () => {
    const hods = new Set<string>();
    for (let i = 0; i < 3; i++) {
      const again = await openWorld({ parties });
      await again.order();
      void again.pay();
      await again.run(5000);
      const { request } = again.carried.find(({ kind }) => kind === 'PReq')!;
      const { oiData } = decodePReq(decodeMessage(request).message.value).oiDualSigned;
      const { piDualSigned } = decodePReq(decodeMessage(request).message.value);
      hods.add(
        Buffer.from(openInstruction(piDualSigned.exPIData, parties.gate.encryption).piOILink.hOIData).toString('hex'),
      );
      expect(oiData.length).toBeGreaterThan(0);
    }
    expect(hods.size).toBe(3);
  });
});

describe('openssl, as an independent judge', () => {
  let folder: string;
  const file = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'handsel-set-'));
    const roots = [...parties.agency.authorities.values()].map(({ certificate }) =>
      toPem('CERTIFICATE', certificate.der),
    );
    writeFileSync(file('authorities.pem'), roots.join(''));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('reads every message as DER', () => {
    for (const bytes of wire()) {
      writeFileSync(file('message.der'), bytes);
      const lines = openssl('asn1parse', '-inform', 'DER', '-in', file('message.der')).toString().split('\n');
      expect(lines.length).toBeGreaterThan(10);
    }
  });

  it('verifies the merchant’s signature in PInitRes and PRes, and refuses one bit changed', () => {
    for (const kind of ['PInitReq', 'PReq']) {
      const { answer } = world.carried.find((carried) => carried.kind === kind)!;
      const signed = decodeMessage(answer).message.value;
      writeFileSync(file('signed.der'), signed);
      // SET's critical extensions mean nothing to openssl: the signature is judged here, the path in the tests of paths.
      const verify = () =>
        openssl('cms', '-verify', '-noverify', '-inform', 'DER', '-in', file('signed.der'), '-binary');
      expect(verify().length).toBeGreaterThan(100);
      const changed = signed.slice();
      changed[changed.length - 5]! ^= 1;
      writeFileSync(file('signed.der'), changed);
      expect(verify).toThrow();
    }
  });

  it('verifies the dual signature over the two hashes alone', () => {
    const { request } = world.carried.find(({ kind }) => kind === 'PReq')!;
    const { piDualSigned, oiDualSigned } = decodePReq(decodeMessage(request).message.value);
    const hOIData = digestContent(contentTypes.oiData, oiDualSigned.oiData);
    writeFileSync(file('dual.der'), piDualSigned.piSignature);
    writeFileSync(file('tbs.der'), lendPiTbs({ hPIData: oiDualSigned.hPIData, hOIData }, copy));
    const verify = () =>
      openssl(
        'cms',
        '-verify',
        '-noverify',
        '-inform',
        'DER',
        '-in',
        file('dual.der'),
        '-content',
        file('tbs.der'),
        '-binary',
      );
    expect(verify().length).toBeGreaterThan(100);
    writeFileSync(file('tbs.der'), lendPiTbs({ hPIData: hOIData, hOIData: oiDualSigned.hPIData }, copy));
    expect(verify).toThrow();
  });
});
