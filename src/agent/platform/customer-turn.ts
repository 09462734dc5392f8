/** A customer agent's side on its platform: when all merchants have answered it moves in all its negotiations, or takes the best. */
import { equalBytes } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { linkOf, type MessageType, readMessage } from '../../crypto/signed-message.ts';
import { bargain, pickBest, type TalkView } from '../customer/bargain.ts';
import { attributeWorth, customerSpace, spendable } from '../customer/customer-utility.ts';
import { termsOf } from '../message/agreement.ts';
import { acceptanceType, endingType, type Offer, offerType } from '../message/offer.ts';
import { assertBid } from '../negotiation/issue.ts';
import { bidOf, publicIssues, valuesOf } from '../negotiation/lot-issues.ts';
import { strategyByName } from '../negotiation/strategy-by-name.ts';
import { giveUp, shortOf, spentBy } from './calling.ts';
import { type Deciding, type Draft, leafOf, signAs } from './decision-draft.ts';
import { bidsOf } from './merchant-turn.ts';
import { conclude } from './paying.ts';
import { PlatformError } from './platform-error.ts';
import { type CustomerAgent, lotOf, type OpenCall, type PlatformState, type Talk } from './platform-state.ts';

export function advance(context: Deciding, draft: Draft, agentId: string): void {
  const { state } = context;
  const agent = state.customers.get(agentId);
  const call = agent?.call == null ? undefined : state.calls.get(agent.call);
  if (agent?.phase !== 'negotiating' || call === undefined) return;
  const talks = call.talks.map((id) => state.talks.get(id)!);
  if (talks.some(isWaiting)) return;

  const agreed = talks.find((talk) => talk.customerAcceptance && talk.merchantAcceptance && talk.status !== 'ended');
  if (agreed !== undefined) {
    for (const other of talks)
      if (other !== agreed) breakOff(context, draft, { agent, call, talk: other, reason: 'bought elsewhere' });
    conclude(context, draft, agent, call, agreed);
    return;
  }

  for (const talk of talks) checkLastOffer(call, talk);
  const views = talks.map((talk) => viewOf(state, agent, talk));
  const round = Math.max(0, ...talks.map(({ status, offers }) => (status === 'open' ? offers.length / 2 : 0)));
  const strategy = strategyByName(agent.mandate.strategy);
  const moves = bargain({ talks: views, strategy, round, rounds: call.value.rounds });

  let asked = false;
  const after = views.map((view, at): TalkView => {
    const move = moves[at];
    const talk = talks[at]!;
    if (move === undefined) return view;
    if (move.type === 'offer') {
      asked = true;
      makeOffer(context, draft, { agent, call, talk, round, values: valuesOf(issuesOf(state, talk), move.bid) });
      return view;
    }
    if (move.type === 'accept') {
      draft.records.push({ t: 'settled', talk: talk.id });
      return { ...view, status: 'settled', settled: view.theirs.at(-1)! };
    }
    breakOff(context, draft, { agent, call, talk, reason: 'no agreement possible' });
    return { ...view, status: 'ended' };
  });
  if (asked) return;

  const best = pickBest(after);
  if (best === undefined) {
    giveUp(state, draft, agent, shortOf(agent) ?? 'no merchant agreed to acceptable terms');
    return;
  }
  accept(context, draft, { agent, call, talk: talks[best]! });
}

/** It is the merchant's turn: an offer of ours, or our acceptance, is on its way. */
function isWaiting(talk: Talk): boolean {
  if (talk.status === 'open') return talk.offers.length % 2 === 1;
  return talk.status === 'settled' && talk.customerAcceptance !== null && talk.merchantAcceptance === null;
}

// Messages whose signature has been checked; each is checked once.
const checked = new WeakSet<Uint8Array>();

