/**
 * The till: takes purchases as they come, checks each against the tab as it stands with those not yet durable, and brings all that came
 * during one flush to the machine together. An answer leaves when its flush is done (README, "Durability").
 */
import { toHex } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { Clock } from '../../journal/clock.ts';
import type { Host } from '../../journal/host.ts';
import { HostError } from '../../journal/host-error.ts';
import { DepositError } from '../message/deposit-error.ts';
import { decodePurchase, type Purchase } from '../message/purchase.ts';
import { createEarlyPurchases, type Early, type EarlyPurchases } from './early-purchases.ts';
import type { MerchantInput, Run } from './merchant-input.ts';
import type { MerchantRecord, MerchantSession, MerchantState } from './merchant-session.ts';
import {
  beginSpell,
  type Item,
  isOfCustomer,
  type OpenTab,
  openTab,
  requireRepeated,
  runOf,
  type Spell,
  takePurchase,
} from './open-tab.ts';
import { receiveCheckpoint } from './receive-from-customer.ts';

export interface Till {
  /**
   * Resolves when the purchase is durable. `repeated`: it was paid before, and is answered again.
   * @throws DepositError `DEPOSIT_UNKNOWN`, `DEPOSIT_CLOSED`, `DEPOSIT_EXCEEDED`, `DEPOSIT_REFUSED`, `PURCHASE_OUT_OF_ORDER`,
   * `PURCHASE_UNPROVED`, `PURCHASE_REUSED`; HostError `HOST_BUSY`, `HOST_STOPPED`
   */
  purchase(transaction: string, token: Uint8Array, item: Item): Promise<Taken>;
  /**
   * Takes what the customer signed, after the purchases under way; the same again changes nothing.
   * @throws DepositError `CHECKPOINT_UNFIT`, `DEPOSIT_UNKNOWN`, `DEPOSIT_CLOSED`; CryptographicError, MessageError, HostError
   */
  checkpoint(transaction: string, bytes: Uint8Array): Promise<void>;
  /** Resolves when no purchase of the deposit is under way: a conclusion then counts all of them. */
  settled(transaction: string): Promise<void>;
}

export interface Taken {
  /** 1 for the first of the deposit. */
  readonly number: number;
  readonly repeated: boolean;
}

export interface TillOptions {
  readonly host: Host<MerchantState, MerchantInput, MerchantRecord>;
  readonly clock: Clock;
  readonly storageKey: Uint8Array;
  /** How long a purchase waits for those before it; default 2 s. */
  readonly windowMs?: number;
  /** Deposits in hand at one time, each about 6 KB; default 8192. */
  readonly maxInHand?: number;
}

interface Caller {
  resolve(taken: Taken): void;
  reject(cause: unknown): void;
}

interface EarlyCall extends Early {
  readonly caller: Caller;
}

interface InHand extends OpenTab {
  /** What the next flush takes. */
  waiting: Waiting | undefined;
  /** Parts of flushes that are not durable yet. */
  unsettled: number;
  early?: EarlyPurchases<EarlyCall>;
  /** Why a part was refused: what builds on it is refused, too. */
  refused?: unknown;
}

interface Waiting extends Spell {
  readonly inHand: InHand;
  /** Made when the flush begins; absent when there are only repetitions. */
  run: Run | undefined;
  readonly callers: Caller[];
  readonly taken: Taken[];
}

/** A journal entry carries 64 keys at most, and each deposit is one. */
const RUNS_AN_INPUT = 60;
const MAX_WAITING = 65_536;

