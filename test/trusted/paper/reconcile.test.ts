/** Orders, invoices, remittance advices and receipts reconcile by themselves (US 5,671,280, "physical object" tickets and commercial use). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Paper, PaperComponents } from '../../../src/trusted/paper/paper.ts';
import { reconcile } from '../../../src/trusted/paper/reconcile.ts';

const BUYER = 1;
const SELLER = 2;
const eur = (minor: number) => ({ currency: 'EUR', minor: BigInt(minor) });
const usd = (minor: number) => ({ currency: 'USD', minor: BigInt(minor) });

let count = 0;
function paper(components: PaperComponents, ends: { issuer?: number; receiver?: number; name?: string } = {}): Paper {
  const byBuyer = components.type === 'purchase-order' || components.type === 'remittance-advice';
  const { issuer = byBuyer ? BUYER : SELLER, receiver = byBuyer ? SELLER : BUYER } = ends;
  const issuerName = ends.name ?? (byBuyer ? 'Hansen' : 'Müller');
  return { id: String(++count).padStart(4, '0'), serial: count, issuer, receiver, issuerName, components };
}

const drill = { description: 'Drill', quantity: 2, price: eur(100) };
const board = { description: 'Board', quantity: 10, price: eur(20) };
/** 4.00 EUR. */
const order = (reference = 'PO-1', more: Partial<PaperComponents<'purchase-order'>> = {}) =>
  paper({
    ...{ type: 'purchase-order', reference, day: 1, customer: 'Hansen', items: [drill, board], instructions: '' },
    ...more,
  });
const invoice = (minor: number, more: Partial<PaperComponents<'invoice'>> = {}) =>
  paper({
    ...{ type: 'invoice', number: 'I-1', day: 2, orderReferences: ['PO-1'], vendor: 'Müller', amount: eur(minor) },
    ...more,
  });
const remittance = (minor: number, more: Partial<PaperComponents<'remittance-advice'>> = {}) =>
  paper({
    ...{ type: 'remittance-advice', invoiceReferences: ['I-1'], customer: 'Hansen', day: 3, amountPaid: eur(minor) },
    ...more,
  });
const receipt = (minor: number, more: Partial<PaperComponents<'receipt'>> = {}) =>
  paper({
    ...{ type: 'receipt', day: 4, vendor: 'Müller', identifier: 'R-1', items: [], invoiceReferences: ['I-1'] },
    ...{ amountPaid: eur(minor), ...more },
  });

const codes = (papers: readonly Paper[]) => {
  const { accounts, stray } = reconcile(papers);
  return {
    verdicts: accounts.map(({ standing, verdict }) => `${standing} ${verdict}`),
    missing: accounts.flatMap(({ missing }) => missing.map(({ code, text }) => `${code} ${text.split(' ')[0]}`)),
    contradictions: accounts.flatMap(({ contradictions }) => contradictions.map(({ code }) => code)),
    stray: stray.map(({ code }) => code),
  };
};
const said = (
  verdicts: string | readonly string[],
  rest: Partial<Omit<ReturnType<typeof codes>, 'verdicts'>> = {},
) => ({ verdicts: [verdicts].flat(), missing: [], contradictions: [], stray: [], ...rest });

