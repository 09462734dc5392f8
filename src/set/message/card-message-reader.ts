/** Members of card messages read out of ISO 8583 fields, each checked for presence and form. */
import type { Amount } from '../../money/amount.ts';
import { currencyOfNumeric, exponentOf } from '../../money/currency.ts';
import { Iso8583Error } from './iso8583-field.ts';
import type { Iso8583Message } from './iso8583-message.ts';

/** Reads members out of the fields of one message; whatever is missing or of the wrong form is an Iso8583Error. */
export interface FieldReader {
  text(field: number): string;
  optional(field: number): string | undefined;
  matching(field: number, pattern: RegExp): string;
  expect(field: number, value: string): void;
  time(field: number): string;
  stan(field: number): number;
  currency(field: number): string;
  amount(): Amount;
  batch(): number;
}

export function readerOf({ fields }: Iso8583Message): FieldReader {
  const invalid = (field: number) =>
    new Iso8583Error('ISO8583_FIELD_INVALID', `field ${field} does not have the value or form expected`, field);
  const optional = (field: number) => fields.get(field) as string | undefined;
  const text = (field: number) => {
    const value = optional(field);
    if (value === undefined) throw new Iso8583Error('ISO8583_FIELD_MISSING', `field ${field} is missing`, field);
    return value;
  };
  const matching = (field: number, pattern: RegExp) => {
    const value = text(field);
    if (!pattern.test(value)) throw invalid(field);
    return value;
  };
  const currency = (field: number) => {
    try {
      const { code } = currencyOfNumeric(Number(text(field)));
      exponentOf(code);
      return code;
    } catch (cause) {
      if (cause instanceof Iso8583Error) throw cause;
      throw invalid(field);
    }
  };
  return {
    text,
    optional,
    matching,
    currency,
    expect(field, value) {
      if (text(field) !== value) throw invalid(field);
    },
    time: (field) => matching(field, /^(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]$/),
    stan: (field) => Number(matching(field, /[1-9]/)),
    amount: () => ({ currency: currency(49), minor: BigInt(text(4)) }),
    batch: () => Number(matching(60, /^[1-9][0-9]{0,8}$/)),
  };
}
