/**
 * Plugs the card network of trusted agents (`trusted/card/`) into an operator's interchange: what it asks becomes ISO 8583 to the acquirer host
 * (0100, 0220, 0420), and the answer comes back as it understands it. Keeps nothing: numbers and times come with each request.
 */
import type { Courier } from '../../journal/courier.ts';
import type { Iso8583Exchange } from '../../set/interchange/tcp-link.ts';
import type { CardRequest, CardTransaction, OriginalMessage } from '../../set/message/card-message.ts';
import { decodeCardResponse, encodeCardRequest } from '../../set/message/card-message-codec.ts';
import { retrievalReferenceOf, transmissionTime } from '../../set/message/card-message-identity.ts';
import { RESPONSE_CODES } from '../../set/message/response-code.ts';
import {
  decodeInterchangeRequest,
  encodeInterchangeAnswer,
  type InterchangeAnswer,
  type InterchangeIdentity,
  type InterchangeRequest,
} from '../../trusted/card/interchange-request.ts';

export interface CardInterchangeOptions {
  /** The route under which the card network sends. */
  readonly route: string;
  /** To the acquirer host. */
  readonly link: Iso8583Exchange;
  readonly acquirerId: string;
  /** Of the network's own terminal, up to eight characters. */
  readonly terminalId: string;
  /** The card acceptor that a payee is at the acquirer, by the name in its credential; undefined for one that it does not know. */
  readonly acceptorOf: (payeeName: string) => string | undefined;
  /** What is not for the interchange goes here. */
  readonly courier: Courier;
}

/** Trace numbers come round again after a million messages; the time tells them apart. */
const STANS = 999_999;
const DAY_MS = 86_400_000;

export function createCardInterchange(options: CardInterchangeOptions): Courier {
  const { route, link, courier } = options;
  return {
    async deliver(message, attempt) {
      if (message.to !== route) return courier.deliver(message, attempt);
      const request = decodeInterchangeRequest(message.body);
      const { payeeName } = request;
      const merchantId = payeeName === undefined ? undefined : options.acceptorOf(payeeName);
      if (merchantId === undefined) return answered({ type: 'declined', reason: 'unknown payee' });
      const asked = encodeCardRequest(cardRequestOf(request, { ...options, merchantId }));
      const { responseCode, approvalCode = '' } = decodeCardResponse(await link.send(asked, attempt.signal));
      // An advice is taken, whatever it finds: an authorisation that never arrived is undone by there being none.
      if (request.type !== 'authorise') return answered({ type: 'taken' });
      if (responseCode === RESPONSE_CODES.approved) return answered({ type: 'approved', approvalCode });
      return answered({ type: 'declined', reason: `response ${responseCode}` });
    },
  };
}

const answered = (answer: InterchangeAnswer) => ({ type: 'answered', body: encodeInterchangeAnswer(answer) }) as const;

function cardRequestOf(
  request: InterchangeRequest,
  {
    acquirerId,
    terminalId,
    merchantId,
  }: Pick<CardInterchangeOptions, 'acquirerId' | 'terminalId'> & {
    readonly merchantId: string;
  },
): CardRequest {
  const { transaction, cardNumber, expiresDay, amount } = request;
  const about: CardTransaction = {
    ...{ ...transmissionOf(request), acquirerId, terminalId, merchantId, amount, pan: cardNumber },
    retrievalReference: retrievalReferenceOf(transaction),
    // YYMM of the last day on which the card is good.
    expiry: new Date(expiresDay * DAY_MS).toISOString().slice(2, 7).replace('-', ''),
  };
  if (request.type === 'authorise') return { type: 'authorise', ...about };
  const original: OriginalMessage = { type: 'authorise', ...transmissionOf(request.original) };
  const { approvalCode } = request;
  return { type: request.type, ...about, original, ...(approvalCode && { approvalCode }) };
}

function transmissionOf({ number, atMs }: InterchangeIdentity): Pick<CardTransaction, 'stan' | 'transmittedAt'> {
  return { stan: ((number - 1) % STANS) + 1, transmittedAt: transmissionTime(atMs) };
}
