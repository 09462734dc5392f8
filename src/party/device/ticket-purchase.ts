/** Buying a ticket from a merchant's device by card (US 5,671,280, figures 12, 14, 15 and 21), as its owner's host side does it. */
import { z } from 'zod';
import { utf8 } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Clock } from '../../journal/clock.ts';
import type { Client } from '../../transport/client.ts';
import type { TransactionDevice } from '../../trusted/agent/device.ts';
import type { HostCommand } from '../../trusted/agent/host-command.ts';
import { chooseCard } from './choose-card.ts';
import type { DeviceDesk } from './device-desk.ts';
import type { DeviceMatters } from './device-matters.ts';
import { priceWithin } from './price-limit.ts';
import { confirmWith, seeThrough } from './see-through.ts';
import { type ShownOffers, selectionOf, shownOffers, ticketToSell } from './ticket-shop.ts';
import { type TicketView, ticketView } from './ticket-view.ts';
import { type TopUpOrder, topUp } from './top-up.ts';

export interface TicketPurchase {
  /** @throws HandselError `OFFERS_UNREADABLE`; TransportError */
  offers(from: string): Promise<ShownOffers>;
  /** @throws HandselError `OFFER_UNKNOWN`, `PRICE_ABOVE_LIMIT`, `CARD_UNKNOWN`, `NOT_DONE`; and `UNDECIDED` when it goes on by itself */
  buy(order: {
    readonly sku: string;
    readonly from: string;
    readonly max: string;
    /** The beginning of a card credential's name. */
    readonly card?: string | undefined;
  }): Promise<TicketView>;
  /** As `topUp` (`top-up.ts`). */
  topUp(order: TopUpOrder): Promise<TicketView>;
}

export function createTicketPurchase(parts: {
  readonly device: TransactionDevice;
  readonly matters: DeviceMatters;
  readonly desk: DeviceDesk;
  readonly client: Client;
  readonly clock: Clock;
}): TicketPurchase {
  const { device, matters, desk, client, clock } = parts;

  const offers = async (from: string): Promise<ShownOffers> => {
    const { status, body } = await client.get(desk.routeTo(from).replace(/\/trusted$/, '/offers'));
    try {
      if (status === 200) return shownOffers.parse(JSON.parse(Buffer.from(body).toString('utf8')));
    } catch (cause) {
      if (!(cause instanceof z.ZodError) && !(cause instanceof SyntaxError)) throw cause;
    }
    throw new HandselError('OFFERS_UNREADABLE', `${from} says nothing of what it sells`);
  };
  return {
    offers,
    topUp: (order) => topUp({ device, matters, desk, offers }, order),
    async buy({ sku, from, max, card }) {
      const offer = (await offers(from)).find((one) => one.sku === sku);
      if (offer === undefined) throw new HandselError('OFFER_UNKNOWN', `${from} does not sell ${sku.slice(0, 60)}`);
      const price = priceWithin(offer.price, max);
      const selection = selectionOf(ticketToSell(offer, clock.nowMs()));
      let bought: TicketView | undefined;
      const command: HostCommand & { readonly matter: string } = {
        ...{ type: 'buy', matter: matters.begin('buy'), route: desk.routeTo(from), about: utf8(sku), selection },
        ...{ price, payment: { type: 'card', ticketId: chooseCard(desk, card) }, moneyFirst: 0 },
      };
      const confirm = confirmWith(device);
      const why = await seeThrough(parts, command, {
        hear(notice) {
          if (notice.type === 'confirm-credential') confirm(notice.session, true);
          else if (notice.type === 'confirm-merchandise') {
            confirm(notice.session, isOffered(ticketView(notice.ticket), offer));
          } else if (notice.type === 'received') bought = notice.tickets[0] && ticketView(notice.tickets[0]);
          return bought === undefined ? undefined : 'done';
        },
        both: 'both have or neither has',
      });
      if (bought === undefined)
        throw new HandselError('NOT_DONE', `nothing was bought or paid: ${why ?? 'no ticket came'}`);
      return bought;
    },
  };
}

/** What is delivered says what was offered. */
function isOffered({ type, fields }: TicketView, { ticket, price }: ShownOffers[number]): boolean {
  const expected = Object.entries(ticket).filter(([name]) => name !== 'type' && !name.startsWith('decryption'));
  return (
    type === ticket.type &&
    fields.price === price &&
    expected.every(([name, value]) => JSON.stringify(fields[name]) === JSON.stringify(value))
  );
}
