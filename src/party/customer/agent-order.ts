/** What a person asks an agent for, as it comes in by the control endpoint (JSON), with the defaults a person would expect. */
import { z } from 'zod';
import { amountField as amount } from '../configuration/money-field.ts';

const name = z.string().trim().min(1, 'expected a name').max(100, 'expected at most 100 characters');

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** What each number may be, both ends included; times in milliseconds. */
export const orderBounds = {
  quantity: [1, 10_000],
  count: [1, 1000],
  rounds: [1, 100],
  weight: [0, 1000],
  worth: [0, 100],
  proposalsMs: [50, DAY_MS],
  byMs: [100, 30 * DAY_MS],
  validMs: [1000, 60 * DAY_MS],
} as const satisfies Readonly<Record<string, readonly [number, number]>>;

/** The most of each list, and the longest of each text. */
export const orderSizes = {
  words: 16,
  word: 80,
  category: 100,
  name: 100,
  value: 200,
  mustHaves: 16,
  values: 16,
  merchants: 256,
};

const between = ([least, most]: readonly [number, number]) => {
  const words = `expected a whole number from ${least} to ${most}`;
  return z.number(words).int(words).min(least, words).max(most, words);
};
const text = (most: number) => z.string().max(most, `expected at most ${most} characters`);
const wordsOf = (want: string) => want.split(/\s+/).filter((word) => word !== '');

/** Names of attributes and issues that are also written in another way. */
const ALSO_WRITTEN: Readonly<Record<string, string>> = { license: 'licence', mediatype: 'mediaType' };

export function attributeMeant(name: string): string {
  const small = name.toLowerCase();
  return Object.hasOwn(ALSO_WRITTEN, small) ? ALSO_WRITTEN[small]! : name;
}

const byAttribute = <T>(given: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(given).map(([attribute, value]) => [attributeMeant(attribute), value]));

const merchants = z.array(name).max(orderSizes.merchants, `expected at most ${orderSizes.merchants} merchants`);

/** The merchants an order names, to be checked before it is sent. */
export const namedMerchants = z.strictObject({ merchants: merchants.default([]), barred: merchants.default([]) });

export const agentOrderSchema = z
  .strictObject({
    /** Words that must all occur in the product's name, keywords or category. */
    want: z
      .string()
      .trim()
      .refine((want) => wordsOf(want).length <= orderSizes.words, `expected at most ${orderSizes.words} words`)
      .refine(
        (want) => wordsOf(want).every((word) => word.length <= orderSizes.word),
        `expected words of at most ${orderSizes.word} characters`,
      )
      .default(''),
    category: text(orderSizes.category).default(''),
    mustHaves: z
      .record(name, z.array(text(orderSizes.value)).min(1).max(orderSizes.values, 'expected at most 16 values'))
      .refine((given) => Object.keys(given).length <= orderSizes.mustHaves, 'expected at most 16 attributes')
      .transform(byAttribute)
      .default({}),
    /** Issue or attribute → weight (0…1000). */
    weights: z.record(name, between(orderBounds.weight)).transform(byAttribute).default({ price: 100 }),
    /** Issue or attribute → value → worth (0…100). */
    worths: z
      .record(name, z.record(text(orderSizes.value), between(orderBounds.worth)))
      .transform(byAttribute)
      .default({}),
    quantity: between(orderBounds.quantity).default(1),
    max: amount,
    budget: amount.optional(),
    purse: z.strictObject({ name, limit: amount }).optional(),
    merchants: merchants.default([]),
    barred: merchants.default([]),
    scenario: z.enum(['unattended', 'ask-person']).default('unattended'),
    count: between(orderBounds.count).default(1),
    strategy: name.default('pareto-seeking'),
    rounds: between(orderBounds.rounds).default(12),
    /** How long proposals are waited for at most; half of `byMs` and 5 s at the most when nothing is said. */
    proposalsMs: between(orderBounds.proposalsMs).optional(),
    /** How long the agent may look altogether. */
    byMs: between(orderBounds.byMs).default(30_000),
    /** How long an agreement may still be paid, from now on; at least as long as the agent may look. */
    validMs: between(orderBounds.validMs).default(10 * MINUTE_MS),
    /** True for an agent on the station's own platform. */
    local: z.boolean().default(false),
    card: name.optional(),
    password: z.string().max(1024).optional(),
  })
  .refine((order) => order.want !== '' || order.category !== '' || Object.keys(order.mustHaves).length > 0, {
    message: 'say what is wanted: words, a category or must-haves',
  })
  .refine((order) => order.scenario === 'ask-person' || order.password !== undefined, {
    message: 'an agent that pays by itself needs the wallet password once, to be given a token',
    path: ['password'],
  })
  .refine((order) => order.proposalsMs === undefined || order.proposalsMs <= order.byMs, {
    message: 'proposals cannot be collected for longer than the agent may look',
    path: ['proposalsMs'],
  })
  .refine((order) => order.budget === undefined || order.budget.currency === order.max.currency, {
    message: 'budget and maximum must be in the same currency',
    path: ['budget'],
  })
  .refine((order) => order.purse === undefined || order.purse.limit.currency === order.max.currency, {
    message: 'shared budget and maximum must be in the same currency',
    path: ['purse'],
  });

export type AgentOrder = z.infer<typeof agentOrderSchema>;
