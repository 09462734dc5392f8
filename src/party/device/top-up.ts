/** Topping a ticket up, as the host sides of its holder and of its issuer do it: at the price of the issuer's own offer of so much. */
import { HandselError } from '../../handsel-error.ts';
import { type Amount, parseAmount } from '../../money/amount.ts';
import type { TransactionDevice } from '../../trusted/agent/device.ts';
import type { HostCommand } from '../../trusted/agent/host-command.ts';
import type { ShownTicket } from '../../trusted/agent/to-host.ts';
import { chooseCard } from './choose-card.ts';
import type { DeviceDesk } from './device-desk.ts';
import type { DeviceMatters } from './device-matters.ts';
import { priceWithin } from './price-limit.ts';
import { confirmWith, seeThrough } from './see-through.ts';
import type { ShownOffers } from './ticket-shop.ts';
import { componentsOf, type TicketView, ticketView } from './ticket-view.ts';

export interface TopUpOrder {
  /** The beginning of its name. */
  readonly ticket: string;
  /** How much of it more: what the issuer sells under that name. */
  readonly sku: string;
  readonly at: string;
  readonly max: string;
  /** The beginning of a card credential's name. */
  readonly card?: string | undefined;
}

const NOTHING = new Uint8Array();

/** What an offer has more of, for a ticket of the same service. */
function unitsOf({ ticket }: ShownOffers[number], held: Readonly<Record<string, unknown>>): number | undefined {
  const same = ['type', 'carrier', 'channel'].every((field) => ticket[field] === held[field]);
  return same && typeof ticket.timePurchased === 'number' ? ticket.timePurchased : undefined;
}

const isSame = (a: Amount, b: Amount) => a.currency === b.currency && a.minor === b.minor;

/** By the issuer: whether so much more of the ticket costs that. */
export function isOffered(
  offers: ShownOffers,
  { ticket, units }: { readonly ticket: ShownTicket; readonly units: number },
  amount: Amount,
): boolean {
  const held = componentsOf(ticket);
  return offers.some((offer) => unitsOf(offer, held) === units && isSame(parseAmount(offer.price), amount));
}

/**
 * By the holder; gives the ticket as it is then.
 * @throws HandselError `OFFER_UNKNOWN`, `PRICE_ABOVE_LIMIT`, `CARD_UNKNOWN`, `NOT_DONE`; and `UNDECIDED` when it goes on by itself
 */
export async function topUp(
  parts: {
    readonly device: TransactionDevice;
    readonly matters: DeviceMatters;
    readonly desk: DeviceDesk;
    readonly offers: (from: string) => Promise<ShownOffers>;
  },
  { ticket, sku, at, max, card }: TopUpOrder,
): Promise<TicketView> {
  const { device, matters, desk, offers } = parts;
  const { id: ticketId, type, fields } = desk.ticket(ticket);
  const offer = (await offers(at)).find((one) => one.sku === sku);
  const units = offer && unitsOf(offer, { ...fields, type });
  if (offer === undefined || units === undefined) {
    throw new HandselError(
      'OFFER_UNKNOWN',
      `${at} sells nothing called ${sku.slice(0, 60)} with which this ticket is topped up`,
    );
  }
  const amount = priceWithin(offer.price, max);
  const command: HostCommand & { readonly matter: string } = {
    ...{ type: 'remit', matter: matters.begin('top up'), route: desk.routeTo(at), about: NOTHING, amount },
    ...{ payment: { type: 'card', ticketId: chooseCard(desk, card) }, invoices: [], topUp: { ticketId, units } },
  };
  const confirm = confirmWith(device);
  const why = await seeThrough(parts, command, {
    hear(notice) {
      if (notice.type !== 'confirm-credential') return undefined;
      confirm(notice.session, ticketView(notice.credential).type === 'merchant');
      return undefined;
    },
    both: 'it is topped up and paid or neither',
  });
  if (why !== undefined) throw new HandselError('NOT_DONE', `nothing was topped up or paid: ${why}`);
  return desk.ticket(ticketId);
}
