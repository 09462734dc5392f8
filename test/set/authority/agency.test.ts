import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { systemRandom } from '../../../src/crypto/random.ts';
import { generateP256 } from '../../../src/crypto/signature.ts';
import { CryptographicError, HandselError } from '../../../src/handsel-error.ts';
import { type Certificate, createCertificate } from '../../../src/pki/certificate.ts';
import { readExtension } from '../../../src/pki/extension.ts';
import { formatName, makeName } from '../../../src/pki/name.ts';
import { toPem } from '../../../src/pki/pem.ts';
import { publicKeyHash } from '../../../src/pki/public-key.ts';
import { privateKeyUsagePeriod } from '../../../src/pki/standard-extensions.ts';
import { type Agency, authorityFor } from '../../../src/set/authority/agency.ts';
import { readAgencyFiles, writeAgencyFiles } from '../../../src/set/authority/agency-files.ts';
import { issueUnder } from '../../../src/set/authority/authority.ts';
import { createAgency, rollRoot } from '../../../src/set/authority/create-agency.ts';
import { issueGateway, issueMerchant } from '../../../src/set/authority/issue-acceptance.ts';
import { issueCardholder } from '../../../src/set/authority/issue-cardholder.ts';
import { holderProfile } from '../../../src/set/authority/profile.ts';
import { makeBci, makeCrl, revoke } from '../../../src/set/authority/revocation.ts';
import { readBrandCrlIdentifier, verifyBrandCrlIdentifier } from '../../../src/set/message/brand-crl-identifier.ts';
import {
  derivePanSecret,
  isCertificateOfCard,
  registrationTranscript,
} from '../../../src/set/message/cardholder-identity.ts';
import {
  cardCertRequired,
  certificateType,
  hashedRootKey,
  merchantData,
} from '../../../src/set/message/certificate-extensions.ts';
import { requireNextRoot, validateSetPath } from '../../../src/set/message/set-path.ts';
import { createSetTrust, type SetTrust } from '../../../src/set/message/set-trust.ts';
import { makeThumbs, notHeld, readThumbs, requireSameThumbs } from '../../../src/set/message/thumbprint.ts';

const START = Date.UTC(2026, 5, 1, 12);
const DAY = 86_400_000;
const CARD = { pan: '4444333322221111', expiry: '202812' };

function makeAgency(region?: string) {
  const clock = { atMs: START, nowMs: () => clock.atMs };
  const brands = [
    { brandId: 'ACME', country: 'NL', ...(region !== undefined && { region }) },
    { brandId: 'Other', country: 'BE' },
  ];
  const agency = createAgency({ organization: 'Agency', country: 'NL', brands, clock, random: systemRandom });
  return { agency, clock };
}

function cardholder(agency: Agency, brandId = 'ACME') {
  const keys = generateP256();
  const cardSecret = systemRandom(32);
  const options = { ...CARD, brandId, issuerName: 'Bank', cardSecret, publicKey: keys.publicKey };
  return { keys, cardSecret, ...issueCardholder(agency, options) };
}

function merchant(agency: Agency, brandId = 'ACME') {
  const [signatureKey, encryptionKey] = [generateP256().publicKey, generateP256().publicKey];
  const keys = { signatureKey, encryptionKey };
  const shop = { merchantId: 'SHOP-1', name: 'Le café', city: 'Delft', country: 'NL', countryNumber: 528 };
  return issueMerchant(agency, { ...keys, ...shop, brandId, acquirerName: 'Acquirer', acquirerBin: '400000' });
}

function gateway(agency: Agency, brandId = 'ACME') {
  const [signatureKey, encryptionKey] = [generateP256().publicKey, generateP256().publicKey];
  const keys = { signatureKey, encryptionKey };
  return issueGateway(agency, { ...keys, brandId, acquirerName: 'Acquirer', gatewayId: 'GATE-1', country: 'NL' });
}

function roots(agency: Agency): Certificate[] {
  return [...agency.authorities.values()].filter(({ role }) => role === 'root').map((root) => root.certificate);
}

function informed(agency: Agency, maxAgeMs = 7 * DAY): SetTrust {
  const trust = createSetTrust({ roots: roots(agency).slice(0, 1), maxAgeMs });
  learn(trust, agency);
  return trust;
}

