import { expect, test } from 'vitest';
import { createRateLimiter } from '../../src/transport/rate-limit.ts';

test('lets a burst through, then so many a second, and says how long to wait', () => {
  let nowMs = 0;
  const waitMs = createRateLimiter({ perPeerPerSecond: 2, burst: 3 }, () => nowMs);
  expect([1, 2, 3, 4].map(() => waitMs('a'))).toEqual([0, 0, 0, 500]);
  nowMs = 499;
  expect(waitMs('a')).toBeGreaterThan(0);
  nowMs = 1000;
  expect([1, 2, 3].map(() => waitMs('a') === 0)).toEqual([true, true, false]);
});

test('a busy peer does not slow another', () => {
  const waitMs = createRateLimiter({ perPeerPerSecond: 1, burst: 1 }, () => 0);
  expect([waitMs('a'), waitMs('a') > 0, waitMs('b')]).toEqual([0, true, 0]);
});

test('remembers only so many peers, the busiest longest', () => {
  const waitMs = createRateLimiter({ perPeerPerSecond: 1, burst: 1 }, () => 0, 2);
  waitMs('a');
  waitMs('b');
  waitMs('a');
  waitMs('c');
  expect(waitMs('a')).toBeGreaterThan(0);
  expect(waitMs('b')).toBe(0);
});
