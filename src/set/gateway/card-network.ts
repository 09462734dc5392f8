/** The gateway towards the acquirer's network: card messages out, with the card sealed on the way into the journal, and answers in. */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { fromHex, utf8 } from '../../codec/hex.ts';
import type { Random } from '../../crypto/random.ts';
import { open, seal } from '../../crypto/sealing.ts';
import type { Courier } from '../../journal/courier.ts';
import type { Outgoing } from '../../journal/machine.ts';
import type { AuthCode } from '../message/authorization-code.ts';
import type { CardTransaction } from '../message/card-message.ts';
import { encodeCardRequest } from '../message/card-message-codec.ts';
import { retrievalReferenceOf, transmissionTime } from '../message/card-message-identity.ts';
import { RESPONSE_CODES } from '../message/response-code.ts';
import type { NetworkRequest, OpenRequest } from './authorization.ts';
import type { NetworkNames } from './gateway-keys.ts';

export interface CardData {
  readonly pan: string;
  /** YYYYMM */
  readonly cardExpiry: string;
}

const CARD_LABEL = utf8('Handsel gateway card');

/** Card data as it lies in the journal. */
export function sealCard({ pan, cardExpiry }: CardData, key: Uint8Array, random: Random): Uint8Array {
  return seal({ key, plaintext: encodeCbor([pan, cardExpiry]), associatedData: CARD_LABEL, random });
}

/** @throws CryptographicError */
export function openCard(sealed: Uint8Array, key: Uint8Array): CardData {
  const [pan, cardExpiry] = decodeCbor(open({ key, sealed, associatedData: CARD_LABEL })) as readonly [string, string];
  return { pan, cardExpiry };
}

export interface NetworkContext {
  readonly names: NetworkNames;
  readonly storageKey: Uint8Array;
  readonly random: Random;
}

type Named = Pick<OpenRequest, 'key' | 'amount' | 'network'>;

/** 0100 or 0200. Given up after the wait, because the cardholder waits too. */
export function authorizeMessage(
  request: Named & { readonly captureNow: boolean; readonly expiresAtMs: number },
  card: CardData,
  context: NetworkContext,
): Outgoing {
  const { captureNow, expiresAtMs } = request;
  const body = encodeCardRequest({ type: typeOf(captureNow), ...transactionOf(request, card, context) });
  return { ...outgoing({ name: 'authorize', request, body }, context), expiresAtMs };
}

/** 0420, repeated until the acquirer has taken it. */
export function reverseMessage(
  request: Named,
  original: NetworkRequest & { readonly captureNow: boolean; readonly approvalCode?: string },
  { card, ...context }: NetworkContext & { readonly card: CardData },
): Outgoing {
  const { captureNow, approvalCode, transmittedAt, stan } = original;
  const body = encodeCardRequest({
    type: 'reverse',
    ...transactionOf(request, card, context),
    original: { type: typeOf(captureNow), transmittedAt, stan },
    ...(approvalCode && { approvalCode }),
  });
  return outgoing({ name: 'reverse', request, body }, context);
}

/** 0220 with processing code 20, repeated until the acquirer has taken it. */
export function creditMessage(
  request: Named & { readonly reference: string },
  original: Pick<OpenRequest, 'network' | 'captureNow'>,
  { card, ...context }: NetworkContext & { readonly card: CardData },
): Outgoing {
  const body = encodeCardRequest({
    type: 'credit',
    ...transactionOf(request, card, context),
    original: { type: typeOf(original.captureNow), ...original.network },
  });
  return outgoing({ name: 'credit', request, body, reference: request.reference }, context);
}

const typeOf = (captureNow: boolean) => (captureNow ? 'purchase' : 'authorise');

function transactionOf({ key, amount, network }: Named, card: CardData, { names }: NetworkContext): CardTransaction {
  const [merchantId, xid] = splitKey(key);
  const { acquirerId, terminalId, acceptorOf } = names;
  return {
    ...network,
    ...{ acquirerId, terminalId, amount },
    retrievalReference: retrievalReferenceOf(fromHex(xid)),
    merchantId: acceptorOf(merchantId) ?? merchantId,
    pan: card.pan,
    expiry: card.cardExpiry.slice(2),
  };
}

/** XIDs are hexadecimal, so the last slash divides. */
export function splitKey(key: string): readonly [merchantId: string, xid: string] {
  const at = key.lastIndexOf('/');
  return [key.slice(0, at), key.slice(at + 1)];
}

interface Body {
  readonly name: 'authorize' | 'reverse' | 'credit';
  readonly request: Named;
  readonly body: Uint8Array;
  /** Of a credit. */
  readonly reference?: string;
}

const KINDS = { authorize: 'CardAuthorization', reverse: 'CardReversal', credit: 'CardCredit' } as const;

function outgoing({ name, request, body, reference }: Body, { names, storageKey, random }: NetworkContext): Outgoing {
  const id = `network/${name}/${request.network.stan}/${request.key}${reference === undefined ? '' : `/${reference}`}`;
  return {
    id,
    to: names.route,
    kind: KINDS[name],
    body: seal({ key: storageKey, plaintext: body, associatedData: utf8(id), random }),
  };
}

/** Reads what `outgoing` wrote as id. */
export function readNetworkId(id: string): { readonly name: string; readonly key: string } | undefined {
  const [prefix, name, , ...key] = id.split('/');
  return prefix === 'network' && name !== undefined ? { name, key: key.join('/') } : undefined;
}

export function nextTransmission(stan: number, nowMs: number): NetworkRequest {
  return { stan, transmittedAt: transmissionTime(nowMs) };
}

const AUTH_CODES: Readonly<Record<string, AuthCode>> = {
  [RESPONSE_CODES.approved]: 'approved',
  [RESPONSE_CODES.doNotHonour]: 'declined',
  [RESPONSE_CODES.noSuchIssuer]: 'declined',
  [RESPONSE_CODES.expiredCard]: 'expiredCard',
  [RESPONSE_CODES.invalidAmount]: 'amountError',
  [RESPONSE_CODES.invalidMerchant]: 'invalidTransaction',
  [RESPONSE_CODES.invalidTransaction]: 'invalidTransaction',
  [RESPONSE_CODES.issuerInoperative]: 'noReply',
  [RESPONSE_CODES.formatError]: 'systemError',
  [RESPONSE_CODES.systemMalfunction]: 'systemError',
};

export function authCodeOf(responseCode: string): AuthCode {
  return AUTH_CODES[responseCode] ?? 'unspecifiedFailure';
}

/**
 * Opens the card messages of the gateway's outbox just before they leave, so that no journal holds a card number in clear.
 * Everything else is passed on as it is.
 */
export function createCardCourier({
  courier,
  storageKey,
}: {
  readonly courier: Courier;
  readonly storageKey: Uint8Array;
}): Courier {
  return {
    deliver(message, attempt) {
      if (readNetworkId(message.id) === undefined) return courier.deliver(message, attempt);
      const body = open({ key: storageKey, sealed: message.body, associatedData: utf8(message.id) });
      return courier.deliver({ ...message, body }, attempt);
    },
  };
}

/** Acceptor numbers where SET's merchant identifiers are used in the network too: those that fit its field. */
export function acceptorByMerchantId(merchantId: string): string | undefined {
  return /^[!-~]{1,15}$/.test(merchantId) ? merchantId : undefined;
}
