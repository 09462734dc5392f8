/** Agents and servers get certificates, new ones, and lists; copies of a device are found out (US 5,671,280, figures 5, 6 and 8). */
import { describe, expect, it, test } from 'vitest';
import { equalBytes } from '../../../src/codec/hex.ts';
import { makeCompactKey } from '../../../src/crypto/compact-key.ts';
import type { Outgoing } from '../../../src/journal/machine.ts';
import { agentIdOf } from '../../../src/trusted/message/agent-id.ts';
import { dayOf } from '../../../src/trusted/message/day.ts';
import { isUntrusted, longestCertificateDays } from '../../../src/trusted/message/trust-lists.ts';
import { createRecorder } from '../copied-disk.ts';
import { about, certifiedOf, noticesOf, openOpera, stateOf } from '../opera.ts';
import { sample } from '../ticket/samples.ts';
import { type AgentParty, inTime, openTrustedWorld, type TrustedAgent, type TrustedWorld } from '../trusted-world.ts';

const dayMs = 86_400_000;
const rare = { pace: { pullMs: dayMs } };

async function one(options: Partial<Parameters<typeof openTrustedWorld>[0]> = {}) {
  const trusted = await openTrustedWorld({ seed: 1, server: rare, ...options });
  const agent = trusted.addAgent('ada');
  await trusted.certify(agent, 'customer');
  return { trusted, agent };
}

async function tell(
  trusted: TrustedWorld,
  agent: TrustedAgent,
  type: 'recertify' | 'sync' | 'fetch-lists',
  forMs = 5000,
) {
  agent.notices.length = 0;
  await inTime(trusted.world, agent.command({ type, route: 'north' }));
  await trusted.run(forMs);
  return agent.notices.map((notice) => (notice.type === 'failed' ? notice.why : notice.type));
}

const registryOf = (trusted: TrustedWorld, agent: TrustedAgent) =>
  trusted.servers.get('north')!.host!.state.registered.get(certifiedOf(agent).certificate.agentId)!;
const change = (
  trusted: TrustedWorld,
  listChange: Extract<Parameters<ReturnType<TrustedWorld['server']>['command']>[0], { type: 'change-lists' }>['change'],
) => inTime(trusted.world, trusted.server('primary').command({ type: 'change-lists', change: listChange }));
const logOf = async (trusted: TrustedWorld, agent: TrustedAgent) =>
  (await inTime(trusted.world, agent.machine.host!.readByKey('log'))).flatMap((record) =>
    record.type === 'logged' ? [record.entry] : [],
  );

describe('a new device', () => {
  test('[CITI-F6] gets TA(id) and cert(TA) from a server that got TS(id) and cert(TS) from the primary one', async () => {
    const { trusted, agent } = await one();
    const { certificate } = certifiedOf(agent);
    expect(agent.notices).toEqual([
      {
        type: 'certified',
        agentId: agentIdOf(1, 1),
        kind: 'customer',
        expiresDay: dayOf(trusted.world.clock.nowMs()) + 90,
      },
    ]);
    expect(certificate.server).toMatchObject({ serverId: 1, primaryId: 1 });
    expect(registryOf(trusted, agent)).toMatchObject({
      kind: 'customer',
      offered: undefined,
      publicKey: certificate.publicKey,
    });
    expect(trusted.servers.get('north')!.host!.state.enrolments.size).toBe(0);
    expect(trusted.breaches).toEqual([]);
  });

  it('that nobody announced gets nothing, nor does a second one with the same token', async () => {
    const { trusted, agent } = await one();
    const [eve, mallory] = ['eve', 'mallory'].map((name) => trusted.addAgent(name));
    const token = new Uint8Array(16).fill(3);
    await inTime(trusted.world, eve!.command({ type: 'initialise', route: 'north', token }));
    await trusted.run(5000);
    expect(noticesOf(eve!, 'failed')).toHaveLength(1);
    await inTime(trusted.world, trusted.server('north').command({ type: 'announce', token, kind: 'merchant' }));
    // The first device's word that it is done never arrives, so the token is still there.
    let cut = false;
    trusted.world.observe(({ from, message }) => {
      if (cut || from !== 'eve' || !message.id.endsWith('/1')) return;
      cut = true;
      eve!.online = false;
    });
    await inTime(trusted.world, eve!.command({ type: 'initialise', route: 'north', token }));
    await trusted.run(100_000);
    await inTime(trusted.world, mallory!.command({ type: 'initialise', route: 'north', token }));
    await trusted.run(5000);
    expect(noticesOf(mallory!, 'failed').map(({ why }) => why)).toEqual(['SESSION_DENIED']);
    eve!.online = true;
    await inTime(trusted.world, eve!.command({ type: 'initialise', route: 'north', token }));
    await trusted.run(5000);
    expect(certifiedOf(eve!).certificate).toMatchObject({ kind: 'merchant', agentId: agentIdOf(1, 2) });
    expect(stateOf(mallory!).identity.type).toBe('blank');
    expect(certifiedOf(agent).certificate.agentId).toBe(agentIdOf(1, 1));
  });
});

