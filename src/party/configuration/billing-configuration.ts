/** What an operator's configuration says of billing (docs/billing.md): the business day, how banks call it, and its billing systems. */
import { z } from 'zod';
import { createCalendar } from '../../billing/book/business-day.ts';
import { ISO_MESSAGES } from '../../billing/files/iso20022-files.ts';
import { requireBic, requireIban } from '../../billing/iso20022/bank.ts';
import { requireWebhookAddress } from '../../billing/webhook/deliver-webhook.ts';
import { HandselError } from '../../handsel-error.ts';

/** A text that a function of ours takes; what it says when it does not is what the person reads. */
function textFor(check: (text: string) => unknown) {
  return z.string().superRefine((text, context) => {
    try {
      check(text);
    } catch (error) {
      if (!(error instanceof HandselError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
    }
  });
}

const name = z.string().regex(/^[a-z0-9-]{1,32}$/, 'a name of small letters, digits and hyphens');

/** Records of a day in one file of this folder. */
const csv = z.strictObject({ kind: z.literal('csv'), name: name.default('csv'), directory: z.string() });

/** Files below this folder, by message and day. */
const iso20022 = z.strictObject({
  kind: z.literal('iso20022'),
  name: name.default('iso20022'),
  directory: z.string(),
  messages: z
    .array(z.enum(ISO_MESSAGES))
    .min(1)
    .default([...ISO_MESSAGES]),
});

const webhook = z.strictObject({
  kind: z.literal('webhook'),
  name: name.default('webhook'),
  url: textFor(requireWebhookAddress),
  /** File of the authorities (PEM) that may certify the receiver; default those that Node trusts. */
  anchors: z.string().optional(),
  /** For one attempt. */
  timeoutSeconds: z.number().int().min(1).max(60).default(10),
});

/** An adapter of the operator's own: a file that exports `createBillingAdapter`. */
const own = z.strictObject({
  kind: z.literal('module'),
  name,
  file: z.string(),
  options: z.record(z.string(), z.json()).default({}),
});

const adapter = z.discriminatedUnion('kind', [csv, iso20022, webhook, own]);
export type AdapterConfiguration = z.infer<typeof adapter>;

export const billing = z.strictObject({
  /** In which business days begin and end. */
  timeZone: textFor(createCalendar).default('UTC'),
  /** How we and others are called in ISO 20022 messages; operators and accounts without an entry appear under their names. */
  bics: z.record(z.string(), textFor(requireBic)).default({}),
  ibans: z.record(z.string(), textFor(requireIban)).default({}),
  /** The system through which settlements between banks are paid, by its ISO code. */
  clearingSystem: z
    .string()
    .regex(/^[A-Z0-9]{1,3}$/, 'a code such as TGT')
    .optional(),
  adapters: z
    .array(adapter)
    .max(16)
    .default([{ kind: 'csv', name: 'csv', directory: 'billing' }])
    .superRefine((adapters, context) => {
      const names = adapters.map((one) => one.name);
      const twice = names.find((one, at) => names.indexOf(one) !== at);
      if (twice !== undefined) context.addIssue({ code: 'custom', message: `two adapters are called "${twice}"` });
    }),
});
/** Where the balances of customers are: here, or behind a module of the operator's own that exports `createAccounts`. */
export const accounts = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ledger') }),
  z.strictObject({
    kind: z.literal('module'),
    file: z.string(),
    options: z.record(z.string(), z.json()).default({}),
  }),
]);
export type AccountsConfiguration = z.infer<typeof accounts>;
export type BillingConfiguration = z.infer<typeof billing>;
