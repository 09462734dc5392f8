/** ISO 20022 messages: valid by libxml2's judgement, sums that agree, and nothing in them that has no business there. */
import { array, assert, bigInt, constantFrom, oneof, property, sample, string } from 'fast-check';
import { XMLParser } from 'fast-xml-parser';
import { describe, expect, test } from 'vitest';
import { type Bank, requireBic, requireIban } from '../../src/billing/iso20022/bank.ts';
import { camt053 } from '../../src/billing/iso20022/camt053.ts';
import { camt054, isNotified } from '../../src/billing/iso20022/camt054.ts';
import { exchangeRate } from '../../src/billing/iso20022/exchange-rate.ts';
import { isTransferred, pacs008 } from '../../src/billing/iso20022/pacs008.ts';
import { isPaid, pacs009 } from '../../src/billing/iso20022/pacs009.ts';
import { statementPages } from '../../src/billing/iso20022/statement-pages.ts';
import type { BillingRecord } from '../../src/deposit/message/billing-record.ts';
import { HandselError } from '../../src/handsel-error.ts';
import { isMoneyCurrency, listCurrencies } from '../../src/money/currency.ts';
import { parseRate, rateOf } from '../../src/money/rate.ts';
import {
  all,
  bookedAs,
  clearing,
  DAY,
  deposit,
  EUR_USD,
  funding,
  NOON_MS,
  openBook,
  settlement,
  withdrawal,
} from './bookings.ts';
import { reportFaults, reportSchema, schemaFaults } from './schema-judge.ts';

const plain: Bank = { name: 'north', bics: new Map(), ibans: new Map() };
const named: Bank = {
  name: 'north',
  bics: new Map([
    ['north', 'NORTNL2A'],
    ['south', 'SOUTGB2LXXX'],
  ]),
  ibans: new Map([['customer:alice', 'DE89370400440532013000']]),
  clearingSystem: 'TGT',
};
const dayOf = (atMs: number) => new Date(atMs).toISOString().slice(0, 10);
const messageOf = (bank: Bank) => ({ id: 'message 1', atMs: NOON_MS, bank, dayOf });
const notification = (record: BillingRecord, bank = plain) =>
  camt054([bookedAs(record)].filter(isNotified), messageOf(bank));
const transfer = (record: BillingRecord, bank = plain) =>
  pacs008(
    [bookedAs(record)].filter((booked) => isTransferred(booked, bank)),
    messageOf(bank),
  );
const payment = (record: BillingRecord, bank = plain) => pacs009([bookedAs(record)].filter(isPaid), messageOf(bank));

/** Statements of a day of everything that can happen. */
async function statements(bank = plain, options: { entriesAPage?: number; closed?: boolean } = {}) {
  const book = await openBook();
  await book.tell(funding('salary'), withdrawal(1), clearing(1), deposit(7), withdrawal(2, { customer: 'bob' }));
  await book.tell(deposit(8), settlement(1), withdrawal(3), clearing(3, { direction: 'due', operator: 'west' }));
  const pages = await all(statementPages(book.day(), { closed: true, ...options }));
  return pages.map((page) => camt053([page], messageOf(bank)));
}

const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '', parseTagValue: false });
type Tree = { readonly [name: string]: Tree & string };
const read = (document: string): Tree => parser.parse(document).Document as Tree;
const listed = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value as T];

