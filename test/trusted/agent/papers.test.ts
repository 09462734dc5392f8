/** Commercial papers between two agents (US 5,671,280, commercial use): each side files what it writes and receives, and both come to the same. */
import { describe, expect, it, test } from 'vitest';
import type { Host } from '../../../src/journal/host.ts';
import type { AgentInput } from '../../../src/trusted/agent/agent-machine.ts';
import type { AgentRecord } from '../../../src/trusted/agent/agent-record.ts';
import { restoreAgent, snapshotAgent } from '../../../src/trusted/agent/agent-snapshot.ts';
import type { AgentState } from '../../../src/trusted/agent/agent-state.ts';
import { type PaperComponents, paperOf } from '../../../src/trusted/paper/paper.ts';
import { reconcile } from '../../../src/trusted/paper/reconcile.ts';
import { decodeTicket } from '../../../src/trusted/ticket/compact-ticket.ts';
import type { Components } from '../../../src/trusted/ticket/components.ts';
import { faultOfMark, firstStatus, readMark } from '../../../src/trusted/ticket/status.ts';
import { ticketIdOf } from '../../../src/trusted/ticket/ticket.ts';
import { validateTicket } from '../../../src/trusted/ticket/validate-ticket.ts';
import { TODAY } from '../hierarchy.ts';
import { isAtRest, noticesOf, type Opera, openOpera, stateOf } from '../opera.ts';
import { inTime, type TrustedAgent } from '../trusted-world.ts';

const eur = (minor: bigint) => ({ currency: 'EUR', minor });
const VENDOR = 'Deutsche Oper Berlin';
const day = TODAY;
const items = [
  { description: 'Costume', quantity: 2, price: eur(12_900n) },
  { description: 'Oak board', quantity: 12, price: eur(1_850n) },
];
const order = (more: Partial<PaperComponents<'purchase-order'>> = {}): Components => ({
  ...{ type: 'purchase-order', reference: 'PO-1', day, customer: 'Ada', items, instructions: 'Stage door' },
  ...more,
});
const invoice = (minor: bigint, number = 'I-1'): Components => ({
  ...{ type: 'invoice', number, day, orderReferences: ['PO-1'], vendor: VENDOR, amount: eur(minor) },
});
const remittance = (minor: bigint, ...invoiceReferences: string[]): Components => ({
  ...{ type: 'remittance-advice', invoiceReferences, customer: 'Ada', day, amountPaid: eur(minor) },
});
const receipt = (minor: bigint, identifier: string, ...invoiceReferences: string[]): Components => ({
  ...{ type: 'receipt', day, vendor: VENDOR, identifier, items: [], invoiceReferences, amountPaid: eur(minor) },
});

const send = ({ give }: Opera, from: TrustedAgent, to: TrustedAgent, components: Components) =>
  give(from, to, [{ type: 'issue', components }]);

/** What each side was told of the order last. */
const accounts = (...agents: readonly TrustedAgent[]) =>
  agents.map((agent) => {
    const { standing, verdict, missing, contradictions } = noticesOf(agent, 'account').at(-1)!;
    return { standing, verdict, missing, contradictions };
  });

const heldOrder = (agent: TrustedAgent) =>
  [...stateOf(agent).tickets.values()].find(
    ({ bytes }) => decodeTicket(bytes).body.components.type === 'purchase-order',
  )!;

async function logOf({ trusted }: Opera, agent: TrustedAgent) {
  const host = agent.machine.host as Host<AgentState, AgentInput, AgentRecord>;
  const records = await inTime(trusted.world, host.readByKey('log'));
  return records.flatMap((record) => (record.type === 'logged' ? [record.entry] : []));
}

