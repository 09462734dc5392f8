import { beforeEach, describe, expect, it } from 'vitest';
import { systemRandom } from '../../../src/crypto/random.ts';
import { generateP256 } from '../../../src/crypto/signature.ts';
import type { Certificate } from '../../../src/pki/certificate.ts';
import { type Extension, makeExtension } from '../../../src/pki/extension.ts';
import { makeName } from '../../../src/pki/name.ts';
import { createRevocationList } from '../../../src/pki/revocation-list.ts';
import {
  basicConstraints,
  certificatePolicies,
  keyUsage,
  privateKeyUsagePeriod,
} from '../../../src/pki/standard-extensions.ts';
import { type Agency, authorityFor } from '../../../src/set/authority/agency.ts';
import { createRoot, issueUnder } from '../../../src/set/authority/authority.ts';
import { createAgency, rollRoot } from '../../../src/set/authority/create-agency.ts';
import { issueGateway } from '../../../src/set/authority/issue-acceptance.ts';
import { authorityProfile, holderProfile } from '../../../src/set/authority/profile.ts';
import { makeBci, makeCrl, revoke } from '../../../src/set/authority/revocation.ts';
import { createBrandCrlIdentifier } from '../../../src/set/message/brand-crl-identifier.ts';
import { certificateType, hashedRootKey } from '../../../src/set/message/certificate-extensions.ts';
import { validateSetPath } from '../../../src/set/message/set-path.ts';
import { createSetTrust } from '../../../src/set/message/set-trust.ts';

const START = Date.UTC(2026, 5, 1, 12);
const DAY = 86_400_000;

let nowMs = START;
let agency: Agency;
beforeEach(() => {
  nowMs = START;
  const brands = ['ACME', 'Other'].map((brandId) => ({ brandId, country: 'NL' }));
  const clock = { nowMs: () => nowMs };
  agency = createAgency({ organization: 'Agency', country: 'NL', brands, clock, random: systemRandom });
});

function code(expected: string) {
  return expect.objectContaining({ code: expected });
}

/** A gateway certificate of the real gateway CA, but with the extensions given. */
function gatewayWith(extensions: readonly Extension[]): Certificate {
  return issueUnder({
    issuer: authorityFor(agency, 'gateway-ca', 'ACME'),
    subject: makeName({ C: 'NL', O: 'ACME', CN: 'GATE' }),
    publicKey: generateP256().publicKey,
    notBeforeMs: START,
    lifetimeMs: 100 * DAY,
    extensions,
    random: systemRandom,
  });
}

function check(leaf: Certificate, atMs = START) {
  const above = (['gateway-ca', 'brand'] as const).map((role) => authorityFor(agency, role, 'ACME').certificate);
  return validateSetPath({
    chain: [leaf, ...above],
    roots: [authorityFor(agency, 'root').certificate],
    atMs,
    brandId: 'ACME',
    holder: 'gateway',
    purpose: 'signature',
  });
}

function gateway() {
  const keys = { signatureKey: generateP256().publicKey, encryptionKey: generateP256().publicKey };
  return issueGateway(agency, { ...keys, brandId: 'ACME', acquirerName: 'Bank', gatewayId: 'GATE', country: 'NL' });
}

describe('the SET path', () => {
  const profile = holderProfile('gateway', 'signature');
  const without = (id: string) => profile.filter((extension) => extension.id !== id);

  it('asks for the SET root policy in every certificate', () => {
    expect(() => check(gatewayWith(profile))).not.toThrow();
    expect(() => check(gatewayWith(without(certificatePolicies.id)))).toThrow(code('PKI_SET_POLICY'));
    const other = makeExtension(certificatePolicies, [{ policy: '1.2.3' }]);
    expect(() => check(gatewayWith([...without(certificatePolicies.id), other]))).toThrow(code('PKI_SET_POLICY'));
  });

  it('asks every holder what it is, and lets no holder be a CA besides', () => {
    expect(() => check(gatewayWith(without(certificateType.id)))).toThrow(code('PKI_SET_TYPE'));
    const ca = makeExtension(basicConstraints, { ca: true });
    expect(() => check(gatewayWith([...without(basicConstraints.id), ca]))).toThrow(code('PKI_SET_TYPE'));
  });

  it('lets only a root announce a root key', () => {
    const announced = makeExtension(hashedRootKey, { rootKeyThumb: systemRandom(32) });
    expect(() => check(gatewayWith([...profile, announced]))).toThrow(code('PKI_SET_TYPE'));
  });

  it('ends at a root that is one by its type', () => {
    const subject = makeName({ C: 'NL', O: 'ACME', CN: 'brand on its own' });
    const place = { id: 'x', role: 'brand', brandId: 'ACME', generation: 1 } as const;
    const base = { notBeforeMs: START, lifetimeMs: DAY, random: systemRandom };
    const lone = createRoot(place, { ...base, subject, extensions: authorityProfile(['gatewayCa'], 'brand', START) });
    const leaf = issueUnder({
      ...base,
      issuer: lone,
      subject: makeName({ C: 'NL', O: 'ACME', CN: 'GATE' }),
      publicKey: generateP256().publicKey,
      extensions: profile,
    });
    const roots = [lone.certificate];
    const asked = { roots, atMs: START, brandId: 'ACME', holder: 'gateway', purpose: 'signature' } as const;
    expect(() => validateSetPath({ chain: [leaf], ...asked })).toThrow(code('PKI_SET_TYPE'));
  });

  it('turns invalid for signing when the private key is due to rest, before the certificate ends', () => {
    const period = makeExtension(privateKeyUsagePeriod, { notAfter: new Date(START + DAY) });
    const leaf = gatewayWith([...profile, period]);
    expect(check(leaf, START + DAY).validUntilMs).toBe(START + DAY);
    expect(() => check(leaf, START + DAY + 1)).toThrow(code('PKI_KEY_PERIOD'));
  });
});