describe('documents', () => {
  test('are valid, with and without BICs and IBANs, across currencies and within one', async () => {
    const one = parseRate({ from: 'EUR', to: 'EUR', text: '1' });
    const eur = { currency: 'EUR', minor: 1_387n };
    for (const bank of [plain, named]) {
      const documents = [
        ...(await statements(bank)),
        ...(await statements(bank, { entriesAPage: 1, closed: false })),
        ...[withdrawal(1), withdrawal(1, { paid: eur, rate: one }), deposit(1)].map((record) =>
          notification(record, bank),
        ),
        ...[withdrawal(1), withdrawal(1, { paid: eur, rate: one })].map((record) => transfer(record, bank)),
        payment(settlement(1), bank),
      ];
      expect(documents.length).toBeGreaterThan(10);
      expect(await schemaFaults(documents)).toEqual([]);
    }
  });

  test('with several notifications, transfers or payments are valid, too', async () => {
    const records = [withdrawal(1), withdrawal(2), deposit(3), settlement(4), settlement(5)].map((record) =>
      bookedAs(record),
    );
    const documents = [
      camt054(records.filter(isNotified), messageOf(plain)),
      pacs008(
        records.filter((booked) => isTransferred(booked, plain)),
        messageOf(plain),
      ),
      pacs009(records.filter(isPaid), messageOf(plain)),
    ];
    expect(await schemaFaults(documents)).toEqual([]);
    expect(documents.map((document) => /<NbOfTxs>(\d)/.exec(document)?.[1])).toEqual([undefined, '2', '2']);
  });

  test('the judge finds what is missing, too long, out of order or of another message', async () => {
    const good = transfer(withdrawal(1));
    const bad = [
      good.replace(/<ChrgBr>.*<\/ChrgBr>/, ''),
      good.replace(/<EndToEndId>.*<\/EndToEndId>/, `<EndToEndId>${'x'.repeat(36)}</EndToEndId>`),
      good.replace(/(<MsgId>.*<\/MsgId>)\s*(<CreDtTm>.*<\/CreDtTm>)/, '$2$1'),
      good.replace('Ccy="USD"', 'Ccy="usd"'),
      good.replaceAll('pacs.008', 'pacs.009'),
    ];
    for (const document of bad) {
      expect(document).not.toBe(good);
      expect(await schemaFaults([document])).not.toEqual([]);
    }
  });

  const report = reportSchema();
  test.skipIf(report === undefined)('entries and balances are valid by the published schema of reports', async () => {
    const documents = [
      ...(await statements(named)),
      ...(await statements()),
      notification(withdrawal(1)),
      notification(deposit(1), named),
    ];
    expect(await reportFaults(report!, documents)).toEqual([]);
    const bad = documents.map((document) => document.replace('<Sts>', '<Sts><Cd>BOOK</Cd>'));
    expect(await reportFaults(report!, bad)).not.toEqual([]);
  });

  /** As identities and names may be: printable ASCII without spaces, dots and colons. */
  const name = string({
    unit: constantFrom(
      ...Array.from({ length: 94 }, (_, at) => String.fromCharCode(33 + at)).filter((c) => !'.:'.includes(c)),
    ),
    minLength: 1,
    maxLength: 64,
  });
  const currency = constantFrom(
    ...listCurrencies()
      .map(({ code }) => code)
      .filter(isMoneyCurrency),
  );
  const minor = oneof(bigInt({ min: 1n, max: 10n }), bigInt({ min: 1n, max: 10n ** 15n }));

  test('of any names, currencies and amounts are valid, and say the same amounts', async () => {
    const drawn = sample(array(oneof(name), { minLength: 3, maxLength: 3 }), 40).map((names, at) => {
      const [customer, merchant, merchantOperator] = names as [string, string, string];
      const [from, to] = sample(currency, 2) as [string, string];
      const [paid, withdrawn, numerator, denominator] = sample(minor, 4) as [bigint, bigint, bigint, bigint];
      const rate = rateOf({ from, to, numerator, denominator });
      return withdrawal(at + 1, {
        ...{
          transaction: `${'o'.repeat(64)}.${10n ** 14n}.${10n ** 14n + BigInt(at)}`,
          customer,
          merchant,
          merchantOperator,
          rate,
        },
        paid: { currency: to, minor: paid },
        withdrawn: { currency: from, minor: withdrawn },
      });
    });
    const documents = drawn.flatMap((record) => [
      notification(record),
      transfer(record),
      payment(
        settlement(1, { settlement: `${'a'.repeat(64)}.${'b'.repeat(64)}.EUR.1`, operator: record.merchantOperator }),
      ),
    ]);
    expect(await schemaFaults(documents)).toEqual([]);
    for (const [at, record] of drawn.entries()) {
      const { Cdtr, IntrBkSttlmAmt } = read(documents[at * 3 + 1]!).FIToFICstmrCdtTrf!.CdtTrfTxInf!;
      expect(Cdtr!.Nm).toBe(record.merchant);
      const digits = (IntrBkSttlmAmt as unknown as { '#text': string })['#text'].replace('.', '');
      expect(BigInt(digits)).toBe(record.paid.minor);
    }
  });

  test.each([
    ['a line break', 'a\nb'],
    ['a tab', 'a\tb'],
    ['a zero', 'a\0b'],
    ['a control character of Latin-1', 'a\u0085b'],
    ['half a character', 'a\ud800b'],
    ['what is no character', 'a\uffff'],
    ['nothing', ''],
    ['too much', 'a'.repeat(141)],
    ['spaces around it', ' a '],
  ])('never carry a name with %s', (_, merchant) => {
    expect(() => transfer(withdrawal(1, { merchant }))).toThrow(expect.objectContaining({ code: 'RECORD_REFUSED' }));
  });

  test('escape what XML would take for its own, and keep other alphabets', async () => {
    const merchant = `<Müller & "Söhne's" 東京>]]>`;
    const document = transfer(withdrawal(1, { merchant }));
    expect(await schemaFaults([document])).toEqual([]);
    expect(document).not.toContain(merchant);
    expect(read(document).FIToFICstmrCdtTrf!.CdtTrfTxInf!.Cdtr!.Nm).toBe(merchant);
  });

  test('amounts beyond the digits of the standard are refused', () => {
    const paid = { currency: 'USD', minor: 10n ** 18n };
    expect(() => transfer(withdrawal(1, { paid }))).toThrow(expect.objectContaining({ code: 'RECORD_REFUSED' }));
  });

  test('any text either makes a document or is refused', () => {
    assert(
      property(string({ unit: 'binary' }), (merchant) => {
        try {
          expect(read(transfer(withdrawal(1, { merchant }))).FIToFICstmrCdtTrf!.CdtTrfTxInf!.Cdtr!.Nm).toBe(merchant);
        } catch (error) {
          if (!(error instanceof HandselError)) throw error;
        }
      }),
    );
  });
});

