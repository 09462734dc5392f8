/** The card network as a payment port: whose orders it takes, one authorisation for each transaction, captured only by a signed commit. */
import { beforeEach, describe, expect, it, test } from 'vitest';
import { toHex } from '../../../src/codec/hex.ts';
import { compactKeyOf, importCompactKey, makeCompactKey } from '../../../src/crypto/compact-key.ts';
import { systemRandom as random } from '../../../src/crypto/random.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import { answerAtNetwork } from '../../../src/trusted/card/card-endpoint.ts';
import {
  type CardNetworkInput,
  createCardNetwork,
  readPortMessage,
} from '../../../src/trusted/card/card-network-machine.ts';
import type { CardNetworkState, CardRecord } from '../../../src/trusted/card/card-payment.ts';
import { restoreCardNetwork, snapshotCardNetwork } from '../../../src/trusted/card/card-snapshot.ts';
import { maxAborts } from '../../../src/trusted/card/forget-payments.ts';
import { signCommitment, signRefund } from '../../../src/trusted/message/commitment.ts';
import { decodeTrustedMessage, encodeTrustedAnswer } from '../../../src/trusted/message/envelope.ts';
import type { ListUpdate } from '../../../src/trusted/message/list-change.ts';
import { type PaymentClaims, signPaymentOrder } from '../../../src/trusted/message/payment-order.ts';
import {
  openToNetwork,
  type PortRequest,
  plainToPort,
  readPortAnswer,
  sealToPort,
} from '../../../src/trusted/message/payment-port.ts';
import { updateSince } from '../../../src/trusted/message/trust-lists.ts';
import { encodeTicket } from '../../../src/trusted/ticket/compact-ticket.ts';
import { ticketIdOf } from '../../../src/trusted/ticket/ticket.ts';
import { calmWorld, createWorld, type WorldMachine } from '../../world/simulation.ts';
import { type Bank, openBank } from '../bank.ts';
import { type CertifiedAgent, changesAfter, listsOf, newAgent, newPrimary, newServer } from '../hierarchy.ts';
import { sample } from '../ticket/samples.ts';
import { issue } from '../ticket/ticket-fixture.ts';
import { inTime } from '../trusted-world.ts';

const DAY_MS = 86_400_000;
const nowMs = 1_700_000_000_000;
const today = Math.floor(nowMs / 86_400_000);
const primary = newPrimary(1, random);
const lists = listsOf(primary);
const server = newServer({ primary, serverId: 17, random, expiresDay: today + 120 });
const agent = (serial: number, kind: 'customer' | 'merchant' | 'authority', expiresDay = today + 110) =>
  newAgent({ server, serial, random, kind, expiresDay });
const [ada, house, bankAgent, bob] = [
  agent(1, 'customer'),
  agent(2, 'merchant'),
  agent(3, 'authority'),
  agent(4, 'customer'),
] as [CertifiedAgent, CertifiedAgent, CertifiedAgent, CertifiedAgent];
const components = { ...sample('card'), expiresDay: today + 100 };
const card = issue({ issuer: bankAgent, receiver: ada, components, issuedOnDay: today });
const { scalar } = makeCompactKey(random);
const signer = ({ certificate, key }: CertifiedAgent) => ({ certificate, privateKey: key.privateKey });

let world: ReturnType<typeof createWorld>;
let bank: Bank;
let network: WorldMachine<CardNetworkState, CardNetworkInput, CardRecord>;
/** What the trusted server has to say of who is untrusted. */
let distrusted: ListUpdate;
let serial = 0;
/** How often the network's journal was written to. */
let appended = 0;