describe('what a party knows of revocation', () => {
  function trusting() {
    const trust = createSetTrust({ roots: [authorityFor(agency, 'root').certificate], maxAgeMs: 7 * DAY });
    const learn = (news: Partial<ReturnType<typeof makeBci>>, brandId = 'ACME') => {
      const { identifier, lists = [], certificates = [] } = news;
      const common = { revocationLists: lists, certificates, brandId, atMs: nowMs };
      trust.learn({ ...common, ...(identifier && { brandCrlIdentifier: identifier }) });
    };
    const ask = (pair: ReturnType<typeof gateway>) =>
      trust.validate({
        leaf: pair.signature,
        pool: pair.issuers,
        brandId: 'ACME',
        holder: 'gateway',
        purpose: 'signature',
        atMs: nowMs,
      });
    return { trust, learn, ask };
  }

  it('is not enough when the lists are fresh but the brand has long said nothing', () => {
    const gate = gateway();
    const { learn, ask } = trusting();
    learn(makeBci(agency, 'ACME'));
    nowMs = START + 6 * DAY;
    const { lists, certificates } = makeBci(agency, 'ACME');
    learn({ lists, certificates });
    nowMs = START + 7 * DAY;
    expect(() => ask(gate)).not.toThrow();
    nowMs += 1;
    expect(() => ask(gate)).toThrow(code('PKI_REVOCATION_UNKNOWN'));
    learn(makeBci(agency, 'ACME'));
    expect(() => ask(gate)).not.toThrow();
  });

  it('takes no word of one brand for another', () => {
    const { learn } = trusting();
    const other = authorityFor(agency, 'brand', 'Other');
    const { certificates } = makeBci(agency, 'Other');
    const times = { notBefore: new Date(START), notAfter: new Date(START + DAY) };
    const posing = createBrandCrlIdentifier(
      { ...times, sequenceNumber: 9n, brandId: 'ACME', lists: [] },
      other.certificate,
      other.privateKey,
    );
    expect(() => learn({ identifier: posing, certificates }, 'ACME')).toThrow(code('PKI_SET_BRAND'));
    expect(() => learn({ identifier: posing, certificates }, 'Other')).toThrow(code('PKI_SET_BRAND'));
  });

  it('falls with the brand CA that signed it', () => {
    const before = gateway();
    const { learn, ask } = trusting();
    rollRoot(agency);
    learn(makeBci(agency, 'ACME'));
    expect(() => ask(before)).not.toThrow();
    revoke(agency, { serial: authorityFor(agency, 'brand', 'ACME').certificate.serial, reason: 'cACompromise' });
    learn({ lists: [makeCrl(agency, 'root-2')] });
    expect(() => ask(before)).toThrow(code('PKI_REVOKED'));
  });

  it('takes no list from whoever merely bears the name of a CA', () => {
    const { learn } = trusting();
    const real = authorityFor(agency, 'gateway-ca', 'ACME');
    const extensions = authorityProfile(['gatewayCa'], 'gateway-ca', START);
    const impostor = createRoot(
      { id: 'x', role: 'gateway-ca', brandId: 'ACME', generation: 1 },
      { subject: real.certificate.subject, notBeforeMs: START, lifetimeMs: DAY, extensions, random: systemRandom },
    );
    const times = { thisUpdate: new Date(START), nextUpdate: new Date(START + DAY) };
    const content = { ...times, number: 99n, revoked: [] };
    const list = createRevocationList(content, impostor.certificate, impostor.privateKey);
    expect(() => learn({ lists: [list], certificates: [impostor.certificate] })).toThrow(code('PKI_PATH_UNTRUSTED'));
    expect(() => learn({ lists: [list] })).toThrow(code('PKI_REVOCATION_UNKNOWN'));
  });

  it('takes nothing from the future, and no more lists than a brand can have', () => {
    const { learn } = trusting();
    nowMs = START + DAY;
    const { identifier, lists, certificates } = makeBci(agency, 'ACME');
    nowMs = START;
    expect(() => learn({ lists, certificates })).toThrow(code('PKI_REVOCATION_UNKNOWN'));
    expect(() => learn({ identifier, certificates })).toThrow(code('PKI_REVOCATION_UNKNOWN'));
    expect(() => learn({ lists: new Array(65).fill(lists[0]) })).toThrow(code('PKI_CRL_INVALID'));
  });
});

describe('the extensions', () => {
  it('of a gateway for sealing allow agreement on keys, and no signature', () => {
    const sealing = holderProfile('gateway', 'encryption');
    const usage = sealing.find((extension) => extension.id === keyUsage.id);
    expect(usage).toEqual(makeExtension(keyUsage, new Set(['keyAgreement'] as const)));
  });
});
