/** How a sale across the counter is paid by card over SET: one payment for all its parts, settled by the merchant's operator. */
import { toHex } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { decodeShape, encodeShape, linkOf } from '../../crypto/signed-message.ts';
import {
  type Attest,
  attestedType,
  attestType,
  payType,
  placedType,
  questionType,
} from '../../delivery/counter/counter-errand.ts';
import type { CounterInput } from '../../delivery/counter/counter-machine.ts';
import { type CounterState, referenceOf, type SaleRecord, saleIn, saleKey } from '../../delivery/counter/sale.ts';
import { DeliveryError } from '../../delivery/message/delivery-error.ts';
import { type Identify, readSigned } from '../../delivery/message/signed-by.ts';
import type { ReceiverState } from '../../delivery/receiver/purchase.ts';
import type { OrderToPay, Settlement } from '../../delivery/receiver/settlement.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Host } from '../../journal/host.ts';
import { digestOrderDescription } from '../../set/message/order-information.ts';
import type { WalletState } from '../../set/wallet/payment.ts';
import type { WalletInput } from '../../set/wallet/wallet-input.ts';
import type { Client } from '../../transport/client.ts';
import { readProblem } from '../../transport/problem.ts';
import { TransportError } from '../../transport/transport-error.ts';
import {
  encodeEvidence,
  type PaymentInquiry,
  paymentInquiryType,
  paymentReceiptType,
  readPayee,
  saltOf,
} from '../message/payment-evidence.ts';
import { decodeCounterOrder } from './counter-order.ts';

/** Not answered yet, and nobody's refusal: asked again. */
export class NotYet extends Error {}

export interface Counter extends Pick<Host<CounterState, CounterInput, SaleRecord>, 'handle' | 'readByKey'> {
  readonly state: Readonly<CounterState>;
}

const DONE = new Uint8Array();
const STOPPING = new Set(['HOST_STOPPED', 'HOST_BUSY']);
/** So often, and each time so long, an attempt waits for the payment to be settled. */
const SETTLED_LOOKS = 20;
const SETTLED_WAIT_MS = 250;

/**
 * The receiver's settlement. @param settled resolves when something about the sale was decided, or after so many milliseconds
 */
export function counterSettlement(options: {
  readonly counter: Counter;
  readonly receiver: () => Readonly<ReceiverState>;
  /** Base URLs of trustees by name. */
  readonly trustees: ReadonlyMap<string, string>;
  settled(payment: string, forMs: number): Promise<void>;
}): Settlement {
  const { counter, receiver, trustees, settled } = options;
  const partOf = (payment: string, digest: string): number => {
    const parts = counter.state.sales.get(payment)?.parts ?? [];
    return parts.findIndex((_, part) => {
      const purchase = receiver().purchases.get(referenceOf(payment, part));
      return purchase !== undefined && toHex(purchase.orderDigest) === digest;
    });
  };
  const evidenceOf = async (payment: string): Promise<Uint8Array | undefined> => {
    const sale = counter.state.sales.get(payment) ?? saleIn(await counter.readByKey(saleKey(payment)));
    if (sale === undefined || sale.phase === 'off')
      throw new DeliveryError('ORDER_OVER', sale?.reason || 'PAYMENT_OFF');
    return sale.evidence ?? undefined;
  };
  const settle = async ({ digest, order }: OrderToPay, accept: Uint8Array): Promise<Uint8Array> => {
    const payment = readPayee(order.payee)?.orderId ?? '';
    const before = await evidenceOf(payment);
    if (before !== undefined) return before;
    const attestor = trustees.get(order.trustee);
    if (attestor === undefined) throw new DeliveryError('ORDER_REFUSED', 'nobody known says whether it is paid');
    const input: CounterInput = {
      ...{ type: 'accept', payment, part: partOf(payment, digest), accept: linkOf(accept) },
      attestor: `${attestor}/delivery/payment-inquiry`,
    };
    await counter.handle({ messageId: `accept ${digest}`, digest: sha256(accept), input });
    for (let look = 0; look < SETTLED_LOOKS; look++) {
      const evidence = await evidenceOf(payment);
      if (evidence !== undefined) return evidence;
      await settled(payment, SETTLED_WAIT_MS);
    }
    throw new NotYet('the payment is not settled yet');
  };
  return {
    async prepare({ order }: OrderToPay) {
      const payment = readPayee(order.payee)?.orderId ?? '';
      if (!counter.state.sales.has(payment)) throw new DeliveryError('ORDER_OVER', 'the sale is off');
    },
    commit: (order, accept) => refusingOnly(() => settle(order, accept)),
    // A purchase that ends unpaid takes its sale with it (`counter-machine.ts`): nothing was held before.
    cancel: () => Promise.resolve(),
  };
}

