/** A merchant agent's side of a negotiation on its platform: hears an offer or an acceptance, answers with its own. */
import { equalBytes, toHex, utf8 } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { linkOf, readMessage } from '../../crypto/signed-message.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { merchantSpace } from '../merchant/merchant-utility.ts';
import { goodBySku, pricingOf } from '../merchant/propose.ts';
import { composeAgreement, orderIdOf, termsOf } from '../message/agreement.ts';
import type { Lot } from '../message/call-for-proposals.ts';
import { acceptanceType, endingType, type Offer, offerType } from '../message/offer.ts';
import { assertBid, type Bid, type Issue } from '../negotiation/issue.ts';
import { bidOf, issueNames, publicIssues, valuesOf } from '../negotiation/lot-issues.ts';
import { strategyByName } from '../negotiation/strategy-by-name.ts';
import type { UtilitySpace } from '../negotiation/utility.ts';
import { type Deciding, type Draft, leafOf, signAs } from './decision-draft.ts';
import { PlatformError } from './platform-error.ts';
import type { MerchantAgent, OpenCall, Proposed, Talk } from './platform-state.ts';

export function negotiationId(call: string, agent: string, lot: string): string {
  return toHex(sha256(utf8(`${call}\n${agent}\n${lot}`))).slice(0, 32);
}

interface Scene {
  readonly call: OpenCall;
  readonly proposed: Proposed;
  readonly lot: Lot;
  readonly merchant: MerchantAgent;
  readonly talk: Talk | undefined;
}

/** Everything about the negotiation a message belongs to. @throws PlatformError when it is unknown, over or not here */
function sceneOf(context: Deciding, negotiation: string, opens: Offer['opens']): Scene {
  const { state, env } = context;
  const talk = state.talks.get(negotiation);
  const call = state.calls.get(talk?.call ?? opens?.call ?? '');
  const merchantId = talk?.merchant ?? opens?.agent ?? '';
  const lotId = talk?.lot ?? opens?.lot ?? '';
  const proposed = call?.proposals.get(merchantId);
  const merchant = state.merchants.get(merchantId);
  const lot = proposed?.value.lots.find(({ id }) => id === lotId);
  if (
    !call ||
    !lot ||
    !merchant ||
    proposed?.via !== null ||
    negotiation !== negotiationId(call.id, merchantId, lotId)
  ) {
    throw new PlatformError('NEGOTIATION_UNKNOWN', 'there is no such negotiation here');
  }
  if (env.nowMs >= call.value.deadlineMs) throw new PlatformError('NEGOTIATION_CLOSED', 'the deadline has passed');
  return { call, proposed, lot, merchant, talk };
}

