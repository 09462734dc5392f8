/** What the gateway machine is told: requests of merchants, and what became of its messages to the card network. */
import { HandselError } from '../../handsel-error.ts';
import type { Reply } from '../../journal/machine.ts';
import type { CardResponse } from '../message/card-message.ts';
import { decodeCardResponse } from '../message/card-message-codec.ts';
import type { Refusal } from '../message/endpoint.ts';
import { readNetworkId, splitKey } from './card-network.ts';
import type { CreditToGive } from './decide-credit.ts';
import type { ReceivedAuthReq } from './receive-authorization.ts';
import type { ReceivedAuthRevReq } from './receive-reversal.ts';

export type GatewayInput =
  | { readonly type: 'authorize'; readonly messageId: string; readonly request: ReceivedAuthReq }
  | { readonly type: 'reverse'; readonly messageId: string; readonly request: ReceivedAuthRevReq }
  | { readonly type: 'refuse'; readonly refusal: Refusal }
  | { readonly type: 'credit'; readonly messageId: string; readonly credit: CreditToGive }
  | {
      readonly type: 'credit-answered';
      readonly key: string;
      readonly reference: string;
      readonly response: CardResponse;
    }
  /** By purchase: if it has not been used, it is not to be used any more. */
  | { readonly type: 'void'; readonly key: string }
  | { readonly type: 'answered'; readonly key: string; readonly response: CardResponse }
  /** The network did not answer in time: what it did is not known. */
  | { readonly type: 'silent'; readonly key: string };

/** @throws HandselError when the answer is of no use, so that the same message is sent again. */
export function readNetworkReply({ id, outcome }: Reply): GatewayInput {
  const { name, key } = readNetworkId(id) ?? { name: '', key: '' };
  if (outcome.type === 'expired') return { type: 'silent', key };
  if (outcome.type === 'refused') {
    throw new HandselError('CARD_NETWORK_REFUSED', `the card message was refused with ${outcome.code}`);
  }
  const response = decodeCardResponse(outcome.body);
  if (name !== 'credit') return { type: 'answered', key, response };
  const [purchase, reference] = splitKey(key);
  return { type: 'credit-answered', key: purchase, reference, response };
}
