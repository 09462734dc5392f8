/** Sessions between machines on real hosts (US 5,671,280, figures 9 and 10): who is let in, what is numbered, and how long one waits. */
import { describe, expect, it, test } from 'vitest';
import { fromHex } from '../../../src/codec/hex.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import type { HostCommand } from '../../../src/trusted/agent/host-command.ts';
import { encodeTrustedMessage } from '../../../src/trusted/message/envelope.ts';
import { sayHello } from '../../../src/trusted/session/handshake.ts';
import { calmWorld } from '../../world/simulation.ts';
import { about, certifiedOf, isAtRest, noticesOf, type Opera, openOpera, stateOf } from '../opera.ts';
import { sample } from '../ticket/samples.ts';
import { inTime, type TrustedAgent } from '../trusted-world.ts';

const dayMs = 86_400_000;
const rare = { server: { pace: { pullMs: 30 * dayMs } } };

const giveTo = (route: string): HostCommand => ({
  ...{ type: 'give', matter: 'gift', route, about, check: 0 },
  items: [{ type: 'issue', components: sample('purchase-order') }],
});
const failures = (agent: TrustedAgent) => noticesOf(agent, 'failed').map(({ why }) => why);

async function attempt({ trusted, expectCall }: Opera, from: TrustedAgent, to: TrustedAgent): Promise<string> {
  from.notices.length = 0;
  await expectCall(to, 'give');
  await inTime(trusted.world, from.command(giveTo(to.name)));
  await trusted.run(200_000);
  return failures(from)[0] ?? from.notices.map(({ type }) => type).join();
}

describe('who is let in', () => {
  test('[CITI-F9] both sides check each other, whoever has expired is refused, and only recertification lets it in', async () => {
    const opera = await openOpera(rare);
    const { trusted, ada, bob } = opera;
    expect(await attempt(opera, ada, bob)).toBe('given,account,over');
    await trusted.run(91 * dayMs);
    expect(await attempt(opera, ada, bob)).toBe('CERTIFICATE_EXPIRED');
    await inTime(trusted.world, bob.command({ type: 'recertify', route: 'north' }));
    await trusted.run(5000);
    // Bob's is new, Ada's is not: now it is Bob that sends her away.
    expect(await attempt(opera, ada, bob)).toBe('SESSION_DENIED');
    expect(await attempt(opera, bob, ada)).toBe('CERTIFICATE_EXPIRED');
    await inTime(trusted.world, ada.command({ type: 'recertify', route: 'north' }));
    await trusted.run(5000);
    expect(await attempt(opera, ada, bob)).toBe('given,account,over');
    expect(trusted.breaches).toEqual([]);
  });

  test('[CITI-F9] an untrusted agent is refused by whoever has the newest list, calling or called', async () => {
    const opera = await openOpera();
    const { trusted, ada, bob, house } = opera;
    const party = { type: 'agent', agentId: certifiedOf(ada).certificate.agentId } as const;
    const change = { type: 'distrust', party } as const;
    await inTime(trusted.world, trusted.server('primary').command({ type: 'change-lists', change }));
    await trusted.run(700_000);
    expect(await attempt(opera, ada, bob)).toBe('given,account,over');
    await inTime(trusted.world, bob.command({ type: 'fetch-lists', route: 'north' }));
    await trusted.run(1000);
    expect(await attempt(opera, ada, bob)).toBe('SESSION_DENIED');
    expect(await attempt(opera, bob, ada)).toBe('PARTY_UNTRUSTED');
    expect(await attempt(opera, ada, house)).toBe('given,account,over');
    expect([ada, bob].map(isAtRest)).toEqual([true, true]);
  });

  it('a caller is not told why it is denied, and all that is wrong with its cryptography looks the same', async () => {
    const { trusted, bob } = await openOpera();
    const answers: string[] = [];
    const say = async (message: Parameters<typeof encodeTrustedMessage>[0]) => {
      const id = `attack ${answers.length}`;
      const result = await inTime(
        trusted.world,
        trusted.world.send('eve', { id, to: 'bob', kind: 'attack', body: encodeTrustedMessage(message) }),
      );
      answers.push(result.type === 'refused' ? `${result.code} ${result.detail}` : result.type);
    };
    const session = fromHex('ab'.repeat(16));
    const hello = sayHello('ab'.repeat(16), systemRandom).hello;
    const greeted = await inTime(
      trusted.world,
      trusted.world.send('eve', { id: 'hello', to: 'bob', kind: 'hello', body: hello }),
    );
    expect(greeted.type).toBe('answered');
    for (const sealed of [new Uint8Array(16), new Uint8Array(300), systemRandom(80)])
      await say({ type: 'proof', session, sealed });
    await say({ type: 'statement', sealed: systemRandom(90) });
    await say({
      type: 'hello',
      session: systemRandom(16),
      suite: 1,
      point: new Uint8Array(65).fill(0xff, 1).fill(4, 0, 1),
    });
    expect(new Set(answers)).toEqual(new Set(['CRYPTOGRAPHIC_FAILURE a cryptographic check failed']));
    expect(stateOf(bob).sessions.size).toBe(0);
  });
});

