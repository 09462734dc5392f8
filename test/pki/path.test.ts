import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/codec/hex.ts';
import { type Certificate, createCertificate, readCertificate } from '../../src/pki/certificate.ts';
import { makeExtension } from '../../src/pki/extension.ts';
import { hostName } from '../../src/pki/general-name.ts';
import { extendName, makeName } from '../../src/pki/name.ts';
import { collectChain, type PathOptions, recheckPath, validatePath } from '../../src/pki/path.ts';
import { createPathCache } from '../../src/pki/path-cache.ts';
import { createRevocationList } from '../../src/pki/revocation-list.ts';
import { createRevocationStore } from '../../src/pki/revocation-store.ts';
import {
  authorityKeyIdentifier,
  CLIENT_AUTH,
  extendedKeyUsage,
  nameConstraints,
  SERVER_AUTH,
  subjectAltName,
} from '../../src/pki/standard-extensions.ts';
import { DAY, type Holder, makeHolder, makeWorld, NOON } from './world.ts';

const world = makeWorld();

function check(holders: readonly Holder[], options: Partial<PathOptions> = {}) {
  return validatePath({
    chain: holders.map((holder) => holder.certificate),
    anchors: [world.root.certificate],
    atMs: NOON,
    purpose: 'signature',
    ...options,
  });
}

function code(expected: string) {
  return expect.objectContaining({ code: expected });
}

function revocationList(issuer: Holder, revoked: readonly Certificate[], number = 1n, atMs = NOON) {
  const entries = revoked.map(({ serial }) => ({ serial, revokedAt: new Date(atMs), reason: 'unspecified' as const }));
  const times = { thisUpdate: new Date(atMs), nextUpdate: new Date(atMs + 7 * DAY) };
  return createRevocationList({ number, ...times, revoked: entries }, issuer.certificate, issuer.keys.privateKey);
}