/** @param own true for an offer of a customer hosted here: recorded already when it was made */
export function hearOffer(context: Deciding, draft: Draft, bytes: Uint8Array, own = false): void {
  const message = readMessage(offerType, bytes);
  const offer = message.value;
  const scene = sceneOf(context, offer.negotiation, offer.opens);
  const { call, proposed, lot, merchant, talk } = scene;
  if (own && talk?.offers.at(-1)?.bytes !== bytes) return;
  const before = (own ? talk?.offers.slice(0, -1) : talk?.offers) ?? [];
  if (talk && talk.status !== 'open') throw new PlatformError('NEGOTIATION_CLOSED', 'the negotiation is over');
  if (before.length % 2 !== 0) throw new PlatformError('NEGOTIATION_OUT_OF_TURN', 'it is the other side’s turn');
  const previous = before.at(-1)?.bytes ?? proposed.bytes;
  if (!equalBytes(offer.previous, linkOf(previous))) {
    throw new PlatformError('NEGOTIATION_CHAIN_BROKEN', 'the offer does not follow the message before it');
  }
  const round = before.length / 2;
  if (offer.round !== round || round >= call.value.rounds || (offer.opens !== undefined) !== (round === 0)) {
    throw new PlatformError('NEGOTIATION_OUT_OF_TURN', 'the offer is of another round');
  }
  message.requireSignature(leafOf(call.customerChain).publicKey);
  const known = publicIssues(lot);
  const bid = bidOf(known, offer.values);
  assertBid(known, bid);

  const negotiation = offer.negotiation;
  if (!own) draft.records.push({ t: 'offered', talk: negotiation, offer: bytes });
  const head = linkOf(bytes);
  const bids = bidsOf(
    known,
    before.map(({ value }) => value),
  );
  const { space, strategy } = mindOf(merchant, lot, call.value.quantity);
  const move = strategy.move({
    space,
    own: bids.second,
    theirs: [...bids.first, bid],
    round,
    rounds: call.value.rounds,
  });

  if (move.type === 'offer') {
    const counter: Offer = { negotiation, round, values: valuesOf(known, move.bid), previous: head };
    const answer = signAs(context, merchant, offerType, counter);
    draft.records.push({ t: 'offered', talk: negotiation, offer: answer });
    reply(scene, draft, answer);
    return;
  }
  if (move.type === 'accept' && inStock(merchant, lot)) {
    const terms = sha256(termsOf({ call: call.value, proposal: proposed.value, lot: lot.id, offer, chainHead: head }));
    const answer = signAs(context, merchant, acceptanceType, { negotiation, terms, previous: head });
    draft.records.push({ t: 'accepted', talk: negotiation, by: 'merchant', acceptance: answer });
    draft.timers.push({ id: `lapse ${negotiation}`, atMs: context.env.nowMs + merchant.parameters.holdMs });
    reply(scene, draft, answer);
    return;
  }
  const reason = move.type === 'accept' ? 'out of stock' : 'no agreement possible';
  leave(context, scene, draft, { negotiation, reason, previous: head });
}

/** The customer's signature under the terms: answered with the merchant's own, and the agreement stands. */
export function hearAcceptance(context: Deciding, draft: Draft, bytes: Uint8Array): void {
  const message = readMessage(acceptanceType, bytes);
  const { negotiation, terms, previous } = message.value;
  const scene = sceneOf(context, negotiation, undefined);
  const { call, proposed, lot, merchant, talk } = scene;
  const last = talk?.offers.at(-1);
  if (!talk || !last || (talk.status !== 'open' && talk.status !== 'settled')) {
    throw new PlatformError('NEGOTIATION_CLOSED', 'there is nothing to accept');
  }
  const customersTurn = talk.offers.length % 2 === 0;
  if (!customersTurn && talk.merchantAcceptance === null) {
    throw new PlatformError('NEGOTIATION_OUT_OF_TURN', 'the last offer is the customer’s own');
  }
  const chainHead = linkOf(last.bytes);
  const termsBytes = termsOf({
    call: call.value,
    proposal: proposed.value,
    lot: lot.id,
    offer: last.value,
    chainHead,
  });
  if (!equalBytes(previous, chainHead) || !equalBytes(terms, sha256(termsBytes))) {
    throw new CryptographicError(new Error('an acceptance of other terms'));
  }
  message.requireSignature(leafOf(call.customerChain).publicKey);

  if (!talk.holds && !inStock(merchant, lot)) {
    leave(context, scene, draft, { negotiation, reason: 'out of stock', previous: chainHead });
    return;
  }
  const answer =
    talk.merchantAcceptance ??
    signAs(context, merchant, acceptanceType, { negotiation, terms: sha256(termsBytes), previous: chainHead });
  const agreement = composeAgreement({
    terms: termsBytes,
    customerChain: call.customerChain,
    merchantChain: proposed.merchantChain,
    customerAcceptance: bytes,
    merchantAcceptance: answer,
  });
  if (talk.customerAcceptance === null) {
    draft.records.push({ t: 'accepted', talk: negotiation, by: 'customer', acceptance: bytes });
  }
  draft.records.push(
    { t: 'accepted', talk: negotiation, by: 'merchant', acceptance: answer },
    { t: 'agreed', talk: negotiation, agreement, orderId: toHex(orderIdOf(agreement)) },
  );
  draft.keys.add(`agent:${merchant.id}`);
  draft.timers.push({ id: `lapse ${negotiation}`, atMs: context.env.nowMs + merchant.parameters.holdMs });
  reply(scene, draft, answer);
}

