/**
 * Buying with the wallet alone, as SET always could (KPN-B): the merchant quotes, the person gives the password, the wallet pays,
 * the goods are fetched. The payment lives in the wallet's journal; how it ended is kept beside the goods.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex, toBase64Url, utf8 } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import { compareAmounts, formatAmount, parseAmount } from '../../money/amount.ts';
import type { PaymentToMake } from '../../set/wallet/payment.ts';
import type { PaymentOutcome } from '../../set/wallet/payment-outcome.ts';
import type { Client } from '../../transport/client.ts';
import { unlockWallet, type WalletFile } from '../configuration/wallet-file.ts';
import { fileNamesOf } from '../files/file-names.ts';
import { replaceFile } from '../files/replace-file.ts';
import { type Quote, readQuote } from '../message/quote.ts';
import { counterOrder } from './counter-order.ts';
import type { CustomerDeliveryRunning } from './customer-delivery.ts';
import { fetchGoods, GoodsError } from './fetch-goods.ts';
import type { OpenWallet } from './open-wallet.ts';
import { type CardChoice, cardNameOf } from './payment-order.ts';

export interface DirectPurchase {
  /** The merchant's base URL. */
  readonly merchant: string;
  readonly sku: string;
  readonly currency: string;
  readonly quantity: number;
  /** The most it may cost. */
  readonly max: string;
  readonly password: string;
  /** How long it may take until it is paid; default 10 minutes. */
  readonly withinSeconds?: number;
}

export interface DirectPurchaseStatus {
  readonly payment: string;
  readonly status: 'paying' | PaymentOutcome['status'] | 'delivered';
  readonly name: string;
  readonly price: string;
  readonly reason?: string;
  readonly file?: string;
}

export interface DirectPurchases {
  buy(purchase: DirectPurchase): Promise<{ readonly payment: string }>;
  status(paymentId: string): Promise<DirectPurchaseStatus>;
  /** Of every purchase ever begun. */
  identities(): readonly string[];
  /** Every purchase that was paid, in no order; asks nobody. */
  list(): readonly DirectlyBought[];
  /** True when the wallet's word was about one of these. */
  ended(outcome: Pick<PaymentOutcome, 'paymentId' | 'status' | 'reason' | 'xid'> & Partial<PaymentOutcome>): boolean;
}

interface DirectlyBought {
  readonly payment: string;
  /** ISO 8601; empty where it was not written down. */
  readonly date: string;
  readonly product: string;
  readonly merchant: string;
  readonly price: string;
  readonly files: readonly string[];
}

interface Kept {
  readonly merchant: string;
  /** The quote, base64url. */
  readonly description: string;
  readonly outcome?: {
    readonly status: PaymentOutcome['status'];
    readonly reason: string;
    readonly xid: string;
    /** Absent in what older versions kept. */
    readonly atMs?: number;
  };
}

const WITHIN_SECONDS = 10 * 60;
const DAY_SECONDS = 24 * 3600;