beforeEach(() => {
  world = createWorld(1, calmWorld);
  bank = openBank(new Map([[components.number, 20_000n]]));
  world.addServer('bank', ({ body }) => bank.answer(body));
  distrusted = { untrusted: [], primaryKeys: [] };
  world.addServer('registry', ({ body }) => {
    const asked = decodeTrustedMessage(body);
    if (asked.type !== 'lists') throw new TypeError(asked.type);
    return encodeTrustedAnswer({ type: 'lists', update: updateSince(distrusted, asked.versions) });
  });
  network = world.addMachine('port:card', () => ({
    machine: createCardNetwork({
      ...{ scalar, lists, interchange: 'bank', keepMs: 40 * DAY_MS },
      listsFrom: { server: 'registry', everyMs: 60_000 },
    }),
    arrived: ({ body }) => readPortMessage(body, { scalar }),
    wrapJournal: (journal) => ({
      ...journal,
      append(...entries) {
        appended++;
        return journal.append(...entries);
      },
    }),
    serve: (host, { body }) => answerAtNetwork(host, body, { scalar, nowMs: world.clock.nowMs() }),
  }));
});

interface Dialogue {
  readonly transaction: Uint8Array;
  readonly key: Uint8Array;
  number: number;
}

const newDialogue = (): Dialogue => ({ transaction: random(16), key: random(32), number: 0 });

async function send(body: Uint8Array) {
  const sent = world.send('house', { id: `m${++serial}`, to: 'port:card', kind: 'payment', body });
  await world.run(world.clock.nowMs() + 3000);
  return sent;
}

/** What the network answers, or the code of its refusal. */
async function say(to: Dialogue, request: PortRequest, way: 'opening' | 'sealed' | 'plain' = 'sealed') {
  const place = { transaction: to.transaction, number: ++to.number };
  const network = compactKeyOf(scalar);
  const options = { key: to.key, random };
  const body =
    way === 'opening'
      ? openToNetwork(place, request, { ...options, network: importCompactKey(network.x) })
      : way === 'sealed'
        ? sealToPort(place, request, options)
        : plainToPort(place, request);
  const result = await send(body);
  if (result.type !== 'answered') return result.code;
  return readPortAnswer(place, result.body, to.key).answer;
}

function orderOf(to: Dialogue, claims: Partial<PaymentClaims> = {}, by = ada): Uint8Array {
  return signPaymentOrder(
    {
      ...{ transaction: to.transaction, payee: house.id, amount: { currency: 'EUR', minor: 8900n } },
      ...{
        ticketId: random(16),
        credentialId: Buffer.from(ticketIdOf(card), 'hex'),
        atS: Math.floor(world.clock.nowMs() / 1000),
      },
      ...claims,
    },
    signer(by),
  );
}

const authorise = (
  order: Uint8Array,
  change: Partial<Extract<PortRequest, { type: 'authorise' }>> = {},
): PortRequest => ({
  ...{ type: 'authorise', order, credential: encodeTicket(card), payee: house.certificate },
  ...change,
});

/** As a payee's agent asks that agrees to it. */
const giveBack = (order: Uint8Array, by = house): PortRequest =>
  authorise(order, { payee: by.certificate, consent: signRefund(order, by.key.privateKey) });

const commit = (to: Dialogue, by = house): PortRequest => ({
  ...{ type: 'commit', proof: signCommitment(to.transaction, by.key.privateKey) },
});

const statusOf = ({ transaction }: Dialogue) => bank.payments.get(toHex(transaction))?.status;

