/** Paying for HTTP requests out of the purse: finds the open deposit that fits an offer, or opens one under a limit. */
import { toHex } from '../codec/hex.ts';
import type { Random } from '../crypto/random.ts';
import { decodeShape } from '../crypto/signed-message.ts';
import { unitsIn } from '../deposit/customer/bill.ts';
import type { PurseInput } from '../deposit/customer/purse-input.ts';
import type { Open, PurseRecord, PurseState } from '../deposit/customer/purse-state.ts';
import type { Spender as PurseSpender } from '../deposit/customer/spender.ts';
import { openingType, wantMessage } from '../deposit/customer/want.ts';
import type { Spender } from '../deposit/customer-http/spender.ts';
import type { Offer } from '../deposit/message/payment-offer.ts';
import { HandselError } from '../handsel-error.ts';
import type { Host } from '../journal/host.ts';
import { nanoOf } from '../money/nano.ts';
import type { Log } from '../transport/log.ts';

export interface DepositTerms {
  readonly limitId: string;
  /** In the customer's currency: what a new deposit sets aside. */
  readonly depositMinor: bigint;
  readonly idleMs: number;
  readonly lengthMs: number;
}

export interface PurseSpending {
  /** The spender of one command; all share the deposits. */
  under(terms: DepositTerms): Spender;
}

export function purseSpending(options: {
  readonly host: Host<PurseState, PurseInput, PurseRecord>;
  readonly spender: PurseSpender;
  readonly random: Random;
  nowMs(): number;
  readonly log: Log;
}): PurseSpending {
  const { host, spender, random, nowMs, log } = options;
  /** Where a payment failed: nothing more is bought there. */
  const ended = new Set<string>();
  const opening = new Map<string, Promise<string>>();

  const unitsLeft = ({ transaction, want, terms }: Open): number => {
    const { nano } = nanoOf({ currency: want.merchantCurrency, minor: terms.depositMinor });
    return unitsIn(nano, want.order.unitNano) - spender.releasedUnits(transaction);
  };
  const close = (transaction: string) => {
    ended.add(transaction);
    spender.close(transaction).then(
      () => ended.delete(transaction),
      (err: unknown) => log.warn({ err, transaction }, 'a deposit was not closed'),
    );
  };
  const find = (offer: Offer, { limitId }: DepositTerms): string | undefined => {
    for (const deposit of host.state.deposits.values()) {
      if (deposit.phase !== 'open' || !fits(deposit, offer, limitId) || ended.has(deposit.transaction)) continue;
      if (deposit.want.endsAtMs <= nowMs()) continue;
      if (unitsLeft(deposit) >= offer.units) return deposit.transaction;
      // What is left of it comes back.
      close(deposit.transaction);
    }
    return undefined;
  };
  const open = async (offer: Offer, terms: DepositTerms): Promise<string> => {
    const { merchant, operator, currency, units, unitNano } = offer;
    const { limitId, depositMinor, idleMs, lengthMs } = terms;
    const answer = await host.handle(
      wantMessage({
        ...{ reference: toHex(random(16)), limitId, merchant, merchantOperator: operator, merchantCurrency: currency },
        ...{ depositMinor, order: { units, unitNano }, idleMs, endsAtMs: nowMs() + lengthMs },
      }),
    );
    const { transaction, code, detail } = decodeShape(openingType, answer);
    if (transaction !== undefined && code === undefined) return transaction;
    throw new HandselError(code ?? 'DEPOSIT_REFUSED', detail ?? 'no deposit was opened');
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
    under: (terms) => ({
      ensure: (offer) => ensure(offer, terms),
      async pay(transaction, item) {
        const { token, number, checkpoint } = await spender.pay(transaction, item);
        return { token, number, ...(checkpoint === undefined ? {} : { checkpoint }) };
      },
      paid: (transaction, number) => spender.paid(transaction, number),
      failed(transaction, number) {
        spender.failed(transaction, number);
        // Its words are released, so that the next number would not be taken: the rest is set aside for nothing.
        close(transaction);
      },
    }),
  };
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
