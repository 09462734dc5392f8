/** The host: order, group commit, refusals, local inputs, snapshots, stopping. */
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/codec/hex.ts';
import { HandselError } from '../../src/handsel-error.ts';
import { JournalError } from '../../src/journal/journal.ts';
import { gate, message, type Script, soon, startScenario, text } from './scripted-host.ts';

const recordAndAnswer =
  (record: string): Script =>
  (state) => ({ records: [record], answer: utf8(`${record} after ${state.length}`) });
const refuse: Script = () => {
  throw new HandselError('NOT_WANTED', 'not wanted');
};

describe('group commit', () => {
  it('puts all inputs that wait during a flush into one append, in their order', async () => {
    const disk = gate();
    const { host, appends } = await startScenario({ flush: disk.pass });
    const answers = [host.handle(message('0', recordAndAnswer('r0')))];
    await soon();
    for (let at = 1; at <= 5; at++) answers.push(host.handle(message(`${at}`, recordAndAnswer(`r${at}`))));
    await soon();
    disk.open();
    await soon();
    disk.open();
    expect((await Promise.all(answers)).map(text)).toEqual(Array.from({ length: 6 }, (_, at) => `r${at} after ${at}`));
    expect(appends).toEqual([1, 5]);
  });

  it('releases neither answer nor outbox message nor a refusal before the flush it rests on', async () => {
    const disk = gate();
    const { host, deliveries } = await startScenario({ flush: disk.pass });
    const settled: string[] = [];
    const send = [{ id: 'o', to: 'peer', kind: 'k', body: utf8('b') }];
    void host
      .handle(message('a', () => ({ records: ['r'], answer: utf8('done'), send })))
      .then(() => settled.push('answer'));
    host.handle(message('b', refuse)).catch(() => settled.push('refusal'));
    await soon();
    void host.submit(() => ({ records: [] })).then(() => settled.push('nothing to record'));
    await soon();
    expect(host.state).toEqual(['r']);
    expect([settled, deliveries.length]).toEqual([[], 0]);
    disk.open();
    await soon();
    expect(settled.sort()).toEqual(['answer', 'nothing to record', 'refusal']);
    expect(deliveries).toHaveLength(1);
  });

  it('bounds a group and decides the rest after it', async () => {
    const disk = gate();
    const { host, appends } = await startScenario({ flush: disk.pass });
    const all = Promise.all(Array.from({ length: 5000 }, (_, at) => host.submit(() => ({ records: [`${at}`] }))));
    await soon();
    expect(host.state).toHaveLength(2048);
    for (let flushes = 0; flushes < 5; flushes++) {
      disk.open();
      await soon();
    }
    await all;
    expect(appends).toEqual([2048, 2048, 904]);
    expect(host.state).toEqual(Array.from({ length: 5000 }, (_, at) => `${at}`));
  });

  it('passes the boundaries before append, after append and after answers in this order', async () => {
    const passed: string[] = [];
    const { host, clock } = await startScenario({
      host: { onBoundary: (boundary, group) => passed.push(`${boundary} ${group}`) },
    });
    await host.handle(message('a', recordAndAnswer('r'))).then(() => passed.push('answered'));
    await clock.run(clock.nowMs() + 10);
    expect(passed).toEqual(['before-append 1', 'after-append 1', 'answered', 'after-answers 1']);
  });
});

describe('a refusal', () => {
  it('changes nothing, leaves no trace, and lets the same message be tried again', async () => {
    const { host, appends } = await startScenario();
    await expect(host.handle(message('a', refuse))).rejects.toMatchObject({ code: 'NOT_WANTED' });
    await expect(host.submit(refuse)).rejects.toMatchObject({ code: 'NOT_WANTED' });
    expect([host.state, appends]).toEqual([[], []]);
    expect(text(await host.handle(message('a', recordAndAnswer('r'))))).toBe('r after 0');
  });

  it.each<[string, Script]>([
    [
      'a message id used twice',
      () => ({ records: ['r'], send: [1, 2].map(() => ({ id: 'o', to: 'p', kind: 'k', body: utf8('b') })) }),
    ],
    ['an empty route', () => ({ records: ['r'], send: [{ id: 'o', to: '', kind: 'k', body: utf8('b') }] })],
    ['a timer at no time', () => ({ records: ['r'], timers: [{ id: 't', atMs: Number.NaN }] })],
    ['too many keys', () => ({ records: ['r'], keys: Array.from({ length: 63 }, (_, at) => `${at}`) })],
    ['too long a key', () => ({ records: ['r'], keys: ['k'.repeat(1023)] })],
  ])('is also what a faulty decision gets: %s', async (_, script) => {
    const { host } = await startScenario();
    await expect(host.submit(script)).rejects.toMatchObject({ code: 'DECISION_MALFORMED' });
    expect(host.state).toEqual([]);
  });
});

