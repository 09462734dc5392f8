/** What a dishonest end of a stream gains, over real sockets: nothing beyond the bounds that were stated. */
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { dialStream } from '../../../src/deposit/customer-http/dial-stream.ts';
import { createPayingStream } from '../../../src/deposit/customer-http/paying-stream.ts';
import type { StreamHandler } from '../../../src/deposit/merchant-http/stream-charge.ts';
import { decodeOffer, requestDigest } from '../../../src/deposit/message/payment-offer.ts';
import { formatFrame, MAX_FRAME_BYTES, type MerchantFrame } from '../../../src/deposit/message/stream-frame.ts';
import { systemClock } from '../../../src/journal/clock.ts';
import { createAuthority } from '../../transport/openssl-certificates.ts';
import { createEnds } from '../payment-ends.ts';
import { closeStreams, readAll, startStreams, ticks } from './charged-streams.ts';
import { type LyingMerchant, startLying } from './lying-merchant.ts';
import {
  challengeOf,
  dialPaying,
  dialWith,
  firstPayment,
  has,
  listen,
  rawCustomer,
  refusedBy,
} from './raw-customer.ts';

const liars: LyingMerchant[] = [];
afterEach(async () => {
  for (const liar of liars.splice(0)) liar.close();
  await closeStreams();
});

const code = (expected: string) => expect.objectContaining({ code: expected });
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const last = (frames: readonly unknown[]) => frames.at(-1);
const endless: StreamHandler = async (stream) => {
  for (let n = 1; ; n++) await stream.send(`tick ${n}`);
};

describe('a merchant who', () => {
  async function startLiar(...given: Parameters<typeof startLying>) {
    const liar = await startLying(...given);
    liars.push(liar);
    const payingStream = createPayingStream({
      ...{ spender: liar.ends.spender, clock: systemClock(), retryAfterMs: [5, 5], timeoutMs: 300, ahead: 2 },
      limits: { maxPrices: ['0.01 EUR'], maxTotals: ['1.00 EUR'] },
    });
    return { ...liar, payingStream };
  }

  test('asks twice for the same is paid once', async () => {
    const { payingStream, url, ends } = await startLiar(
      ({ say }) => {
        say({ type: 'message', text: 'one' });
        say({ type: 'due', through: 8 });
        say({ type: 'due', through: 8 });
      },
      {
        async hears(frame, lying) {
          if (frame.type !== 'payment') return;
          await lying.take(frame);
          lying.say({ type: 'due', through: 8 });
          await wait(50);
          lying.say({ type: 'end', used: 4, paid: 8 });
        },
      },
    );
    const stream = await payingStream(url);
    expect(await readAll(stream)).toEqual(['one']);
    expect([stream.paidUnits, ends.earned()]).toEqual([8, 8]);
  });

  test('asks for more than came and the bound ahead of it gets nothing more', async () => {
    const heard: unknown[] = [];
    const { payingStream, url, ends } = await startLiar(
      ({ say }) => {
        say({ type: 'message', text: 'one' });
        say({ type: 'due', through: 13 });
      },
      { hears: (frame) => void heard.push(frame.type === 'error' ? frame.code : frame.type) },
    );
    await expect(readAll(await payingStream(url))).rejects.toThrow(code('STREAM_OVERCHARGED'));
    await wait(20);
    expect(heard.filter((one) => one !== 'received')).toEqual(['STREAM_OVERCHARGED']);
    expect(ends.earned()).toBe(4);
  });

  test('takes what is ahead and sends nothing for it is never paid more', async () => {
    let asked = 12;
    const { payingStream, url, ends } = await startLiar(({ say }) => say({ type: 'due', through: 8 }), {
      async hears(frame, lying) {
        if (frame.type !== 'payment') return;
        await lying.take(frame);
        lying.say({ type: 'due', through: asked });
        asked += 4;
      },
    });
    await expect(readAll(await payingStream(url))).rejects.toThrow(code('STREAM_OVERCHARGED'));
    expect(ends.earned()).toBe(8);
  });

  test('says that less was paid than was is left', async () => {
    const { payingStream, url } = await startLiar(
      ({ say }) => {
        say({ type: 'message', text: 'one' });
        say({ type: 'due', through: 8 });
      },
      {
        hears: (frame, { say }) => frame.type === 'payment' && say({ type: 'paid', sequence: frame.sequence, paid: 4 }),
      },
    );
    await expect(readAll(await payingStream(url))).rejects.toThrow(code('FRAME_MALFORMED'));
  });

  test('refuses payments again and again is left after three', async () => {
    let payments = 0;
    const { payingStream, url, ends } = await startLiar(
      ({ say }) => {
        say({ type: 'message', text: 'one' });
        say({ type: 'due', through: 8 });
      },
      {
        hears(frame, { say }) {
          if (frame.type !== 'payment') return;
          payments++;
          say({ type: 'refused', sequence: frame.sequence, code: 'PURCHASE_UNPROVED', detail: 'says who?' });
        },
      },
    );
    await expect(readAll(await payingStream(url))).rejects.toThrow(code('PAYMENT_REFUSED'));
    expect(payments).toBe(3);
    expect(ends.told.filter(([what]) => what === 'refused')).toHaveLength(3);
  });

  test('sends more than the window holds, or frames of no kind, is left', async () => {
    const flooding = await startLiar(({ say }) => {
      for (let n = 0; n < 66; n++) say({ type: 'message', text: 'x' });
    });
    const flooded = await flooding.payingStream(flooding.url);
    await wait(50);
    await expect(readAll(flooded)).rejects.toThrow(code('STREAM_OVERRUN'));
    for (const frame of [
      '{',
      '{"type":"due"}',
      '{"type":"due","through":-1}',
      '{"type":"open"}',
      '[]',
      '{"type":"message","text":"a","b":1}',
    ]) {
      const liar = await startLiar(({ socket }) => socket.send(frame));
      await expect(readAll(await liar.payingStream(liar.url))).rejects.toThrow(code('FRAME_MALFORMED'));
    }
  });

  test('never ends a stream does not keep the customer', async () => {
    const { payingStream, url } = await startLiar(({ say }) => say({ type: 'message', text: 'one' }));
    const stream = await payingStream(url);
    const began = Date.now();
    await stream.close();
    expect(Date.now() - began).toBeLessThan(2000);
  });

  test('asks for time that has not passed gets nothing more', async () => {
    const { payingStream, url, ends } = await startLiar(({ say }) => say({ type: 'due', through: 4 * 6 }), {
      options: { per: 'second' },
    });
    await expect(readAll(await payingStream(url))).rejects.toThrow(code('STREAM_OVERCHARGED'));
    expect(ends.earned()).toBe(4);
  });
});

