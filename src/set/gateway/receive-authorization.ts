/**
 * The gateway checks AuthReq as far as it can without its memory: seal, merchant, instruction, dual signature, card, and that all of
 * them speak of one purchase (notes on SET, "Authorization"). It never sees the order, only its hash.
 */
import { decodeDer } from '../../codec/der.ts';
import { equalBytes } from '../../codec/hex.ts';
import { compareAmounts } from '../../money/amount.ts';
import type { Certificate } from '../../pki/certificate.ts';
import type { AuthCode } from '../message/authorization-code.ts';
import { type AuthReqTbs, decodeAuthReq, decodeAuthReqTbs } from '../message/authorization-request.ts';
import { type Binding, digestRequest, requireBinding } from '../message/binding.ts';
import { MAX_FIELD_MINOR } from '../message/card-message-codec.ts';
import { isCertificateOfCard } from '../message/cardholder-identity.ts';
import { digestContent } from '../message/content-digest.ts';
import { contentTypes } from '../message/content-types.ts';
import { sameAmount } from '../message/currency-amount.ts';
import { verifyDual } from '../message/dual-signature.ts';
import { sameGateway } from '../message/gateway-identity.ts';
import { openInstruction } from '../message/instruction-seal.ts';
import { requireUnderstood } from '../message/message-extension.ts';
import type { Message } from '../message/message-wrapper.ts';
import {
  decodePI,
  digestPIData,
  type PanData,
  type PIHead,
  panDataType,
  piHeadType,
} from '../message/payment-instruction.ts';
import { requireHeaderMatches } from '../message/receive.ts';
import { openSealedSignature } from '../message/sealed-signature.ts';
import { asCryptographic, SetError } from '../message/set-error.ts';
import type { SignedContent } from '../message/signed-content.ts';
import { messageIdsOf, sameTransaction } from '../message/transaction.ts';
import type { Cardholder, Merchant, Trust } from '../message/trust.ts';
import type { GatewayKeys } from './gateway-keys.ts';

export interface GatewayContext {
  readonly keys: GatewayKeys;
  readonly trust: Trust;
  readonly atMs: number;
}

/** Whoever asked, and the certificate the answer is to be sealed to. */
export interface Asker {
  readonly merchant: Merchant;
  readonly encryption: Certificate;
}

export interface ReceivedAuthReq extends Asker {
  readonly data: AuthReqTbs['authReqData'];
  readonly piHead: PIHead;
  /** Secret: goes to the acquirer and nowhere else. */
  readonly panData: PanData;
  readonly hPI: Uint8Array;
  /** Hash of the whole request, for the answer. */
  readonly hash: Uint8Array;
  /** Why it is declined without asking anybody, if it is. */
  readonly verdict: AuthCode | undefined;
}

/** @throws DerError, SetError or CryptographicError. */
export function receiveAuthReq({ header, message, der }: Message, context: GatewayContext): ReceivedAuthReq {
  const { sealed, pi } = decodeAuthReq(message.value);
  const types = { signed: contentTypes.authReqTbs, sealed: contentTypes.authReqTbe };
  const signed = openFromMerchant(sealed, { message: 'AuthReq', types }, context);
  return asCryptographic(() => {
    const { authReqData: data, hPI } = decodeAuthReqTbs(signed.content);
    const { authTags, authReqPayload } = data.authReqItem;
    requireHeaderMatches(header, {
      rrpid: authTags.authRRTags.rrpid,
      messageIds: messageIdsOf(authTags.transIds),
    });
    requireUnderstood(authReqPayload.aRqExtensions);
    if (!equalBytes(hPI, digestContent(contentTypes.pi, pi))) {
      throw new SetError('signatureFailure', 'the merchant signed for another payment instruction');
    }
    const asker = identify(signed, authTags.authRRTags.merTermIds.merchantId, context);
    const instruction = openPI(pi, asker, context);
    return {
      ...asker,
      ...{ data, hPI },
      hash: digestRequest(der),
      piHead: instruction.piHead,
      panData: instruction.panData,
      verdict: compare(data, instruction, asker, context.atMs),
    };
  });
}

interface Expected {
  readonly message: 'AuthReq' | 'AuthRevReq';
  readonly types: Parameters<typeof openSealedSignature>[1]['types'];
}

/** Opens what a merchant sealed to this gateway. @throws CryptographicError */
export function openFromMerchant(
  sealed: Uint8Array,
  expected: Expected,
  { keys, trust }: GatewayContext,
): SignedContent {
  const recipients = [keys.encryption.certificate.thumb];
  const binding: Binding = { direction: 'merchantToGateway', message: expected.message, recipients };
  return asCryptographic(() => {
    const signed = openSealedSignature(sealed, {
      ...{ types: expected.types, binding },
      holder: keys.encryption,
      certificates: trust.certificates,
    });
    requireBinding(signed.binding, binding);
    return signed;
  });
}

