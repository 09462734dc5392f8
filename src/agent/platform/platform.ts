/**
 * The platform: the machine that hosts customer and merchant agents (EP 1 006 469, the "Agent Negotiation Server" 11). A market runs
 * one; a station may run one of its own (paragraph 0018). Agents are pure behaviours; what they say to each other here are
 * local inputs, what they say to others goes through the outbox.
 */
import { toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Decision, Machine, Reply, Timer } from '../../journal/machine.ts';
import { createKeyRing } from './agent-key.ts';
import { answerCall, begin, choose, giveUp, hearProposals } from './calling.ts';
import { advance, breakOff, hearMerchant } from './customer-turn.ts';
import { type Deciding, type Draft, emptyDraft, finish } from './decision-draft.ts';
import { deploy, launch, recall, reserve } from './hosting.ts';
import { hearAcceptance, hearEnding, hearOffer } from './merchant-turn.ts';
import { goOn, hearCompleted, hearCompletion, hearPassedCompletion, hearPayByCard } from './paying.ts';
import { PlatformError } from './platform-error.ts';
import type { PlatformInput } from './platform-input.ts';
import { applyPlatformRecord, type PlatformRecord } from './platform-record.ts';
import { restorePlatform, snapshotPlatform } from './platform-snapshot.ts';
import { emptyPlatform, type PlatformState } from './platform-state.ts';

export interface PlatformOptions {
  /** Base URL under which other parties reach this platform, as it stands in mandates and merchant parameters. */
  readonly url: string;
  /** 32 bytes under which agents' private keys are sealed in the journal. */
  readonly platformKey: Uint8Array;
  /** Validates the certificate chain (DER, leaf first) of an agent met from elsewhere. @throws when it is not trusted */
  validateAgent(chain: readonly Uint8Array[], atMs: number): void;
  /** With how many merchants a customer agent bargains at once; default 3. */
  readonly talksAtOnce?: number;
}

export function createPlatform(options: PlatformOptions): Machine<PlatformState, PlatformInput, PlatformRecord> {
  const settings = { url: options.url, talksAtOnce: options.talksAtOnce ?? 3 };
  const keys = createKeyRing(options.platformKey);
  return {
    name: 'platform',
    initial: emptyPlatform,
    decide: (state, input, env) => decideAnyhow({ state, env, settings, keys }, input, options),
    apply: applyPlatformRecord,
    snapshot: snapshotPlatform,
    restore: restorePlatform,
    received: ({ id, outcome }: Reply): PlatformInput => ({ type: 'reply', ...split(id), outcome }),
    fired: ({ id }: Timer): PlatformInput => ({ type: 'timer', ...split(id) }),
  };
}

function split(id: string): { about: string; of: string } {
  const space = id.indexOf(' ');
  return { about: id.slice(0, space), of: id.slice(space + 1) };
}

/**
 * A platform works for many owners, and none of them may stop it for the others: where one's words bring a fault of ours to
 * light, that input alone is refused. Deciding changes nothing, so nothing is half done.
 */
function decideAnyhow(context: Deciding, input: PlatformInput, options: PlatformOptions): Decision<PlatformRecord> {
  try {
    return decide(context, input, options);
  } catch (cause) {
    if (cause instanceof HandselError) throw cause;
    throw new PlatformError('INTERNAL', `the platform cannot decide "${input.type}"`, { cause });
  }
}

function decide(context: Deciding, input: PlatformInput, options: PlatformOptions): Decision<PlatformRecord> {
  const draft = emptyDraft();
  switch (input.type) {
    case 'reserve':
      reserve(context, draft, input, options.platformKey);
      break;
    case 'launch':
      launch(context, draft, input);
      break;
    case 'deploy':
      deploy(context, draft, input);
      break;
    case 'recall':
      recall(context, draft, input);
      break;
    case 'begin':
      begin(context, draft, input.agent);
      break;
    case 'call':
      answerCall(context, draft, input.message);
      break;
    case 'choose':
      choose(context, draft, input.call);
      break;
    case 'advance':
      advance(context, draft, input.agent);
      break;
    case 'offer':
      hearOffer(context, draft, input.bytes);
      break;
    case 'acceptance':
      hearAcceptance(context, draft, input.bytes);
      break;
    case 'ending':
      hearEnding(context, draft, input.bytes);
      break;
    case 'pay-by-card':
      hearPayByCard(context, draft, input.bytes);
      break;
    case 'hear':
      return finish(hearOwn(context, input));
    case 'payment-refusal':
      hearRefusal(context, draft, input);
      break;
    case 'completion':
      hearCompletion(context, draft, input.owner, input.message);
      break;
    case 'passed-completion':
      hearPassedCompletion(context, draft, input.bytes, input.completion);
      break;
    case 'completed':
      hearCompleted(context, draft, input);
      break;
    case 'reply':
      hearReply(context, draft, input, options);
      break;
    case 'timer':
      timeIsUp(context, draft, input);
      break;
  }
  return finish(draft);
}

