/** Streams over real sockets: what is sent is paid for, within the bounds of both ends, whatever becomes of the connection. */
import { afterEach, describe, expect, test } from 'vitest';
import { closeStreams, readAll, startStreams, texts, ticks } from './charged-streams.ts';

afterEach(closeStreams);

describe('paying by the message', () => {
  test('a stream is paid to the unit while it runs, and each message arrives once', async () => {
    const { payingStream, url, ends, faults } = await startStreams(ticks(100));
    const stream = await payingStream(url);
    expect(await readAll(stream)).toEqual(texts(100));
    expect(stream.meteredUnits).toBe(400);
    expect(ends.earned()).toBe(stream.paidUnits);
    expect(faults).toEqual([]);
  });
});
