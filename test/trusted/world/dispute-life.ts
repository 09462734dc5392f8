/**
 * One seed of a life with disputes: an honest merchant and one that denies everything, customers of whom one complains falsely, a trusted server with
 * a person who sees what is true, in faults that come back every morning. At its end nobody honest is worse off than with an honest trade.
 */
import type { HostCommand } from '../../../src/trusted/agent/host-command.ts';
import type { HostNotice } from '../../../src/trusted/agent/to-host.ts';
import { claimType } from '../../../src/trusted/message/dispute.ts';
import { readDocument } from '../../../src/trusted/message/signed-document.ts';
import { ticketComplaintType } from '../../../src/trusted/message/ticket-ruling.ts';
import { decodeTicket } from '../../../src/trusted/ticket/compact-ticket.ts';
import type { Components } from '../../../src/trusted/ticket/components.ts';
import { ticketIdOf } from '../../../src/trusted/ticket/ticket.ts';
import { seededRandom } from '../../world/seeded-random.ts';
import type { World } from '../../world/simulation.ts';
import { certifiedOf, isAtRest, noticesOf, stateOf } from '../opera.ts';
import { concert, confirmAll, heldBy, openShop, price, type Shop } from '../shop.ts';
import { sample } from '../ticket/samples.ts';
import { type AgentParty, inTime, type TrustedAgent } from '../trusted-world.ts';
import { carriedBy } from './lying-couriers.ts';
import { planTown } from './plan.ts';

const dayMs = 86_400_000;
const roughMorningMs = 200_000;
const roughDays = 3;
const startMinor = 1_000_000n;
interface Bought {
  readonly buyer: TrustedAgent;
  readonly seller: TrustedAgent;
  readonly ticketId: string;
  /** What a person sees who looks at it. */
  readonly faulty: boolean;
  /** Its day was over when it was sold. */
  readonly late: boolean;
  readonly transaction: string;
  readonly way: 'card' | 'module';
}

export interface DisputeRun {
  readonly ends: ReadonlyMap<string, number>;
}

/** @throws Error naming every fault found */
export async function runDisputes(options: {
  readonly seed: number;
  readonly watch?: (world: World) => void;
  readonly traced?: boolean;
}): Promise<DisputeRun> {
  const { seed, watch = () => {}, traced = true } = options;
  const lying = { begun: false };
  const plan = planTown(seed, seededRandom(seed), ['ada', 'bob', 'house', 'cheat']);
  const shop = await openShop({
    ...{ seed, traced, limit: 1_000_000n, modules: { ada: startMinor, house: startMinor } },
    agents: { ada: { alter: carried('ada') }, house: { alter: carried('house') } },
    server: {
      pace: { pullMs: dayMs },
      disputes: { appealMs: dayMs, hearingMs: 2 * dayMs, falseLimit: 2, lostLimit: 3, noticeMs: dayMs },
    },
  });
  const { trusted, ada, house } = shop;
  const { world } = trusted;
  watch(world);
  const random = world.random.fork();
  const cheat = await shop.addMerchant('cheat', { alter: carried('cheat') });
  const bob = await shop.addCustomer('bob', { alter: carried('bob') });
  const cards = new Map([
    [ada, shop.card],
    [bob, await shop.issueTo(bob, { ...sample('card'), number: '4000000000000002', holder: 'BOB' })],
  ]);
  const everybody = [ada, bob, house, cheat];
  const untilMs = world.clock.nowMs() + 3650 * dayMs;
  for (const agent of everybody) {
    agent.react = (notice) => confirmAll(agent, notice);
    agent.started = () => void agent.command({ type: 'opened' }).catch(() => undefined);
  }
  for (const merchant of [house, cheat]) {
    await inTime(world, merchant.command({ type: 'expect', matter: 'disputes', purpose: 'dispute', untilMs }));
  }
  const bought = await buyAll(shop, { customers: [ada, bob], merchants: [house, cheat], cards, random });
  const truth = new Map(bought.map((one) => [one.ticketId, one]));
  const say = (agent: TrustedAgent, command: HostCommand) => void agent.command(command).catch(() => undefined);

  for (const merchant of [house, cheat]) {
    merchant.react = (notice) => {
      confirmAll(merchant, notice);
      if (notice.type === 'disputed') {
        const one = truth.get(notice.ticket.ticketId)!;
        const fair = merchant === house && (one.faulty || one.late);
        const [outcome, yes] = fair ? (['granted', 1] as const) : (['denied', 0] as const);
        say(merchant, {
          type: 'answer-dispute',
          number: notice.number,
          outcome,
          reason: 'so',
          refund: yes,
          replacement: yes,
        });
      } else if (notice.type === 'heard-in-dispute') {
        say(merchant, { type: 'state-in-dispute', case: notice.case, stand: 'contests', statement: 'No.' });
      } else if (notice.type === 'fetch-replacement') {
        const { claim } = stateOf(merchant).disputes.byNumber.get(notice.number)!;
        const { components: old } = decodeTicket(readDocument(claimType, claim).value.ticket!).body;
        const components = { ...old, seat: `Ersatz ${notice.number.slice(0, 8)}` } as Components;
        const some = random.chance(0.7);
        const merchandise = some
          ? ({ type: 'ticket', components } as const)
          : ({ type: 'none', reason: 'sold out' } as const);
        say(merchant, { type: 'replacement', session: notice.session, merchandise });
      }
    };
  }
  for (const customer of [ada, bob]) {
    const refund = (number: string) => refundOf(customer, number, cards.get(customer)!);
    customer.react = (notice: HostNotice) => {
      confirmAll(customer, notice);
      if (notice.type === 'confirm-replacement') say(customer, { type: 'confirm', session: notice.session, accept: 1 });
      if (notice.type !== 'dispute-answered') return;
      const { number, outcome, replacement } = notice;
      if (outcome === 'granted' && replacement === 1 && random.chance(0.5)) {
        say(customer, { type: 'choose', number, choice: { type: 'replacement' } });
      } else if (outcome === 'granted' || outcome === 'unavailable')
        say(customer, { type: 'choose', number, choice: refund(number) });
    };
  }
  const disputed = bought.filter(({ buyer, faulty, late }) => faulty || late || buyer === bob);
  for (const one of disputed) {
    world.clock.after(random.below(120_000), () => {
      const { buyer, seller, ticketId, late, faulty } = one;
      const lie = !late && !faulty && random.chance(0.5);
      const complaint = late || lie ? 'expired' : 'defective';
      const command = { type: 'dispute', matter: 'd', route: seller.name, ticketId, complaint } as const;
      say(buyer, { ...command, about: new Uint8Array(), statement: 'Look.', check: 0 });
    });
  }
  lying.begun = true;
  for (let day = 0; day < 14; day++) {
    if (day < roughDays) await roughMorning();
    await trusted.run(dayMs);
    // What came to nothing is tried again; what was denied goes before the server; a person decides what only eyes can tell.
    for (const customer of [ada, bob]) goOn(customer, { card: cards.get(customer)!, say });
    decide(shop, truth);
  }
  await trusted.run(3 * dayMs);
  return judge(shop, { bought, disputed, everybody, house, ada });

  async function roughMorning() {
    world.among(plan.faults);
    for (let i = 0; i < 4; i++) {
      world.clock.after(random.below(roughMorningMs), () => {
        const agent = random.pick(everybody);
        agent.online = false;
        world.clock.after(random.below(30_000), () => {
          agent.online = true;
        });
      });
    }
    await trusted.run(roughMorningMs);
    await world.calm(60_000);
  }

  /** Liars begin to lie when there is something to gain by it. */
  function carried(name: string) {
    return (party: AgentParty): AgentParty => {
      if (plan.liar?.name !== name) return party;
      const agent = () => everybody.find((one) => one.name === name)!;
      const carrying = () => ({ clock: shop.trusted.world.clock, random, agent });
      return carriedBy(plan.liar.way, party, carrying, () => lying.begun);
    };
  }
}

