import { describe, expect, test } from 'vitest';
import { toHex, utf8 } from '../../../src/codec/hex.ts';
import {
  type AnswerLimits,
  type AnswerMemory,
  type AnswerRecorder,
  createAnswerMemory,
} from '../../../src/deposit/merchant-http/answer-memory.ts';
import { standingClock } from '../payment-ends.ts';

const purchase = (number: number) => ({ proof: `proof ${number}`, units: 1, number });

function start(limits?: AnswerLimits) {
  const clock = standingClock();
  return { clock, memory: createAnswerMemory(clock, limits) };
}

async function make(memory: AnswerMemory, number: number): Promise<AnswerRecorder> {
  const serving = await memory.serve(`t/${number}`, purchase(number));
  if (serving.type !== 'make') throw new Error(`expected it to be made, was ${serving.type}`);
  return serving.recorder;
}

async function answer(memory: AnswerMemory, number: number, body = `answer ${number}`): Promise<void> {
  const recorder = await make(memory, number);
  recorder.write(utf8(body));
  recorder.end(200, []);
}

/** The body, or what there is instead. */
async function kept(memory: AnswerMemory, number: number): Promise<string> {
  const serving = await memory.serve(`t/${number}`, purchase(number));
  if (serving.type === 'make') serving.recorder.abandon();
  return serving.type === 'kept' ? Buffer.from(serving.answer.body).toString() : serving.type;
}

describe('an answer', () => {
  test('is kept as it was written, whatever becomes of the memory it came in', async () => {
    const { memory } = start();
    const recorder = await make(memory, 1);
    const reused = Buffer.from('first');
    recorder.write(reused);
    reused.write('later');
    recorder.write(utf8(' and last'));
    recorder.end(200, []);
    expect(await kept(memory, 1)).toBe('first and last');
  });

  test('given up is not kept by what is still said of it', async () => {
    const { memory } = start();
    const recorder = await make(memory, 1);
    recorder.write(utf8('half of it'));
    recorder.abandon();
    recorder.end(200, []);
    expect(await kept(memory, 1)).toBe('make');
  });

  test('told a second time does not hold up whoever makes it anew', async () => {
    const { memory } = start({ maxAnswerBytes: 1, waitMs: 0 });
    const first = await make(memory, 1);
    first.write(utf8('too large'));
    const second = await make(memory, 1);
    first.end(200, []);
    expect(await kept(memory, 1)).toBe('busy');
    second.abandon();
    expect(await kept(memory, 1)).toBe('make');
  });

  test('is kept for its time', async () => {
    const { memory, clock } = start({ keepMs: 100 });
    await answer(memory, 1);
    clock.nowIs += 99;
    await answer(memory, 2);
    expect(await kept(memory, 1)).toBe('answer 1');
    clock.nowIs += 1;
    expect(await kept(memory, 1)).toBe('used-up');
    expect(await kept(memory, 2)).toBe('answer 2');
  });

  test('that was there for its time is not made again, however long one waits', async () => {
    const { memory, clock } = start({ keepMs: 100 });
    await answer(memory, 1);
    for (let shown = 0; shown < 5; shown++) {
      clock.nowIs += 1000;
      expect(await kept(memory, 1)).toBe('used-up');
    }
  });
});

describe('a purchase that was paid before and is not known', () => {
  const again = (memory: AnswerMemory, number: number) =>
    memory.serve(`t/${number}`, { ...purchase(number), repeated: true });

  test('after a restart is answered once more', async () => {
    const { memory } = start();
    const first = await again(memory, 1);
    if (first.type !== 'make') throw new Error(`expected it to be made, was ${first.type}`);
    first.recorder.abandon();
    expect(await again(memory, 1)).toEqual({ type: 'used-up' });
  });

  test('is not answered where it may have been forgotten: purchases of others would renew it for ever', async () => {
    const { memory } = start({ maxPurchases: 3 });
    for (let round = 0; round < 3; round++) {
      for (let number = 1; number <= 4; number++) await memory.serve(`t/${10 * round + number}`, purchase(number));
      expect(await again(memory, 1)).toEqual({ type: 'used-up' });
    }
    // One that is paid for now is answered.
    expect(await memory.serve('t/99', purchase(99))).toMatchObject({ type: 'make' });
  });
});

describe('the memory', () => {
  test('knows the newest purchases, and forgets the answers with the older ones', async () => {
    const { memory } = start({ maxPurchases: 3, maxBytes: 24 });
    for (let number = 1; number <= 500; number++) await answer(memory, number);
    const known = Array.from({ length: 500 }, (_, at) => at + 1).filter(
      (number) => memory.find(`t/${number}`, `proof ${number}`) !== undefined,
    );
    expect(known).toEqual([498, 499, 500]);
    // 10 bytes each: the third is more than may be kept.
    expect(await kept(memory, 499)).toBe('answer 499');
    expect(await kept(memory, 500)).toBe('answer 500');
    expect(await kept(memory, 498)).toBe('make');
  });

  test('does not take one purchase for another', async () => {
    const { memory } = start();
    await answer(memory, 1);
    expect(memory.find('t/1', toHex(utf8('proof 1')))).toBeUndefined();
    expect(memory.find('t/2', 'proof 1')).toBeUndefined();
  });
});
