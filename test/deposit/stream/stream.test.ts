/** Streams over real sockets: what is sent is paid for, within the bounds of both ends, whatever becomes of the connection. */
import { afterEach, describe, expect, test } from 'vitest';
import type { StreamHandler } from '../../../src/deposit/merchant-http/stream-charge.ts';
import { createEnds } from '../payment-ends.ts';
import { closeStreams, readAll, startStreams, texts, ticks } from './charged-streams.ts';

afterEach(closeStreams);

const code = (expected: string) => expect.objectContaining({ code: expected });
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('paying while it runs', () => {
  test.each([
    { credit: 16, ahead: 8 },
    { credit: 0, ahead: 1 },
    { credit: 1, ahead: 0 },
    { credit: 100, ahead: 0 },
    { credit: 0, ahead: 50 },
  ])(
    'by the message, with a credit of $credit and $ahead ahead: each arrives once and is paid to the unit',
    async (bounds) => {
      const { credit, ahead } = bounds;
      const { payingStream, url, ends, faults } = await startStreams(ticks(200), {
        options: { credit },
        paying: { ahead },
      });
      const stream = await payingStream(url);
      expect(await readAll(stream)).toEqual(texts(200));
      expect(stream.meteredUnits).toBe(800);
      expect(ends.earned()).toBe(stream.paidUnits);
      expect(stream.paidUnits).toBeGreaterThanOrEqual(800);
      expect(stream.paidUnits).toBeLessThanOrEqual(800 + 4 * ahead);
      const purchases = [...ends.deposits.values()].flatMap(({ taken }) => taken).length;
      expect(ends.told).toEqual(Array.from({ length: purchases }, (_, at) => ['paid', at + 1]));
      expect(faults).toEqual([]);
    },
  );

  test('by the kilobyte, bytes and text alike, each started one once', async () => {
    const sent = [
      new Uint8Array(1000).fill(7),
      'x'.repeat(48),
      new Uint8Array(1),
      'é'.repeat(20_000),
      new Uint8Array(0),
    ];
    const handler: StreamHandler = async (stream) => {
      for (const message of sent) await stream.send(message);
    };
    const options = { per: 'kilobyte', credit: 40 } as const;
    const { payingStream, url, ends } = await startStreams(handler, { options, paying: { ahead: 0 } });
    const stream = await payingStream(url);
    expect(await readAll(stream)).toEqual(sent);
    const kilobytes = Math.ceil((1000 + 48 + 1 + 40_000) / 1024);
    expect([stream.meteredUnits, stream.paidUnits, ends.earned()]).toEqual(Array(3).fill(4 * kilobytes));
  });

  test('by the second: what is sent costs nothing more, and time is paid while it passes', async () => {
    const handler: StreamHandler = async (stream) => {
      for (let n = 0; n < 12; n++) {
        await stream.send(`${n}`);
        await wait(200);
      }
    };
    const options = { per: 'second', credit: 1 } as const;
    const { payingStream, url, ends } = await startStreams(handler, { options, paying: { ahead: 1 } });
    const stream = await payingStream(url);
    const began = Date.now();
    expect(await readAll(stream)).toHaveLength(12);
    const seconds = Math.ceil((Date.now() - began) / 1000);
    expect(ends.earned()).toBeGreaterThanOrEqual(4 * (seconds - 1));
    expect(ends.earned()).toBeLessThanOrEqual(4 * (seconds + 1));
  });

  test('the customer speaks, too, and the merchant reads it in order', async () => {
    const handler: StreamHandler = async (stream) => {
      for await (const asked of stream) {
        if (asked === 'enough') return;
        await stream.send(`${asked}!`);
      }
    };
    const { payingStream, url } = await startStreams(handler);
    const stream = await payingStream(url);
    const asked = Array.from({ length: 150 }, (_, n) => `${n}`);
    const speaking = (async () => {
      for (const one of [...asked, 'enough']) await stream.send(one);
    })();
    expect(await readAll(stream)).toEqual(asked.map((one) => `${one}!`));
    await speaking;
  });

  test('whoever leaves pays what he owes, and then both ends are closed', async () => {
    const ended = Promise.withResolvers<{ used: number; paid: number }>();
    const handler: StreamHandler = async (stream) => {
      stream.signal.addEventListener('abort', () => ended.resolve({ used: stream.usedUnits, paid: 0 }));
      for (let n = 0; ; n++) await stream.send(`${n}`);
    };
    const { payingStream, url, ends, faults } = await startStreams(handler, {
      options: { credit: 50 },
      paying: { ahead: 0 },
    });
    const stream = await payingStream(url);
    let read = 0;
    for await (const _ of stream) if (++read === 33) break;
    const { used } = await ended.promise;
    expect(used).toBeGreaterThanOrEqual(4 * 33);
    expect(ends.earned()).toBe(used);
    expect(stream.paidUnits).toBe(used);
    expect(faults).toEqual([]);
    await expect(stream.send('late')).rejects.toThrow(code('STREAM_CLOSED'));
  });

  test('a deposit that ends in the middle is followed by another one', async () => {
    const ends = createEnds();
    const { payingStream, url } = await startStreams(
      async (stream) => {
        for (let n = 1; n <= 60; n++) {
          if (n === 30) ends.close();
          await stream.send(`tick ${n}`);
        }
      },
      { ends, options: { credit: 4 }, paying: { ahead: 0 } },
    );
    const stream = await payingStream(url);
    expect(await readAll(stream)).toEqual(texts(60));
    expect(ends.deposits.size).toBe(2);
    expect(ends.earned()).toBe(240);
    expect(ends.told.filter(([what]) => what === 'refused')).toEqual([
      ['refused', expect.any(Number), 'DEPOSIT_CLOSED'],
    ]);
  });
});