async function buyAll(
  shop: Shop,
  parties: {
    readonly customers: readonly TrustedAgent[];
    readonly merchants: readonly TrustedAgent[];
    readonly cards: ReadonlyMap<TrustedAgent, string>;
    readonly random: { chance(p: number): boolean };
  },
): Promise<readonly Bought[]> {
  const { trusted } = shop;
  const bought: Bought[] = [];
  let seat = 0;
  for (const buyer of parties.customers) {
    for (const seller of parties.merchants) {
      for (let i = 0; i < 3; i++) {
        const held = heldBy(buyer);
        const late = parties.random.chance(0.3);
        const day = Math.floor(trusted.world.clock.nowMs() / dayMs) + (late ? -2 : 200);
        const components = { ...concert, seat: `Platz ${++seat}`, at: day * 86_400 };
        const selection = { type: 'event', fields: { event: concert.event, seat: components.seat } } as const;
        await shop.sell(seller, { selection, merchandise: { type: 'ticket', components } });
        // Who has a money module uses it once.
        const payment =
          buyer === shop.ada && seller === shop.house && i === 0
            ? ({ type: 'module', initiator: 'payer' } as const)
            : ({ type: 'card', ticketId: parties.cards.get(buyer)! } as const);
        await shop.buy(buyer, seller, { selection, payment });
        await trusted.run(20_000);
        const ticketId = heldBy(buyer).find((id) => !held.includes(id));
        const transaction = noticesOf(buyer, 'paid').at(-1)?.transaction;
        if (ticketId === undefined || transaction === undefined) throw new Error('a calm purchase came to nothing');
        bought.push({
          buyer,
          seller,
          ticketId,
          transaction,
          way: payment.type,
          late,
          faulty: !late && parties.random.chance(0.3),
        });
      }
    }
  }
  return bought;
}

/** By the way it was paid. */
function refundOf(customer: TrustedAgent, number: string, card: string) {
  const way = stateOf(customer).disputes.byNumber.get(number)?.payment?.way;
  return { type: 'refund', ...(way === 'module' ? {} : { credential: card }) } as const;
}

