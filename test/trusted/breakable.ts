/** A journal that a test can have crash its machine at one of its appends, before or after it is flushed. */
import type { Journal } from '../../src/journal/journal.ts';

interface CrashPoint {
  readonly append: number;
  readonly when: 'before' | 'after';
}

export interface Breakable {
  /** Counts from when it is set. */
  plan: CrashPoint | undefined;
  happened: boolean;
}

export function breakable(journal: Journal, point: Breakable, crash: () => void): Journal {
  return {
    ...journal,
    async append(entries) {
      const { plan } = point;
      if (plan === undefined) return journal.append(entries);
      point.plan = plan.append > 1 ? { ...plan, append: plan.append - 1 } : undefined;
      if (plan.append > 1) return journal.append(entries);
      point.happened = true;
      if (plan.when === 'after') await journal.append(entries);
      crash();
      return new Promise(() => {});
    },
  };
}