describe('a card network', () => {
  it('holds the amount when it authorises, and takes it when the payee’s agent has signed that it committed', async () => {
    const to = newDialogue();
    expect(await say(to, authorise(orderOf(to)), 'opening')).toMatchObject({ type: 'paid' });
    expect(statusOf(to)).toBe('held');
    expect(await say(to, { type: 'query' })).toMatchObject({ type: 'paid' });
    for (const proof of [commit(to, bob), { type: 'commit', proof: new Uint8Array(64) } as const]) {
      expect(await say(to, proof)).toBe('PAYMENT_REFUSED');
    }
    expect(statusOf(to)).toBe('held');
    expect(await say(to, commit(to))).toEqual({ type: 'noted' });
    expect(await say(to, commit(to))).toEqual({ type: 'noted' });
    expect(statusOf(to)).toBe('captured');
    // What is captured is not undone by an abort.
    expect(await say(to, { type: 'abort' })).toBe('PAYMENT_REFUSED');
    expect(statusOf(to)).toBe('captured');
  });

  it('authorises a transaction once, however it is asked', async () => {
    const to = newDialogue();
    const order = orderOf(to);
    await say(to, authorise(order), 'opening');
    expect(await say(to, authorise(order), 'opening')).toEqual({ type: 'failed', reason: 'asked twice' });
    expect(await say(to, authorise(order))).toEqual({ type: 'failed', reason: 'asked twice' });
    // Somebody else has no part in it.
    expect(await say({ ...to, key: random(32) }, authorise(order), 'opening')).toBe('CRYPTOGRAPHIC_FAILURE');
    expect(bank.payments.size).toBe(1);
    expect(bank.faults).toEqual([]);
  });

  it('undoes what is aborted, also before it was heard of and while the bank is silent', async () => {
    const [first, second, third] = [newDialogue(), newDialogue(), newDialogue()];
    await say(first, authorise(orderOf(first)), 'opening');
    expect(await say(first, { type: 'abort' })).toEqual({ type: 'noted' });
    expect(statusOf(first)).toBe('released');
    expect(await say(first, commit(first))).toBe('PAYMENT_REFUSED');

    expect(await say(second, { type: 'abort' }, 'opening')).toEqual({ type: 'noted' });
    expect(await say(second, authorise(orderOf(second)), 'opening')).toEqual({ type: 'failed', reason: 'aborted' });
    expect(statusOf(second)).toBe(undefined);

    const mend = world.cut('port:card', 'bank');
    const place = { transaction: third.transaction, number: ++third.number };
    const network = importCompactKey(compactKeyOf(scalar).x);
    const asked = send(openToNetwork(place, authorise(orderOf(third)), { key: third.key, network, random }));
    expect(await say(third, { type: 'abort' })).toEqual({ type: 'noted' });
    mend();
    await world.run(world.clock.nowMs() + 200_000);
    void asked;
    expect(statusOf(third) ?? 'released').toBe('released');
    expect(bank.limits.get(components.number)).toBe(20_000n);
  });

  const wrongs: readonly (readonly [string, (to: Dialogue) => PortRequest])[] = [
    ['an order that nobody signed', () => authorise(new Uint8Array(200))],
    ['an order of another agent on this card', (to) => authorise(orderOf(to, {}, bob))],
    ['an order to pay another agent', (to) => authorise(orderOf(to, { payee: bob.id }))],
    ['an order of another transaction', (to) => authorise(orderOf(to, { transaction: random(16) }))],
    ['an order on another card', (to) => authorise(orderOf(to, { credentialId: random(16) }))],
    ['what is no card', (to) => authorise(orderOf(to), { credential: encodeTicket(licence) })],
    ['what is no ticket', (to) => authorise(orderOf(to), { credential: new Uint8Array(80) })],
    ['an order of yesterday', (to) => authorise(orderOf(to, { atS: nowMs / 1000 - 86_500 }))],
    ['a payee in the name of somebody else', (to) => authorise(orderOf(to), { payeeCredential: named(bob) })],
    ['a payee who shows a licence', (to) => authorise(orderOf(to), { payeeCredential: encodeTicket(licence) })],
    ['a refund of what was never paid', (to) => authorise(orderOf(to, { refundOf: random(16) }))],
  ];
  const licence = issue({ issuer: bankAgent, receiver: ada, components: sample('licence'), issuedOnDay: today });

  it.each(wrongs)('does not authorise %s', async (_, wrong) => {
    const to = newDialogue();
    expect(await say(to, wrong(to), 'opening')).toMatchObject({ type: 'failed' });
    expect(bank.payments.size).toBe(0);
  });

  it('hears nothing that is not encrypted to it, and nothing that makes no sense', async () => {
    const to = newDialogue();
    expect(await say(to, authorise(orderOf(to)), 'plain')).toBe('PAYMENT_REFUSED');
    expect(await say(to, { type: 'query' })).toBe('CRYPTOGRAPHIC_FAILURE');
    await say(to, authorise(orderOf(to)), 'opening');
    expect(await say(to, { type: 'execute' })).toBe('PAYMENT_REFUSED');
    for (const bytes of [new Uint8Array(), random(50), random(300)]) {
      expect(() => readPortMessage(bytes, { scalar })).toThrow(HandselError);
    }
  });
});