function checkLastOffer(call: OpenCall, talk: Talk): void {
  const last = talk.offers.at(-1);
  if (talk.status !== 'open' || last === undefined || checked.has(last.bytes)) return;
  const proposed = call.proposals.get(talk.merchant)!;
  readMessage(offerType, last.bytes).requireSignature(leafOf(proposed.merchantChain).publicKey);
  checked.add(last.bytes);
}

function issuesOf(state: PlatformState, talk: Talk) {
  return publicIssues(lotOf(state, talk)!);
}

// What a lot is worth to an agent follows from mandate, lot and what it may still spend: constant while it negotiates.
const spaces = new WeakMap<Talk, Pick<TalkView, 'space' | 'attributes'>>();

function viewOf(state: PlatformState, agent: CustomerAgent, talk: Talk): TalkView {
  const lot = lotOf(state, talk)!;
  let mind = spaces.get(talk);
  if (mind === undefined) {
    const space = customerSpace(agent.mandate, lot, spendable(agent.mandate, spentBy(agent)));
    if (space === undefined) throw new PlatformError('NEGOTIATION_UNKNOWN', 'the lot is not within the mandate');
    mind = { space, attributes: attributeWorth(agent.mandate, lot) };
    spaces.set(talk, mind);
  }
  const { first: own, second: theirs } = bidsOf(
    publicIssues(lot),
    talk.offers.map(({ value }) => value),
  );
  const last = talk.offers.length % 2 === 1 ? own.at(-1) : theirs.at(-1);
  const status = talk.status === 'settled' || talk.status === 'open' ? talk.status : 'ended';
  return { ...mind, own, theirs, status, ...(status === 'settled' && last ? { settled: last } : {}) };
}

interface Place {
  readonly agent: CustomerAgent;
  readonly call: OpenCall;
  readonly talk: Talk;
}

function makeOffer(
  context: Deciding,
  draft: Draft,
  given: Place & { readonly round: number; readonly values: Offer['values'] },
): void {
  const { agent, call, talk, round, values } = given;
  const previous = talk.offers.at(-1)?.bytes ?? call.proposals.get(talk.merchant)!.bytes;
  const offer: Offer = {
    negotiation: talk.id,
    round,
    ...(round === 0 ? { opens: { call: call.id, agent: talk.merchant, lot: talk.lot } } : {}),
    values,
    previous: linkOf(previous),
  };
  const bytes = signAs(context, agent, offerType, offer);
  draft.records.push({ t: 'offered', talk: talk.id, offer: bytes });
  if (talk.merchantHere) draft.inputs.push({ type: 'hear', kind: 'offer', talk: talk.id, bytes });
  else post(draft, given, `offer ${talk.id} ${round}`, 'offer', bytes);
}

/** Our signature under the terms on the table. The agreement stands when the merchant has answered with its own. */
function accept(context: Deciding, draft: Draft, place: Place): void {
  const { agent, call, talk } = place;
  const last = talk.offers.at(-1)!;
  const chainHead = linkOf(last.bytes);
  const proposal = call.proposals.get(talk.merchant)!.value;
  const terms = termsOf({ call: call.value, proposal, lot: talk.lot, offer: last.value, chainHead });
  const acceptance = signAs(context, agent, acceptanceType, {
    negotiation: talk.id,
    terms: sha256(terms),
    previous: chainHead,
  });
  draft.records.push({ t: 'accepted', talk: talk.id, by: 'customer', acceptance });
  if (talk.merchantHere) draft.inputs.push({ type: 'hear', kind: 'acceptance', talk: talk.id, bytes: acceptance });
  else post(draft, place, `acceptance ${talk.id}`, 'acceptance', acceptance);
}

const MAX_REASON = 100;

/** Ends a negotiation, and tells a merchant elsewhere that has promised its goods. */
export function breakOff(context: Deciding, draft: Draft, place: Place & { readonly reason: string }): void {
  const { agent, talk, reason } = place;
  if (talk.status === 'ended') return;
  draft.records.push({ t: 'ended', talk: talk.id, by: 'customer', reason });
  draft.clearTimers.push(`lapse ${talk.id}`);
  const last = talk.offers.at(-1);
  if (talk.merchantHere || talk.merchantAcceptance === null || last === undefined) return;
  const ending = signAs(context, agent, endingType, {
    negotiation: talk.id,
    reason: reason.slice(0, MAX_REASON),
    previous: linkOf(last.bytes),
  });
  post(draft, place, `ending ${talk.id}`, 'ending', ending);
}

