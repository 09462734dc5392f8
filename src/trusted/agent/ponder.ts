/** An owner who is asked and says nothing has said no: before the other side gives up by itself, so that both know it the same way. */
import type { Talk } from './talk.ts';
import type { Turn } from './turn.ts';

export const ponderTimer = (session: string) => `ponder ${session}`;

/** The conversation hears of it when the time is over; by then it may be somewhere else. */
export function letPonder({ draft, env, settings }: Turn, { session }: Talk): void {
  draft.timers.push({ id: ponderTimer(session), atMs: env.nowMs + Math.floor(settings.pace.idleMs * 0.8) });
}

export const NOT_IN_TIME = 'not confirmed in time';
