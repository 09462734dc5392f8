/**
 * Commercial papers at a device's host side (US 5,671,280, figures 2 and 29): orders, invoices and receipts are given to the other side, a bill is paid
 * with its remittance advice and receipt in the step in which the money moves, and whoever is paid looks whether it knows what for.
 */
import { HandselError } from '../../handsel-error.ts';
import type { Clock } from '../../journal/clock.ts';
import { type Amount, formatAmount, parseAmount } from '../../money/amount.ts';
import type { TransactionDevice } from '../../trusted/agent/device.ts';
import type { HostCommand } from '../../trusted/agent/host-command.ts';
import type { HostNotice } from '../../trusted/agent/to-host.ts';
import { isPaper, isPaperOf, type PaperOf } from '../../trusted/paper/paper.ts';
import { reconcile } from '../../trusted/paper/reconcile.ts';
import type { Components } from '../../trusted/ticket/components.ts';
import { chooseCard } from './choose-card.ts';
import type { DeviceDesk } from './device-desk.ts';
import type { DeviceMatters } from './device-matters.ts';
import { type AccountView, changedAccounts, type PaperBooks, paperBooks } from './paper-view.ts';
import { confirmWith, seeThrough } from './see-through.ts';
import type { ShownOffers } from './ticket-shop.ts';
import { type TicketView, ticketView } from './ticket-view.ts';
import { isOffered } from './top-up.ts';

export interface Remittance {
  readonly to: string;
  /** Numbers of invoices that are held, or the beginnings of their tickets' names; none for just an amount. */
  readonly invoices: readonly string[];
  /** Without it what the invoices come to. */
  readonly amount?: string | undefined;
  /** `later`: a bank pays, and what the payee has is the signed advice. */
  readonly by: 'card' | 'later';
  /** The beginning of a card credential's name. */
  readonly card?: string | undefined;
  /** In whose name the advice is. */
  readonly customer?: string | undefined;
  /** What is shown if the payee wants to know who pays. */
  readonly show?: { readonly ticket: string; readonly fields?: readonly string[] | undefined } | undefined;
}

export interface Remitted {
  readonly amount: string;
  /** As its credential calls it. */
  readonly payee: string;
  readonly by: Remittance['by'];
  readonly receipt?: TicketView;
  /** Orders that stand differently now. */
  readonly accounts: readonly AccountView[];
}

export interface PaperDesk {
  books(): PaperBooks;
  /** Gives a paper to the other side. @throws HandselError `PAPER_UNKNOWN`, and as `issue` of the desk */
  write(
    components: Components,
    to: string,
  ): Promise<{ readonly paper: string; readonly accounts: readonly AccountView[] }>;
  /** @throws HandselError `INVOICE_UNKNOWN`, `PAID_ALREADY`, `AMOUNT_MISSING`, `CARD_UNKNOWN`, `NOT_DONE`; and `UNDECIDED` when it goes on by itself */
  remit(remittance: Remittance): Promise<Remitted>;
  /** To Host of a payee's agent. */
  hear(notice: HostNotice): void;
}

/** Under which a device is paid. */
export const TILL_MATTER = 'till';
const DAY_MS = 86_400_000;
const NOTHING = new Uint8Array();

