import { expect, test } from 'vitest';
import { utf8 } from '../../src/codec/hex.ts';
import type { Courier } from '../../src/journal/courier.ts';
import { createRouteCourier } from '../../src/transport/route-courier.ts';

const named = (name: string): Courier => ({ deliver: async () => ({ type: 'answered', body: utf8(name) }) });
const courier = createRouteCourier({ 'https:': named('web'), 'iso8583:': named('bank') });
const to = (route: string) => courier.deliver({ id: '1', to: route, kind: 'x', body: utf8('') }, new AbortController());

test('the scheme of the route chooses who delivers', async () => {
  expect(await to('https://shop.example/set')).toEqual({ type: 'answered', body: utf8('web') });
  expect(await to('iso8583:acquirer')).toEqual({ type: 'answered', body: utf8('bank') });
});

test.each(['ftp://x/', 'nothing', 'constructor:', ''])('the route "%s" stays undelivered', async (route) => {
  await expect(to(route)).rejects.toThrow(expect.objectContaining({ code: 'ROUTE_UNKNOWN' }));
});
