/** Who is paid when a deposit is cleared, and on which account here: a merchant of ours, another operator, or the shard that keeps them. */
import { clearingAccount } from '../../ledger/clearing.ts';
import type { AccountPolicy } from './account-policy.ts';
import { merchantAccount } from './ledger-step.ts';
import { betweenShards } from './shard-map.ts';

export interface Payee {
  /** Credited here. */
  readonly account: string;
  /** The shard that credits the payee in its turn, where that is another one. */
  readonly elsewhere?: number;
}

export function payeeOf(
  paid: { readonly operator: string; readonly merchant: string; readonly currency: string },
  { name, shard }: Pick<AccountPolicy, 'name' | 'shard'>,
): Payee {
  const { operator, merchant, currency } = paid;
  const own = operator === name;
  const keeper = own ? shard?.map.ofMerchant(merchant) : shard?.map.ofOperator(operator);
  if (keeper !== undefined && keeper !== shard?.number) {
    return { account: betweenShards(name, keeper, currency), elsewhere: keeper };
  }
  return { account: own ? merchantAccount(merchant, currency) : clearingAccount(operator, currency) };
}
