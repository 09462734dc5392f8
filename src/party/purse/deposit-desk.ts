/** What a person does with deposits at the station: open, look, close, see what they cost, and at which rates. */

import { listFinished, readFinished } from '../../deposit/customer/finished-deposit.ts';
import type { Limit } from '../../deposit/customer/limit.ts';
import type { PurseInput } from '../../deposit/customer/purse-input.ts';
import {
  type Concluding,
  depositOf,
  type Open,
  type PurseRecord,
  type PurseState,
} from '../../deposit/customer/purse-state.ts';
import type { Spender } from '../../deposit/customer/spender.ts';
import { acceptOffer, challengeOfDeposit } from '../../deposit/customer-http/accept-offer.ts';
import { parseChallenges } from '../../deposit/message/payment-challenge.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Host } from '../../journal/host.ts';
import type { Amount } from '../../money/amount.ts';
import { formatNano, type NanoAmount } from '../../money/nano.ts';
import { fullIdentity } from '../owner/full-identity.ts';
import {
  type ClearedDeposit,
  type CustomerStatement,
  clearedDeposit,
  customerStatement,
} from './customer-statement.ts';
import {
  type DepositView,
  depositView,
  type LimitView,
  limitViews,
  type RatesView,
  ratesView,
} from './deposit-view.ts';
import type { PurseLimits } from './purse-limits.ts';
import type { PurseRates } from './purse-rates.ts';
import type { DepositTerms, PurseSpending } from './purse-spender.ts';

export interface DepositOrder {
  /** Something that has to be paid for: its challenge says who is paid, and how. */
  readonly url: string;
  /** What is set aside; default as configured. */
  readonly amount?: Amount;
  readonly lengthMs?: number;
  readonly idleMs?: number;
}

export interface DepositList {
  readonly limits: readonly LimitView[];
  /** Open ones first, then those that ended, the newest first. */
  readonly deposits: readonly (DepositView | ClearedDeposit)[];
}

export interface ShownRates extends RatesView {
  /** The price asked about, and what it is in the customer's money; absent where the bank has no rate. */
  readonly price?: string;
  readonly shown?: string;
}

export interface DepositDesk {
  open(order: DepositOrder): Promise<DepositView>;
  list(options: { readonly finished: boolean }): Promise<DepositList>;
  // Of a transaction the beginning is enough where only one open deposit begins so.
  show(transaction: string): Promise<DepositView | ClearedDeposit>;
  /** How it ended; still `concluding` when the operators take longer than a moment. */
  close(transaction: string): Promise<DepositView | ClearedDeposit>;
  closeAll(): Promise<readonly (DepositView | ClearedDeposit)[]>;
  /** Closes what is open under the limit, and ends it. */
  endLimit(limitId: string): Promise<readonly (DepositView | ClearedDeposit)[]>;
  statement(): Promise<CustomerStatement>;
  rates(options: { readonly renew: boolean; readonly price?: NanoAmount }): Promise<ShownRates>;
}

const MOST_FINISHED = 1000;
/** A person waits so long for operators who are there; whoever is away is asked on by the purse. */
const PATIENCE_MS = 10_000;

export interface DepositDeskParts {
  readonly name: string;
  readonly operator: string;
  readonly host: Host<PurseState, PurseInput, PurseRecord>;
  readonly spender: Spender;
  readonly spending: PurseSpending;
  readonly limits: PurseLimits;
  readonly rates: PurseRates;
  readonly fetch: typeof globalThis.fetch;
  nowMs(): number;
  termsUnder(limit: Limit): DepositTerms;
  /** Resolves so much later. */
  pause(ms: number): Promise<void>;
}

