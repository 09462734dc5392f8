/** What is kept running: started again when what stopped it may pass, reported when it does not. */
import { expect, test } from 'vitest';
import { HandselError } from '../../../src/handsel-error.ts';
import { keepRunning } from '../../../src/party/running/keep-running.ts';
import { silentLog } from '../../../src/transport/log.ts';
import { createVirtualClock } from '../../world/virtual-clock.ts';

const away = new HandselError('JOURNAL_FAILED', 'the store is away');
const fenced = new HandselError('JOURNAL_FENCED', 'somebody else writes');

function keep(outcomes: readonly ('runs' | HandselError)[]) {
  const clock = createVirtualClock();
  const starts: number[] = [];
  const closes: number[] = [];
  let fail: (cause: unknown) => void = () => undefined;
  const kept = keepRunning({
    what: 'it',
    async start() {
      const outcome = outcomes[starts.length] ?? 'runs';
      starts.push(clock.nowMs());
      if (outcome !== 'runs') throw outcome;
      const failed = new Promise<unknown>((resolve) => {
        fail = resolve;
      });
      const close = async () => void closes.push(clock.nowMs());
      return { failed, close };
    },
    ...{ clock, log: silentLog() },
  });
  return {
    ...{ kept, clock, starts, closes },
    fail: (cause: unknown) => fail(cause),
    pass: (ms: number) => clock.run(clock.nowMs() + ms),
  };
}

test('is started again, with growing pauses, until it runs', async () => {
  const { kept, pass, starts } = keep([away, away, away, away, away, away]);
  await pass(1);
  expect(kept.current()).toBeUndefined();
  expect(kept.state()).toMatchObject({ restarts: 1, cause: 'the store is away' });
  await pass(20_000);
  await kept.started;
  expect(kept.current()).toBeDefined();
  const pauses = starts.slice(1).map((at, i) => at - starts[i]!);
  expect(pauses).toEqual([200, 400, 800, 1600, 3000, 3000]);
  expect(kept.state()).toEqual({ sinceMs: starts.at(-1), restarts: 6 });
});

test('is closed and started again when it stops by itself, soon when it has run for long', async () => {
  const { kept, pass, fail, starts, closes, clock } = keep([]);
  await pass(60_000);
  fail(away);
  const atMs = clock.nowMs();
  await pass(1000);
  expect([starts.length, closes.length]).toEqual([2, 1]);
  expect(starts[1]! - atMs).toBe(200);
  expect(kept.current()).toBeDefined();
});

test('is given up, and says why, when somebody else has taken over', async () => {
  const { kept, pass, fail, starts, closes } = keep([]);
  await pass(10);
  fail(fenced);
  await pass(60_000);
  expect([starts.length, closes.length]).toEqual([1, 1]);
  expect(await kept.failed).toBe(fenced);
  expect(kept.current()).toBeUndefined();
});

test('ends when it is closed, whether it runs or waits', async () => {
  const running = keep([]);
  await running.pass(10);
  const closed = running.kept.close();
  await running.pass(10);
  await closed;
  expect([running.starts.length, running.closes.length]).toEqual([1, 1]);
  const waiting = keep([away, away]);
  await waiting.pass(10);
  await waiting.kept.close();
  await waiting.pass(60_000);
  expect(waiting.starts.length).toBe(1);
});