/** Who signed, and its certificate to seal the answer to. @throws HandselError, to be made a CryptographicError */
export function identify(signed: SignedContent, merchantId: string, { trust, atMs }: GatewayContext): Asker {
  const { signer: leaf, pool } = signed;
  const merchant = trust.merchant({ leaf, pool, use: 'signature', atMs });
  if (merchant.merchantId !== merchantId) {
    throw new SetError('signatureFailure', `signed by ${merchant.merchantId} in the name of ${merchantId}`);
  }
  const encryption = pool.find(
    ({ subject, keyUsage }) => equalBytes(subject.der, leaf.subject.der) && !keyUsage?.has('digitalSignature'),
  );
  if (encryption === undefined) throw new SetError('missingCertificate', 'no certificate to seal the answer to');
  trust.merchant({ leaf: encryption, pool, use: 'encryption', atMs });
  return { merchant, encryption };
}

interface Instruction {
  readonly piHead: PIHead;
  readonly panData: PanData;
  readonly hOIData: Uint8Array;
  readonly cardholder: Cardholder;
}

/** Opens the instruction and checks that a cardholder signed it for this gateway and this merchant, with a card of their own. */
function openPI(der: Uint8Array, { merchant }: Asker, { keys, trust, atMs }: GatewayContext): Instruction {
  const pi = decodePI(der);
  if (pi.type !== 'piDualSigned') throw new SetError('signatureRequired', 'payment instructions must be signed');
  const { piOILink, panData: panDataDer } = openInstruction(pi.value.exPIData, keys.encryption);
  const hashes = { hPIData: digestPIData({ piHead: piOILink.piHead, panData: panDataDer }), hOIData: piOILink.hOIData };
  const peThumb = keys.encryption.certificate.thumb;
  const recipients = { merchantThumb: merchant.certificate.thumb, peThumb };
  const cardholder = verifyDual(pi.value.piSignature, hashes, { recipients, trust, atMs });

  const piHead = decodeDer(piHeadType, piOILink.piHead);
  requireUnderstood(piHead.piExtensions);
  if (!sameGateway(piHead.gateway, { gatewayId: keys.gatewayId, peThumb })) {
    throw new SetError('signatureFailure', 'the instruction is meant for another gateway');
  }
  const panData = decodeDer(panDataType, panDataDer);
  const card = { pan: panData.pan, expiry: panData.cardExpiry };
  if (!isCertificateOfCard(cardholder.certificate, card, panData.panSecret)) {
    throw new SetError('signatureFailure', 'the card is not the one the cardholder is certified for');
  }
  return { piHead, panData, hOIData: piOILink.hOIData, cardholder };
}

/** Where cardholder and merchant, both authentic, do not mean the same purchase, the answer is a decline and no error. */
function compare(
  data: AuthReqTbs['authReqData'],
  { piHead, panData, hOIData, cardholder }: Instruction,
  { merchant }: Asker,
  atMs: number,
): AuthCode | undefined {
  const { authTags, checkDigests, authReqPayload } = data.authReqItem;
  const { purchAmt, authReqAmt, installRecurData } = authReqPayload;
  if (cardholder.brandId !== merchant.brandId) return 'cardMerchBrandMismatch';
  const samePurchase =
    sameTransaction(piHead.transIds, authTags.transIds) &&
    piHead.merchantId === merchant.merchantId &&
    equalBytes(checkDigests.hOIData, hOIData) &&
    equalBytes(checkDigests.hod2, piHead.inputs.hod);
  if (!samePurchase) return 'piAuthMismatch';
  // Nothing recurring is authorized here, neither side may ask for it.
  if (installRecurData !== undefined || piHead.installRecurData !== undefined) return 'installRecurMismatch';
  if (authReqPayload.subsequentAuthInd) return 'invalidTransaction';
  if (!sameAmount(purchAmt, piHead.inputs.purchAmt) || authReqAmt.currency !== purchAmt.currency) return 'amountError';
  if (authReqAmt.minor === 0n || compareAmounts(authReqAmt, purchAmt) > 0) return 'amountError';
  if (authReqAmt.minor > MAX_FIELD_MINOR) return 'amountError';
  if (!merchant.authorized) return 'invalidTransaction';
  return hasExpired(panData.cardExpiry, atMs) ? 'expiredCard' : undefined;
}

/** A card is good to the end of its month, UTC. */
function hasExpired(cardExpiry: string, atMs: number): boolean {
  return atMs >= Date.UTC(Number(cardExpiry.slice(0, 4)), Number(cardExpiry.slice(4)), 1);
}
