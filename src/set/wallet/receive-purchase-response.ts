/** The wallet reads PRes and InqRes: the merchant's signed word on an order, checked as far as it can be without knowing the order. */

import { contentTypes } from '../message/content-types.ts';
import { requireUnderstood } from '../message/message-extension.ts';
import type { Message, MessageName } from '../message/message-wrapper.ts';
import { decodePResData, type PResData } from '../message/purchase-response.ts';
import { requireHeaderMatches } from '../message/receive.ts';
import { asCryptographic } from '../message/set-error.ts';
import { type SignedContent, verifyContent } from '../message/signed-content.ts';
import { messageIdsOf } from '../message/transaction.ts';
import type { Merchant, Trust } from '../message/trust.ts';

export interface ReceivedResponse {
  readonly name: MessageName;
  readonly data: PResData;
  readonly merchant: Merchant;
  readonly signed: SignedContent;
}

/** @throws DerError, SetError or CryptographicError. */
export function receivePRes({ header, message }: Message, trust: Trust, atMs: number): ReceivedResponse {
  const signed = verifyContent(message.value, { type: contentTypes.pResData, certificates: trust.certificates });
  const data = decodePResData(signed.content);
  requireHeaderMatches(header, { rrpid: data.rrpid, messageIds: messageIdsOf(data.transIds) });
  for (const { pRsExtensions } of data.pResPayloadSeq) requireUnderstood(pRsExtensions);
  const merchant = asCryptographic(() =>
    trust.merchant({ leaf: signed.signer, pool: signed.pool, use: 'signature', atMs }),
  );
  return { name: message.type, data, merchant, signed };
}
