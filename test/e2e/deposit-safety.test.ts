/**
 * What US 09/718,411 promises beside its claims (the lettered ERI lines of docs/conformance.json), on real parties: identities, rates,
 * privacy, certificates, credit, and control.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { readMessage } from '../../src/crypto/signed-message.ts';
import {
  acknowledgementType,
  loggedOnType,
  openedType,
  operatorAcknowledgementType,
} from '../../src/deposit/message/initiation.ts';
import { rateTableType } from '../../src/deposit/message/session-rate.ts';
import { readTemporaryCertificate } from '../../src/deposit/message/temporary-certificate.ts';
import { parseAmount } from '../../src/money/amount.ts';
import { parseNano } from '../../src/money/nano.ts';
import { convertAmount, invertRate } from '../../src/money/rate.ts';
import { depositBooks, operatorStatementOf, restingDeposits, signedMinorOf } from './deposit-books.ts';
import { type PartyWorld, startPartyWorld } from './party-world.ts';
import { buyLookups, configure, LOOKUP, readSession, tradingSession } from './trading-session.ts';
import { until } from './until.ts';
import { contains, filesWith, wireOf } from './wire.ts';

let world: PartyWorld;

beforeAll(async () => {
  world = await startPartyWorld();
});
afterEach(() => void vi.useRealTimers());
afterAll(() => world?.close());

const urlIn = (of: PartyWorld) => `${of.paidUrlOf('atlas')}${LOOKUP}`;

async function within<T>(prepare: (home: string) => void, use: (own: PartyWorld) => Promise<T>): Promise<T> {
  const own = await startPartyWorld(prepare);
  try {
    return await use(own);
  } finally {
    await own.close();
  }
}

test('[ERI-A] a session is its account manager and a number, a transaction its session and a number', async () => {
  const { desk } = world.deposits();
  const open = () => desk.open({ url: urlIn(world) });
  const [first, second] = [(await open()).transaction!, (await open()).transaction!];
  const [, session, number] = /^south\.(\d+)\.(\d+)$/.exec(first)!;
  // Another deposit for the same merchant while one is open is the next transaction of the session.
  expect(second).toBe(`south.${session}.${Number(number) + 1}`);
  await desk.closeAll();
  const third = (await open()).transaction!;
  expect(third).toBe(`south.${Number(session) + 1}.1`);
  await desk.closeAll();
  const { atlas } = await restingDeposits(world);
  expect(atlas.deposits.map(({ transaction }) => transaction)).toEqual(expect.arrayContaining([first, second, third]));
});

describe('rates', () => {
  test("[ERI-B] the table of the customer's own bank is kept for its lifespan, and fetched when it is missing or over", async () => {
    await within(
      () => {},
      async (own) => {
        const asked = () => own.messages.filter(({ kind }) => kind === 'deposit-rates').length;
        expect(asked()).toBe(0);
        // Missing: asked for, before any offer is looked at.
        await buyLookups(own);
        expect(asked()).toBe(1);
        const wire = wireOf(own.messages);
        const table = readMessage(rateTableType, wire.first('south → customer deposit-ratesAnswer').bytes);
        table.requireSignature(own.identityOf('south').chain[0]!.publicKey);
        expect(table.value.validUntilMs - table.value.issuedAtMs).toBe(3_600_000);
        expect(table.value.rates.every(({ from }) => from === 'EUR')).toBe(true);
        // Kept, also through a restart of the station.
        await own.stop('customer');
        await own.start('customer');
        await buyLookups(own, { times: 3 });
        await own.deposits().desk.rates({ renew: false });
        expect(asked()).toBe(1);
        // Over.
        vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * 3_600_000 });
        await buyLookups(own);
        expect(asked()).toBe(2);
      },
    );
  });

  test('[ERI-B] offers are shown in the customer’s money, without asking anybody', async () => {
    await world.deposits().desk.rates({ renew: false });
    const since = world.messages.length;
    const shown = await world.deposits().desk.rates({ renew: false, price: parseNano('0.0004 USD') });
    // 0.0004 / 1.087, rounded up to the nano.
    expect(shown.shown).toBe('0.000367986 EUR');
    expect(world.messages.length).toBe(since);
    const { answers } = await buyLookups(world);
    expect(answers[0]!.paid).toMatchObject({ price: '0.0004 USD', cost: '0.000367986 EUR' });
    await world.deposits().desk.closeAll();
  });

  test('[ERI-B] one rate holds for the whole of a transaction, whatever the bank says meanwhile', async () => {
    await within(
      () => {},
      async (own) => {
        const { transaction } = await own.deposits().desk.open({ url: urlIn(own) });
        await buyLookups(own, { times: 100 });
        await own.stop('south');
        const file = join(own.home, 'south/party.json');
        writeFileSync(file, readFileSync(file, 'utf8').replace('"1.087"', '"1.1"'));
        await own.start('south');
        await own.deposits().desk.rates({ renew: true });
        await buyLookups(own, { times: 100 });
        expect(await own.deposits().desk.close(transaction!)).toMatchObject({ rate: '1.087', purchases: 200 });
        const next = await own.deposits().desk.open({ url: urlIn(own) });
        await buyLookups(own, { times: 25 });
        expect(await own.deposits().desk.close(next.transaction!)).toMatchObject({ rate: '1.1', purchases: 25 });
        expect((await restingDeposits(own)).violations).toEqual([]);
      },
    );
  });

  test("[ERI-C] what is not spent comes back in the merchant's currency, and the customer's operator converts it", async () => {
    const before = await restingDeposits(world);
    const session = await tradingSession(world, { times: 250, amount: '3.00EUR' });
    const { clearing, statement } = readSession(session);
    // 3.26 USD less 0.10 USD.
    expect(clearing).toMatchObject({
      paid: { currency: 'USD', minor: 10n },
      unused: { currency: 'USD', minor: 316n },
    });
    expect(statement.returned).toEqual(convertAmount(clearing.unused, invertRate(clearing.rate)));
    expect(statement.booked).toEqual({ currency: 'EUR', minor: 300n - statement.returned.minor });
    const after = await restingDeposits(world);
    expect([before.customer - after.customer, after.merchant - before.merchant]).toEqual([statement.booked.minor, 10n]);
    expect(after.south.customers[0]!.held).toBe('0.00 EUR');
  });
});

describe('privacy', () => {
  /** What stays the same of the customer from session to session. */
  const identityOf = (own: PartyWorld): Readonly<Record<string, Uint8Array | string>> => {
    const [certificate] = own.identityOf('customer').chain;
    return {
      certificate: certificate!.der,
      key: certificate!.publicKey.export({ format: 'der', type: 'spki' }).subarray(-64),
      account: 'customer:customer',
    };
  };

  test('[ERI-D] the merchant and its operator see a temporary identity and key; no operator sees what was bought', async () => {
    await within(
      () => {},
      async (own) => {
        await tradingSession(own, { times: 20 });
        await restingDeposits(own);
        const identity = identityOf(own);
        const received = (name: string) => own.messages.filter(({ to }) => to === name);
        const goods = ['country-facts', 'France', 'FR,FRA'];
        for (const party of ['north', 'atlas']) {
          const folders = ['journals', ...(party === 'north' ? ['billing'] : [])].map((one) =>
            join(own.home, party, one),
          );
          for (const [what, secret] of Object.entries(identity)) {
            expect(
              received(party).filter(({ bytes }) => contains(bytes, secret)),
              `${what} at ${party}`,
            ).toEqual([]);
            expect(
              folders.flatMap((folder) => filesWith(folder, secret)),
              `${what} in the stores of ${party}`,
            ).toEqual([]);
          }
        }
        for (const party of ['north', 'south']) {
          expect(received(party).length).toBeGreaterThan(3);
          // The keys of all that a merchant sells lie with its operator, whether or not anybody buys: that tells nothing.
          const told = received(party).filter(({ kind }) => kind !== 'delivery-lodging');
          for (const text of goods) {
            expect(
              told.filter(({ bytes }) => contains(bytes, text)),
              `${text} at ${party}`,
            ).toEqual([]);
            expect(filesWith(join(own.home, party), text), `${text} in the stores of ${party}`).toEqual([]);
          }
        }
        // The list itself never leaves the two ends: of it operators have the hash only.
        const { customerRecord } = readSession({ wire: wireOf(own.messages) });
        expect(filesWith(join(own.home, 'north/journals'), customerRecord.head).length).toBeGreaterThan(0);
        // Whoever looks in the right place finds all of it.
        expect(received('south').some(({ bytes }) => contains(bytes, identity.certificate!))).toBe(true);
        expect(filesWith(join(own.home, 'south/journals'), identity.account!).length).toBeGreaterThan(0);
        expect(received('atlas').some(({ bytes }) => contains(bytes, 'country-facts'))).toBe(true);
      },
    );
  });

  test('[ERI-D] the merchant keeps what was bought as digests under a key of the two ends', async () => {
    await tradingSession(world, { times: 5 });
    for (const text of ['find=France', 'GET /paid']) {
      expect(filesWith(join(world.home, 'atlas/journals'), text), text).toEqual([]);
    }
  });

  test('[ERI-D] two sessions of one customer have nothing in common for the merchant and its operator', async () => {
    const told = async () => {
      const { amended, information, customerRecord } = readSession(await tradingSession(world, { times: 3 }));
      const certified = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
      return [
        amended.customer,
        information.customer,
        amended.transaction.split('.').slice(0, 2).join('.'),
        certified(amended.certificate),
        certified(information.certificate),
        certified(customerRecord.head),
        certified(customerRecord.released!.words),
      ];
    };
    const [first, second] = [await told(), await told()];
    for (const [at, value] of first.entries()) expect(second[at]).not.toBe(value);
    expect(first[0]).toBe(first[1]);
  });
});

