/**
 * Acquire Credential (US 5,671,280, figures 26 to 28) from the side of whoever gets it. The authority decides; here the credential is validated,
 * shown to the owner, and waited for: it is held from the moment on at which the authority's signature has come and holds.
 */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { fromHex, toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Amount } from '../../money/amount.ts';
import { formatAgentId } from '../message/agent-id.ts';
import {
  type CredentialAnswer,
  type CredentialRequest,
  credentialAnswerShape,
  credentialRequestShape,
} from '../message/credential-talk.ts';
import type { PaymentAnswer } from '../message/payment-talk.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { call } from '../session/calling.ts';
import { firstStatus } from '../ticket/status.ts';
import { checkCredential, reasonOf, shownOf } from './check-credential.ts';
import { type Conversation, fail } from './conversation.ts';
import type { HostCommand } from './host-command.ts';
import type { Leg } from './leg.ts';
import { distrustDeeds } from './outcome.ts';
import { requireShowable, showChosen } from './own-credential.ts';
import { askForVote, beginToPay, type Due, hearPayee, losePaying } from './pay-through.ts';
import { letPonder, NOT_IN_TIME } from './ponder.ts';
import { type Delivery, readDelivery } from './read-delivery.ts';
import type { AcquiringTalk, CredentialGoal, DeliveredCredential, PaymentChoice } from './talk.ts';
import { showUnissued, tellHost } from './to-host.ts';
import { settle, vote } from './transaction.ts';
import { endTalk, keepTalk, log, ownKey, peerOf, say, type Turn } from './turn.ts';

/** @throws TrustedError `TICKET_UNKNOWN`, `TICKET_UNDER_WAY`, `TICKET_INACTIVE`, `TICKET_INVALID` or `COMMAND_UNTIMELY` */
export function acquire(turn: Turn, command: Extract<HostCommand, { type: 'acquire' }>): void {
  const { wanted, code, evidence, check } = command;
  for (const chosen of evidence) showChosen(turn, chosen);
  begin(turn, command, { goal: { type: 'acquire', wanted, code, evidence }, check: check === 1 });
}

/** Figure 28; the authority's credential is always checked (step 966). @throws as `acquire` */
export function revalidate(turn: Turn, command: Extract<HostCommand, { type: 'revalidate' }>): void {
  const { ticketId } = command;
  requireShowable(turn, ticketId);
  for (const talk of turn.state.talks.values()) {
    if (talk.type === 'acquiring' && talk.goal.type === 'revalidate' && talk.goal.ticketId === ticketId) {
      throw new TrustedError('TICKET_UNDER_WAY', `credential ${ticketId} is being revalidated`);
    }
  }
  begin(turn, command, { goal: { type: 'revalidate', ticketId }, check: true });
}

function begin(
  turn: Turn,
  { matter, about, route }: { readonly matter: string; readonly about: Uint8Array; readonly route: string },
  { goal, check }: { readonly goal: CredentialGoal; readonly check: boolean },
): void {
  ownKey(turn);
  const session = call(turn.context, turn.draft, { purpose: 'credential', about: toHex(about), route });
  keepTalk(turn, { type: 'acquiring', session, matter, goal, check, step: 'calling', delivered: undefined });
}

const ask = (turn: Turn, talk: AcquiringTalk, request: CredentialRequest) =>
  say(turn, talk, encodeCbor(credentialRequestShape.encode(request)));

