/** Credentials exported as SD-JWT VCs by the authority that issued them, shown to verifiers, and those of other issuers imported. */
import { createPublicKey, verify } from 'node:crypto';
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc';
import { describe, expect, it, test } from 'vitest';
import { utf8 } from '../../../src/codec/hex.ts';
import { makeCompactKey } from '../../../src/crypto/compact-key.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { encodeJson, jwkOfCompact, signJws } from '../../../src/trusted/credential/jws.ts';
import { digestOfDisclosure, issuerMetadata } from '../../../src/trusted/credential/sd-jwt.ts';
import { verifySdJwt } from '../../../src/trusted/credential/verify-sd-jwt.ts';
import { ISSUER, LICENCE, withLicence } from '../bureau.ts';
import { about, certifiedOf, isAtRest, noticesOf } from '../opera.ts';
import { inTime, type TrustedAgent } from '../trusted-world.ts';

const DAY_MS = 86_400_000;
const audience = 'https://opera.example';
const nonce = 'n-0S6_WzA2Mj';
const whys = (agent: TrustedAgent) => noticesOf(agent, 'failed').map(({ why }) => why);

async function exported() {
  const world = await withLicence();
  const { trusted, cy, bureau, licence } = world;
  const order = async (ticketId = licence, route = 'bureau') => {
    await inTime(trusted.world, cy.command({ type: 'export', matter: 'copy', route, about, ticketId }));
    await trusted.run(5000);
    return noticesOf(cy, 'sd-jwt-held').at(-1)?.id;
  };
  const show = async (id: string, fields: readonly string[]) => {
    await inTime(
      trusted.world,
      cy.command({ type: 'show-sd-jwt', matter: 'show', id, fields: [...fields], audience, nonce }),
    );
    await trusted.run(100);
    return noticesOf(cy, 'sd-jwt').at(-1)!.text;
  };
  const issuers = () =>
    [issuerMetadata(ISSUER, [certifiedOf(bureau).certificate.publicKey])].map(({ issuer, jwks }) => ({
      issuer,
      keys: jwks.keys,
    }));
  const check = (text: string) =>
    verifySdJwt(text, { issuers: issuers(), nowMs: trusted.world.clock.nowMs(), binding: { audience, nonce } });
  return { ...world, order, show, check };
}