export function createDirectPurchases(options: {
  readonly directory: string;
  readonly client: Client;
  readonly wallet: () => WalletFile;
  readonly openWallet: OpenWallet;
  readonly pay: (payment: PaymentToMake) => Promise<void>;
  /** Where what is bought comes by secure delivery: it has the wallet pay, and sees to the files. */
  readonly counter?: Pick<CustomerDeliveryRunning, 'buy' | 'obtain' | 'sale'>;
  readonly nowMs: () => number;
}): DirectPurchases {
  const { directory, client, wallet, openWallet, pay, counter, nowMs } = options;
  const fileOf = (paymentId: string) => join(directory, paymentId, 'purchase.json');
  const keep = (paymentId: string, kept: Kept) => replaceFile(fileOf(paymentId), JSON.stringify(kept, null, 2));
  const kept = (paymentId: string): Kept | undefined =>
    /^[0-9a-f]{40}$/.test(paymentId) && existsSync(fileOf(paymentId))
      ? (JSON.parse(readFileSync(fileOf(paymentId), 'utf8')) as Kept) // our own file
      : undefined;

  const identities = () => (existsSync(directory) ? readdirSync(directory) : []);

  // Two downloads of the same goods at once would write the same file.
  const fetching = new Map<string, Promise<string>>();
  const fetchOnce = (paymentId: string, fetch: () => Promise<string>): Promise<string> => {
    const running = fetching.get(paymentId) ?? fetch().finally(() => fetching.delete(paymentId));
    fetching.set(paymentId, running);
    return running;
  };

  return {
    async buy(purchase) {
      const { merchant, sku, currency, quantity, withinSeconds = WITHIN_SECONDS } = purchase;
      // A little longer than we try, so that the last moment counts.
      const longer = withinSeconds > WITHIN_SECONDS && { holdSeconds: Math.min(withinSeconds + 60, DAY_SECONDS) };
      const body = utf8(JSON.stringify({ sku, currency, quantity, ...longer }));
      const asked = { kind: 'order', contentType: 'application/json', extension: 'json', body };
      const answer = await client.post(`${merchant}/orders`, asked);
      const json = parseJson(answer.body);
      if (answer.status !== 201)
        throw new HandselError(json.code ?? 'ORDER_REFUSED', json.detail ?? 'the merchant refused');
      const quote = readQuote(json);
      requireAsked(purchase, quote);

      const card = wallet().cards[0];
      if (card === undefined) throw new HandselError('CARD_UNKNOWN', 'the wallet is empty');
      const { orderId: paymentId, description, price } = quote;
      if (kept(paymentId) !== undefined) throw new HandselError('QUOTE_REPEATED', 'this quote was paid for before');
      openWallet.unlocked(paymentId, unlockWallet(wallet(), purchase.password));
      const choice: CardChoice = { cardId: cardNameOf(paymentId, card.id), brandId: card.brand, bin: card.bin };
      try {
        keep(paymentId, { merchant, description: toBase64Url(description) });
        const payment = {
          ...choice,
          paymentId,
          orderId: fromHex(paymentId),
          description,
          amount: price,
          merchant: { url: merchant, merchantId: quote.merchant },
          deadlineMs: nowMs() + withinSeconds * 1000,
          notify: 'local:guard',
        };
        if (counter === undefined) await pay(payment);
        else await counter.buy(counterOrder(payment, [quote]), `pay ${paymentId}`);
      } catch (error) {
        openWallet.close(paymentId);
        throw error;
      }
      return { payment: paymentId };
    },
    async status(paymentId) {
      const known = kept(paymentId);
      if (known === undefined) throw new HandselError('PAYMENT_UNKNOWN', `there is no purchase ${paymentId}`);
      const { outcome, merchant } = known;
      const quote = readQuote(known);
      const facts = { payment: paymentId, name: quote.name, price: formatAmount(quote.price) };
      if (outcome?.status !== 'paid') {
        return { ...facts, status: outcome?.status ?? 'paying', ...(outcome?.reason && { reason: outcome.reason }) };
      }
      if (counter !== undefined && (await counter.sale(paymentId)) !== undefined) {
        return { ...facts, ...(await deliveredBy(counter, paymentId)) };
      }
      const { orderId, sha256, sizeBytes } = quote;
      const [fileName] = fileNamesOf([quote]);
      const place = { merchantUrl: merchant, xid: fromHex(outcome.xid), index: 0, fileName: fileName! };
      const fetch = () =>
        fetchGoods(client, { ...place, orderId, sha256, sizeBytes }, join(directory, paymentId, 'goods'));
      return { ...facts, status: 'delivered', file: await fetchOnce(paymentId, fetch) };
    },
    identities: () => identities().filter((paymentId) => kept(paymentId) !== undefined),
    list() {
      return identities().flatMap((paymentId): DirectlyBought[] => {
        const known = kept(paymentId);
        if (known?.outcome?.status !== 'paid') return [];
        const quote = readQuote(known);
        const { atMs } = known.outcome;
        const file = join(directory, paymentId, 'goods', fileNamesOf([quote])[0]!);
        return [
          {
            payment: paymentId,
            date: atMs === undefined ? '' : new Date(atMs).toISOString(),
            ...{ product: quote.name, merchant: quote.merchant, price: formatAmount(quote.price) },
            files: existsSync(file) ? [file] : [],
          },
        ];
      });
    },
    ended({ paymentId, status, reason, xid }) {
      const known = kept(paymentId);
      if (known === undefined) return false;
      keep(paymentId, { ...known, outcome: { status, reason, xid, atMs: nowMs() } });
      if (status !== 'pending') openWallet.close(paymentId);
      return true;
    },
  };
}

/** Paid: delivered, not yet, or never. */
async function deliveredBy(
  counter: Pick<CustomerDeliveryRunning, 'obtain'>,
  paymentId: string,
): Promise<Pick<DirectPurchaseStatus, 'status' | 'file' | 'reason'>> {
  try {
    return { status: 'delivered', file: await counter.obtain(paymentId, 0, AbortSignal.abort()) };
  } catch (cause) {
    if (!(cause instanceof GoodsError)) throw cause;
    return cause.code === 'GOODS_NOT_READY' ? { status: 'paying' } : { status: 'failed', reason: cause.message };
  }
}

function parseJson(body: Uint8Array): { readonly code?: string; readonly detail?: string } {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch (cause) {
    throw new HandselError('QUOTE_MALFORMED', 'the merchant did not answer with JSON', { cause });
  }
}

/** A quote for something else, or dearer than the person allowed, is not paid. */
function requireAsked(asked: DirectPurchase, quote: Quote): void {
  const max = parseAmount(asked.max);
  const same = quote.sku === asked.sku && quote.quantity === asked.quantity;
  if (!same || quote.price.currency !== max.currency) {
    throw new HandselError('QUOTE_MALFORMED', 'the merchant quoted something else than was asked for');
  }
  if (compareAmounts(quote.price, max) > 0) {
    throw new HandselError('PRICE_ABOVE_MAX', `it costs ${formatAmount(quote.price)}, allowed is ${formatAmount(max)}`);
  }
}
