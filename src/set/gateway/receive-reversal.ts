/** The gateway checks AuthRevReq: by the merchant to whom it gave the CapToken, and opens that token again (notes on SET, "Authorization"). */
import { encodeDer, part } from '../../codec/der.ts';
import { equalBytes } from '../../codec/hex.ts';
import type { Random } from '../../crypto/random.ts';
import type { AuthRevCode } from '../message/authorization-code.ts';
import { type AuthRevReqTbs, decodeAuthRevReq, decodeAuthRevReqTbs } from '../message/authorization-reversal.ts';
import { type Binding, digestRequest, requireBinding } from '../message/binding.ts';
import { type CapTokenData, decodeCapTokenData, encodeCapTokenData } from '../message/cap-token.ts';
import { digestContent } from '../message/content-digest.ts';
import { contentTypes } from '../message/content-types.ts';
import { requireUnderstood } from '../message/message-extension.ts';
import type { Message } from '../message/message-wrapper.ts';
import { requireHeaderMatches } from '../message/receive.ts';
import { openSealedSignature, signAndSeal } from '../message/sealed-signature.ts';
import { asCryptographic, SetError } from '../message/set-error.ts';
import { messageIdsOf } from '../message/transaction.ts';
import type { Trust } from '../message/trust.ts';
import type { GatewayKeys } from './gateway-keys.ts';
import { type Asker, type GatewayContext, identify, openFromMerchant } from './receive-authorization.ts';

const TOKEN_TYPES = { signed: contentTypes.capTokenTbs, sealed: contentTypes.capTokenTbe };

export interface ReceivedAuthRevReq extends Asker {
  readonly data: AuthRevReqTbs['authRevReqData'];
  readonly token: CapTokenData;
  /** Hash of the whole request, for the answer. */
  readonly hash: Uint8Array;
  /** Why it is refused without asking anybody, if it is. */
  readonly verdict: AuthRevCode | undefined;
}

/** @throws DerError, SetError or CryptographicError. */
export function receiveAuthRevReq({ header, message, der }: Message, context: GatewayContext): ReceivedAuthRevReq {
  const { sealed, capToken } = decodeAuthRevReq(message.value);
  const types = { signed: contentTypes.authRevReqTbs, sealed: contentTypes.authRevReqTbe };
  const signed = openFromMerchant(sealed, { message: 'AuthRevReq', types }, context);
  return asCryptographic(() => {
    const { authRevReqData: data, hBaggage } = decodeAuthRevReqTbs(signed.content);
    const { authRRTags, transIds } = data.authRevTags;
    requireHeaderMatches(header, { rrpid: authRRTags.rrpid, messageIds: messageIdsOf(transIds) });
    requireUnderstood(data.aRvRqExtensions);
    if (!equalBytes(hBaggage, digestContent(contentTypes.authRevReqBaggage, capToken))) {
      throw new SetError('signatureFailure', 'the merchant signed for another CapToken');
    }
    const asker = identify(signed, authRRTags.merTermIds.merchantId, context);
    const token = openCapToken(capToken, context.keys, context.trust);
    return { ...asker, data, token, hash: digestRequest(der), verdict: compare(data, token, asker) };
  });
}

function compare(
  data: AuthRevReqTbs['authRevReqData'],
  token: CapTokenData,
  { merchant }: Asker,
): AuthRevCode | undefined {
  const own = token.merchantId === merchant.merchantId && equalBytes(token.xid, data.authRevTags.transIds.xid);
  if (!own) return 'invalidCapToken';
  // Only the whole authorization can be given back; a smaller capture makes the rest free by itself.
  return data.authNewAmt.minor === 0n ? undefined : 'unspecifiedFailure';
}

export function makeCapToken(data: CapTokenData, keys: GatewayKeys, random: Random): Uint8Array {
  const sealed = signAndSeal({
    types: TOKEN_TYPES,
    content: encodeCapTokenData(data),
    binding: toItself(keys),
    signer: keys.signing,
    recipient: keys.encryption.certificate,
    random,
  });
  return encodeDer(part(), sealed);
}

function openCapToken(capToken: Uint8Array, keys: GatewayKeys, { certificates }: Trust): CapTokenData {
  const { signing, encryption } = keys;
  const signed = openSealedSignature(capToken, {
    ...{ types: TOKEN_TYPES, binding: toItself(keys), certificates },
    holder: encryption,
  });
  requireBinding(signed.binding, toItself(keys));
  if (!equalBytes(signed.signer.der, signing.certificate.der)) {
    throw new SetError('signatureFailure', 'the CapToken is not of this gateway');
  }
  return decodeCapTokenData(signed.content);
}

function toItself({ encryption }: GatewayKeys): Binding {
  return { direction: 'gatewayToGateway', message: 'AuthRes', recipients: [encryption.certificate.thumb] };
}
