/** Where a case stands: what an arbiter tells whoever is a party to it, before there is a ruling. */
import { z } from 'zod';

export const caseStandingSchema = z.strictObject({
  case: z.string().regex(/^[0-9a-f]{64}$/),
  arbiter: z.string().min(1).max(64),
  phase: z.enum(['gathering', 'examining', 'seeing', 'ruled']),
  /** Who has not said anything yet that has to, or may. */
  waitsFor: z.array(z.enum(['trustee', 'merchant', 'arbiter'])).max(3),
  /** ISO 8601: until then the merchant is heard. */
  heardUntil: z.iso.datetime().optional(),
});
export type CaseStanding = z.infer<typeof caseStandingSchema>;