function learn(trust: SetTrust, agency: Agency, brandId = 'ACME') {
  const { identifier, lists, certificates } = makeBci(agency, brandId);
  const atMs = agency.clock.nowMs();
  trust.learn({ brandCrlIdentifier: identifier, revocationLists: lists, certificates, brandId, atMs });
}

function code(expected: string) {
  return expect.objectContaining({ code: expected });
}

describe('the SET hierarchy', () => {
  const { agency } = makeAgency();
  const trust = informed(agency);
  const card = cardholder(agency);
  const shop = merchant(agency);
  const gate = gateway(agency);
  const asked = { brandId: 'ACME', atMs: START } as const;

  it('certifies cardholders to sign, merchants and gateways to sign and to be sealed to', () => {
    const ask = [
      { leaf: card.certificate, pool: card.chain, holder: 'card', purpose: 'signature' },
      { leaf: shop.signature, pool: shop.issuers, holder: 'merchant', purpose: 'signature' },
      { leaf: shop.encryption, pool: shop.issuers, holder: 'merchant', purpose: 'encryption' },
      { leaf: gate.signature, pool: gate.issuers, holder: 'gateway', purpose: 'signature' },
      { leaf: gate.encryption, pool: gate.issuers, holder: 'gateway', purpose: 'encryption' },
    ] as const;
    for (const request of ask) expect(trust.validate({ ...request, ...asked }).chain).toHaveLength(4);
    const wrongUse = [
      { leaf: card.certificate, pool: card.chain, holder: 'card', purpose: 'encryption' },
      { leaf: shop.signature, pool: shop.issuers, holder: 'merchant', purpose: 'encryption' },
      { leaf: gate.encryption, pool: gate.issuers, holder: 'gateway', purpose: 'signature' },
    ] as const;
    for (const request of wrongUse) {
      expect(() => trust.validate({ ...request, ...asked })).toThrow(code('PKI_KEY_USAGE'));
    }
  });

  it('holds with a geopolitical CA between brand and CAs', () => {
    const { agency: regional } = makeAgency('Benelux');
    const leaf = gateway(regional);
    const request = { leaf: leaf.signature, pool: leaf.issuers, holder: 'gateway', purpose: 'signature' } as const;
    expect(informed(regional).validate({ ...request, ...asked }).chain).toHaveLength(5);
  });

  it('refuses one kind of holder in the place of another, and a brand in the place of another', () => {
    const request = { leaf: shop.signature, pool: shop.issuers, purpose: 'signature' } as const;
    expect(() => trust.validate({ ...request, ...asked, holder: 'gateway' })).toThrow(code('PKI_SET_TYPE'));
    const other = { ...asked, brandId: 'Other', holder: 'merchant' } as const;
    expect(() => trust.validate({ ...request, ...other })).toThrow(code('PKI_SET_BRAND'));
  });

  it('refuses what a CA may not issue: a merchant CA no gateway, a brand no other brand', () => {
    const issuer = authorityFor(agency, 'merchant-ca', 'ACME');
    const brandCa = authorityFor(agency, 'brand', 'ACME');
    const forge = (O: string, type: 'merchant' | 'gateway') =>
      issueUnder({
        issuer,
        subject: makeName({ C: 'NL', O, CN: 'Mallory' }),
        publicKey: generateP256().publicKey,
        notBeforeMs: START,
        lifetimeMs: DAY,
        extensions: holderProfile(type, 'signature'),
        random: systemRandom,
      });
    const check = (leaf: Certificate, holder: 'merchant' | 'gateway', brandId = 'ACME') =>
      validateSetPath({
        chain: [leaf, issuer.certificate, brandCa.certificate],
        roots: roots(agency),
        atMs: START,
        brandId,
        holder,
        purpose: 'signature',
      });
    expect(() => check(forge('ACME', 'merchant'), 'merchant')).not.toThrow();
    expect(() => check(forge('ACME', 'gateway'), 'gateway')).toThrow(code('PKI_SET_TYPE'));
    expect(() => check(forge('Other', 'merchant'), 'merchant', 'Other')).toThrow(code('PKI_SET_BRAND'));
  });

  it('refuses what was signed after the private key of the issuer was due to rest', () => {
    const issuer = authorityFor(agency, 'gateway-ca', 'ACME');
    const brandCa = authorityFor(agency, 'brand', 'ACME');
    const end = readExtension(issuer.certificate.extensions, privateKeyUsagePeriod)!.notAfter!.getTime();
    const issue = (notBeforeMs: number) =>
      issueUnder({
        issuer,
        subject: makeName({ C: 'NL', O: 'ACME', CN: 'late' }),
        publicKey: generateP256().publicKey,
        notBeforeMs,
        lifetimeMs: DAY,
        extensions: holderProfile('gateway', 'signature'),
        random: systemRandom,
      });
    const check = (leaf: Certificate) =>
      validateSetPath({
        chain: [leaf, issuer.certificate, brandCa.certificate],
        roots: roots(agency),
        atMs: leaf.notBefore.getTime(),
        brandId: 'ACME',
        holder: 'gateway',
        purpose: 'signature',
      });
    expect(() => check(issue(end))).not.toThrow();
    expect(() => check(issue(end + 1000))).toThrow(code('PKI_KEY_PERIOD'));
  });

  it('names the issuer by serial in every certificate below the root', () => {
    const chain = [gate.signature, ...gate.issuers.slice(0, -1)];
    const { publicKey, ...content } = gate.signature;
    const issuer = authorityFor(agency, 'gateway-ca', 'ACME');
    const extensions = [...content.extensions.values()].filter(({ id }) => id !== '2.5.29.35');
    const anonymous = createCertificate({ ...content, publicKey, extensions }, issuer.privateKey);
    const options = { roots: roots(agency), ...asked, holder: 'gateway', purpose: 'signature' } as const;
    expect(() => validateSetPath({ chain, ...options })).not.toThrow();
    expect(() => validateSetPath({ chain: [anonymous, ...chain.slice(1)], ...options })).toThrow(
      code('PKI_AUTHORITY_KEY'),
    );
  });

  it('says in its extensions what SET asks, critical where SET says so', () => {
    expect(readExtension(shop.signature.extensions, merchantData)).toMatchObject({
      merchantId: 'SHOP-1',
      acquirerBin: '400000',
      country: 528,
      authorized: true,
      names: [{ name: 'Le café' }],
    });
    expect(readExtension(gate.signature.extensions, cardCertRequired)).toBe(true);
    expect(gate.signature.extensions.get(certificateType.id)?.critical).toBe(true);
    expect(roots(agency)[0]!.extensions.get(hashedRootKey.id)?.critical).toBe(true);
    expect(gate.signature.extensions.get('2.5.29.32')?.critical).toBe(true);
  });

  it('certifies no key twice in a brand, nor one key for two uses', () => {
    const again = { ...CARD, brandId: 'ACME', issuerName: 'Bank', cardSecret: systemRandom(32) };
    expect(() => issueCardholder(agency, { ...again, publicKey: card.keys.publicKey })).toThrow(
      code('AGENCY_KEY_REUSED'),
    );
    const key = generateP256().publicKey;
    const pair = { signatureKey: key, encryptionKey: key };
    const gateOptions = { brandId: 'ACME', acquirerName: 'A', gatewayId: 'G', country: 'NL' };
    expect(() => issueGateway(agency, { ...pair, ...gateOptions })).toThrow(code('AGENCY_KEY_REUSED'));
  });
});

