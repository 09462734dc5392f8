/** The outbox: the same bytes until somebody answers, and never again after that is durable. */
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/codec/hex.ts';
import { HandselError } from '../../src/handsel-error.ts';
import type { CourierResult } from '../../src/journal/courier.ts';
import type { Outgoing } from '../../src/journal/machine.ts';
import { soon, startScenario, text } from './scripted-host.ts';

const outgoing = (id: string, more: Partial<Outgoing> = {}): Outgoing => ({
  ...{ id, to: 'https://peer.example/set', kind: 'PReq', body: utf8(`body of ${id}`) },
  ...more,
});
const answered: CourierResult = { type: 'answered', body: utf8('yes') };
const send =
  (...messages: Outgoing[]) =>
  () => ({ records: ['sent'], send: messages });

describe('delivery', () => {
  it('repeats the same bytes with growing, uneven pauses until answered, then never again', async () => {
    let failures = 6;
    const { host, clock, deliveries } = await startScenario({
      deliver: async () => {
        if (failures-- > 0) throw new Error('unreachable');
        return answered;
      },
    });
    await host.submit(send(outgoing('o')));
    await clock.run(clock.nowMs() + 600_000);
    expect(deliveries.map(({ body }) => text(body))).toEqual(Array(7).fill('body of o'));
    const pauses = deliveries.slice(1).map(({ atMs }, at) => atMs - deliveries[at]!.atMs);
    pauses.forEach((pause, at) => {
      expect(pause).toBeGreaterThanOrEqual(100 * 2 ** at);
      expect(pause).toBeLessThanOrEqual(200 * 2 ** at + 1);
    });
    expect(new Set(pauses.map((pause, at) => pause / 2 ** at)).size).toBeGreaterThan(3);
    expect(host.state).toEqual(['sent', 'o answered']);
  });

  it('goes on after a restart with the same bytes, and the reply and what it caused are one entry', async () => {
    for (const snapshotEvery of [1, 1000]) {
      const first = await startScenario({ host: { snapshotEvery } });
      await first.host.submit(send(outgoing('o')));
      await soon();
      const second = await startScenario({
        disk: first.crash(),
        deliver: async () => answered,
        host: { snapshotEvery },
      });
      await second.clock.run(second.clock.nowMs() + 1000);
      expect(second.deliveries.map(({ body }) => text(body))).toEqual(['body of o']);
      expect(second.appends).toEqual([1]);
      const third = await startScenario({ disk: second.crash(), host: { snapshotEvery } });
      await third.clock.run(third.clock.nowMs() + 100_000);
      expect(third.deliveries).toEqual([]);
      expect(third.host.state).toEqual(['sent', 'o answered']);
    }
  });

  it('reports a refusal to the machine and ends', async () => {
    const { host, clock, deliveries } = await startScenario({
      deliver: async () => ({ type: 'refused', code: 'NO', detail: 'no' }),
    });
    await host.submit(send(outgoing('o')));
    await clock.run(clock.nowMs() + 100_000);
    expect([host.state, deliveries.length]).toEqual([['sent', 'o refused'], 1]);
  });

  it('asks again when the machine can make nothing of the answer', async () => {
    let answers = 0;
    const { host, clock, deliveries } = await startScenario({
      deliver: async () => answered,
      received: () => {
        if (++answers < 3) throw new HandselError('FORGED', 'not a good signature');
        return () => ({ records: ['at last'] });
      },
    });
    await host.submit(send(outgoing('o')));
    await clock.run(clock.nowMs() + 100_000);
    expect([host.state, deliveries.length]).toEqual([['sent', 'at last'], 3]);
  });

  it('gives up an attempt that takes too long, and ignores its late answer', async () => {
    const late: ((result: CourierResult) => void)[] = [];
    const signals: AbortSignal[] = [];
    const { host, clock, deliveries } = await startScenario({
      deliver: (_, signal) => {
        signals.push(signal);
        return new Promise((resolve) => late.push(resolve));
      },
      host: { pace: { attemptMs: 1000 } },
    });
    await host.submit(send(outgoing('o')));
    await clock.run(clock.nowMs() + 1500);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    late[0]!({ type: 'refused', code: 'LATE', detail: 'late' });
    await soon();
    late[1]!(answered);
    await soon();
    expect([host.state, deliveries.length]).toEqual([['sent', 'o answered'], 2]);
  });
});

