/** What owners do with places and agents on a platform: reserve, launch, deploy, recall, ask for the status. */
import { createPublicKey } from 'node:crypto';
import { equalBytes } from '../../codec/hex.ts';
import { generateP256 } from '../../crypto/signature.ts';
import { encodeShape } from '../../crypto/signed-message.ts';
import { amountOf, formatAmount } from '../../money/amount.ts';
import { createCertificateRequest } from '../../pki/certificate-request.ts';
import { readName } from '../../pki/name.ts';
import { type AgentStatus, agentStatusType, MAX_LISTED, type MerchantList, reservedType } from '../message/hosting.ts';
import { isNegotiable } from '../negotiation/lot-issues.ts';
import { strategyByName } from '../negotiation/strategy-by-name.ts';
import { sealAgentKey } from './agent-key.ts';
import { stop } from './calling.ts';
import { breakOff } from './customer-turn.ts';
import type { Deciding, Draft } from './decision-draft.ts';
import { PlatformError } from './platform-error.ts';
import type { Owner, PlatformInput } from './platform-input.ts';
import type { PlatformState, Reservation, Side } from './platform-state.ts';

type InputOf<T extends PlatformInput['type']> = Extract<PlatformInput, { type: T }>;

const MAX_RESERVATION_MS = 24 * 3_600_000;
const MAX_AGENTS = 100_000;
/** One owner may not take all places. */
const MAX_AGENTS_OF_OWNER = 10_000;
/** An agent occupies its place as long as its mandate is valid. */
const MAX_MANDATE_MS = 100 * 24 * 3_600_000;
/** A finished agent's status can be asked for this long after its mandate has expired. */
const REMEMBERED_MS = 3_600_000;

function requireFreePlace({ reservations, customers, merchants }: PlatformState, owner: Owner): void {
  const taken = reservations.size + customers.size + merchants.size;
  if (taken >= MAX_AGENTS) throw new PlatformError('PLATFORM_BUSY', 'no place is free');
  if (taken < MAX_AGENTS_OF_OWNER) return;
  let own = 0;
  for (const places of [reservations, customers, merchants]) {
    for (const place of places.values()) if (place.owner === owner.name) own += 1;
  }
  if (own >= MAX_AGENTS_OF_OWNER) throw new PlatformError('PLACES_TAKEN', 'this owner has no more places');
}

/** Makes the agent's key pair; the private key never leaves, and is recorded sealed. */
export function reserve(context: Deciding, draft: Draft, input: InputOf<'reserve'>, platformKey: Uint8Array): void {
  const { state, env } = context;
  const { agent, role, subject, expiresAtMs } = input.value;
  if (state.reservations.has(agent) || state.customers.has(agent) || state.merchants.has(agent)) {
    throw new PlatformError('AGENT_EXISTS', 'there is an agent or a reservation of this name');
  }
  if (expiresAtMs <= env.nowMs || expiresAtMs > env.nowMs + MAX_RESERVATION_MS) {
    throw new PlatformError('RESERVATION_TIME', 'a reservation lasts a day at most');
  }
  requireFreePlace(state, input.owner);
  const name = readName(subject);
  const { privateKey, publicKey } = generateP256();
  const random = (length: number) => env.random(length);
  draft.records.push({
    t: 'reserved',
    agent,
    role,
    owner: input.owner.name,
    sealedKey: sealAgentKey({ platformKey, agent, privateKey, random }),
    publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
    expiresAtMs,
  });
  draft.timers.push({ id: `reservation ${agent}`, atMs: expiresAtMs });
  draft.answer = encodeShape(reservedType, {
    agent,
    certificateRequest: createCertificateRequest({ subject: name, publicKey, privateKey }),
  });
}

/** @throws PlatformError unless the owner has reserved this place in this role, and the certificate is for the key made here */
function reservationOf(state: PlatformState, owner: Owner, agent: string, role: Side, key: Uint8Array): Reservation {
  const reservation = state.reservations.get(agent);
  if (reservation?.owner !== owner.name || reservation.role !== role) {
    throw new PlatformError('RESERVATION_UNKNOWN', 'the owner has no such reservation');
  }
  const sameKey = createPublicKey({ key: Buffer.from(key), format: 'der', type: 'spki' }).equals(
    createPublicKey({ key: Buffer.from(reservation.publicKey), format: 'der', type: 'spki' }),
  );
  if (!sameKey) throw new PlatformError('AGENT_KEY', 'the certificate is for another key than the one made here');
  return reservation;
}

export function launch(context: Deciding, draft: Draft, input: InputOf<'launch'>): void {
  const { state, env } = context;
  const { value, mandate, owner } = input;
  reservationOf(state, owner, value.agent, 'customer', input.agentKey);
  if (!equalBytes(mandate.agentThumb, input.agentThumb)) {
    throw new PlatformError('MANDATE_OF_ANOTHER', 'the mandate is for another agent');
  }
  if (mandate.expiresAtMs <= env.nowMs) throw new PlatformError('MANDATE_EXPIRED', 'the mandate has expired');
  if (mandate.expiresAtMs > env.nowMs + MAX_MANDATE_MS) {
    throw new PlatformError('MANDATE_TOO_LONG', 'a mandate is taken for 100 days at most');
  }
  strategyByName(mandate.strategy);
  const { agent, agentChain: chain, tokens } = value;
  draft.records.push({ t: 'launched', agent, mandate: value.mandate, chain, tokens });
  draft.keys.add(`agent:${agent}`);
  draft.clearTimers.push(`reservation ${agent}`);
  draft.timers.push(
    { id: `deadline ${agent}`, atMs: mandate.deadlineMs },
    { id: `forget ${agent}`, atMs: mandate.expiresAtMs + REMEMBERED_MS },
  );
  draft.inputs.push({ type: 'begin', agent });
  draft.answer = encodeShape(agentStatusType, { agent, role: 'customer', phase: 'calling' });
}

