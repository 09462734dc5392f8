/** Accounts of an operator's own, where its configuration names a module for them instead of the built-in ledger. */
import { type Accounts, accountsCourier, sayable } from '../../billing/book/accounts.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Courier } from '../../journal/courier.ts';
import type { Amount } from '../../money/amount.ts';
import type { AccountsConfiguration } from '../configuration/billing-configuration.ts';
import { ConfigurationError } from '../configuration/configuration.ts';
import { type AdapterContext, callExport } from './billing-adapters.ts';

export interface AccountsElsewhere {
  readonly courier: Courier;
  /** What a customer of ours could set aside now; never below zero. @throws HandselError `ANSWER_PENDING`, `CUSTOMER_UNKNOWN` */
  lookUp(customer: string): Promise<Amount>;
  close(): Promise<void> | void;
}

/** Undefined for the built-in ledger. @throws ConfigurationError */
export async function openAccountsElsewhere(
  configuration: AccountsConfiguration,
  context: Omit<AdapterContext, 'options'> & { currencyOf(customer: string): string | undefined },
): Promise<AccountsElsewhere | undefined> {
  if (configuration.kind === 'ledger') return undefined;
  const { currencyOf, ...given } = context;
  const file = given.path(configuration.file);
  const accounts = await callExport(file, 'createAccounts', { ...given, options: configuration.options });
  if (!isAccounts(accounts)) {
    throw new ConfigurationError(`${file}: createAccounts made nothing with ${ACTS.join(', ')}`);
  }
  return {
    courier: accountsCourier(accounts),
    async lookUp(customer) {
      const found = await accounts.lookUp(customer).catch((cause: unknown) => {
        given.log.warn({ err: cause, customer }, 'the accounts do not answer');
        throw new HandselError('ANSWER_PENDING', 'the accounts do not answer', { cause });
      });
      const currency = currencyOf(customer);
      if (found === undefined || found.currency !== currency) {
        throw new HandselError(
          'CUSTOMER_UNKNOWN',
          `no account of this customer in ${currency ?? 'any currency'} is kept here`,
        );
      }
      return { currency, minor: sayable(found.minor) };
    },
    close: () => accounts.close?.(),
  };
}

const ACTS = ['lookUp', 'hold', 'post', 'release'] as const;

function isAccounts(made: unknown): made is Accounts {
  if (typeof made !== 'object' || made === null) return false;
  const found = made as Readonly<Record<string, unknown>>;
  return ACTS.every((act) => typeof found[act] === 'function');
}
