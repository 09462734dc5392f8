/** What a session is for. It is bound into the session's keys, and says who may call whom and whose certificate may have expired. */
import type { PeerType } from './party.ts';

interface Rule {
  readonly caller: readonly PeerType[];
  readonly callee: readonly PeerType[];
  /** The caller comes because its certificate is about to expire, or has (figure 9, step 308). */
  readonly expiredCaller?: true;
  /** Who is called may have become untrusted: it owes something. */
  readonly fallenCallee?: true;
}

export const purposeRules = {
  /** A device without a certificate gets its first one. */
  initialise: { caller: ['blank'], callee: ['server', 'primary'] },
  /** Figure 8. */
  recertify: { caller: ['agent', 'server'], callee: ['server', 'primary'], expiredCaller: true },
  /** An agent has its state head countersigned and takes the newest lists. */
  sync: { caller: ['agent'], callee: ['server'] },
  /** Figure 25, and a ticket issued to the callee. */
  give: { caller: ['agent'], callee: ['agent'] },
  /** Figures 23 and 24. */
  present: { caller: ['agent'], callee: ['agent'] },
  /** Figure 12. */
  buy: { caller: ['agent'], callee: ['agent'] },
  /** Figure 30. */
  dispute: { caller: ['agent'], callee: ['agent'], fallenCallee: true },
  /** Figures 26 to 28: a credential is acquired, revalidated, or written in another form. */
  credential: { caller: ['agent'], callee: ['agent'] },
  /** Figure 29. */
  pay: { caller: ['agent'], callee: ['agent'] },
} as const satisfies Readonly<Record<string, Rule>>;

export type Purpose = keyof typeof purposeRules;

export const purposes = Object.keys(purposeRules) as readonly Purpose[];

export function ruleOf(purpose: Purpose): Rule {
  return purposeRules[purpose];
}
