/** Business days: calendar days, written `2026-10-02`, of one time zone, whatever daylight saving makes of their length. */
import { BillingError } from './billing-error.ts';

export interface Calendar {
  /** IANA name, such as `Europe/Berlin`. */
  readonly timeZone: string;
  dayOf(atMs: number): string;
  /** The first millisecond (Unix) of the day. */
  startOf(day: string): number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** No zone is further from UTC. */
const FURTHEST_MS = 18 * HOUR_MS;

/** @throws BillingError `TIME_ZONE_UNKNOWN` */
export function createCalendar(timeZone: string): Calendar {
  const format = formatIn(timeZone);
  const dayOf = (atMs: number) => {
    const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
    return [parts.get('year')!.padStart(4, '0'), parts.get('month')!, parts.get('day')!].join('-');
  };
  return {
    timeZone,
    dayOf,
    startOf(day) {
      const around = midnightUtc(day);
      let before = around - FURTHEST_MS;
      let from = around + FURTHEST_MS;
      while (from - before > 1) {
        const middle = Math.floor((before + from) / 2);
        if (dayOf(middle) < day) before = middle;
        else from = middle;
      }
      return from;
    },
  };
}

function formatIn(timeZone: string): Intl.DateTimeFormat {
  try {
    const digits = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
    return new Intl.DateTimeFormat('en-u-ca-iso8601-nu-latn', { timeZone, ...digits });
  } catch (cause) {
    const shown = JSON.stringify(timeZone.slice(0, 60));
    throw new BillingError('TIME_ZONE_UNKNOWN', `expected a time zone such as Europe/Berlin, saw ${shown}`, { cause });
  }
}

export function dayAfter(day: string): string {
  return new Date(midnightUtc(day) + DAY_MS).toISOString().slice(0, 10);
}

/** Both included. @throws BillingError `PERIOD_INVALID` for what is no day, ends before it begins, or has more than `most` days */
export function daysOf({ from, to }: { readonly from: string; readonly to: string }, most: number): readonly string[] {
  for (const day of [from, to]) requireDay(day);
  if (to < from) throw new BillingError('PERIOD_INVALID', `${to} is before ${from}`);
  const days: string[] = [];
  for (let day = from; day <= to; day = dayAfter(day)) {
    days.push(day);
    if (days.length > most) throw new BillingError('PERIOD_INVALID', `expected at most ${most} days at a time`);
  }
  return days;
}

function requireDay(day: string): void {
  const real = /^[12]\d{3}-\d{2}-\d{2}$/.test(day) && !Number.isNaN(midnightUtc(day));
  if (real && new Date(midnightUtc(day)).toISOString().startsWith(day)) return;
  throw new BillingError(
    'PERIOD_INVALID',
    `expected a day such as 2026-10-02, saw ${JSON.stringify(day.slice(0, 20))}`,
  );
}

function midnightUtc(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}