describe('a customer who', () => {
  test('does not pay gets what the credit allows and not a message more', async () => {
    const streams = await startStreams(endless, { options: { credit: 3 } });
    const customer = await rawCustomer(streams);
    expect(await customer.closed).toBe(1008);
    expect(customer.messages()).toBe(1 + 3);
    expect(last(customer.frames)).toMatchObject({ type: 'error', code: 'STREAM_UNPAID' });
  });

  test('stops paying in the middle is served no more than the credit', async () => {
    const streams = await startStreams(endless, { options: { credit: 3 } });
    const customer = await rawCustomer(streams);
    await customer.until(has('due'));
    const due = (customer.frames.findLast((frame) => 'type' in frame && frame.type === 'due') as { through: number })
      .through;
    await customer.pay(2, due - 4);
    await customer.closed;
    expect(customer.messages()).toBe(due / 4 + 3);
    expect(streams.ends.earned()).toBe(due);
  });

  test('does not pay for time is not served any', async () => {
    let sent = 0;
    const handler: StreamHandler = async (stream) => {
      for (; ; sent++) {
        await stream.send('tick');
        await wait(50);
      }
    };
    const streams = await startStreams(handler, { options: { per: 'second', credit: 1 }, setup: { unpaidMs: 1000 } });
    const customer = await rawCustomer(streams);
    expect(await customer.closed).toBe(1008);
    // Two seconds: the one that was paid, and the credit.
    expect(sent).toBeLessThanOrEqual(41);
    expect(sent).toBeGreaterThan(20);
  });

  test('pays more, less or in another order than was asked is not taken', async () => {
    const streams = await startStreams(endless, { options: { credit: 3 } });
    const customer = await rawCustomer(streams);
    await customer.until(has('due'));
    await customer.pay(2, 400);
    await customer.until(has('refused'));
    await customer.pay(2, 1);
    await customer.until(has('refused', 2));
    expect(customer.frames.filter((frame) => 'type' in frame && frame.type === 'refused')).toEqual([
      { type: 'refused', sequence: 2, code: 'payment-insufficient', detail: expect.any(String) },
      { type: 'refused', sequence: 2, code: 'payment-insufficient', detail: expect.any(String) },
    ]);
    expect(streams.ends.earned()).toBe(4);
    await customer.pay(3, 4);
    await customer.closed;
    expect(last(customer.frames)).toMatchObject({ type: 'error', code: 'FRAME_MALFORMED' });
  });

  test('pays with the same words twice is not taken twice', async () => {
    const streams = await startStreams(endless, { options: { credit: 3 } });
    const customer = await rawCustomer(streams);
    await customer.until(has('due'));
    const { number: _, ...paid } = await customer.token(2, 4);
    customer.say(formatFrame({ type: 'payment', sequence: 2, ...paid }));
    await customer.until(has('paid'));
    customer.say(formatFrame({ type: 'payment', sequence: 3, ...paid }));
    await customer.until(has('refused'));
    expect(streams.ends.earned()).toBe(8);
  });

  test.each([
    ['what is no JSON', '{'],
    ['an unknown frame', '{"type":"due","through":5}'],
    ['a member too many', '{"type":"end","now":true}'],
    ['a payment without a token', '{"type":"payment","sequence":2,"transaction":"north.7.1"}'],
    ['a token of strange letters', '{"type":"payment","sequence":2,"transaction":"north.7.1","token":"%%%%"}'],
    ['more received than was sent', '{"type":"received","count":1000}'],
    ['deep nesting', '['.repeat(100_000)],
  ])('says %s hears one error, and the stream is over', async (_, frame) => {
    const streams = await startStreams(endless, { options: { credit: 3 } });
    const customer = await rawCustomer(streams);
    customer.say(frame);
    customer.say(frame);
    expect(await customer.closed).toBe(1008);
    const errors = customer.frames.filter((one) => 'type' in one && one.type === 'error');
    expect(errors).toEqual([{ type: 'error', code: 'FRAME_MALFORMED', detail: expect.any(String) }]);
    expect(streams.faults).toEqual([]);
  });

  test('sends a frame that is too large is cut off before it is read', async () => {
    const streams = await startStreams(endless);
    const customer = await rawCustomer(streams);
    customer.say('x'.repeat(MAX_FRAME_BYTES + 1));
    expect(await customer.closed).toBe(1009);
    expect(streams.faults).toEqual([]);
    await expect(resume(streams, customer)).resolves.toMatchObject({ code: 'STREAM_CLOSED' });
  });

  test('sends more than anybody reads hears that it is too much', async () => {
    const streams = await startStreams(
      (stream) => new Promise((resolve) => stream.signal.addEventListener('abort', () => resolve())),
    );
    const customer = await rawCustomer(streams);
    for (let n = 0; n < 65; n++) customer.say(formatFrame({ type: 'message', text: `${n}` }));
    await customer.closed;
    expect(last(customer.frames)).toMatchObject({ type: 'error', code: 'STREAM_OVERRUN' });
  });

  test('shows an old payment again opens no new stream with it', async () => {
    const streams = await startStreams(ticks(1), { setup: { resumeMs: 50 } });
    const customer = await rawCustomer(streams);
    await customer.until(has('end'));
    customer.socket.close();
    await wait(150);
    const again = refusedBy(await dialPaying(streams.url, customer.challenge, customer.first));
    expect([again.response.status, await again.response.json()]).toEqual([
      403,
      expect.objectContaining({ code: 'PAYMENT_USED' }),
    ]);
    expect(streams.ends.earned()).toBe(4);
  });

  test('pays with what is for a request, or for another path, is refused', async () => {
    const streams = await startStreams(ticks(1));
    const challenge = await challengeOf(streams);
    const offer = decodeOffer(challenge);
    const { host: realm, pathname, search } = new URL(streams.url);
    const body = new Uint8Array();
    const resource = requestDigest({ realm, method: 'GET', target: `${pathname}${search}`, body });
    const forRequest = await firstPayment(streams, { ...offer, resource }, 8);
    const other = refusedBy(await dialPaying(streams.url, challenge, forRequest));
    expect(await other.response.json()).toMatchObject({ status: 402, code: 'PURCHASE_UNPROVED' });
    const elsewhere = refusedBy(await dialPaying(streams.url.replace('flour', 'salt'), challenge, forRequest));
    expect(await elsewhere.response.json()).toMatchObject({ type: expect.stringContaining('invalid-challenge') });
    expect(streams.ends.earned()).toBe(0);
  });

  async function resume(
    streams: Parameters<typeof rawCustomer>[0],
    customer: Awaited<ReturnType<typeof rawCustomer>>,
    changed: { stream?: string; key?: Uint8Array; sequence?: number; received?: number; url?: string } = {},
  ): Promise<MerchantFrame | { readonly status: number; readonly code: unknown }> {
    const { reference: stream, key, challenge, first } = customer;
    const { url = streams.url, ...position } = changed;
    const dialled = await dialPaying(url, challenge, {
      ...first,
      resume: { stream, key, sequence: 1, received: 0, ...position },
    });
    if (dialled.type === 'refused') {
      const { code } = (await dialled.response.json()) as { code: unknown };
      return { status: dialled.response.status, code };
    }
    const again = listen(dialled.socket, streams, customer.offer, stream);
    await again.until((frames) => frames.some((frame) => 'type' in frame && ['error', 'message'].includes(frame.type)));
    dialled.socket.terminate();
    return (
      (again.frames.find((frame) => 'type' in frame && frame.type === 'error') as MerchantFrame) ?? again.frames[0]
    );
  }

  test('has not opened a stream does not go on with it', async () => {
    const streams = await startStreams(endless, { options: { credit: 3 } });
    const customer = await rawCustomer(streams);
    const unknown = { status: 410, code: 'STREAM_UNKNOWN' };
    expect(await resume(streams, customer, { key: new Uint8Array(32) })).toEqual(unknown);
    expect(await resume(streams, customer, { stream: 'north.7.1/2' })).toEqual(unknown);
    expect(await resume(streams, customer, { sequence: 7 })).toEqual(unknown);
    expect(await resume(streams, customer, { url: streams.url.replace('flour', 'salt') })).toEqual(unknown);
    expect(await resume(streams, customer, { received: 99 })).toMatchObject({ type: 'error', code: 'FRAME_MALFORMED' });
  });

  test('comes back with a payment that is not taken keeps the stream', async () => {
    const streams = await startStreams(endless, { options: { credit: 3 }, setup: { unpaidMs: 5000 } });
    const customer = await rawCustomer(streams);
    await customer.until(has('due'));
    const { number: _, ...tooMuch } = await customer.token(2, 400);
    const { reference: stream, key, challenge } = customer;
    const position = { stream, key, received: customer.messages() };
    const refused = refusedBy(
      await dialPaying(streams.url, challenge, { ...tooMuch, resume: { ...position, sequence: 2 } }),
    );
    expect(refused.response.status).toBe(402);
    expect(await resume(streams, customer, { received: customer.messages() - 1 })).toMatchObject({
      type: 'open',
      sequence: 1,
      paid: 4,
    });
    expect(streams.ends.earned()).toBe(4);
  });

  test('says a payment twice while it is being taken is heard once', async () => {
    const ends = createEnds({ delayMs: 50 });
    const streams = await startStreams(endless, { ends, options: { credit: 3 }, setup: { unpaidMs: 5000 } });
    const customer = await rawCustomer(streams);
    await customer.until(has('due'));
    const { number: _, ...paid } = await customer.token(2, 4);
    const frame = formatFrame({ type: 'payment', sequence: 2, ...paid });
    customer.say(frame);
    customer.say(frame);
    await customer.closed;
    expect(last(customer.frames)).toMatchObject({ type: 'error', code: 'FRAME_MALFORMED' });
    expect(customer.messages()).toBe(4);
  });

  test('comes back while his payment is being taken is credited once', async () => {
    const ends = createEnds({ delayMs: 100 });
    const streams = await startStreams(endless, { ends, options: { credit: 3 }, setup: { unpaidMs: 5000 } });
    const customer = await rawCustomer(streams);
    await customer.until(has('due'));
    const { number: _, ...paid } = await customer.token(2, 4);
    const { reference: stream, key, challenge } = customer;
    customer.say(formatFrame({ type: 'payment', sequence: 2, ...paid }));
    await wait(30);
    const position = { stream, key, sequence: 2, received: customer.messages() };
    const again = await dialPaying(streams.url, challenge, { ...paid, resume: position });
    if (again.type !== 'connected') throw new Error('the stream does not go on');
    const { frames, until } = listen(again.socket, streams, customer.offer, stream);
    await until(has('open'));
    expect(frames[0]).toMatchObject({ type: 'open', sequence: 2, paid: 8 });
    expect(ends.earned()).toBe(8);
  });

  test('comes back with one payment over many connections at once is credited once', async () => {
    const streams = await startStreams(endless, { options: { credit: 3 }, setup: { unpaidMs: 5000 } });
    const customer = await rawCustomer(streams);
    await customer.until(has('due'));
    const { number: _, ...paid } = await customer.token(2, 4);
    const { reference: stream, key, challenge } = customer;
    const again = { ...paid, resume: { stream, key, sequence: 2, received: customer.messages() } };
    const dialled = await Promise.all(Array.from({ length: 8 }, () => dialPaying(streams.url, challenge, again)));
    for (const one of dialled) if (one.type === 'connected') one.socket.terminate();
    expect(streams.ends.earned()).toBe(8);
    const last = await dialPaying(streams.url, challenge, again);
    if (last.type !== 'connected') throw new Error('the stream does not go on');
    const frames = listen(last.socket, streams, customer.offer, stream);
    await frames.until(has('open'));
    expect(frames.frames[0]).toMatchObject({ type: 'open', sequence: 2, paid: 8 });
  });
});

