/** How an operator pays back what a customer paid across the counter: to the same card, through its gateway, from the merchant's account. */
import { decodeCborExact } from '../../codec/cbor.ts';
import { toHex } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { decodeShape, encodeShape } from '../../crypto/signed-message.ts';
import { paidBackType, payBackType } from '../../delivery/trustee/refund.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Host } from '../../journal/host.ts';
import { amountOf } from '../../money/amount.ts';
import { type GatewayRecord, type GatewayState, purchaseKey } from '../../set/gateway/authorization.ts';
import { capturedIn } from '../../set/gateway/decide-credit.ts';
import type { GatewayInput } from '../../set/gateway/gateway-input.ts';
import { RESPONSE_CODES } from '../../set/message/response-code.ts';
import { chargedUnder } from '../message/payment-evidence.ts';

type Gateway = Pick<Host<GatewayState, GatewayInput, GatewayRecord>, 'handle' | 'readByKey'>;

/** Answers once the card's bank has: the same order is never paid back twice. @throws HandselError when it cannot be paid back so */
export async function payBack(body: Uint8Array, gateway: Gateway): Promise<Uint8Array> {
  const { order, evidence, amount } = decodeShape(payBackType, body);
  const { merchant, transaction } = chargedUnder(evidence);
  const purchase = capturedIn(await gateway.readByKey(purchaseKey(merchant, transaction)));
  if (purchase === undefined) throw new HandselError('PAYMENT_UNKNOWN', 'nothing was charged under this transaction');
  const reference = toHex(order);
  const messageId = `credit ${reference}`;
  const credit = { purchase, reference, amount: amountOf(amount.currency, amount.minor) };
  const input: GatewayInput = { type: 'credit', messageId, credit };
  const answer = await gateway.handle({ messageId, digest: sha256(body), input });
  const code = decodeCborExact(answer, { maxBytes: 16 });
  return code === RESPONSE_CODES.approved
    ? encodeShape(paidBackType, { outcome: 'refunded', reason: '' })
    : encodeShape(paidBackType, { outcome: 'impossible', reason: `CARD_${String(code)}` });
}