type Say = (agent: TrustedAgent, command: HostCommand) => void;

function goOn(customer: TrustedAgent, { card, say }: { card: string; say: Say }): void {
  for (const { number, status } of stateOf(customer).disputes.byNumber.values()) {
    if (status === 'denied' || status === 'open')
      say(customer, { type: 'escalate', number, route: 'north', statement: 'Help.' });
    if (status === 'granted' || status === 'ruled') {
      say(customer, { type: 'choose', number, choice: refundOf(customer, number, card) });
    }
  }
}

/** A person sees the truth. */
function decide({ trusted }: Shop, truth: ReadonlyMap<string, Bought>): void {
  const server = trusted.servers.get('north')!.host?.state;
  for (const { case: of, phase, complaint } of server?.disputes.cases.values() ?? []) {
    if (phase !== 'seeing') continue;
    const claim = readDocument(claimType, readDocument(ticketComplaintType, complaint).value.claim).value;
    const one = truth.get(ticketIdOf(decodeTicket(claim.ticket!)))!;
    const outcome = one.faulty || one.late ? ('refund' as const) : ('dismissed' as const);
    const decision = { case: of, person: 'Judge', outcome, breach: true, text: 'I looked.', seen: 'The seat.' };
    void trusted
      .server('north')
      .command({ type: 'decide-dispute', decision })
      .catch(() => undefined);
  }
}

interface Judging {
  readonly bought: readonly Bought[];
  readonly disputed: readonly Bought[];
  readonly everybody: readonly TrustedAgent[];
  readonly house: TrustedAgent;
  readonly ada: TrustedAgent;
}

function judge(shop: Shop, { bought, disputed, everybody, house, ada }: Judging): DisputeRun {
  const { trusted, bank } = shop;
  const faults: string[] = [...trusted.breaches, ...bank.faults];
  const ends = new Map<string, number>();
  for (const one of bought) {
    const end = endOf(shop, one);
    const right = disputed.includes(one) && (one.faulty || one.late);
    const { number = '', status } = disputeAbout(one.buyer, one.ticketId) ?? {};
    const state = one.late ? 'late' : one.faulty ? 'faulty' : 'good';
    const what = `${one.buyer.name} of ${one.seller.name} by ${one.way}, ${state}`;
    ends.set(`${what}: ${end}`, (ends.get(`${what}: ${end}`) ?? 0) + 1);
    if (!['kept', 'refunded', 'replaced'].includes(end)) faults.push(`${what}: ${end} (${status})`);
    if (right && end === 'kept') faults.push(`${what} was kept: the customer is worse off (${status})`);
    if (!right && end !== 'kept') faults.push(`${what} was ${end}: the merchant is worse off (${status})`);
    const theirs = stateOf(one.seller).disputes.byNumber.get(number)?.status;
    const settled = end !== 'kept';
    if (settled && (status !== end || theirs !== end)) faults.push(`${what}: ${end}, they say ${status} and ${theirs}`);
  }
  const balances = [...shop.modules.values()].map(({ host }) => host!.state.balance);
  if (balances.reduce((sum, one) => sum + one, 0n) !== 2n * startMinor) faults.push(`the modules hold ${balances}`);
  for (const [transaction, { status }] of bank.payments) {
    if (status === 'held') faults.push(`the bank still holds something for ${transaction.slice(0, 6)}`);
  }
  for (const agent of everybody) if (!isAtRest(agent)) faults.push(`${agent.name} is not at rest`);
  const { standings } = trusted.primary.host!.state.disputes;
  if (standings.has(certifiedOf(house).certificate.agentId)) faults.push('an honest merchant has lost');
  const { falseComplaints } = trusted.servers.get('north')!.host!.state.disputes;
  if (falseComplaints.has(certifiedOf(ada).certificate.agentId)) faults.push('an honest customer complained falsely');
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return { ends };
}

const disputeAbout = (buyer: TrustedAgent, ticketId: string) =>
  [...stateOf(buyer).disputes.byNumber.values()].find((one) => one.ticketId === ticketId);

function endOf({ bank, modules }: Shop, { buyer, ticketId, transaction, way }: Bought): string {
  const good = stateOf(buyer).tickets.get(ticketId)?.status.standing === 'good';
  const { number = 'none' } = disputeAbout(buyer, ticketId) ?? {};
  const isNew = (id: string) => {
    const { components } = decodeTicket(stateOf(buyer).tickets.get(id)!.bytes).body;
    return components.type === 'event' && components.seat === `Ersatz ${number.slice(0, 8)}`;
  };
  const fresh = heldBy(buyer).filter(isNew).length;
  const spent = startMinor - (modules.get('ada')?.host?.state.balance ?? 0n);
  const paid = (way === 'card' ? bank.taken(transaction) : spent) === price.minor;
  if (good && fresh === 0 && paid) return 'kept';
  if (!good && fresh === 0 && !paid) return 'refunded';
  if (!good && fresh === 1 && paid) return 'replaced';
  return `the ticket ${good ? 'good' : 'void'}, ${fresh} new ones, ${paid ? 'paid' : 'not paid'}`;
}