describe('a statement', () => {
  test('adds up from its opening to its closing balance, also over pages', async () => {
    for (const entriesAPage of [1, 2, 100]) {
      const closing = new Map<string, number>();
      for (const document of await statements(plain, { entriesAPage })) {
        const { Acct, Bal, Ntry, StmtPgntn, TxsSummry } = read(document).BkToCstmrStmt!.Stmt!;
        const signed = (part: Tree) =>
          Number((part.Amt as unknown as { '#text': string })['#text']) *
          ((part.CdtDbtInd as string) === 'CRDT' ? 1 : -1);
        const [opening, end] = listed(Bal) as unknown as [Tree, Tree];
        const entries = listed(Ntry) as unknown as readonly Tree[];
        const sum = entries.reduce((total, entry) => total + signed(entry), signed(opening));
        expect(sum).toBeCloseTo(signed(end), 6);
        const account = Acct!.Id!.Othr!.Id as string;
        expect(signed(opening)).toBeCloseTo(closing.get(account) ?? 0, 6);
        closing.set(account, signed(end));
        const type = (balance: Tree) => balance.Tp!.CdOrPrtry!.Cd as string;
        expect(type(opening)).toBe(StmtPgntn!.PgNb === '1' ? 'OPBD' : 'ITBD');
        expect(type(end)).toBe(StmtPgntn!.LastPgInd === 'true' ? 'CLBD' : 'ITBD');
        expect(TxsSummry!.TtlNtries!.NbOfNtries).toBe(String(entries.length));
      }
      expect([...closing]).toEqual([
        ['clearing:USD:south', 0],
        ['clearing:USD:west', -15],
        ['customer:alice', 72.26],
        ['customer:bob', -13.87],
        ['merchant:EUR:kiosk', 5],
      ]);
    }
  });

  test('has what there was when its balances were read, also when more is booked meanwhile', async () => {
    const book = await openBook();
    await book.tell(funding('salary'), withdrawal(1));
    const day = book.day();
    const accounts = await day.accounts();
    await book.tell(withdrawal(2));
    const pages = await all(statementPages({ ...day, accounts: async () => accounts }, { closed: false }));
    expect(pages.map(({ entries }) => entries.length)).toEqual([2]);
    expect(await schemaFaults(pages.map((page) => camt053([page], messageOf(plain))))).toEqual([]);
  });

  test('of a day that is not over has no closing balance', async () => {
    for (const document of await statements(plain, { closed: false })) expect(document).not.toContain('CLBD');
  });

  test('with entries that do not add up is refused', async () => {
    const book = await openBook();
    await book.tell(funding('salary'), withdrawal(1));
    const [page] = await all(statementPages(book.day(), { closed: true }));
    const [first, second] = page!.entries;
    const off = { ...second!, entry: { ...second!.entry, afterMinor: 1n } };
    for (const wrong of [
      { ...page!, entries: [first!] },
      { ...page!, entries: [second!] },
      { ...page!, entries: [first!, off] },
      { ...page!, entries: [] },
    ]) {
      expect(() => camt053([wrong], messageOf(plain))).toThrow(expect.objectContaining({ code: 'RECORD_REFUSED' }));
    }
  });
});