export function depositDesk(parts: DepositDeskParts): DepositDesk {
  const { name, operator, host, spender, spending, limits, rates, nowMs } = parts;
  const { currency } = limits;

  /** All there are: what ends while this is read is in the one or the other, and in one only. */
  const everything = async () => {
    const open = [...host.state.deposits.values()].map((deposit) => depositView(deposit, spender));
    await host.settled();
    const finished = await listFinished(host, MOST_FINISHED);
    const ended = new Set(finished.map(({ transaction }) => transaction));
    return { open: open.filter(({ transaction }) => transaction === undefined || !ended.has(transaction)), finished };
  };
  /** What has left the state may still be on its way into the journal. */
  const finishedNow = async (transaction: string) => {
    await host.settled();
    return readFinished(host, transaction);
  };
  const meant = async (given: string): Promise<string> => {
    if (host.state.references.has(given) || (await finishedNow(given)) !== undefined) return given;
    return fullIdentity(given, host.state.references.keys(), { what: 'deposit', unknown: 'DEPOSIT_UNKNOWN' });
  };
  const look = async (transaction: string): Promise<DepositView | ClearedDeposit> => {
    await host.settled();
    const open = depositOf(host.state, transaction);
    if (open !== undefined) return depositView(open, spender);
    const over = await finishedNow(transaction);
    if (over === undefined) throw new HandselError('DEPOSIT_UNKNOWN', `there is no deposit ${transaction}`);
    return clearedDeposit(over, currency);
  };
  const close = async (transaction: string) => {
    const ended = spending.close(transaction);
    await Promise.race([ended, parts.pause(PATIENCE_MS)]);
    return look(transaction);
  };
  const closeEach = (transactions: readonly string[]) => Promise.all(transactions.map(close));
  const notSettled = (wanted: (deposit: Open | Concluding) => boolean) =>
    [...host.state.deposits.values()].flatMap((deposit) => {
      const begun = deposit.phase === 'open' || deposit.phase === 'concluding';
      return begun && wanted(deposit) ? [deposit.transaction] : [];
    });

  return {
    async open({ url, amount, lengthMs, idleMs }) {
      if (amount !== undefined && amount.currency !== currency) {
        throw new HandselError('CURRENCY_MISMATCH', `deposits of this station are in ${currency}: its account is`);
      }
      await rates.table();
      const limit = await limits.ofToday();
      const terms = parts.termsUnder(limit);
      const maxPrices = rates.everywhere({ currency, nano: limit.perPurchaseNano! });
      const offer = await offerAt(url, parts.fetch, { maxPrices, nowMs: nowMs() });
      const transaction = await spending.open(offer, {
        ...terms,
        ...(amount === undefined ? {} : { depositMinor: amount.minor, exactly: true }),
        ...(lengthMs === undefined ? {} : { lengthMs }),
        ...(idleMs === undefined ? {} : { idleMs }),
      });
      return look(transaction);
    },
    async list({ finished: withFinished }) {
      const { open, finished } = await everything();
      const ended = withFinished ? finished.map((one) => clearedDeposit(one, currency)) : [];
      return { limits: limitViews(host.state), deposits: [...open, ...ended] };
    },
    show: async (given) => look(await meant(given)),
    async close(given) {
      const transaction = await meant(given);
      return depositOf(host.state, transaction) === undefined ? look(transaction) : close(transaction);
    },
    closeAll: () => closeEach(notSettled(({ phase }) => phase === 'open')),
    async endLimit(limitId) {
      const closed = await closeEach(notSettled(({ want }) => want.limitId === limitId));
      await host.submit({ type: 'end-limit', limitId });
      return closed;
    },
    async statement() {
      return customerStatement({ name, operator, currency, ...(await everything()) });
    },
    async rates({ renew, price }) {
      await (renew ? rates.renewed() : rates.table());
      const view = ratesView(host.state, nowMs())!;
      if (price === undefined) return view;
      const shown = rates.shown(price);
      return { ...view, price: formatNano(price), ...(shown === undefined ? {} : { shown: formatNano(shown) }) };
    },
  };
}

/** @throws HandselError `NOTHING_TO_PAY`; PaymentError; what fetching throws */
async function offerAt(
  url: string,
  fetch: typeof globalThis.fetch,
  { maxPrices, nowMs }: { readonly maxPrices: readonly string[]; readonly nowMs: number },
) {
  const response = await fetch(url, { headers: { accept: '*/*' } });
  const header = response.status === 402 ? response.headers.get('www-authenticate') : null;
  const challenge = header === null ? undefined : challengeOfDeposit(parseChallenges(header));
  if (challenge === undefined) {
    throw new HandselError('NOTHING_TO_PAY', `${url} answers ${response.status} and takes no deposit`);
  }
  const request = { method: 'GET', url: new URL(url), body: new Uint8Array() };
  return acceptOffer(challenge, request, { limits: { maxPrices }, nowMs });
}