/** The other side breaks off: what was promised to it is free again. */
export function hearEnding(context: Deciding, draft: Draft, bytes: Uint8Array): void {
  const message = readMessage(endingType, bytes);
  const talk = context.state.talks.get(message.value.negotiation);
  const call = talk && context.state.calls.get(talk.call);
  if (!talk?.merchantHere || !call) throw new PlatformError('NEGOTIATION_UNKNOWN', 'there is no such negotiation here');
  message.requireSignature(leafOf(call.customerChain).publicKey);
  // Once the merchant server is told, the order can be paid until it lapses: the goods stay promised so long.
  if (talk.status !== 'ended' && talk.status !== 'paying') {
    draft.records.push({ t: 'ended', talk: talk.id, by: 'customer', reason: message.value.reason });
    draft.clearTimers.push(`lapse ${talk.id}`);
  }
  draft.answer = new Uint8Array([0xf6]);
}

/** To a caller hosted here: its next turn. To one outside: the answer to its message. */
function reply({ call }: Scene, draft: Draft, answer: Uint8Array): void {
  if (call.customer === null) draft.answer = answer;
  else draft.inputs.push({ type: 'advance', agent: call.customer });
}

function leave(
  context: Deciding,
  scene: Scene,
  draft: Draft,
  ending: { readonly negotiation: string; readonly reason: string; readonly previous: Uint8Array },
): void {
  draft.records.push({ t: 'ended', talk: ending.negotiation, by: 'merchant', reason: ending.reason });
  draft.clearTimers.push(`lapse ${ending.negotiation}`);
  if (scene.call.customer === null) draft.answer = signAs(context, scene.merchant, endingType, ending);
  else draft.inputs.push({ type: 'advance', agent: scene.call.customer });
}

export function available(merchant: MerchantAgent, sku: string): number {
  const stock = goodBySku(merchant.parameters, sku)?.stock;
  if (stock === undefined) return Number.MAX_SAFE_INTEGER;
  return stock - (merchant.sold.get(sku) ?? 0) - (merchant.held.get(sku) ?? 0);
}

/** Whether what the lot needs can still be promised. */
export function inStock(merchant: MerchantAgent, lot: Lot): boolean {
  return lot.items.every(({ sku, quantity }) => available(merchant, sku) >= quantity);
}

/** The bids of the side that opened and of the other one. */
export function bidsOf(issues: readonly Issue[], offers: readonly Offer[]): { first: Bid[]; second: Bid[] } {
  const sides: { first: Bid[]; second: Bid[] } = { first: [], second: [] };
  offers.forEach((offer, at) => {
    (at % 2 === 0 ? sides.first : sides.second).push(bidOf(issues, offer.values));
  });
  return sides;
}

// The merchant's secret valuation follows from its parameters and the quantity, and is the same for every negotiation.
const MAX_MINDS = 64;
const minds = new WeakMap<MerchantAgent['parameters'], Map<string, UtilitySpace>>();

function mindOf(merchant: MerchantAgent, lot: Lot, quantity: number) {
  const { parameters } = merchant;
  const pricing = pricingOf(parameters, lot.id);
  // The parameters may be newer than the proposal: what they do not name any more is not sold any more.
  if (pricing === undefined || !issueNames(lot).every((name) => Object.hasOwn(pricing.choices, name))) {
    throw new PlatformError('NEGOTIATION_CLOSED', 'the goods are no longer on offer');
  }
  let known = minds.get(parameters);
  if (known === undefined) {
    known = new Map();
    minds.set(parameters, known);
  }
  const key = JSON.stringify([quantity, lot.id, lot.issues]);
  let space = known.get(key);
  if (space === undefined) {
    if (known.size >= MAX_MINDS) known.clear();
    space = merchantSpace(pricing, lot, quantity);
    known.set(key, space);
  }
  return { space, strategy: strategyByName(parameters.concession) };
}