/** Lets pass what is somebody's word: who is away, or is stopping, refuses nothing. @throws NotYet, or a HandselError that refuses */
export async function refusingOnly<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const away = cause instanceof TransportError || (cause instanceof HandselError && STOPPING.has(cause.code));
    throw away ? new NotYet(cause.message, { cause }) : cause;
  }
}

/** For the counter's errands: to the wallet, and to whoever says what was charged. */
export function counterPayments(options: {
  readonly wallet: () => Pick<Host<WalletState, WalletInput>, 'handle' | 'state'>;
  readonly client: Client;
  /** Operators that say what was charged. */
  readonly identify: Identify;
  readonly nowMs: () => number;
}) {
  const { wallet, client, identify, nowMs } = options;
  return {
    async pay(body: Uint8Array): Promise<Uint8Array> {
      const { order, parts } = decodeShape(payType, body);
      const { payment } = decodeCounterOrder(order);
      const input: WalletInput = { type: 'pay', payment: { ...payment, boundTo: saltOf(parts) } };
      return wallet().handle({ messageId: `pay ${payment.paymentId}`, digest: sha256(body), input });
    },
    async question(body: Uint8Array): Promise<Uint8Array> {
      const { payment } = decodeShape(questionType, body);
      const placed = wallet().state.payments.get(payment)?.order;
      return encodeShape(placedType, { transaction: placed?.xid ?? '' });
    },
    /** Never refused: it is asked until it is settled. */
    async attest(body: Uint8Array): Promise<Uint8Array> {
      const asked = decodeShape(attestType, body);
      try {
        return (await ask(asked, { client, identify, nowMs })) ?? VOID;
      } catch (cause) {
        throw new NotYet('whether it is paid is not known yet', { cause });
      }
    },
  };
}

const VOID = encodeShape(attestedType, { outcome: 'void', evidence: DONE });

/** Undefined where nothing can be charged under this transaction. */
async function ask(
  { attestor, transaction, order, parts }: Attest,
  { client, identify, nowMs }: { readonly client: Client; readonly identify: Identify; readonly nowMs: () => number },
): Promise<Uint8Array | undefined> {
  const { payment } = decodeCounterOrder(order);
  const inquiry: PaymentInquiry = {
    ...{ merchant: payment.merchant.merchantId, transaction },
    ...{ od: digestOrderDescription(payment.description), odSalt: saltOf(parts) },
    price: { currency: payment.amount.currency, minor: payment.amount.minor },
  };
  const message = { kind: paymentInquiryType.name, contentType: 'application/cbor', extension: 'cbor' };
  const answer = await client.post(attestor, { ...message, body: encodeShape(paymentInquiryType, inquiry) });
  if (answer.status !== 200) {
    const code = readProblem(answer.body)?.code;
    // The merchant gave this transaction's name to somebody else, too: it can be charged once only, and was, for that one.
    if (code === 'PAYMENT_UNKNOWN') return undefined;
    throw new NotYet(`the operator answered ${answer.status} ${code ?? ''}`);
  }
  const { value: receipt } = readSigned(paymentReceiptType, answer.body, { identify, atMs: nowMs() });
  const same =
    toHex(receipt.odSalt) === toHex(inquiry.odSalt) &&
    toHex(receipt.od) === toHex(inquiry.od) &&
    receipt.transaction === transaction;
  if (!same || receipt.merchant !== inquiry.merchant) throw new NotYet('the operator answers something else');
  if (receipt.outcome === 'void') return undefined;
  return encodeShape(attestedType, { outcome: 'paid', evidence: encodeEvidence({ receipt: answer.body, parts }) });
}
