/** Calls for proposals: a customer agent calls all suitable merchant agents here and on other markets; a caller outside is answered. */
import { toHex } from '../../codec/hex.ts';
import { decodeShape, encodeShape, readMessage, type SignedMessage } from '../../crypto/signed-message.ts';
import { HandselError } from '../../handsel-error.ts';
import { amountOf, formatAmount } from '../../money/amount.ts';
import { type Name, nameAttribute } from '../../pki/name.ts';
import { chooseLots, mayDealWith } from '../customer/choose-lots.ts';
import { spendable } from '../customer/customer-utility.ts';
import { proposeFor } from '../merchant/propose.ts';
import {
  type CallForProposals,
  callType,
  type Proposal,
  proposalsType,
  proposalType,
} from '../message/call-for-proposals.ts';
import { PRICE } from '../negotiation/lot-issues.ts';
import { type Deciding, type Draft, leafOf, signAs } from './decision-draft.ts';
import { available, negotiationId } from './merchant-turn.ts';
import { PlatformError } from './platform-error.ts';
import type { CustomerAgent, MerchantAgent, OpenCall, PlatformState } from './platform-state.ts';

/** More agents than this do not fit one answer. */
const MAX_PROPOSALS = 256;
const MAX_PROPOSALS_BYTES = 8_000_000;
/** A caller from outside may keep a call open no longer than this. */
const MAX_FOREIGN_CALL_MS = 24 * 3_600_000;
const MAX_FOREIGN_CALLS = 20_000;
/** One caller may not keep all others out. */
const MAX_CALLS_OF_CALLER = 1000;
/** Foreign calls are kept this long after their deadline, so that what was agreed can be paid and completed. */
export const FOREIGN_CALL_GRACE_MS = 6 * 3_600_000;

export function begin(context: Deciding, draft: Draft, agentId: string): void {
  const { state, env, settings } = context;
  const agent = state.customers.get(agentId);
  if (agent === undefined || agent.call !== null) return;
  const { mandate } = agent;
  const first = agent.purchases.length === 0;
  const elsewhere = mandate.markets.filter((market) => market !== settings.url);
  const value: CallForProposals = {
    id: toHex(env.random(16)),
    wanted: mandate.wanted,
    quantity: mandate.quantity,
    currency: mandate.currency,
    rounds: mandate.rounds,
    merchantsAllowed: mandate.merchantsAllowed,
    merchantsBarred: mandate.merchantsBarred,
    untilMs: first ? mandate.proposalsByMs : env.nowMs + (mandate.proposalsByMs - mandate.issuedAtMs),
    deadlineMs: mandate.deadlineMs,
    ...(elsewhere.length > 0 ? { replyTo: settings.url } : {}),
  };
  const call = signAs(context, agent, callType, value, 'with-chain');
  draft.records.push({ t: 'called', call, customer: agent.id, chain: agent.chain, awaiting: elsewhere });
  draft.keys.add(`agent:${agent.id}`);
  if (mandate.markets.includes(settings.url)) proposeAll(context, draft, value);
  for (const market of elsewhere) {
    draft.send.push({
      id: `call ${value.id} ${market}`,
      to: `${market}/agent/call`,
      kind: 'call',
      body: call,
      expiresAtMs: value.untilMs,
    });
  }
  if (elsewhere.length === 0) draft.inputs.push({ type: 'choose', call: value.id });
  else draft.timers.push({ id: `choose ${value.id}`, atMs: value.untilMs });
}

/** A caller that is not hosted here: a station by itself, or its agent on another platform. */
export function answerCall(context: Deciding, draft: Draft, message: SignedMessage<CallForProposals>): void {
  const { state, env } = context;
  const { value, bytes, certificateChain } = message;
  if (state.calls.has(value.id)) throw new PlatformError('CALL_EXISTS', 'this call was made before');
  if (env.nowMs >= value.untilMs) throw new PlatformError('CALL_LATE', 'proposals were wanted earlier');
  if (value.deadlineMs > env.nowMs + MAX_FOREIGN_CALL_MS) {
    throw new PlatformError('CALL_TOO_LONG', 'a call from outside stays open for a day at most');
  }
  requireRoom(state, leafOf(certificateChain).subject);
  draft.records.push({ t: 'called', call: bytes, customer: null, chain: certificateChain, awaiting: [] });
  const proposals = proposeAll(context, draft, value);
  draft.timers.push({ id: `close ${value.id}`, atMs: value.deadlineMs + FOREIGN_CALL_GRACE_MS });
  draft.answer = encodeShape(proposalsType, proposals);
}