describe('recertification', () => {
  test('[CITI-F8] gives a new key, signed with the old one, a later date and the newest lists, and the server notes it', async () => {
    const { trusted, agent } = await one();
    const before = certifiedOf(agent);
    await trusted.run(80 * dayMs);
    await change(trusted, { type: 'distrust', party: { type: 'organisation', name: 'Bad Seats Ltd' } });
    await trusted.run(2 * dayMs);
    expect(await tell(trusted, agent, 'recertify')).toEqual(['certified']);
    const after = certifiedOf(agent);
    expect(after.certificate.agentId).toBe(before.certificate.agentId);
    expect(after.certificate.expiresDay).toBeGreaterThan(before.certificate.expiresDay + 80);
    expect(equalBytes(after.scalar, before.scalar)).toBe(false);
    expect(registryOf(trusted, agent)).toMatchObject({ publicKey: after.certificate.publicKey, offered: undefined });
    expect(isUntrusted(stateOf(agent).lists, { type: 'organisation', name: 'Bad Seats Ltd' })).toBe(true);
    expect((await logOf(trusted, agent)).map(({ kind }) => kind)).toEqual(['certified', 'certified']);
    expect(trusted.breaches).toEqual([]);
  });

  for (const bad of [2, 3]) {
    test(`[CITI-F8] when the first ${bad} certificates are not valid ${bad < 3 ? 'takes the next one' : 'is given up, logged, and the old certificate stays'}`, async () => {
      let wrong = 0;
      const { trusted, agent } = await one({
        alterServer: (party) => {
          const { machine } = party;
          // A server whose clock is a year behind makes certificates that have expired.
          const decide: typeof machine.decide = (state, input, env) => {
            const late =
              wrong > 0 &&
              machine.name === 'trusted-ordinary-server' &&
              input.type === 'session' &&
              input.event.type === 'said';
            if (late) wrong--;
            if (!late) return machine.decide(state, input, env);
            const decision = machine.decide(state, input, { ...env, nowMs: env.nowMs - 365 * dayMs });
            const timers = decision.timers?.map((timer) => ({ ...timer, atMs: timer.atMs + 365 * dayMs })) ?? [];
            return { ...decision, timers };
          };
          return { ...party, machine: { ...machine, decide } };
        },
      });
      const before = certifiedOf(agent);
      wrong = bad;
      const told = await tell(trusted, agent, 'recertify');
      expect(told).toEqual(bad < 3 ? ['certified'] : ['CERTIFICATE_EXPIRED']);
      expect(equalBytes(certifiedOf(agent).scalar, before.scalar)).toBe(bad === 3);
      if (bad === 3) {
        const last = (await logOf(trusted, agent)).at(-1);
        expect(last).toMatchObject({ kind: 'failed', note: 'no valid certificate in 3 tries', peer: 'server 1' });
      }
      wrong = 0;
      expect(await tell(trusted, agent, 'recertify')).toEqual(['certified']);
    });
  }

  it('broken off at any moment can be begun again, and is never taken for a copy', async () => {
    for (let cut = 1; cut <= 5; cut++) {
      const { trusted, agent } = await one();
      let seen = 0;
      trusted.world.observe(({ from }) => {
        if (from === 'ada' && ++seen === cut) agent.online = false;
      });
      await tell(trusted, agent, 'recertify', 60_000);
      if (cut % 2 === 0) agent.machine.crash();
      await trusted.run(60_000);
      agent.online = true;
      seen = Number.NEGATIVE_INFINITY;
      await inTime(trusted.world, agent.command({ type: 'opened' }));
      await trusted.run(200_000);
      expect(await tell(trusted, agent, 'sync'), `cut ${cut}`).toEqual(['over']);
      expect(await tell(trusted, agent, 'recertify'), `cut ${cut}`).toEqual(['certified']);
      expect(trusted.servers.get('north')!.host!.state.suspects.size).toBe(0);
    }
  });
});

