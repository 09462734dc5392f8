/** The merchant makes AuthReq and AuthRevReq and reads their answers (notes on SET, "Authorization"): EncB to its gateway and back. */

import { encodeDer, part } from '../../codec/der.ts';
import { equalBytes } from '../../codec/hex.ts';
import type { Random } from '../../crypto/random.ts';
import { type Amount, amountOf } from '../../money/amount.ts';
import { type AuthTags, encodeAuthReq, encodeAuthReqTbs } from '../message/authorization-request.ts';
import {
  type AuthResBaggage,
  type AuthResData,
  decodeAuthRes,
  decodeAuthResBaggage,
  decodeAuthResTbs,
} from '../message/authorization-response.ts';
import {
  type AuthRevResData,
  decodeAuthRevResData,
  encodeAuthRevReq,
  encodeAuthRevReqTbs,
} from '../message/authorization-reversal.ts';
import type { Binding } from '../message/binding.ts';
import { digestRequest } from '../message/binding.ts';
import { digestContent } from '../message/content-digest.ts';
import { contentTypes } from '../message/content-types.ts';
import { requireUnderstood } from '../message/message-extension.ts';
import { encodeMessage, type Message } from '../message/message-wrapper.ts';
import { requireHeaderMatches } from '../message/receive.ts';
import { openSealedSignature, signAndSeal } from '../message/sealed-signature.ts';
import { asCryptographic, SetError } from '../message/set-error.ts';
import type { SignedContent } from '../message/signed-content.ts';
import { messageIdsOf } from '../message/transaction.ts';
import type { Trust } from '../message/trust.ts';
import type { MerchantBrand } from './merchant-keys.ts';
import type { ReceivedPurchase } from './receive-purchase.ts';

interface ToGateway {
  readonly brand: MerchantBrand;
  readonly rrpid: Uint8Array;
  readonly amount: Amount;
  readonly random: Random;
  readonly nowMs: number;
}

export interface AuthorizationToRequest extends ToGateway {
  readonly purchase: ReceivedPurchase;
  readonly captureNow: boolean;
}

export interface EncodedRequest {
  readonly bytes: Uint8Array;
  /** What the answer must repeat. */
  readonly hash: Uint8Array;
}

export function encodeAuthorization(request: AuthorizationToRequest): EncodedRequest {
  const { brand, purchase, rrpid, amount, captureNow, random, nowMs } = request;
  const { transIds, hod } = purchase.oiData;
  const tbs = encodeAuthReqTbs({
    authReqData: {
      authReqItem: {
        authTags: tagsOf(request, transIds),
        checkDigests: { hOIData: purchase.hOIData, hod2: hod },
        authReqPayload: {
          ...{ subsequentAuthInd: false, purchAmt: amount, authReqAmt: amount, requestCardTypeInd: false },
        },
      },
      captureNow,
    },
    hPI: digestContent(contentTypes.pi, purchase.pi),
  });
  const sealed = signAndSeal({
    types: { signed: contentTypes.authReqTbs, sealed: contentTypes.authReqTbe },
    content: tbs,
    binding: toGateway('AuthReq', brand),
    signer: brand.signing,
    // The gateway seals its answer to this certificate.
    enclosed: [brand.encryption],
    recipient: brand.gateway.encryption.certificate,
    random,
  });
  const body = encodeAuthReq({ sealed, pi: purchase.pi });
  const bytes = encodeMessage({ name: 'AuthReq', body, nowMs, messageIds: messageIdsOf(transIds), rrpid });
  return { bytes, hash: digestRequest(bytes) };
}

export interface ReversalToRequest extends ToGateway {
  readonly transIds: AuthTags['transIds'];
  readonly capToken: Uint8Array;
}