/** A first deployment takes a reserved place; later ones replace the parameters. */
export function deploy(context: Deciding, draft: Draft, input: InputOf<'deploy'>): void {
  const { state, env } = context;
  const { value, parameters, owner } = input;
  const { agent, agentChain: chain } = value;
  const known = state.merchants.get(agent);
  if (known === undefined) {
    reservationOf(state, owner, agent, 'merchant', input.agentKey);
  } else if (known.owner !== owner.name) {
    throw new PlatformError('AGENT_OF_ANOTHER', 'the agent belongs to another owner');
  } else if (parameters.version <= known.parameters.version) {
    throw new PlatformError('PARAMETERS_OLD', 'newer parameters are in force');
  } else if (!equalBytes(known.chain[0]!, chain[0]!)) {
    throw new PlatformError('AGENT_KEY', 'the agent has another certificate');
  }
  if (parameters.expiresAtMs <= env.nowMs) throw new PlatformError('PARAMETERS_EXPIRED', 'the parameters have expired');
  if ([...parameters.goods, ...parameters.bundles].some(({ listMinor, floorMinor }) => floorMinor > listMinor)) {
    throw new PlatformError('PARAMETERS_INVALID', 'a floor price is above the list price');
  }
  if (!parameters.goods.every(({ choices }) => isNegotiable(choices))) {
    throw new PlatformError('PARAMETERS_INVALID', 'there are too many variants of one of the goods');
  }
  strategyByName(parameters.concession);
  draft.records.push({ t: 'deployed', agent, parameters: value.parameters, chain });
  draft.keys.add(`agent:${agent}`);
  draft.clearTimers.push(`reservation ${agent}`);
  draft.answer = encodeShape(agentStatusType, { agent, role: 'merchant', phase: 'selling' });
}

/** Takes an agent back. What is agreed already is not undone by that; nothing new is begun. */
export function recall(context: Deciding, draft: Draft, input: InputOf<'recall'>): void {
  const { state } = context;
  const merchant = state.merchants.get(input.agent);
  if (merchant?.owner === input.owner.name) {
    draft.records.push({ t: 'withdrawn', agent: merchant.id });
    draft.keys.add(`agent:${merchant.id}`);
    draft.answer = encodeShape(agentStatusType, { agent: merchant.id, role: 'merchant', phase: 'recalled' });
    return;
  }
  const agent = state.customers.get(input.agent);
  if (agent?.owner !== input.owner.name) throw new PlatformError('AGENT_UNKNOWN', 'the owner has no such agent');
  const status = statusOf(state, input.owner, agent.id);
  const answer = (phase: AgentStatus['phase']) => encodeShape(agentStatusType, { ...status, phase });
  if (agent.phase === 'done' || agent.phase === 'failed' || agent.phase === 'recalled') {
    draft.answer = answer(agent.phase);
    return;
  }
  draft.answer = answer('recalled');
  if (agent.phase === 'paying') {
    // The payment may be under way at the station, which recalls the mandate itself; the completion is still passed on.
    draft.records.push({ t: 'phase', agent: agent.id, phase: 'recalled', reason: 'recalled by its owner' });
    draft.keys.add(`agent:${agent.id}`);
    return;
  }
  const call = agent.call === null ? undefined : state.calls.get(agent.call);
  for (const id of call?.talks ?? []) {
    const talk = state.talks.get(id);
    if (talk && call) breakOff(context, draft, { agent, call, talk, reason: 'the customer was called back' });
  }
  stop(state, draft, agent, 'recalled', 'recalled by its owner');
}

/** Merchants that have an agent here, each once, in the order of their names: what every call for proposals shows anyway. */
export function merchantsOf({ merchants }: PlatformState): MerchantList {
  const names = new Map([...merchants.values()].map(({ parameters: { merchant } }) => [merchant.id, merchant.name]));
  return [...names]
    .map(([id, name]) => ({ id, name }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .slice(0, MAX_LISTED);
}

/** @throws PlatformError `AGENT_UNKNOWN` also for agents of others */
export function statusOf(state: PlatformState, owner: Owner, id: string): AgentStatus {
  const merchant = state.merchants.get(id);
  if (merchant?.owner === owner.name) return { agent: id, role: 'merchant', phase: 'selling' };
  const reservation = state.reservations.get(id);
  if (reservation?.owner === owner.name) return { agent: id, role: reservation.role, phase: 'reserved' };
  const agent = state.customers.get(id);
  if (agent?.owner !== owner.name) throw new PlatformError('AGENT_UNKNOWN', 'the owner has no such agent');
  return {
    agent: id,
    role: 'customer',
    phase: agent.phase,
    ...(agent.reason === null ? {} : { reason: agent.reason.slice(0, 200) }),
    proposals: agent.proposals,
    offers: agent.offers,
    ...(agent.notOffered.length > 0 && { notOffered: agent.notOffered }),
    purchases: agent.purchases.map(({ itemId, merchant: seller, product, currency, priceMinor, outcome }) => ({
      itemId,
      merchant: seller,
      product,
      price: formatAmount(amountOf(currency, priceMinor)),
      outcome,
    })),
  };
}