function post(draft: Draft, { call, talk }: Place, id: string, kind: string, body: Uint8Array): void {
  const { via } = call.proposals.get(talk.merchant)!;
  draft.send.push({ id, to: `${via}/agent/${kind}`, kind, body, expiresAtMs: call.value.deadlineMs });
}

/** What a merchant agent elsewhere answered to our offer or acceptance; no answer counts as its leaving. */
export function hearMerchant(
  context: Deciding,
  draft: Draft,
  answer: { readonly talk: string; readonly body: Uint8Array | undefined; readonly reason: string },
): void {
  const { state } = context;
  const talk = state.talks.get(answer.talk);
  const call = talk && state.calls.get(talk.call);
  // The merchant may have accepted first: then its answer to our acceptance says only that it was heard.
  const confirmed = talk?.status === 'settled' && talk.customerAcceptance !== null && talk.merchantAcceptance !== null;
  if (!talk || call?.customer == null || !(isWaiting(talk) || confirmed)) return;
  const advanceNext = () => draft.inputs.push({ type: 'advance', agent: call.customer! });
  const ended = (reason: string) => {
    draft.records.push({ t: 'ended', talk: talk.id, by: 'merchant', reason });
    advanceNext();
  };
  if (answer.body === undefined) {
    ended(answer.reason);
    return;
  }

  const key = leafOf(call.proposals.get(talk.merchant)!.merchantChain).publicKey;
  const head = linkOf(talk.offers.at(-1)!.bytes);
  const take = <T extends { negotiation: string; previous: Uint8Array }>(type: MessageType<T>): T => {
    const message = readMessage(type, answer.body!);
    message.requireSignature(key);
    if (message.value.negotiation !== talk.id || !equalBytes(message.value.previous, head)) {
      throw new PlatformError('NEGOTIATION_CHAIN_BROKEN', 'the answer does not follow our message');
    }
    return message.value;
  };
  const kind = kindOf(answer.body);
  if (kind === 'ending') {
    ended(take(endingType).reason);
    return;
  }
  if (confirmed) {
    take(acceptanceType);
    advanceNext();
    return;
  }
  if (kind === 'acceptance') {
    const { terms } = take(acceptanceType);
    const last = talk.offers.at(-1)!;
    const proposal = call.proposals.get(talk.merchant)!.value;
    const ours = termsOf({ call: call.value, proposal, lot: talk.lot, offer: last.value, chainHead: head });
    if (!equalBytes(terms, sha256(ours))) {
      throw new PlatformError('NEGOTIATION_CHAIN_BROKEN', 'the merchant accepted other terms');
    }
    draft.records.push({ t: 'accepted', talk: talk.id, by: 'merchant', acceptance: answer.body });
    advanceNext();
    return;
  }
  const offer = take(offerType);
  if (talk.status !== 'open' || offer.round !== (talk.offers.length - 1) / 2) {
    throw new PlatformError('NEGOTIATION_OUT_OF_TURN', 'the answer is of another round');
  }
  const issues = issuesOf(state, talk);
  assertBid(issues, bidOf(issues, offer.values));
  checked.add(answer.body);
  draft.records.push({ t: 'offered', talk: talk.id, offer: answer.body });
  advanceNext();
}

function kindOf(bytes: Uint8Array): 'offer' | 'acceptance' | 'ending' {
  for (const [kind, type] of [
    ['offer', offerType],
    ['acceptance', acceptanceType],
  ] as const) {
    try {
      readMessage<unknown>(type, bytes);
      return kind;
    } catch {}
  }
  return 'ending';
}
