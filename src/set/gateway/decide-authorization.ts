/** The gateway decides about AuthReq and AuthRevReq: each instruction once, each authorization undone at most once. */
import { decodeDer, encodeDer } from '../../codec/der.ts';
import { fromHex, toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Decision, Env } from '../../journal/machine.ts';
import { amountOf } from '../../money/amount.ts';
import type { AuthCode, AuthRevCode } from '../message/authorization-code.ts';
import { type AuthTags, authTagsType } from '../message/authorization-request.ts';
import type { CardResponse } from '../message/card-message.ts';
import { nextStan, retrievalReferenceOf } from '../message/card-message-identity.ts';
import { sameAmount } from '../message/currency-amount.ts';
import { newNonce } from '../message/identifiers.ts';
import { RESPONSE_CODES } from '../message/response-code.ts';
import type { Trust } from '../message/trust.ts';
import { encodeAuthorizationAnswer, encodeReversalAnswer } from './answer-merchant.ts';
import {
  type GatewayRecord,
  type GatewayState,
  type OpenRequest,
  purchaseKey,
  type UsedInstruction,
} from './authorization.ts';
import {
  authCodeOf,
  authorizeMessage,
  nextTransmission,
  openCard,
  reverseMessage,
  sealCard,
  splitKey,
} from './card-network.ts';
import type { GatewayKeys, NetworkNames } from './gateway-keys.ts';
import type { ReceivedAuthReq } from './receive-authorization.ts';
import { makeCapToken, type ReceivedAuthRevReq } from './receive-reversal.ts';

export interface GatewayTimes {
  /** How long after PReqDate an instruction can be used, and so how long it must be remembered. */
  readonly instructionMs: number;
  /** How long the network has to answer. */
  readonly networkWaitMs: number;
  /** How long an authorization that is not captured can be given back. */
  readonly authorizationMs: number;
}

export interface Context {
  readonly keys: GatewayKeys;
  readonly names: NetworkNames;
  readonly trust: Trust;
  readonly times: GatewayTimes;
  readonly env: Env;
}

export type GatewayDecision = Decision<GatewayRecord>;

export function authorize(
  state: GatewayState,
  { messageId, request }: { readonly messageId: string; readonly request: ReceivedAuthReq },
  context: Context,
): GatewayDecision {
  const { keys, names, times, env } = context;
  const { data, merchant, encryption, panData } = request;
  const { authTags, authReqPayload } = data.authReqItem;
  const { merchantId } = merchant;
  const key = purchaseKey(merchantId, toHex(authTags.transIds.xid));
  const hPI = toHex(request.hPI);
  const decline = (authCode: AuthCode) =>
    encodeAuthorizationAnswer({
      ...{ keys, tags: authTags, request: request.hash, recipient: encryption, authCode },
      ...{ amount: authReqPayload.authReqAmt, captured: false, random: env.random, nowMs: env.nowMs },
    });

  if (state.used.has(key) || state.held.has(key) || state.instructions.has(hPI)) {
    return { records: [], answer: decline('piPreviouslyUsed') };
  }
  // One dated ahead, which a merchant can bring about, passes for timely that much longer.
  const aheadMs = Math.min(Math.max(request.piHead.transIds.preqDate.getTime() - env.nowMs, 0), times.instructionMs);
  const untilMs = env.nowMs + aheadMs + times.instructionMs;
  const verdict = request.verdict ?? verdictOf(request, context);
  if (verdict !== undefined) {
    const used: UsedInstruction = { status: 'declined', hPI, untilMs };
    return { records: [{ type: 'declined', atMs: env.nowMs, key, used }], answer: decline(verdict) };
  }

  const open: OpenRequest = {
    ...{ key, kind: 'authorization', messageId, captureNow: data.captureNow },
    tags: encodeDer(authTagsType, authTags),
    request: toHex(request.hash),
    hod: toHex(request.piHead.inputs.hod),
    recipient: toHex(encryption.thumb),
    amount: authReqPayload.authReqAmt,
    network: nextTransmission(nextStan(state.stan), env.nowMs),
    card: sealCard(panData, keys.storageKey, env.random),
  };
  const network = { names, storageKey: keys.storageKey, random: env.random };
  return {
    records: [
      ...introduce(state, open.recipient, encryption.der),
      { type: 'opened', atMs: env.nowMs, used: { status: 'open', hPI, untilMs }, request: open },
    ],
    keys: [key],
    send: [authorizeMessage({ ...open, expiresAtMs: env.nowMs + times.networkWaitMs }, panData, network)],
  };
}