describe('a cardholder certificate', () => {
  const { agency, clock } = makeAgency();
  const card = cardholder(agency);
  const transcript = registrationTranscript({
    brandId: 'ACME',
    keyHash: publicKeyHash(card.keys.publicKey),
    caThumb: card.chain[1]!.thumb,
  });
  const panSecret = derivePanSecret({ cardSecret: card.cardSecret, nonceCca: card.nonceCca, transcript });

  it('carries neither name nor card number, and is recognised by whoever has the PANSecret', () => {
    expect(formatName(card.certificate.subject)).toMatch(/^C=NL,O=ACME,OU=Bank,CN=[A-Za-z0-9+/\\=]{44,}$/);
    expect(Buffer.from(card.certificate.der).includes(CARD.pan)).toBe(false);
    expect(isCertificateOfCard(card.certificate, CARD, panSecret)).toBe(true);
    expect(isCertificateOfCard(card.certificate, { ...CARD, pan: '4444333322221112' }, panSecret)).toBe(false);
    expect(isCertificateOfCard(card.certificate, { ...CARD, expiry: '202811' }, panSecret)).toBe(false);
    expect(isCertificateOfCard(card.certificate, CARD, systemRandom(32))).toBe(false);
  });

  it('has a PANSecret that the CA alone cannot fix, and that no all-zero secret can enter', () => {
    const other = registrationTranscript({
      brandId: 'Other',
      keyHash: new Uint8Array(32),
      caThumb: new Uint8Array(32),
    });
    const parts = { cardSecret: card.cardSecret, nonceCca: card.nonceCca };
    expect(derivePanSecret({ ...parts, transcript: other })).not.toEqual(panSecret);
    for (const bad of [new Uint8Array(32), systemRandom(20)]) {
      expect(() => derivePanSecret({ ...parts, cardSecret: bad, transcript })).toThrow(HandselError);
      expect(() => derivePanSecret({ ...parts, nonceCca: bad, transcript })).toThrow(HandselError);
    }
  });

  it('never outlasts the card', () => {
    const keys = generateP256();
    const soon = { pan: CARD.pan, expiry: '202606', brandId: 'ACME', issuerName: 'Bank', cardSecret: systemRandom(32) };
    const { certificate } = issueCardholder(agency, { ...soon, publicKey: keys.publicKey });
    expect(certificate.notAfter.toISOString()).toBe('2026-06-30T23:59:59.000Z');
    clock.atMs = Date.UTC(2026, 6, 1);
    const late = { ...soon, publicKey: generateP256().publicKey };
    expect(() => issueCardholder(agency, late)).toThrow(code('AGENCY_CARD_INVALID'));
    clock.atMs = START;
    expect(() => issueCardholder(agency, { ...late, expiry: '202613' })).toThrow(code('AGENCY_CARD_INVALID'));
    expect(() => issueCardholder(agency, { ...late, pan: '1234' })).toThrow(code('AGENCY_CARD_INVALID'));
  });
});

