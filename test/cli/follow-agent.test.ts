/** What the prompt says while an agent is away, and when it comes back: whether market, merchant or station answer or not. */
import { expect, test } from 'vitest';
import { followAgent } from '../../src/cli/follow-agent.ts';
import type { StationClient } from '../../src/cli/station-client.ts';
import { HandselError } from '../../src/handsel-error.ts';
import type { PaymentView } from '../../src/party/customer/agent-view.ts';
import type { AgentView } from '../../src/party/customer/station.ts';

const calling: AgentView = {
  ...{ mandate: 'm', state: 'calling', agent: 'calling', want: 'emoji', max: '3.00 EUR', budget: '3.00 EUR' },
  ...{ count: 1, bought: 0, spent: '0.00 EUR', setAside: '0.00 EUR', committed: '0.00 EUR', recalled: false },
  ...{ expires: '2030-01-01T00:00:00.000Z', waiting: [], proposals: 0, offers: 0, payments: [], warnings: [] },
  local: false,
};
const payment: PaymentView = {
  ...{ payment: 'p', status: 'paying', product: 'Emoji', merchant: 'atlas', price: '0.53 EUR', unanswered: true },
};
const paying: AgentView = { ...calling, state: 'paying', agent: 'paying', payments: [payment] };

/** Follows an agent that is seen so, one view each fifth of a second, the last one from then on. */
async function follow(
  views: readonly (AgentView | HandselError)[],
  options: { untilMs?: number; local?: boolean } = {},
) {
  const said: string[] = [];
  let at = 0;
  const station = {
    async get() {
      const view = views[Math.min(at++, views.length - 1)]!;
      if (view instanceof HandselError) throw view;
      return view;
    },
  } as unknown as StationClient;
  let nowMs = 0;
  const pace = {
    nowMs: () => nowMs,
    async sleep(ms: number) {
      nowMs += ms;
    },
  };
  const how = { untilMs: 60_000, say: (line: string) => void said.push(line.trim()), pace, ...options };
  return { followed: await followAgent(station, 'm', how), said, afterMs: nowMs };
}

test('a market that cannot be reached is said in words, once while it lasts, and so is that it is back', async () => {
  const away: AgentView = { ...calling, state: 'unreachable', agent: 'unknown' };
  const { said } = await follow([calling, away, away, calling, { ...calling, state: 'done', agent: 'done' }]);
  expect(said).toEqual(['waiting for proposals', 'the market cannot be reached now', 'waiting for proposals', 'done']);
});

test('a merchant that does not answer is named with the time until which it is tried, and the prompt comes back', async () => {
  const { followed, said, afterMs } = await follow([paying], { untilMs: 4000 });
  expect(said.at(-1)).toMatch(/^atlas has not answered yet: trying until 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d$/);
  expect(followed.goesOn).toBe(true);
  expect(afterMs).toBe(4000);
});

test('a merchant that answers within the usual time is not complained about', async () => {
  const delivered = { ...paying, state: 'done' as const, payments: [{ ...payment, status: 'delivered' as const }] };
  const { followed, said } = await follow([...Array.from({ length: 8 }, () => paying), delivered]);
  expect(said.join()).not.toContain('has not answered');
  expect(followed.goesOn).toBe(false);
});

test('a station that stops meanwhile: the agent goes on, and where to see it is said', async () => {
  const gone = new HandselError('STATION_NOT_RUNNING', 'the station is not running');
  const words = /agent m goes on at the market; once the station runs again, .*agent status m/;
  await expect(follow([calling, gone])).rejects.toMatchObject({
    code: 'STATION_STOPPED',
    message: expect.stringMatching(words),
  });
  await expect(follow([calling, gone], { local: true })).rejects.toThrow('goes on when the station runs again');
  await expect(follow([new HandselError('MANDATE_UNKNOWN', 'no')])).rejects.toMatchObject({ code: 'MANDATE_UNKNOWN' });
});
