/** SD-JWT VC against another implementation, `@sd-jwt/sd-jwt-vc`: theirs verified by ours, ours by theirs, and bad ones refused (RFC 9901, draft-ietf-oauth-sd-jwt-vc). */
import { createHash, createPublicKey, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeCompactKey } from '../../../src/crypto/compact-key.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { CryptographicError, HandselError } from '../../../src/handsel-error.ts';
import { encodeJson, type Json, type Jwk, jwkOfCompact, signJws } from '../../../src/trusted/credential/jws.ts';
import {
  digestOfDisclosure,
  issuerMetadata,
  issueSdJwt,
  joinSdJwt,
  presentSdJwt,
  splitSdJwt,
} from '../../../src/trusted/credential/sd-jwt.ts';
import { type SdJwtVerification, verifySdJwt } from '../../../src/trusted/credential/verify-sd-jwt.ts';

const nowMs = 1_771_000_000_000;
const nowS = nowMs / 1000;
const issuer = 'https://vagverket.example';
const vct = 'https://vagverket.example/licence';
const ours = makeCompactKey(systemRandom);
const holder = makeCompactKey(systemRandom);
const claims = [
  { name: 'name', value: 'Ada Nyström' },
  { name: 'over 18', value: true },
  { name: 'height', value: 172 },
  { name: 'picture', value: new Uint8Array([1, 2, 3]) },
];

const issue = (changed: Partial<Parameters<typeof issueSdJwt>[0]> = {}) =>
  issueSdJwt({
    ...{ issuer, vct, claims, holderKey: holder.x, issuedAtS: nowS - 10, expiresAtS: nowS + 3600 },
    ...{ key: { compact: ours.x, privateKey: ours.privateKey }, random: systemRandom },
    ...changed,
  });
const binding = { audience: 'https://opera.example', nonce: 'n-0S6_WzA2Mj' };
const present = (text: string, changed: Partial<Parameters<typeof presentSdJwt>[1]> = {}) =>
  presentSdJwt(text, { names: ['over 18'], ...binding, atS: nowS, privateKey: holder.privateKey, ...changed });
const believed = { issuer, keys: [jwkOfCompact(ours.x)] };
const check = (text: string, changed: Partial<SdJwtVerification> = {}) =>
  verifySdJwt(text, { issuers: [believed], nowMs, binding, ...changed });

