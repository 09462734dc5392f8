/** Whoever asks for a stream and is refused keeps nothing of the server: an upgraded socket has left the care of node:http. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type ChargedStreams, closeStreams, startStreams, ticks } from './charged-streams.ts';

afterEach(closeStreams);

/** Reads the answer, and then neither closes its own side nor goes away. */
async function askAndStay({ url }: ChargedStreams, fields: readonly string[]): Promise<Socket> {
  const { hostname, port, pathname } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  socket.on('error', () => {});
  const handshake = ['upgrade: websocket', 'connection: upgrade', 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=='];
  const lines = [`GET ${pathname} HTTP/1.1`, `host: ${hostname}:${port}`, ...handshake, ...fields];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  socket.resume();
  await once(socket, 'end');
  return socket;
}

async function isCut(socket: Socket): Promise<boolean> {
  for (let at = 0; at < 80 && !socket.destroyed; at++) {
    socket.write('still here');
    await pause(25);
  }
  const cut = socket.destroyed;
  socket.destroy();
  return cut;
}

test.each([
  ['because it is not paid', ['sec-websocket-version: 13', 'sec-websocket-protocol: deposit-stream']],
  ['before anything is charged', ['sec-websocket-version: 7']],
])('a connection refused %s is closed on the server, whatever the asker does', async (_, fields) => {
  const streams = await startStreams(ticks(1));
  const sockets = await Promise.all(Array.from({ length: 5 }, () => askAndStay(streams, fields)));
  expect(await Promise.all(sockets.map(isCut))).toEqual([true, true, true, true, true]);
});