/** Gives back the whole authorization. */
export function encodeReversal(request: ReversalToRequest): EncodedRequest {
  const { brand, transIds, rrpid, amount, capToken, random, nowMs } = request;
  const tbs = encodeAuthRevReqTbs({
    authRevReqData: { authRevTags: tagsOf(request, transIds), authNewAmt: amountOf(amount.currency, 0n) },
    hBaggage: digestContent(contentTypes.authRevReqBaggage, capToken),
  });
  const sealed = signAndSeal({
    types: { signed: contentTypes.authRevReqTbs, sealed: contentTypes.authRevReqTbe },
    content: tbs,
    binding: toGateway('AuthRevReq', brand),
    signer: brand.signing,
    enclosed: [brand.encryption],
    recipient: brand.gateway.encryption.certificate,
    random,
  });
  const body = encodeAuthRevReq({ sealed: encodeDer(part(), sealed), capToken });
  const bytes = encodeMessage({ name: 'AuthRevReq', body, nowMs, messageIds: messageIdsOf(transIds), rrpid });
  return { bytes, hash: digestRequest(bytes) };
}

function tagsOf({ brand, rrpid, nowMs }: ToGateway, transIds: AuthTags['transIds']): AuthTags {
  const { merchantId } = brand;
  return { authRRTags: { rrpid, merTermIds: { merchantId }, date: new Date(nowMs) }, transIds };
}

function toGateway(message: 'AuthReq' | 'AuthRevReq', { gateway }: MerchantBrand): Binding {
  return { direction: 'merchantToGateway', message, recipients: [gateway.encryption.certificate.thumb] };
}

/** What the gateway's signed answer must be bound to; the request is checked against the order by `requireBinding`. */
export function fromGateway(message: 'AuthRes' | 'AuthRevRes', { encryption }: MerchantBrand): Binding {
  return { direction: 'gatewayToMerchant', message, recipients: [encryption.certificate.thumb] };
}

export interface AnswerContext {
  readonly brand: MerchantBrand;
  readonly trust: Trust;
  readonly atMs: number;
}

export interface ReceivedAuthorization {
  readonly data: AuthResData;
  readonly baggage: AuthResBaggage;
  readonly signed: SignedContent;
}

/** @throws DerError, SetError or CryptographicError. */
export function receiveAuthRes({ header, message }: Message, context: AnswerContext): ReceivedAuthorization {
  const { sealed, baggage } = decodeAuthRes(message.value);
  const signed = openAnswer(sealed, 'AuthRes', context);
  return asCryptographic(() => {
    const { authResData: data, hBaggage } = decodeAuthResTbs(signed.content);
    if (!equalBytes(hBaggage, digestContent(contentTypes.authResBaggage, baggage))) {
      throw new SetError('signatureFailure', 'the baggage is another one than was signed for');
    }
    requireHeaderMatches(header, headerIds(data.authTags));
    requireUnderstood(data.authResPayload.aRsExtensions);
    return { data, baggage: decodeAuthResBaggage(baggage), signed };
  });
}

export interface ReceivedReversal {
  readonly data: AuthRevResData;
  readonly signed: SignedContent;
}

/** @throws DerError, SetError or CryptographicError. */
export function receiveAuthRevRes({ header, message }: Message, context: AnswerContext): ReceivedReversal {
  const signed = openAnswer(message.value, 'AuthRevRes', context);
  return asCryptographic(() => {
    const data = decodeAuthRevResData(signed.content);
    requireHeaderMatches(header, headerIds(data.authRevTags));
    requireUnderstood(data.aRvRsExtensions);
    return { data, signed };
  });
}

const ANSWER_TYPES = {
  AuthRes: { signed: contentTypes.authResTbs, sealed: contentTypes.authResTbe },
  AuthRevRes: { signed: contentTypes.authRevResTbs, sealed: contentTypes.authRevResTbe },
} as const;

function openAnswer(sealed: Uint8Array, name: 'AuthRes' | 'AuthRevRes', context: AnswerContext): SignedContent {
  const { brand, trust, atMs } = context;
  return asCryptographic(() => {
    const signed = openSealedSignature(sealed, {
      types: ANSWER_TYPES[name],
      binding: fromGateway(name, brand),
      holder: brand.encryption,
      certificates: trust.certificates,
    });
    const gateway = trust.gateway({ leaf: signed.signer, pool: signed.pool, use: 'signature', atMs });
    if (gateway.gatewayId !== brand.gateway.gatewayId) {
      throw new SetError('signatureFailure', `signed by another gateway, ${gateway.gatewayId}`);
    }
    return signed;
  });
}

function headerIds({ authRRTags, transIds }: AuthTags) {
  return { rrpid: authRRTags.rrpid, messageIds: messageIdsOf(transIds) };
}