describe('the way there', () => {
  test('is TLS under anchors that we trust', async () => {
    const [agency, stranger] = [createAuthority('Agency'), createAuthority('Stranger')];
    const tls = agency.issue('/CN=bakery');
    const ours = await startStreams(ticks(5), { tls, paying: { anchorsPem: [agency.anchorsPem] } });
    expect(await readAll(await ours.payingStream(ours.url))).toHaveLength(5);
    const others = await startStreams(ticks(5), {
      tls,
      paying: { anchorsPem: [stranger.anchorsPem], retryAfterMs: [] },
    });
    await expect(others.payingStream(others.url)).rejects.toThrow(code('ANSWER_LOST'));
    expect(others.upgrades()).toBe(0);
    for (const authority of [agency, stranger]) authority.remove();
  });

  test('is nowhere in clear but to this machine', async () => {
    const streams = await startStreams(ticks(1), {
      paying: { dial: (url, options) => dialStream(new URL(url.href.replace('bakery.example', '127.0.0.1')), options) },
    });
    const elsewhere = streams.url.replace('127.0.0.1', 'bakery.example');
    await expect(streams.payingStream(elsewhere)).rejects.toThrow('https only');
    await expect(streams.payingStream(elsewhere.replace('ws:', 'wss:'))).rejects.toThrow();
    expect(streams.ends.earned()).toBe(0);
  });

  test('is of the server that was asked: another’s challenge is not paid', async () => {
    const other = await startStreams(ticks(1));
    const { port } = new URL(other.url);
    const between = await startStreams(ticks(1), {
      paying: {
        dial(url, options) {
          const there = new URL(url);
          there.port = port;
          return dialStream(there, options);
        },
      },
    });
    await expect(between.payingStream(between.url)).rejects.toThrow(code('OFFER_UNFIT'));
    expect(other.ends.earned()).toBe(0);
  });
});

