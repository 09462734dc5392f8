/** What a person asks an agent for, as it comes in by the control endpoint (JSON), with the defaults a person would expect. */
import { z } from 'zod';
import { parseAmount } from '../money/amount.ts';
import { isMoneyCurrency } from '../money/currency.ts';

const name = z.string().trim().min(1).max(100);

const amount = z
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

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

export const agentOrderSchema = z
  .strictObject({
    /** Words that must all occur in the product's name, keywords or category. */
    want: z.string().trim().max(500).default(''),
    category: z.string().max(100).default(''),
    mustHaves: z.record(name, z.array(z.string().max(200)).min(1).max(16)).default({}),
    /** Issue or attribute → weight (0…1000). */
    weights: z.record(name, z.number().int().min(0).max(1000)).default({ price: 100 }),
    /** Issue or attribute → value → worth (0…100). */
    worths: z.record(name, z.record(z.string().max(200), z.number().int().min(0).max(100))).default({}),
    quantity: z.number().int().min(1).max(10_000).default(1),
    max: amount,
    budget: amount.optional(),
    purse: z.strictObject({ name, limit: amount }).optional(),
    merchants: z.array(name).max(256).default([]),
    barred: z.array(name).max(256).default([]),
    scenario: z.enum(['unattended', 'ask-person']).default('unattended'),
    count: z.number().int().min(1).max(1000).default(1),
    strategy: name.default('pareto-seeking'),
    rounds: z.number().int().min(1).max(100).default(12),
    /** How long proposals are waited for at most; half of `byMs` and 5 s at the most when nothing is said. */
    proposalsMs: z.number().int().min(50).max(DAY_MS).optional(),
    /** How long the agent may look altogether. */
    byMs: z
      .number()
      .int()
      .min(100)
      .max(30 * DAY_MS)
      .default(30_000),
    /** How long an agreement may still be paid, from now on; at least as long as the agent may look. */
    validMs: z
      .number()
      .int()
      .min(1000)
      .max(60 * DAY_MS)
      .default(10 * MINUTE_MS),
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
