/** Money as people and programs write it in JSON: `12.50EUR`, and prices as fine as `0.0004 EUR`. */
import { z } from 'zod';
import { parseAmount } from '../../money/amount.ts';
import { isMoneyCurrency } from '../../money/currency.ts';
import { parseNano } from '../../money/nano.ts';

export const amountField = z
  .string()
  .max(32)
  .transform((text, context) => {
    try {
      const parsed = parseAmount(text.trim());
      if (parsed.minor > 0n && isMoneyCurrency(parsed.currency)) return parsed;
    } catch {
      // said below, in the words of this field
    }
    context.addIssue({ code: 'custom', message: 'expected an amount above zero such as 12.50EUR' });
    return z.NEVER;
  });

export const priceField = z
  .string()
  .max(32)
  .transform((text, context) => {
    try {
      const parsed = parseNano(text.trim());
      if (parsed.nano > 0n && isMoneyCurrency(parsed.currency)) return parsed;
    } catch {
      // said below, in the words of this field
    }
    context.addIssue({ code: 'custom', message: 'expected a price above zero such as 0.0004EUR' });
    return z.NEVER;
  });
