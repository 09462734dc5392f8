import { describe, expect, test } from 'vitest';
import { utf8 } from '../../src/codec/hex.ts';
import { HandselError } from '../../src/handsel-error.ts';
import type { Client, PostedMessage } from '../../src/transport/client.ts';
import { createHttpCourier } from '../../src/transport/http-courier.ts';
import { problemFor } from '../../src/transport/problem.ts';

const attempt = new AbortController();
const outgoing = { id: '1', to: 'https://shop.example/set', kind: 'PReq', body: utf8('body') };

function courierTo(answer: { status: number; contentType: string; body: Uint8Array }) {
  const posted: (PostedMessage & { url: string })[] = [];
  const client: Pick<Client, 'post'> = {
    async post(url, message) {
      posted.push({ url, ...message });
      return answer;
    },
  };
  return { posted, courier: createHttpCourier({ client: client as Client }) };
}

const problem = (code: string) => {
  const { status, body } = problemFor(new HandselError(code, 'because'));
  return { status, body, contentType: 'application/problem+json' };
};

describe('the HTTP courier', () => {
  test('delivers the same bytes with the content type of the route', async () => {
    const { courier, posted } = courierTo({ status: 200, contentType: 'x/y', body: utf8('answer') });
    expect(await courier.deliver(outgoing, attempt)).toEqual({ type: 'answered', body: utf8('answer') });
    await courier.deliver({ ...outgoing, to: 'https://market.example/agent/offer' }, attempt);
    expect(posted.map(({ contentType, extension }) => [contentType, extension])).toEqual([
      ['application/set-payment', 'der'],
      ['application/cose', 'cose'],
    ]);
    expect(posted[0]!.body).toBe(outgoing.body);
  });

  test('a problem of the sender settles the message', async () => {
    const { courier } = courierTo(problem('MANDATE_EXCEEDED'));
    expect(await courier.deliver(outgoing, attempt)).toEqual({
      type: 'refused',
      code: 'MANDATE_EXCEEDED',
      detail: 'because',
    });
  });

  test('a client error that is no problem document settles it by its status', async () => {
    const { courier } = courierTo({ status: 404, contentType: 'text/html', body: utf8('<p>') });
    expect(await courier.deliver(outgoing, attempt)).toEqual({ type: 'refused', code: 'HTTP_404', detail: '' });
  });

  test.each(['RATE_LIMITED', 'REQUEST_TIMEOUT', 'ANSWER_PENDING', 'HOST_STOPPED', 'JOURNAL_FAILED'])(
    '%s means again later',
    async (code) => {
      await expect(courierTo(problem(code)).courier.deliver(outgoing, attempt)).rejects.toThrow(
        expect.objectContaining({ code: 'PEER_BUSY' }),
      );
    },
  );

  test('a redirect means again later: nothing is sent elsewhere', async () => {
    const { courier } = courierTo({ status: 302, contentType: '', body: utf8('') });
    await expect(courier.deliver(outgoing, attempt)).rejects.toThrow(expect.objectContaining({ code: 'PEER_BUSY' }));
  });
});