describe('papers', () => {
  it('of a whole trade match, and each step says what is missing', () => {
    const all = [order(), invoice(400), remittance(400), receipt(400)];
    expect(codes(all.slice(0, 1))).toEqual(said('on-order open', { missing: ['INVOICE_MISSING 4.00'] }));
    expect(codes(all.slice(0, 2))).toEqual(said('invoiced open', { missing: ['PAYMENT_MISSING 4.00'] }));
    expect(codes(all.slice(0, 3))).toEqual(said('invoiced open', { missing: ['RECEIPT_MISSING 4.00'] }));
    expect(codes(all)).toEqual(said('paid matched'));
  });

  it('of partial deliveries and partial payments add up', () => {
    const parts = [order(), invoice(150), invoice(250, { number: 'I-2' }), remittance(100), remittance(50, { day: 4 })];
    expect(codes(parts)).toEqual(said('invoiced open', { missing: ['PAYMENT_MISSING 2.50', 'RECEIPT_MISSING 1.50'] }));
    const rest = [
      ...[receipt(150), remittance(250, { invoiceReferences: ['I-2'] })],
      receipt(250, { identifier: 'R-2', invoiceReferences: ['I-2'] }),
    ];
    expect(codes([...parts, ...rest])).toEqual(said('paid matched'));
    expect(codes([order(), invoice(150), remittance(150), receipt(150)])).toEqual(
      said('invoiced open', { missing: ['INVOICE_MISSING 2.50'] }),
    );
  });

  it('that name several orders or invoices are taken off them in that order', () => {
    const two = [order(), order('PO-2'), invoice(600, { orderReferences: ['PO-2', 'PO-1'] })];
    expect(codes(two)).toEqual(
      said(['invoiced open', 'invoiced open'], {
        missing: ['INVOICE_MISSING 2.00', 'PAYMENT_MISSING 2.00', 'PAYMENT_MISSING 4.00'],
      }),
    );
    const paid = [...two, invoice(200, { number: 'I-2' }), remittance(800, { invoiceReferences: ['I-1', 'I-2'] })];
    const done = [...paid, receipt(800, { invoiceReferences: ['I-2', 'I-1'] })];
    expect(codes(done)).toEqual(said(['paid matched', 'paid matched']));
  });

  it('that come twice count once, and two papers of one number contradict each other', () => {
    const all = [order(), invoice(400), remittance(400), receipt(400)];
    expect(codes([...all, ...all])).toEqual(said('paid matched'));
    const contradictions = (extra: Paper) => codes([...all, extra]).contradictions;
    expect(contradictions(order())).toEqual(['REFERENCE_TWICE']);
    expect(contradictions(invoice(400, { day: 3 }))).toEqual(['NUMBER_TWICE']);
    expect(contradictions(receipt(400, { day: 5 }))).toEqual(['NUMBER_TWICE']);
    // Advices have no number: a second one is a second payment.
    expect(contradictions(remittance(400))).toEqual(['PAID_TOO_MUCH']);
    expect(codes([...all, invoice(400, { day: 3 })]).verdicts).toEqual(['paid contradicted']);
  });

  it('with wrong amounts say how much is wrong', () => {
    const texts = (papers: readonly Paper[]) =>
      reconcile(papers).accounts.flatMap(({ contradictions }) => contradictions.map(({ text }) => text));
    expect(texts([order(), invoice(450)])).toEqual([
      'Invoice I-1 is 0.50 EUR more than was ordered and not invoiced before.',
    ]);
    expect(texts([order(), invoice(400), remittance(420)])).toEqual([
      'The remittance of 4.20 EUR is 0.20 EUR more than was open on I-1.',
    ]);
    expect(texts([order(), invoice(400), receipt(410)])).toEqual([
      'Receipt R-1 is 0.10 EUR more than was open on I-1.',
    ]);
    expect(texts([order(), invoice(400), remittance(100), receipt(300)])).toEqual([
      'On invoice I-1 the vendor acknowledges 2.00 EUR more than the buyer says that it paid.',
    ]);
    // Underpaid is not wrong but open.
    expect(codes([order(), invoice(400), remittance(390), receipt(390)])).toEqual(
      said('invoiced open', { missing: ['PAYMENT_MISSING 0.10'] }),
    );
    // Paid in cash, say: the vendor's word is enough.
    expect(codes([order(), invoice(400), receipt(400)])).toEqual(said('paid matched'));
  });

  it('in another currency are explained and not reckoned with', () => {
    const other = codes([order(), invoice(400, { amount: usd(400) })]);
    expect(other).toEqual(
      said('on-order contradicted', { missing: ['INVOICE_MISSING 4.00'], contradictions: ['OTHER_CURRENCY'] }),
    );
    expect(codes([order(), invoice(400), remittance(400, { amountPaid: usd(400) })])).toEqual(
      said('invoiced contradicted', { missing: ['PAYMENT_MISSING 4.00'], contradictions: ['OTHER_CURRENCY'] }),
    );
    const mixed = order('PO-1', { items: [drill, { ...board, price: usd(20) }] });
    expect(reconcile([mixed]).accounts[0]).toMatchObject({ verdict: 'contradicted', sums: undefined });
    expect(codes([mixed, invoice(400)]).contradictions).toEqual(['CURRENCIES_MIXED', 'OTHER_CURRENCY']);
  });

  it('of an order paid on delivery match by their items', () => {
    const placed = order('PO-1', { payment: 'on-delivery' });
    const delivery = (minor: number, items: readonly (typeof drill)[], identifier = 'R-1') =>
      receipt(minor, { identifier, items, invoiceReferences: [], orderReferences: ['PO-1'] });
    expect(codes([placed])).toEqual(said('on-order open', { missing: ['RECEIPT_MISSING 4.00'] }));
    expect(codes([placed, delivery(400, [drill, board])])).toEqual(said('paid matched'));
    const half = delivery(200, [
      { ...drill, quantity: 1 },
      { ...board, quantity: 5 },
    ]);
    expect(codes([placed, half])).toEqual(said('invoiced open', { missing: ['RECEIPT_MISSING 2.00'] }));
    expect(codes([placed, half, delivery(200, [board], 'R-2')]).contradictions).toEqual(['NOT_ORDERED']);
    expect(codes([placed, delivery(300, [drill, board])]).contradictions).toEqual(['SUM_DIFFERS']);
    expect(codes([placed, delivery(420, [drill, { ...board, quantity: 11 }])]).contradictions).toEqual([
      'NOT_ORDERED',
      'RECEIVED_TOO_MUCH',
    ]);
    expect(codes([placed, receipt(400, { invoiceReferences: [] })]).stray).toEqual(['REFERENCE_ABSENT']);
  });

  it('of others, or about nothing known, are told apart', () => {
    expect(codes([invoice(400), remittance(400), receipt(400)]).stray).toEqual([
      'ORDER_UNKNOWN',
      'INVOICE_UNKNOWN',
      'INVOICE_UNKNOWN',
    ]);
    const stranger = paper(invoice(400).components, { issuer: 3 });
    expect(codes([order(), stranger])).toMatchObject({ stray: ['ORDER_UNKNOWN'], contradictions: [] });
    const ownInvoice = paper(invoice(400).components, { issuer: BUYER, receiver: SELLER });
    expect(codes([order(), ownInvoice])).toMatchObject({ stray: ['ORDER_UNKNOWN'] });
    const selfReceipt = paper(receipt(400).components, { issuer: BUYER, receiver: SELLER });
    expect(codes([order(), invoice(400), selfReceipt])).toMatchObject({ verdicts: ['invoiced open'] });
    expect(codes([order(), invoice(400, { vendor: 'Meier' })]).contradictions).toEqual(['ANOTHER_NAME']);
    expect(codes([order(), invoice(400, { orderReferences: ['PO-1', 'PO-9'] })]).contradictions).toEqual([
      'ORDER_UNKNOWN',
    ]);
  });

  it('say the same in whatever order they come, and never more than there is', () => {
    const name = fc.constantFrom('1', '2', '3');
    const amount = fc.record({ currency: fc.constantFrom('EUR', 'EUR', 'EUR', 'USD'), minor: fc.bigInt(0n, 500n) });
    const names = fc.array(name, { minLength: 1, maxLength: 3 });
    const day = fc.nat(5);
    const items = fc.array(
      fc.record({
        description: fc.constantFrom('Drill', 'Board'),
        quantity: fc.integer({ min: 1, max: 3 }),
        price: amount,
      }),
      { minLength: 1, maxLength: 3 },
    );
    const any: fc.Arbitrary<PaperComponents> = fc.oneof(
      fc.record({
        ...{ type: fc.constant('purchase-order' as const), reference: name, day, customer: fc.constant('Hansen') },
        ...{ items, instructions: fc.constant('') },
      }),
      fc.record({
        ...{ type: fc.constant('invoice' as const), number: name, day, orderReferences: names },
        ...{ vendor: fc.constant('Müller'), amount },
      }),
      fc.record({
        ...{ type: fc.constant('remittance-advice' as const), invoiceReferences: names, day },
        ...{ customer: fc.constant('Hansen'), amountPaid: amount },
      }),
      fc.record({
        ...{ type: fc.constant('receipt' as const), day, vendor: fc.constant('Müller'), identifier: name, items },
        ...{ invoiceReferences: fc.array(name, { maxLength: 2 }), amountPaid: amount, orderReferences: names },
      }),
    );
    fc.assert(
      fc.property(fc.array(any, { maxLength: 12 }), fc.func(fc.nat()), (components, rank) => {
        const papers = components.map((one) => paper(one));
        const shuffled = [...papers, ...papers.slice(0, 3)].sort((a, b) => rank(a.id) - rank(b.id));
        const result = reconcile(papers);
        const sorted = [...result.accounts].sort((a, b) => (a.order < b.order ? -1 : 1));
        const other = [...reconcile(shuffled).accounts].sort((a, b) => (a.order < b.order ? -1 : 1));
        expect(other).toEqual(sorted);
        for (const { sums, verdict, missing, standing } of result.accounts) {
          if (sums === undefined) continue;
          const { ordered, invoiced, remitted, acknowledged } = sums;
          expect(invoiced.minor).toBeLessThanOrEqual(ordered.minor);
          expect(remitted.minor).toBeLessThanOrEqual(invoiced.minor);
          expect(acknowledged.minor).toBeLessThanOrEqual(invoiced.minor);
          if (verdict === 'matched') expect([missing, acknowledged]).toEqual([[], ordered]);
          if (standing === 'paid') expect(acknowledged).toEqual(ordered);
        }
      }),
      { numRuns: 300 },
    );
  });
});