describe('a copied device', () => {
  const copied = async (alter = (party: AgentParty) => party) => {
    const opera = await openOpera({ server: rare });
    const { trusted } = opera;
    const recorder = createRecorder();
    const original = trusted.addAgent('cy', {
      alter: (party) => alter({ ...party, wrapJournal: recorder.wrap }),
    });
    await trusted.certify(original, 'customer');
    await tell(trusted, original, 'sync');
    await opera.issue(original, sample('event'));
    return {
      ...opera,
      original,
      copy: async (name: string) => trusted.addAgent(name, { disk: await recorder.copy() }),
    };
  };

  test('[CITI-F6] is found out when the second of the two meets its server, and soon nobody deals with either', async () => {
    const { trusted, original, copy, bob, expectCall } = await copied();
    const twin = await copy('twin');
    await trusted.run(1000);
    const { agentId } = certifiedOf(original).certificate;
    expect(certifiedOf(twin).certificate.agentId).toBe(agentId);
    expect(await tell(trusted, original, 'sync')).toEqual(['over']);
    expect(await tell(trusted, twin, 'sync')).toEqual(['refused']);
    expect(await tell(trusted, original, 'recertify')).toEqual(['SESSION_DENIED']);
    await trusted.run(2 * dayMs);
    expect(isUntrusted(trusted.primary.host!.state.lists, { type: 'agent', agentId })).toBe(true);
    await tell(trusted, bob, 'fetch-lists');
    for (const device of [original, twin]) {
      await expectCall(bob, 'give');
      const [ticketId] = stateOf(device).tickets.keys();
      const items = [{ type: 'transfer', ticketId: ticketId! }] as const;
      await inTime(
        trusted.world,
        device.command({ type: 'give', matter: 'gift', route: 'bob', about, items, check: 0 }),
      );
      await trusted.run(5000);
      expect(noticesOf(device, 'failed').map(({ why }) => why)).toContain('SESSION_DENIED');
    }
    expect(stateOf(bob).tickets.size).toBe(0);
  });

  test('[CITI-F6] is found out too when it is the copy that comes first, and when both were cut off before the answer', async () => {
    const { trusted, original, copy } = await copied();
    const twin = await copy('twin');
    await trusted.run(1000);
    trusted.world.observe(({ from, message }) => {
      if (from === 'twin' && message.id.endsWith('/1')) twin.online = false;
    });
    await tell(trusted, twin, 'sync', 60_000);
    expect(await tell(trusted, original, 'sync')).toEqual(['refused']);
  });

  test('[CITI-F6] is found out when a device was set back to an earlier state', async () => {
    const { trusted, original, copy, house, give } = await copied();
    const old = await copy('old');
    const [ticketId] = stateOf(original).tickets.keys();
    await give(original, house, [{ type: 'transfer', ticketId: ticketId! }]);
    await tell(trusted, original, 'sync');
    // The owner goes on with the copy, which still has the ticket.
    expect(stateOf(old).tickets.has(ticketId!)).toBe(true);
    expect(await tell(trusted, old, 'sync')).toEqual(['refused']);
  });

  test('[CITI-F6] is found out by its old certificate when the original has a new one', async () => {
    const { trusted, original, copy } = await copied();
    const twin = await copy('twin');
    expect(await tell(trusted, original, 'recertify')).toEqual(['certified']);
    expect(await tell(trusted, twin, 'recertify')).toEqual(['SESSION_DENIED']);
    await trusted.run(2 * dayMs);
    const { agentId } = certifiedOf(original).certificate;
    expect(isUntrusted(trusted.primary.host!.state.lists, { type: 'agent', agentId })).toBe(true);
  });

  it('is not seen in what an honest one said before and the network brings late', async () => {
    let holding = false;
    const late: Outgoing[] = [];
    const { trusted, original } = await copied((party) => ({
      ...party,
      wrapCourier(courier) {
        const usual = party.wrapCourier!(courier);
        return {
          async deliver(message, attempt) {
            if (!holding || message.kind !== 'SessionProof') return usual.deliver(message, attempt);
            if (late.length === 0) late.push(message);
            throw new Error('lost, it seems');
          },
        };
      },
    }));
    holding = true;
    expect(await tell(trusted, original, 'sync', 60_000)).toEqual(['no answer in time']);
    holding = false;
    expect(await tell(trusted, original, 'recertify')).toEqual(['certified']);
    const result = await inTime(trusted.world, trusted.world.send('net', late[0]!));
    expect(result.type).toBe('answered');
    expect(trusted.servers.get('north')!.host!.state.suspects.size).toBe(0);
    expect(await tell(trusted, original, 'sync')).toEqual(['over']);
  });

  it('is not seen in a device that met its server many times, with crashes in between', async () => {
    const { trusted, original, house, give, issue } = await copied();
    for (let i = 0; i < 6; i++) {
      expect(await tell(trusted, original, i % 2 === 0 ? 'sync' : 'recertify')).toEqual([
        i % 2 === 0 ? 'over' : 'certified',
      ]);
      const ticketId = await issue(original, sample('event'));
      await give(original, house, [{ type: 'transfer', ticketId }]);
      original.machine.crash();
      await trusted.run(2000);
      await inTime(trusted.world, original.command({ type: 'opened' }));
    }
    expect(trusted.servers.get('north')!.host!.state.suspects.size).toBe(0);
    expect(trusted.breaches).toEqual([]);
  });
});

