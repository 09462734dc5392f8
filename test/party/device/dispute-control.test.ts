/** What the people of a trusted server see and decide, on the cases of a world with real agents and servers. */
import { describe, expect, it } from 'vitest';
import { caseControl, type TicketCaseView } from '../../../src/party/trusted/case-control.ts';
import type { Request } from '../../../src/transport/route.ts';
import { type Desk, openDesk } from '../../trusted/dispute/complaint-desk.ts';
import { noticesOf } from '../../trusted/opera.ts';

/** Asks as the command line does, past the secret. */
function asking(desk: Desk) {
  const host = desk.trusted.servers.get('north')!.host!;
  const routes = caseControl(host, (answer) => answer);
  return async <T>(route: string, params: Record<string, string> = {}, body: object = {}): Promise<T> => {
    const handler = routes[route as keyof typeof routes]!;
    const request = { params, body: Buffer.from(JSON.stringify(body)) } as unknown as Request;
    const answering = Promise.resolve(handler(request));
    answering.catch(() => undefined);
    await desk.trusted.run(5000);
    const answer = (await answering) as { readonly body: Uint8Array };
    return JSON.parse(Buffer.from(answer.body).toString('utf8')) as T;
  };
}

async function waitingCase(): Promise<Desk> {
  const desk = await openDesk();
  desk.answer = { outcome: 'denied', refund: 0, replacement: 0 };
  desk.when(desk.house, (notice) => {
    if (notice.type !== 'heard-in-dispute') return;
    const command = {
      type: 'state-in-dispute',
      case: notice.case,
      stand: 'contests',
      statement: 'It is fine.',
    } as const;
    void desk.house.command(command).catch(() => undefined);
  });
  const number = await desk.dispute();
  await desk.tell(desk.ada, { type: 'escalate', number, route: 'north', statement: 'Look at it.' }, 60_000);
  return desk;
}

describe('the people of a trusted server', () => {
  it('see what waits for them, and what is said, without anything that opens merchandise', async () => {
    const ask = asking(await waitingCase());
    const [one, ...others] = await ask<TicketCaseView[]>('GET /cases');
    expect(others).toEqual([]);
    expect(one).toMatchObject({
      ...{ phase: 'seeing', about: 'defective', answer: 'contests: It is fine.' },
      statement: 'The seat is behind a pillar. — Look at it.',
      ticket: expect.stringContaining('event Die Zauberflöte'),
    });
    expect(await ask('GET /cases/:id', { id: one!.case.slice(0, 6) })).toEqual(one);
    await expect(ask('GET /cases/:id', { id: 'ffffffffffffffff' })).rejects.toMatchObject({ code: 'CASE_UNKNOWN' });
  });

  it('decide with name, reason and what was seen, or not at all', async () => {
    const desk = await waitingCase();
    const ask = asking(desk);
    const [one] = await ask<TicketCaseView[]>('GET /cases');
    const id = one!.case.slice(0, 8);
    const decision = { outcome: 'refund', person: 'J. Smit', text: 'The pillar is there.', seen: 'A photograph.' };
    for (const without of ['person', 'text', 'seen', 'outcome']) {
      const body = { ...decision, [without]: undefined };
      await expect(ask('POST /cases/:id/decision', { id }, body), without).rejects.toMatchObject({
        code: 'REQUEST_MALFORMED',
      });
    }
    expect(await ask('POST /cases/:id/decision', { id }, decision)).toMatchObject({ phase: 'ruled' });
    await expect(ask('POST /cases/:id/decision', { id }, decision)).rejects.toMatchObject({ code: 'COMMAND_UNTIMELY' });
    await desk.trusted.run(60_000);
    expect(noticesOf(desk.ada, 'ruled')).toEqual([
      expect.objectContaining({ outcome: 'refund', code: 'SEEN_BY_A_PERSON', reason: 'The pillar is there.' }),
    ]);
  });
});