describe('local inputs', () => {
  it('are decided next and in the same entry, before inputs that came earlier', async () => {
    const { host, appends } = await startScenario();
    const local: Script = (state) => ({ records: [`local after ${state.length}`] });
    const both = [
      host.submit(() => ({ records: ['first'], inputs: [local, refuse, local] })),
      host.submit(() => ({ records: ['second'] })),
    ];
    await Promise.all(both);
    expect(host.state).toEqual(['first', 'local after 1', 'local after 2', 'second']);
    expect(appends).toEqual([2]);
  });

  it('are not found by the keys of another decision, nor others by theirs', async () => {
    const { host, appends } = await startScenario();
    const named: Script = () => ({ records: ['named'], keys: ['name'] });
    const plain: Script = () => ({ records: ['plain'] });
    await host.submit(() => ({ records: ['first'], inputs: [plain, named, plain] }));
    expect(await host.readByKey('name')).toEqual(['named']);
    expect(host.state).toEqual(['first', 'plain', 'named', 'plain']);
    expect(appends).toEqual([3]);
  });

  it('answer the message that caused them, and what they take back of it never leaves', async () => {
    const { host, clock, deliveries } = await startScenario({
      deliver: async () => ({ type: 'answered', body: utf8('yes') }),
    });
    const send = ['a', 'b'].map((id) => ({ id, to: 'peer', kind: 'k', body: utf8(id) }));
    const local: Script = () => ({
      ...{ records: ['local'], cancel: ['a'], clearTimers: ['late'] },
      answers: [{ messageId: 'm', body: utf8('done') }],
    });
    const timers = [{ id: 'late', atMs: clock.nowMs() + 100 }];
    const answer = await host.handle(message('m', () => ({ records: ['r'], send, timers, inputs: [local] })));
    await clock.run(clock.nowMs() + 1000);
    expect(text(answer)).toBe('done');
    expect(deliveries.map(({ id }) => id)).toEqual(['b']);
    expect(host.state).toEqual(['r', 'local', 'b answered']);
  });

  it('are durable before their submission is told, also when it had nothing to record itself', async () => {
    const disk = gate();
    const { host } = await startScenario({ flush: disk.pass });
    const told: string[] = [];
    const local: Script = () => ({ records: ['caused'] });
    void host.submit(() => ({ records: [], inputs: [local] })).then(() => told.push('done'));
    await soon();
    expect([host.state, told]).toEqual([['caused'], []]);
    disk.open();
    await soon();
    expect(told).toEqual(['done']);
  });

  it('without end stop the host', async () => {
    const { host } = await startScenario();
    const again: Script = () => ({ records: [], inputs: [again] });
    void host.submit(again).catch(() => undefined);
    expect(String(await host.failed)).toMatch(/local inputs/);
  });
});

describe('the host stops for good', () => {
  const stopped = { code: 'HOST_STOPPED' };

  it('when an append fails: every waiting and every later call hears it, and nothing leaves', async () => {
    const { host, deliveries } = await startScenario({ faults: { failAppend: 1 } });
    const send = [{ id: 'o', to: 'peer', kind: 'k', body: utf8('b') }];
    await expect(host.handle(message('a', () => ({ records: ['r'], answer: utf8('x'), send })))).rejects.toMatchObject(
      stopped,
    );
    await expect(host.handle(message('b', recordAndAnswer('s')))).rejects.toMatchObject(stopped);
    await expect(host.submit(() => ({ records: [] }))).rejects.toMatchObject(stopped);
    await expect(host.settled()).rejects.toMatchObject(stopped);
    expect(deliveries).toEqual([]);
    expect(await host.failed).toMatchObject({ code: 'JOURNAL_FAILED' });
    await host.close();
  });

  it('when its journal is lost, though nobody asks it anything', async () => {
    const lost = new JournalError('JOURNAL_FAILED', 'the server has gone');
    const { host } = await startScenario({ lost: Promise.resolve(lost) });
    expect(await host.failed).toBe(lost);
    await expect(host.submit(() => ({ records: [] }))).rejects.toMatchObject(stopped);
    await host.close();
  });

  it('when the machine throws anything but its own refusal; what was durable is there after a restart', async () => {
    const first = await startScenario();
    await first.host.submit(() => ({ records: ['kept'] }));
    const bug: Script = () => {
      throw new TypeError('a bug');
    };
    await expect(first.host.submit(bug)).rejects.toMatchObject({ ...stopped, cause: { message: 'a bug' } });
    await expect(first.host.handle(message('b', recordAndAnswer('s')))).rejects.toMatchObject(stopped);
    const second = await startScenario({ disk: first.crash() });
    expect(second.host.state).toEqual(['kept']);
  });

  it('when it is closed: what waits is handled first, messages owed an answer are told', async () => {
    const disk = gate();
    const { host } = await startScenario({ flush: disk.pass });
    const told = expect(host.handle(message('never', () => ({ records: ['owed'] })))).rejects.toMatchObject(stopped);
    const answer = host.handle(message('a', recordAndAnswer('r')));
    await soon();
    const closing = host.close();
    disk.open();
    expect(text(await answer)).toBe('r after 1');
    await closing;
    await told;
    await expect(host.submit(() => ({ records: [] }))).rejects.toMatchObject(stopped);
  });
});