describe('a path', () => {
  it('is valid from the leaf to a trusted anchor, with the anchor given or not', () => {
    expect(check([world.leaf, world.middle]).chain).toHaveLength(3);
    const path = check([world.leaf, world.middle, world.root]);
    expect(path.anchor).toBe(world.root.certificate);
    expect(path.validUntilMs).toBe(world.leaf.certificate.notAfter.getTime());
  });

  it('is put in order out of a bag of certificates', () => {
    const other = makeWorld();
    const pool = [other.middle, other.leaf, world.root, world.leaf, world.middle].map((h) => h.certificate);
    const chain = collectChain(world.leaf.certificate, pool);
    expect(chain).toEqual([world.leaf, world.middle, world.root].map((h) => h.certificate));
  });

  it('to an anchor that is not trusted is refused', () => {
    expect(() => check([world.leaf, world.middle], { anchors: [makeWorld().root.certificate] })).toThrow(
      code('PKI_PATH_UNTRUSTED'),
    );
    expect(() => check([world.leaf])).toThrow(code('PKI_PATH_UNTRUSTED'));
    expect(() => check([])).toThrow(code('PKI_PATH_UNTRUSTED'));
  });

  it('with a forged signature is refused', () => {
    const { der } = world.leaf.certificate;
    const forged = readCertificate(concatBytes(der.slice(0, -1), Uint8Array.of(der.at(-1)! ^ 1)));
    expect(() => check([{ ...world.leaf, certificate: forged }, world.middle])).toThrow(code('PKI_SIGNATURE_INVALID'));
  });

  it('by an impostor with the name of the issuer but another key is refused', () => {
    const impostor = makeHolder({ subject: world.middle.certificate.subject, ca: true });
    const forged = makeHolder({ subject: makeName({ CN: 'Mallory' }), issuer: impostor });
    expect(() => check([forged, world.middle])).toThrow(code('PKI_AUTHORITY_KEY'));
  });

  it('turns from valid to invalid when the first certificate of it expires, and is invalid before it begins', () => {
    const end = world.leaf.certificate.notAfter.getTime();
    expect(() => check([world.leaf, world.middle], { atMs: end })).not.toThrow();
    expect(() => check([world.leaf, world.middle], { atMs: end + 1 })).toThrow(code('PKI_EXPIRED'));
    const begin = world.leaf.certificate.notBefore.getTime();
    expect(() => check([world.leaf, world.middle], { atMs: begin - 1 })).toThrow(code('PKI_NOT_YET_VALID'));
  });

  it('through a certificate that is no CA is refused', () => {
    const signer = makeHolder({ subject: makeName({ CN: 'signer' }), issuer: world.root });
    const below = makeHolder({ subject: makeName({ CN: 'below' }), issuer: signer });
    expect(() => check([below, signer])).toThrow(code('PKI_NOT_A_CA'));
  });

  it('through a CA whose key may not sign certificates is refused', () => {
    const crlOnly = makeHolder({ subject: makeName({ CN: 'c' }), issuer: world.root, ca: true, usage: ['cRLSign'] });
    const below = makeHolder({ subject: makeName({ CN: 'below' }), issuer: crlOnly });
    expect(() => check([below, crlOnly])).toThrow(code('PKI_KEY_USAGE'));
  });

  it('longer than a CA in it allows is refused', () => {
    const sub = makeHolder({ subject: makeName({ CN: 'sub' }), issuer: world.middle, ca: true });
    const below = makeHolder({ subject: makeName({ CN: 'below' }), issuer: sub });
    expect(() => check([below, sub, world.middle])).toThrow(code('PKI_PATH_LENGTH'));
  });

  it('longer than anything needs is refused before any signature is looked at', () => {
    expect(() => check(new Array(9).fill(world.leaf))).toThrow(code('PKI_PATH_TOO_LONG'));
    const pool = new Array(65).fill(world.leaf.certificate);
    expect(() => collectChain(world.leaf.certificate, pool)).toThrow(code('PKI_PATH_TOO_LONG'));
  });

  it('with a critical extension nobody understands is refused, unless the caller does', () => {
    const extension = { id: '2.23.42.7.1', critical: true, value: Uint8Array.of(5, 0) };
    const odd = makeHolder({ subject: makeName({ CN: 'odd' }), issuer: world.middle, extensions: [extension] });
    expect(() => check([odd, world.middle])).toThrow(code('PKI_CRITICAL_EXTENSION'));
    expect(() => check([odd, world.middle], { understood: ['2.23.42.7.1'] })).not.toThrow();
    const mild = { ...extension, critical: false };
    const harmless = makeHolder({ subject: makeName({ CN: 'odd' }), issuer: world.middle, extensions: [mild] });
    expect(() => check([harmless, world.middle])).not.toThrow();
  });

  it('whose certificates name another issuer than the one that signed is refused', () => {
    const { certificate, keys } = world.leaf;
    const issuer = makeName({ CN: 'somebody else' });
    const wrong = createCertificate(
      { ...certificate, issuer, extensions: [...certificate.extensions.values()] },
      world.middle.keys.privateKey,
    );
    expect(() => check([{ certificate: wrong, keys }, world.middle])).toThrow(code('PKI_PATH_UNTRUSTED'));
  });

  it('whose certificates point at another serial of the issuer is refused', () => {
    const { certificate, keys } = world.leaf;
    const pointing = makeExtension(authorityKeyIdentifier, { serial: world.middle.certificate.serial + 1n });
    const extensions = [
      ...[...certificate.extensions.values()].filter((e) => e.id !== authorityKeyIdentifier.id),
      pointing,
    ];
    const wrong = createCertificate({ ...certificate, extensions }, world.middle.keys.privateKey);
    expect(() => check([{ certificate: wrong, keys }, world.middle])).toThrow(code('PKI_AUTHORITY_KEY'));
  });
});

describe('a purpose', () => {
  it('must be among the key usages', () => {
    expect(() => check([world.leaf, world.middle], { purpose: 'encryption' })).toThrow(code('PKI_KEY_USAGE'));
    expect(() => check([world.leaf, world.middle], { purpose: 'certificate-signing' })).toThrow(code('PKI_KEY_USAGE'));
    const subject = makeName({ CN: 'e' });
    const agreeing = makeHolder({ subject, issuer: world.middle, usage: ['keyAgreement'] });
    expect(() => check([agreeing, world.middle], { purpose: 'encryption' })).not.toThrow();
    expect(() => check([agreeing, world.middle])).toThrow(code('PKI_KEY_USAGE'));
  });

  it('with an extended usage must be in the leaf, and not be closed off by a CA above', () => {
    const server = makeExtension(extendedKeyUsage, [SERVER_AUTH]);
    const subject = makeName({ CN: 'server' });
    const leaf = makeHolder({ subject, issuer: world.middle, extensions: [server] });
    expect(() => check([leaf, world.middle], { purpose: 'tls-server' })).not.toThrow();
    expect(() => check([leaf, world.middle], { purpose: 'tls-client' })).toThrow(code('PKI_KEY_USAGE'));
    expect(() => check([world.leaf, world.middle], { purpose: 'tls-server' })).toThrow(code('PKI_KEY_USAGE'));

    const clients = makeExtension(extendedKeyUsage, [CLIENT_AUTH]);
    const ca = makeHolder({ subject: makeName({ CN: 'ca' }), issuer: world.root, ca: true, extensions: [clients] });
    const below = makeHolder({ subject, issuer: ca, extensions: [server] });
    expect(() => check([below, ca], { purpose: 'tls-server' })).toThrow(code('PKI_KEY_USAGE'));
  });
});