describe('what a message tells', () => {
  test('a transfer calls the customer by the transaction only, wherever one looks', () => {
    const document = transfer(withdrawal(1, { customer: 'alice-in-the-clear' }), named);
    expect(document).not.toMatch(/alice/i);
    const { Dbtr, DbtrAgt, PmtId, InstdAmt, XchgRate } = read(document).FIToFICstmrCdtTrf!.CdtTrfTxInf!;
    expect(Dbtr!.Id!.PrvtId!.Othr!.Id).toBe('north.1.1');
    expect(DbtrAgt!.FinInstnId!.BICFI).toBe('NORTNL2A');
    expect(PmtId!.EndToEndId).toBe('north.1.1');
    expect(InstdAmt).toMatchObject({ '#text': '13.87', Ccy: 'EUR' });
    expect(XchgRate).toBe('1.0823');
  });

  test('a merchant’s notification has the other operator and no customer', () => {
    const { Ntry, Acct } = read(notification(deposit(1), named)).BkToCstmrDbtCdtNtfctn!.Ntfctn!;
    expect(Ntry).toMatchObject({ CdtDbtInd: 'CRDT', Amt: { '#text': '2.50', Ccy: 'EUR' } });
    expect(Ntry!.NtryDtls!.TxDtls!.RltdAgts!.DbtrAgt!.FinInstnId!.BICFI).toBe('SOUTGB2LXXX');
    expect(Ntry!.NtryDtls!.TxDtls!.RltdPties).toBeUndefined();
    expect(Acct!.Id!.Othr!.Id).toBe('merchant:EUR:kiosk');
  });

  test('a customer’s notification has the merchant, what was taken, and what the merchant got', () => {
    const { Ntry, Acct } = read(notification(withdrawal(1), named)).BkToCstmrDbtCdtNtfctn!.Ntfctn!;
    expect(Acct!.Id!.IBAN).toBe('DE89370400440532013000');
    expect(Ntry).toMatchObject({ CdtDbtInd: 'DBIT', BookgDt: { Dt: DAY }, ValDt: { Dt: DAY } });
    const { RltdPties, AmtDtls, RmtInf } = Ntry!.NtryDtls!.TxDtls!;
    expect(RltdPties!.Cdtr!.Pty!.Nm).toBe('shop');
    expect(AmtDtls!.TxAmt).toMatchObject({ Amt: { '#text': '15.00', Ccy: 'USD' }, CcyXchg: { XchgRate: '1.0823' } });
    expect(RmtInf!.Ustrd).toBe('Deposit north.1.1');
  });

  test('a settlement goes from operator to operator, through the clearing system where there is one', () => {
    const { GrpHdr, CdtTrfTxInf } = read(payment(settlement(3), named)).FICdtTrf!;
    expect(GrpHdr!.SttlmInf).toEqual({ SttlmMtd: 'CLRG', ClrSys: { Cd: 'TGT' } });
    expect(CdtTrfTxInf).toMatchObject({
      PmtId: { EndToEndId: 'north.south.USD.3' },
      IntrBkSttlmAmt: { '#text': '15.00', Ccy: 'USD' },
      Dbtr: { FinInstnId: { BICFI: 'NORTNL2A' } },
      Cdtr: { FinInstnId: { BICFI: 'SOUTGB2LXXX' } },
    });
    expect(read(payment(settlement(3))).FICdtTrf!.GrpHdr!.SttlmInf).toEqual({ SttlmMtd: 'INGA' });
  });

  test('only what has to be said is: nothing of deposits within the house, of nothing bought, of what others pay', () => {
    const nothing = { currency: 'USD', minor: 0n };
    const inHouse = bookedAs(withdrawal(1, { merchantOperator: 'north' }));
    const empty = bookedAs(withdrawal(1, { paid: nothing, withdrawn: { currency: 'EUR', minor: 0n } }));
    expect([inHouse, empty].map((booked) => isTransferred(booked, plain))).toEqual([false, false]);
    expect([inHouse, empty, bookedAs(clearing(1)), bookedAs(funding('x'))].map(isNotified)).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(isPaid(bookedAs(settlement(1, { direction: 'received' })))).toBe(false);
  });

  test('the same record makes the same bytes, and another one other identifications', () => {
    expect(transfer(withdrawal(1))).toBe(transfer(withdrawal(1)));
    const long = (last: number) => `${'operator'.repeat(8)}.1.${last}`;
    const idsOf = (transaction: string) => {
      const { PmtId } = read(transfer(withdrawal(1, { transaction }))).FIToFICstmrCdtTrf!.CdtTrfTxInf!;
      return [PmtId!.EndToEndId, PmtId!.UETR];
    };
    expect(idsOf(long(1))).toEqual(idsOf(long(1)));
    expect(new Set([...idsOf(long(1)), ...idsOf(long(2))]).size).toBe(4);
  });
});

