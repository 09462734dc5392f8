/** What a platform writes down, and what each record does to its state; nothing else changes the state. */
import { callType, proposalType } from '../message/call-for-proposals.ts';
import { mandateType } from '../message/mandate.ts';
import { merchantParametersType } from '../message/merchant-parameters.ts';
import { offerType } from '../message/offer.ts';
import type { Token } from '../message/token.ts';
import {
  type CustomerPhase,
  contentOf,
  lotOf,
  type OpenCall,
  type PlatformState,
  type Purchase,
  type Reservation,
  type Side,
  type Talk,
  talkOf,
} from './platform-state.ts';

export type PlatformRecord =
  | ({ readonly t: 'reserved' } & Reservation)
  | { readonly t: 'unreserved'; readonly agent: string }
  | {
      readonly t: 'launched';
      readonly agent: string;
      readonly mandate: Uint8Array;
      readonly chain: readonly Uint8Array[];
      readonly tokens: readonly Token[];
    }
  | {
      readonly t: 'deployed';
      readonly agent: string;
      readonly parameters: Uint8Array;
      readonly chain: readonly Uint8Array[];
    }
  | { readonly t: 'withdrawn'; readonly agent: string }
  | {
      readonly t: 'called';
      readonly call: Uint8Array;
      readonly customer: string | null;
      readonly chain: readonly Uint8Array[];
      readonly awaiting: readonly string[];
    }
  | {
      readonly t: 'proposed';
      readonly call: string;
      readonly proposal: Uint8Array;
      readonly chain: readonly Uint8Array[];
      readonly via: string | null;
    }
  | { readonly t: 'answered'; readonly call: string; readonly market: string; readonly missed?: string }
  | {
      readonly t: 'chosen';
      readonly call: string;
      readonly lots: readonly { merchant: string; lot: string; id: string }[];
      readonly notOffered?: readonly string[];
    }
  | { readonly t: 'offered'; readonly talk: string; readonly offer: Uint8Array }
  | { readonly t: 'settled'; readonly talk: string }
  | { readonly t: 'accepted'; readonly talk: string; readonly by: Side; readonly acceptance: Uint8Array }
  | { readonly t: 'ended'; readonly talk: string; readonly by: Side; readonly reason: string }
  | { readonly t: 'agreed'; readonly talk: string; readonly agreement: Uint8Array; readonly orderId: string }
  | { readonly t: 'paying'; readonly agent: string; readonly purchase: Omit<Purchase, 'outcome'> }
  | { readonly t: 'billed'; readonly talk: string }
  | { readonly t: 'lapsed'; readonly talk: string }
  | { readonly t: 'completed'; readonly talk: string; readonly outcome: 'paid' | 'failed' }
  | { readonly t: 'phase'; readonly agent: string; readonly phase: CustomerPhase; readonly reason: string | null }
  | {
      readonly t: 'bought';
      readonly agent: string;
      readonly negotiation: string;
      readonly outcome: 'paid' | 'failed';
      readonly reason?: string;
    }
  | { readonly t: 'closed'; readonly call: string }
  | { readonly t: 'forgotten'; readonly agent: string };