describe('name constraints', () => {
  const station = makeName({ C: 'NL', O: 'Agency', OU: 'Stations', CN: 'alice' });
  const everyHost = [
    { base: { type: 'dns', value: '' } as const, minimum: 0 },
    { base: { type: 'ip', value: new Uint8Array(8) } as const, minimum: 0 },
  ];
  const authority = makeHolder({
    subject: station,
    issuer: world.root,
    ca: true,
    pathLength: 0,
    extensions: [
      makeExtension(nameConstraints, {
        permitted: [{ base: { type: 'directory', value: station }, minimum: 0 }],
        excluded: everyHost,
      }),
    ],
  });

  it('let names below the permitted one pass, and no other', () => {
    const agent = makeHolder({ subject: extendName(station, { CN: 'agent' }), issuer: authority });
    expect(() => check([agent, authority])).not.toThrow();
    for (const subject of [
      makeName({ C: 'NL', O: 'Agency', OU: 'Stations', CN: 'bob' }),
      makeName({ C: 'NL', O: 'Agency', OU: 'Stations' }),
      makeName({ CN: 'alice' }),
    ]) {
      const foreign = makeHolder({ subject, issuer: authority });
      expect(() => check([foreign, authority])).toThrow(code('PKI_NAME_CONSTRAINT'));
    }
  });

  it('keep hosts away from an authority that has none', () => {
    for (const host of ['shop.example', '10.0.0.1']) {
      const names = makeExtension(subjectAltName, [hostName(host)]);
      const posing = makeHolder({
        subject: extendName(station, { CN: 'agent' }),
        issuer: authority,
        extensions: [names],
      });
      expect(() => check([posing, authority])).toThrow(code('PKI_NAME_CONSTRAINT'));
    }
  });

  it('exclude a name whatever its case and spacing', () => {
    const excluding = makeHolder({
      subject: makeName({ CN: 'ca' }),
      issuer: world.root,
      ca: true,
      extensions: [
        makeExtension(nameConstraints, {
          excluded: [{ base: { type: 'directory', value: makeName({ O: 'Big Bank' }) }, minimum: 0 }],
        }),
      ],
    });
    const posing = makeHolder({ subject: makeName({ O: 'BIG  bank', CN: 'x' }), issuer: excluding });
    expect(() => check([posing, excluding])).toThrow(code('PKI_NAME_CONSTRAINT'));
    const other = makeHolder({ subject: makeName({ O: 'Small Bank', CN: 'x' }), issuer: excluding });
    expect(() => check([other, excluding])).not.toThrow();
  });

  it('of a form not honoured here refuse everything', () => {
    const mail = { base: { type: 'mail', value: 'example.com' } as const, minimum: 0 };
    const extensions = [makeExtension(nameConstraints, { permitted: [mail] })];
    const ca = makeHolder({ subject: makeName({ CN: 'mail' }), issuer: world.root, ca: true, extensions });
    const leaf = makeHolder({ subject: makeName({ CN: 'x' }), issuer: ca });
    expect(() => check([leaf, ca])).toThrow(code('PKI_NAME_CONSTRAINT'));
  });
});