describe('revocation in SET', () => {
  const request = (pair: ReturnType<typeof gateway>, atMs = START) =>
    ({
      leaf: pair.signature,
      pool: pair.issuers,
      brandId: 'ACME',
      holder: 'gateway',
      purpose: 'signature',
      atMs,
    }) as const;

  it('turns a gateway from valid to invalid once the news arrives, cached path or not', () => {
    const { agency } = makeAgency();
    const gate = gateway(agency);
    const trust = informed(agency);
    expect(() => trust.validate(request(gate))).not.toThrow();
    revoke(agency, { serial: gate.signature.serial, reason: 'keyCompromise' });
    learn(trust, agency);
    expect(() => trust.validate(request(gate))).toThrow(code('PKI_REVOKED'));
  });

  it('of a CA refuses all it has issued', () => {
    const { agency } = makeAgency();
    const gate = gateway(agency);
    const trust = informed(agency);
    revoke(agency, { serial: authorityFor(agency, 'gateway-ca', 'ACME').certificate.serial, reason: 'cACompromise' });
    learn(trust, agency);
    expect(() => trust.validate(request(gate))).toThrow(code('PKI_REVOKED'));
  });

  it('that is not known refuses: no news at all, news too old by the local measure, a listed list withheld', () => {
    const { agency, clock } = makeAgency();
    const gate = gateway(agency);
    const ignorant = createSetTrust({ roots: roots(agency), maxAgeMs: DAY });
    expect(() => ignorant.validate(request(gate))).toThrow(code('PKI_REVOCATION_UNKNOWN'));

    const trust = informed(agency, DAY);
    expect(() => trust.validate(request(gate, START + DAY))).not.toThrow();
    expect(() => trust.validate(request(gate, START + DAY + 1))).toThrow(code('PKI_REVOCATION_UNKNOWN'));

    revoke(agency, { serial: gate.signature.serial });
    const { identifier, lists, certificates } = makeBci(agency, 'ACME');
    const gatewayCa = authorityFor(agency, 'gateway-ca', 'ACME').certificate.subject;
    const withheld = lists.filter((list) => formatName(list.issuer) !== formatName(gatewayCa));
    const atMs = clock.nowMs();
    trust.learn({ brandCrlIdentifier: identifier, revocationLists: withheld, certificates, brandId: 'ACME', atMs });
    expect(() => trust.validate(request(gate))).toThrow(code('PKI_REVOCATION_UNKNOWN'));
  });

  it('takes no identifier that another than the brand CA signed, nor an older one', () => {
    const { agency } = makeAgency();
    const trust = informed(agency);
    const { identifier, certificates } = makeBci(agency, 'ACME');
    const impostor = authorityFor(agency, 'merchant-ca', 'ACME');
    expect(() => verifyBrandCrlIdentifier(identifier, impostor.certificate)).toThrow(code('SET_signatureFailure'));
    const der = identifier.der.slice();
    der[der.length - 1]! ^= 1;
    const forged = { brandCrlIdentifier: readBrandCrlIdentifier(der), revocationLists: [], certificates };
    expect(() => trust.learn({ ...forged, brandId: 'ACME', atMs: START })).toThrow(code('SET_signatureFailure'));

    learn(trust, agency);
    const newest = trust.news('ACME')!.identifier.sequenceNumber;
    const older = { brandCrlIdentifier: identifier, revocationLists: [], certificates };
    trust.learn({ ...older, brandId: 'ACME', atMs: START });
    expect(trust.news('ACME')!.identifier.sequenceNumber).toBe(newest);
  });

  it('is not for cardholders, and not for serials nobody issued', () => {
    const { agency } = makeAgency();
    const { certificate } = cardholder(agency);
    expect(() => revoke(agency, { serial: certificate.serial })).toThrow(code('AGENCY_NOT_REVOCABLE'));
    expect(() => revoke(agency, { serial: 5n })).toThrow(code('AGENCY_SERIAL_UNKNOWN'));
    expect(makeCrl(agency, 'root-1').number).toBe(1n);
    expect(makeCrl(agency, 'root-1').number).toBe(2n);
  });

  it('news never fail with anything but our own error', () => {
    const { agency } = makeAgency();
    const { der } = makeBci(agency, 'ACME').identifier;
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const copy = der.slice();
        copy[at]! ^= bits;
        try {
          readBrandCrlIdentifier(copy);
        } catch (error) {
          if (!(error instanceof HandselError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('root rollover', () => {
  const { agency } = makeAgency();
  const old = gateway(agency);
  const trust = informed(agency);
  rollRoot(agency);
  const fresh = gateway(agency);
  const [first, second] = roots(agency) as [Certificate, Certificate];

  it('makes the announced key the root key, so that whoever trusts the old root accepts the new one', () => {
    expect(() => requireNextRoot(first, second, START)).not.toThrow();
    expect(() => requireNextRoot(second, first, START)).toThrow(code('PKI_SET_ROOT'));
    const { agency: foreign } = makeAgency();
    expect(() => trust.learnRoot(roots(foreign)[0]!, START)).toThrow(code('PKI_SET_ROOT'));
  });

  it('comes along with the news, and leaves what was issued before valid', () => {
    const ask = (pair: typeof old) =>
      trust.validate({
        leaf: pair.signature,
        pool: pair.issuers,
        brandId: 'ACME',
        holder: 'gateway',
        purpose: 'signature',
        atMs: START,
      });
    expect(() => ask(fresh)).toThrow(code('PKI_PATH_UNTRUSTED'));
    learn(trust, agency);
    expect(ask(fresh).anchor.serial).toBe(second.serial);
    expect(ask(old).anchor.serial).toBe(first.serial);
  });
});

describe('thumbs', () => {
  const { agency } = makeAgency();
  const gate = gateway(agency);
  const held = [gate.signature, gate.encryption];

  it('tell a peer what it need not send', () => {
    const thumbs = readThumbs(makeThumbs({ certificates: [gate.signature] }));
    expect(notHeld(held, thumbs.certificates)).toEqual([gate.encryption]);
    expect(notHeld(held)).toEqual(held);
  });

  it('echoed must be those sent', () => {
    const sent = makeThumbs({ certificates: held });
    expect(() => requireSameThumbs(sent, sent.slice())).not.toThrow();
    expect(() => requireSameThumbs(undefined, undefined)).not.toThrow();
    for (const echoed of [undefined, makeThumbs({}), makeThumbs({ certificates: [gate.signature] })]) {
      expect(() => requireSameThumbs(sent, echoed)).toThrow(code('SET_thumbsMismatch'));
    }
  });

  it('never fail with anything but our own error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          readThumbs(bytes);
        } catch (error) {
          if (!(error instanceof HandselError)) throw error;
        }
      }),
    );
  });
});

describe('the files of an agency', () => {
  const { agency, clock } = makeAgency('Benelux');
  const gate = gateway(agency);
  revoke(agency, { serial: gate.encryption.serial, reason: 'superseded' });
  makeBci(agency, 'ACME');
  rollRoot(agency);
  const reader = (files: ReadonlyMap<string, Uint8Array>) => (name: string) => files.get(name);

  it('bring everything back, keys in plain PEM or sealed under a password', () => {
    for (const password of [undefined, 'correct horse']) {
      const sealing = password === undefined ? {} : { password };
      const files = writeAgencyFiles(agency, { ...sealing, random: systemRandom });
      const back = readAgencyFiles({ read: reader(files), ...sealing, clock, random: systemRandom });
      expect([...back.authorities.keys()]).toEqual([...agency.authorities.keys()]);
      expect(back.issued).toEqual(agency.issued);
      expect(back.identifierSequences).toEqual(agency.identifierSequences);
      const read = makeBci(back, 'ACME');
      expect(read.identifier.sequenceNumber).toBe(2n);
      const lists = read.lists.filter((list) => list.revoked.has(gate.encryption.serial));
      expect(lists).toHaveLength(1);
      rollRoot(back);
      expect(() => requireNextRoot(roots(agency)[1]!, roots(back)[2]!, START)).not.toThrow();
    }
  });

  it('show no private key when sealed, and open under no other password', () => {
    const files = writeAgencyFiles(agency, { password: 'correct horse', random: systemRandom });
    expect([...files.keys()]).toEqual(['agency.json', 'keys.sealed']);
    const open = (password?: string) =>
      readAgencyFiles({
        read: reader(files),
        ...(password !== undefined && { password }),
        clock,
        random: systemRandom,
      });
    expect(() => open('wrong horse')).toThrow(CryptographicError);
    expect(() => open()).toThrow(code('AGENCY_PASSWORD_NEEDED'));
  });

  it('damaged or missing are refused with a reason', () => {
    const files = new Map(writeAgencyFiles(agency, { random: systemRandom }));
    const open = () => readAgencyFiles({ read: reader(files), clock, random: systemRandom });
    files.delete('keys/root-1.pem');
    expect(open).toThrow(/private key of root-1/);
    files.set('agency.json', Buffer.from('{"format":"other"}'));
    expect(open).toThrow(code('AGENCY_FILES_INVALID'));
    files.delete('agency.json');
    expect(open).toThrow(code('AGENCY_FILES_INVALID'));
  });
});

describe('openssl', () => {
  const directory = mkdtempSync(join(tmpdir(), 'handsel-agency-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const pem = (name: string, ...certificates: readonly Certificate[]) => {
    const path = join(directory, name);
    writeFileSync(path, certificates.map((certificate) => toPem('CERTIFICATE', certificate.der)).join(''));
    return path;
  };
  const run = (...args: string[]) =>
    execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

  it('verifies the SET path, though it knows none of its critical extensions', () => {
    const { agency } = makeAgency();
    const gate = gateway(agency);
    const args = ['verify', '-attime', String(START / 1000), '-CAfile', pem('root.pem', gate.issuers.at(-1)!)];
    const rest = ['-untrusted', pem('issuers.pem', ...gate.issuers), pem('gate.pem', gate.signature)];
    expect(run(...args, '-ignore_critical', ...rest)).toContain('OK');
    expect(() => run(...args, ...rest)).toThrow(/unhandled critical extension/);
  });

  it('verifies every revocation list of the brand', () => {
    const { agency } = makeAgency();
    const gate = gateway(agency);
    revoke(agency, { serial: gate.signature.serial });
    const { lists } = makeBci(agency, 'ACME');
    const all = join(directory, 'lists.pem');
    writeFileSync(all, lists.map((list) => toPem('X509 CRL', list.der)).join(''));
    const common = ['verify', '-attime', String(START / 1000), '-ignore_critical', '-crl_check_all', '-CRLfile', all];
    const chain = ['-CAfile', pem('anchor.pem', gate.issuers.at(-1)!), '-untrusted', pem('cas.pem', ...gate.issuers)];
    expect(run(...common, ...chain, pem('good.pem', gate.encryption))).toContain('OK');
    expect(() => run(...common, ...chain, pem('bad.pem', gate.signature))).toThrow(/certificate revoked/);
  });
});