export function applyPlatformRecord(state: PlatformState, record: PlatformRecord): void {
  switch (record.t) {
    case 'reserved': {
      const { t: _, ...reservation } = record;
      state.reservations.set(record.agent, reservation);
      return;
    }
    case 'unreserved':
      state.reservations.delete(record.agent);
      return;
    case 'launched': {
      const { owner, sealedKey } = state.reservations.get(record.agent)!;
      state.reservations.delete(record.agent);
      state.customers.set(record.agent, {
        id: record.agent,
        owner,
        sealedKey,
        chain: record.chain,
        mandateBytes: record.mandate,
        mandate: contentOf(mandateType, record.mandate),
        tokens: record.tokens,
        phase: 'calling',
        reason: null,
        call: null,
        offers: 0,
        proposals: 0,
        purchases: [],
        notOffered: [],
      });
      return;
    }
    case 'deployed':
      applyDeployed(state, record);
      return;
    case 'withdrawn':
      state.merchants.delete(record.agent);
      return;
    case 'called': {
      const value = contentOf(callType, record.call);
      state.calls.set(value.id, {
        id: value.id,
        bytes: record.call,
        value,
        customer: record.customer,
        customerChain: record.chain,
        awaiting: new Set(record.awaiting),
        missed: [],
        proposals: new Map(),
        talks: [],
      });
      if (record.customer !== null) {
        const agent = state.customers.get(record.customer)!;
        agent.call = value.id;
        agent.phase = 'calling';
      }
      return;
    }
    case 'proposed': {
      const call = state.calls.get(record.call)!;
      const value = contentOf(proposalType, record.proposal);
      const { via, chain: merchantChain } = record;
      call.proposals.set(value.agent, { bytes: record.proposal, value, merchantChain, via });
      if (call.customer !== null) state.customers.get(call.customer)!.proposals += 1;
      return;
    }
    case 'answered': {
      const call = state.calls.get(record.call)!;
      call.awaiting.delete(record.market);
      if (record.missed !== undefined) call.missed.push(record.missed);
      return;
    }
    case 'chosen': {
      const call = state.calls.get(record.call)!;
      for (const { id, merchant, lot } of record.lots) {
        openTalk(state, { id, call, merchant, lot });
        call.talks.push(id);
      }
      if (call.customer !== null) {
        const agent = state.customers.get(call.customer)!;
        agent.phase = 'negotiating';
        agent.notOffered = record.notOffered ?? [];
      }
      return;
    }
    case 'offered': {
      const value = contentOf(offerType, record.offer);
      let talk = state.talks.get(record.talk);
      if (talk === undefined) {
        // The opening of a customer from outside.
        const { call, agent: merchant, lot } = value.opens!;
        talk = openTalk(state, { id: record.talk, call: state.calls.get(call)!, merchant, lot });
      }
      talk.offers.push({ bytes: record.offer, value });
      const customer = state.calls.get(talk.call)?.customer;
      if (customer && talk.offers.length % 2 === 1) state.customers.get(customer)!.offers += 1;
      return;
    }
    case 'settled':
      talkOf(state, record.talk).status = 'settled';
      return;
    case 'accepted': {
      const talk = talkOf(state, record.talk);
      if (talk.status === 'open') talk.status = 'settled';
      if (record.by === 'customer') talk.customerAcceptance = record.acceptance;
      else {
        talk.merchantAcceptance = record.acceptance;
        if (talk.merchantHere && !talk.holds) hold(state, talk, 1);
      }
      return;
    }
    case 'ended': {
      const talk = talkOf(state, record.talk);
      release(state, talk);
      talk.status = 'ended';
      return;
    }
    case 'agreed': {
      const talk = talkOf(state, record.talk);
      talk.status = 'agreed';
      talk.agreement = record.agreement;
      talk.orderId = record.orderId;
      state.orders.set(record.orderId, talk.id);
      return;
    }
    case 'paying': {
      const agent = state.customers.get(record.agent)!;
      agent.phase = 'paying';
      agent.purchases.push({ ...record.purchase, outcome: 'agreed' });
      return;
    }
    case 'billed': {
      const talk = talkOf(state, record.talk);
      talk.status = 'paying';
      if (!talk.holds) hold(state, talk, 1);
      return;
    }
    case 'lapsed':
      release(state, talkOf(state, record.talk));
      return;
    case 'completed':
      applyCompleted(state, record.talk, record.outcome);
      return;
    case 'phase': {
      const agent = state.customers.get(record.agent)!;
      agent.phase = record.phase;
      agent.reason = record.reason;
      return;
    }
    case 'bought': {
      const purchase = state.customers
        .get(record.agent)!
        .purchases.find((one) => one.negotiation === record.negotiation);
      if (!purchase) return;
      purchase.outcome = record.outcome;
      if (record.reason !== undefined) purchase.reason = record.reason;
      return;
    }
    case 'closed':
      closeCall(state, record.call);
      return;
    case 'forgotten':
      state.customers.delete(record.agent);
      return;
  }
}

function applyDeployed(state: PlatformState, record: Extract<PlatformRecord, { t: 'deployed' }>): void {
  const parameters = contentOf(merchantParametersType, record.parameters);
  const known = state.merchants.get(record.agent);
  if (known !== undefined) {
    known.parameters = parameters;
    known.parametersBytes = record.parameters;
    known.chain = record.chain;
    known.sold = new Map();
    return;
  }
  const { owner, sealedKey } = state.reservations.get(record.agent)!;
  state.reservations.delete(record.agent);
  state.merchants.set(record.agent, {
    id: record.agent,
    owner,
    sealedKey,
    chain: record.chain,
    parametersBytes: record.parameters,
    parameters,
    sold: new Map(),
    held: new Map(),
  });
}

function openTalk(
  state: PlatformState,
  opening: { readonly id: string; readonly call: OpenCall; readonly merchant: string; readonly lot: string },
): Talk {
  const { id, call, merchant, lot } = opening;
  const talk: Talk = {
    id,
    call: call.id,
    lot,
    merchant,
    merchantHere: call.proposals.get(merchant)?.via === null,
    offers: [],
    customerAcceptance: null,
    merchantAcceptance: null,
    status: 'open',
    holds: false,
    agreement: null,
    orderId: null,
  };
  state.talks.set(id, talk);
  if (!call.talks.includes(id) && call.customer === null) call.talks.push(id);
  return talk;
}

/** Adds or takes back what the negotiation's lot needs. */
function hold(state: PlatformState, talk: Talk, sign: 1 | -1): void {
  const agent = state.merchants.get(talk.merchant);
  const lot = lotOf(state, talk);
  talk.holds = sign === 1;
  if (agent === undefined || lot === undefined) return;
  for (const { sku, quantity } of lot.items) {
    const held = (agent.held.get(sku) ?? 0) + sign * quantity;
    if (held <= 0) agent.held.delete(sku);
    else agent.held.set(sku, held);
  }
}

function release(state: PlatformState, talk: Talk): void {
  if (talk.holds) hold(state, talk, -1);
}

function applyCompleted(state: PlatformState, id: string, outcome: 'paid' | 'failed'): void {
  const talk = talkOf(state, id);
  const agent = talk.merchantHere ? state.merchants.get(talk.merchant) : undefined;
  if (agent !== undefined && outcome === 'paid') {
    for (const { sku, quantity } of lotOf(state, talk)?.items ?? []) {
      agent.sold.set(sku, (agent.sold.get(sku) ?? 0) + quantity);
    }
  }
  release(state, talk);
  talk.status = 'ended';
}

function closeCall(state: PlatformState, id: string): void {
  const call = state.calls.get(id);
  if (call === undefined) return;
  for (const talk of call.talks) {
    const open = state.talks.get(talk);
    if (open === undefined) continue;
    release(state, open);
    if (open.orderId !== null) state.orders.delete(open.orderId);
    state.talks.delete(talk);
  }
  state.calls.delete(id);
  const caller = call.customer === null ? undefined : state.customers.get(call.customer);
  if (caller?.call === id) caller.call = null;
}