export const acquiring: Conversation<AcquiringTalk> = {
  open(turn, talk) {
    if (!talk.check) return apply(turn, talk);
    keepTalk(turn, { ...talk, step: 'checking' });
    ask(turn, talk, { type: 'show-credential' });
  },

  said(turn, talk, payload) {
    const answer = credentialAnswerShape.decode(decodeCbor(payload, { maxDepth: 12 }), 'answer');
    const { step, delivered } = talk;
    if (step === 'checking' && answer.type === 'credential') {
      keepTalk(turn, { ...talk, step: 'confirming' });
      letPonder(turn, talk);
      checkCredential(turn, talk, answer, (type) => type === 'authority');
    } else if (step === 'checking' && answer.type === 'no-credential') {
      fail(turn, talk, 'no credential');
    } else if (step === 'asked' && answer.type === 'deliver') {
      consider(turn, talk, answer);
    } else if (step === 'asked' && answer.type === 'revalidate-in-person' && talk.goal.type === 'revalidate') {
      leaveIt(turn, talk, talk.goal.ticketId);
    } else if (step === 'asked' && answer.type === 'refused') {
      fail(turn, talk, `refused: ${answer.reason}`);
    } else if (step === 'paying' && delivered?.price !== undefined) {
      hearPaying(turn, talk, dueOf(talk, delivered, delivered.price), answer as PaymentAnswer);
    } else if (step === 'accepted' && answer.type === 'issued') {
      keep(turn, talk, answer);
    } else if (step === 'leaving' && answer.type === 'over') {
      endTalk(turn, talk, 'done');
    } else {
      throw new TrustedError('SESSION_OUT_OF_ORDER', `"${answer.type}" while ${step}`);
    }
  },

  prepared(turn, talk) {
    askForVote(turn, talk, talk.delivered!.transaction);
  },

  decided(turn, talk, outcome, why) {
    if (outcome === 'aborted') fail(turn, talk, `not paid: ${why}`);
  },

  lost(turn, talk, why) {
    if (talk.step === 'leaving') return;
    const id = talk.delivered?.transaction;
    if (id !== undefined && !losePaying(turn, talk, id)) return;
    tellHost(turn, { type: 'failed', matter: talk.matter, why });
  },
};

/** The owner has confirmed the authority's credential, or the one delivered, or has not. @throws TrustedError `COMMAND_UNTIMELY` and as `acquire` */
export function confirmAcquiring(turn: Turn, talk: AcquiringTalk, accept: boolean, payment?: PaymentChoice): void {
  const { step, delivered } = talk;
  if (step === 'confirming') {
    if (accept) apply(turn, talk);
    else fail(turn, talk, 'the credential was not confirmed');
  } else if (step === 'deciding' && delivered !== undefined) {
    if (accept) acceptDelivery(turn, talk, delivered, payment);
    else decline(turn, talk, delivered, 'not confirmed');
  } else {
    throw new TrustedError('COMMAND_UNTIMELY', 'there is nothing to confirm');
  }
}

/** The owner's time is over. */
export function stopPondering(turn: Turn, talk: AcquiringTalk): void {
  if (talk.step === 'confirming') fail(turn, talk, NOT_IN_TIME);
  else if (talk.step === 'deciding' || talk.step === 'choosing') decline(turn, talk, talk.delivered!, NOT_IN_TIME);
}

/** Steps 900 to 910, and 968 to 972. */
function apply(turn: Turn, talk: AcquiringTalk): void {
  const { goal } = talk;
  try {
    const request = requestFor(turn, goal);
    keepTalk(turn, { ...talk, step: 'asked' });
    ask(turn, talk, request);
  } catch (error) {
    fail(turn, talk, reasonOf(error));
  }
}

function requestFor(turn: Turn, goal: CredentialGoal): CredentialRequest {
  if (goal.type === 'revalidate') {
    const held = requireShowable(turn, goal.ticketId);
    // Its issuer has every field of it in its data base: none of them has to be shown.
    return { type: 'revalidate', shown: shownOf(held, held.disclosures && []) };
  }
  const { wanted, code } = goal;
  const evidence = goal.evidence.map((chosen) => showChosen(turn, chosen));
  return { type: 'acquire', wanted, evidence, ...(code && { code }) };
}

/** Steps 922 to 930. */
function consider(turn: Turn, talk: AcquiringTalk, delivery: Delivery): void {
  const transaction = toHex(delivery.transaction);
  try {
    const { body, claims, delivered } = readDelivery(turn, talk, delivery);
    const { ticketId, price } = delivered;
    keepTalk(turn, { ...talk, step: 'deciding', delivered });
    letPonder(turn, talk);
    const credential = showUnissued({ ticketId, body, status: firstStatus(body.components), claims });
    const replaces = talk.goal.type === 'revalidate' ? { replaces: talk.goal.ticketId } : {};
    tellHost(turn, {
      ...{ type: 'confirm-delivery', matter: talk.matter, session: talk.session, credential },
      ...(price && { price }),
      ...replaces,
    });
  } catch (error) {
    const reason = reasonOf(error);
    decline(turn, talk, { transaction }, reason);
  }
}

