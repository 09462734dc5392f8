/** Timers: at their time, once, and also after a restart. */
import { describe, expect, it } from 'vitest';
import { HandselError } from '../../src/handsel-error.ts';
import { startScenario } from './scripted-host.ts';

describe('a timer', () => {
  it('fires at its time and not before, in the order of the times', async () => {
    const { host, clock } = await startScenario();
    const start = clock.nowMs();
    const timers = [300, 100, 200].map((delay) => ({ id: `${delay}`, atMs: start + delay }));
    await host.submit(() => ({ records: [], timers }));
    await clock.run(start + 99);
    expect(host.state).toEqual([]);
    await clock.run(start + 1000);
    expect(host.state).toEqual(['fired 100', 'fired 200', 'fired 300']);
  });

  it('is replaced by one with its id, and cleared', async () => {
    const { host, clock } = await startScenario();
    const start = clock.nowMs();
    const timer = (id: string, delay: number) => ({ id, atMs: start + delay });
    await host.submit(() => ({
      records: [],
      timers: [timer('moved', 100), timer('cleared', 100), timer('twice', 100)],
    }));
    await host.submit(() => ({
      records: [],
      timers: [timer('moved', 500), timer('twice', 100)],
      clearTimers: ['cleared'],
    }));
    await clock.run(start + 499);
    expect(host.state).toEqual(['fired twice']);
    await clock.run(start + 1000);
    expect(host.state).toEqual(['fired twice', 'fired moved']);
  });

  it.each([1, 1000])(
    'survives a restart, fires late rather than never, and once (snapshot every %i)',
    async (snapshotEvery) => {
      const first = await startScenario({ host: { snapshotEvery } });
      const start = first.clock.nowMs();
      await first.host.submit(() => ({ records: [], timers: [{ id: 't', atMs: start + 100, note: 'why' }] }));
      const disk = first.crash();
      await first.clock.run(start + 5000);
      const notes: unknown[] = [];
      const fired = ({ id, note }: { id: string; note?: string }) => {
        notes.push(note);
        return () => ({ records: [`fired ${id}`] });
      };
      const second = await startScenario({ disk, clock: first.clock, fired, host: { snapshotEvery } });
      await second.clock.run(start + 5001);
      expect([second.host.state, notes]).toEqual([['fired t'], ['why']]);
      const third = await startScenario({ disk: second.crash(), clock: first.clock, host: { snapshotEvery } });
      await third.clock.run(start + 10_000);
      expect(third.host.state).toEqual(['fired t']);
    },
  );

  it('goes off once even when the machine refuses it', async () => {
    let fires = 0;
    const fired = () => () => {
      fires++;
      throw new HandselError('NO_USE', 'nothing to do');
    };
    const first = await startScenario({ fired });
    await first.host.submit(() => ({ records: [], timers: [{ id: 't', atMs: 0 }] }));
    await first.clock.run(first.clock.nowMs() + 1000);
    const second = await startScenario({ disk: first.crash(), fired });
    await second.clock.run(second.clock.nowMs() + 1000);
    expect(fires).toBe(1);
  });
});