describe('recovery', () => {
  it('gives the same state from replay, from a snapshot, and from a snapshot with replay', async () => {
    for (const snapshotEvery of [1, 3, 1000]) {
      const first = await startScenario({ host: { snapshotEvery } });
      for (let at = 0; at < 10; at++)
        await first.host.submit(() => ({ records: [`a${at}`, `b${at}`], keys: [`key ${at % 2}`] }));
      const expected = [...first.host.state];
      const second = await startScenario({ disk: first.crash(), host: { snapshotEvery } });
      expect(second.host.state).toEqual(expected);
      expect(await second.host.readByKey('key 1')).toEqual([1, 3, 5, 7, 9].flatMap((at) => [`a${at}`, `b${at}`]));
      expect(await second.host.readByKey('key 1', { limit: 1 })).toEqual(['a9', 'b9']);
      await second.host.submit(() => ({ records: ['after'] }));
      expect((await startScenario({ disk: second.crash() })).host.state).toEqual([...expected, 'after']);
    }
  });

  it('refuses the journal of another machine', async () => {
    const first = await startScenario({ host: { snapshotEvery: 1 } });
    await first.host.submit(() => ({ records: ['r'] }));
    await soon();
    const { frames, snapshot } = first.crash();
    const body = Buffer.from(snapshot!.body);
    body.set(utf8('xxx'), body.indexOf('scripted'));
    const disk = { frames, snapshot: { sequence: snapshot!.sequence, body } };
    await expect(startScenario({ disk })).rejects.toThrow(/belongs to the machine xxxipted, not scripted/);
  });

  it('closes with a snapshot, so that the next start replays nothing', async () => {
    const first = await startScenario();
    await first.host.submit(() => ({ records: ['r'] }));
    await first.host.close();
    const { frames, snapshot } = first.crash();
    expect(snapshot?.sequence).toBe(1);
    expect((await startScenario({ disk: { frames, snapshot } })).host.state).toEqual(['r']);
  });
});

describe('a fleeting message', () => {
  const fleeting = (id: string, script: Script) => ({ ...message(id, script), fleeting: true });

  it('is answered once what its answer rests on is durable, and leaves nothing in the journal', async () => {
    const disk = gate();
    const { host, appends } = await startScenario({ flush: disk.pass });
    void host.submit(() => ({ records: ['r'] }));
    await soon();
    const settled: string[] = [];
    void host
      .handle(fleeting('m', (state) => ({ records: [], answer: utf8(`of ${state.length}`) })))
      .then((answer) => settled.push(text(answer)));
    await soon();
    expect(settled).toEqual([]);
    disk.open();
    await soon();
    expect([settled, appends]).toEqual([['of 1'], [1]]);
    // A repetition soon after gets the same answer, though there would be another one now.
    const again = host.handle(fleeting('m', () => ({ records: [], answer: utf8('another') })));
    expect(text(await again)).toBe('of 1');
  });

  it('is refused when the machine decides more than an answer', async () => {
    const { host } = await startScenario();
    const decided = host.handle(fleeting('m', recordAndAnswer('r')));
    await expect(decided).rejects.toMatchObject({ code: 'DECISION_MALFORMED' });
    expect(host.state).toEqual([]);
  });
});
