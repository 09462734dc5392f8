/**
 * Steps I and III of the payment (EP 1 006 469, claim 8): the customer agent asks the merchant agent to pay by card and starts the
 * wallet; the merchant agent tells the merchant server; its completion goes back merchant agent → customer agent → station.
 */
import { toHex } from '../../codec/hex.ts';
import { equalSecrets } from '../../crypto/constant-time.ts';
import { linkOf, readMessage, type SignedMessage } from '../../crypto/signed-message.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { amountOf, formatAmount } from '../../money/amount.ts';
import { nameAttribute } from '../../pki/name.ts';
import { composeAgreement, orderIdOf, readAgreement, termsOf } from '../message/agreement.ts';
import {
  type Completion,
  type CompletionNotice,
  completionNoticeType,
  completionType,
  passedCompletionType,
  payByCardType,
  paymentRequestType,
} from '../message/payment.ts';
import { createPaymentStart } from '../message/payment-start.ts';
import { PRICE } from '../negotiation/lot-issues.ts';
import { boughtOf, giveUp, shortOf, stop } from './calling.ts';
import { certificateOf, type Deciding, type Draft, leafOf, privateKeyOf, signAs } from './decision-draft.ts';
import { inStock } from './merchant-turn.ts';
import { PlatformError } from './platform-error.ts';
import type { Owner } from './platform-input.ts';
import {
  type CustomerAgent,
  contentOf,
  lotOf,
  type OpenCall,
  type PlatformState,
  type Talk,
} from './platform-state.ts';

const ACKNOWLEDGED = new Uint8Array([0xf6]);
/** How long a merchant server may need to take in a payment request, and a station a completion. */
const DELIVERY_MS = 7 * 24 * 3_600_000;

/** Both have signed: the purchase begins. */
export function conclude(context: Deciding, draft: Draft, agent: CustomerAgent, call: OpenCall, talk: Talk): void {
  const { env } = context;
  const proposed = call.proposals.get(talk.merchant)!;
  const last = talk.offers.at(-1)!;
  const agreement =
    talk.agreement ??
    composeAgreement({
      terms: termsOf({
        call: call.value,
        proposal: proposed.value,
        lot: talk.lot,
        offer: last.value,
        chainHead: linkOf(last.bytes),
      }),
      customerChain: call.customerChain,
      merchantChain: proposed.merchantChain,
      customerAcceptance: talk.customerAcceptance!,
      merchantAcceptance: talk.merchantAcceptance!,
    });
  const { terms, price, orderId } = readAgreement(agreement);
  const token = agent.tokens[agent.purchases.length];
  if (token === undefined) {
    giveUp(context.state, draft, agent, 'no token is left');
    return;
  }
  if (talk.agreement === null) {
    draft.records.push({ t: 'agreed', talk: talk.id, agreement, orderId: toHex(orderId) });
  }
  draft.records.push({
    t: 'paying',
    agent: agent.id,
    purchase: {
      itemId: token.itemId,
      negotiation: talk.id,
      orderId: toHex(orderId),
      merchantId: terms.merchant.id,
      merchant: terms.merchant.name,
      product: terms.product.name,
      currency: price.currency,
      priceMinor: price.minor,
    },
  });
  draft.keys.add(`agent:${agent.id}`);
  draft.clearTimers.push(`deadline ${agent.id}`);

  const payByCard = signAs(context, agent, payByCardType, { agreement, method: 'card', atMs: env.nowMs });
  if (talk.merchantHere) {
    draft.inputs.push({ type: 'hear', kind: 'pay-by-card', talk: talk.id, bytes: payByCard });
  } else {
    const to = `${proposed.via}/agent/pay-by-card`;
    const { expiresAtMs } = agent.mandate;
    draft.send.push({ id: `pay ${talk.id}`, to, kind: 'pay-by-card', body: payByCard, expiresAtMs });
  }
  const { station } = agent.mandate;
  const start = createPaymentStart({
    value: {
      mandate: agent.mandate.id,
      token,
      agreement,
      chain: { call: call.bytes, proposal: proposed.bytes, offers: talk.offers.map(({ bytes }) => bytes) },
      merchantUrl: terms.merchant.url,
      atMs: env.nowMs,
      nonce: env.random(16),
    },
    signer: { privateKey: privateKeyOf(context, agent), certificateChain: agent.chain },
    station: certificateOf(station.certificate).publicKey,
    random: (length) => env.random(length),
  });
  draft.send.push({
    id: `start ${talk.id}`,
    to: `${station.url}/agent/payment-start`,
    kind: 'payment-start',
    body: start,
    expiresAtMs: agent.mandate.expiresAtMs,
  });
}