describe('commercial papers', () => {
  test('[CITI-D] go from order to receipt between two agents, and after each both know what is missing', async () => {
    const opera = await openOpera();
    const { house, ada, trusted } = opera;
    const both = (told: object) => expect(accounts(ada, house)).toEqual([told, told]);
    const contradictions: string[] = [];

    await send(opera, ada, house, order());
    const total = '480.00 EUR of the order is not invoiced.';
    both({ standing: 'on-order', verdict: 'open', missing: [total], contradictions });
    expect(heldOrder(house).status.standing).toBe('on-order');

    // Delivered and invoiced in two parts.
    await send(opera, house, ada, invoice(25_800n));
    const missing = ['222.00 EUR of the order is not invoiced.', '258.00 EUR is invoiced and not paid.'];
    both({ standing: 'invoiced', verdict: 'open', missing, contradictions });
    expect(heldOrder(house).status).toMatchObject({ standing: 'invoiced', number: 1 });
    await send(opera, house, ada, invoice(22_200n, 'I-2'));

    // Paid in two other parts.
    await send(opera, ada, house, remittance(30_000n, 'I-1', 'I-2'));
    await send(opera, house, ada, receipt(30_000n, 'R-1', 'I-1', 'I-2'));
    both({ standing: 'invoiced', verdict: 'open', missing: ['180.00 EUR is invoiced and not paid.'], contradictions });
    await send(opera, ada, house, remittance(18_000n, 'I-2'));
    const unheard = '180.00 EUR is paid by the buyer’s word and not acknowledged by the vendor.';
    both({ standing: 'invoiced', verdict: 'open', missing: [unheard], contradictions });
    await send(opera, house, ada, receipt(18_000n, 'R-2', 'I-2'));
    both({ standing: 'paid', verdict: 'matched', missing: [], contradictions });
    expect([house, ada].map(isAtRest)).toEqual([true, true]);
    expect(trusted.breaches).toEqual([]);

    // The mark on the order is one that everybody counts: made by the vendor to whom the order was given, and only forwards.
    const held = heldOrder(house);
    expect(held.status).toMatchObject({ standing: 'paid', number: 2 });
    const ticket = decodeTicket(held.bytes);
    const mark = readMark(held.mark!);
    const fault = (before = firstStatus(ticket.body.components)) =>
      faultOfMark(mark, { ticket, ticketId: held.id, before });
    expect(fault()).toBeUndefined();
    expect(fault({ ...firstStatus(ticket.body.components), standing: 'suspended' })).toContain('only the issuer');
  });

  test('[CITI-D] are signed documents: from either log alone an auditor validates and reconciles them', async () => {
    const opera = await openOpera();
    const { house, ada, trusted } = opera;
    await send(opera, ada, house, order());
    await send(opera, house, ada, invoice(48_000n));
    await send(opera, ada, house, remittance(48_000n, 'I-1'));
    await send(opera, house, ada, receipt(48_000n, 'R-1', 'I-1'));
    for (const agent of [ada, house]) {
      const images = (await logOf(opera, agent)).flatMap(({ after }) => after);
      const tickets = images.map((image) => decodeTicket(image.ticket));
      const papers = tickets.flatMap((ticket) => paperOf(ticket) ?? []);
      expect(papers.map(({ components }) => components.type)).toEqual([
        'purchase-order',
        'invoice',
        'remittance-advice',
        'receipt',
      ]);
      for (const ticket of tickets.filter((one) => paperOf(one) !== undefined)) {
        const holder = ticket.receiver;
        const { lists } = trusted;
        expect(() =>
          validateTicket(ticket, { lists, holder, nowMs: trusted.world.clock.nowMs(), taintAllowed: false }),
        ).not.toThrow();
      }
      expect(reconcile(papers).accounts.map(({ verdict }) => verdict)).toEqual(['matched']);
    }
    // What an agent remembers of them survives a snapshot.
    const restored = restoreAgent(snapshotAgent(stateOf(ada)));
    expect(restored.papers).toEqual(stateOf(ada).papers);
    expect(restored.papers.size).toBe(4);
  });

  test('[CITI-D] of an order paid on delivery are an order and a receipt for what was handed over', async () => {
    const opera = await openOpera();
    const { house, ada } = opera;
    await send(opera, ada, house, order({ payment: 'on-delivery' }));
    const missing = ['480.00 EUR of the order is to be delivered and paid.'];
    expect(accounts(ada, house)).toEqual(
      Array(2).fill({ standing: 'on-order', verdict: 'open', missing, contradictions: [] }),
    );
    await send(opera, house, ada, {
      ...{ type: 'receipt', day, vendor: VENDOR, identifier: 'R-1', items, invoiceReferences: [] },
      ...{ amountPaid: eur(48_000n), orderReferences: ['PO-1'] },
    });
    expect(accounts(ada, house)).toEqual(
      Array(2).fill({ standing: 'paid', verdict: 'matched', missing: [], contradictions: [] }),
    );
    expect(heldOrder(house).status.standing).toBe('paid');
  });

  test('[CITI-D] that contradict each other are told to both sides with the reason', async () => {
    const opera = await openOpera();
    const { house, ada } = opera;
    await send(opera, ada, house, order());
    await send(opera, house, ada, invoice(50_000n));
    await send(opera, house, ada, invoice(48_000n));
    await send(opera, ada, house, remittance(49_000n, 'I-1'));
    await send(opera, house, ada, {
      ...receipt(48_000n, 'R-1', 'I-1'),
      amountPaid: { currency: 'USD', minor: 48_000n },
    } as Components);
    const [hers, theirs] = accounts(ada, house);
    expect(hers).toEqual(theirs);
    expect(hers).toMatchObject({ standing: 'invoiced', verdict: 'contradicted' });
    expect(hers!.contradictions).toHaveLength(4);
    expect(hers!.contradictions.join(' ')).toMatch(/20.00 EUR more than was ordered/);
    expect(hers!.contradictions.join(' ')).toMatch(/Two different invoices have the number I-1/);
    expect(hers!.contradictions.join(' ')).toMatch(/10.00 EUR more than was open on I-1/);
    expect(hers!.contradictions.join(' ')).toMatch(/is in USD, and invoice I-1 is not/);
    expect(heldOrder(house).status.standing).toBe('invoiced');
  });

  it('about nothing known, or from somebody else, stand alone and touch no order', async () => {
    const opera = await openOpera();
    const { house, ada, bob } = opera;
    await send(opera, ada, house, order());
    const before = stateOf(house).tickets.get(heldOrder(house).id);
    // Bob writes an invoice and a receipt himself, in the house's name.
    await send(opera, bob, ada, invoice(48_000n));
    expect(accounts(ada, bob)).toEqual(
      Array(2).fill({
        ...{ standing: undefined, verdict: 'contradicted', missing: [] },
        contradictions: ['Invoice I-1 is about PO-1, and no such order is known.'],
      }),
    );
    await send(opera, ada, bob, receipt(48_000n, 'R-1', 'I-1'));
    expect(heldOrder(house)).toEqual(before);
    expect(noticesOf(house, 'account')).toHaveLength(1);
    const ids = [...stateOf(ada).tickets.values()].map(({ bytes }) => ticketIdOf(decodeTicket(bytes)));
    expect(ids).toHaveLength(1);
  });
});
