/**
 * How a transaction ends when the session in which it was under way is lost: the decider says the outcome until it is heard, the voter asks
 * for it, and what the decider does not know was aborted (`../README.md`, "Undecided resolves itself").
 */
import { fromHex, toHex } from '../../codec/hex.ts';
import { compactKeyOf } from '../../crypto/compact-key.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Outcome } from '../../journal/machine.ts';
import { formatAgentId } from '../message/agent-id.ts';
import type { AgentCertificate } from '../message/certificate.ts';
import { DAY_MS, dayOf } from '../message/day.ts';
import { decodeTrustedAnswer, encodeTrustedAnswer, encodeTrustedMessage } from '../message/envelope.ts';
import { openStatement, type ReceivedStatement, type Statement, sealStatement } from '../message/statement.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { validateAgentCertificate } from '../message/validate-certificate.ts';
import { loseSession } from '../session/session-context.ts';
import type { Transaction } from './agent-state.ts';
import { tellHost } from './to-host.ts';
import { abort, askTimer, close, settle } from './transaction.ts';
import { log, ownKey, type Turn } from './turn.ts';

type Said = Extract<Statement, { type: 'outcome' }>;

function seal(turn: Turn, statement: Statement, to: AgentCertificate): Uint8Array {
  return sealStatement({ statement, to, by: ownKey(turn), random: turn.env.random });
}

function send(turn: Turn, id: string, { peer, route }: Transaction, statement: Statement, forMs?: number): void {
  if (route === undefined) return;
  const sealed = seal(turn, statement, peer.certificate);
  turn.draft.send.push({
    ...{ id, to: route, kind: 'TrustedStatement', body: encodeTrustedMessage({ type: 'statement', sealed }) },
    ...(forMs === undefined ? {} : { expiresAtMs: turn.env.nowMs + forMs }),
  });
}

/** By the decider, when the session is lost before the voter said that it heard. */
export function tellOutcome(turn: Turn, transaction: Transaction, outcome: 'committed' | 'aborted'): void {
  const { id, asked } = transaction;
  const said: Said = { type: 'outcome', transaction: fromHex(id), outcome, ...giftsOf(transaction, outcome) };
  // Of an abort the voter also learns by asking: it is told out of courtesy.
  send(turn, `o/${id}/${outcome}/${asked}`, transaction, said, outcome === 'aborted' ? DAY_MS : undefined);
}

function giftsOf({ deeds, receipt }: Transaction, outcome: Said['outcome']): Pick<Said, 'deeds' | 'receipt'> {
  if (outcome !== 'committed') return { deeds: [] };
  return { deeds, ...(receipt && { receipt }) };
}

/** By the voter, when the session is lost after its vote: it asks after a while, and again after longer ones. */
export function doubt(turn: Turn, { id }: Transaction): void {
  turn.draft.timers.push({ id: askTimer(id), atMs: turn.env.nowMs + turn.settings.pace.askMs });
}

const MAX_DOUBLINGS = 20;

/** The timer of a transaction went off. */
export function goOnAsking(turn: Turn, id: string): void {
  const transaction = turn.state.transactions.get(id);
  if (transaction === undefined) return;
  const { asked, status, role, session, route } = transaction;
  const pauseMs = Math.min(DAY_MS, turn.settings.pace.askMs * 2 ** Math.min(asked + 1, MAX_DOUBLINGS));
  turn.draft.records.push({ type: 'asked-outcome', transaction: id });
  if (role === 'decider') {
    if (status === 'committed') tellOutcome(turn, { ...transaction, asked: asked + 1 }, 'committed');
    return;
  }
  const question = { type: 'ask', transaction: fromHex(id), session: fromHex(session) } as const;
  send(turn, `a/${id}/${asked + 1}`, transaction, question, pauseMs);
  // Whoever has no address to ask at waits to be told, or to meet the ticket again.
  if (route !== undefined) turn.draft.timers.push({ id: askTimer(id), atMs: turn.env.nowMs + pauseMs });
}

/**
 * A statement arrived: its answer.
 * @throws CryptographicError when it is not what it says or not for this agent; TrustedError for a certificate that does not count
 */
export function answerStatement(turn: Turn, sealed: Uint8Array): Uint8Array {
  const { statement, by } = open(turn, sealed);
  const reply = (answer: Statement) => encodeTrustedAnswer({ type: 'statement', sealed: seal(turn, answer, by) });
  const id = toHex(statement.transaction);
  const transaction = turn.state.transactions.get(id);
  const theirs = transaction?.peer.agentId === by.agentId ? transaction : undefined;
  if (statement.type === 'outcome') {
    if (theirs?.role === 'voter') hearOutcome(turn, theirs, statement);
    return reply({ type: 'heard', transaction: statement.transaction });
  }
  if (statement.type === 'ask') return reply(answerAsk(turn, theirs, statement, by));
  // A voter that could not be told has asked, and heard.
  if (theirs?.role === 'decider' && theirs.status === 'committed') close(turn, theirs);
  return reply(statement);
}