describe('when the connection breaks', () => {
  test('again and again, each message arrives once, in order, and nothing is paid twice', async () => {
    const { payingStream, url, ends, cut, upgrades, faults } = await startStreams(ticks(400), { paying: { ahead: 2 } });
    const stream = await payingStream(url);
    const cutting = setInterval(cut, 15);
    const read: (string | Uint8Array)[] = [];
    for await (const message of stream) {
      read.push(message);
      if (read.length % 5 === 0) await wait(1);
    }
    clearInterval(cutting);
    expect(read).toEqual(texts(400));
    expect(upgrades()).toBeGreaterThan(5);
    expect(ends.earned()).toBe(stream.paidUnits);
    expect(stream.paidUnits).toBeLessThanOrEqual(1600 + 8);
    expect(ends.told.filter(([what]) => what !== 'paid')).toEqual([]);
    expect(faults).toEqual([]);
  });

  test('just when a payment was taken, it is sent again byte for byte and taken once', async () => {
    const ends = createEnds();
    const tokens: string[] = [];
    const { purchase } = ends.till;
    let lost = 0;
    const till = {
      ...ends.till,
      async purchase(...given: Parameters<typeof purchase>) {
        const taken = await purchase(...given);
        tokens.push(Buffer.from(given[1]).toString('hex'));
        if (taken.number % 3 === 0) {
          lost++;
          streams.cut();
        }
        return taken;
      },
    };
    const streams = await startStreams(ticks(100), {
      ends,
      setup: { till },
      options: { credit: 4 },
      paying: { ahead: 0 },
    });
    const stream = await streams.payingStream(streams.url);
    expect(await readAll(stream)).toEqual(texts(100));
    expect(lost).toBeGreaterThan(5);
    expect(new Set(tokens).size).toBe(tokens.length);
    expect([ends.earned(), stream.paidUnits]).toEqual([400, 400]);
  });

  test('while a payment is being made, it is sent when the merchant has said where it goes on', async () => {
    const ends = createEnds();
    const { pay } = ends.spender;
    const { dialStream } = await import('../../../src/deposit/customer-http/dial-stream.ts');
    let cuts = 0;
    const spender = {
      ...ends.spender,
      async pay(...given: Parameters<typeof pay>) {
        const released = await pay(...given);
        if (released.number % 3 === 0) {
          cuts++;
          streams.cut();
          await wait(30);
        }
        return released;
      },
    };
    const dial: typeof dialStream = async (url, options) => {
      const dialled = await dialStream(url, options);
      await wait(60);
      return dialled;
    };
    const streams = await startStreams(ticks(40), {
      ends,
      options: { credit: 4 },
      paying: { ahead: 0, spender, dial },
    });
    const stream = await streams.payingStream(streams.url);
    expect(await readAll(stream)).toEqual(texts(40));
    expect(cuts).toBeGreaterThan(2);
    expect([ends.earned(), stream.paidUnits]).toEqual([160, 160]);
    expect(ends.told.every(([what]) => what === 'paid')).toBe(true);
  });

  test('before the first answer, the stream is opened by the same payment', async () => {
    const ends = createEnds();
    const { purchase } = ends.till;
    let cuts = 0;
    const till = {
      ...ends.till,
      async purchase(...given: Parameters<typeof purchase>) {
        const taken = await purchase(...given);
        if (cuts++ === 0) streams.cut();
        return taken;
      },
    };
    let handlers = 0;
    const streams = await startStreams(
      async (stream, request) => {
        handlers++;
        await ticks(10)(stream, request);
      },
      { ends, setup: { till }, paying: { ahead: 0 } },
    );
    const stream = await streams.payingStream(streams.url);
    expect(await readAll(stream)).toEqual(texts(10));
    expect([ends.earned(), handlers]).toEqual([40, 1]);
  });

  test('time without a connection is not charged for', async () => {
    const handler: StreamHandler = async (stream) => {
      await stream.send('one');
      await wait(3200);
    };
    const { dialStream } = await import('../../../src/deposit/customer-http/dial-stream.ts');
    let dials = 0;
    const streams = await startStreams(handler, {
      ...{ options: { per: 'second', credit: 2 }, setup: { resumeMs: 5000 } },
      paying: {
        ...{ ahead: 0, retryAfterMs: [2200] },
        dial: (url, options) => (++dials === 3 ? Promise.reject(new Error('no way there')) : dialStream(url, options)),
      },
    });
    const stream = await streams.payingStream(streams.url);
    const reading = readAll(stream);
    await wait(500);
    streams.cut();
    await reading;
    // Two seconds were begun with a connection: the first, and the one after it was back.
    expect(streams.ends.earned()).toBe(8);
  });

  test('for good, the customer is told, and so is the merchant', async () => {
    const aborted = Promise.withResolvers<void>();
    const handler: StreamHandler = async (stream) => {
      stream.signal.addEventListener('abort', () => aborted.resolve());
      for (;;) await stream.send('tick');
    };
    let dials = 0;
    const { dialStream } = await import('../../../src/deposit/customer-http/dial-stream.ts');
    const streams = await startStreams(handler, {
      setup: { resumeMs: 100 },
      paying: {
        retryAfterMs: [5, 5],
        dial: (url, options) => (++dials > 2 ? Promise.reject(new Error('no way there')) : dialStream(url, options)),
      },
    });
    const stream = await streams.payingStream(streams.url);
    const reading = readAll(stream);
    await wait(50);
    streams.cut();
    await expect(reading).rejects.toThrow(code('ANSWER_LOST'));
    await aborted.promise;
  });

  test('for longer than the merchant waits, the stream is over and says so', async () => {
    const { dialStream } = await import('../../../src/deposit/customer-http/dial-stream.ts');
    let dials = 0;
    const streams = await startStreams(ticks(1_000_000), {
      setup: { resumeMs: 20 },
      paying: {
        retryAfterMs: [300],
        dial: (url, options) => (++dials === 3 ? Promise.reject(new Error('no way there')) : dialStream(url, options)),
      },
    });
    const stream = await streams.payingStream(streams.url);
    const reading = readAll(stream);
    await wait(50);
    streams.cut();
    await expect(reading).rejects.toThrow(code('STREAM_UNKNOWN'));
  });
});