/** @param caller of a station, or of an agent below its station's name */
function requireRoom({ calls }: PlatformState, caller: Name): void {
  if (calls.size >= MAX_FOREIGN_CALLS) throw new PlatformError('PLATFORM_BUSY', 'too many calls are open');
  if (calls.size < MAX_CALLS_OF_CALLER) return;
  const name = nameAttribute(caller, 'CN');
  let own = 0;
  for (const { customer, customerChain } of calls.values()) {
    if (customer === null && nameAttribute(leafOf(customerChain).subject, 'CN') === name) own += 1;
  }
  if (own >= MAX_CALLS_OF_CALLER) throw new PlatformError('CALLS_OPEN', 'too many calls of this caller are open');
}

function proposeAll(context: Deciding, draft: Draft, call: CallForProposals): readonly Uint8Array[] {
  const { state } = context;
  const proposals: Uint8Array[] = [];
  let bytes = 0;
  for (const merchant of state.merchants.values()) {
    if (proposals.length >= MAX_PROPOSALS) break;
    const proposal = proposalOf(context, merchant, call);
    if (proposal === undefined || bytes + proposal.length > MAX_PROPOSALS_BYTES) continue;
    draft.records.push({ t: 'proposed', call: call.id, proposal, chain: merchant.chain, via: null });
    proposals.push(proposal);
    bytes += proposal.length;
  }
  return proposals;
}

/** Undefined for a merchant that has nothing that fits, or whose parameters make no message anybody could read. */
function proposalOf(context: Deciding, merchant: MerchantAgent, call: CallForProposals): Uint8Array | undefined {
  try {
    const value = proposeFor({
      agent: merchant.id,
      parameters: merchant.parameters,
      call,
      available: (sku) => available(merchant, sku),
      nowMs: context.env.nowMs,
    });
    return value && signAs(context, merchant, proposalType, value, 'with-chain');
  } catch (error) {
    if (error instanceof HandselError) return undefined;
    throw error;
  }
}

/** What a market answered: each proposal is taken only with a good signature of an agent certified by the merchant it names. */
export function hearProposals(
  context: Deciding,
  draft: Draft,
  answer: {
    readonly call: string;
    readonly market: string;
    readonly body: Uint8Array | undefined;
    /** The code of a refusal. */
    readonly refused?: string;
  },
  validateAgent: (chain: readonly Uint8Array[], atMs: number) => void,
): void {
  const { state, env } = context;
  const call = state.calls.get(answer.call);
  if (!call?.awaiting.has(answer.market)) return;
  const { market, body, refused } = answer;
  const missed = refused === undefined ? unreachable(market) : `the market ${market} refused the call: ${refused}`;
  draft.records.push({ t: 'answered', call: call.id, market, ...(body === undefined && { missed }) });
  const taken = new Set(call.proposals.keys());
  if (answer.body !== undefined && env.nowMs <= call.value.untilMs) {
    for (const proposal of decodeShape(proposalsType, answer.body)) {
      const message = honestOrNone(proposal, (chain) => validateAgent(chain, env.nowMs));
      if (message?.value.call !== call.id || taken.has(message.value.agent)) continue;
      taken.add(message.value.agent);
      draft.records.push({
        t: 'proposed',
        call: call.id,
        proposal,
        chain: message.certificateChain,
        via: answer.market,
      });
    }
  }
  if (call.awaiting.size === 1) draft.inputs.push({ type: 'choose', call: call.id });
}

const unreachable = (market: string) => `the market ${market} cannot be reached`;

/** Undefined for a proposal that is not its merchant's own: it spoils none of the others in the same answer. */
function honestOrNone(
  proposal: Uint8Array,
  validate: (chain: readonly Uint8Array[]) => void,
): SignedMessage<Proposal> | undefined {
  try {
    const message = readMessage(proposalType, proposal);
    validate(message.certificateChain);
    const leaf = leafOf(message.certificateChain);
    message.requireSignature(leaf.publicKey);
    return nameAttribute(leaf.subject, 'CN') === message.value.merchant.id ? message : undefined;
  } catch (error) {
    if (error instanceof HandselError) return undefined;
    throw error;
  }
}