const named = (receiver: CertifiedAgent) =>
  encodeTicket(issue({ issuer: bankAgent, receiver, components: sample('merchant'), issuedOnDay: today }));

describe('what anybody can send', () => {
  it('leaves no record: questions, and orders that no certified agent has signed', async () => {
    const before = appended;
    for (let i = 0; i < 3; i++) {
      const to = newDialogue();
      expect(await say(to, { type: 'query' }, 'opening')).toMatchObject({ type: 'failed' });
      expect(await say(newDialogue(), authorise(random(200)), 'opening')).toMatchObject({ type: 'failed' });
      const stranger = newAgent({
        server: newServer({ primary: newPrimary(1, random), serverId: 17, random }),
        serial: 1,
        random,
      });
      const other = newDialogue();
      expect(await say(other, authorise(orderOf(other, {}, stranger)), 'opening')).toMatchObject({ type: 'failed' });
    }
    expect(appended).toBe(before);
    const known = newDialogue();
    await say(known, authorise(orderOf(known)), 'opening');
    expect(appended).toBeGreaterThan(before);
  });

  it('has a bound: aborts of what nobody knows, beyond which they are asked to come again', async () => {
    const { aborted } = network.host!.state;
    for (let i = 0; i < maxAborts; i++) aborted.set(`filled ${i}`, world.clock.nowMs());
    const late = newDialogue();
    const place = { transaction: late.transaction, number: 1 };
    const theNetwork = importCompactKey(compactKeyOf(scalar).x);
    const body = openToNetwork(place, { type: 'abort' }, { key: late.key, network: theNetwork, random });
    const asked = world.send('house', { id: 'late', to: 'port:card', kind: 'payment', body });
    await world.run(world.clock.nowMs() + 3000);
    expect(aborted.size).toBe(maxAborts);
    // What is known is undone all the same, and after some days there is room again.
    const to = newDialogue();
    await say(to, authorise(orderOf(to)), 'opening');
    expect(await say(to, { type: 'abort' })).toEqual({ type: 'noted' });
    expect(statusOf(to)).toBe('released');
    await world.run(world.clock.nowMs() + 3 * DAY_MS);
    expect(await say(newDialogue(), { type: 'abort' }, 'opening')).toEqual({ type: 'noted' });
    void asked;
  });
});

describe('who is paid', () => {
  it('is told to the bank by the name that an authority gave, if it was shown', async () => {
    const [shown, hidden] = [newDialogue(), newDialogue()];
    await say(shown, authorise(orderOf(shown), { payeeCredential: named(house) }), 'opening');
    await say(hidden, authorise(orderOf(hidden)), 'opening');
    const payees = [shown, hidden].map(({ transaction }) => bank.payments.get(toHex(transaction))?.payeeName);
    expect(payees).toEqual([sample('merchant').name, undefined]);
  });
});

describe('lists of the untrusted', () => {
  it('are asked for when the network is opened and from then on, also after a crash: who is on them pays and is paid no more', async () => {
    await world.run(world.clock.nowMs() + 1000);
    await inTime(world, network.host!.submit({ type: 'opened' }));
    const before = newDialogue();
    expect(await say(before, authorise(orderOf(before)), 'opening')).toMatchObject({ type: 'paid' });
    const changes = [{ type: 'distrust', party: { type: 'agent', agentId: ada.id } }] as const;
    distrusted = changesAfter({ lists: listsOf(primary), primary, changes, madeOnDay: today });
    await world.run(world.clock.nowMs() + 120_000);
    for (const crashed of [false, true]) {
      if (crashed) network.crash();
      await world.run(world.clock.nowMs() + 10_000);
      const after = newDialogue();
      expect(await say(after, authorise(orderOf(after)), 'opening')).toMatchObject({ type: 'failed' });
    }
    expect(network.host!.state.listsAtMs).toBeGreaterThan(nowMs);
    expect(restoreCardNetwork(snapshotCardNetwork(network.host!.state)).lists.untrusted.agents).toEqual(
      new Set([ada.id]),
    );
  });
});

