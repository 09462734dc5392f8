/** Money that a customer has brought to the bank: booked once for its reference, however often that is said. */
import { z } from 'zod';
import { utf8 } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { AccountInput } from '../../deposit/account-manager/account-input.ts';
import type { AccountState } from '../../deposit/account-manager/account-state.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Host } from '../../journal/host.ts';
import { formatAmount } from '../../money/amount.ts';
import type { Routes } from '../../transport/route.ts';
import { amountField } from '../configuration/money-field.ts';
import { readRequest } from '../owner/control-request.ts';
import { ownCommand } from '../owner/own-commands.ts';

const fundSchema = z.strictObject({
  customer: z.string().min(1).max(64),
  amount: amountField,
  reference: z.string().regex(/^[A-Za-z0-9._/-]{1,64}$/, 'expected 1 to 64 letters, digits and . _ / -'),
});

/** For the operator's own people. */
export function fundRoutes(name: string, accounts: Pick<Host<AccountState, AccountInput>, 'handle'>): Routes {
  return {
    'POST /operator/fund': ownCommand(name, async (request) => {
      const { customer, amount, reference } = readRequest(request, fundSchema);
      const id = `fund:${reference}`;
      const digest = sha256(utf8(JSON.stringify([customer, formatAmount(amount)])));
      await accounts
        .handle({ messageId: id, digest, input: { type: 'fund', id, customer, amount } })
        .catch((cause: unknown): never => {
          if (!(cause instanceof HandselError)) throw cause;
          if (cause.code === 'DEPOSIT_REFUSED') throw new HandselError('FUNDING_REFUSED', cause.message, { cause });
          if (cause.code !== 'MESSAGE_IDENTITY_REUSED') throw cause;
          const words = `${reference} was booked before, for another customer or another amount`;
          throw new HandselError('REFERENCE_USED', words, { cause });
        });
      return { customer, amount: formatAmount(amount), reference };
    }),
  };
}
