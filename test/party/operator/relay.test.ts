/** Messages between processes of one operator: many in one request, each with its own outcome. */
import { afterEach, expect, test } from 'vitest';
import { fromUtf8, utf8 } from '../../../src/codec/hex.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import { systemClock } from '../../../src/journal/clock.ts';
import type { CourierResult } from '../../../src/journal/courier.ts';
import { answerRelay, relayCourier } from '../../../src/party/operator/relay.ts';
import { type Client, createClient } from '../../../src/transport/client.ts';
import { silentLog } from '../../../src/transport/log.ts';
import { type RunningServer, serve } from '../../../src/transport/server.ts';

const limits = { maxBytes: 2 ** 21, timeoutMs: 2000, perPeerPerSecond: 1e6, burst: 1e6 };
const message = (id: string, size = 1) => ({ id, to: 'shard:1', kind: 'carried', body: utf8(id.padEnd(size, '.')) });
const attempt = { signal: new AbortController().signal };
let server: RunningServer;
let client: Client;

afterEach(async () => {
  client.close();
  await server.close(0);
});

async function start(deliver: (id: string) => Promise<CourierResult>) {
  const batches: string[][] = [];
  client = createClient({ name: 'test', limits });
  server = await serve({
    ...{ listen: { host: '127.0.0.1', port: 0 }, limits, log: silentLog() },
    routes: {
      'POST /relay': async ({ body }) => {
        const batch: string[] = [];
        batches.push(batch);
        const answer = await answerRelay(body, ({ id }) => {
          batch.push(id);
          return deliver(id);
        });
        return { contentType: 'application/cbor', body: answer };
      },
    },
  });
  return { batches, courier: relayCourier({ client, clock: systemClock(), url: () => `${server.url}/relay` }) };
}

const echo = async (id: string): Promise<CourierResult> => ({ type: 'answered', body: utf8(`${id} done`) });

test('what is sent at once travels together, and each gets its own answer', async () => {
  const { batches, courier } = await start(echo);
  const ids = Array.from({ length: 600 }, (_, at) => `m${at}`);
  const results = await Promise.all(ids.map((id) => courier.deliver(message(id), attempt)));
  expect(results.map((result) => (result.type === 'answered' ? fromUtf8(result.body) : ''))).toEqual(
    ids.map((id) => `${id} done`),
  );
  expect(batches.map(({ length }) => length)).toEqual([256, 256, 88]);
});

test('no request is larger than a server takes', async () => {
  const { batches, courier } = await start(echo);
  await Promise.all(Array.from({ length: 40 }, (_, at) => courier.deliver(message(`m${at}`, 60_000), attempt)));
  expect(batches.flat()).toHaveLength(40);
  for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(17);
});

test('one that is refused, and one that has to come again, are no harm to the others', async () => {
  const { courier } = await start(async (id) => {
    if (id === 'wrong') throw new HandselError('OPERATOR_UNKNOWN', 'nobody');
    if (id === 'refused') return { type: 'refused', code: 'SOME_CODE', detail: 'no' };
    if (id === 'early') throw new HandselError('ANSWER_PENDING', 'not yet');
    if (id === 'broken') throw new Error('a mistake');
    return echo(id);
  });
  const outcome = (id: string) => courier.deliver(message(id), attempt);
  const [fine, wrong, refused, early, broken] = await Promise.allSettled(
    ['fine', 'wrong', 'refused', 'early', 'broken'].map(outcome),
  );
  expect(fine).toMatchObject({ status: 'fulfilled', value: { type: 'answered' } });
  expect(wrong).toMatchObject({ value: { type: 'refused', code: 'OPERATOR_UNKNOWN', detail: 'nobody' } });
  expect(refused).toMatchObject({ value: { type: 'refused', code: 'SOME_CODE', detail: 'no' } });
  for (const again of [early, broken])
    expect(again).toMatchObject({ status: 'rejected', reason: { code: 'ANSWER_PENDING' } });
});

test('where nobody answers, or the other process is away, everything is delivered again later', async () => {
  const { courier } = await start(echo);
  await server.close(0);
  await expect(courier.deliver(message('m'), attempt)).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' });
  const away = relayCourier({
    client,
    clock: systemClock(),
    url() {
      throw new HandselError('ANSWER_PENDING', 'the shard is away');
    },
  });
  await expect(away.deliver(message('m'), attempt)).rejects.toMatchObject({ code: 'ANSWER_PENDING' });
});

test('what is no batch is refused', async () => {
  const { courier } = await start(echo);
  await courier.deliver(message('first'), attempt);
  const answer = await client.post(`${server.url}/relay`, {
    kind: 'x',
    contentType: 'x',
    extension: 'x',
    body: utf8('x'),
  });
  expect(answer.status).toBe(400);
});
