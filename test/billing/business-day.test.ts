/** Business days of a time zone: where they begin, and which are asked for. */
import { assert, constantFrom, integer, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCalendar, dayAfter, daysOf } from '../../src/billing/book/business-day.ts';

describe('a business day', () => {
  test.each([
    ['UTC', '2026-10-02', '2026-10-02T00:00:00.000Z'],
    ['Europe/Berlin', '2026-10-02', '2026-10-01T22:00:00.000Z'],
    // The days on which clocks are changed have 23 and 25 hours.
    ['Europe/Berlin', '2026-03-29', '2026-03-28T23:00:00.000Z'],
    ['Europe/Berlin', '2026-03-30', '2026-03-29T22:00:00.000Z'],
    ['Europe/Berlin', '2026-10-26', '2026-10-25T23:00:00.000Z'],
    ['Asia/Kathmandu', '2026-10-02', '2026-10-01T18:15:00.000Z'],
    ['Pacific/Kiritimati', '2026-10-02', '2026-10-01T10:00:00.000Z'],
    // There midnight itself is left out when summer begins.
    ['Africa/Cairo', '2026-04-24', '2026-04-23T22:00:00.000Z'],
  ])('of %s: %s begins at %s', (timeZone, day, start) => {
    const calendar = createCalendar(timeZone);
    expect(new Date(calendar.startOf(day)).toISOString()).toBe(start);
    expect(calendar.dayOf(calendar.startOf(day))).toBe(day);
    expect(calendar.dayOf(calendar.startOf(day) - 1) < day).toBe(true);
  });

  test('holds every moment between its start and that of the next', () => {
    const zones = ['UTC', 'America/New_York', 'Europe/Berlin', 'Australia/Lord_Howe', 'Pacific/Apia'].map(
      createCalendar,
    );
    const moment = integer({ min: Date.UTC(2015, 0), max: Date.UTC(2040, 0) });
    assert(
      property(constantFrom(...zones), moment, (calendar, atMs) => {
        const day = calendar.dayOf(atMs);
        expect(calendar.startOf(day)).toBeLessThanOrEqual(atMs);
        expect(calendar.startOf(dayAfter(day))).toBeGreaterThan(atMs);
      }),
    );
  });

  test('of an unknown zone is refused', () => {
    expect(() => createCalendar('Europe/Atlantis')).toThrow(expect.objectContaining({ code: 'TIME_ZONE_UNKNOWN' }));
  });
});

describe('a period', () => {
  test('has both its ends', () => {
    expect(daysOf({ from: '2026-12-30', to: '2027-01-02' }, 10)).toEqual([
      '2026-12-30',
      '2026-12-31',
      '2027-01-01',
      '2027-01-02',
    ]);
    expect(daysOf({ from: '2028-02-29', to: '2028-02-29' }, 1)).toEqual(['2028-02-29']);
  });

  test.each([
    ['2026-10-02', '2026-10-01', 'is before'],
    ['2026-02-29', '2026-03-01', 'expected a day'],
    ['2026-13-01', '2026-13-01', 'expected a day'],
    ['2026-10-1', '2026-10-02', 'expected a day'],
    ['', '2026-10-02', 'expected a day'],
    ['2026-10-02T00', '2026-10-02', 'expected a day'],
    ['2026-01-01', '2026-01-12', 'at most 10 days'],
    ['1000-01-01', '2999-12-31', 'at most 10 days'],
  ])('from %s to %s is refused: %s', (from, to, why) => {
    expect(() => daysOf({ from, to }, 10)).toThrow(why);
  });
});