describe('messages', () => {
  test('[CITI-F10] are numbered: what is repeated, out of turn or of another session changes nothing', async () => {
    const { trusted, house, ada, bob, issue, give } = await openOpera();
    const ticketId = await issue(ada, sample('event'));
    const wire: { to: string; id: string; kind: string; body: Uint8Array }[] = [];
    trusted.world.observe(({ message }) => {
      if (message.kind.startsWith('Session')) wire.push(message);
    });
    await give(ada, bob, [{ type: 'transfer', ticketId }]);
    const later = await issue(bob, sample('event'));
    const before = [house, ada, bob].map(({ machine }) => machine.snapshotNow());
    const answered: string[] = [];
    for (const message of [...wire].reverse()) {
      const again = { ...message, id: `again ${message.id}` };
      void trusted.world.send('eve', again).then(({ type }) => answered.push(type));
      const [session, number] = message.id.split('/').slice(1);
      if (message.kind !== 'SessionFrame') continue;
      for (const other of [Number(number) + 1, 0, 4_000_000_000]) {
        const body = encodeTrustedMessage({
          type: 'frame',
          session: fromHex(session!),
          number: other,
          sealed: message.body.slice(-60),
        });
        void trusted.world
          .send('eve', { ...message, id: `${other} ${message.id}`, body })
          .then(({ type }) => answered.push(`${type} other`));
      }
    }
    await trusted.run(10_000);
    // The same bytes get the same answer as before; all else is refused.
    expect(new Set(answered)).toEqual(new Set(['answered', 'refused other']));
    expect([house, ada, bob].map(({ machine }) => machine.snapshotNow())).toEqual(before);
    expect(stateOf(bob).tickets.has(later)).toBe(true);
  });

  it('that are doubled and overtaken still arrive in their order', async () => {
    const network = { loss: 0, duplication: 0.9, lateness: 0.5, maxDelayMs: 20 };
    const opera = await openOpera({ faults: { ...calmWorld, network } });
    const { trusted, house, ada, bob, issue, give } = opera;
    const ticketId = await issue(ada, sample('communications'));
    for (let i = 0; i < 6; i++) {
      const [from, to] = i % 2 === 0 ? [ada, bob] : [bob, ada];
      await give(from, to, [{ type: 'transfer', ticketId }], { forMs: 60_000 });
    }
    expect(stateOf(ada).tickets.has(ticketId)).toBe(true);
    expect([house, ada, bob].map(isAtRest)).toEqual([true, true, true]);
    expect(trusted.breaches).toEqual([]);
  });
});

describe('a late answer', () => {
  const slow = async (holdMs: number) => {
    const opera = await openOpera();
    const gate = opera.trusted.addAgent('gate', { pace: { holdMs } });
    await opera.trusted.certify(gate, 'merchant');
    const ticketId = await opera.issue(opera.ada, sample('event'));
    let queries = 0;
    opera.trusted.world.observe(({ message, result }) => {
      if (message.kind === 'SessionQuery' && result.type === 'answered') queries++;
    });
    return { ...opera, gate, ticketId, queries: () => queries };
  };

  test('[CITI-F10] is asked after, and waited for while the other side says that it is at work', async () => {
    const opera = await slow(40_000);
    await opera.present(opera.ada, opera.gate, opera.ticketId, { forMs: 200_000 });
    expect(opera.queries()).toBeGreaterThanOrEqual(6);
    expect(stateOf(opera.ada).sessions.size).toBe(1);
    expect(failures(opera.ada)).toEqual([]);
  });

  test('[CITI-F11] is waited for no longer than five questions, and then the session is broken off by both sides', async () => {
    const opera = await slow(100_000_000);
    await opera.present(opera.ada, opera.gate, opera.ticketId, { forMs: 85_000 });
    expect(stateOf(opera.ada).sessions.size).toBe(1);
    await opera.trusted.run(20_000);
    expect(opera.queries()).toBe(5);
    expect(failures(opera.ada)).toEqual(['no answer in time']);
    expect(isAtRest(opera.ada)).toBe(true);
    expect(opera.trusted.breaches).toEqual([]);
  });

  it('does not come from a device that is gone: the silence about the question ends it', async () => {
    const opera = await slow(100_000_000);
    await opera.present(opera.ada, opera.gate, opera.ticketId, { forMs: 10_000 });
    opera.gate.online = false;
    await opera.trusted.run(60_000);
    expect(opera.queries()).toBe(0);
    expect(failures(opera.ada)).toHaveLength(1);
    expect(stateOf(opera.ada).sessions.size).toBe(0);
  });

  it('does not come from a device that was switched off: it has no keys of that session any more', async () => {
    const opera = await slow(100_000_000);
    await opera.present(opera.ada, opera.gate, opera.ticketId, { forMs: 10_000 });
    opera.gate.machine.crash();
    await opera.trusted.run(20_000);
    expect(failures(opera.ada)).toEqual(['SESSION_UNKNOWN']);
  });

  it('of a caller that falls silent costs the callee its patience only', async () => {
    const opera = await slow(20_000);
    await opera.present(opera.ada, opera.gate, opera.ticketId, { forMs: 10_000 });
    opera.ada.online = false;
    await opera.trusted.run(200_000);
    expect(stateOf(opera.gate).sessions.size).toBe(0);
    expect(noticesOf(opera.gate, 'over')).toHaveLength(1);
    expect(isAtRest(opera.gate)).toBe(true);
  });
});
