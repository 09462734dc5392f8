/**
 * Buying without any agent: a shop quotes a product at its list price, and any SET wallet may pay for it (KPN-B: the standard SET
 * infrastructure is kept intact). The quote is SET's order description; it travels inside JSON because a person or a page asks for it.
 */
import { z } from 'zod';
import type { MerchantParameters } from '../../agent/message/merchant-parameters.ts';
import type { ShopOrder } from '../../agent/shop/shop-record.ts';
import { fromBase64Url, toBase64Url, toHex } from '../../codec/hex.ts';
import { bytes, digest, minorUnits, oneOf, record, type Shaped, text, whole } from '../../codec/shape.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { Random } from '../../crypto/random.ts';
import { decodeShape, encodeShape, type MessageType } from '../../crypto/signed-message.ts';
import { HandselError } from '../../handsel-error.ts';
import { type Amount, amountOf } from '../../money/amount.ts';

const QUOTE_SECONDS = 15 * 60;
const DAY_SECONDS = 24 * 3600;

export const quoteRequestSchema = z.strictObject({
  sku: z.string().min(1).max(64),
  currency: z.string().length(3),
  quantity: z.number().int().min(1).max(1000).default(1),
  /** How long the price is to hold: what is fetched before it is paid may take its time. */
  holdSeconds: z.number().int().min(60).max(DAY_SECONDS).default(QUOTE_SECONDS),
});

const quoteShape = record({
  type: oneOf('quote'),
  /** The merchant's identity. */
  merchant: text({ min: 1, max: 100 }),
  sku: text({ min: 1, max: 64 }),
  name: text({ min: 1, max: 200, line: true }),
  mediaType: text({ min: 1, max: 100 }),
  quantity: whole({ min: 1, max: 1000 }),
  sha256: digest(),
  sizeBytes: whole(),
  currency: text({ min: 3, max: 3 }),
  /** For all pieces together. */
  minor: minorUnits(),
  nonce: bytes({ min: 16, max: 16 }),
});

const quoteType: MessageType<Shaped<typeof quoteShape>> = { name: 'quote', shape: quoteShape, maxBytes: 4096 };

type QuoteRequest = z.infer<typeof quoteRequestSchema>;

/** What a buyer relies on: all of it stands in the description, which both sides name and sign the order by. */
export interface Quote extends Omit<Shaped<typeof quoteShape>, 'type' | 'currency' | 'minor' | 'nonce'> {
  /** LID-M, hexadecimal. */
  readonly orderId: string;
  /** SET's order description. */
  readonly description: Uint8Array;
  readonly price: Amount;
}

const quoteSchema = z.object({ description: z.string().max(6000) });

/** @throws HandselError `GOODS_UNKNOWN` or `CURRENCY_NOT_ALLOWED` */
export function makeQuote(options: {
  readonly request: Omit<QuoteRequest, 'holdSeconds'> & Partial<QuoteRequest>;
  readonly parameters: MerchantParameters | undefined;
  /** Who asks, and may fetch the goods. */
  readonly buyer: string;
  readonly nowMs: number;
  readonly random: Random;
}): { readonly json: string; readonly order: ShopOrder; readonly description: Uint8Array } {
  const { request, parameters, buyer, nowMs, random } = options;
  if (parameters === undefined) throw new HandselError('CURRENCY_NOT_ALLOWED', 'nothing is sold in this currency here');
  const good = parameters.goods.find(({ product }) => product.sku === request.sku);
  if (good === undefined)
    throw new HandselError('GOODS_UNKNOWN', `nothing is sold under ${request.sku} in ${request.currency}`);
  const { quantity, currency, holdSeconds = QUOTE_SECONDS } = request;
  const { sku, name } = good.product;
  const description = encodeShape(quoteType, {
    type: 'quote',
    merchant: parameters.merchant.id,
    ...{ sku, name, mediaType: good.mediaType, quantity, sha256: good.sha256, sizeBytes: good.sizeBytes, currency },
    minor: good.listMinor * BigInt(quantity),
    nonce: random(16),
  });
  const { orderId, price } = quoteOf(description);
  const items = [{ sku, quantity, sha256: good.sha256 }];
  return {
    description,
    order: { orderId, items, amount: price, expiresAtMs: nowMs + holdSeconds * 1000, teller: null, buyer },
    json: JSON.stringify({ description: toBase64Url(description) }),
  };
}

/** @throws HandselError `QUOTE_MALFORMED` */
export function readQuote(json: unknown): Quote {
  const parsed = quoteSchema.safeParse(json);
  if (!parsed.success) throw new HandselError('QUOTE_MALFORMED', 'the merchant’s answer is no quote');
  return quoteOf(fromBase64Url(parsed.data.description));
}

function quoteOf(description: Uint8Array): Quote {
  try {
    const { type: _, currency, minor, nonce: __, ...facts } = decodeShape(quoteType, description);
    const orderId = toHex(sha256(description).slice(0, 20));
    return { ...facts, orderId, description, price: amountOf(currency, minor) };
  } catch (cause) {
    throw new HandselError('QUOTE_MALFORMED', 'the order described is no quote', { cause });
  }
}