test('[ERI-E] keys are certified operator to operator: each end trusts its own operator alone, and nobody looks up revocations', async () => {
  // Whoever would look something up would find nobody.
  await world.stop('agency');
  const since = world.messages.length;
  const session = await tradingSession(world);
  const { transaction, wire } = session;
  const { amended, information, initiation } = readSession(session);
  const nowMs = Date.now();
  const keyOf = (name: string) => world.identityOf(name).chain[0]!.publicKey;
  const read = (certificate: Uint8Array, of: 'customer' | 'merchant', issuer: string) =>
    readTemporaryCertificate(certificate, { transaction, of, issuer, issuerKey: keyOf(issuer), nowMs }).certificate.key;
  // The customer's key: its operator for the other, the other for the merchant.
  expect(read(amended.certificate, 'customer', 'south')).toEqual(initiation.key);
  expect(read(information.certificate, 'customer', 'north')).toEqual(initiation.key);
  expect(() => read(information.certificate, 'customer', 'south')).toThrow();
  // The merchant's key, the other way.
  const answer = (spoken: string) => wire.first(spoken).bytes;
  const own = readMessage(acknowledgementType, answer('atlas → north deposit-informationAnswer')).value.key;
  const between = readMessage(operatorAcknowledgementType, answer('north → south deposit-amended-initiationAnswer'));
  const opened = readMessage(openedType, answer('south → customer deposit-initiationAnswer'));
  expect(read(between.value.certificate, 'merchant', 'north')).toEqual(own);
  expect(read(opened.value.certificate, 'merchant', 'south')).toEqual(own);
  // What they say goes no further than that: not one message to the authority, nor one certificate of the customer to the merchant.
  expect(world.messages.slice(since).filter(({ to }) => to === 'agency')).toEqual([]);
  await world.start('agency');
});

