/** Days since 1 January 1970, UTC: the grain of expiry dates, in two bytes until the year 2149. */
import { type Shape, whole } from '../../codec/shape.ts';

export const DAY_MS = 86_400_000;
export const lastDay = 0xffff;

export function dayShape(): Shape<number> {
  return whole({ min: 0, max: lastDay });
}

export function dayOf(ms: number): number {
  return Math.min(lastDay, Math.max(0, Math.floor(ms / DAY_MS)));
}

/** `2026-03-31` */
export function formatDay(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}
