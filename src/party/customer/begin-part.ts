/** Begins the purchase of one of the goods of a sale: finds the merchant's offer, checks that it is what was agreed, and orders. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { equalBytes, toHex } from '../../codec/hex.ts';
import { decodeShape } from '../../crypto/signed-message.ts';
import type { Sale } from '../../delivery/counter/sale.ts';
import { referenceOf } from '../../delivery/counter/sale.ts';
import { DeliveryError } from '../../delivery/message/delivery-error.ts';
import { type CheckedOffer, offerType, readOffer } from '../../delivery/message/offer.ts';
import type { Identify } from '../../delivery/message/signed-by.ts';
import type { ReceiverInput } from '../../delivery/receiver/receiver-input.ts';
import { HandselError } from '../../handsel-error.ts';
import { digestOrderDescription } from '../../set/message/order-information.ts';
import type { Client } from '../../transport/client.ts';
import { readProblem } from '../../transport/problem.ts';
import { payeeOf } from '../message/payment-evidence.ts';
import { decodeCounterOrder, type GoodsToFetch } from './counter-order.ts';
import { NotYet } from './counter-payment.ts';

export interface PartBeginning {
  readonly client: Client;
  readonly identify: { readonly merchant: Identify; readonly trustee: Identify };
  /** Base URLs by name. */
  readonly trustees: ReadonlyMap<string, string>;
  /** Where the content will be put. */
  contentFile(reference: string): string;
  /** Route to tell of the end. */
  readonly notify: string;
}

/** @throws DeliveryError `OFFER_UNFIT`, or HandselError with the merchant's refusal; NotYet when it is to be asked again */
export async function beginPart(sale: Sale, part: number, options: PartBeginning): Promise<ReceiverInput> {
  const { client, trustees, contentFile, notify } = options;
  const { payment, goods } = decodeCounterOrder(sale.order);
  const wanted = goods[part]!;
  const offer = await offerFor(wanted, payment.merchant.url, options, client);
  requireAgreed(offer, wanted, payment.merchant.merchantId);
  const trusteeUrl = trustees.get(offer.custody.value.trustee);
  if (trusteeUrl === undefined) throw new DeliveryError('OFFER_UNFIT', 'its key is kept by somebody not known here');
  const reference = referenceOf(sale.payment, part);
  mkdirSync(dirname(contentFile(reference)), { recursive: true, mode: 0o700 });
  return {
    ...{ type: 'buy', reference, offer, merchantUrl: payment.merchant.url, trusteeUrl, notify },
    ...{ price: { ...payment.amount, minor: sale.parts[part]!.minor }, deadlineMs: sale.deadlineMs },
    payee: payeeOf({
      ...{ merchant: payment.merchant.merchantId, orderId: toHex(payment.orderId) },
      od: toHex(digestOrderDescription(payment.description)),
    }),
  };
}

async function offerFor(
  { sha256 }: GoodsToFetch,
  merchantUrl: string,
  { identify }: PartBeginning,
  client: Client,
): Promise<CheckedOffer> {
  const { status, body } = await client.get(`${merchantUrl}/delivery/offers/${toHex(sha256)}`);
  if (status === 200) return readOffer(decodeShape(offerType, body), identify);
  const problem = readProblem(body);
  if (status >= 500 || [408, 425, 429].includes(status)) throw new NotYet(`the merchant answered ${status}`);
  throw new HandselError(problem?.code ?? `HTTP_${status}`, problem?.detail ?? 'the merchant refused');
}

/** @throws DeliveryError `OFFER_UNFIT` */
function requireAgreed({ description, manifest }: CheckedOffer, wanted: GoodsToFetch, merchant: string): void {
  const { content, length, mediaType } = description.value;
  const same = equalBytes(content, wanted.sha256) && length === wanted.sizeBytes && mediaType === wanted.mediaType;
  if (!same) throw new DeliveryError('OFFER_UNFIT', 'something else is offered than was agreed');
  if (manifest.value.merchant !== merchant) throw new DeliveryError('OFFER_UNFIT', 'another merchant offers it');
}
