/**
 * Step I at the merchant server: its agent asks for payment of an agreement. Nothing the agent or its platform says is taken on
 * trust: the shop checks signatures, certificates, who agreed with whom, its own floor prices and that these are its own goods.
 */
import { equalBytes, toHex } from '../../codec/hex.ts';
import { CryptographicError, HandselError } from '../../handsel-error.ts';
import type { Certificate } from '../../pki/certificate.ts';
import type { Purpose } from '../../pki/purpose.ts';
import { type Agreement, readAgreement } from '../message/agreement.ts';
import type { MerchantParameters } from '../message/merchant-parameters.ts';
import { payByCardType, paymentRequestType } from '../message/payment.ts';
import { readMessage } from '../message/signed-message.ts';
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
  requireOurGoods(agreement, parameters);
  requireFloor(agreement, parameters);
  return {
    type: 'order',
    description: agreement.bytes,
    answer: terms.answer,
    order: {
      orderId: toHex(agreement.orderId),
      items: agreement.terms.items.map(({ sku, quantity, sha256 }) => ({ sku, quantity, sha256 })),
      amount: agreement.price,
      expiresAtMs,
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

function requireOurGoods({ terms }: Agreement, { goods }: MerchantParameters): void {
  for (const item of terms.items) {
    const good = goods.find(({ product }) => product.sku === item.sku);
    if (good === undefined || !equalBytes(good.sha256, item.sha256)) {
      throw new HandselError('GOODS_UNKNOWN', `no such goods are sold here: ${item.sku}`);
    }
  }
}

/** An agent on a platform that was broken into must not give the goods away. */
function requireFloor({ terms, price }: Agreement, { goods, bundles }: MerchantParameters): void {
  const bundle = bundles.find(({ product }) => `bundle ${product.sku}` === terms.lot);
  const single = goods.find(({ product }) => product.sku === terms.lot);
  const sold = bundle ?? single;
  const quantity = Math.max(...terms.items.map((item) => item.quantity));
  const skus = bundle?.skus ?? (single ? [single.product.sku] : []);
  const complete = terms.items.every(({ sku }) => skus.includes(sku)) && terms.items.length <= skus.length;
  if (sold === undefined || !complete) throw new HandselError('GOODS_UNKNOWN', 'no such lot is sold here');
  const surcharges = Object.entries(terms.values).map(([issue, value]) => {
    const choice = single?.choices[issue]?.find((candidate) => candidate.value === value);
    if (choice === undefined) throw new HandselError('GOODS_UNKNOWN', `${issue} ${value} is not sold here`);
    return choice.surchargeMinor;
  });
  const floor = surcharges.reduce((sum, surcharge) => sum + surcharge, sold.floorMinor) * BigInt(quantity);
  if (price.minor < floor)
    throw new HandselError('PRICE_BELOW_FLOOR', 'the agreed price is lower than the merchant allows');
}