describe('revocation', () => {
  function storeWith(revoked: readonly Certificate[]) {
    const store = createRevocationStore({ maxAgeMs: 2 * DAY });
    store.add(revocationList(world.root, []), world.root.certificate);
    store.add(revocationList(world.middle, revoked), world.middle.certificate);
    return store;
  }

  it('refuses a revoked certificate, at the leaf and above', () => {
    expect(() => check([world.leaf, world.middle], { revocation: storeWith([]) })).not.toThrow();
    const revocation = storeWith([world.leaf.certificate]);
    expect(() => check([world.leaf, world.middle], { revocation })).toThrow(code('PKI_REVOKED'));
    revocation.add(revocationList(world.root, [world.middle.certificate], 2n), world.root.certificate);
    const sibling = makeHolder({ subject: makeName({ CN: 'sibling' }), issuer: world.middle });
    expect(() => check([sibling, world.middle], { revocation })).toThrow(code('PKI_REVOKED'));
  });

  it('unknown for want of a list refuses, and a list turns from current to too old by the local maximum age', () => {
    const empty = createRevocationStore({ maxAgeMs: DAY });
    expect(() => check([world.leaf, world.middle], { revocation: empty })).toThrow(code('PKI_REVOCATION_UNKNOWN'));
    const revocation = storeWith([]);
    const path = check([world.leaf, world.middle], { revocation });
    expect(() => recheckPath(path, NOON + 2 * DAY, revocation)).not.toThrow();
    expect(() => recheckPath(path, NOON + 2 * DAY + 1, revocation)).toThrow(code('PKI_REVOCATION_UNKNOWN'));
  });

  it('is never undone by an older list', () => {
    const store = storeWith([world.leaf.certificate]);
    expect(store.add(revocationList(world.middle, [], 1n), world.middle.certificate)).toBe(false);
    expect(store.add(revocationList(world.middle, [], 0n), world.middle.certificate)).toBe(false);
    expect(() => check([world.leaf, world.middle], { revocation: store })).toThrow(code('PKI_REVOKED'));
  });

  it('takes lists only from the issuer, by signature and by key usage', () => {
    const store = createRevocationStore({ maxAgeMs: DAY });
    const impostor = makeHolder({ subject: world.middle.certificate.subject, ca: true });
    expect(() => store.add(revocationList(impostor, []), world.middle.certificate)).toThrow(code('PKI_CRL_SIGNATURE'));
    expect(() => store.add(revocationList(world.root, []), world.middle.certificate)).toThrow(
      code('PKI_CRL_SIGNATURE'),
    );
    const noLists = makeHolder({ subject: makeName({ CN: 'n' }), ca: true, usage: ['keyCertSign'] });
    expect(() => store.add(revocationList(noLists, []), noLists.certificate)).toThrow(code('PKI_CRL_SIGNATURE'));
  });
});

describe('the path cache', () => {
  function makeCache(maxEntries = 2) {
    const revocation = createRevocationStore({ maxAgeMs: 7 * DAY });
    revocation.add(revocationList(world.root, []), world.root.certificate);
    revocation.add(revocationList(world.middle, []), world.middle.certificate);
    const seen: Certificate[] = [];
    const cache = createPathCache({
      maxEntries,
      validate: ({ leaf, pool, purpose, atMs }) => {
        seen.push(leaf);
        const anchors = [world.root.certificate];
        return validatePath({ chain: collectChain(leaf, pool), anchors, atMs, purpose, revocation });
      },
      recheck: (path, { atMs }) => recheckPath(path, atMs, revocation),
    });
    const ask = (leaf: Certificate, atMs = NOON, purpose: 'signature' | 'encryption' = 'signature') =>
      cache.validate({ leaf, pool: [world.middle.certificate], purpose, atMs });
    return { cache, seen, ask, revocation };
  }

  it('validates a chain once, and again for another purpose', () => {
    const { seen, ask } = makeCache();
    expect(ask(world.leaf.certificate)).toBe(ask(world.leaf.certificate));
    expect(seen).toHaveLength(1);
    expect(() => ask(world.leaf.certificate, NOON, 'encryption')).toThrow(code('PKI_KEY_USAGE'));
    expect(seen).toHaveLength(2);
  });

  it('notices that time has run out and that a certificate has been revoked since', () => {
    const { ask, revocation } = makeCache();
    ask(world.leaf.certificate);
    expect(() => ask(world.leaf.certificate, world.leaf.certificate.notAfter.getTime() + 1)).toThrow(
      code('PKI_EXPIRED'),
    );
    revocation.add(revocationList(world.middle, [world.leaf.certificate], 2n), world.middle.certificate);
    expect(() => ask(world.leaf.certificate)).toThrow(code('PKI_REVOKED'));
  });

  it('holds no more than its bound, and forgets the least recently used', () => {
    const { cache, seen, ask } = makeCache(2);
    const others = [1, 2].map((n) => makeHolder({ subject: makeName({ CN: `o${n}` }), issuer: world.middle }));
    ask(world.leaf.certificate);
    ask(others[0]!.certificate);
    ask(world.leaf.certificate);
    ask(others[1]!.certificate);
    expect(cache.size).toBe(2);
    ask(world.leaf.certificate);
    expect(seen).toHaveLength(3);
    ask(others[0]!.certificate);
    expect(seen).toHaveLength(4);
  });
});
