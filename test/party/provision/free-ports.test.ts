import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { freePorts } from '../../../src/party/provision/free-ports.ts';

test('ports that somebody listens on are left out', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', () => resolve()));
  const { port } = taken.address() as { port: number };
  const { ports, probed } = await freePorts({ host: '127.0.0.1', base: port, count: 2 });
  await new Promise((resolve) => taken.close(resolve));
  expect(probed).toBe(true);
  expect(ports).toHaveLength(2);
  expect(ports).not.toContain(port);
});

test.each(['192.0.2.10', 'nonsense.invalid'])(
  'on %s, which is not here, they are taken in order and in time',
  async (host) => {
    const found = await freePorts({ host, base: 20_000, count: 3 });
    expect(found).toEqual({ ports: [20_000, 20_001, 20_002], probed: false });
  },
);

test('too few are refused', async () => {
  await expect(freePorts({ host: '127.0.0.1', base: 65_530, count: 10 })).rejects.toThrow('--base-port');
});
