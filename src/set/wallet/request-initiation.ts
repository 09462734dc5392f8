/** The wallet's side of PInitReq and PInitRes: asks the merchant to name a transaction, and checks who answers and for which gateway. */
import { decodeDer, encodeDer } from '../../codec/der.ts';
import { equalBytes } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import { contentTypes } from '../message/content-types.ts';
import { type PInitReq, type PInitResData, pInitReqType, pInitResDataType } from '../message/initiation.ts';
import { requireUnderstood } from '../message/message-extension.ts';
import { encodeMessage, type Message } from '../message/message-wrapper.ts';
import { requireHeaderMatches } from '../message/receive.ts';
import { asCryptographic } from '../message/set-error.ts';
import { type SignedContent, verifyContent } from '../message/signed-content.ts';
import { messageIdsOf } from '../message/transaction.ts';
import type { Gateway, Merchant, Trust } from '../message/trust.ts';

export function encodePInitReq(request: PInitReq, nowMs: number): Uint8Array {
  const { lidC, lidM, rrpid } = request;
  return encodeMessage({
    name: 'PInitReq',
    body: encodeDer(pInitReqType, request),
    nowMs,
    messageIds: { lidC, ...(lidM && { lidM }) },
    rrpid,
  });
}

export interface ReceivedInitiation {
  readonly data: PInitResData;
  readonly merchant: Merchant;
  /** The gateway to which the merchant sends authorizations, by its encryption certificate. */
  readonly gateway: Gateway;
  readonly signed: SignedContent;
}

/** Everything that can be checked without knowing the request. @throws DerError, SetError or CryptographicError. */
export function receivePInitRes(message: Message, trust: Trust, atMs: number): ReceivedInitiation {
  const signed = verifyContent(message.message.value, {
    type: contentTypes.pInitResData,
    certificates: trust.certificates,
  });
  const data = decodeDer(pInitResDataType, signed.content, { maxBytes: 16_384 });
  requireHeaderMatches(message.header, { rrpid: data.rrpid, messageIds: messageIdsOf(data.transIds) });
  requireUnderstood(data.piRsExtensions);

  const { merchant, gateway } = asCryptographic(() => {
    const sealing = signed.pool.find(({ thumb }) => equalBytes(thumb, data.peThumb));
    if (sealing === undefined) throw new HandselError('SET_GATEWAY_MISSING', 'peThumb names no certificate enclosed');
    return {
      merchant: trust.merchant({ leaf: signed.signer, pool: signed.pool, use: 'signature', atMs }),
      gateway: trust.gateway({ leaf: sealing, pool: signed.pool, use: 'encryption', atMs }),
    };
  });
  return { data, merchant, gateway, signed };
}