/** What a customer agent hosted here said to a merchant agent hosted here. A refusal reaches the customer like any ending. */
function hearOwn(context: Deciding, { kind, talk, bytes }: Extract<PlatformInput, { type: 'hear' }>): Draft {
  const draft = emptyDraft();
  try {
    if (kind === 'offer') hearOffer(context, draft, bytes, true);
    else if (kind === 'acceptance') hearAcceptance(context, draft, bytes);
    else hearPayByCard(context, draft, bytes);
    return draft;
  } catch (error) {
    if (!(error instanceof HandselError)) throw error;
    const ending = emptyDraft();
    if (kind === 'pay-by-card') {
      paymentBrokeOff(context, ending, talk, error.message);
      return ending;
    }
    ending.records.push({ t: 'ended', talk, by: 'merchant', reason: error.message });
    const customer = context.state.calls.get(context.state.talks.get(talk)?.call ?? '')?.customer;
    if (customer) ending.inputs.push({ type: 'advance', agent: customer });
    return ending;
  }
}

function hearReply(
  context: Deciding,
  draft: Draft,
  { about, of, outcome }: Extract<PlatformInput, { type: 'reply' }>,
  options: PlatformOptions,
): void {
  const body = outcome.type === 'answered' ? outcome.body : undefined;
  const reason = outcome.type === 'refused' ? outcome.code : outcome.type === 'expired' ? 'no answer in time' : '';
  if (about === 'call') {
    const { about: call, of: market } = split(of);
    const refused = outcome.type === 'refused' ? outcome.code : undefined;
    const answer = { call, market, body, ...(refused !== undefined && { refused }) };
    hearProposals(context, draft, answer, options.validateAgent);
  } else if (about === 'offer') {
    hearMerchant(context, draft, { talk: split(of).about, body, reason });
  } else if (about === 'acceptance') {
    hearMerchant(context, draft, { talk: of, body, reason });
  } else if (about === 'start' && body === undefined) {
    const why =
      outcome.type === 'refused' ? `the station refused to pay: ${reason}` : 'the station did not answer in time';
    paymentBrokeOff(context, draft, of, why);
  } else if ((about === 'request' || about === 'pay') && body === undefined) {
    const why =
      outcome.type === 'refused' ? `the merchant refused the order: ${reason}` : 'the merchant did not answer in time';
    paymentBrokeOff(context, draft, of, why);
  }
}

const REFUSALS = {
  rejected: 'the person rejected the payment',
  expired: 'the person did not approve the payment in time',
  recalled: 'the person recalled the mandate',
} as const;

/** Customer agent: its station will not pay what was agreed, because the person did not approve it. */
function hearRefusal(
  context: Deciding,
  draft: Draft,
  { owner, value }: Extract<PlatformInput, { type: 'payment-refusal' }>,
): void {
  const { state } = context;
  const talk = state.talks.get(state.orders.get(toHex(value.orderId)) ?? '');
  const agent = state.customers.get(value.agent);
  if (agent?.owner !== owner.name) throw new PlatformError('AGENT_UNKNOWN', 'the owner has no such agent');
  if (!talk || state.calls.get(talk.call)?.customer !== agent.id) {
    throw new PlatformError('ORDER_UNKNOWN', 'the agent has no such order open');
  }
  draft.answer = new Uint8Array([0xf6]);
  paymentBrokeOff(context, draft, talk.id, REFUSALS[value.why]);
}

/** A payment that will not be made: the goods are free again, and a customer agent here goes on without it. */
function paymentBrokeOff(context: Deciding, draft: Draft, talkId: string, reason: string): void {
  const { state } = context;
  const talk = state.talks.get(talkId);
  const call = talk && state.calls.get(talk.call);
  if (!talk || !call) return;
  const agent = call.customer === null ? undefined : state.customers.get(call.customer);
  if (agent === undefined) {
    if (talk.status !== 'ended') draft.records.push({ t: 'ended', talk: talk.id, by: 'merchant', reason });
    draft.clearTimers.push(`lapse ${talk.id}`);
    return;
  }
  const purchase = agent.purchases.find(({ negotiation }) => negotiation === talk.id);
  if (purchase?.outcome !== 'agreed') return;
  // Why is between station and agent: a merchant must not learn from it what the person would have paid.
  breakOff(context, draft, { agent, call, talk, reason: 'the payment broke off' });
  draft.records.push({ t: 'bought', agent: agent.id, negotiation: talk.id, outcome: 'failed', reason });
  draft.keys.add(`agent:${agent.id}`);
  goOn(context, draft, agent, { negotiation: talk.id, outcome: 'failed', reason });
}

function timeIsUp(context: Deciding, draft: Draft, { about, of }: Extract<PlatformInput, { type: 'timer' }>): void {
  const { state } = context;
  if (about === 'reservation') {
    if (state.reservations.has(of)) draft.records.push({ t: 'unreserved', agent: of });
  } else if (about === 'choose') {
    choose(context, draft, of);
  } else if (about === 'deadline') {
    const agent = state.customers.get(of);
    if (agent?.phase !== 'calling' && agent?.phase !== 'negotiating') return;
    const call = agent.call === null ? undefined : state.calls.get(agent.call);
    for (const id of call?.talks ?? []) {
      breakOff(context, draft, { agent, call: call!, talk: state.talks.get(id)!, reason: 'the deadline has passed' });
    }
    giveUp(state, draft, agent, 'no agreement by the deadline');
  } else if (about === 'lapse') {
    if (state.talks.get(of)?.holds) draft.records.push({ t: 'lapsed', talk: of });
  } else if (about === 'close') {
    if (state.calls.has(of)) draft.records.push({ t: 'closed', call: of });
  } else if (about === 'forget') {
    const agent = state.customers.get(of);
    if (agent === undefined) return;
    if (agent.call !== null) draft.records.push({ t: 'closed', call: agent.call });
    draft.records.push({ t: 'forgotten', agent: of });
  }
}
