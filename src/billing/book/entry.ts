/** What a billing record does to the account it is about: the same account, sign and amount as in the operator's ledger. */
import { customerAccount, merchantAccount } from '../../deposit/account-manager/ledger-step.ts';
import type { BillingRecord } from '../../deposit/message/billing-record.ts';
import { clearingAccount } from '../../ledger/clearing.ts';
import type { Amount } from '../../money/amount.ts';
import type { Entry } from './billing-adapter.ts';

/** Undefined where no money moved. */
export function movementOf(record: BillingRecord): Omit<Entry, 'afterMinor'> | undefined {
  const { account, amount } = moved(record);
  const { currency, minor } = amount;
  return minor === 0n ? undefined : { account, currency, minor };
}

function moved(record: BillingRecord): { readonly account: string; readonly amount: Amount } {
  switch (record.type) {
    case 'withdrawal':
      return { account: customerAccount(record.customer), amount: negated(record.withdrawn) };
    case 'deposit':
      return { account: merchantAccount(record.merchant, record.paid.currency), amount: record.paid };
    case 'funding':
      return { account: customerAccount(record.customer), amount: record.amount };
    case 'clearing':
    case 'settlement': {
      const { operator, direction, amount } = record;
      const more = direction === 'owed' || direction === 'received';
      return { account: clearingAccount(operator, amount.currency), amount: more ? amount : negated(amount) };
    }
  }
}

const negated = ({ currency, minor }: Amount): Amount => ({ currency, minor: -minor });
