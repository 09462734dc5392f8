/**
 * The four encryption channels of US 5,671,280, figure 13, and the ways of messages through them, figures 17 to 20: agent to agent (436), each agent to
 * its own module (438, 440), module to module through both agents (442). The modules' own ends are stand-ins of the tests.
 */
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../../src/codec/hex.ts';
import type { Outgoing } from '../../../src/journal/machine.ts';
import {
  openSealedRequest,
  plainPortAnswer,
  readEnvelope,
  readPortAnswer,
} from '../../../src/trusted/message/payment-port.ts';
import { isAtRest, stateOf } from '../opera.ts';
import { heldBy, logOf, openShop, type Shop, whyFailed } from '../shop.ts';
import type { AgentParty } from '../trusted-world.ts';

const payment = { type: 'module', initiator: 'payer' } as const;
const modules = { ada: 20_000n, house: 0n };

interface Seen {
  readonly from: string;
  readonly message: Outgoing;
  readonly answer: Uint8Array;
}

/** All that host sides carry in one purchase, and the keys with which it went: only an opened device has those. */
async function watchPurchase() {
  const shop = await openShop({ modules });
  const seen: Seen[] = [];
  const keys = new Map<string, string>();
  shop.trusted.world.observe(({ from, message, result }) => {
    if (result.type === 'answered') seen.push({ from, message, answer: result.body });
    for (const agent of [shop.ada, shop.house]) {
      for (const { key, sealed } of stateOf(agent).dealings.values()) if (sealed) keys.set(`${agent.name}`, toHex(key));
    }
    for (const [name, { host }] of shop.modules) {
      for (const { session, channel } of host?.state.payments.values() ?? []) {
        if (session !== undefined) keys.set(`${name} MM/MM`, toHex(session));
        if (channel !== undefined) keys.set(`${name} TA/MM`, toHex(channel));
      }
    }
  });
  await shop.purchase({ buy: { payment } });
  expect(heldBy(shop.ada)).toHaveLength(1);
  return { shop, seen, keys };
}

const toPort = ({ message }: Seen) => message.to.startsWith('port:money');