/**
 * Nothing is charged under this transaction any more, unless something was already. Whoever paid and heard nothing more asks for it: then
 * it is paid, or never will be.
 */
export function voidUnused(state: GatewayState, key: string, { times, env }: Context): GatewayDecision {
  if (state.used.has(key) || state.held.has(key)) return { records: [] };
  // An instruction may be dated ahead by as long as it is good for.
  const used: UsedInstruction = { status: 'declined', hPI: '', untilMs: env.nowMs + 2 * times.instructionMs };
  return { records: [{ type: 'declined', atMs: env.nowMs, key, used }] };
}

/** A merchant that is cut off, and an instruction that is older than what is remembered, or from the future. */
function verdictOf({ merchant, piHead }: ReceivedAuthReq, { names, times, env }: Context): AuthCode | undefined {
  const ageMs = env.nowMs - piHead.transIds.preqDate.getTime();
  const timely = Math.abs(ageMs) < times.instructionMs;
  return names.acceptorOf(merchant.merchantId) !== undefined && timely ? undefined : 'invalidTransaction';
}

function introduce({ merchants }: GatewayState, thumb: string, der: Uint8Array): GatewayRecord[] {
  return merchants.has(thumb) ? [] : [{ type: 'merchant', thumb, der }];
}

/**
 * The network has answered, or it is silent: then it is told to undo whatever it did.
 * @throws HandselError when the answer is to something else, so that the same message is sent again.
 */
export function conclude(
  state: GatewayState,
  { key, response }: { readonly key: string; readonly response: CardResponse | undefined },
  context: Context,
): GatewayDecision {
  const open = state.open.get(key);
  if (open === undefined) return { records: [] };
  if (response !== undefined && !isAnswerTo(open, response)) {
    throw new HandselError('CARD_NETWORK_ANSWER_UNFIT', 'the network answers something else than was asked');
  }
  if (open.kind === 'reversal') return concludeReversal(state, open, response, context);

  const { env, times } = context;
  const authCode = response === undefined ? 'noReply' : authCodeOf(response.responseCode);
  const status = authCode !== 'approved' ? 'declined' : open.captureNow ? 'captured' : 'authorized';
  const lastsMs = status === 'authorized' ? times.authorizationMs : times.instructionMs;
  return {
    records: [{ type: 'closed', key, status, untilMs: rememberedUntil(state, key, env.nowMs + lastsMs) }],
    keys: [key],
    answers: [{ messageId: open.messageId, body: answerAuthorization(state, open, { authCode, response, context }) }],
    ...(response === undefined && { send: [undo(open, context)] }),
  };
}

/** Never less long than was decided when the instruction was first seen. */
function rememberedUntil({ used, held }: GatewayState, key: string, untilMs: number): number {
  return Math.max(untilMs, (used.get(key) ?? held.get(key))?.untilMs ?? 0);
}

/** What is approved must be just what was asked for; a refusal need not repeat it. */
function isAnswerTo({ key, kind, captureNow, amount, network }: OpenRequest, response: CardResponse): boolean {
  const type = kind === 'reversal' ? 'reverse' : captureNow ? 'purchase' : 'authorise';
  const { stan, transmittedAt } = network;
  if (response.type !== type || response.stan !== stan || response.transmittedAt !== transmittedAt) return false;
  if (response.responseCode !== RESPONSE_CODES.approved) return true;
  const reference = retrievalReferenceOf(fromHex(splitKey(key)[1]));
  return (
    response.amount !== undefined && sameAmount(response.amount, amount) && response.retrievalReference === reference
  );
}

interface Conclusion {
  readonly authCode: AuthCode;
  readonly response: CardResponse | undefined;
  readonly context: Context;
}

function answerAuthorization(state: GatewayState, open: OpenRequest, { authCode, response, context }: Conclusion) {
  const { keys, env } = context;
  const { amount, captureNow } = open;
  const approved = authCode === 'approved';
  const approvalCode = response?.approvalCode;
  return encodeAuthorizationAnswer({
    ...answerParts(state, open, context),
    ...{ keys, authCode, amount, captured: approved && captureNow, random: env.random, nowMs: env.nowMs },
    ...(approvalCode && { approvalCode }),
    logRefId: retrievalReferenceOf(fromHex(splitKey(open.key)[1])),
    ...(approved && !captureNow && { capToken: tokenFor(open, approvalCode, context) }),
  });
}

