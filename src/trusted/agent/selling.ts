/**
 * Purchase Of Electronic Merchandise from the merchant's side (US 5,671,280, figures 12, 14 and 15): what its host side told it to sell, fetched
 * from the merchandise server, three times if need be, made into a ticket that is not signed before the payment is decided.
 */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { formatAmount } from '../../money/amount.ts';
import { type BuyAnswer, type BuyRequest, buyAnswerShape, buyRequestShape } from '../message/purchase-talk.ts';
import { isSameSelection } from '../message/selection.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { faultOfMerchandise } from '../ticket/merchandise.ts';
import { encodeBody } from '../ticket/ticket.ts';
import {
  answerPayer,
  hearCommitted,
  hearHeard,
  routeToModule,
  takeCardPayment,
  takeModulePayment,
  voteForModule,
} from './being-paid.ts';
import { checkCredential, credentialAnswer, reasonOf } from './check-credential.ts';
import { type Conversation, fail } from './conversation.ts';
import { endDealing } from './dealing.ts';
import type { HostCommand } from './host-command.ts';
import { type Leg, readUnsigned, storeUnsigned, ticketIdOfUnsigned } from './leg.ts';
import { componentsOf, unsignedFor } from './make-merchandise.ts';
import { doubt, tellOutcome } from './outcome.ts';
import type { Merchandise } from './sale.ts';
import type { SellingTalk } from './talk.ts';
import { tellHost } from './to-host.ts';
import { endTalk, keepTalk, say, type Turn } from './turn.ts';

const answer = (turn: Turn, talk: SellingTalk, said: BuyAnswer) =>
  say(turn, talk, encodeCbor(buyAnswerShape.encode(said)));

/** Step 422. */
const maxTries = 3;

export const selling: Conversation<SellingTalk> = {
  open() {},

  said(turn, talk, payload) {
    const request = buyRequestShape.decode(decodeCbor(payload, { maxDepth: 12 }), 'request');
    switch (request.type) {
      case 'show-credential':
        showOwn(turn, talk);
        break;
      case 'order':
        takeOrder(turn, talk, request);
        break;
      case 'credential':
        if (talk.step !== 'credential-wanted') throw outOfOrder(request);
        try {
          checkCredential(turn, talk, request);
          keepTalk(turn, { ...talk, step: 'confirming-credential' });
        } catch (error) {
          refuse(turn, talk, reasonOf(error));
        }
        break;
      case 'not-paying':
        endDealing(turn, talk.transaction ?? '', 'abort');
        answerPayer(turn, talk, { type: 'not-paid', transaction: request.transaction, reason: 'given up' });
        fail(turn, talk, `given up: ${request.reason}`);
        break;
      default:
        bePaid(turn, talk, request);
    }
  },

  lost(turn, talk, why) {
    const { state } = turn;
    const transaction = talk.transaction === undefined ? undefined : state.transactions.get(talk.transaction);
    if (transaction === undefined) {
      if (talk.transaction !== undefined) endDealing(turn, talk.transaction, 'abort');
      if (talk.step !== 'over') tellHost(turn, { type: 'failed', matter: talk.matter, why });
    } else if (transaction.role === 'voter') {
      doubt(turn, transaction);
      tellHost(turn, { type: 'undecided', matter: talk.matter });
    } else if (transaction.status === 'committed') {
      tellOutcome(turn, transaction, 'committed');
    } else {
      // The network has been asked: what it says decides, and the customer's agent is told then.
      tellHost(turn, { type: 'undecided', matter: talk.matter });
    }
  },

  decided(turn, talk, outcome, why) {
    if (outcome === 'aborted') fail(turn, talk, why);
    else if (turn.state.dealings.get(talk.transaction ?? '')?.way === 'module') over(turn, talk);
    // By card the customer's agent is to say yet that it has heard.
    else keepTalk(turn, { ...talk, step: 'over' });
  },
};

const outOfOrder = ({ type }: BuyRequest) => new TrustedError('SESSION_OUT_OF_ORDER', `"${type}" does not follow`);

function refuse(turn: Turn, talk: SellingTalk, reason: string): void {
  answer(turn, talk, { type: 'refused', reason });
  if (talk.transaction !== undefined) endDealing(turn, talk.transaction, 'abort');
  fail(turn, talk, reason);
}

/** Steps 450 to 456. */
function showOwn(turn: Turn, talk: SellingTalk): void {
  answer(turn, talk, credentialAnswer(turn, talk));
}

function takeOrder(turn: Turn, talk: SellingTalk, request: Extract<BuyRequest, { type: 'order' }>): void {
  const { sale, step, checked } = talk;
  if (step !== 'begun') throw outOfOrder(request);
  if (!isSameSelection(request.selection, sale.selection) || formatAmount(request.price) !== formatAmount(sale.price)) {
    refuse(turn, talk, 'MERCHANDISE_WRONG');
  } else if (sale.wantsCredential && !checked) {
    keepTalk(turn, { ...talk, step: 'credential-wanted' });
    answer(turn, talk, { type: 'credential-wanted' });
  } else {
    fetchMerchandise(turn, talk);
  }
}

/** The command `confirm`: the customer's credential is good enough, or is not. */
export function confirmSelling(turn: Turn, talk: SellingTalk, accept: boolean): void {
  if (talk.step !== 'confirming-credential') throw new TrustedError('COMMAND_UNTIMELY', 'there is nothing to confirm');
  if (accept) fetchMerchandise(turn, { ...talk, checked: true });
  else refuse(turn, talk, 'the credential was not confirmed');
}