describe('identifiers of banks', () => {
  test.each(['DEUTDEFF', 'DEUTDEFF500', 'NORTNL2A'])('%s is a BIC', (bic) => expect(requireBic(bic)).toBe(bic));
  test.each(['', 'DEUTDEF', 'DEUTDEFF50', 'deutdeff', 'DEUT1EFF', 'DEUTDEFF500 '])('"%s" is none', (bic) => {
    expect(() => requireBic(bic)).toThrow(expect.objectContaining({ code: 'BANK_IDENTIFIER_INVALID' }));
  });
  // The examples of the IBAN registry.
  test.each([
    'DE89370400440532013000',
    'NL91ABNA0417164300',
    'GB29NWBK60161331926819',
    'MT84MALT011000012345MTLCAST001S',
  ])('%s is an IBAN', (iban) => expect(requireIban(iban)).toBe(iban));
  test.each(['', 'DE89370400440532013001', 'DE89 3704 0044 0532 0130 00', 'NL19ABNA0417164300', 'nl91abna0417164300'])(
    '"%s" is none',
    (iban) => {
      expect(() => requireIban(iban)).toThrow(expect.objectContaining({ code: 'BANK_IDENTIFIER_INVALID' }));
    },
  );
});

describe('the exchange rate', () => {
  const rate = (numerator: bigint, denominator: bigint) =>
    exchangeRate(rateOf({ from: 'EUR', to: 'USD', numerator, denominator }));
  test.each([
    [EUR_USD.numerator, EUR_USD.denominator, '1.0823'],
    [1n, 3n, '0.3333333333'],
    [2n, 3n, '0.6666666667'],
    [1n, 1n, '1'],
    [100n, 1n, '100'],
    [200n, 3n, '66.666666667'],
    [1n, 10n ** 10n, '0.0000000001'],
    [10n ** 10n - 1n, 1n, '9999999999'],
  ])('%s / %s is %s', (numerator, denominator, text) => expect(rate(numerator, denominator)).toBe(text));

  test('is left out where the standard has no room for it', () => {
    expect([rate(1n, 10n ** 12n), rate(10n ** 11n, 1n), rate(99_999_999_999n, 10n)]).toEqual([
      undefined,
      undefined,
      '9999999999.9',
    ]);
  });
});