export function createTill(options: TillOptions): Till {
  const { host, clock, storageKey, windowMs = 2000, maxInHand = 8192 } = options;
  const { sessions } = host.state;
  const inHand = new Map<string, InHand>();
  let waiting: Waiting[] = [];
  let underWay = 0;
  let flushing = false;

  const find = (transaction: string): InHand => {
    const known = inHand.get(transaction);
    if (known?.session.status === 'open' && known.epoch === known.session.epoch) return known;
    return load(transaction, known);
  };
  const load = (transaction: string, known: InHand | undefined): InHand => {
    const session = sessions.get(transaction);
    if (known !== undefined)
      drop(known, new DepositError('PURCHASE_OUT_OF_ORDER', 'a checkpoint or the end came first'));
    requireOpen(session);
    if (inHand.size >= maxInHand) putAway();
    const opened: InHand = {
      ...openTab(session, storageKey),
      waiting: undefined,
      unsettled: 0,
    };
    inHand.set(transaction, opened);
    return opened;
  };
  /** What it has not brought to the machine is refused there, unless the machine finds it fit. */
  const drop = (open: InHand, cause: unknown) => {
    if (inHand.get(open.session.transaction) === open) inHand.delete(open.session.transaction);
    open.early?.refuseAll(cause);
  };
  /** The oldest half of those with nothing under way: they are taken in hand again from the state. */
  const putAway = () => {
    let left = Math.ceil(maxInHand / 2);
    for (const open of inHand.values()) {
      if (left === 0) return;
      if (open.unsettled > 0 || (open.early !== undefined && open.early.size > 0)) continue;
      inHand.delete(open.session.transaction);
      left--;
    }
  };

  const take = (transaction: string, purchase: Purchase, item: Item, caller: Caller): void => {
    const open = find(transaction);
    if (item.unitNano !== undefined && item.unitNano !== open.session.unitNano) {
      throw new DepositError('DEPOSIT_REFUSED', `the deposit is counted in units of ${open.session.unitNano} nano`);
    }
    const { number } = purchase;
    if (number <= open.tab.count) {
      takeRepeated(open, purchase, item, caller);
      return;
    }
    if (number > open.tab.count + 1) {
      open.early ??= createEarlyPurchases<EarlyCall>({ clock, windowMs });
      const isOurs = () => isOfCustomer(open, purchase);
      open.early.park(open.tab.count, { purchase, item, caller, isOfCustomer: isOurs });
      return;
    }
    takeNext(open, purchase, item, caller);
    if (open.early !== undefined && open.early.size > 0) takeEarly(open, open.early);
  };
  const takeNext = (open: InHand, purchase: Purchase, item: Item, caller: Caller): void => {
    if (underWay >= MAX_WAITING) throw new HostError('HOST_BUSY', `${MAX_WAITING} purchases wait already`);
    const spell = open.waiting ?? beginWaiting(open);
    spell.entries.push(takePurchase(open, purchase, item));
    settleLater(spell, caller, { number: purchase.number, repeated: false });
    item.checked?.();
  };
  const takeEarly = (open: InHand, early: EarlyPurchases<EarlyCall>): void => {
    for (let next = early.takeNext(open.tab.count); next !== undefined; next = early.takeNext(open.tab.count)) {
      const { purchase, item, caller } = next;
      try {
        if (purchase.number > open.tab.count) takeNext(open, purchase, item, caller);
        else takeRepeated(open, purchase, item, caller);
      } catch (cause) {
        caller.reject(cause);
      }
    }
  };
  const takeRepeated = (open: InHand, purchase: Purchase, item: Item, caller: Caller): void => {
    requireRepeated(open, purchase, item);
    wait(open, caller, { number: purchase.number, repeated: true });
  };
  /** A repetition is answered when what it repeats is durable, which may still be under way. */
  const wait = (open: InHand, caller: Caller, taken: Taken) =>
    settleLater(open.waiting ?? beginWaiting(open), caller, taken);

  const beginWaiting = (open: InHand): Waiting => {
    const begun = { ...beginSpell(open), inHand: open, run: undefined, callers: [], taken: [] };
    open.waiting = begun;
    open.unsettled++;
    waiting.push(begun);
    if (!flushing) void flush();
    return begun;
  };
  const settleLater = ({ callers, taken }: Waiting, caller: Caller, result: Taken) => {
    callers.push(caller);
    taken.push(result);
    underWay++;
  };

  const flush = async () => {
    flushing = true;
    await undefined; // what arrives in the same turn shares the first flush
    while (waiting.length > 0) {
      const spells = waiting;
      waiting = [];
      const bringings: Promise<void>[] = [];
      for (const spell of spells) {
        spell.inHand.waiting = undefined;
        if (spell.entries.length > 0) spell.run = runOf(spell.inHand, spell);
      }
      for (let at = 0; at < spells.length; at += RUNS_AN_INPUT) {
        bringings.push(bring(spells.slice(at, at + RUNS_AN_INPUT)));
      }
      await Promise.all(bringings);
    }
    flushing = false;
  };
  const bring = async (spells: readonly Waiting[]): Promise<void> => {
    const runs = spells.flatMap(({ run }) => run ?? []);
    try {
      await (runs.length === 0 ? host.settled() : host.submit({ type: 'spent', runs }));
    } catch (cause) {
      // All of an input is taken or nothing: each alone says whose fault it was.
      if (spells.length === 1 || !(cause instanceof DepositError)) for (const spell of spells) refuse(spell, cause);
      else for (const spell of spells) await bring([spell]);
      return;
    }
    for (const spell of spells) settle(spell);
  };
  const settle = (spell: Waiting) => {
    const { inHand: open, run, callers, taken } = spell;
    // Only repetitions, and what they repeat was refused.
    if (run === undefined && open.refused !== undefined) {
      refuse(spell, open.refused);
      return;
    }
    open.unsettled--;
    underWay -= callers.length;
    for (let at = 0; at < callers.length; at++) callers[at]!.resolve(taken[at]!);
  };
  const refuse = ({ inHand: open, callers }: Waiting, cause: unknown) => {
    open.refused ??= cause;
    open.unsettled--;
    underWay -= callers.length;
    drop(open, cause);
    for (const { reject } of callers) reject(cause);
  };

  const settled = async (transaction: string) => {
    const open = inHand.get(transaction);
    if (open === undefined || open.unsettled === 0) return;
    await new Promise<unknown>((done) => wait(open, { resolve: done, reject: done }, { number: 0, repeated: true }));
  };

  return {
    settled,
    purchase: (transaction, token, item) =>
      new Promise((resolve, reject) => take(transaction, decodePurchase(token), item, { resolve, reject })),
    async checkpoint(transaction, bytes) {
      const input = receiveCheckpoint(bytes, host.state);
      if (input.checkpoint.transaction !== transaction) {
        throw new DepositError('CHECKPOINT_UNFIT', 'the checkpoint is of another deposit');
      }
      await settled(transaction);
      const digest = sha256(bytes);
      await host.handle({ messageId: `checkpoint:${transaction}:${toHex(digest)}`, digest, input });
    },
  };
}

function requireOpen(session: MerchantSession | undefined): asserts session is MerchantSession {
  if (session === undefined) throw new DepositError('DEPOSIT_UNKNOWN', 'there is no such deposit here');
  if (session.status !== 'open') throw new DepositError('DEPOSIT_CLOSED', 'the deposit is concluded');
}