/** Signed by a genuine agent. It may have expired or become untrusted since: the outcome is the outcome. */
function open(turn: Turn, sealed: Uint8Array) {
  const received = openWithAnyKey(turn, sealed);
  const { lists } = turn.state;
  validateAgentCertificate(received.by, { lists, onDay: dayOf(turn.env.nowMs), expiredAgent: true });
  return received;
}

function openWithAnyKey(turn: Turn, sealed: Uint8Array): ReceivedStatement {
  const { agentId } = ownKey(turn).certificate;
  const { identity } = turn.state;
  const scalars = identity.type === 'certified' ? [identity.scalar, ...identity.former] : [];
  let failure: unknown;
  for (const scalar of scalars) {
    try {
      return openStatement(sealed, { agentId, privateKey: compactKeyOf(scalar).privateKey });
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

function hearOutcome(turn: Turn, transaction: Transaction, { outcome, deeds, receipt }: Said): void {
  if (outcome === 'undecided') return;
  loseItsSession(turn, transaction);
  if (outcome === 'aborted') {
    abort(turn, transaction);
    tellHost(turn, { type: 'failed', matter: transaction.matter, why: 'the other side aborted' });
    return;
  }
  try {
    settle(turn, transaction, deeds, receipt);
  } catch (error) {
    if (!(error instanceof HandselError)) throw error;
    distrustDeeds(turn, transaction, error);
  }
}

/** The decider has committed and given deeds that are none: what it gives is lost, and the log shows by whom. */
export function distrustDeeds(turn: Turn, transaction: Transaction, cause: HandselError): void {
  abort(turn, transaction);
  const { id, peer, session } = transaction;
  log(turn, {
    ...{ kind: 'suspicion', session, transaction: id, before: [], after: [], note: cause.message },
    peer: formatAgentId(peer.agentId),
  });
}

function answerAsk(
  turn: Turn,
  theirs: Transaction | undefined,
  { transaction, session }: Extract<Statement, { type: 'ask' }>,
  by: AgentCertificate,
): Said {
  const said = (outcome: Said['outcome'], gifts: Pick<Said, 'deeds' | 'receipt'> = { deeds: [] }): Said => ({
    ...{ type: 'outcome', transaction, outcome, ...gifts },
  });
  if (theirs?.role === 'voter') return said('undecided');
  if (theirs?.status === 'committed') return said('committed', giftsOf(theirs, 'committed'));
  if (theirs !== undefined) {
    // A payment is under way, and whoever hears what becomes of it is going to say so.
    if (turn.state.dealings.has(theirs.id)) {
      if (turn.state.sessions.has(theirs.session)) loseItsSession(turn, theirs);
      return said('undecided');
    }
    // Nothing is decided, and the voter has lost the session in which it could be.
    if (turn.state.sessions.has(theirs.session)) loseItsSession(turn, theirs);
    else abort(turn, theirs);
    return said('aborted');
  }
  // Never heard of, or aborted. The session is closed lest a vote on its way be counted after this.
  const open = turn.state.sessions.get(toHex(session));
  if (open?.peer?.type === 'agent' && open.peer.agentId === by.agentId) {
    loseSession(turn.context, turn.draft, open, 'the other side has lost it');
  }
  return said('aborted');
}

function loseItsSession(turn: Turn, { session }: Transaction): void {
  const open = turn.state.sessions.get(session);
  if (open !== undefined) loseSession(turn.context, turn.draft, open, 'the other side has lost it');
}

/**
 * What became of a statement of ours: `o/…` an outcome, `a/…` a question.
 * @throws HandselError when the answer is of no use, so that it is said again
 */
export function hearStatementAnswer(turn: Turn, messageId: string, outcome: Outcome): void {
  const [kind, id = '', what] = messageId.split('/');
  const transaction = turn.state.transactions.get(id);
  if (transaction === undefined || (kind === 'o' && what === 'aborted')) return;
  if (outcome.type !== 'answered') {
    if (kind === 'o') doubt(turn, transaction);
    return;
  }
  const answer = decodeTrustedAnswer(outcome.body);
  if (answer.type !== 'statement') throw new TrustedError('TRANSACTION_UNKNOWN', 'no statement came back');
  const { statement, by } = open(turn, answer.sealed);
  if (by.agentId !== transaction.peer.agentId || toHex(statement.transaction) !== id) {
    throw new TrustedError('TRANSACTION_UNKNOWN', 'a statement about another transaction came back');
  }
  if (kind === 'o' && statement.type === 'heard' && transaction.role === 'decider') close(turn, transaction);
  if (kind === 'a' && statement.type === 'outcome' && transaction.role === 'voter') {
    hearOutcome(turn, transaction, statement);
    // A decider that has no way to this agent would remember for ever what it could not say.
    if (statement.outcome !== 'committed') return;
    send(turn, `h/${id}`, transaction, { type: 'heard', transaction: fromHex(id) }, 30 * DAY_MS);
  }
}