/** All proposals are in, or their time is up: negotiations with the best few begin. */
export function choose(context: Deciding, draft: Draft, callId: string): void {
  const { state, settings } = context;
  const call = state.calls.get(callId);
  const agent = call?.customer == null ? undefined : state.customers.get(call.customer);
  if (!call || agent?.phase !== 'calling' || call.talks.length > 0) return;
  draft.clearTimers.push(`choose ${callId}`);
  const lots = chooseLots({
    mandate: agent.mandate,
    proposals: proposalsOf(agent, call),
    limitMinor: spendable(agent.mandate, spentBy(agent)),
    most: settings.talksAtOnce,
  });
  if (lots.length === 0) {
    giveUp(state, draft, agent, whyNothing(agent, call));
    return;
  }
  const notOffered = notOfferedIn(agent, call);
  draft.records.push({
    t: 'chosen',
    call: callId,
    lots: lots.map(({ proposal, lot }) => ({
      id: negotiationId(callId, proposal.agent, lot.id),
      merchant: proposal.agent,
      lot: lot.id,
    })),
    ...(notOffered.length > 0 && { notOffered }),
  });
  draft.inputs.push({ type: 'advance', agent: agent.id });
}

/** The words for having nothing to negotiate over. */
function whyNothing(agent: CustomerAgent, call: OpenCall): string {
  const missed = [...call.missed, ...[...call.awaiting].map(unreachable)];
  if (call.proposals.size === 0 && missed.length > 0) return missed.join('; ');
  const short = shortOf(agent);
  if (short !== undefined) return short;
  const other = agent.purchases.some(({ outcome }) => outcome === 'failed') ? 'other ' : '';
  return `no ${other}merchant offers what is wanted`;
}

/** Preferences that say nothing, because nobody offers the like: a misspelt name would be among them. */
function notOfferedIn({ mandate }: CustomerAgent, { proposals }: OpenCall): readonly string[] {
  const lots = [...proposals.values()].flatMap(({ value }) => value.lots);
  return mandate.preferences
    .map(({ issue }) => issue)
    .filter((issue) => issue !== PRICE)
    .filter((issue) =>
      lots.every(({ issues, product }) => !Object.hasOwn(issues, issue) && !Object.hasOwn(product.attributes, issue)),
    );
}

/** Without merchants where a purchase already failed. */
function proposalsOf(agent: CustomerAgent, call: OpenCall) {
  const failed = new Set(
    agent.purchases.filter(({ outcome }) => outcome === 'failed').map(({ merchantId }) => merchantId),
  );
  return [...call.proposals.values()]
    .map(({ value }) => value)
    .filter(({ merchant }) => !failed.has(merchant.id) && mayDealWith(agent.mandate, merchant.id));
}

export function spentBy(agent: CustomerAgent): bigint {
  return agent.purchases.reduce((sum, { outcome, priceMinor }) => (outcome === 'failed' ? sum : sum + priceMinor), 0n);
}

/** When the budget leaves less than one purchase may cost after others were made: the words for that. */
export function shortOf(agent: CustomerAgent, spentMinor = spentBy(agent)): string | undefined {
  const { mandate } = agent;
  if (spentMinor === 0n || spendable(mandate, spentMinor) >= mandate.priceLimitMinor) return undefined;
  return `the budget has ${formatAmount(amountOf(mandate.currency, mandate.budgetMinor - spentMinor))} left`;
}

/** The agent can buy nothing more: that is an end like another when it has bought something, else a failure. */
export function giveUp(state: PlatformState, draft: Draft, agent: CustomerAgent, reason: string): void {
  const bought = agent.purchases.filter(({ outcome }) => outcome !== 'failed').length;
  if (bought > 0) {
    stop(state, draft, agent, 'done', boughtOf(bought, agent, reason));
    return;
  }
  const before = agent.purchases.findLast(({ outcome }) => outcome === 'failed')?.reason;
  stop(state, draft, agent, 'failed', before === undefined ? reason : `${before}; ${reason}`);
}

export const boughtOf = (bought: number, { mandate }: CustomerAgent, reason: string) =>
  `bought ${bought} of ${mandate.count}: ${reason}`;

/** The agent's work ends: nothing of its call stays open. */
export function stop(
  state: PlatformState,
  draft: Draft,
  agent: CustomerAgent,
  phase: 'done' | 'failed' | 'recalled',
  reason: string | null,
): void {
  draft.records.push({ t: 'phase', agent: agent.id, phase, reason });
  draft.keys.add(`agent:${agent.id}`);
  draft.clearTimers.push(`deadline ${agent.id}`);
  if (agent.call === null) return;
  draft.clearTimers.push(`choose ${agent.call}`);
  const call = state.calls.get(agent.call);
  for (const market of call?.awaiting ?? []) draft.cancel.push(`call ${agent.call} ${market}`);
  draft.records.push({ t: 'closed', call: agent.call });
}
