/**
 * An operator's acquirer for the card network of devices (`card-network.ts`): what that network asks is said to the acquirer in ISO 8583. The network is
 * a party of its own, so that no operator carries it; its certificate says which one may ask.
 */
import { HandselError } from '../handsel-error.ts';
import type { Iso8583Exchange } from '../set/interchange/tcp-link.ts';
import type { CardRequest, CardTransaction } from '../set/message/card-message.ts';
import { decodeCardResponse, encodeCardRequest } from '../set/message/card-message-codec.ts';
import { retrievalReferenceOf, transmissionTime } from '../set/message/card-message-identity.ts';
import { RESPONSE_CODES } from '../set/message/response-code.ts';
import type { Routes } from '../transport/route.ts';
import {
  decodeInterchangeRequest,
  encodeInterchangeAnswer,
  type InterchangeAnswer,
  type InterchangeIdentity,
  type InterchangeRequest,
} from '../trusted/card/interchange-request.ts';
import { INTERCHANGE_PATH } from './card-network-path.ts';
import type { OperatorConfiguration } from './configuration.ts';
import { peerName } from './peer-name.ts';

/** How the network's own terminal is called in card messages. */
const TERMINAL = 'TICKETS';

export function cardInterchangeRoutes(options: {
  readonly configuration: Pick<OperatorConfiguration, 'acquirer'>;
  readonly network: NonNullable<OperatorConfiguration['cardNetwork']>;
  readonly acquirer: Iso8583Exchange;
}): Routes {
  const { configuration, network, acquirer } = options;
  const names = { acquirerId: configuration.acquirer.id, merchantId: network.acceptor };
  return {
    [`POST ${INTERCHANGE_PATH}`]: async ({ body, peer }) => {
      if (peerName(peer) !== network.name) throw new HandselError('PEER_NOT_ADMITTED', 'only the card network may ask');
      const request = decodeInterchangeRequest(body);
      const answer = decodeCardResponse(await acquirer.send(encodeCardRequest(cardRequestOf(request, names))));
      return { contentType: 'application/cbor', body: encodeInterchangeAnswer(answerOf(request, answer)) };
    },
  } as Routes;
}

interface Names {
  readonly acquirerId: string;
  readonly merchantId: string;
}

/** An identity of ours as a trace number and a time: with the retrieval reference it is unique for ever. */
function transmissionOf({ number, atMs }: InterchangeIdentity) {
  return { stan: ((number - 1) % 999_999) + 1, transmittedAt: transmissionTime(atMs) };
}

function cardRequestOf(request: InterchangeRequest, names: Names): CardRequest {
  const transaction: CardTransaction = {
    ...{ ...names, ...transmissionOf(request), terminalId: TERMINAL },
    retrievalReference: retrievalReferenceOf(request.transaction),
    pan: request.cardNumber,
    expiry: new Date(request.expiresDay * 86_400_000).toISOString().slice(2, 7).replace('-', ''),
    amount: request.amount,
  };
  if (request.type === 'authorise') return { type: 'authorise', ...transaction };
  const { type, original, approvalCode } = request;
  return {
    ...{ type, ...transaction, original: { type: 'authorise', ...transmissionOf(original) } },
    ...(approvalCode !== undefined && { approvalCode }),
  };
}

function answerOf({ type }: InterchangeRequest, answer: ReturnType<typeof decodeCardResponse>): InterchangeAnswer {
  const { responseCode, approvalCode } = answer;
  // An advice is taken by whoever answers it: what was wrong with it is for the banks to settle.
  if (type !== 'authorise') return { type: 'taken' };
  if (responseCode === RESPONSE_CODES.approved) return { type: 'approved', approvalCode: approvalCode ?? '000000' };
  return { type: 'declined', reason: `the issuer says ${responseCode}` };
}
