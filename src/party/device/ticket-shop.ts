/**
 * What a merchant's device sells (US 5,671,280, figure 12, steps 398 to 406): a file of offers, each told to its agent once with how many there are. The
 * agent counts them down in its own journal, so none is sold twice, whatever becomes of the host side.
 */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { utf8 } from '../../codec/hex.ts';
import type { Clock } from '../../journal/clock.ts';
import { type Amount, formatAmount, parseAmount } from '../../money/amount.ts';
import type { Log } from '../../transport/log.ts';
import type { TransactionDevice } from '../../trusted/agent/device.ts';
import type { HostNotice } from '../../trusted/agent/to-host.ts';
import { isSameSelection, type Selection } from '../../trusted/message/selection.ts';
import type { Components } from '../../trusted/ticket/components.ts';
import { readJsonFile } from '../configuration/configuration.ts';
import { replaceFile } from '../files/replace-file.ts';
import { readComponents } from './ticket-order.ts';
import { dayText } from './ticket-view.ts';

const sku = z.string().regex(/^[a-z0-9-]{1,60}$/, 'small letters, digits and hyphens');
const offerSchema = z.strictObject({
  sku,
  pieces: z.number().int().min(1).max(1_000_000),
  price: z.string().max(32),
  /** As `tickets issue` takes it; price and day of purchase are filled in. */
  ticket: z.record(z.string(), z.unknown()),
});
const offersSchema = z.array(offerSchema).max(1000);
type Offer = z.infer<typeof offerSchema>;

/** What is said of an offer to whoever asks. */
export const shownOffers = z.array(
  z.strictObject({ sku, price: z.string().max(32), ticket: z.record(z.string(), z.unknown()) }),
);
export type ShownOffers = z.infer<typeof shownOffers>;

export interface TicketShop {
  /** Tells the agent what is new in the file. */
  open(): Promise<void>;
  offers(): ShownOffers;
  /** To Host of the merchant's agent. */
  hear(notice: HostNotice): void;
}

const YEARS_MS = 10 * 365 * 86_400_000;

/** By what the ticket says, so that the agents themselves see whether the right one is delivered. The day of purchase is not known before. */
export function selectionOf(components: Components): Selection {
  const fields = Object.entries(components).filter(
    (entry): entry is [string, string | number] =>
      !['type', 'purchasedOnDay'].includes(entry[0]) && ['string', 'number'].includes(typeof entry[1]),
  );
  return { type: components.type as Selection['type'], fields: Object.fromEntries(fields) };
}

/** With what is filled in when it is sold. */
export function ticketToSell({ ticket, price }: Pick<Offer, 'ticket' | 'price'>, nowMs: number): Components {
  return readComponents({ ...ticket, price, purchasedOnDay: dayText(Math.floor(nowMs / 86_400_000)) });
}

export function createTicketShop(parts: {
  readonly device: TransactionDevice;
  /** Of the offers. */
  readonly file: string;
  /** Of those that the agent was told of. */
  readonly toldFile: string;
  readonly clock: Clock;
  readonly log: Log;
}): TicketShop {
  const { device, file, toldFile, clock, log } = parts;
  const offers = (): readonly Offer[] => (existsSync(file) ? readJsonFile(file, offersSchema) : []);
  const ticketOf = (offer: Offer) => ticketToSell(offer, clock.nowMs());

  return {
    async open() {
      const told = existsSync(toldFile) ? readJsonFile(toldFile, z.array(sku)) : [];
      for (const offer of offers()) {
        if (told.includes(offer.sku)) continue;
        await device.command({
          ...{ type: 'sell', matter: `sell ${offer.sku}`, about: utf8(offer.sku), times: offer.pieces },
          ...{ untilMs: clock.nowMs() + YEARS_MS, selection: selectionOf(ticketOf(offer)) },
          ...{ price: priceOf(offer), ways: ['card'], wantsCredential: 0 },
        });
        told.push(offer.sku);
        replaceFile(toldFile, JSON.stringify(told));
      }
    },
    offers: () =>
      offers().map(({ sku: name, price, ticket }) => ({ sku: name, price: formatAmount(parseAmount(price)), ticket })),
    hear(notice) {
      if (notice.type !== 'fetch-merchandise') return;
      const offer = offers().find((one) => isSameSelection(selectionOf(ticketOf(one)), notice.selection));
      const merchandise =
        offer === undefined
          ? ({ type: 'none', reason: 'it is not sold any more' } as const)
          : ({ type: 'ticket', components: ticketOf(offer) } as const);
      device
        .command({ type: 'merchandise', session: notice.session, merchandise })
        .catch((err: unknown) => log.info({ err }, 'a sale ended before its merchandise came'));
    },
  };
}

const priceOf = ({ price }: Pick<Offer, 'price'>): Amount => parseAmount(price);
