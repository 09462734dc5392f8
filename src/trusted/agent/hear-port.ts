/**
 * What a payment port says, and what follows from it (`../message/payment-port.ts`). Who hears `paid` or `failed` decides the transaction there and
 * then, in the record that hears it, whether or not there still is a session in which to say so.
 */
import { fromHex } from '../../codec/hex.ts';
import type { Outcome } from '../../journal/machine.ts';
import { formatAmount } from '../../money/amount.ts';
import { type PortAnswer, readPortAnswer } from '../message/payment-port.ts';
import { TrustedError } from '../message/trusted-error.ts';
import type { Dealing, Transaction } from './agent-state.ts';
import { answerPayer } from './being-paid.ts';
import type { Conversation } from './conversation.ts';
import { tellPort } from './dealing.ts';
import { tellOutcome } from './outcome.ts';
import { askToPay } from './paying.ts';
import type { Talk } from './talk.ts';
import { tellHost } from './to-host.ts';
import { abort, commit, settle } from './transaction.ts';
import { log, type Turn } from './turn.ts';

interface Hearing {
  readonly turn: Turn;
  readonly dealing: Dealing;
  /** While its session lasts. */
  readonly talk: Talk | undefined;
  readonly transaction: Transaction | undefined;
  readonly conversationOf: (talk: Talk) => Conversation<Talk>;
}

/**
 * The answer to a message `port/TRANSACTION/NUMBER`, or what became of it.
 * @throws HandselError when the answer is of no use, so that it is asked for again
 */
export function hearPort(
  turn: Turn,
  messageId: string,
  { outcome, conversationOf }: { readonly outcome: Outcome } & Pick<Hearing, 'conversationOf'>,
): void {
  const [, id = '', number] = messageId.split('/');
  const { state } = turn;
  const dealing = state.dealings.get(id);
  if (dealing === undefined || dealing.number !== Number(number)) return;
  const session = state.sessions.get(dealing.session);
  const talk = session === undefined ? undefined : state.talks.get(dealing.session);
  const hearing: Hearing = { turn, dealing, talk, transaction: state.transactions.get(id), conversationOf };
  if (dealing.step === 'over') {
    turn.draft.records.push({ type: 'dealing-over', transaction: id });
    // The ticket is given, or is not, whatever the port says now; the owner has to see to the money.
    if (outcome.type === 'refused') noteRefusal(turn, dealing, outcome.code);
  } else if (outcome.type === 'answered') {
    const place = { transaction: fromHex(id), number: dealing.number };
    const { answer, sealed } = readPortAnswer(place, outcome.body, dealing.key);
    // What is not sealed may say nothing but that nothing came of it, and that only before the channel is there.
    const harmless = answer.type === 'say' || answer.type === 'noted' || answer.type === 'failed';
    if (!sealed && (dealing.sealed || !harmless)) throw new TrustedError('PAYMENT_REFUSED', 'not sealed');
    hear({ ...hearing, dealing: { ...dealing, sealed } }, answer);
  } else if (dealing.step === 'executing') {
    // It may have been paid: the port is asked until it can say.
    askAgain(hearing);
  } else {
    fail(hearing, outcome.type === 'refused' ? outcome.code : 'no answer in time');
  }
}

function noteRefusal(turn: Turn, { transaction, port, session }: Dealing, code: string): void {
  log(turn, {
    ...{ kind: 'failed', session, transaction, peer: port, before: [], after: [] },
    note: `the payment port refused what became of the transaction: ${code}`,
  });
}

function hear(hearing: Hearing, answer: PortAnswer): void {
  const { turn, dealing } = hearing;
  switch (answer.type) {
    case 'noted':
      begun(hearing);
      break;
    case 'say':
      carry(hearing, answer.bytes);
      break;
    case 'verify': {
      const correct = formatAmount(answer.amount) === formatAmount(dealing.amount) && !dealing.initiates ? 1 : 0;
      tellPort(turn, dealing, { type: 'verified', correct });
      break;
    }
    case 'prepared':
      prepared(hearing, answer.say);
      break;
    case 'paid':
      paid(hearing, answer);
      break;
    case 'failed':
      fail(hearing, answer.reason);
      break;
    case 'pending':
      askAgain(hearing);
      break;
  }
}

const keep = ({ draft }: Turn, dealing: Dealing) => draft.records.push({ type: 'dealing', dealing });