/** Steps 412 to 416. */
function fetchMerchandise(turn: Turn, talk: SellingTalk): void {
  const { merchandise, selection, price } = talk.sale;
  if (talk.tries === 0 && merchandise !== undefined) {
    takeMerchandise(turn, { ...talk, tries: 1 }, merchandise);
    return;
  }
  const attempt = talk.tries + 1;
  const { matter, session } = talk;
  keepTalk(turn, { ...talk, step: 'fetching', tries: attempt });
  tellHost(turn, { type: 'fetch-merchandise', matter, session, selection, price, attempt });
}

/** The command `merchandise`. @throws TrustedError `COMMAND_UNTIMELY` */
export function bringMerchandise(turn: Turn, talk: SellingTalk, merchandise: Merchandise): void {
  if (talk.step !== 'fetching') throw new TrustedError('COMMAND_UNTIMELY', 'no merchandise is asked for');
  takeMerchandise(turn, talk, merchandise);
}

/** Steps 418 to 422: what is wrong is asked for twice more. */
function takeMerchandise(turn: Turn, talk: SellingTalk, merchandise: Merchandise): void {
  const { selection, price } = talk.sale;
  const made = componentsOf(turn, merchandise, price);
  const fault = 'fault' in made ? made.fault : faultOfMerchandise(made.components, { selection, price });
  if (fault !== undefined || 'fault' in made) {
    if (talk.tries >= maxTries) refuse(turn, talk, 'MERCHANDISE_WRONG');
    else fetchMerchandise(turn, talk);
    return;
  }
  const unsigned = unsignedFor(turn, talk, made.components);
  turn.draft.records.push({ type: 'serial', serial: turn.state.serial + 1 });
  const offered = { ticketId: ticketIdOfUnsigned(unsigned), ticket: storeUnsigned(unsigned) };
  keepTalk(turn, { ...talk, step: 'offered', offered });
  const { object } = made;
  answer(turn, talk, {
    ...{ type: 'delivered', signer: unsigned.signer, body: encodeBody(unsigned.body) },
    ...(object && { object }),
  });
}

function bePaid(turn: Turn, talk: SellingTalk, request: BuyRequest): void {
  const { sale, offered, step } = talk;
  const { price: amount, ways } = sale;
  const paid = () => ({ legs: legsOf(talk), amount, ticketId: offered!.ticketId });
  if (request.type === 'pay-by-card' && step === 'offered') {
    attempt(turn, talk, request.transaction, () => {
      if (!ways.includes('card')) throw new TrustedError('PAYMENT_REFUSED', 'not by card');
      takeCardPayment(turn, talk, request, paid());
    });
  } else if (request.type === 'pay-by-module' && talk.transaction === undefined) {
    attempt(turn, talk, request.transaction, () => {
      if (!ways.includes('module')) throw new TrustedError('PAYMENT_REFUSED', 'not by money module');
      takeModulePayment(turn, talk, request, amount);
    });
  } else if (request.type === 'routed') {
    routeToModule(turn, talk, talk.transaction, request.bytes);
  } else if (request.type === 'vote' && step === 'offered' && talk.transaction !== undefined) {
    voteForModule(turn, talk, talk.transaction, paid());
  } else if (request.type === 'committed') {
    if (hearCommitted(turn, talk, request)) over(turn, talk);
  } else if (request.type === 'heard' && step === 'over') {
    hearHeard(turn, talk.transaction);
    answerPayer(turn, talk, { type: 'settled', transaction: request.transaction });
    over(turn, talk);
  } else {
    throw outOfOrder(request);
  }
}

function over(turn: Turn, talk: SellingTalk): void {
  tellHost(turn, { type: 'over', matter: talk.matter });
  endTalk(turn, talk, 'done');
}

/** What cannot be paid is answered so, and the sale has come to nothing. */
function attempt(turn: Turn, talk: SellingTalk, transaction: Uint8Array, work: () => void): void {
  try {
    work();
    keepTalk(turn, { ...talk, transaction: Buffer.from(transaction).toString('hex') });
  } catch (error) {
    const reason = reasonOf(error);
    answerPayer(turn, talk, { type: 'not-paid', transaction, reason });
    fail(turn, talk, reason);
  }
}

/** The ticket, as it is going to be when the merchant's agent has signed it. */
function legsOf({ offered }: SellingTalk): readonly Leg[] {
  const { ticketId, ticket } = offered!;
  readUnsigned(ticket);
  return [{ type: 'give', ticketId, ticket }];
}

const maxExpectations = 1000;

/** The command `sell` (step 406). @throws TrustedError `COMMAND_UNTIMELY` */
export function sell({ state, draft, env }: Turn, command: Extract<HostCommand, { type: 'sell' }>): void {
  const { matter, about, times, untilMs, selection, price, ways, wantsCredential, merchandise, credential } = command;
  if (state.expectations.size >= maxExpectations) throw new TrustedError('COMMAND_UNTIMELY', 'too much is expected');
  for (const { id, untilMs: until } of state.expectations.values()) {
    if (until < env.nowMs) draft.records.push({ type: 'expected', id, left: 0 });
  }
  draft.records.push({
    type: 'expecting',
    expectation: {
      ...{ id: matter, purpose: 'buy', about: about && Buffer.from(about).toString('hex'), left: times },
      ...{ untilMs, credential },
      sale: {
        ...{ selection, price, ways, wantsCredential: wantsCredential === 1 },
        ...(merchandise && { merchandise }),
      },
    },
  });
}