describe('a credential exported as an SD-JWT VC', () => {
  test('[CITI-C] shows only what its holder chooses, to our verifier and to another', async () => {
    const { cy, bureau, order, show, check, trusted } = await exported();
    const id = await order();
    const text = await show(id!, ['over 18']);
    const verified = check(text);
    expect(verified).toMatchObject({ issuer: ISSUER, claims: { 'over 18': true } });
    expect(verified.vct).toBe(`${ISSUER}/types/${encodeURIComponent(LICENCE)}`);
    expect(Object.keys(verified.claims)).toEqual(['over 18']);
    expect(verified.expiresAtS! * 1000 - trusted.world.clock.nowMs()).toBeLessThanOrEqual(31 * DAY_MS);

    const { x, y } = jwkOfCompact(certifiedOf(bureau).certificate.publicKey);
    const key = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
    const checkWith = (by: typeof key, data: string, signature: string) =>
      verify('sha256', utf8(data), { key: by, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
    const library = new SDJwtVcInstance({
      hasher: (data: string | ArrayBuffer) => Buffer.from(digestOfDisclosure(data as string), 'base64url'),
      verifier: (data: string, signature: string) => checkWith(key, data, signature),
      kbVerifier(data: string, signature: string, payload) {
        const { jwk } = (payload as unknown as { cnf: { jwk: never } }).cnf;
        return checkWith(createPublicKey({ key: jwk, format: 'jwk' }), data, signature);
      },
    });
    const currentDate = Math.floor(trusted.world.clock.nowMs() / 1000);
    const theirs = await library.verify(text, { currentDate, keyBindingNonce: nonce });
    expect(theirs.payload).toMatchObject({ 'over 18': true, iss: ISSUER });
    expect([cy, bureau].map(isAtRest)).toEqual([true, true]);
    expect(trusted.breaches).toEqual([]);
  });

  it('twice has nothing in common but what is true of many, and dies of itself', async () => {
    const { order, show, check, trusted } = await exported();
    const [one, two] = [await order(), await order()];
    const texts = [await show(one!, ['over 18']), await show(two!, ['over 18'])];
    const payloads = texts.map((text) => JSON.parse(Buffer.from(text.split('.')[1]!, 'base64url').toString()));
    expect(payloads[0].cnf).not.toEqual(payloads[1].cnf);
    expect(payloads[0]._sd.filter((digest: string) => payloads[1]._sd.includes(digest))).toEqual([]);
    expect([payloads[0].iat, payloads[0].exp]).toEqual([payloads[1].iat, payloads[1].exp]);
    expect(payloads[0].iat % 86_400).toBe(0);
    await trusted.run(32 * DAY_MS);
    expect(() => check(texts[0]!)).toThrow(expect.objectContaining({ code: 'TICKET_INACTIVE' }));
  });

  it('is refused when it was revoked, by an authority that did not issue it, or that exports nothing', async () => {
    const { order, cy, authority, bureau, give, licence, clerk, trusted, card } = await exported();
    const untilMs = trusted.world.clock.nowMs() + DAY_MS;
    await inTime(
      trusted.world,
      authority.command({ type: 'expect', matter: 'desk', purpose: 'credential', about, untilMs }),
    );
    await order(licence, 'authority');
    const seal = {
      type: 'corporate-seal',
      corporateName: 'H',
      address: 'K',
      taxpayerId: 'D',
      expiresDay: 22_000,
    } as const;
    await give(authority, cy, [{ type: 'issue', components: seal }]);
    await order(noticesOf(cy, 'received').at(-1)!.tickets[0]!.ticketId, 'bureau');
    await clerk({ type: 'set-standing', ticketId: licence, standing: 'revoked' });
    await trusted.run(2000);
    await order(licence, 'bureau');
    expect(whys(cy)).toEqual(['refused: COMMAND_UNTIMELY', 'refused: TICKET_INVALID', 'refused: TICKET_INACTIVE']);
    expect(noticesOf(cy, 'sd-jwt-held')).toEqual([]);
    expect(await order(card)).toBeDefined();
    expect([cy, bureau].map(isAtRest)).toEqual([true, true]);
  });
});

describe('an SD-JWT VC of another issuer', () => {
  const issuer = 'https://bank.example';
  const bank = makeCompactKey(systemRandom);

  it('is held once it is bound to a key that the device made, and shown with proof of that', async () => {
    const { cy, trusted, show } = await exported();
    await inTime(trusted.world, cy.command({ type: 'make-sd-jwt-key', matter: 'key' }));
    await trusted.run(100);
    const { id, jwk } = noticesOf(cy, 'sd-jwt-key').at(-1)!;
    const nowS = Math.floor(trusted.world.clock.nowMs() / 1000);
    const write = (cnf: unknown, key = bank, exp = nowS + 100) => {
      const disclosure = encodeJson(['c2FsdHNhbHRzYWx0c2FsdA', 'account', 'DE02']);
      const payload = {
        iss: issuer,
        vct: `${issuer}/customer`,
        exp,
        cnf: { jwk: cnf },
        _sd: [digestOfDisclosure(disclosure)],
      };
      return `${signJws({ typ: 'dc+sd-jwt', kid: jwkOfCompact(bank.x).kid }, payload as never, key.privateKey)}~${disclosure}~`;
    };
    const keys = utf8(JSON.stringify(issuerMetadata(issuer, [bank.x]).jwks));
    const take = (sdJwt: string, given = keys) =>
      inTime(trusted.world, cy.command({ type: 'import-sd-jwt', matter: 'import', id, sdJwt, issuer, keys: given }));
    const own = JSON.parse(jwk);
    await expect(take(write(own, makeCompactKey(systemRandom)))).rejects.toMatchObject({
      code: 'CRYPTOGRAPHIC_FAILURE',
    });
    await expect(take(write(own, bank, nowS - 400))).rejects.toMatchObject({ code: 'TICKET_INACTIVE' });
    const { kid: _, ...foreign } = jwkOfCompact(bank.x);
    await expect(take(write(foreign))).rejects.toMatchObject({ code: 'TICKET_INVALID' });
    await expect(take(write(own), utf8('{}'))).rejects.toMatchObject({ code: 'TICKET_INVALID' });
    // Nonsense of whoever wrote the set changes nothing, and does not end the device.
    await expect(take(write(own), utf8('{"keys":[null,null]}'))).rejects.toMatchObject({ code: 'TICKET_INVALID' });
    await expect(show(id, [])).rejects.toMatchObject({ code: 'TICKET_UNKNOWN' });
    await take(write(own, bank, 1e300));
    await trusted.run(100);
    expect(noticesOf(cy, 'sd-jwt-held').at(-1)).toEqual({
      ...{ type: 'sd-jwt-held', matter: 'import', id, issuer, vct: `${issuer}/customer` },
    });
    await take(write(own));
    await trusted.run(100);
    expect(noticesOf(cy, 'sd-jwt-held').at(-1)).toMatchObject({ id, issuer, vct: `${issuer}/customer` });
    const shown = verifySdJwt(await show(id, ['account']), {
      issuers: [{ issuer, keys: [jwkOfCompact(bank.x)] }],
      ...{ nowMs: trusted.world.clock.nowMs(), binding: { audience, nonce } },
    });
    expect(shown.claims).toEqual({ account: 'DE02' });
  });
});