describe('old payments', () => {
  it('are forgotten after the retention and not before, and nothing can be done with them any more', async () => {
    const old: Dialogue[] = [];
    for (let i = 0; i < 12; i++) {
      const to = newDialogue();
      await say(to, authorise(orderOf(to, { amount: { currency: 'EUR', minor: 100n } })), 'opening');
      await say(to, commit(to));
      old.push(to);
    }
    const aborted = newDialogue();
    await say(aborted, { type: 'abort' }, 'opening');
    const known = () => network.host!.state.payments.size;
    const another = async () => {
      const to = newDialogue();
      return say(to, authorise(orderOf(to, { amount: { currency: 'EUR', minor: 100n } })), 'opening');
    };
    await world.run(world.clock.nowMs() + 39 * DAY_MS);
    await another();
    expect(known()).toBe(13);
    await world.run(world.clock.nowMs() + 2 * DAY_MS);
    // Some with each new one, so that no payment waits for the rest.
    await another();
    expect(known()).toBe(13 - 8 + 1);
    await another();
    expect([known(), network.host!.state.aborted.size]).toEqual([3, 0]);
    const refund = newDialogue();
    const order = orderOf(refund, { refundOf: old[0]!.transaction });
    expect(await say(refund, giveBack(order), 'opening')).toMatchObject({ reason: 'nothing was paid' });
    expect(await say(old[0]!, { type: 'query' })).toBe('CRYPTOGRAPHIC_FAILURE');
  });
});

describe('a refund', () => {
  async function paid() {
    const to = newDialogue();
    await say(to, authorise(orderOf(to)), 'opening');
    await say(to, commit(to));
    return to;
  }

  test('[CITI-F21] goes back the original way, the whole amount, once', async () => {
    const original = await paid();
    const to = newDialogue();
    const refund = orderOf(to, { refundOf: original.transaction });
    expect(await say(to, giveBack(refund), 'opening')).toMatchObject({ type: 'paid' });
    expect(await say(to, commit(to))).toEqual({ type: 'noted' });
    expect(statusOf(original)).toBe('refunded');
    expect(bank.limits.get(components.number)).toBe(20_000n);
    const again = newDialogue();
    const twice = orderOf(again, { refundOf: original.transaction });
    expect(await say(again, giveBack(twice), 'opening')).toEqual({ type: 'failed', reason: 'given back already' });
  });

  test('[CITI-F21] is nothing that the customer’s agent can take by itself: the payee has signed it', async () => {
    const original = await paid();
    const refundOf = original.transaction;
    const byBob = (order: Uint8Array) => authorise(order, { consent: signRefund(order, bob.key.privateKey) });
    const ofAnother = (_: Uint8Array) => {
      const other = orderOf(newDialogue(), { refundOf });
      return authorise(_, { consent: signRefund(other, house.key.privateKey) });
    };
    for (const asked of [authorise, byBob, ofAnother]) {
      const to = newDialogue();
      expect(await say(to, asked(orderOf(to, { refundOf })), 'opening')).toMatchObject({ type: 'failed' });
    }
    expect(statusOf(original)).toBe('captured');
  });

  test('[CITI-F21] is not authorised for another amount, by another merchant, or before it was captured', async () => {
    const original = await paid();
    const { transaction: refundOf } = original;
    const less = newDialogue();
    const amount = { currency: 'EUR', minor: 8901n };
    expect(await say(less, giveBack(orderOf(less, { refundOf, amount })), 'opening')).toMatchObject({
      reason: 'another amount',
    });
    const shop = agent(9, 'merchant');
    const other = newDialogue();
    const by = giveBack(orderOf(other, { refundOf, payee: shop.id }), shop);
    expect(await say(other, by, 'opening')).toMatchObject({ reason: 'other agents' });
    const open = newDialogue();
    await say(open, authorise(orderOf(open)), 'opening');
    const early = newDialogue();
    const soon = orderOf(early, { refundOf: open.transaction });
    expect(await say(early, giveBack(soon), 'opening')).toMatchObject({ reason: 'nothing was paid' });
    expect(statusOf(original)).toBe('captured');
  });
});
