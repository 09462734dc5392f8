/** Paying for HTTP requests out of the purse: finds the open deposit that fits an offer, or opens one under a limit. */
import { toHex } from '../../codec/hex.ts';
import type { Random } from '../../crypto/random.ts';
import { decodeShape } from '../../crypto/signed-message.ts';
import { unitsIn } from '../../deposit/customer/bill.ts';
import { PurseError } from '../../deposit/customer/purse-error.ts';
import type { PurseInput } from '../../deposit/customer/purse-input.ts';
import { depositOf, type Open, type PurseRecord, type PurseState } from '../../deposit/customer/purse-state.ts';
import type { Spender as PurseSpender } from '../../deposit/customer/spender.ts';
import { type Ending, openingType, wantMessage } from '../../deposit/customer/want.ts';
import type { Spender } from '../../deposit/customer-http/spender.ts';
import { minuteAfter } from '../../deposit/message/coarse-time.ts';
import { nanoOfOffer, type Offer } from '../../deposit/message/payment-offer.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Host } from '../../journal/host.ts';
import { nanoOf } from '../../money/nano.ts';
import type { Log } from '../../transport/log.ts';
import type { PurseLimits } from './purse-limits.ts';
import type { PurseRates } from './purse-rates.ts';

export interface DepositTerms {
  readonly limitId: string;
  /** No deposit under the limit ends later. */
  readonly limitEndsAtMs: number;
  /** In the customer's currency: what a new deposit sets aside; less where less is left, more where one request costs more. */
  readonly depositMinor: bigint;
  /** Just so much, or nothing. */
  readonly exactly?: true;
  readonly idleMs: number;
  readonly lengthMs: number;
}

export interface PurseSpending {
  /** The spender of one command; commands under one limit share its deposits. */
  under(terms: DepositTerms): Spender;
  /** A new deposit, whatever there is. Gives its transaction. @throws HandselError with the code of whoever refuses it */
  open(offer: Offer, terms: DepositTerms): Promise<string>;
  /** Ends the deposit when what is bought in it now has been answered; resolves when the operators have settled it. */
  close(transaction: string): Promise<Ending>;
}

export interface PurseSpendingOptions {
  readonly host: Host<PurseState, PurseInput, PurseRecord>;
  readonly spender: PurseSpender;
  readonly limits: PurseLimits;
  readonly rates: PurseRates;
  readonly random: Random;
  nowMs(): number;
  readonly log: Log;
}

