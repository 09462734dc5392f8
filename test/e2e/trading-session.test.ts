/**
 * US 09/718,411, claims 1 to 23 (the ERI lines of docs/conformance.json), on real parties: own keys, own stores, TLS over sockets, two
 * operators in two currencies. What is said about messages is read from what crossed the wire.
 */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importPoint } from '../../src/crypto/agreement.ts';
import { readMessage, signMessage } from '../../src/crypto/signed-message.ts';
import {
  clearingInformationType,
  statementType,
  terminateType,
  transactionRecordType,
} from '../../src/deposit/message/conclusion.ts';
import {
  acknowledgementType,
  amendedInitiationType,
  loggedOnType,
  openedType,
  operatorAcknowledgementType,
} from '../../src/deposit/message/initiation.ts';
import {
  issueTemporaryCertificate,
  readTemporaryCertificate,
} from '../../src/deposit/message/temporary-certificate.ts';
import { openSqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { parseAmount } from '../../src/money/amount.ts';
import { readProblem } from '../../src/transport/problem.ts';
import { depositBooks, restingDeposits } from './deposit-books.ts';
import { type PartyWorld, startPartyWorld } from './party-world.ts';
import { buyLookups, configure, LOOKUP, readSession, tradingSession } from './trading-session.ts';
import { until } from './until.ts';
import { contains, filesWith, wireOf } from './wire.ts';

let world: PartyWorld;

beforeAll(async () => {
  world = await startPartyWorld();
});
afterAll(() => world?.close());

const url = () => `${world.paidUrlOf('atlas')}${LOOKUP}`;
const isOf = (kinds: readonly string[]) => (spoken: string) => kinds.includes(spoken);

/** From the customer to the merchant and back again, as the claim has it. */
const OPENING = [
  'customer → south deposit-log-on',
  'south → customer deposit-log-onAnswer',
  'customer → south deposit-initiation',
  'south → north deposit-amended-initiation',
  'north → atlas deposit-information',
  'atlas → north deposit-informationAnswer',
  'north → south deposit-amended-initiationAnswer',
  'south → customer deposit-initiationAnswer',
];

describe('opening', () => {
  test('[ERI-1] [ERI-12] initiation, amended initiation and information pass from customer to merchant, and account data comes back', async () => {
    const { wire, transaction } = await tradingSession(world);
    expect(wire.spoken.filter(isOf(OPENING))).toEqual(OPENING);
    const loggedOn = readMessage(loggedOnType, wire.first('south → customer deposit-log-onAnswer').bytes).value;
    expect(loggedOn).toMatchObject({ transaction, available: { currency: 'EUR' } });
    const { initiation } = readSession({ wire });
    // Registration data and order information.
    importPoint(initiation.key);
    expect(initiation.order).toEqual({ units: 4, unitNano: 100_000 });
    // Only then something is bought.
    expect(wire.at('customer → atlas http-request')).toBeLessThan(wire.at('customer → south deposit-initiation'));
    const paid = wire.all('customer → atlas http-request').filter(({ bytes }) => contains(bytes, 'authorization'));
    expect(paid).toHaveLength(1);
    expect(wire.at('south → customer deposit-initiationAnswer')).toBeLessThan(
      wire.at('customer → atlas deposit-terminate'),
    );
  });

  test('[ERI-3] [ERI-15] the initiation names deposit, transaction, merchant and the operator by whom the mediator is found', async () => {
    const { wire, transaction } = await tradingSession(world, { amount: '3.00EUR' });
    const { initiation } = readSession({ wire });
    expect(initiation).toMatchObject({
      ...{ transaction, merchant: 'atlas', merchantOperator: 'north' },
      deposit: { currency: 'EUR', minor: 300n },
    });
    // Of a merchant of another operator the mediator is another one.
    const since = world.messages.length;
    await buyLookups(world, {
      urls: [`${world.paidUrlOf('lexicon')}/paid/currency-codes?find=EUR`],
      own: { max: parseAmount('0.10EUR') },
    });
    const other = wireOf(world.messages.slice(since));
    other.at('south → south deposit-amended-initiation');
    expect(other.spoken.filter((spoken) => spoken.includes('north'))).toEqual([]);
  });

  test('[ERI-4] [ERI-16] the amended initiation names the deposit in the customer’s currency, a temporary identifier, transaction and merchant', async () => {
    const first = readSession(await tradingSession(world, { amount: '2.00EUR' })).amended;
    expect(first).toMatchObject({ deposit: { currency: 'EUR', minor: 200n }, merchant: 'atlas' });
    expect(first.customer).toMatch(/^[0-9a-f]{32}$/);
    const second = readSession(await tradingSession(world)).amended;
    expect(second.transaction).not.toBe(first.transaction);
    expect(second.customer).not.toBe(first.customer);
  });

  test('[ERI-5] [ERI-17] the information names the deposit in the merchant’s currency, the session and the same identifier', async () => {
    const session = await tradingSession(world, { amount: '2.00EUR' });
    const { amended, information } = readSession(session);
    expect(information).toMatchObject({
      ...{ transaction: session.transaction, customer: amended.customer },
      // 2.00 EUR at 1.087.
      deposit: { currency: 'USD', minor: 217n },
    });
  });

  test('[ERI-6] [ERI-18] the merchant acknowledges to the mediator with a key of its own for this transaction', async () => {
    const { wire, transaction } = await tradingSession(world);
    const message = readMessage(acknowledgementType, wire.first('atlas → north deposit-informationAnswer').bytes);
    message.requireSignature(world.identityOf('atlas').chain[0]!.publicKey);
    expect(message.value).toMatchObject({ transaction, url: world.paidUrlOf('atlas') });
    importPoint(message.value.key);
  });

  test('[ERI-7] [ERI-8] [ERI-19] [ERI-20] the mediator acknowledges with the rate, and the customer gets that very rate', async () => {
    const { wire, transaction, closed } = await tradingSession(world);
    const answer = readMessage(
      operatorAcknowledgementType,
      wire.first('north → south deposit-amended-initiationAnswer').bytes,
    );
    answer.requireSignature(world.identityOf('north').chain[0]!.publicKey);
    const rate = { from: 'EUR', to: 'USD', numerator: 1087n, denominator: 1000n };
    expect(answer.value).toMatchObject({ transaction, rate, deposit: { currency: 'USD', minor: 108n } });
    const opened = readMessage(openedType, wire.first('south → customer deposit-initiationAnswer').bytes).value;
    expect(opened).toMatchObject({ transaction, rate, deposit: { currency: 'USD', minor: 108n } });
    expect(closed.rate).toBe('1.087');
  });

  test('[ERI-9] [ERI-21] the account manager vouches for a key, and the mediator takes no other word for it', async () => {
    const session = await tradingSession(world);
    const { amended, initiation } = readSession(session);
    const south = world.identityOf('south');
    const issued = { transaction: session.transaction, of: 'customer', issuer: 'south' } as const;
    const { certificate } = readTemporaryCertificate(amended.certificate, {
      ...{ ...issued, issuerKey: south.chain[0]!.publicKey, nowMs: Date.now() },
    });
    expect(certificate.key).toEqual(initiation.key);

    // The merchant `lexicon` would vouch, too.
    const lexicon = world.identityOf('lexicon');
    const signer = { privateKey: lexicon.privateKey, certificateChain: lexicon.chain.map(({ der }) => der) };
    const { endsAtMs } = amended;
    const post = async (changes: object, as: string) => {
      const forged = { ...amended, transaction: 'south.999.1', ...changes };
      const body = signMessage(amendedInitiationType, forged, signer);
      const message = { kind: 'forged', contentType: 'application/cose', extension: 'cose', body };
      return world.clientAs(as).post(`${world.urlOf('north')}/deposit/amended-initiation`, message);
    };
    const own = { ...issued, transaction: 'south.999.1', key: initiation.key, notAfterMs: endsAtMs };
    for (const voucher of [amended.certificate, issueTemporaryCertificate(own, signer)]) {
      const { status, body } = await post({ certificate: voucher }, 'lexicon');
      expect([status, readProblem(body)?.code]).toEqual([400, 'OPERATOR_UNKNOWN']);
    }
    // And without an account nobody is vouched for.
    const { desk } = world.deposits();
    const since = world.messages.length;
    await expect(desk.open({ url: url(), amount: parseAmount('60EUR') })).rejects.toThrow();
    expect(wireOf(world.messages.slice(since)).all('south → north deposit-amended-initiation')).toEqual([]);
  });
});

describe('purchases', () => {
  test('[ERI-2] [ERI-14] two thousand of them stay within one deposit, and no operator hears of one', async () => {
    const opened = await world.deposits().desk.open({ url: url() });
    await buyLookups(world);
    const since = world.messages.length;
    const { answers, end } = await buyLookups(world, { times: 2000, atOnce: 16 });
    expect(answers.every(({ status, body }) => status === 200 && contains(body, 'France'))).toBe(true);
    expect(end.paid).toEqual([expect.objectContaining({ transaction: opened.transaction, purchases: 2000 })]);
    const spoken = new Set(wireOf(world.messages.slice(since)).spoken);
    expect([...spoken].sort()).toEqual(['atlas → customer http-answer', 'customer → atlas http-request']);
    const closed = await world.deposits().desk.close(opened.transaction!);
    expect(closed).toMatchObject({ purchases: 2001, spent: '0.8004 USD', paid: '0.80 USD', outcome: 'concluded' });
  });

  test('[ERI-2] what operators are told and write down is the same for one purchase and for a thousand', async () => {
    const counts = [];
    for (const times of [1, 1000]) {
      // A cent each, so that one is enough for something to be paid.
      const own = await startPartyWorld((home) => configure(home, 'atlas', 'paid', { price: '0.01 USD' }));
      try {
        const since = own.messages.length;
        await tradingSession(own, { times, amount: '10.00EUR', merchantFirst: true });
        await restingDeposits(own);
        // That messages have arrived is written a moment after they have.
        await sleep(700);
        const operators = ['north', 'south'];
        const theirs = own.messages
          .slice(since)
          .filter(({ from, to }) => operators.includes(from) || operators.includes(to))
          // Merchants lodge the keys of their packages once, whenever they are made: nobody has to buy for that.
          .filter(({ kind }) => !kind.startsWith('delivery-lodging'))
          .map(({ from, to, kind, bytes }) => `${from} → ${to} ${kind} ${sha256Hex(bytes)}`);
        // What is repeated is the same message.
        const heard = [...new Set(theirs)].map((message) => message.slice(0, message.lastIndexOf(' '))).sort();
        const written = [];
        for (const name of operators) {
          await own.stop(name);
          for (const machine of ['accounts', 'value-acquirer']) {
            written.push(await entriesIn(join(own.home, name, 'journals', `${machine}.journal`)));
          }
        }
        counts.push({ heard, written });
      } finally {
        await own.close();
      }
    }
    expect(counts[0]!.heard.length).toBeGreaterThan(10);
    expect(counts[1]).toEqual(counts[0]);
  }, 60_000);

  test('[ERI-1] the session stops when purchases reach the deposit, and the next purchase begins another transaction', async () => {
    const since = world.messages.length;
    // 0.01 EUR is 0.01 USD: 25 purchases.
    const opened = await world.deposits().desk.open({ url: url(), amount: parseAmount('0.01EUR') });
    const { answers } = await buyLookups(world, { times: 25 });
    expect(new Set(answers.map(({ paid }) => paid!.transaction))).toEqual(new Set([opened.transaction]));
    await until(
      () => world.deposits().desk.show(opened.transaction!),
      ({ phase }) => phase === 'finished',
    );
    // The merchant has ended it by itself: its record did not wait for anybody's word.
    const wire = wireOf(world.messages.slice(since));
    wire.at('atlas → north deposit-record');
    expect(wire.all('north → atlas deposit-conclude')).toEqual([]);
    const next = await buyLookups(world);
    expect(next.answers[0]!.paid!.transaction).not.toBe(opened.transaction);
    await world.deposits().desk.closeAll();
  });

  test('[ERI-1] a deposit that is used up while more is bought is followed by the next of the session', async () => {
    await world.deposits().desk.open({ url: url(), amount: parseAmount('0.02EUR') });
    const { answers, failed } = await buyLookups(world, { times: 120, atOnce: 8 });
    expect([answers.length, failed]).toEqual([120, undefined]);
    const transactions = [...new Set(answers.map(({ paid }) => paid!.transaction))];
    expect(transactions).toHaveLength(2);
    const [first, second] = transactions.map((transaction) => transaction.split('.'));
    expect([second![1], Number(second![2])]).toEqual([first![1], Number(first![2]) + 1]);
    await world.deposits().desk.closeAll();
    const books = await restingDeposits(world);
    const cleared = books.atlas.deposits.filter(({ transaction }) => transactions.includes(transaction));
    expect(cleared.reduce((sum, { purchases }) => sum + purchases, 0)).toBe(120);
  });
});

describe('the end', () => {
  test('[ERI-10] [ERI-22] the customer’s signed terminate message stops the session at the merchant', async () => {
    const { wire, transaction } = await tradingSession(world);
    const { initiation } = readSession({ wire });
    const message = readMessage(terminateType, wire.first('customer → atlas deposit-terminate').bytes);
    message.requireSignature(importPoint(initiation.key));
    expect(message.value.transaction).toBe(transaction);
    expect(wire.at('customer → atlas deposit-terminate')).toBeLessThan(wire.at('atlas → north deposit-record'));

    // Of somebody else it stops nothing.
    const opened = await world.deposits().desk.open({ url: url() });
    const forged = signMessage(
      terminateType,
      { transaction: opened.transaction!, atMs: Date.now() },
      { privateKey: world.identityOf('customer').privateKey },
    );
    const post = { kind: 'forged', contentType: 'application/cose', extension: 'cose', body: forged };
    const answer = await world.clientAs('lexicon').post(`${world.paidUrlOf('atlas')}/deposit/terminate`, post);
    expect(answer.status).toBe(403);
    expect((await buyLookups(world)).answers[0]!.paid!.transaction).toBe(opened.transaction);
    await world.deposits().desk.closeAll();
  });

  test('[ERI-1] the merchant ends it by its own will, and the customer goes on in another transaction, paying nothing twice', async () => {
    const opened = await world.deposits().desk.open({ url: url() });
    await buyLookups(world, { times: 50 });
    const close = (as: string) => {
      const body = Buffer.from(JSON.stringify({ transaction: opened.transaction }));
      const message = { kind: 'close', contentType: 'application/json', extension: 'json', body };
      return world.clientAs(as).post(`${world.urlOf('atlas')}/merchant/deposits/close`, message);
    };
    expect((await close('lexicon')).status).toBe(400);
    expect((await close('atlas')).status).toBe(200);
    const { answers, failed } = await buyLookups(world, { times: 25 });
    expect([answers.length, failed]).toEqual([25, undefined]);
    const [next] = new Set(answers.map(({ paid }) => paid!.transaction));
    expect(next).not.toBe(opened.transaction);
    await world.deposits().desk.closeAll();
    const { atlas, violations } = await restingDeposits(world);
    const purchasesOf = (transaction = '') => atlas.deposits.find((one) => one.transaction === transaction)?.purchases;
    expect([purchasesOf(opened.transaction), purchasesOf(next), violations]).toEqual([50, 25, []]);
  });

  test('[ERI-10] a session in which nothing is bought any more times out at the merchant', async () => {
    const since = world.messages.length;
    // Nobody tells the merchant that it is over.
    world.cut.add('customer → atlas deposit-terminate');
    world.cut.add('customer → south deposit-record');
    const opened = await world.deposits().desk.open({ url: url(), idleMs: 1000 });
    await buyLookups(world);
    const wire = () => wireOf(world.messages.slice(since));
    await until(wire, ({ spoken }) => spoken.includes('atlas → north deposit-record'));
    expect(wire().spoken).not.toContain('atlas → customer deposit-terminateAnswer');
    expect(wire().spoken).not.toContain('north → atlas deposit-conclude');
    world.cut.clear();
    const closed = await until(
      () => world.deposits().desk.show(opened.transaction!),
      ({ phase }) => phase === 'finished',
    );
    expect(closed).toMatchObject({ outcome: 'concluded', purchases: 1 });
  });

  test('[ERI-11] [ERI-23] both signed records are compared, and clearing information reaches accounts, parties and billing systems', async () => {
    const before = await restingDeposits(world);
    const session = await tradingSession(world, { times: 250 });
    const { wire, transaction } = session;
    const { customerRecord, merchantRecord, clearing, statement, initiation } = readSession(session);
    // Each signed with its temporary key; the customer's passes through its account manager byte for byte.
    const ack = readMessage(acknowledgementType, wire.first('atlas → north deposit-informationAnswer').bytes).value;
    for (const [spoken, key] of [
      ['customer → south deposit-record', initiation.key],
      ['south → north deposit-record', initiation.key],
      ['atlas → north deposit-record', ack.key],
    ] as const) {
      const { bytes } = wire.first(spoken);
      expect(contains(bytes, transaction)).toBe(true);
      readMessage(transactionRecordType, bytes).requireSignature(importPoint(key));
    }
    expect(wire.first('south → north deposit-record').bytes).toEqual(
      wire.first('customer → south deposit-record').bytes,
    );
    // The hash of the encrypted list, and the amounts.
    expect(customerRecord.head).toEqual(merchantRecord.head);
    expect([customerRecord.count, customerRecord.units]).toEqual([250, 1000]);
    expect([merchantRecord.count, merchantRecord.units]).toEqual([250, 1000]);
    expect(clearing.reasons).toContain('Both have the same list of 250 purchases.');
    expect(clearing.paid).toEqual({ currency: 'USD', minor: 10n });

    // To both account managers, and on to customer and merchant.
    const sent = wire.all('north → south deposit-clearing-information')[0]!.bytes;
    expect(wire.first('north → north deposit-clearing-information').bytes).toEqual(sent);
    readMessage(clearingInformationType, sent).requireSignature(world.identityOf('north').chain[0]!.publicKey);
    expect(statement.clearing).toEqual(sent);
    const toMerchant = readMessage(statementType, wire.first('north → atlas deposit-statement').bytes).value;
    expect(toMerchant.clearing).toEqual(sent);

    const after = await restingDeposits(world);
    expect(before.customer - after.customer).toBe(statement.booked.minor);
    expect(after.merchant - before.merchant).toBe(10n);
    expect([after.southOwes - before.southOwes, after.violations]).toEqual([10n, []]);
    // Withdrawal record and deposit record are stored, and have gone to the billing systems.
    expect(after.south.customers[0]!.deposits[0]).toMatchObject({ transaction, withdrawn: session.closed.charged });
    expect(after.north.merchants[0]!.deposits[0]).toMatchObject({ transaction, paid: '0.10 USD' });
    for (const name of ['south', 'north']) {
      await until(
        () => filesWith(join(world.home, name, 'billing'), transaction),
        (files) => files.length > 0,
      );
    }
  });

  test('[ERI-11] a side that stays silent loses nothing but its say: after the deadline the other’s evidence decides', async () => {
    const own = await startPartyWorld((home) => configure(home, 'north', 'deposits', { recordWaitSeconds: 1 }));
    try {
      own.cut.add('customer → south deposit-record');
      own.cut.add('customer → atlas deposit-terminate');
      const { desk } = own.deposits();
      const { transaction } = await desk.open({ url: `${own.paidUrlOf('atlas')}${LOOKUP}`, idleMs: 1000 });
      await buyLookups(own, { times: 100 });
      const { atlas, violations } = await until(
        () => depositBooks(own),
        (books) => books.atlas.deposits.length > 0,
      );
      expect(atlas.deposits).toEqual([
        expect.objectContaining({ transaction, purchases: 100, earned: '0.04 USD', paid: '0.04 USD' }),
      ]);
      expect(atlas.deposits[0]!.ruling).toContain('The customer was silent: the other side’s evidence decides.');
      expect(violations).toEqual([]);
      own.cut.clear();
      const closed = await until(
        () => desk.show(transaction!),
        ({ phase }) => phase === 'finished',
      );
      expect(closed).toMatchObject({ outcome: 'concluded', paid: '0.04 USD', purchases: 100 });
    } finally {
      await own.close();
    }
  });

  test('[ERI-13] account manager and mediator are modules of their own, also within one operator: they share messages and nothing else', async () => {
    const since = world.messages.length;
    await buyLookups(world, {
      urls: [`${world.paidUrlOf('lexicon')}/paid/currency-codes?find=EUR`],
      own: { max: parseAmount('0.10EUR') },
      times: 30,
    });
    const wire = wireOf(world.messages.slice(since));
    const between = ['deposit-amended-initiation', 'deposit-record', 'deposit-clearing-information'];
    for (const kind of between) wire.at(`south → south ${kind}`);
    const journals = join(world.home, 'south/journals');
    expect(readdirSync(journals)).toEqual(expect.arrayContaining(['accounts.journal', 'value-acquirer.journal']));
    // The account is in the one, and never in the other.
    expect(filesWith(journals, 'customer:customer').some((file) => file.includes('accounts.journal'))).toBe(true);
    expect(filesWith(journals, 'customer:customer').filter((file) => file.includes('value-acquirer'))).toEqual([]);
  });
});

const sha256Hex = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** How many entries a journal has that nobody has open. */
async function entriesIn(file: string): Promise<number> {
  const journal = await openSqliteJournal({ file });
  let count = 0;
  for await (const _ of journal.read(0)) count++;
  await journal.close();
  return count;
}
