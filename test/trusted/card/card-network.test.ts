/** The card network as a payment port: whose orders it takes, one authorisation for each transaction, captured only by a signed commit. */
import { beforeEach, describe, expect, it, test } from 'vitest';
import { toHex } from '../../../src/codec/hex.ts';
import { compactKeyOf, importCompactKey, makeCompactKey } from '../../../src/crypto/compact-key.ts';
import { systemRandom as random } from '../../../src/crypto/random.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import { createCardNetwork, readPortMessage } from '../../../src/trusted/card/card-network-machine.ts';
import { signCommitment } from '../../../src/trusted/message/commitment.ts';
import { messageIdentityOf } from '../../../src/trusted/message/envelope.ts';
import { type PaymentClaims, signPaymentOrder } from '../../../src/trusted/message/payment-order.ts';
import {
  openToNetwork,
  type PortRequest,
  plainToPort,
  readPortAnswer,
  sealToPort,
} from '../../../src/trusted/message/payment-port.ts';
import { encodeTicket } from '../../../src/trusted/ticket/compact-ticket.ts';
import { ticketIdOf } from '../../../src/trusted/ticket/ticket.ts';
import { calmWorld, createWorld } from '../../world/simulation.ts';
import { type Bank, openBank } from '../bank.ts';
import { type CertifiedAgent, listsOf, newAgent, newPrimary, newServer } from '../hierarchy.ts';
import { sample } from '../ticket/samples.ts';
import { issue } from '../ticket/ticket-fixture.ts';

const nowMs = 1_700_000_000_000;
const today = Math.floor(nowMs / 86_400_000);
const primary = newPrimary(1, random);
const lists = listsOf(primary);
const server = newServer({ primary, serverId: 17, random, expiresDay: today + 100 });
const agent = (serial: number, kind: 'customer' | 'merchant' | 'authority', expiresDay = today + 60) =>
  newAgent({ server, serial, random, kind, expiresDay });
const [ada, house, bankAgent, bob] = [
  agent(1, 'customer'),
  agent(2, 'merchant'),
  agent(3, 'authority'),
  agent(4, 'customer'),
] as [CertifiedAgent, CertifiedAgent, CertifiedAgent, CertifiedAgent];
const components = { ...sample('card'), expiresDay: today + 30 };
const card = issue({ issuer: bankAgent, receiver: ada, components, issuedOnDay: today });
const { scalar } = makeCompactKey(random);
const signer = ({ certificate, key }: CertifiedAgent) => ({ certificate, privateKey: key.privateKey });

let world: ReturnType<typeof createWorld>;
let bank: Bank;
let serial = 0;

beforeEach(() => {
  world = createWorld(1, calmWorld);
  bank = openBank(new Map([[components.number, 20_000n]]));
  world.addServer('bank', ({ body }) => bank.answer(body));
  world.addMachine('port:card', () => ({
    machine: createCardNetwork({ scalar, lists, interchange: 'bank' }),
    arrived: ({ body }) => readPortMessage(body, { scalar }),
    serve: (host, { body }) => host.handle({ ...messageIdentityOf(body), input: readPortMessage(body, { scalar }) }),
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
      ...{ ticketId: random(16), credentialId: Buffer.from(ticketIdOf(card), 'hex'), atS: nowMs / 1000 },
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
    expect(await say(to, authorise(refund), 'opening')).toMatchObject({ type: 'paid' });
    expect(await say(to, commit(to))).toEqual({ type: 'noted' });
    expect(statusOf(original)).toBe('refunded');
    expect(bank.limits.get(components.number)).toBe(20_000n);
    const again = newDialogue();
    const twice = orderOf(again, { refundOf: original.transaction });
    expect(await say(again, authorise(twice), 'opening')).toEqual({ type: 'failed', reason: 'given back already' });
  });

  test('[CITI-F21] is not authorised for another amount, by another merchant, or before it was captured', async () => {
    const original = await paid();
    const { transaction: refundOf } = original;
    const less = newDialogue();
    const amount = { currency: 'EUR', minor: 8901n };
    expect(await say(less, authorise(orderOf(less, { refundOf, amount })), 'opening')).toMatchObject({
      reason: 'another amount',
    });
    const shop = agent(9, 'merchant');
    const other = newDialogue();
    const by = authorise(orderOf(other, { refundOf, payee: shop.id }), { payee: shop.certificate });
    expect(await say(other, by, 'opening')).toMatchObject({ reason: 'other agents' });
    const open = newDialogue();
    await say(open, authorise(orderOf(open)), 'opening');
    const early = newDialogue();
    const soon = orderOf(early, { refundOf: open.transaction });
    expect(await say(early, authorise(soon), 'opening')).toMatchObject({ reason: 'nothing was paid' });
    expect(statusOf(original)).toBe('captured');
  });
});
