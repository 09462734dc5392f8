/** A shop whose customer has bought a ticket and disputes it; host sides answer as a test tells them. */
import type { HostCommand } from '../../../src/trusted/agent/host-command.ts';
import type { PaymentChoice } from '../../../src/trusted/agent/talk.ts';
import type { HostNotice } from '../../../src/trusted/agent/to-host.ts';
import { about, noticesOf, stateOf } from '../opera.ts';
import { concert, confirmAll, heldBy, openShop, type Shop, type ShopOptions } from '../shop.ts';
import { inTime, type TrustedAgent } from '../trusted-world.ts';

export type CommandOf<T extends HostCommand['type']> = Extract<HostCommand, { type: T }>;
type NoticeOf<T extends HostNotice['type']> = Extract<HostNotice, { type: T }>;

export interface Desk extends Shop {
  /** What Ada bought. */
  readonly ticketId: string;
  /** How the house answers disputes that come; by default it does not. */
  answer: Partial<CommandOf<'answer-dispute'>> | undefined;
  /** What Ada chooses when she may; by default nothing. */
  choice: CommandOf<'choose'>['choice'] | undefined;
  /** What the house's merchandise server sends, one after the other. */
  replacements: readonly CommandOf<'replacement'>['merchandise'][];
  /** Whether Ada takes the new merchandise. */
  accept: 0 | 1;
  /** Opens a dispute, lets the world go on for a while, and gives its number. */
  dispute(options?: Partial<CommandOf<'dispute'>>, forMs?: number): Promise<string>;
  /** Does something besides when a host side is told of something. */
  when(agent: TrustedAgent, act: (notice: HostNotice) => void): void;
  tell(agent: TrustedAgent, command: HostCommand, forMs?: number): Promise<void>;
}

export const otherSeat = { ...concert, seat: 'Parkett rechts, Reihe 3, Platz 1' };

/** A host side that says yes to everything, and reacts to disputes as the desk says. */
function react(desk: Desk, agent: TrustedAgent): void {
  const say = (command: HostCommand) => void agent.command(command).catch(() => undefined);
  agent.react = (notice) => {
    confirmAll(agent, notice);
    if (notice.type === 'disputed' && desk.answer !== undefined) {
      const { number } = notice;
      say({
        ...{ type: 'answer-dispute', number, outcome: 'granted', reason: 'sorry', refund: 1, replacement: 1 },
        ...desk.answer,
      });
    } else if (notice.type === 'dispute-answered' && desk.choice !== undefined && mayChoose(notice)) {
      say({ type: 'choose', number: notice.number, choice: desk.choice });
    } else if (notice.type === 'fetch-replacement') {
      const merchandise = desk.replacements[notice.attempt - 1] ?? { type: 'none', reason: 'sold out' };
      say({ type: 'replacement', session: notice.session, merchandise });
    } else if (notice.type === 'confirm-replacement') {
      say({ type: 'confirm', session: notice.session, accept: desk.accept });
    }
  };
}

const mayChoose = ({ refund, replacement }: NoticeOf<'dispute-answered'>) =>
  refund !== undefined || replacement !== undefined;

export async function openDesk(options: ShopOptions & { readonly payment?: PaymentChoice } = {}): Promise<Desk> {
  // Lists are asked for rarely, so that months go by fast.
  const pace = { pullMs: 6 * 3_600_000 };
  const shop = await openShop({ ...options, server: { pace, ...options.server } });
  const { payment } = options;
  await shop.purchase(payment === undefined ? {} : { buy: { payment } });
  const { ada, house, trusted, card } = shop;
  const [ticketId] = heldBy(ada);
  if (ticketId === undefined) throw new Error('nothing was bought');
  const { world } = trusted;
  const desk: Desk = {
    ...{ ...shop, ticketId, answer: undefined, choice: { type: 'refund', credential: card }, accept: 1 },
    replacements: [{ type: 'ticket', components: otherSeat }],
    when(agent, act) {
      const { react: usual } = agent;
      agent.react = (notice) => {
        act(notice);
        usual(notice);
      };
    },
    async tell(agent, command, forMs = 10_000) {
      await inTime(world, agent.command(command));
      await trusted.run(forMs);
    },
    async dispute(command = {}, forMs = 60_000) {
      const before = noticesOf(ada, 'disputing').length;
      await desk.tell(
        ada,
        {
          ...{ type: 'dispute', matter: 'dispute', route: 'house', about, ticketId, complaint: 'defective', check: 1 },
          ...{ statement: 'The seat is behind a pillar.' },
          ...command,
        },
        forMs,
      );
      return noticesOf(ada, 'disputing')[before]!.number;
    },
  };
  for (const agent of [ada, house]) {
    agent.notices.length = 0;
    react(desk, agent);
  }
  const untilMs = world.clock.nowMs() + 3650 * 86_400_000;
  await inTime(world, house.command({ type: 'expect', matter: 'disputes', purpose: 'dispute', untilMs }));
  return desk;
}

export const statusOf = (agent: TrustedAgent, number: string) => stateOf(agent).disputes.byNumber.get(number)?.status;

/** What the bank took from Ada's card and has not given back. */
export const takenFrom = ({ bank }: Shop) =>
  [...bank.payments.keys()].reduce((sum, transaction) => sum + bank.taken(transaction), 0n);

export const standingOf = (agent: TrustedAgent, ticketId: string) =>
  stateOf(agent).tickets.get(ticketId)?.status.standing;

/** How the ticket, the money and the new ticket stand: `kept`, `refunded` or `replaced`, or what must never be. */
export function endOf(desk: Desk): string {
  const { ada, ticketId } = desk;
  const good = standingOf(ada, ticketId) === 'good';
  const other = heldBy(ada).filter((id) => id !== ticketId && standingOf(ada, id) === 'good').length;
  const paid = takenFrom(desk) > 0n;
  const ends: Readonly<Record<string, string>> = { true0true: 'kept', false0false: 'refunded', false1true: 'replaced' };
  return ends[`${good}${other}${paid}`] ?? `ticket ${good}, new ones ${other}, paid ${paid}`;
}
