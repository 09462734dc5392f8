/** Idempotency: once, whatever is repeated, whenever, also across restarts. */
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/codec/hex.ts';
import { gate, message, type Script, soon, startScenario, text } from './scripted-host.ts';

const count: Script = (state) => ({ records: ['r'], answer: utf8(`answer ${state.length + 1}`) });
const reused = { code: 'MESSAGE_IDENTITY_REUSED' };

describe('a repeated message', () => {
  it('gets the same bytes and is handled once: from memory, and after a restart from the journal', async () => {
    const first = await startScenario();
    expect(text(await first.host.handle(message('a', count)))).toBe('answer 1');
    expect(text(await first.host.handle(message('a', count)))).toBe('answer 1');
    await first.host.handle(message('b', count));
    for (const snapshotEvery of [1, 1000]) {
      const second = await startScenario({ disk: first.crash(), host: { snapshotEvery } });
      expect(text(await second.host.handle(message('a', count)))).toBe('answer 1');
      expect(second.host.state).toHaveLength(2);
    }
  });

  it('cannot change the answer by changing the bytes it was given', async () => {
    const { host } = await startScenario();
    await host.handle(message('a', count));
    (await host.handle(message('a', count))).fill(0);
    expect(text(await host.handle(message('a', count)))).toBe('answer 1');
  });

  it('gets its answer after the cache has long forgotten it', async () => {
    const { host } = await startScenario();
    await host.handle(message('a', count));
    for (let at = 0; at < 200; at++) {
      await host.handle(message(`filler ${at}`, () => ({ records: [], answer: new Uint8Array(10_000) })));
    }
    expect(text(await host.handle(message('a', count)))).toBe('answer 1');
    expect(host.state).toHaveLength(1);
  });

  it('joins the one under way', async () => {
    const disk = gate();
    const { host, appends } = await startScenario({ flush: disk.pass });
    const calls = [1, 2, 3].map(() => host.handle(message('a', count)));
    await soon();
    calls.push(host.handle(message('a', count)));
    disk.open();
    expect((await Promise.all(calls)).map(text)).toEqual(Array(4).fill('answer 1'));
    expect(appends).toEqual([1]);
  });

  it('with other content is refused: under way, from memory, while unanswered, from the journal', async () => {
    const disk = gate();
    const first = await startScenario({ flush: disk.pass });
    const underWay = first.host.handle(message('a', count));
    await expect(first.host.handle(message('a', count, 'other'))).rejects.toMatchObject(reused);
    await soon();
    disk.open();
    await underWay;
    await expect(first.host.handle(message('a', count, 'other'))).rejects.toMatchObject(reused);
    first.host.handle(message('open', () => ({ records: ['open'] }))).catch(() => undefined);
    await soon();
    disk.open();
    await soon();
    const second = await startScenario({ disk: first.crash() });
    await expect(second.host.handle(message('a', count, 'other'))).rejects.toMatchObject(reused);
    await expect(second.host.handle(message('open', count, 'other'))).rejects.toMatchObject(reused);
  });
});

describe('an answer given later', () => {
  const later: Script = () => ({ records: ['asked'] });
  const answerIt: Script = () => ({ records: ['answered'], answers: [{ messageId: 'a', body: utf8('at last') }] });

  it('reaches everybody who waits for it', async () => {
    const { host } = await startScenario();
    const calls = [host.handle(message('a', later)), host.handle(message('a', later))];
    await soon();
    await host.submit(answerIt);
    expect((await Promise.all(calls)).map(text)).toEqual(['at last', 'at last']);
    expect(text(await host.handle(message('a', later)))).toBe('at last');
    expect(host.state).toEqual(['asked', 'answered']);
  });

  it.each([1, 1000])('is still owed after a restart (snapshot every %i)', async (snapshotEvery) => {
    const first = await startScenario({ host: { snapshotEvery } });
    first.host.handle(message('a', later)).catch(() => undefined);
    await soon();
    const second = await startScenario({ disk: first.crash(), host: { snapshotEvery } });
    const again = second.host.handle(message('a', later));
    await second.host.submit(answerIt);
    expect(text(await again)).toBe('at last');
    const third = await startScenario({ disk: second.crash(), host: { snapshotEvery } });
    expect(text(await third.host.handle(message('a', later)))).toBe('at last');
    expect(third.host.state).toEqual(['asked', 'answered']);
  });

  it('is waited for by a repetition that comes between its decision and its flush', async () => {
    const first = await startScenario();
    first.host.handle(message('a', later)).catch(() => undefined);
    await soon();
    const disk = gate();
    const second = await startScenario({ disk: first.crash(), flush: disk.pass });
    const submitted = second.host.submit(answerIt);
    await soon();
    const again = second.host.handle(message('a', later));
    await soon();
    disk.open();
    await submitted;
    expect(text(await again)).toBe('at last');
    expect(second.host.state).toEqual(['asked', 'answered']);
  });

  it('is the first one, whatever a later decision says', async () => {
    const { host, warnings } = await startScenario();
    const call = host.handle(message('a', later));
    await soon();
    await host.submit(answerIt);
    await host.submit(() => ({ records: [], answers: [{ messageId: 'a', body: utf8('another') }] }));
    expect(text(await call)).toBe('at last');
    expect(text(await host.handle(message('a', later)))).toBe('at last');
    expect(warnings).toHaveLength(1);
  });
});

describe('the number of open messages', () => {
  it('is bounded', async () => {
    const { host } = await startScenario({ host: { maxOpen: 2 } });
    const open = ['a', 'b'].map((id) => host.handle(message(id, () => ({ records: [] }))));
    await soon();
    await expect(host.handle(message('c', count))).rejects.toMatchObject({ code: 'HOST_BUSY' });
    await host.submit(() => ({ records: [], answers: [{ messageId: 'a', body: utf8('x') }] }));
    await open[0];
    expect(text(await host.handle(message('c', count)))).toBe('answer 1');
    open[1]!.catch(() => undefined);
  });

  it.each(['', 'x'.repeat(513)])('counts no malformed identity', async (id) => {
    const { host } = await startScenario();
    await expect(host.handle(message(id, count))).rejects.toMatchObject({ code: 'MESSAGE_IDENTITY_MALFORMED' });
  });
});