describe('bounds', () => {
  test('a slow reader slows the merchant down: little waits anywhere', async () => {
    let sent = 0;
    const handler: StreamHandler = async (stream) => {
      for (; sent < 500; sent++) await stream.send(new Uint8Array(100_000));
    };
    const options = { per: 'kilobyte', credit: 10_000, price: '0.0001 EUR' } as const;
    const { payingStream, url } = await startStreams(handler, { options, paying: { ahead: 0 } });
    const stream = await payingStream(url);
    let read = 0;
    for await (const message of stream) {
      read++;
      expect((message as Uint8Array).length).toBe(100_000);
      if (read % 10 === 0) {
        await wait(20);
        // 1 MiB under way, what waits here, and one message in hand.
        expect(sent - read).toBeLessThanOrEqual(12);
      }
      if (read === 60) break;
    }
  });

  test('many small messages wait no more than the window either', async () => {
    let sent = 0;
    const handler: StreamHandler = async (stream) => {
      for (; sent < 1000; sent++) await stream.send('tick');
    };
    const { payingStream, url } = await startStreams(handler, { options: { credit: 500 }, paying: { ahead: 0 } });
    const stream = await payingStream(url);
    await wait(100);
    expect(sent).toBe(64);
    expect(await readAll(stream)).toHaveLength(1000);
  });

  test('a message larger than any may be is refused where it is sent', async () => {
    const refused = Promise.withResolvers<unknown>();
    const handler: StreamHandler = async (stream) => {
      await stream.send(new Uint8Array(300_000)).catch(refused.resolve);
      await stream.send('\u0000'.repeat(100_000)).catch((error) => refused.promise.then(() => stream.send(error.code)));
    };
    const { payingStream, url } = await startStreams(handler);
    const stream = await payingStream(url);
    await expect(stream.send(new Uint8Array(200_000))).rejects.toThrow(code('MESSAGE_TOO_LARGE'));
    expect(await readAll(stream)).toEqual(['MESSAGE_TOO_LARGE']);
    expect(await refused.promise).toEqual(code('MESSAGE_TOO_LARGE'));
  });

  test('a message above credit and payment ahead is refused, and the stream goes on', async () => {
    const handler: StreamHandler = async (stream) => {
      const error = await stream.send(new Uint8Array(20_000)).catch((cause) => cause);
      await stream.send(error.code);
    };
    const options = { per: 'kilobyte', credit: 4 } as const;
    const { payingStream, url } = await startStreams(handler, { options, paying: { ahead: 4 } });
    expect(await readAll(await payingStream(url))).toEqual(['MESSAGE_TOO_LARGE']);
  });

  test('a stream costs no more than its limit, and says that it was reached', async () => {
    const limits = { maxPrices: ['0.01 EUR'], maxTotals: ['0.01 EUR'] };
    const { payingStream, url, ends } = await startStreams(ticks(1000), { paying: { limits } });
    await expect(readAll(await payingStream(url))).rejects.toThrow(code('OFFER_REFUSED'));
    expect(ends.earned()).toBeLessThanOrEqual(100);
  });

  test('what costs more than the limits is not begun', async () => {
    const limits = { maxPrices: ['0.0003 EUR'], maxTotals: ['1.00 EUR'] };
    const dear = await startStreams(ticks(1), { paying: { limits } });
    await expect(dear.payingStream(dear.url)).rejects.toThrow(code('OFFER_REFUSED'));
    for (const maxTotals of [[], ['1.00 USD'], ['0.0003 EUR']]) {
      const streams = await startStreams(ticks(1), { paying: { limits: { maxPrices: ['0.01 EUR'], maxTotals } } });
      await expect(streams.payingStream(streams.url)).rejects.toThrow(code('OFFER_REFUSED'));
      expect(streams.ends.earned()).toBe(0);
    }
    expect(dear.ends.earned()).toBe(0);
  });

  test('no more streams run at a time than the merchant says', async () => {
    const handler: StreamHandler = (stream) =>
      new Promise((resolve) => stream.signal.addEventListener('abort', () => resolve()));
    const { payingStream, url, ends } = await startStreams(handler, {
      setup: { maxStreams: 2 },
      paying: { retryAfterMs: [] },
    });
    const both = [await payingStream(url), await payingStream(url)];
    await expect(payingStream(url)).rejects.toThrow(code('PAYMENT_REFUSED'));
    expect(ends.earned()).toBe(8);
    for (const stream of both) await stream.close();
  });

  test('a stream that runs for as long as it may is brought to its end, and settled', async () => {
    const handler: StreamHandler = async (stream) => {
      for (;;) {
        await stream.send('tick');
        await wait(5);
      }
    };
    const { payingStream, url, ends } = await startStreams(handler, { setup: { maxMs: 200 }, paying: { ahead: 0 } });
    const stream = await payingStream(url);
    const read = await readAll(stream);
    expect(read.length).toBeGreaterThan(5);
    expect(ends.earned()).toBe(4 * read.length);
  });

  test('a handler that fails ends the stream, and the customer hears nothing of why', async () => {
    const { payingStream, url, faults } = await startStreams(async (stream) => {
      await stream.send('one');
      throw new Error('a secret of the house');
    });
    const stream = await payingStream(url);
    const read: unknown[] = [];
    const reading = (async () => {
      for await (const message of stream) read.push(message);
    })();
    await expect(reading).rejects.toThrow('STREAM_FAILED');
    await expect(reading).rejects.not.toThrow('secret');
    expect(read).toEqual(['one']);
    expect(faults).toHaveLength(1);
  });
});