/** Steps 932 to 940: nothing can be taken back from here on by this side alone; or what it costs comes first. */
function acceptDelivery(
  turn: Turn,
  talk: AcquiringTalk,
  delivered: DeliveredCredential,
  payment?: PaymentChoice,
): void {
  const { transaction, price } = delivered;
  if (price === undefined) {
    vote(turn, talk, { id: transaction, legs: legsOf(talk, delivered) });
    keepTalk(turn, { ...talk, step: 'accepted' });
    ask(turn, talk, { type: 'accept', transaction: fromHex(transaction) });
  } else if (payment === undefined) {
    keepTalk(turn, { ...talk, step: 'choosing' });
    tellHost(turn, { type: 'choose-payment', matter: talk.matter, session: talk.session, price });
  } else {
    keepTalk(turn, { ...talk, step: 'paying' });
    beginToPay(turn, talk, dueOf(talk, delivered, price), payment);
  }
}

/** The command `pay` (step 948). @throws TrustedError `COMMAND_UNTIMELY`, and when the card cannot be shown */
export function payForCredential(turn: Turn, talk: AcquiringTalk, payment: PaymentChoice): void {
  if (talk.step !== 'choosing') throw new TrustedError('COMMAND_UNTIMELY', 'there is nothing to pay yet');
  acceptDelivery(turn, talk, talk.delivered!, payment);
}

/** What is held from the commit on, and what is not any more. */
function legsOf({ goal }: AcquiringTalk, { ticketId, ticket, disclosures }: DeliveredCredential): readonly Leg[] {
  const take: Leg = { type: 'take', ticketId, ticket, ...(disclosures && { disclosures }) };
  return goal.type === 'revalidate' ? [take, { type: 'retire', ticketId: goal.ticketId }] : [take];
}

function dueOf(talk: AcquiringTalk, delivered: DeliveredCredential, amount: Amount): Due {
  const { transaction: id, ticketId } = delivered;
  return { id, legs: legsOf(talk, delivered), amount, ticketId };
}

/** Steps 952 and 954. */
function hearPaying(turn: Turn, talk: AcquiringTalk, due: Due, answer: PaymentAnswer): void {
  const how = hearPayee(turn, talk, due, answer);
  if (how === 'not paid') {
    fail(turn, talk, 'not paid');
  } else if (how === 'over') {
    tellHost(turn, { type: 'over', matter: talk.matter });
    endTalk(turn, talk, 'done');
  }
}

/** Step 926. */
function decline(
  turn: Turn,
  talk: AcquiringTalk,
  { transaction }: Pick<DeliveredCredential, 'transaction'>,
  why: string,
): void {
  tellHost(turn, { type: 'failed', matter: talk.matter, why });
  keepTalk(turn, { ...talk, step: 'leaving', delivered: undefined });
  ask(turn, talk, { type: 'decline', transaction: fromHex(transaction) });
}

/** The authority has committed. */
function keep(
  turn: Turn,
  talk: AcquiringTalk,
  { transaction: number, deeds }: Extract<CredentialAnswer, { type: 'issued' }>,
) {
  const { delivered } = talk;
  const transaction = delivered && turn.state.transactions.get(delivered.transaction);
  if (delivered === undefined || toHex(number) !== delivered.transaction) {
    throw new TrustedError('SESSION_OUT_OF_ORDER', 'another credential than the one accepted');
  }
  if (transaction !== undefined) {
    try {
      settle(turn, transaction, deeds);
      tellHost(turn, { type: 'over', matter: talk.matter });
    } catch (error) {
      if (!(error instanceof HandselError)) throw error;
      distrustDeeds(turn, transaction, error);
      tellHost(turn, { type: 'failed', matter: talk.matter, why: error.code });
    }
  }
  keepTalk(turn, { ...talk, step: 'leaving' });
  ask(turn, talk, { type: 'done', transaction: number });
}

/** Steps 992 to 998: it stays as it is. */
function leaveIt(turn: Turn, talk: AcquiringTalk, ticketId: string): void {
  const { bytes, mark } = requireShowable(turn, ticketId);
  const image = { ticketId, ticket: bytes, mark };
  log(turn, {
    ...{ kind: 'revalidated', session: talk.session, transaction: undefined, note: 'in person' },
    ...{ peer: formatAgentId(peerOf(turn, talk).agentId), before: [image], after: [image] },
  });
  tellHost(turn, { type: 'revalidate-in-person', matter: talk.matter });
  keepTalk(turn, { ...talk, step: 'leaving' });
  ask(turn, talk, { type: 'understood' });
}