/** Their implementation with its keys: an issuer and a holder of its own, who believe ours. */
const theirIssuer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const theirHolder = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signer = (key: typeof theirIssuer) => (data: string) =>
  sign('sha256', Buffer.from(data), { key: key.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url');
const theirs = (publicKey = theirIssuer.publicKey) =>
  new SDJwtVcInstance({
    ...{ signer: signer(theirIssuer), signAlg: 'ES256', kbSigner: signer(theirHolder), kbSignAlg: 'ES256' },
    hasher: (data: string | ArrayBuffer) =>
      new Uint8Array(
        createHash('sha256')
          .update(typeof data === 'string' ? data : new Uint8Array(data))
          .digest(),
      ),
    hashAlg: 'sha-256',
    saltGenerator: (length: number) => randomBytes(length).toString('base64url'),
    verifier: (data: string, signature: string) =>
      verify(
        'sha256',
        Buffer.from(data),
        { key: publicKey, dsaEncoding: 'ieee-p1363' },
        Buffer.from(signature, 'base64url'),
      ),
    kbVerifier(data: string, signature: string, payload) {
      const { jwk } = (payload as unknown as { cnf: { jwk: Record<string, string> } }).cnf;
      const key = createPublicKey({ key: jwk as never, format: 'jwk' });
      return verify(
        'sha256',
        Buffer.from(data),
        { key, dsaEncoding: 'ieee-p1363' },
        Buffer.from(signature, 'base64url'),
      );
    },
  });

async function issueTheirs(changed: Record<string, unknown> = {}) {
  const jwk = theirHolder.publicKey.export({ format: 'jwk' });
  return theirs().issue(
    {
      ...{
        iss: 'https://bank.example',
        vct: 'https://bank.example/customer',
        iat: nowS - 10,
        exp: nowS + 3600,
        cnf: { jwk },
      },
      ...{
        given_name: 'Ada',
        over_18: true,
        address: { city: 'Göteborg', country: 'SE' },
        nationalities: ['SE', 'DE'],
      },
      ...changed,
    } as never,
    { _sd: ['given_name', 'over_18'], address: { _sd: ['city'] }, nationalities: { _sd: [0, 1] } } as never,
  );
}
const theirKey = theirIssuer.publicKey.export({ format: 'jwk' }) as unknown as Jwk;
const believeThem = { issuers: [{ issuer: 'https://bank.example', keys: [theirKey] }] };

describe('an SD-JWT VC', () => {
  it('of ours is verified by theirs, with only what is shown, and only for whom it is shown', async () => {
    const { x, y } = jwkOfCompact(ours.x);
    const library = theirs(createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' }));
    const result = await library.verify(present(issue()), {
      ...{ currentDate: nowS, requiredClaimKeys: ['over 18'], keyBindingNonce: binding.nonce },
    });
    expect(result.payload).toMatchObject({ iss: issuer, vct, 'over 18': true });
    expect(result.payload).not.toHaveProperty('name');
    expect(result.kb?.payload).toMatchObject({ aud: binding.audience, nonce: binding.nonce });
    await expect(
      library.verify(present(issue(), { nonce: 'another' }), { currentDate: nowS, keyBindingNonce: binding.nonce }),
    ).rejects.toThrow();
    const whole = await library.verify(issue(), { currentDate: nowS });
    expect(whole.payload).toMatchObject({ name: 'Ada Nyström', height: 172 });
  });

  it('of theirs is verified by ours, nested claims and elements of lists included', async () => {
    const issued = await issueTheirs();
    const opened = verifySdJwt(issued, { ...believeThem, nowMs, binding: undefined });
    expect(opened).toMatchObject({
      issuer: 'https://bank.example',
      vct: 'https://bank.example/customer',
      hasStatus: false,
    });
    const address = { city: 'Göteborg', country: 'SE' };
    expect(opened.claims).toEqual({ given_name: 'Ada', over_18: true, address, nationalities: ['SE', 'DE'] });
    const shown = await theirs().present(issued, { over_18: true, nationalities: { 0: true } } as never, {
      kb: { payload: { iat: nowS, aud: binding.audience, nonce: binding.nonce } },
    });
    const verified = verifySdJwt(shown, { ...believeThem, nowMs, binding });
    expect(verified.claims).toEqual({ over_18: true, address: { country: 'SE' }, nationalities: ['SE'] });
    expect(() => verifySdJwt(shown, { ...believeThem, nowMs, binding: { ...binding, nonce: 'x' } })).toThrow(
      HandselError,
    );
  });

  it('of ours shows only chosen claims, and what it does not show stands nowhere in it', () => {
    const shown = present(issue());
    expect(check(shown)).toMatchObject({ issuer, vct, claims: { 'over 18': true }, expiresAtS: nowS + 3600 });
    const { jwt } = splitSdJwt(shown);
    expect(Buffer.from(jwt.split('.')[1]!, 'base64url').toString()).not.toContain('Nyström');
    expect(check(present(issue(), { names: [] })).claims).toEqual({});
    expect(() => present(issue(), { names: ['shoe size'] })).toThrow(HandselError);
    expect(issuerMetadata(issuer, [ours.x])).toMatchObject({
      issuer,
      jwks: { keys: [{ kid: jwkOfCompact(ours.x).kid }] },
    });
  });
});

describe('an SD-JWT VC is refused', () => {
  const parts = splitSdJwt(issue());
  const jws = (payload: Record<string, Json>, header: Record<string, Json> = {}, key = ours) =>
    signJws({ typ: 'dc+sd-jwt', kid: jwkOfCompact(ours.x).kid, ...header }, payload, key.privateKey);
  const base = { iss: issuer, vct, exp: nowS + 60, _sd_alg: 'sha-256' };
  const salted = (name: string, value: Json) => encodeJson(['c2FsdHNhbHRzYWx0c2FsdA', name, value]);
  const plain = (text: string) => () => check(text, { binding: undefined });
  const unsigned = `${encodeJson({ alg: 'none', typ: 'dc+sd-jwt' })}.${parts.jwt.split('.')[1]}.`;
  const [first, second] = [salted('a', 1), salted('b', 2)];
  const digest = digestOfDisclosure(first);

  it.each([
    [
      'forged: signed by somebody else',
      plain(joinSdJwt({ jwt: jws(base, {}, makeCompactKey(systemRandom)), disclosures: [] })),
    ],
    ['by an issuer that is not believed', plain(`${jws({ ...base, iss: 'https://evil.example' })}~`)],
    ["with a key that is not the issuer's", plain(`${jws(base, { kid: 'other' })}~`)],
    ['with the algorithm "none"', plain(joinSdJwt({ jwt: unsigned, disclosures: parts.disclosures }))],
    ['of another type', plain(`${jws(base, { typ: 'JWT' })}~`)],
    ['with what is critical and unknown', plain(`${jws(base, { crit: ['x'] })}~`)],
    ['with another hash', plain(`${jws({ ...base, _sd_alg: 'sha-512' })}~`)],
    ['without a type of credential', plain(`${jws({ iss: issuer })}~`)],
    [
      'with a disclosure that is in no digest',
      plain(joinSdJwt({ jwt: jws({ ...base, _sd: [digest] }), disclosures: [second] })),
    ],
    [
      'with a disclosure twice',
      plain(joinSdJwt({ jwt: jws({ ...base, _sd: [digest] }), disclosures: [first, first] })),
    ],
    ['with a digest twice', plain(`${jws({ ...base, _sd: [digest, digest] })}~`)],
    ['with a digest twice on two levels', plain(`${jws({ ...base, _sd: [digest], deep: { _sd: [digest] } })}~`)],
    [
      'with a claim disclosed that stands there already',
      plain(joinSdJwt({ jwt: jws({ ...base, a: 0, _sd: [digest] }), disclosures: [first] })),
    ],
    ...['iss', 'exp', 'vct', 'cnf', 'status', '_sd', '...'].map((name) => {
      const disclosure = salted(name, 'x');
      const jwt = jws({ ...base, _sd: [digestOfDisclosure(disclosure)] });
      return [`with "${name}" disclosed`, plain(joinSdJwt({ jwt, disclosures: [disclosure] }))] as const;
    }),
    [
      'with an element where a claim should be',
      plain(
        joinSdJwt({
          jwt: jws({ ...base, _sd: [digestOfDisclosure(encodeJson(['s', 1]))] }),
          disclosures: [encodeJson(['s', 1])],
        }),
      ),
    ],
    ['without proof of whoever shows it', () => check(joinSdJwt(parts))],
    ['with a proof by another key', () => check(present(issue(), { privateKey: ours.privateKey }))],
    ['with a proof for other disclosures', () => check(present(issue()).replace(/~[^~]+~/, '~'))],
    ['with a proof where none was asked for', plain(present(issue()))],
    ['nested too deeply', plain(`${jws({ ...base, deep: nested(40) })}~`)],
    ['with no tilde', plain(parts.jwt)],
  ] as readonly (readonly [string, () => unknown])[])('%s', (_, act) => {
    expect(act).toThrow(CryptographicError);
  });

  it.each([
    ['expired', 'TICKET_INACTIVE', () => check(present(issue({ expiresAtS: nowS - 301 })))],
    ['before its time', 'TICKET_INACTIVE', plain(`${jws({ ...base, nbf: nowS + 600 })}~`)],
    ['with an old proof', 'TICKET_INACTIVE', () => check(present(issue(), { atS: nowS - 601 }))],
    [
      'shown to another verifier',
      'TICKET_INVALID',
      () => check(present(issue(), { audience: 'https://evil.example' })),
    ],
    ['shown on another occasion', 'TICKET_INVALID', () => check(present(issue(), { nonce: 'older' }))],
  ] as const)('%s', (_, code, act) => {
    expect(act).toThrow(expect.objectContaining({ code }));
  });

  it('whatever bytes it is, and with our own errors only', () => {
    const { jwt } = parts;
    const piece = fc.oneof(
      fc.string(),
      fc.constant(jwt),
      fc.json().map((json) => Buffer.from(json).toString('base64url')),
    );
    const text = fc.oneof(
      fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('~')),
      fc
        .json()
        .map((json) => `${jws({ ...base, x: JSON.parse(json) as Json })}~${encodeJson(JSON.parse(json) as Json)}~`),
    );
    fc.assert(
      fc.property(text, (sent) => {
        try {
          check(sent, { binding: undefined });
        } catch (error) {
          expect(error).toBeInstanceOf(HandselError);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('to be issued with a claim that means something else', () => {
    expect(() => issue({ claims: [{ name: 'exp', value: 1 }] })).toThrow(HandselError);
  });
});

function nested(depth: number): Json {
  return depth === 0 ? 0 : { a: nested(depth - 1) };
}
