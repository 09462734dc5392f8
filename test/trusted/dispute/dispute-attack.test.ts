/** What liars try with disputes before a trusted server: a customer that keeps the merchant from being heard, and rulings that are brought again. */
import { describe, expect, test } from 'vitest';
import { encodeTrustedMessage } from '../../../src/trusted/message/envelope.ts';
import { decodeTicketBundle } from '../../../src/trusted/message/ticket-ruling.ts';
import { verifyTicketRuling } from '../../../src/trusted/ruling/verify-ticket-ruling.ts';
import { certifiedOf, noticesOf } from '../opera.ts';
import { concert, heldBy } from '../shop.ts';
import { inTime } from '../trusted-world.ts';
import { type Desk, endOf, openDesk, statusOf } from './complaint-desk.ts';

const dayMs = 86_400_000;
const casesAt = ({ trusted }: Desk) => trusted.servers.get('north')!.host!.state.disputes;

/** A dispute that the merchant never hears of, because the customer's host side sends everything to nowhere. */
async function disputeWithNobody(desk: Desk): Promise<string> {
  const number = await desk.dispute({ route: 'nowhere' });
  await desk.trusted.run(8 * dayMs);
  const statement = 'It does not answer.';
  await desk.tell(desk.ada, { type: 'escalate', number, route: 'north', statement }, 9 * dayMs);
  return number;
}

describe('a customer that says the merchant is somewhere else', () => {
  test('does not keep it from being heard: it is asked where it said itself that it is reached', async () => {
    const desk = await openDesk();
    const { house } = desk;
    desk.when(house, (notice) => {
      if (notice.type !== 'heard-in-dispute') return;
      const command = { type: 'state-in-dispute', case: notice.case, stand: 'contests', statement: 'No.' } as const;
      void house.command(command).catch(() => undefined);
    });
    const number = await disputeWithNobody(desk);
    expect(noticesOf(house, 'heard-in-dispute')).toHaveLength(1);
    expect([...casesAt(desk).cases.values()].map(({ phase }) => phase)).toEqual(['seeing']);
    expect(statusOf(desk.ada, number)).toBe('escalated');
    expect(endOf(desk)).toBe('kept');
  });

  test('wins nothing by its silence where the server knows no other way: a person has to find out', async () => {
    const desk = await openDesk({ agents: { house: { replyTo: undefined } } });
    await disputeWithNobody(desk);
    const [of] = [...casesAt(desk).cases.values()];
    expect(of?.phase).toBe('seeing');
    const decision = { case: of!.case, person: 'Judge Dee', outcome: 'dismissed', breach: false } as const;
    const words = { text: 'The merchant was never asked.', seen: 'Its address in the register.' };
    const { trusted, ada } = desk;
    const decided = trusted.server('north').command({ type: 'decide-dispute', decision: { ...decision, ...words } });
    await inTime(trusted.world, decided);
    await trusted.run(60_000);
    const { bundle } = noticesOf(ada, 'ruled').at(-1)!;
    const checked = verifyTicketRuling(decodeTicketBundle(bundle), { lists: trusted.lists });
    expect(checked.reasons.map(({ code, basis }) => `${code} ${basis}`)).toEqual([
      'NOT_REACHED stated',
      'SEEN_BY_A_PERSON stated',
    ]);
  });
});

describe('a ruling that was counted against a merchant', () => {
  const policy = { lostLimit: 2, noticeMs: 10 * dayMs, lostWithinMs: 60 * dayMs };

  /** The ruling, final. */
  async function lose(desk: Desk): Promise<Uint8Array> {
    const { ada, house, trusted } = desk;
    const before = heldBy(ada);
    const day = Math.floor(trusted.world.clock.nowMs() / dayMs);
    await desk.sell(house, { merchandise: { type: 'ticket', components: { ...concert, at: (day - 2) * 86_400 } } });
    await desk.buy(ada, house);
    await trusted.run(20_000);
    const ticketId = heldBy(ada).find((id) => !before.includes(id))!;
    const number = await desk.dispute({ ticketId, complaint: 'expired' });
    const statement = 'It was over.';
    await desk.tell(ada, { type: 'escalate', number, route: 'north', statement }, 23 * dayMs);
    return decodeTicketBundle(noticesOf(ada, 'ruled').at(-1)!.bundle).ruling;
  }

  /** By anybody who has the bundle. */
  async function bringAgain({ trusted }: Desk, rulings: readonly Uint8Array[]): Promise<void> {
    for (const [at, ruling] of rulings.entries()) {
      const body = encodeTrustedMessage({ type: 'lost', ruling });
      trusted.world.send('anybody', { id: `again ${at}`, to: 'primary', kind: 'TrustedLost', body });
      await trusted.run(5000);
    }
  }

  const standingOfHouse = ({ trusted, house }: Desk) =>
    trusted.primary.host!.state.disputes.standings.get(certifiedOf(house).certificate.agentId);

  test('does not count once more after a pardon', async () => {
    const desk = await openDesk({ server: { disputes: policy } });
    const { trusted, house } = desk;
    desk.answer = { outcome: 'denied', refund: 0, replacement: 0 };
    const rulings = [await lose(desk), await lose(desk)];
    expect(standingOfHouse(desk)?.noticeUntilMs).toBeDefined();
    const { agentId } = certifiedOf(house).certificate;
    const pardon = () => inTime(trusted.world, trusted.server('primary').command({ type: 'pardon', agentId }));
    await pardon();
    // Other bytes of the same message, so that it is not just told from its repetition.
    await bringAgain(desk, [...rulings, ...rulings]);
    expect(standingOfHouse(desk)?.noticeUntilMs).toBeUndefined();
    await expect(pardon()).rejects.toMatchObject({ code: 'DISPUTE_UNKNOWN' });
    await trusted.run(11 * dayMs);
    expect(trusted.primary.host!.state.lists.untrusted.agents.has(agentId)).toBe(false);
  });

  test('does not count as new when it is brought long after', async () => {
    const desk = await openDesk({ server: { disputes: policy } });
    desk.answer = { outcome: 'denied', refund: 0, replacement: 0 };
    const first = await lose(desk);
    await desk.trusted.run(65 * dayMs);
    await lose(desk);
    await bringAgain(desk, [first]);
    expect(standingOfHouse(desk)).toMatchObject({ lost: [{ weight: 1 }], noticeUntilMs: undefined });
  });
});
