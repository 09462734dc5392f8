/** An opera house in a trusted world: an authority, the house with its merchant credential, and people with devices. */
import type { HostCommand } from '../../src/trusted/agent/host-command.ts';
import type { HostNotice } from '../../src/trusted/agent/to-host.ts';
import type { Components } from '../../src/trusted/ticket/components.ts';
import { sample } from './ticket/samples.ts';
import { inTime, openTrustedWorld, type TrustedAgent, type TrustedWorld } from './trusted-world.ts';

export const about = new Uint8Array([1, 2, 3]);
const yearMs = 365 * 86_400_000;

export type Items = Extract<HostCommand, { type: 'give' }>['items'];

export interface Opera {
  readonly trusted: TrustedWorld;
  readonly authority: TrustedAgent;
  readonly house: TrustedAgent;
  readonly ada: TrustedAgent;
  readonly bob: TrustedAgent;
  /** The callee's host side announces a caller. */
  expectCall(
    callee: TrustedAgent,
    purpose: 'give' | 'present',
    options?: { matter?: string; times?: number; credential?: string },
  ): Promise<void>;
  /** Gives the items, and lets the world go on for a while. */
  give(
    from: TrustedAgent,
    to: TrustedAgent,
    items: Items,
    options?: { check?: 0 | 1; matter?: string; forMs?: number },
  ): Promise<void>;
  /** Has the house issue a ticket; gives its name. */
  issue(to: TrustedAgent, components: Components): Promise<string>;
  present(
    from: TrustedAgent,
    to: TrustedAgent,
    ticketId: string,
    options?: { check?: 0 | 1; forMs?: number },
  ): Promise<void>;
}

export async function openOpera(options: Partial<Parameters<typeof openTrustedWorld>[0]> = {}): Promise<Opera> {
  const trusted = await openTrustedWorld({ seed: 1, ...options });
  const [authority, house, ada, bob] = ['authority', 'house', 'ada', 'bob'].map((name) => trusted.addAgent(name)) as [
    TrustedAgent,
    TrustedAgent,
    TrustedAgent,
    TrustedAgent,
  ];
  await trusted.certify(authority, 'authority');
  await trusted.certify(house, 'merchant');
  await trusted.certify(ada, 'customer');
  await trusted.certify(bob, 'customer');
  const opera: Opera = {
    ...{ trusted, authority, house, ada, bob },
    expectCall: (callee, purpose, { matter = purpose, times, credential } = {}) =>
      inTime(
        trusted.world,
        callee.command({
          ...{ type: 'expect', matter, purpose, about, untilMs: trusted.world.clock.nowMs() + yearMs },
          ...(times === undefined ? {} : { times }),
          ...(credential === undefined ? {} : { credential }),
        }),
      ),
    async give(from, to, items, { check = 0, matter = 'give', forMs = 5000 } = {}) {
      await opera.expectCall(to, 'give', { times: 1 });
      await inTime(trusted.world, from.command({ type: 'give', matter, route: to.name, about, items, check }));
      await trusted.run(forMs);
    },
    async issue(to, components) {
      const before = receivedBy(to).length;
      await opera.give(house, to, [{ type: 'issue', components }]);
      const ticketId = receivedBy(to)[before];
      if (ticketId === undefined) throw new Error('no ticket came');
      return ticketId;
    },
    async present(from, to, ticketId, { check = 0, forMs = 5000 } = {}) {
      await opera.expectCall(to, 'present', { times: 1 });
      await inTime(
        trusted.world,
        from.command({ type: 'present', matter: 'present', route: to.name, about, ticketId, check }),
      );
      await trusted.run(forMs);
    },
  };
  await inTime(trusted.world, authority.command({ type: 'name-yourself', components: sample('authority') }));
  await opera.give(authority, house, [{ type: 'issue', components: sample('merchant') }]);
  for (const { notices } of [authority, house, ada, bob]) notices.length = 0;
  return opera;
}

export function receivedBy({ notices }: TrustedAgent): readonly string[] {
  return notices.flatMap((notice) =>
    notice.type === 'received' ? notice.tickets.map(({ ticketId }) => ticketId) : [],
  );
}

export function noticesOf<T extends HostNotice['type']>(
  { notices }: TrustedAgent,
  type: T,
): readonly Extract<HostNotice, { type: T }>[] {
  return notices.filter((notice) => notice.type === type) as unknown as readonly Extract<HostNotice, { type: T }>[];
}

export const stateOf = ({ machine }: TrustedAgent) => machine.host!.state;

/** Nothing is open any more. */
export function isAtRest(agent: TrustedAgent): boolean {
  const { sessions, talks, transactions, underWay, dealings } = stateOf(agent);
  return sessions.size + talks.size + transactions.size + underWay.size + dealings.size === 0;
}

/** What an agent's device keeps secret, as an attacker that opened it would find it. */
export function certifiedOf(agent: TrustedAgent) {
  const { identity } = stateOf(agent);
  if (identity.type !== 'certified') throw new Error(`${agent.name} has no certificate`);
  return identity;
}