describe('credit', () => {
  test('[ERI-F] deposits wanted at the same time at several merchants never exceed the credit of the account', async () => {
    await within(
      (home) => configure(home, 'customer', 'deposits', { limitMinor: '100000' }),
      async (own) => {
        const { desk } = own.deposits();
        const urls = [urlIn(own), `${own.paidUrlOf('lexicon')}/paid/currency-codes?find=EUR`];
        const amount = parseAmount('4EUR');
        const opened = await Promise.allSettled(
          Array.from({ length: 40 }, (_, at) => desk.open({ url: urls[at % 2]!, amount })),
        );
        const refused = opened.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
        // The account has 50.00 EUR of credit.
        expect(opened.length - refused.length).toBe(12);
        expect(new Set(refused)).toEqual(new Set(['CREDIT_EXCEEDED']));
        const [{ balance, held } = { balance: '', held: '' }] = (await operatorStatementOf(own, 'south')).customers;
        expect([signedMinorOf(balance), signedMinorOf(held)]).toEqual([0n, 4800n]);
        await desk.closeAll();
        const { south, violations } = await restingDeposits(own);
        expect([south.customers[0]!.held, violations]).toEqual(['0.00 EUR', []]);
      },
    );
  });

  test('[ERI-F] what one bank may come to owe the other bounds what it can vouch for', async () => {
    await within(
      (home) => {
        const limits = [{ currency: 'USD', theyMayOweMinor: '500' }];
        const { operators } = JSON.parse(readFileSync(join(home, 'north/party.json'), 'utf8')).deposits;
        configure(home, 'north', 'deposits', { operators: [{ ...operators[0], limits }] });
      },
      async (own) => {
        const { desk } = own.deposits();
        const open = () => desk.open({ url: urlIn(own), amount: parseAmount('2EUR') });
        // 2.17 USD each.
        await open();
        await open();
        await expect(open()).rejects.toMatchObject({ code: 'CREDIT_EXCEEDED' });
        await desk.closeAll();
        await open();
        await desk.closeAll();
      },
    );
  });
});

