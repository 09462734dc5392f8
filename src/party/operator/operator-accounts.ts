/** The books of an operator as its own people see them: the accounts of both hosts, what is held, and whether every invariant holds. */
import { accountAt } from '../../ledger/account-table.ts';
import { ledgerViolations } from '../../ledger/invariant.ts';
import type { LedgerState } from '../../ledger/ledger.ts';

export interface LedgerView {
  readonly accounts: readonly {
    readonly account: string;
    readonly kind: string;
    readonly currency: string;
    /** Minor units, as digits with a sign. */
    readonly balance: string;
    readonly held: string;
  }[];
  /** Open holds: money set aside, not charged yet. */
  readonly holds: number;
  /** A sentence for each invariant that does not hold; empty for sound books. */
  readonly violations: readonly string[];
}

export interface OperatorAccounts {
  readonly issuer: LedgerView;
  readonly acquirer: LedgerView;
  /** Of customers, merchants and other operators, where the operator has a part in deposits. */
  readonly deposits?: LedgerView;
}

interface Books {
  readonly state: { readonly ledger: LedgerState };
  settled(): Promise<void>;
}

/** What is durable; walks all accounts. */
export async function operatorAccounts(hosts: {
  readonly issuer: Books;
  readonly acquirer: Books;
  readonly deposits?: { books(): Promise<LedgerView> } | undefined;
}): Promise<OperatorAccounts> {
  const [issuer, acquirer, deposits] = await Promise.all([
    booksOf(hosts.issuer),
    booksOf(hosts.acquirer),
    hosts.deposits?.books(),
  ]);
  return { issuer, acquirer, ...(deposits === undefined ? {} : { deposits }) };
}

/** Of one host. */
export async function booksOf(host: Books): Promise<LedgerView> {
  await host.settled();
  return viewOf(host.state.ledger);
}

function viewOf(ledger: LedgerState): LedgerView {
  const { accounts, holds } = ledger;
  return {
    accounts: [...accounts.slots.values()].map((slot) => {
      const { id, kind, currency, balance, held } = accountAt(accounts, slot);
      return { account: id, kind, currency, balance: String(balance), held: String(held) };
    }),
    holds: holds.size,
    violations: ledgerViolations(ledger),
  };
}
