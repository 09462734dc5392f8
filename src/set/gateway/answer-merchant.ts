/** The gateway makes AuthRes and AuthRevRes: EncB to the one merchant who asked, naming its request by hash (notes on SET, fix 2). */
import type { Part } from '../../codec/der.ts';
import type { Random } from '../../crypto/random.ts';
import type { Amount } from '../../money/amount.ts';
import { amountOf } from '../../money/amount.ts';
import type { Certificate } from '../../pki/certificate.ts';
import type { AuthCode, AuthRevCode } from '../message/authorization-code.ts';
import type { AuthTags } from '../message/authorization-request.ts';
import { encodeAuthRes, encodeAuthResBaggage, encodeAuthResTbs } from '../message/authorization-response.ts';
import { encodeAuthRevResData } from '../message/authorization-reversal.ts';
import type { Binding } from '../message/binding.ts';
import { digestContent } from '../message/content-digest.ts';
import { contentTypes } from '../message/content-types.ts';
import { encodeMessage } from '../message/message-wrapper.ts';
import { signAndSeal } from '../message/sealed-signature.ts';
import { messageIdsOf } from '../message/transaction.ts';
import type { GatewayKeys } from './gateway-keys.ts';

interface ToMerchant {
  readonly keys: GatewayKeys;
  readonly tags: AuthTags;
  /** Hash of the whole request. */
  readonly request: Uint8Array;
  /** The merchant's encryption certificate. */
  readonly recipient: Certificate;
  readonly random: Random;
  readonly nowMs: number;
}

export interface AuthorizationToAnswer extends ToMerchant {
  readonly authCode: AuthCode;
  readonly amount: Amount;
  readonly captured: boolean;
  readonly approvalCode?: string;
  readonly logRefId?: string;
  readonly capToken?: Uint8Array;
}

export function encodeAuthorizationAnswer(answer: AuthorizationToAnswer): Uint8Array {
  const { tags, request, authCode, amount, captured, approvalCode, logRefId, capToken, nowMs } = answer;
  const authAmt = authCode === 'approved' ? amount : amountOf(amount.currency, 0n);
  const baggage = encodeAuthResBaggage({ ...(capToken && { capToken }) });
  const content = encodeAuthResTbs({
    authResData: {
      authTags: tags,
      hAuthReq: request,
      authResPayload: {
        authHeader: {
          ...{ authAmt, authCode },
          responseData: { ...(approvalCode && { approvalCode }), ...(logRefId && { logRefId }) },
        },
        ...(captured && { capResPayload: { capCode: 'success', capAmt: authAmt } }),
        authDate: new Date(nowMs),
      },
    },
    hBaggage: digestContent(contentTypes.authResBaggage, baggage),
  });
  const types = { signed: contentTypes.authResTbs, sealed: contentTypes.authResTbe };
  const sealed = sealAnswer(answer, { message: 'AuthRes', types, content });
  return wrap(answer, 'AuthRes', encodeAuthRes({ sealed, baggage }));
}

export interface ReversalToAnswer extends ToMerchant {
  readonly authRevCode: AuthRevCode;
  /** What remains authorized, as far as this gateway knows. */
  readonly remaining: Amount;
}

export function encodeReversalAnswer(answer: ReversalToAnswer): Uint8Array {
  const { tags, request, authRevCode, remaining } = answer;
  const content = encodeAuthRevResData({
    ...{ authRevCode, authRevTags: tags, hAuthRevReq: request },
    authNewAmt: remaining,
  });
  const types = { signed: contentTypes.authRevResTbs, sealed: contentTypes.authRevResTbe };
  return wrap(answer, 'AuthRevRes', sealAnswer(answer, { message: 'AuthRevRes', types, content }));
}

interface Answer {
  readonly message: 'AuthRes' | 'AuthRevRes';
  readonly types: Parameters<typeof signAndSeal>[0]['types'];
  readonly content: Uint8Array;
}

function sealAnswer({ keys, request, recipient, random }: ToMerchant, { message, types, content }: Answer): Part {
  const binding: Binding = { direction: 'gatewayToMerchant', message, recipients: [recipient.thumb], request };
  return signAndSeal({ types, content, binding, signer: keys.signing, recipient, random });
}

function wrap({ tags, nowMs }: ToMerchant, name: 'AuthRes' | 'AuthRevRes', body: Part): Uint8Array {
  const { authRRTags, transIds } = tags;
  return encodeMessage({ name, body, nowMs, messageIds: messageIdsOf(transIds), rrpid: authRRTags.rrpid });
}
