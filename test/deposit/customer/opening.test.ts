/** Opening deposits from the device: limits are never exceeded, and no lie of the operator opens one (ERI-1, ERI-3, ERI-8, ERI-J). */
import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/codec/hex.ts';
import { exportPoint } from '../../../src/crypto/agreement.ts';
import { generateP256 } from '../../../src/crypto/signature.ts';
import { signMessage } from '../../../src/crypto/signed-message.ts';
import { readFinished } from '../../../src/deposit/customer/finished-deposit.ts';
import { limitMessage } from '../../../src/deposit/customer/limit.ts';
import { createPurse } from '../../../src/deposit/customer/purse-machine.ts';
import { depositOf, referenceKey } from '../../../src/deposit/customer/purse-state.ts';
import { wantMessage } from '../../../src/deposit/customer/want.ts';
import { depositRefusedType } from '../../../src/deposit/message/initiation.ts';
import { issueTemporaryCertificate } from '../../../src/deposit/message/temporary-certificate.ts';
import { parseRate } from '../../../src/money/rate.ts';
import {
  allow,
  DEPOSIT,
  HOUR,
  type Lies,
  newWant,
  type PurseWorld,
  RATE,
  signerOf,
  startAllowed,
  startPurse,
} from './purse-world.ts';

const held = ({ host }: PurseWorld) => host.state.limits.get('pocket')!.heldMinor;

describe('a deposit', () => {
  test('is opened through the operator, under a key of its own', async () => {
    const world = await startAllowed();
    const transaction = await world.open();
    expect(transaction).toBe('bank.1.1');
    const { terms, key, position } = world.deposit(transaction);
    expect(terms).toMatchObject({ rate: RATE, depositMinor: 800n, url: 'https://shop.test' });
    expect(world.counterparts.initiations.get(transaction)!.key).toEqual(key.point);
    expect(position).toMatchObject({ count: 0, units: 0 });
    expect(held(world)).toBe(DEPOSIT);
    expect(world.host.state.rates!.rates).toEqual([RATE]);
  });

  test('of the same merchant is the next transaction of the session, of another merchant another session', async () => {
    const world = await startAllowed();
    await world.open();
    expect(await world.open()).toBe('bank.1.2');
    expect(await world.open({ merchant: 'library' })).toBe('bank.2.1');
  });

  test('wanted twice under one reference is one deposit', async () => {
    const world = await startAllowed();
    const want = newWant(world.clock);
    const answers = [world.host.handle(wantMessage(want)), world.host.handle(wantMessage(want))];
    await world.run(10);
    const [first, second] = await Promise.all(answers);
    expect(first).toEqual(second);
    expect(held(world)).toBe(DEPOSIT);
    await expect(world.host.submit({ type: 'want', want })).rejects.toMatchObject({ code: 'WANT_REUSED' });
  });

  test('needs no answer in time: lost messages are sent again, byte for byte', async () => {
    let lost = 3;
    const world = await startAllowed({
      lies: {
        reply() {
          if (lost-- > 0) throw new Error('lost');
          return undefined;
        },
      },
    });
    const answer = world.host.handle(wantMessage(newWant(world.clock)));
    await world.run(10_000);
    await answer;
    const logOns = world.counterparts.sent.filter(({ kind }) => kind === 'deposit-log-on');
    expect(logOns).toHaveLength(4);
    expect(new Set(logOns.map(({ body }) => Buffer.from(body).toString('hex'))).size).toBe(1);
  });
});