/** The payee's module is there: the payer's agent may know. */
function begun({ turn, dealing, talk }: Hearing): void {
  keep(turn, dealing);
  if (talk === undefined || dealing.side === 'payer' || dealing.step !== 'begun') return;
  answerPayer(turn, talk, { type: 'pay-by-module', contribution: dealing.contribution! });
}

/** Figures 17 and 20: what a module says goes through both agents to the other one. */
function carry(hearing: Hearing, bytes: Uint8Array): void {
  const { turn, dealing, talk } = hearing;
  keep(turn, dealing);
  if (talk === undefined) return;
  if (dealing.side === 'payer') askToPay(turn, talk, { type: 'routed', bytes });
  else answerPayer(turn, talk, { type: 'routed', bytes });
}

function prepared(hearing: Hearing, say: Uint8Array | undefined): void {
  const { turn, talk, conversationOf } = hearing;
  const dealing: Dealing = { ...hearing.dealing, step: 'prepared' };
  keep(turn, dealing);
  if (talk === undefined) return;
  if (dealing.side === 'payee') answerPayer(turn, talk, { type: 'routed', bytes: say ?? new Uint8Array() });
  else conversationOf(talk).prepared?.(turn, talk);
}

function paid(hearing: Hearing, { receipt, say }: Extract<PortAnswer, { type: 'paid' }>): void {
  const { turn, dealing, talk, transaction, conversationOf } = hearing;
  const { transaction: id } = dealing;
  if (transaction === undefined) {
    // It was paid though it was given up: the port takes it back.
    tellPort(turn, dealing, { type: 'abort' }, { step: 'over' });
    return;
  }
  if (transaction.role === 'voter') {
    // A payee's module that was paid: so the payer has committed, or is going to.
    keep(turn, dealing);
    const { legs, theirDeeds = [] } = transaction;
    // What the payer gives besides the money has not come yet: it is asked for that, and tells both together.
    if (theirDeeds.length < legs.filter(({ type }) => type === 'take').length) return;
    settle(turn, transaction, theirDeeds, receipt);
    if (talk !== undefined) answerPayer(turn, talk, { type: 'settled', transaction: fromHex(id) });
    if (talk !== undefined) conversationOf(talk).decided?.(turn, talk, 'committed', '');
    return;
  }
  keep(turn, dealing);
  const deeds = commit(turn, transaction, receipt);
  if (talk === undefined) {
    tellOutcome(turn, { ...transaction, deeds, receipt }, 'committed');
    return;
  }
  if (dealing.way === 'card') answerPayer(turn, talk, { type: 'paid', transaction: fromHex(id), deeds, receipt });
  else {
    const given = { ...(say && { routed: say }), ...(deeds.length > 0 && { deeds }) };
    askToPay(turn, talk, { type: 'committed', transaction: fromHex(id), ...given });
  }
  conversationOf(talk).decided?.(turn, talk, 'committed', '');
}

function fail(hearing: Hearing, why: string): void {
  const { turn, dealing, talk, transaction, conversationOf } = hearing;
  const reason = why.slice(0, 100);
  const number = fromHex(dealing.transaction);
  if (transaction === undefined) {
    tellPort(turn, dealing, { type: 'abort' }, { step: 'over' });
  } else if (transaction.role === 'voter') {
    // The payer decides, and has heard the same from its own module: it is asked.
    keep(turn, dealing);
    return;
  } else {
    keep(turn, dealing);
    abort(turn, transaction);
    if (talk === undefined) {
      tellOutcome(turn, transaction, 'aborted');
      tellHost(turn, { type: 'failed', matter: transaction.matter, why: reason });
    }
  }
  if (talk === undefined) return;
  if (dealing.side === 'payer') askToPay(turn, talk, { type: 'not-paying', transaction: number, reason });
  else answerPayer(turn, talk, { type: 'not-paid', transaction: number, reason });
  conversationOf(talk).decided?.(turn, talk, 'aborted', reason);
}

export const portTimer = (transaction: string) => `port ${transaction}`;

function askAgain({ turn, dealing }: Hearing): void {
  keep(turn, dealing);
  turn.draft.timers.push({ id: portTimer(dealing.transaction), atMs: turn.env.nowMs + turn.settings.pace.askMs });
}

/** The timer went off: is it decided now? */
export function queryPort(turn: Turn, id: string): void {
  const dealing = turn.state.dealings.get(id);
  if (dealing !== undefined && dealing.step !== 'over') tellPort(turn, dealing, { type: 'query' });
}
