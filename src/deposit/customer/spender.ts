/**
 * The spender: the fast path of the device. A purchase costs a few hashes here and no flush.
 *
 * Nothing is released that could be released a second time differently. Before purchases are released the purse has written that numbers
 * and units up to a mark may be; marks are written ahead in blocks of 64 purchases, mostly while others are made. In a lull, when all
 * purchases are answered, the exact position is written and the mark comes down to it. So a restart goes on where it was after a lull or a
 * close; after a crash in the middle nobody here knows what was released up to the mark: none of those numbers is used again, the deposit
 * is concluded (the merchant has the words), and buying goes on in the next transaction. The customer is never billed above the mark, and
 * his own record says only what was answered as paid: what is under way at the end is for the merchant to prove.
 */
import { equalBytes, utf8 } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { decodeShape } from '../../crypto/signed-message.ts';
import type { Clock } from '../../journal/clock.ts';
import type { Host } from '../../journal/host.ts';
import type { HostLog } from '../../journal/host-log.ts';
import { DepositError } from '../message/deposit-error.ts';
import { stepsFor } from '../message/purchase.ts';
import { readFinished } from './finished-deposit.ts';
import type { Mark, Position } from './position.ts';
import { PurseError } from './purse-error.ts';
import type { PurseInput } from './purse-input.ts';
import { depositOf, type Open, type PurseRecord, type PurseState } from './purse-state.ts';
import {
  needsCheckpoint,
  type Payment,
  type Purchased,
  positionOf,
  type RunningDeposit,
  release,
  runDeposit,
} from './running-deposit.ts';
import { closeMessageId, type Ending, endingType } from './want.ts';

export interface Spender {
  /**
   * The next purchase, for one request only. Waits while a mark is written, while sixteen purchases are without an answer, and before and
   * after one with a checkpoint while any is: tell every answer by `paid` or `failed`, or it waits for ever.
   * @throws DepositError `DEPOSIT_EXCEEDED` when the balance does not suffice, `DEPOSIT_CLOSED` and `DEPOSIT_UNKNOWN`: buy in another
   * transaction; PurseError `PRICE_ABOVE_LIMIT`; HostError `HOST_STOPPED`
   */
  pay(transaction: string, purchased: Purchased): Promise<Payment>;
  /** An unanswered purchase once more, byte for byte. @throws DepositError `PURCHASE_REUSED` for any other request or number */
  again(transaction: string, purchase: { readonly number: number; readonly request: Uint8Array }): Payment;
  /** The merchant has answered: the purchase is paid. */
  paid(transaction: string, number: number): void;
  /** The merchant says it was not paid. What was released stays released, so nothing more is bought in this deposit: close it. */
  failed(transaction: string, number: number): void;
  /** The customer can be billed for no more. @throws DepositError `DEPOSIT_UNKNOWN` once it is finished */
  released(transaction: string): Mark;
  /** Writes exactly how far the deposit is spent, if all purchases are answered: before the device is switched off. */
  rest(transaction: string): Promise<void>;
  /** Ends the deposit; resolves when the operator has settled it. */
  close(transaction: string): Promise<Ending>;
}

export interface SpenderOptions {
  readonly host: Host<PurseState, PurseInput, PurseRecord>;
  /** As the purse's. */
  readonly storageKey: Uint8Array;
  readonly clock: Clock;
  readonly log: HostLog;
}

/** Numbers, and units at the price of the moment, a mark is ahead. */
const BLOCK = 64;
/** A merchant knows the last sixteen purchases again when they are repeated. */
const MAX_UNANSWERED = 16;
const LULL_MS = 2000;

interface Unanswered extends Payment {
  readonly request: Uint8Array;
  /** How far the deposit was spent before it. */
  readonly before: Position;
}

interface InHand extends RunningDeposit {
  readonly unanswered: Map<number, Unanswered>;
  /** Where the merchant says that a purchase was not paid: the position before the first of them. */
  refusedAt: Position | undefined;
  /** The highest number that is paid: those before it are, too, because the merchant takes them in order. */
  highestPaid: number;
  /** Writing of a mark or a position that is under way. */
  writing: Promise<void> | undefined;
  /** When the purse last heard that the deposit is in use. */
  toldAtMs: number;
  /** Why nothing more is released. */
  stopped: string | undefined;
  /** Resolves when an answer is told. */
  change: PromiseWithResolvers<void>;
  lull: (() => void) | undefined;
}