describe('the channels of a purchase', () => {
  test('[CITI-F13] are three kinds of keys: one between the modules, one that all four share, one of the agents’ session', async () => {
    const { keys } = await watchPurchase();
    expect(keys.get('ada MM/MM')).toBe(keys.get('house MM/MM'));
    const shared = keys.get('ada');
    expect([keys.get('house'), keys.get('ada TA/MM'), keys.get('house TA/MM')]).toEqual([shared, shared, shared]);
    expect(shared).not.toBe(keys.get('ada MM/MM'));
    expect(new Set(keys.values()).size).toBe(2);
  });

  test('[CITI-F13] seal all that a module and its agent say once both have the key, each answer bound to what it answers', async () => {
    const { seen, keys } = await watchPurchase();
    const key = fromHex(keys.get('ada')!);
    const envelopes = seen.filter(toPort).map((one) => ({ ...one, envelope: readEnvelope(one.message.body) }));
    const kinds = (type: string) =>
      envelopes.filter(({ envelope }) => envelope.type === type).map(({ message }) => message.kind);
    // In the clear go what makes the key, and nothing else: no amount is verified, nothing executed outside.
    expect([...new Set(kinds('plain'))].sort()).toEqual(['payment-begin', 'payment-hear']);
    expect(kinds('sealed')).toEqual(
      expect.arrayContaining(['payment-verified', 'payment-execute', 'payment-commit', 'payment-hear']),
    );
    const executed = envelopes.find(({ message }) => message.kind === 'payment-execute')!;
    const { envelope } = executed;
    if (envelope.type !== 'sealed') throw new Error('not sealed');
    expect(openSealedRequest(envelope, key)).toEqual({ type: 'execute' });
    expect(() => openSealedRequest(envelope, new Uint8Array(32))).toThrow('cryptographic');
    expect(() => openSealedRequest({ ...envelope, number: envelope.number + 1 }, key)).toThrow('cryptographic');
    const place = { transaction: envelope.transaction, number: envelope.number };
    expect(readPortAnswer(place, executed.answer, key)).toMatchObject({ sealed: true, answer: { type: 'paid' } });
    const other = { ...place, number: place.number + 1 };
    expect(() => readPortAnswer(other, executed.answer, key)).toThrow('cryptographic');
  });

  test('[CITI-F13] carry what the modules say sealed twice between the agents, so that neither host side nor agent reads it', async () => {
    const { seen, keys } = await watchPurchase();
    const key = fromHex(keys.get('ada')!);
    /** What modules said to each other, as the agents passed it on. */
    const said = seen.filter(toPort).flatMap(({ message, answer }) => {
      const envelope = readEnvelope(message.body);
      const place = { transaction: envelope.transaction, number: envelope.number };
      const { answer: heard } = readPortAnswer(place, answer, key);
      return 'say' in heard && heard.say !== undefined ? [heard.say] : heard.type === 'say' ? [heard.bytes] : [];
    });
    expect(said.length).toBeGreaterThanOrEqual(6);
    const frames = seen.filter(({ message }) => message.kind === 'SessionFrame');
    for (const bytes of said) {
      for (const { message, answer } of frames) {
        expect(Buffer.from(message.body).includes(Buffer.from(bytes))).toBe(false);
        expect(Buffer.from(answer).includes(Buffer.from(bytes))).toBe(false);
      }
    }
    // After the greetings, what the agents carried says neither the amount nor that these are notes.
    const notes = new TextEncoder().encode('notes');
    for (const bytes of said.slice(2)) expect(Buffer.from(bytes).includes(Buffer.from(notes))).toBe(false);
  });

  /** A customer's device whose bus somebody taps: answers of the module are changed on their way. */
  async function withTappedBus(
    tap: (message: Outgoing, answer: Uint8Array, earlier: Uint8Array[]) => Uint8Array,
  ): Promise<Shop> {
    const earlier: Uint8Array[] = [];
    const alter = (party: AgentParty): AgentParty => ({
      ...party,
      wrapCourier(courier) {
        const own = party.wrapCourier?.(courier) ?? courier;
        return {
          async deliver(message, attempt) {
            const result = await own.deliver(message, attempt);
            if (!message.to.startsWith('port:') || result.type !== 'answered') return result;
            const body = tap(message, result.body, earlier);
            earlier.push(result.body);
            return { type: 'answered', body };
          },
        };
      },
    });
    const shop = await openShop({ modules, agents: { ada: { alter } } });
    await shop.purchase({ buy: { payment }, forMs: 600_000 });
    return shop;
  }

  test('[CITI-F13] believe no word of success that is not sealed, and no answer to another question', async () => {
    const lies: ((message: Outgoing, answer: Uint8Array, earlier: Uint8Array[]) => Uint8Array)[] = [
      () => plainPortAnswer({ type: 'paid', receipt: new Uint8Array(3) }),
      (_, _answer, earlier) => earlier.at(-1)!,
      (_, answer) => answer.map((byte, at) => (at === answer.length - 1 ? byte ^ 1 : byte)),
    ];
    for (const lie of lies) {
      let lied = 0;
      const shop = await withTappedBus((message, answer, earlier) => {
        // The agent asks again, and hears the truth in the end.
        if (message.kind !== 'payment-execute' || lied++ > 2) return answer;
        return lie(message, answer, earlier);
      });
      expect(lied).toBeGreaterThan(0);
      expect(heldBy(shop.ada)).toHaveLength(1);
      // What it believed is the module's own word.
      const [entry] = (await logOf(shop, shop.ada)).filter(({ kind }) => kind === 'bought');
      expect(Buffer.from(entry!.payment!.receipt!).includes('receipt')).toBe(true);
      expect(shop.modules.get('house')!.host!.state.balance).toBe(8900n);
      expect(isAtRest(shop.ada)).toBe(true);
    }
  });

  test('[CITI-F13] that are cut in the middle undo what is provisional', async () => {
    const shop = await withTappedBus((message, answer) =>
      message.kind === 'payment-hear' ? plainPortAnswer({ type: 'failed', reason: 'cut' }) : answer,
    );
    expect(whyFailed(shop.ada)).toHaveLength(1);
    expect(heldBy(shop.ada)).toEqual([]);
    expect([...shop.modules.values()].map(({ host }) => host!.state.balance)).toEqual([0n, 20_000n]);
  });
});