/** What the answer to a request needs of its opening. */
function answerParts({ merchants }: GatewayState, { tags, request, recipient }: OpenRequest, { trust }: Context) {
  return {
    tags: decodeDer(authTagsType, tags),
    request: fromHex(request),
    recipient: trust.certificates.read(merchants.get(recipient)!),
  };
}

function tokenFor(open: OpenRequest, approvalCode: string | undefined, { keys, env }: Context): Uint8Array {
  const { transIds, authRRTags } = decodeDer(authTagsType, open.tags);
  const { pan, cardExpiry } = openCard(open.card, keys.storageKey);
  return makeCapToken(
    {
      ...{ authRrpid: authRRTags.rrpid, xid: transIds.xid, merchantId: authRRTags.merTermIds.merchantId },
      authAmt: open.amount,
      network: { ...open.network, ...(approvalCode && { approvalCode }) },
      panToken: { pan, cardExpiry, exNonce: newNonce(env.random) },
    },
    keys,
    env.random,
  );
}

/** Nobody knows whether the issuer approved: the reversal makes sure that nothing stays held or captured. */
function undo(open: OpenRequest, { keys, names, env }: Context) {
  const card = openCard(open.card, keys.storageKey);
  return reverseMessage(
    { ...open, network: nextTransmission(open.network.stan, env.nowMs) },
    { ...open.network, captureNow: open.captureNow },
    { names, storageKey: keys.storageKey, random: env.random, card },
  );
}

export function reverse(
  state: GatewayState,
  { messageId, request }: { readonly messageId: string; readonly request: ReceivedAuthRevReq },
  context: Context,
): GatewayDecision {
  const { keys, names, env } = context;
  const { data, token, encryption, verdict } = request;
  const key = purchaseKey(token.merchantId, toHex(token.xid));
  const tags: AuthTags = data.authRevTags;
  const refusal = verdict ?? refusalOf(state, key);
  if (refusal !== undefined) {
    const body = encodeReversalAnswer({
      ...{ keys, tags, request: request.hash, recipient: encryption, authRevCode: refusal },
      ...{ remaining: token.authAmt, random: env.random, nowMs: env.nowMs },
    });
    return { records: [], answer: body };
  }

  const { pan, cardExpiry } = token.panToken;
  const open: OpenRequest = {
    ...{ key, kind: 'reversal', messageId, captureNow: false, amount: token.authAmt },
    tags: encodeDer(authTagsType, tags),
    request: toHex(request.hash),
    recipient: toHex(encryption.thumb),
    network: nextTransmission(nextStan(state.stan), env.nowMs),
    card: sealCard({ pan, cardExpiry }, keys.storageKey, env.random),
  };
  const { transmittedAt, stan, approvalCode } = token.network;
  const original = { transmittedAt, stan, captureNow: false, ...(approvalCode && { approvalCode }) };
  const network = { names, storageKey: keys.storageKey, random: env.random, card: { pan, cardExpiry } };
  return {
    records: [...introduce(state, open.recipient, encryption.der), { type: 'reversing', request: open }],
    keys: [key],
    send: [reverseMessage(open, original, network)],
  };
}

/** Why an authorization cannot be given back: a CapToken works once. */
function refusalOf({ open, held, used }: GatewayState, key: string): AuthRevCode | undefined {
  if (open.has(key)) return 'duplicateRequest';
  if (held.has(key)) return undefined;
  return used.has(key) ? 'originalProcessed' : 'originalNotFound';
}

function concludeReversal(
  state: GatewayState,
  open: OpenRequest,
  response: CardResponse | undefined,
  context: Context,
): GatewayDecision {
  const { keys, times, env } = context;
  const code = response?.responseCode;
  const done = code === RESPONSE_CODES.approved;
  // Anything but these two leaves the authorization as it was: it can be given back another time.
  const status = done || code === RESPONSE_CODES.recordNotFound ? 'reversed' : 'authorized';
  const refusal = status === 'reversed' ? 'originalNotFound' : 'unspecifiedFailure';
  const { currency } = open.amount;
  const untilMs = rememberedUntil(state, open.key, env.nowMs + times.instructionMs);
  const body = encodeReversalAnswer({
    ...answerParts(state, open, context),
    ...{ keys, authRevCode: done ? 'success' : refusal },
    ...{ remaining: done ? amountOf(currency, 0n) : open.amount, random: env.random, nowMs: env.nowMs },
  });
  return {
    records: [{ type: 'closed', key: open.key, status, untilMs }],
    keys: [open.key],
    answers: [{ messageId: open.messageId, body }],
  };
}
