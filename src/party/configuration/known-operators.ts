/** The operators that deposits are cleared with, as the configuration lists them. */
import type { Operator } from '../../deposit/account-manager/account-policy.ts';
import type { OperatorDeposits } from './configuration.ts';

/** Ourselves too, where customers and merchants of ours meet. */
export function knownOperators(name: string, { url, operators }: OperatorDeposits): ReadonlyMap<string, Operator> {
  const others = operators.map(({ name: other, url: at, limits }): readonly [string, Operator] => [
    other,
    {
      url: at,
      limits: limits.map(({ currency, theyMayOweMinor, weMayOweMinor }) => ({
        currency,
        theyMayOweMinor: BigInt(theyMayOweMinor),
        ...(weMayOweMinor === undefined ? {} : { weMayOweMinor: BigInt(weMayOweMinor) }),
      })),
    },
  ]);
  return new Map([[name, { url, limits: [] }], ...others]);
}