/** Merchant agent: the customer wants to pay by card, so the merchant server is told to expect it. */
export function hearPayByCard(context: Deciding, draft: Draft, bytes: Uint8Array): void {
  const { state, env } = context;
  const message = readMessage(payByCardType, bytes);
  const { agreement } = message.value;
  const talk = state.talks.get(state.orders.get(toHex(orderIdOf(agreement))) ?? '');
  const call = talk && state.calls.get(talk.call);
  const merchant = talk?.merchantHere ? state.merchants.get(talk.merchant) : undefined;
  if (!talk || !call || !merchant || talk.agreement === null || !equalSecrets(talk.agreement, agreement)) {
    throw new PlatformError('AGREEMENT_UNKNOWN', 'there is no such agreement here');
  }
  message.requireSignature(leafOf(call.customerChain).publicKey);
  draft.answer = ACKNOWLEDGED;
  if (talk.status !== 'agreed') return;
  const lot = lotOf(state, talk);
  // What was held may have lapsed since, and be somebody else's now.
  if (!talk.holds && !(lot && inStock(merchant, lot))) {
    throw new PlatformError('OUT_OF_STOCK', 'the goods are not held any more');
  }
  const expiresAtMs = env.nowMs + merchant.parameters.holdMs;
  draft.records.push({ t: 'billed', talk: talk.id });
  draft.timers.push({ id: `lapse ${talk.id}`, atMs: expiresAtMs });
  draft.send.push({
    id: `request ${talk.id}`,
    to: `${merchant.parameters.merchant.url}/agent/payment-request`,
    kind: 'payment-request',
    body: signAs(
      context,
      merchant,
      paymentRequestType,
      { agent: merchant.id, agreement, method: 'card', payByCard: bytes, expiresAtMs },
      'with-chain',
    ),
    expiresAtMs,
  });
}

/** Merchant agent: the merchant server says how the payment ended; passed on to the customer agent. */
export function hearCompletion(
  context: Deciding,
  draft: Draft,
  owner: Owner,
  message: SignedMessage<Completion>,
): void {
  const { state, env } = context;
  const { value, bytes } = message;
  const talk = state.talks.get(state.orders.get(toHex(value.orderId)) ?? '');
  const call = talk && state.calls.get(talk.call);
  const merchant = talk?.merchantHere ? state.merchants.get(talk.merchant) : undefined;
  if (!talk || !call || merchant?.owner !== owner.name || merchant.parameters.merchant.id !== value.merchant) {
    throw new PlatformError('ORDER_UNKNOWN', 'there is no such order of this merchant here');
  }
  draft.answer = ACKNOWLEDGED;
  if (talk.status === 'ended' && value.outcome !== 'paid') return;
  draft.records.push({ t: 'completed', talk: talk.id, outcome: value.outcome });
  draft.keys.add(`agent:${merchant.id}`);
  draft.clearTimers.push(`lapse ${talk.id}`);
  if (call.customer !== null) {
    draft.inputs.push({ type: 'completed', agent: call.customer, talk: talk.id, completion: bytes });
    return;
  }
  if (call.value.replyTo === undefined) return;
  draft.send.push({
    id: `completed ${talk.id}`,
    to: `${call.value.replyTo}/agent/passed-completion`,
    kind: 'passed-completion',
    body: signAs(context, merchant, passedCompletionType, { negotiation: talk.id, completion: bytes }, 'with-chain'),
    expiresAtMs: env.nowMs + DELIVERY_MS,
  });
}

/** Customer agent on another platform than the merchant agent: the completion reaches it signed by that agent. */
export function hearPassedCompletion(
  context: Deciding,
  draft: Draft,
  bytes: Uint8Array,
  completion: SignedMessage<Completion>,
): void {
  const { state } = context;
  const message = readMessage(passedCompletionType, bytes);
  const talk = state.talks.get(message.value.negotiation);
  const call = talk && state.calls.get(talk.call);
  const proposed = talk && call?.proposals.get(talk.merchant);
  if (!talk || !proposed || call?.customer == null || talk.agreement === null) {
    throw new PlatformError('NEGOTIATION_UNKNOWN', 'there is no such negotiation here');
  }
  message.requireSignature(leafOf(proposed.merchantChain).publicKey);
  const { orderId, merchant } = completion.value;
  const signer = leafOf(completion.certificateChain);
  const ours = toHex(orderId) === talk.orderId && merchant === proposed.value.merchant.id;
  if (!ours || nameAttribute(signer.subject, 'CN') !== merchant) {
    throw new CryptographicError(new Error('a completion of another order'));
  }
  draft.answer = ACKNOWLEDGED;
  draft.inputs.push({ type: 'completed', agent: call.customer, talk: talk.id, completion: completion.bytes });
}