export function purseSpending(options: PurseSpendingOptions): PurseSpending {
  const { host, spender, limits, rates, random, nowMs, log } = options;
  const opening = new Map<string, Promise<string>>();
  /** Nothing more is bought there. */
  const closing = new Map<string, Promise<Ending>>();
  const answers = unansweredCounts();

  const close = (transaction: string): Promise<Ending> => {
    const underWay = closing.get(transaction);
    if (underWay !== undefined) return underWay;
    // Whatever was released and is not answered when the merchant hears of the end is refused there.
    const ended = answers.none(transaction).then(() => spender.close(transaction));
    closing.set(transaction, ended);
    const forget = () => closing.delete(transaction);
    ended.then(forget, (err: unknown) => {
      forget();
      log.warn({ err, transaction }, 'a deposit was not closed');
    });
    return ended;
  };
  const inBackground = (ended: Promise<Ending>) => void ended.catch(() => {}); // the log has it

  const find = (offer: Offer, { limitId }: DepositTerms): string | undefined => {
    for (const deposit of host.state.deposits.values()) {
      if (deposit.phase !== 'open' || !fits(deposit, offer, limitId) || closing.has(deposit.transaction)) continue;
      if (deposit.want.endsAtMs <= nowMs()) continue;
      if (unitsLeft(deposit, spender) >= offer.units) return deposit.transaction;
      // What is left of it comes back.
      inBackground(close(deposit.transaction));
    }
    return undefined;
  };
  const isUsedUp = (transaction: string): boolean => {
    const deposit = depositOf(host.state, transaction);
    return deposit?.phase === 'open' && unitsLeft(deposit, spender) === 0;
  };
  const sizeOf = (offer: Offer, { limitId, depositMinor, exactly }: DepositTerms): bigint => {
    if (exactly) return depositMinor;
    const least = leastMinor(offer, { limits, rates });
    const wanted = depositMinor < least ? least : depositMinor;
    const left = limits.leftMinor(limitId);
    return left > 0n && left < wanted ? left : wanted;
  };
  const open = async (offer: Offer, terms: DepositTerms): Promise<string> => {
    const { merchant, operator, currency, units, unitNano } = offer;
    const { limitId, limitEndsAtMs, idleMs, lengthMs } = terms;
    const answer = await host.handle(
      wantMessage({
        ...{ reference: toHex(random(16)), limitId, merchant, merchantOperator: operator, merchantCurrency: currency },
        ...{ depositMinor: sizeOf(offer, terms), order: { units, unitNano }, idleMs },
        endsAtMs: Math.min(minuteAfter(nowMs() + lengthMs), limitEndsAtMs),
      }),
    );
    const { transaction, code, detail } = decodeShape(openingType, answer);
    if (transaction === undefined || code !== undefined) {
      throw new HandselError(code ?? 'DEPOSIT_REFUSED', detail ?? 'no deposit was opened');
    }
    const deposit = depositOf(host.state, transaction);
    if (deposit?.phase === 'open' && unitsLeft(deposit, spender) < units) {
      inBackground(close(transaction));
      throw new PurseError('LIMIT_EXCEEDED', 'what is left under the limit does not pay for one request');
    }
    return transaction;
  };
  const ensure = (offer: Offer, terms: DepositTerms): Promise<string> => {
    const found = find(offer, terms);
    if (found !== undefined) return Promise.resolve(found);
    // Requests made at the same time share the deposit that is being opened.
    const key = [offer.merchant, offer.operator, offer.currency, offer.unitNano, terms.limitId].join(' ');
    const underWay = opening.get(key);
    if (underWay !== undefined) return underWay.then(() => ensure(offer, terms));
    const opened = open(offer, terms).finally(() => opening.delete(key));
    opening.set(key, opened);
    return opened;
  };

  return {
    open,
    close,
    under: (terms) => ({
      ensure: (offer) => ensure(offer, terms),
      async pay(transaction, item) {
        answers.begin(transaction);
        try {
          const { token, number, checkpoint } = await spender.pay(transaction, item);
          return { token, number, ...(checkpoint === undefined ? {} : { checkpoint }) };
        } catch (error) {
          answers.end(transaction);
          throw error;
        }
      },
      paid(transaction, number) {
        spender.paid(transaction, number);
        answers.end(transaction);
        if (isUsedUp(transaction)) inBackground(close(transaction));
      },
      failed(transaction, number) {
        spender.failed(transaction, number);
        answers.end(transaction);
        // Its words are released, so that the next number would not be taken: the rest is set aside for nothing.
        inBackground(close(transaction));
      },
    }),
  };
}

function unitsLeft({ transaction, want, terms }: Open, spender: Pick<PurseSpender, 'released'>): number {
  const { nano } = nanoOf({ currency: want.merchantCurrency, minor: terms.depositMinor });
  return unitsIn(nano, want.order.unitNano) - spender.released(transaction).units;
}

/** What has to be set aside for one request; nothing is known where the bank's table does not have the pair. */
function leastMinor(offer: Offer, { limits, rates }: Pick<PurseSpendingOptions, 'limits' | 'rates'>): bigint {
  const price = rates.shown(nanoOfOffer(offer));
  if (price === undefined) return 0n;
  const minorNano = nanoOf({ currency: limits.currency, minor: 1n }).nano;
  // One more, because the deposit is rounded down when it is converted.
  return price.nano / minorNano + 2n;
}

function fits({ want }: Open, offer: Offer, limitId: string): boolean {
  return (
    want.limitId === limitId &&
    want.merchant === offer.merchant &&
    want.merchantOperator === offer.operator &&
    want.merchantCurrency === offer.currency &&
    want.order.unitNano === offer.unitNano
  );
}

/** Purchases of each deposit that wait for their answers, or for being made at all. */
function unansweredCounts() {
  const open = new Map<string, { count: number; readonly over: PromiseWithResolvers<void> }>();
  return {
    begin(transaction: string): void {
      const known = open.get(transaction) ?? { count: 0, over: Promise.withResolvers<void>() };
      known.count++;
      open.set(transaction, known);
    },
    end(transaction: string): void {
      const known = open.get(transaction);
      if (known === undefined || --known.count > 0) return;
      open.delete(transaction);
      known.over.resolve();
    },
    /** Resolves when there is none. */
    none: (transaction: string): Promise<void> => open.get(transaction)?.over.promise ?? Promise.resolve(),
  };
}