describe('expiry and cancelling', () => {
  it('tells the machine at the stated time that the message expired, and never delivers it again', async () => {
    const { host, clock, deliveries } = await startScenario();
    const expiresAtMs = clock.nowMs() + 5000;
    await host.submit(send(outgoing('o', { expiresAtMs })));
    await clock.run(expiresAtMs - 1);
    expect(host.state).toEqual(['sent']);
    await clock.run(expiresAtMs);
    expect(host.state).toEqual(['sent', 'o expired']);
    const attempts = deliveries.length;
    expect(attempts).toBeGreaterThan(2);
    await clock.run(expiresAtMs + 600_000);
    expect(deliveries).toHaveLength(attempts);
  });

  it('ends an attempt under way at expiry', async () => {
    const { host, clock } = await startScenario({ deliver: () => new Promise(() => undefined) });
    const expiresAtMs = clock.nowMs() + 5000;
    await host.submit(send(outgoing('o', { expiresAtMs })));
    await clock.run(expiresAtMs + 1000);
    expect(host.state).toEqual(['sent', 'o expired']);
  });

  it('stops delivering what is cancelled, also when the answer is already on its way in', async () => {
    const signals: AbortSignal[] = [];
    const late: ((result: CourierResult) => void)[] = [];
    const { host, clock } = await startScenario({
      deliver: (_, signal) => {
        signals.push(signal);
        return new Promise((resolve) => late.push(resolve));
      },
    });
    await host.submit(send(outgoing('o')));
    await soon();
    await host.submit(() => ({ records: ['changed mind'], cancel: ['o'] }));
    expect(signals[0]?.aborted).toBe(true);
    late[0]!(answered);
    await clock.run(clock.nowMs() + 100_000);
    expect(host.state).toEqual(['sent', 'changed mind']);
    expect(signals).toHaveLength(1);
  });

  it('warns of no delivery that nobody needs any more', async () => {
    const { host, warnings } = await startScenario({ deliver: () => new Promise(() => {}) });
    await host.submit(send(outgoing('o')));
    await soon();
    await host.submit(() => ({ records: [], cancel: ['o'] }));
    await soon();
    expect(warnings).toEqual([]);
  });

  it('never delivers what is cancelled in the same flush', async () => {
    const { host, clock, deliveries } = await startScenario();
    await Promise.all([host.submit(send(outgoing('o'))), host.submit(() => ({ records: [], cancel: ['o'] }))]);
    await clock.run(clock.nowMs() + 100_000);
    expect(deliveries).toEqual([]);
  });
});

describe('many messages', () => {
  it('to one destination wait for their turn, whatever its paths; others are not held up', async () => {
    let active = 0;
    let most = 0;
    const { host, clock, deliveries } = await startScenario({
      deliver: async ({ to }) => {
        if (!to.startsWith('https://peer.')) return answered;
        most = Math.max(most, ++active);
        await new Promise<void>((resolve) => clock.after(100, resolve));
        active--;
        return answered;
      },
      host: { pace: { perDestination: 3 } },
    });
    const messages = Array.from({ length: 10 }, (_, at) => outgoing(`o${at}`, { to: `https://peer.example/${at}` }));
    await host.submit(send(...messages, outgoing('other', { to: 'iso8583:acquirer' })));
    await soon();
    expect(deliveries.map(({ id }) => id)).toEqual(['o0', 'o1', 'o2', 'other']);
    await clock.run(clock.nowMs() + 10_000);
    expect(most).toBe(3);
    expect(host.state).toHaveLength(12);
  });

  it('under one id: the second is a fault of the machine and refused', async () => {
    const { host } = await startScenario();
    await host.submit(send(outgoing('o')));
    await expect(host.submit(send(outgoing('o')))).rejects.toMatchObject({ code: 'DECISION_MALFORMED' });
    expect(host.state).toEqual(['sent']);
  });
});
