/** How an operator, its accounts and the other operators are called in ISO 20022 messages: by BIC and IBAN where they have them. */
import { BillingError } from '../book/billing-error.ts';
import { code, type Element, element, required, shortened, textOf } from './element.ts';

export interface Bank {
  /** The operator, as other operators know it. */
  readonly name: string;
  /** BICs (ISO 9362) of operators, our own among them, by name. */
  readonly bics: ReadonlyMap<string, string>;
  /** IBANs (ISO 13616) of accounts, by the account's name in the ledger. */
  readonly ibans: ReadonlyMap<string, string>;
  /** Code of the system between banks through which settlements are paid (ISO external code, such as `TGT`), where one is used. */
  readonly clearingSystem?: string;
}

const BIC = /^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$/;
const IBAN = /^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$/;

/** @throws BillingError `BANK_IDENTIFIER_INVALID` */
export function requireBic(bic: string): string {
  if (BIC.test(bic)) return bic;
  throw new BillingError(
    'BANK_IDENTIFIER_INVALID',
    `expected a BIC such as DEUTDEFF or DEUTDEFF500, saw ${shown(bic)}`,
  );
}

/** @throws BillingError `BANK_IDENTIFIER_INVALID`, also for wrong check digits (ISO/IEC 7064, MOD 97-10) */
export function requireIban(iban: string): string {
  const digits = `${iban.slice(4)}${iban.slice(0, 4)}`.replaceAll(/[A-Z]/g, (letter) => `${letter.charCodeAt(0) - 55}`);
  if (IBAN.test(iban) && BigInt(digits) % 97n === 1n) return iban;
  throw new BillingError('BANK_IDENTIFIER_INVALID', `expected an IBAN without spaces, saw ${shown(iban)}`);
}

const shown = (text: string) => JSON.stringify(text.slice(0, 40));

/** BranchAndFinancialInstitutionIdentification6. */
export function agent(name: string, operator: string, { bics }: Bank): Element {
  const bic = bics.get(operator);
  return required(
    name,
    required(
      'FinInstnId',
      ...(bic === undefined ? [] : [code('BICFI', bic)]),
      textOf('Nm', operator, 140),
      bic === undefined ? required('Othr', textOf('Id', shortened(operator, 35), 35)) : undefined,
    ),
  );
}

/** AccountIdentification4Choice. */
export function accountId(account: string, { ibans }: Bank): Element {
  const iban = ibans.get(account);
  return required(
    'Id',
    iban === undefined ? required('Othr', textOf('Id', shortened(account, 34), 34)) : code('IBAN', iban),
  );
}

/** CashAccount39: of a statement or notification, with who keeps the account. */
export function ownAccount(account: string, currency: string, bank: Bank): Element {
  return required('Acct', accountId(account, bank), code('Ccy', currency), agent('Svcr', bank.name, bank));
}

/**
 * SettlementInstruction7: operators keep accounts for each other, so the instructing one settles on its own books (INGA), unless there is
 * a system between banks (CLRG).
 */
export function settlementInformation({ clearingSystem }: Bank): Element {
  if (clearingSystem === undefined) return required('SttlmInf', code('SttlmMtd', 'INGA'));
  return required('SttlmInf', code('SttlmMtd', 'CLRG'), element('ClrSys', code('Cd', clearingSystem)));
}
