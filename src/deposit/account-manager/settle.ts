/**
 * Settling between operators: whoever owes pays net, per currency, by one numbered message. Both sides' positions go down by it; the
 * money itself goes the way it goes between banks.
 */
import { toHex, utf8 } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env } from '../../journal/machine.ts';
import { clearingAccount, findPosition, listPositions } from '../../ledger/clearing.ts';
import { findAccount } from '../../ledger/ledger.ts';
import { billingRecord } from '../message/billing-record.ts';
import { type Settlement, settlementType } from '../message/conclusion.ts';
import { DepositError } from '../message/deposit-error.ts';
import { routeOf } from '../message/route.ts';
import type { AccountInput, ReplyInput, SettlementInput } from './account-input.ts';
import type { AccountPolicy } from './account-policy.ts';
import { type AccountRecord, SETTLEMENTS_KEY, settlementKey } from './account-record.ts';
import type { AccountState } from './account-state.ts';
import { bill } from './bill.ts';
import { payableTo } from './earned.ts';
import { ACKNOWLEDGED } from './keep-accounts.ts';
import { MAX_SAID_MINOR, requireLedger, settlementAccount } from './ledger-step.ts';

/** One position in this decision, the others in those that follow it: so whoever commands hears of it when all are written down. */
export function decideSettle(
  state: AccountState,
  { currency }: Extract<AccountInput, { type: 'settle' }>,
  env: Env,
  policy: AccountPolicy,
): Decision<AccountRecord> {
  const [first, ...others] = listPositions(state.ledger)
    .filter(({ counterparty, weOweMinor }) => weOweMinor > 0n && policy.operators.has(counterparty))
    .filter((position) => currency === undefined || position.currency === currency)
    .map((position) => {
      return { type: 'settle-position' as const, operator: position.counterparty, currency: position.currency };
    });
  if (first === undefined) return { records: [], answer: ACKNOWLEDGED };
  const inputs: readonly AccountInput[] = others;
  return { ...decideSettlePosition(state, first, env, policy), inputs, answer: ACKNOWLEDGED };
}

export function decideSettlePosition(
  state: AccountState,
  { operator, currency }: Extract<AccountInput, { type: 'settle-position' }>,
  env: Env,
  policy: AccountPolicy,
): Decision<AccountRecord> {
  const owed = findPosition(state.ledger, operator, currency)?.weOweMinor ?? 0n;
  const earned = payableTo(state.earned, operator, currency);
  const due = owed < earned ? owed : earned;
  const peer = policy.operators.get(operator);
  if (due === 0n || peer === undefined) return { records: [] };
  // The rest goes with the next one.
  const amount = { currency, minor: due < MAX_SAID_MINOR ? due : MAX_SAID_MINOR };
  const settlement = [policy.name, operator, currency, state.settlementCount + 1].join('.');
  const message: Settlement = { settlement, amount, atMs: env.nowMs };
  const legs = [{ from: clearingAccount(operator, currency), to: settlementAccount(currency), amount }];
  return {
    records: [
      ...requireLedger(state.ledger, env, { type: 'transfer', id: transferId(settlement), legs }),
      { type: 'settling', settlement, terms: { operator, amount }, atMs: env.nowMs },
    ],
    keys: keysOf(settlement),
    send: [
      {
        id: settlementMessageId(settlement),
        to: routeOf(peer.url, settlementType),
        kind: settlementType.name,
        body: signMessage(settlementType, message, policy.signer),
      },
    ],
  };
}

export function decideSettlementAnswered(
  state: AccountState,
  { settlement, accepted }: Extract<ReplyInput, { type: 'settlement-answered' }>,
  env: Env,
): Decision<AccountRecord> {
  const terms = state.settlements.get(settlement);
  if (terms === undefined) return { records: [] };
  const keys = keysOf(settlement);
  const { operator, amount } = terms;
  if (accepted) {
    const paid = billingRecord('settlement', { settlement, operator, direction: 'paid', amount, atMs: env.nowMs });
    return { records: [{ type: 'settled', settlement, atMs: env.nowMs }], keys, send: [bill(paid)] };
  }
  // A refused message has changed nothing over there, so here it is owed as before.
  const legs = [{ from: settlementAccount(amount.currency), to: clearingAccount(operator, amount.currency), amount }];
  const back = requireLedger(state.ledger, env, { type: 'transfer', id: transferId(settlement), legs });
  return { records: [...back, { type: 'unsettled', settlement, atMs: env.nowMs }], keys };
}

/**
 * The other operator has paid. It may know of a clearing before we do, so that we owe it for a moment what it paid early; what it never
 * owed stays on the books until people have looked at it.
 */
export function decideSettlement(
  { ledger }: AccountState,
  { operator, settlement: { settlement, amount } }: SettlementInput,
  env: Env,
  policy: AccountPolicy,
): Decision<AccountRecord> {
  const [payer, payee, currency, number, ...rest] = settlement.split('.');
  const ours = payer === operator && payee === policy.name && currency === amount.currency;
  if (!ours || rest.length > 0 || !/^[1-9][0-9]{0,14}$/.test(number ?? '')) {
    throw new DepositError('IDENTITY_MALFORMED', `expected ${operator}.${policy.name}.${amount.currency}.n`);
  }
  const to = clearingAccount(operator, amount.currency);
  if (operator === policy.name || findAccount(ledger, to) === undefined) {
    throw new DepositError('OPERATOR_UNKNOWN', `nothing in ${amount.currency} is cleared with this operator`);
  }
  const legs = [{ from: settlementAccount(amount.currency), to, amount }];
  return {
    records: [
      ...requireLedger(ledger, env, { type: 'transfer', id: transferId(settlement), legs }),
      { type: 'received', settlement, terms: { operator, amount }, atMs: env.nowMs },
    ],
    keys: keysOf(settlement),
    answer: ACKNOWLEDGED,
    send: [bill(billingRecord('settlement', { settlement, operator, direction: 'received', amount, atMs: env.nowMs }))],
  };
}

const keysOf = (settlement: string) => [settlementKey(settlement), SETTLEMENTS_KEY];

export const settlementMessageId = (settlement: string) => `settlement:${settlement}`;

/** A settlement's name may be longer than the ledger's ids are. */
function transferId(settlement: string): string {
  return `settlement:${toHex(sha256(utf8(settlement))).slice(0, 32)}`;
}