export function createPaperDesk(parts: {
  readonly name: string;
  readonly device: TransactionDevice;
  readonly matters: DeviceMatters;
  readonly desk: DeviceDesk;
  readonly clock: Clock;
  /** Whether whoever pays here is to show a credential. */
  readonly wantsCredential: boolean;
  /** What it sells, and at which prices tickets of its own are topped up. */
  readonly offers: () => ShownOffers;
}): PaperDesk {
  const { name, device, matters, desk, clock, wantsCredential, offers } = parts;
  const books = () => paperBooks(device.papers());
  const confirm = confirmWith(device);

  const invoiceNamed = (given: string): PaperOf<'invoice'> => {
    const held = new Set(desk.tickets().map(({ id }) => id));
    const invoices = device.papers().filter((paper) => isPaperOf(paper, 'invoice')) as readonly PaperOf<'invoice'>[];
    const fits = ({ id, components }: PaperOf<'invoice'>) =>
      components.number === given || (given.length >= 4 && id.startsWith(given.toLowerCase()));
    const [found, another] = invoices.filter((paper) => held.has(paper.id) && fits(paper));
    if (found === undefined) throw new HandselError('INVOICE_UNKNOWN', `this device holds no invoice ${given}`);
    if (another === undefined) return found;
    throw new HandselError('IDENTITY_AMBIGUOUS', `several invoices are ${given}: name it by its ticket`);
  };
  /** @throws HandselError `PAID_ALREADY` */
  const requireUnpaid = ({ issuer, components }: PaperOf<'invoice'>): void => {
    const { orderReferences, number } = components;
    const orders = reconcile(device.papers()).accounts.filter(
      ({ seller, reference }) => seller === issuer && orderReferences.includes(reference),
    );
    if (orders.length === 0 || orders.some(({ missing }) => missing.some(({ code }) => code === 'PAYMENT_MISSING')))
      return;
    throw new HandselError(
      'PAID_ALREADY',
      `nothing that invoice ${number} is for is unpaid; with --amount it is paid again`,
    );
  };
  /** As the order calls the customer, if it is known. */
  const customerOf = ({ components }: PaperOf<'invoice'>): string => {
    const orders = device.papers().flatMap((paper) => (isPaperOf(paper, 'purchase-order') ? [paper.components] : []));
    return orders.find(({ reference }) => components.orderReferences.includes(reference))?.customer ?? name;
  };

  return {
    books,
    async write(components, to) {
      if (!isPaper(components)) {
        throw new HandselError('PAPER_UNKNOWN', `a ticket of type ${components.type} is no commercial paper`);
      }
      const before = books();
      const [paper] = await desk.issue([components], to);
      return { paper: paper!, accounts: changedAccounts(before, books()) };
    },
    async remit({ to, invoices: named, amount: said, by, card, customer, show }) {
      const invoices = named.map(invoiceNamed);
      // Who names an amount knows what for.
      if (said === undefined) invoices.forEach(requireUnpaid);
      const amount = said === undefined ? sumOf(invoices) : parseAmount(said);
      const [first] = invoices;
      const advice = first && {
        ...{ invoiceReferences: invoices.map(({ components }) => components.number), amountPaid: amount },
        ...{ customer: customer ?? customerOf(first), day: Math.floor(clock.nowMs() / DAY_MS) },
      };
      const credential = show && {
        credential: desk.ticket(show.ticket).id,
        ...(show.fields && { fields: [...show.fields] }),
      };
      const command: HostCommand & { readonly matter: string } = {
        ...{ type: 'remit', matter: matters.begin('remit'), route: desk.routeTo(to), about: NOTHING, amount },
        payment: by === 'card' ? { type: 'card', ticketId: chooseCard(desk, card) } : { type: 'later' },
        ...(advice && { advice }),
        invoices: invoices.map(({ id }) => id),
        ...credential,
      };
      const before = books();
      let payee = '';
      let receipt: TicketView | undefined;
      const why = await seeThrough(parts, command, {
        hear(notice) {
          if (notice.type === 'confirm-credential') {
            const { type, fields } = ticketView(notice.credential);
            payee = String(fields.name ?? '');
            // Whom it may name is for the owner, who named it; what it shows must be in whose name it is paid.
            confirm(notice.session, type === 'merchant' || type === 'authority');
          } else if (notice.type === 'received') receipt = notice.tickets[0] && ticketView(notice.tickets[0]);
          return undefined;
        },
        both: 'both have money and papers or neither has',
      });
      if (why !== undefined) throw new HandselError('NOT_DONE', `nothing was paid: ${why}`);
      const accounts = changedAccounts(before, books());
      return { amount: formatAmount(amount), payee, by, ...(receipt && { receipt }), accounts };
    },
    hear(notice) {
      if (!('matter' in notice) || notice.matter !== TILL_MATTER) return;
      if (notice.type === 'require-credential') confirm(notice.session, wantsCredential);
      else if (notice.type === 'confirm-credential') confirm(notice.session, true);
      else if (notice.type === 'confirm-payment') {
        const { raise, amount, references } = notice;
        const priced = raise === undefined || isOffered(offers(), raise, amount);
        confirm(notice.session, priced && references.every(isOurs));
      }
    },
  };

  /** Money for what this device never asked for by that number would be in nobody's books. */
  function isOurs(reference: string): boolean {
    const own = device.self()?.agentId;
    return device
      .papers()
      .some((paper) => paper.issuer === own && isPaperOf(paper, 'invoice') && paper.components.number === reference);
  }
}

/** @throws HandselError `AMOUNT_MISSING` */
function sumOf(invoices: readonly PaperOf<'invoice'>[]): Amount {
  const amounts = invoices.map(({ components }) => components.amount);
  const [currency, ...others] = new Set(amounts.map((amount) => amount.currency));
  if (currency === undefined) throw new HandselError('AMOUNT_MISSING', 'without an invoice an amount is needed');
  if (others.length > 0)
    throw new HandselError('AMOUNT_MISSING', 'these invoices have several currencies: pay one by one');
  return { currency, minor: amounts.reduce((sum, { minor }) => sum + minor, 0n) };
}