test('[ERI-G] one station and the same messages serve several operators and any number of currencies, and every one sums to zero', async () => {
  await within(
    (home) => {
      // `lexicon` sells in pounds, at the bank that keeps the customer's euros.
      configure(home, 'lexicon', 'paid', { unit: { currency: 'GBP', nano: 100_000 }, price: '0.0004 GBP' });
      const { merchants } = JSON.parse(readFileSync(join(home, 'south/party.json'), 'utf8')).deposits;
      configure(home, 'south', 'deposits', { merchants: [{ ...merchants[0], currency: 'GBP' }] });
    },
    async (own) => {
      const pounds = `${own.paidUrlOf('lexicon')}/paid/currency-codes?find=EUR`;
      const both = await Promise.all([
        buyLookups(own, { times: 250, own: { max: parseAmount('1EUR') } }),
        buyLookups(own, { times: 250, urls: [pounds], own: { max: parseAmount('1EUR') } }),
      ]);
      expect(both.map(({ end }) => end.paid.map(({ price }) => price))).toEqual([['0.10 USD'], ['0.10 GBP']]);
      const { south, north, violations, southOwes } = await restingDeposits(own);
      expect(violations).toEqual([]);
      expect(north.merchants[0]!.balance).toBe('0.10 USD');
      expect(south.merchants[0]!.balance).toBe('0.10 GBP');
      // Between customers and merchants of one bank nobody owes anybody.
      expect(southOwes).toBe(10n);
      const charged = both.flatMap(({ end }) => end.closed.map((one) => ('charged' in one ? one.charged : '')));
      expect(south.customers[0]!.deposits.map(({ withdrawn }) => withdrawn).sort()).toEqual([...charged].sort());
    },
  );
});

describe('control and guarantee', () => {
  test('[ERI-J] a limit is decided and recorded before money is set aside, and holds through a crash of the station', async () => {
    await within(
      (home) => configure(home, 'customer', 'deposits', { limitMinor: '300' }),
      async (own) => {
        const amount = parseAmount('2EUR');
        await own.deposits().desk.open({ url: urlIn(own), amount });
        const since = own.messages.length;
        await expect(own.deposits().desk.open({ url: urlIn(own), amount })).rejects.toMatchObject({
          code: 'LIMIT_EXCEEDED',
        });
        await own.stop('customer');
        await own.start('customer');
        await expect(own.deposits().desk.open({ url: urlIn(own), amount })).rejects.toMatchObject({
          code: 'LIMIT_EXCEEDED',
        });
        // Nobody was even asked.
        expect(own.messages.slice(since).filter(({ kind }) => kind === 'deposit-log-on')).toEqual([]);
        // What comes back may be set aside again.
        await own.deposits().desk.closeAll();
        expect(await own.deposits().desk.open({ url: urlIn(own), amount })).toMatchObject({ phase: 'open' });
      },
    );
  });

  test('[ERI-J] a dearer request than the person allows is not paid, although the server asks for it', async () => {
    await within(
      (home) => configure(home, 'atlas', 'paid', { price: '0.02 USD' }),
      async (own) => {
        expect((await buyLookups(own)).failed).toBe('OFFER_REFUSED');
        const wire = wireOf(own.messages);
        expect(wire.all('customer → south deposit-log-on')).toEqual([]);
        expect(wire.all('customer → atlas http-request')).toHaveLength(1);
      },
    );
  });

  test('[ERI-J] the merchant is guaranteed what was spent, also when the customer is never heard of again', async () => {
    await within(
      (home) => configure(home, 'north', 'deposits', { recordWaitSeconds: 1 }),
      async (own) => {
        await own.deposits().desk.open({ url: urlIn(own), idleMs: 1000 });
        await buyLookups(own, { times: 250 });
        await own.stop('customer');
        const { atlas } = await until(
          () => depositBooks(own),
          ({ atlas: now }) => now.deposits.length > 0,
        );
        expect(atlas).toMatchObject({ paid: '0.10 USD', purchases: 250, open: [] });
        const books = await restingDeposits(own);
        expect([books.merchant, books.southOwes, books.violations]).toEqual([10n, 10n, []]);
        // The station comes back and finds it settled as it would have had it.
        await own.start('customer');
        const { deposits } = await until(
          () => own.deposits().desk.list({ finished: true }),
          (all) => all.deposits.every(({ phase }) => phase === 'finished'),
        );
        expect(deposits).toEqual([expect.objectContaining({ purchases: 250, paid: '0.10 USD', outcome: 'concluded' })]);
      },
    );
  });
});

test('[ERI-1] account data comes back with the identities: what may still be set aside', async () => {
  const since = world.messages.length;
  const available = () => {
    const answers = wireOf(world.messages.slice(since)).all('south → customer deposit-log-onAnswer');
    return answers.map(({ bytes }) => readMessage(loggedOnType, bytes).value.available.minor);
  };
  for (let times = 0; times < 2; times++) {
    await world.deposits().desk.open({ url: urlIn(world), amount: parseAmount('3EUR') });
  }
  const [first, second] = available();
  expect(first! - second!).toBe(300n);
  await world.deposits().desk.closeAll();
});