export function createSpender({ host, storageKey, clock, log }: SpenderOptions): Spender {
  const inHand = new Map<string, InHand>();

  /** @throws DepositError unless the deposit is open and nothing of it is uncertain */
  const find = (transaction: string): InHand => {
    const deposit = depositOf(host.state, transaction);
    const known = inHand.get(transaction);
    if (deposit?.phase !== 'open') {
      if (known !== undefined) drop(known, 'the deposit is concluded');
      if (deposit === undefined) throw new DepositError('DEPOSIT_UNKNOWN', 'there is no such deposit');
      throw new DepositError('DEPOSIT_CLOSED', `the deposit is ${deposit.phase}`);
    }
    return known ?? take(deposit);
  };
  const take = (deposit: Open): InHand => {
    const { transaction, mark, position, want } = deposit;
    if (mark.count !== position.count || mark.units !== position.units) {
      inBackground(host.submit({ type: 'close', transaction, asked: false }));
      throw new DepositError('DEPOSIT_CLOSED', 'a crash left open what was released last: buy in another transaction');
    }
    const nowMs = clock.nowMs();
    const running: InHand = {
      ...runDeposit(deposit, { limit: host.state.limits.get(want.limitId)?.limit, storageKey, nowMs }),
      ...{ unanswered: new Map(), refusedAt: undefined, highestPaid: position.count },
      ...{ writing: undefined, toldAtMs: deposit.activeAtMs, stopped: undefined },
      ...{ change: Promise.withResolvers<void>(), lull: undefined },
    };
    inHand.set(transaction, running);
    return running;
  };
  const drop = (running: InHand, why: string) => {
    inHand.delete(running.of.transaction);
    running.stopped ??= why;
    running.lull?.();
    changed(running);
  };
  const changed = (running: InHand) => {
    const { resolve } = running.change;
    running.change = Promise.withResolvers();
    resolve();
  };
  const inBackground = (work: Promise<void>) => {
    work.catch((err: unknown) => log.warn({ err }, 'the purse did not take what the spender wrote'));
  };

  /** Further ahead, from where the deposit is now. */
  const writeMark = (running: InHand, units: number): Promise<void> => {
    const average = running.count === 0 ? 0 : Math.ceil(running.units / running.count);
    const ahead = running.units + BLOCK * Math.max(units, average);
    return write(running, {
      count: running.count + BLOCK,
      units: Math.min(running.totalUnits, Math.max(ahead, running.mark.units)),
    });
  };
  const write = (running: InHand, mark: RunningDeposit['mark']): Promise<void> => {
    if (running.writing !== undefined) return running.writing;
    const { activeAtMs } = running;
    const { transaction } = running.of;
    const writing = host
      .submit({ type: 'mark', transaction, position: paidPosition(running), mark, activeAtMs })
      .then(() => {
        running.mark = mark;
        running.toldAtMs = activeAtMs;
      })
      .finally(() => {
        running.writing = undefined;
      });
    running.writing = writing;
    return writing;
  };

  /** What the purchase has to wait for, if anything. */
  const obstacle = (running: InHand, units: number): Promise<void> | undefined => {
    const { unanswered, count, checkpointCount, mark } = running;
    const [oldest] = unanswered.keys();
    const full = oldest !== undefined && count + 1 - oldest >= MAX_UNANSWERED;
    // The merchant takes a checkpoint when it has counted everything before it, and what hangs on it when it has taken it.
    const turning =
      unanswered.has(checkpointCount + 1) || (unanswered.size > 0 && needsCheckpoint(running, units, clock.nowMs()));
    if (full || turning) return running.change.promise;
    if (mark.count <= count || mark.units < running.units + units) return running.writing ?? writeMark(running, units);
    return undefined;
  };
  const writeAhead = (running: InHand, units: number) => {
    const { mark, count, totalUnits } = running;
    const unitsShort = mark.units < totalUnits && mark.units - running.units < (BLOCK / 2) * units;
    const unheard = clock.nowMs() - running.toldAtMs >= running.idleMs / 4;
    if (mark.count - count < BLOCK / 2 || unitsShort || unheard) inBackground(writeMark(running, units));
  };
  const watchLull = (running: InHand) => {
    if (running.lull !== undefined) return;
    const lullMs = Math.min(LULL_MS, running.idleMs / 4);
    running.lull = clock.after(lullMs, () => {
      running.lull = undefined;
      if (running.stopped !== undefined) return;
      if (clock.nowMs() - running.activeAtMs < lullMs) watchLull(running);
      else inBackground(rest(running));
    });
  };
  const rest = async (running: InHand): Promise<void> => {
    while (running.writing !== undefined) await running.writing;
    const { count, units, mark, unanswered } = running;
    if (mark.count === count && mark.units === units) return;
    // What is unanswered must be repeated byte for byte, and only this process can: the mark stays. The record can say it all the same.
    if (unanswered.size > 0) return write(running, mark);
    // At once, not when it is durable: nothing is released any more under the mark that is taken back.
    running.mark = { count, units };
    await write(running, running.mark);
  };

  /** What was released is in the record before the deposit is let go of. */
  const closeInHand = async (running: InHand) => {
    running.stopped ??= 'the deposit is being closed';
    changed(running);
    while (running.writing !== undefined) await running.writing;
    const { transaction } = running.of;
    if (depositOf(host.state, transaction)?.phase === 'open') {
      const { count, units } = running;
      const spent = { position: paidPosition(running), released: { count, units } };
      await host.submit({ type: 'close', transaction, spent, asked: false });
    }
    drop(running, 'the deposit is concluded');
  };

  const require = (running: InHand, units: number) => {
    stepsFor(units);
    if (running.stopped !== undefined) throw new DepositError('DEPOSIT_CLOSED', running.stopped);
    if (clock.nowMs() >= running.endsAtMs) throw new DepositError('DEPOSIT_CLOSED', 'the deposit is at its end');
    if (units > running.dearestUnits) {
      throw new PurseError('PRICE_ABOVE_LIMIT', `one purchase may cost ${running.dearestUnits} units`);
    }
    if (running.units + units > running.totalUnits) {
      throw new DepositError('DEPOSIT_EXCEEDED', `${running.totalUnits - running.units} units are left`);
    }
  };

  return {
    async pay(transaction, purchased) {
      const { units } = purchased;
      for (;;) {
        const running = find(transaction);
        require(running, units);
        const wait = obstacle(running, units);
        if (wait !== undefined) {
          await wait;
          continue;
        }
        const before = positionOf(running);
        const payment = release(running, purchased, clock.nowMs());
        running.unanswered.set(payment.number, { ...payment, request: purchased.request, before });
        writeAhead(running, units);
        watchLull(running);
        return payment;
      }
    },
    again(transaction, { number, request }) {
      const payment = inHand.get(transaction)?.unanswered.get(number);
      if (payment === undefined || !equalBytes(payment.request, request)) {
        throw new DepositError('PURCHASE_REUSED', 'the number is of another request, or answered');
      }
      const { request: _, before: __, ...same } = payment;
      return same;
    },
    paid(transaction, number) {
      const running = inHand.get(transaction);
      if (running === undefined || !running.unanswered.delete(number)) return;
      if (number > running.highestPaid) running.highestPaid = number;
      changed(running);
      if (running.unanswered.size === 0) watchLull(running);
    },
    failed(transaction, number) {
      const running = inHand.get(transaction);
      const refused = running?.unanswered.get(number);
      if (running === undefined || refused === undefined) return;
      running.unanswered.delete(number);
      if (running.refusedAt === undefined || refused.before.count < running.refusedAt.count) {
        running.refusedAt = refused.before;
      }
      running.stopped ??= `the merchant says that purchase ${number} was not paid`;
      changed(running);
    },
    released(transaction) {
      const running = inHand.get(transaction);
      if (running !== undefined) return { count: running.count, units: running.units };
      const deposit = depositOf(host.state, transaction);
      if (deposit?.phase === 'open') return deposit.mark;
      if (deposit?.phase === 'concluding') return deposit.bound;
      throw new DepositError('DEPOSIT_UNKNOWN', 'there is no such deposit');
    },
    async rest(transaction) {
      const running = inHand.get(transaction);
      if (running !== undefined) await rest(running);
    },
    async close(transaction) {
      const running = inHand.get(transaction);
      if (running !== undefined) await closeInHand(running);
      const message = { messageId: closeMessageId(transaction), digest: sha256(utf8(transaction)) };
      try {
        const answer = await host.handle({ ...message, input: { type: 'close', transaction, asked: true } });
        return decodeShape(endingType, answer);
      } catch (error) {
        const ending = isUnknown(error) ? await readFinished(host, transaction) : undefined;
        if (ending === undefined) throw error;
        const { outcome, bookedMinor, reasons } = ending;
        return { outcome, bookedMinor, reasons };
      }
    },
  };
}

/** How far the deposit is paid for certain: up to the first purchase that has no answer, or was refused, and that no later one proves taken. */
function paidPosition(running: InHand): Position {
  const { unanswered, refusedAt, highestPaid } = running;
  let first = refusedAt !== undefined && refusedAt.count >= highestPaid ? refusedAt : undefined;
  for (const { before } of unanswered.values()) {
    if (before.count >= highestPaid && before.count < (first?.count ?? Number.POSITIVE_INFINITY)) first = before;
  }
  return first ?? positionOf(running);
}

const isUnknown = (error: unknown) => error instanceof DepositError && error.code === 'DEPOSIT_UNKNOWN';