/** Customer agent: the payment is over; the station is told, and the agent goes on or ends. */
export function hearCompleted(
  context: Deciding,
  draft: Draft,
  given: { readonly agent: string; readonly talk: string; readonly completion: Uint8Array },
): void {
  const { state, env } = context;
  const agent = state.customers.get(given.agent);
  const talk = state.talks.get(given.talk);
  const call = talk && state.calls.get(talk.call);
  const purchase = agent?.purchases.find(({ negotiation }) => negotiation === given.talk);
  if (!agent || !talk || !call || purchase?.outcome !== 'agreed') return;
  const { outcome, reason } = contentOf(completionType, given.completion);
  const failure = outcome === 'failed' ? (reason ?? 'the payment failed') : '';
  draft.records.push({
    ...{ t: 'bought', agent: agent.id, negotiation: talk.id, outcome },
    ...(failure !== '' && { reason: failure }),
  });
  draft.keys.add(`agent:${agent.id}`);
  draft.send.push({
    id: `notice ${talk.id}`,
    to: `${agent.mandate.station.url}/agent/completion-notice`,
    kind: 'completion-notice',
    body: signAs(
      context,
      agent,
      completionNoticeType,
      {
        mandate: agent.mandate.id,
        itemId: purchase.itemId,
        agreement: talk.agreement!,
        completion: given.completion,
        others: othersOf(state, call, talk),
      },
      'with-chain',
    ),
    expiresAtMs: env.nowMs + DELIVERY_MS,
  });
  goOn(context, draft, agent, { negotiation: talk.id, outcome, reason: failure });
}

/** After a purchase: the next one where the mandate has more and the time allows, else the end. */
export function goOn(
  context: Deciding,
  draft: Draft,
  agent: CustomerAgent,
  ended: { readonly negotiation: string; readonly outcome: 'paid' | 'failed'; readonly reason: string },
): void {
  const { mandate, purchases, tokens, phase } = agent;
  const outcomes = purchases.map((one) => (one.negotiation === ended.negotiation ? ended.outcome : one.outcome));
  const bought = outcomes.filter((outcome) => outcome !== 'failed').length;
  const spentMinor = purchases.reduce(
    (sum, { priceMinor }, at) => (outcomes[at] === 'failed' ? sum : sum + priceMinor),
    0n,
  );
  const complete = bought >= mandate.count;
  const mayGoOn = phase !== 'recalled' && context.env.nowMs < mandate.deadlineMs && purchases.length < tokens.length;
  if (!complete && mayGoOn && spentMinor < mandate.budgetMinor) {
    draft.records.push(
      { t: 'closed', call: agent.call! },
      { t: 'phase', agent: agent.id, phase: 'calling', reason: null },
    );
    draft.timers.push({ id: `deadline ${agent.id}`, atMs: mandate.deadlineMs });
    draft.inputs.push({ type: 'begin', agent: agent.id });
    return;
  }
  if (phase === 'recalled') stop(context.state, draft, agent, 'recalled', agent.reason);
  else if (complete) stop(context.state, draft, agent, 'done', null);
  else if (bought > 0) {
    const late = context.env.nowMs >= mandate.deadlineMs ? 'its time is over' : undefined;
    const failed = ended.outcome === 'failed' ? ended.reason : undefined;
    const why = shortOf(agent, spentMinor) ?? failed ?? late ?? 'no token is left';
    stop(context.state, draft, agent, 'done', boughtOf(bought, agent, why));
  } else stop(context.state, draft, agent, 'failed', ended.reason);
}

/** The best each other merchant came to, for the person to see what the purchase was better than. */
function othersOf(state: PlatformState, call: OpenCall, chosen: Talk): CompletionNotice['others'] {
  return call.talks.flatMap((id) => {
    const talk = state.talks.get(id);
    const proposal = talk && call.proposals.get(talk.merchant)?.value;
    const lot = proposal?.lots.find((candidate) => candidate.id === talk?.lot);
    if (!talk || talk === chosen || !proposal || !lot) return [];
    let least = lot.listMinor;
    for (const [turn, { value }] of talk.offers.entries()) {
      const asked = BigInt(value.values[PRICE] ?? 0);
      if (turn % 2 === 1 && asked < least) least = asked;
    }
    const price = formatAmount(amountOf(lot.currency, least));
    return [{ merchant: proposal.merchant.name, product: lot.product.name, price }];
  });
}
