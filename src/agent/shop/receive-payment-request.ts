/**
 * Step I at the merchant server: its agent asks for payment of an agreement. Nothing the agent or its platform says is taken on
 * trust: the shop checks signatures, certificates, who agreed with whom, its own floor prices and that these are its own goods.
 */
import { encodeCbor } from '../../codec/cbor.ts';
import { equalBytes, toHex } from '../../codec/hex.ts';
import { readMessage } from '../../crypto/signed-message.ts';
import { CryptographicError, HandselError } from '../../handsel-error.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { nameAttribute } from '../../pki/name.ts';
import type { Purpose } from '../../pki/purpose.ts';
import { type Agreement, readAgreement } from '../message/agreement.ts';
import type { Item } from '../message/call-for-proposals.ts';
import type { Good, MerchantParameters } from '../message/merchant-parameters.ts';
import { payByCardType, paymentRequestType } from '../message/payment.ts';
import { type Product, productShape } from '../message/wanted.ts';
import type { ShopInput } from './shop-machine.ts';

export interface ShopKeys {
  /** The merchant's own agent authority: only its agents speak for it. */
  readonly agentAuthority: Certificate;
  /** Throws unless the chain (leaf first) leads to the agency's communication root and allows the purpose. */
  validate(chain: readonly Certificate[], purpose: Purpose, atMs: number): void;
}

export interface Terms {
  readonly merchant: string;
  /** The parameters the merchant's agent in this currency works under. */
  parameters(currency: string): MerchantParameters | undefined;
  /** The answer to the agent. */
  readonly answer: Uint8Array;
  /** Base URL of the market where completion is told. */
  readonly market: string;
}

/** @throws CryptographicError, or HandselError saying which of the merchant's own terms is not kept. */
export function receivePaymentRequest(
  bytes: Uint8Array,
  keys: ShopKeys,
  terms: Terms,
  nowMs: number,
): Extract<ShopInput, { type: 'order' }> {
  const { agreement, expiresAtMs } = openRequest(bytes, keys, nowMs);
  if (agreement.terms.merchant.id !== terms.merchant) {
    throw new HandselError('ORDER_NOT_OURS', 'the agreement is with another merchant');
  }
  const parameters = terms.parameters(agreement.price.currency);
  if (parameters === undefined) throw new HandselError('CURRENCY_NOT_ALLOWED', 'nothing is sold in this currency here');
  // An agent on a platform that was broken into must not give the goods away.
  if (agreement.price.minor < requireOurLot(agreement, parameters)) {
    throw new HandselError('PRICE_BELOW_FLOOR', 'the agreed price is lower than the merchant allows');
  }
  return {
    type: 'order',
    description: agreement.bytes,
    answer: terms.answer,
    order: {
      orderId: toHex(agreement.orderId),
      items: agreement.terms.items.map(({ sku, quantity, sha256 }) => ({ sku, quantity, sha256 })),
      amount: agreement.price,
      // Nor may it keep an order open for ever.
      expiresAtMs: Math.min(expiresAtMs, nowMs + parameters.holdMs),
      buyer: nameAttribute(agreement.customerAgent.subject, 'CN') ?? '',
      teller: { platform: terms.market },
    },
  };
}

function openRequest(bytes: Uint8Array, keys: ShopKeys, nowMs: number): { agreement: Agreement; expiresAtMs: number } {
  try {
    const request = readMessage(paymentRequestType, bytes);
    const agreement = readAgreement(request.value.agreement);
    const issuer = agreement.merchantChain[1];
    if (issuer === undefined || !equalBytes(issuer.der, keys.agentAuthority.der)) {
      throw new Error('an agent of somebody else agreed');
    }
    keys.validate(agreement.merchantChain, 'agent', nowMs);
    keys.validate(agreement.customerChain, 'agent', nowMs);
    request.requireSignature(agreement.merchantAgent.publicKey);
    const payByCard = readMessage(payByCardType, request.value.payByCard);
    payByCard.requireSignature(agreement.customerAgent.publicKey);
    if (!equalBytes(payByCard.value.agreement, request.value.agreement))
      throw new Error('payment of another agreement');
    return { agreement, expiresAtMs: request.value.expiresAtMs };
  } catch (cause) {
    throw cause instanceof CryptographicError ? cause : new CryptographicError(cause);
  }
}

/** Where to pay, the lot and what is in it are as the merchant itself presents them, word for word. Gives the lot's floor price. */
function requireOurLot({ terms }: Agreement, { merchant, goods, bundles }: MerchantParameters): bigint {
  if (terms.merchant.url !== merchant.url) {
    throw new HandselError('ORDER_NOT_OURS', 'the agreement has the merchant paid elsewhere');
  }
  const bundle = bundles.find(({ product }) => `bundle ${product.sku}` === terms.lot);
  const single = goods.find(({ product }) => product.sku === terms.lot);
  const sold = single ?? bundle;
  if (sold === undefined || !sameProduct(terms.product, sold.product)) {
    throw new HandselError('GOODS_UNKNOWN', 'no such lot is sold here');
  }
  const skus = single === undefined ? bundle!.skus : [single.product.sku];
  const [first] = terms.items;
  const complete = terms.items.length === skus.length && terms.items.every(({ sku }, at) => sku === skus[at]);
  if (!complete || first === undefined) throw new HandselError('GOODS_UNKNOWN', 'the lot consists of other goods here');
  for (const item of terms.items) {
    const good = goods.find(({ product }) => product.sku === item.sku);
    if (good === undefined || item.quantity !== first.quantity || !sameGoods(item, good)) {
      throw new HandselError('GOODS_UNKNOWN', `no such goods are sold here: ${item.sku}`);
    }
  }
  const choices = single?.choices ?? {};
  return (sold.floorMinor + surchargeOf(choices, terms.values)) * BigInt(first.quantity);
}

function sameProduct(agreed: Product, ours: Product): boolean {
  const described = (product: Product) => encodeCbor(productShape.encode(product));
  return equalBytes(described(agreed), described(ours));
}

function sameGoods(item: Item, { product, sha256, sizeBytes, mediaType }: Good): boolean {
  const facts = item.name === product.name && item.sizeBytes === sizeBytes && item.mediaType === mediaType;
  return facts && equalBytes(item.sha256, sha256);
}

/** Every choice has to be made, or something dearer could be bought without paying for it. */
function surchargeOf(choices: Good['choices'], values: Readonly<Record<string, string>>): bigint {
  if (Object.keys(values).some((issue) => !Object.hasOwn(choices, issue))) {
    throw new HandselError('GOODS_UNKNOWN', 'something was agreed that is not for sale here');
  }
  return Object.entries(choices).reduce((sum, [issue, possible]) => {
    const chosen = possible.find(({ value }) => value === values[issue]);
    if (chosen === undefined) throw new HandselError('GOODS_UNKNOWN', `the agreed ${issue} is not sold here`);
    return sum + chosen.surchargeMinor;
  }, 0n);
}
