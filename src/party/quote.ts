/**
 * Buying without any agent: a shop quotes a product at its list price, and any SET wallet may pay for it (KPN-B: the standard SET
 * infrastructure is kept intact). The quote is SET's order description; it travels as JSON because a person or a page asks for it.
 */
import { z } from 'zod';
import type { MerchantParameters } from '../agent/message/merchant-parameters.ts';
import type { ShopOrder } from '../agent/shop/shop-record.ts';
import { encodeCbor } from '../codec/cbor.ts';
import { fromBase64Url, toBase64Url, toHex } from '../codec/hex.ts';
import { sha256 } from '../crypto/digest.ts';
import type { Random } from '../crypto/random.ts';
import { HandselError } from '../handsel-error.ts';
import { amountOf, formatAmount, parseAmount } from '../money/amount.ts';

export const quoteRequestSchema = z.strictObject({
  sku: z.string().min(1).max(64),
  currency: z.string().length(3),
  quantity: z.number().int().min(1).max(1000).default(1),
});

export const quoteSchema = z.strictObject({
  orderId: z.string().regex(/^[0-9a-f]{40}$/),
  /** What is paid for, base64url of the bytes. */
  description: z.string().max(20_000),
  amount: z.string().max(40),
  merchant: z.string().min(1).max(100),
  name: z.string().max(300),
  sku: z.string().max(64),
  mediaType: z.string().max(100),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export type Quote = z.infer<typeof quoteSchema>;

const QUOTE_MS = 15 * 60_000;

/** @throws HandselError `GOODS_UNKNOWN` or `CURRENCY_NOT_ALLOWED` */
export function makeQuote(options: {
  readonly request: z.infer<typeof quoteRequestSchema>;
  readonly parameters: MerchantParameters | undefined;
  readonly nowMs: number;
  readonly random: Random;
}): { readonly quote: Quote; readonly order: ShopOrder; readonly description: Uint8Array } {
  const { request, parameters, nowMs, random } = options;
  if (parameters === undefined) throw new HandselError('CURRENCY_NOT_ALLOWED', 'nothing is sold in this currency here');
  const good = parameters.goods.find(({ product }) => product.sku === request.sku);
  if (good === undefined)
    throw new HandselError('GOODS_UNKNOWN', `nothing is sold under ${request.sku} in ${request.currency}`);
  const amount = amountOf(request.currency, good.listMinor * BigInt(request.quantity));
  const description = encodeCbor({
    type: 'quote',
    merchant: parameters.merchant.id,
    sku: good.product.sku,
    name: good.product.name,
    quantity: request.quantity,
    sha256: good.sha256,
    currency: amount.currency,
    minor: amount.minor,
    nonce: random(16),
  });
  const orderId = toHex(sha256(description).slice(0, 20));
  return {
    description,
    order: {
      orderId,
      items: [{ sku: good.product.sku, quantity: request.quantity, sha256: good.sha256 }],
      amount,
      expiresAtMs: nowMs + QUOTE_MS,
      teller: null,
    },
    quote: {
      orderId,
      description: toBase64Url(description),
      amount: formatAmount(amount),
      merchant: parameters.merchant.id,
      name: good.product.name,
      sku: good.product.sku,
      mediaType: good.mediaType,
      sha256: toHex(good.sha256),
    },
  };
}

/** What a buyer relies on of a quote: the order is named by the digest of exactly what is described. @throws HandselError */
export function readQuote(
  json: unknown,
): Quote & { readonly bytes: Uint8Array; readonly price: ReturnType<typeof parseAmount> } {
  const parsed = quoteSchema.safeParse(json);
  if (!parsed.success) throw new HandselError('QUOTE_MALFORMED', z.prettifyError(parsed.error));
  const bytes = fromBase64Url(parsed.data.description);
  if (toHex(sha256(bytes).slice(0, 20)) !== parsed.data.orderId) {
    throw new HandselError('QUOTE_MALFORMED', 'the order is not named after what it describes');
  }
  return { ...parsed.data, bytes, price: parseAmount(parsed.data.amount) };
}