describe('a limit', () => {
  test('is not exceeded by deposits wanted at once', async () => {
    const world = await startPurse();
    await allow(world, { totalMinor: 2500n });
    const wants = [1, 2, 3, 4].map(() => world.want());
    const openings = await Promise.allSettled(wants);
    expect(openings.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    expect(openings[2]).toMatchObject({ reason: { code: 'LIMIT_EXCEEDED' } });
    expect(held(world)).toBe(2000n);
  });

  test('gets back what a refused deposit had set aside', async () => {
    const world = await startAllowed({ lies: { reply: () => ({ type: 'refused', code: 'NO', detail: 'not today' }) } });
    expect(await world.want()).toEqual({ code: 'NO', detail: 'not today' });
    expect(held(world)).toBe(0n);
  });

  test('given again is the same, and another of the same name is refused', async () => {
    const world = await startAllowed();
    await expect(allow(world)).resolves.toBeUndefined();
    await expect(allow(world, { totalMinor: 9000n })).rejects.toMatchObject({ code: 'MESSAGE_IDENTITY_REUSED' });
    const { limit } = world.host.state.limits.get('pocket')!;
    await expect(world.host.submit({ type: 'limit', limit })).rejects.toMatchObject({ code: 'LIMIT_REUSED' });
    await expect(allow(world, { limitId: 'old', expiresAtMs: 1 })).rejects.toMatchObject({ code: 'LIMIT_EXPIRED' });
  });

  test('is forgotten when it has expired and nothing is held under it', async () => {
    const world = await startPurse();
    await allow(world, { expiresAtMs: world.clock.nowMs() + HOUR });
    await world.run(HOUR);
    expect(world.host.state.limits.size).toBe(0);
  });

  test.each([
    ['LIMIT_UNKNOWN', { limitId: 'none' }],
    ['LIMIT_EXPIRED', { endsAtMs: 8_000_000_000_000_000 }],
    ['LIMIT_EXCEEDED', { depositMinor: 5001n }],
    ['DEPOSIT_CLOSED', { endsAtMs: 1 }],
    ['MESSAGE_INVALID', { order: { units: 0, unitNano: 1 } }],
    ['MESSAGE_INVALID', { merchant: '' }],
  ])('refuses with %s before anybody hears of it: %o', async (code, changes) => {
    const world = await startAllowed();
    await expect(world.want(changes)).rejects.toMatchObject({ code });
    expect(world.counterparts.sent).toEqual([]);
  });

  test('lets only its merchants have deposits', async () => {
    const world = await startPurse();
    await allow(world, { merchantsAllowed: ['shop'] });
    await expect(world.want({ merchant: 'casino' })).rejects.toMatchObject({ code: 'MERCHANT_NOT_ALLOWED' });
    await expect(world.open()).resolves.toBe('bank.1.1');
  });
});

describe('an operator', () => {
  test.each<[string, string, Lies]>([
    ['a rate that is not its table’s', 'RATE_UNKNOWN', { opened: (o) => ({ ...o, rate: { ...RATE, numerator: 3n } }) }],
    ['a rate the wrong way', 'RATE_UNKNOWN', { opened: (o) => ({ ...o, rate: { ...RATE, to: 'GBP' } }) }],
    ['a smaller deposit', 'DEPOSIT_REFUSED', { opened: (o) => ({ ...o, deposit: { ...o.deposit, minor: 799n } }) }],
    ['another currency', 'DEPOSIT_REFUSED', { opened: (o) => ({ ...o, deposit: { ...o.deposit, currency: 'GBP' } }) }],
    ['an address that is none', 'DEPOSIT_REFUSED', { opened: (o) => ({ ...o, url: 'javascript:alert(1)' }) }],
    [
      'a certificate of another transaction',
      'CERTIFICATE_UNFIT',
      { certificate: (c) => ({ ...c, transaction: 'bank.9.9' }) },
    ],
    ['a certificate of a customer', 'CERTIFICATE_UNFIT', { certificate: (c) => ({ ...c, of: 'customer' }) }],
    ['a certificate of another operator', 'CERTIFICATE_UNFIT', { certificate: (c) => ({ ...c, issuer: 'other' }) }],
    [
      'a certificate that ends too soon',
      'CERTIFICATE_UNFIT',
      { certificate: (c) => ({ ...c, notAfterMs: c.notAfterMs - 2 * HOUR }) },
    ],
    [
      'a certificate signed by somebody else',
      'CERTIFICATE_UNFIT',
      {
        opened: (o) => ({
          ...o,
          certificate: issueTemporaryCertificate(
            {
              ...{
                transaction: o.transaction,
                of: 'merchant',
                issuer: 'bank',
                notAfterMs: 8_000_000_000_000_000,
              },
              key: exportPoint(generateP256().publicKey),
            },
            signerOf('other'),
          ),
        }),
      },
    ],
  ])('who opens with %s gets a record that nothing was released', async (_, code, lies) => {
    const world = await startAllowed({ lies });
    const opening = await world.want();
    expect(opening.code).toBe(code);
    await world.run(1000);
    const finished = await readFinished(world.host, 'bank.1.1');
    expect(finished).toMatchObject({ outcome: 'refused', bookedMinor: 0n, bound: { count: 0, units: 0 } });
    expect(finished!.reasons[0]).toMatch(code);
    expect(world.counterparts.records.get('bank.1.1')).toMatchObject({ count: 0, units: 0 });
    expect(held(world)).toBe(0n);
    expect(world.host.state.deposits.size).toBe(0);
    await expect(world.spender.pay('bank.1.1', { units: 1, request: new Uint8Array(32) })).rejects.toMatchObject({
      code: 'DEPOSIT_UNKNOWN',
    });
  });

  test.each<[string, string, Lies['loggedOn']]>([
    [
      'a transaction of another operator',
      'IDENTITY_MALFORMED',
      (l) => ({ ...l, transaction: 'other.1.1', session: 'other.1' }),
    ],
    ['a transaction of another session', 'IDENTITY_MALFORMED', (l) => ({ ...l, transaction: 'bank.7.1' })],
    ['an identity that is none', 'IDENTITY_MALFORMED', (l) => ({ ...l, transaction: 'nonsense' })],
    ['an account in another currency', 'RATE_UNKNOWN', (l) => ({ ...l, available: { currency: 'EUR', minor: 1n } })],
    [
      'rates from another currency',
      'RATE_UNKNOWN',
      (l) => ({ ...l, rates: { ...l.rates, rates: [{ ...RATE, from: 'GBP' }] } }),
    ],
    ['a table past its life', 'RATE_STALE', (l) => ({ ...l, rates: { ...l.rates, validUntilMs: 5 } })],
  ])('who logs on with %s is refused', async (_, code, loggedOn) => {
    const world = await startAllowed({ lies: { loggedOn: loggedOn! } });
    const want = newWant(world.clock);
    expect(await world.want(want)).toMatchObject({ code });
    expect(held(world)).toBe(0n);
    const records = await world.host.readByKey(referenceKey(want.reference));
    expect(records.at(-1)).toMatchObject({ type: 'finished', finished: { outcome: 'refused', transaction: null } });
  });

  test('who gives one transaction to two deposits is refused', async () => {
    const world = await startAllowed({ lies: { loggedOn: (l) => ({ ...l, transaction: `${l.session}.1` }) } });
    await world.open();
    expect(await world.want()).toMatchObject({ code: 'IDENTITY_MALFORMED' });
  });

  test('who changes the session is refused', async () => {
    const world = await startAllowed({
      lies: {
        loggedOn: (l) => (l.transaction.endsWith('.2') ? { ...l, session: 'bank.5', transaction: 'bank.5.1' } : l),
      },
    });
    await world.open();
    expect(await world.want()).toMatchObject({ code: 'IDENTITY_MALFORMED' });
  });

  test('who has no rate of its own leaves it to the merchant’s operator', async () => {
    const rate = parseRate({ from: 'USD', to: 'EUR', text: '0.75' });
    const world = await startAllowed({
      lies: {
        loggedOn: (l) => ({ ...l, rates: { ...l.rates, rates: [] } }),
        opened: (o) => ({ ...o, rate, deposit: { currency: 'EUR', minor: 750n } }),
      },
    });
    expect(world.deposit(await world.open()).terms).toMatchObject({ rate, depositMinor: 750n });
  });

  test.each<[string, Lies, string]>([
    ['somebody else signs', { signer: signerOf('other') }, 'logging-on'],
    [
      'somebody else signs in its name',
      { signer: { ...signerOf('other'), certificateChain: [utf8('bank')] } },
      'logging-on',
    ],
    ['nobody known signs', { signer: { ...signerOf('other'), certificateChain: [utf8('nobody')] } }, 'logging-on'],
    ['is about another deposit', { opened: (o) => ({ ...o, transaction: 'bank.3.3' }) }, 'initiating'],
  ])('whose answer %s is asked again', async (_, lies, phase) => {
    const world = await startAllowed({ lies });
    void world.host.handle(wantMessage(newWant(world.clock))).catch(() => undefined);
    await world.run(60_000);
    expect([...world.host.state.deposits.values()]).toMatchObject([{ phase }]);
    expect(world.counterparts.sent.length).toBeGreaterThan(3);
  });

  test('says in signed bytes why there is no deposit', async () => {
    const world = await startAllowed({
      lies: {
        reply: ({ kind }) =>
          kind === 'deposit-initiation'
            ? {
                type: 'answered',
                body: signMessage(
                  depositRefusedType,
                  { transaction: 'bank.1.1', code: 'CREDIT_EXCEEDED', detail: 'not so much' },
                  signerOf('bank'),
                ),
              }
            : undefined,
      },
    });
    expect(await world.want()).toEqual({ transaction: 'bank.1.1', code: 'CREDIT_EXCEEDED', detail: 'not so much' });
    expect(held(world)).toBe(0n);
    expect(await readFinished(world.host, 'bank.1.1')).toMatchObject({ outcome: 'refused' });
  });

  test('who never answers loses the deposit, and the limit has it back', async () => {
    const world = await startAllowed({
      lies: {
        reply: ({ kind }) => {
          if (kind === 'deposit-initiation') throw new Error('lost');
          return undefined;
        },
      },
    });
    const answer = world.host.handle(wantMessage(newWant(world.clock)));
    await world.run(25 * HOUR);
    await answer;
    expect(held(world)).toBe(0n);
    expect(await readFinished(world.host, 'bank.1.1')).toMatchObject({ reasons: [expect.stringMatching(/^EXPIRED/)] });
  });
});

test('a deposit closed before it is open is concluded as soon as it opens', async () => {
  let late = true;
  const world = await startAllowed({
    lies: {
      reply: ({ kind }) => {
        if (late && kind === 'deposit-initiation') throw new Error('late');
        return undefined;
      },
    },
  });
  const answer = world.host.handle(wantMessage(newWant(world.clock)));
  await world.run(1000);
  await world.spender.close('bank.1.1');
  late = false;
  await world.run(60_000);
  await answer;
  expect(await readFinished(world.host, 'bank.1.1')).toMatchObject({ outcome: 'refused', bookedMinor: 0n });
});

test('a snapshot restores every phase', async () => {
  const world = await startAllowed();
  await world.open();
  await world.want({ merchant: 'library' });
  world.counterparts.lies.reply = () => {
    throw new Error('lost');
  };
  void world.host.handle(wantMessage(newWant(world.clock, { merchant: 'museum' }))).catch(() => undefined);
  void world.spender.close('bank.2.1').catch(() => undefined);
  await world.run(1000);
  expect(depositOf(world.host.state, 'bank.2.1')?.phase).toBe('concluding');
  const machine = createPurse({
    operator: { name: 'bank', url: '' },
    ...{ signer: signerOf('carol'), storageKey: new Uint8Array(32), nowMs: () => 0 },
    validate: () => {
      throw new Error('not asked');
    },
  });
  expect(machine.restore(machine.snapshot(world.host.state))).toEqual(world.host.state);
  expect([...world.host.state.deposits.values()].map(({ phase }) => phase).sort()).toEqual([
    'concluding',
    'logging-on',
    'open',
  ]);
});

test('a limit is told apart by its terms', () => {
  const limit = { limitId: 'a', currency: 'USD', totalMinor: 1n, expiresAtMs: 1 };
  expect(limitMessage(limit).digest).not.toEqual(limitMessage({ ...limit, totalMinor: 2n }).digest);
});