describe('the handshake', () => {
  test('of another protocol, version or method is refused before anything is charged', async () => {
    const streams = await startStreams(ticks(1));
    const { host, pathname } = new URL(streams.url);
    const [name, port] = host.split(':') as [string, string];
    const ask = (lines: readonly string[]) =>
      new Promise<string>((resolve) => {
        const socket = connect(Number(port), name);
        let answer = '';
        socket.on('data', (data) => {
          answer += data;
        });
        socket.on('close', () => resolve(answer.split('\r\n')[0]!));
        socket.write(`${lines.join('\r\n')}\r\n\r\n`);
      });
    const fit = [
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Protocol: deposit-stream',
    ];
    const base = [`GET ${pathname} HTTP/1.1`, `Host: ${host}`, 'Connection: Upgrade', 'Upgrade: websocket'];
    expect(await ask([...base, ...fit])).toBe('HTTP/1.1 402 Payment Required');
    for (let missing = 0; missing < fit.length; missing++) {
      expect(await ask([...base, ...fit.filter((_, at) => at !== missing)])).toBe('HTTP/1.1 400 Bad Request');
    }
    expect(await ask([base[0]!.replace('GET', 'POST'), ...base.slice(1), ...fit])).toBe('HTTP/1.1 400 Bad Request');
  });

  test('opens a stream for just the price of one', async () => {
    for (const units of [1, 3, 5, 400]) {
      const streams = await startStreams(ticks(1));
      const challenge = await challengeOf(streams);
      const offer = { ...decodeOffer(challenge), units };
      const other = await firstPayment(streams, offer, 8);
      const { response } = refusedBy(await dialPaying(streams.url, challenge, other));
      expect(await response.json()).toMatchObject({ type: expect.stringContaining('payment-insufficient') });
      expect(streams.ends.earned()).toBe(0);
    }
  });

  test('two credentials are none', async () => {
    const streams = await startStreams(ticks(1));
    const { response } = refusedBy(await dialWith(streams.url, { authorization: 'Payment abc, Payment def' }));
    expect([response.status, await response.json()]).toEqual([
      402,
      expect.objectContaining({ title: 'Malformed Credential' }),
    ]);
  });

  test('asks for a payment ahead where there is no credit', async () => {
    const streams = await startStreams(ticks(1), { options: { credit: 0 } });
    await expect(rawCustomer(streams)).rejects.toThrow('invalid-payload');
    expect(streams.ends.earned()).toBe(0);
  });
});