describe('the lists', () => {
  test('[CITI-F5] spread from the primary server over the ordinary ones to the agents, as changes only', async () => {
    const { trusted, agent } = await one({ serverNames: ['north', 'south'] });
    const other = trusted.addAgent('bob');
    await trusted.certify(other, 'customer', 'south');
    for (let serial = 1; serial <= 3; serial++) {
      await change(trusted, { type: 'distrust', party: { type: 'agent', agentId: agentIdOf(9, serial) } });
      await trusted.run(2 * dayMs);
      await tell(trusted, agent, 'fetch-lists');
    }
    const sizes: number[] = [];
    trusted.world.observe(({ from, message, result }) => {
      if (from === 'bob' && message.kind === 'TrustLists' && result.type === 'answered') sizes.push(result.body.length);
    });
    const fetch = () => inTime(trusted.world, other.command({ type: 'fetch-lists', route: 'south' }));
    for (let i = 0; i < 2; i++) {
      await fetch();
      await trusted.run(5000);
    }
    const heads = [agent, other].map((one) => stateOf(one).lists.untrusted.head);
    expect(heads).toEqual([trusted.primary, trusted.primary].map(({ host }) => host!.state.lists.untrusted.head));
    expect(sizes[1]).toBeLessThan(20);
  });

  test('[CITI-F6] bring a new primary key to everybody before anything is signed with it', async () => {
    const { trusted, agent } = await one();
    const today = () => dayOf(trusted.world.clock.nowMs());
    const key = makeCompactKey(trusted.world.random.bytes);
    const add = (fromDay: number) => change(trusted, { type: 'add-primary', primaryId: 2, publicKey: key.x, fromDay });
    await expect(add(today() + longestCertificateDays - 1)).rejects.toMatchObject({ code: 'LIST_STALE' });
    await add(today() + longestCertificateDays);
    await trusted.run(85 * dayMs);
    expect(await tell(trusted, agent, 'recertify')).toEqual(['certified']);
    expect(stateOf(agent).lists.primaryKeys.keys.get(2)?.publicKey).toEqual(key.x);
  });

  test("[CITI-F6] make a decommissioned server's agents strangers, and the others deal with each other", async () => {
    const { trusted, agent } = await one({ serverNames: ['north', 'south'] });
    const [bob, cyd] = ['bob', 'cyd'].map((name) => trusted.addAgent(name));
    await trusted.certify(bob!, 'customer', 'south');
    await trusted.certify(cyd!, 'customer', 'north');
    await change(trusted, { type: 'distrust', party: { type: 'server', serverId: 2 } });
    await trusted.run(2 * dayMs);
    for (const one of [agent, cyd!]) await tell(trusted, one, 'fetch-lists');
    const order = async (to: TrustedAgent) => {
      agent.notices.length = 0;
      const untilMs = trusted.world.clock.nowMs() + dayMs;
      await inTime(trusted.world, to.command({ type: 'expect', matter: 'gift', purpose: 'give', untilMs }));
      const items = [{ type: 'issue', components: sample('purchase-order') }] as const;
      await inTime(
        trusted.world,
        agent.command({ type: 'give', matter: 'gift', route: to.name, about, items, check: 0 }),
      );
      await trusted.run(5000);
      return agent.notices.map((notice) => (notice.type === 'failed' ? notice.why : notice.type));
    };
    expect(await order(bob!)).toEqual(['PARTY_UNTRUSTED']);
    expect(await order(cyd!)).toEqual(['given', 'account', 'over']);
    // The server itself is not certified any more.
    await inTime(trusted.world, trusted.server('south').command({ type: 'recertify' }));
    const before = trusted.servers.get('south')!.host!.state.identity;
    await trusted.run(5000);
    expect(trusted.servers.get('south')!.host!.state.identity).toEqual(before);
  });
});

describe('a trusted server', () => {
  it('renews its own certificate in time, so that its agents can be certified for years', async () => {
    const { trusted, agent } = await one({ server: { pace: { pullMs: 30 * dayMs } } });
    const certificate = () => {
      const { identity } = trusted.servers.get('north')!.host!.state;
      return identity.type === 'certified' ? identity.certificate : undefined;
    };
    const first = certificate()!;
    for (let quarter = 0; quarter < 8; quarter++) {
      await trusted.run(85 * dayMs);
      expect(await tell(trusted, agent, 'recertify')).toEqual(['certified']);
    }
    expect(certificate()!.serverId).toBe(first.serverId);
    expect(equalBytes(certificate()!.publicKey, first.publicKey)).toBe(false);
    expect(certifiedOf(agent).certificate.expiresDay).toBeGreaterThan(dayOf(trusted.world.clock.nowMs()) + 80);
    expect(trusted.breaches).toEqual([]);
  });
});
