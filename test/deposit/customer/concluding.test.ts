/** Concluding deposits on the device: by will, by idleness, by time; and what an operator may and may not charge (ERI-10, ERI-11). */
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../../src/crypto/digest.ts';
import { signMessage } from '../../../src/crypto/signed-message.ts';
import { readFinished } from '../../../src/deposit/customer/finished-deposit.ts';
import { depositKey } from '../../../src/deposit/customer/purse-state.ts';
import { depositRefusedType } from '../../../src/deposit/message/initiation.ts';
import { allow, HOUR, type Lies, type PurseWorld, RATE, signerOf, startAllowed, startPurse } from './purse-world.ts';

const limitOf = ({ host }: PurseWorld) => host.state.limits.get('pocket')!;

/** Spends 2.00 EUR of 8.00 in two purchases: 2.50 USD of 10.00. */
async function spent(lies: Lies = {}): Promise<{ readonly world: PurseWorld; readonly transaction: string }> {
  const world = await startAllowed({ lies });
  const transaction = await world.open();
  await world.buy(transaction, 15_000);
  await world.buy(transaction, 5_000);
  return { world, transaction };
}

async function close({ spender, run }: PurseWorld, transaction: string) {
  const closing = spender.close(transaction);
  closing.catch(() => undefined);
  await run(1000);
  return closing;
}

describe('closing', () => {
  test('tells the merchant, proves what was released, and gives the rest back to the limit', async () => {
    const { world, transaction } = await spent();
    expect(await close(world, transaction)).toEqual({ outcome: 'concluded', bookedMinor: 250n, reasons: [] });
    expect(world.counterparts.terminated).toEqual([transaction]);
    expect(world.counterparts.records.get(transaction)).toMatchObject({ count: 2, units: 20_000 });
    expect(limitOf(world)).toMatchObject({ heldMinor: 0n, spentMinor: 250n });
    expect(world.host.state.deposits.size).toBe(0);
    const records = await world.host.readByKey(depositKey(transaction));
    expect(records.at(-1)).toMatchObject({ type: 'finished', finished: { outcome: 'concluded', bookedMinor: 250n } });
  });

  test('twice gives the same ending', async () => {
    const { world, transaction } = await spent();
    const ending = await close(world, transaction);
    expect(await close(world, transaction)).toEqual(ending);
    await expect(close(world, 'bank.9.9')).rejects.toMatchObject({ code: 'DEPOSIT_UNKNOWN' });
  });

  test('leaves the limit enough for the next one', async () => {
    const { world, transaction } = await spent();
    await expect(world.want({ depositMinor: 4001n })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await close(world, transaction);
    await expect(world.want({ depositMinor: 4751n })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await world.open({ depositMinor: 4750n });
  });

  test('without a purchase costs nothing and shows no evidence', async () => {
    const world = await startAllowed();
    const transaction = await world.open();
    expect(await close(world, transaction)).toMatchObject({ outcome: 'concluded', bookedMinor: 0n });
    expect(world.counterparts.records.get(transaction)).not.toHaveProperty('released');
  });

  test('sends the record again, byte for byte, until there is a statement', async () => {
    let silent = 4;
    const { world, transaction } = await spent({
      reply: ({ kind }) => {
        if (kind === 'deposit-record' && silent-- > 0) throw new Error('not yet');
        return undefined;
      },
    });
    const closing = world.spender.close(transaction);
    await world.run(10_000);
    expect(await closing).toMatchObject({ outcome: 'concluded' });
    const sent = world.counterparts.sent.filter(({ kind }) => kind === 'deposit-record');
    expect(sent.length).toBe(5);
    expect(new Set(sent.map(({ body }) => Buffer.from(sha256(body)).toString('hex'))).size).toBe(1);
  });

  test('tells no operator what was bought', async () => {
    const { world, transaction } = await spent();
    await close(world, transaction);
    const request = Buffer.from(world.till(transaction).taken[0]!.request);
    expect(world.counterparts.sent.some(({ body }) => Buffer.from(body).includes(request))).toBe(false);
  });

  test('stops the spender', async () => {
    const { world, transaction } = await spent();
    const closing = world.spender.close(transaction);
    await expect(world.buy(transaction, 1)).rejects.toMatchObject({ code: 'DEPOSIT_CLOSED' });
    await world.run(1000);
    await closing;
    await expect(world.buy(transaction, 1)).rejects.toMatchObject({ code: 'DEPOSIT_UNKNOWN' });
  });
});

describe('time', () => {
  test('concludes a deposit nobody uses, with everything that was released', async () => {
    const { world, transaction } = await spent();
    await world.run(HOUR - 1000);
    expect(world.deposit(transaction).phase).toBe('open');
    await world.run(2000);
    expect(world.counterparts.records.get(transaction)).toMatchObject({ count: 2, units: 20_000 });
    expect(await readFinished(world.host, transaction)).toMatchObject({ outcome: 'concluded', bookedMinor: 250n });
  });

  test('does not conclude one that is used now and then', async () => {
    const { world, transaction } = await spent();
    for (let i = 0; i < 6; i++) {
      await world.run(HOUR / 2);
      await world.buy(transaction, 1);
    }
    expect(world.deposit(transaction).phase).toBe('open');
  });

  test('does not conclude one that is used without a lull', async () => {
    const world = await startAllowed();
    const transaction = await world.open({ idleMs: 10_000 });
    for (let i = 0; i < 50; i++) {
      await world.buy(transaction, 1);
      await world.run(1000);
    }
    expect(world.deposit(transaction).phase).toBe('open');
  });

  test('concludes a deposit at its end', async () => {
    const world = await startAllowed();
    const transaction = await world.open({ endsAtMs: world.clock.nowMs() + HOUR, idleMs: 2 * HOUR });
    await world.buy(transaction, 20_000);
    await world.run(HOUR + 10_000);
    expect(await readFinished(world.host, transaction)).toMatchObject({ outcome: 'concluded', bookedMinor: 250n });
  });

  test('goes on after a restart', async () => {
    const { world, transaction } = await spent();
    await world.run(5000);
    const disk = world.crash();
    const again = await startPurse({ clock: world.clock, counterparts: world.counterparts, disk });
    await again.run(HOUR);
    expect(await readFinished(again.host, transaction)).toMatchObject({ outcome: 'concluded', bookedMinor: 250n });
  });
});

describe('a statement', () => {
  test.each<[string, RegExp, Lies]>([
    [
      'of more than was released',
      /only 200 were released/,
      { clearing: (c) => ({ ...c, paid: { ...c.paid, minor: 201n }, unused: { ...c.unused, minor: 599n } }) },
    ],
    ['of more purchases', /only 2 were released/, { clearing: (c) => ({ ...c, count: 3 }) }],
    ['over another list', /another one/, { clearing: (c) => ({ ...c, head: new Uint8Array(32) }) }],
    ['with another merchant', /not with shop/, { clearing: (c) => ({ ...c, merchant: 'casino' }) }],
    [
      'at another rate',
      /not the one of the session/,
      { clearing: (c) => ({ ...c, rate: { ...RATE, numerator: 3n } }) },
    ],
    [
      'that loses the rest',
      /unused are not the deposit/,
      { clearing: (c) => ({ ...c, unused: { ...c.unused, minor: 500n } }) },
    ],
    [
      'about another record',
      /not the customer's record/,
      { clearing: (c) => ({ ...c, customerRecord: new Uint8Array(32) }) },
    ],
    [
      'that books more than the clearing says',
      /251 minor units are booked for what costs 250/,
      {
        statement: (s) => ({
          ...s,
          booked: { ...s.booked, minor: 251n },
          returned: { ...s.returned, minor: 749n },
        }),
      },
    ],
    [
      'that does not add up',
      /not the deposit/,
      { statement: (s) => ({ ...s, returned: { ...s.returned, minor: 700n } }) },
    ],
    [
      'in another currency',
      /The account is in USD/,
      { statement: (s) => ({ ...s, booked: { ...s.booked, currency: 'EUR' } }) },
    ],
  ])('%s is kept as disputed', async (_, reason, lies) => {
    const { world, transaction } = await spent(lies);
    const ending = await close(world, transaction);
    expect(ending.outcome).toBe('disputed');
    expect(ending.reasons.join(' ')).toMatch(reason);
    const finished = await readFinished(world.host, transaction);
    expect(finished!.statement).toBeInstanceOf(Uint8Array);
    expect(finished!.reasons).toEqual(ending.reasons);
  });

  test('of less than was released is fine', async () => {
    const { world, transaction } = await spent({
      clearing: (c) => ({ ...c, paid: { ...c.paid, minor: 100n }, unused: { ...c.unused, minor: 700n }, count: 1 }),
    });
    expect(await close(world, transaction)).toMatchObject({ outcome: 'concluded', bookedMinor: 125n });
  });

  test('that charges a deposit which never opened is disputed', async () => {
    const world = await startAllowed({
      lies: {
        opened: (o) => ({ ...o, url: 'nowhere' }),
        statement: (s) => ({
          ...s,
          booked: { ...s.booked, minor: 1000n },
          returned: { ...s.returned, minor: 0n },
        }),
      },
    });
    expect(await world.want()).toMatchObject({ code: 'DEPOSIT_REFUSED' });
    await world.run(1000);
    expect(await readFinished(world.host, 'bank.1.1')).toMatchObject({ outcome: 'disputed', bookedMinor: 1000n });
    expect(limitOf(world)).toMatchObject({ heldMinor: 0n, spentMinor: 1000n });
  });

  test('that charges what rounding leaves of a deposit from which nothing was bought is disputed', async () => {
    // 10.01 USD are 8.00 EUR, and 8.00 EUR are 10.00 USD.
    const cent = { currency: 'USD', minor: 1n };
    const world = await startAllowed({
      lies: { statement: (s) => ({ ...s, booked: cent, returned: { ...cent, minor: 1000n } }) },
    });
    const ending = await close(world, await world.open({ depositMinor: 1001n }));
    expect(ending).toMatchObject({ outcome: 'disputed', reasons: ['1 minor units are booked for what costs 0.'] });
  });

  test('of somebody else, or about another deposit, is no statement', async () => {
    const lies: Lies = {};
    const { world, transaction } = await spent(lies);
    lies.signer = signerOf('other');
    void world.spender.close(transaction).catch(() => undefined);
    await world.run(60_000);
    expect(await readFinished(world.host, transaction)).toBeUndefined();

    const another = await spent({ clearing: (c) => ({ ...c, transaction: 'bank.8.8' }) });
    void another.world.spender.close(another.transaction).catch(() => undefined);
    await another.world.run(60_000);
    expect(await readFinished(another.world.host, another.transaction)).toBeUndefined();
  });
});

describe('without a statement', () => {
  test('the operator may say in signed bytes that nothing is taken', async () => {
    const refused = (transaction: string) => ({ transaction, code: 'DEPOSIT_CLOSED', detail: 'it is over' });
    const { world, transaction } = await spent({
      reply: ({ kind }) =>
        kind === 'deposit-record'
          ? { type: 'answered', body: signMessage(depositRefusedType, refused('bank.1.1'), signerOf('bank')) }
          : undefined,
    });
    expect(await close(world, transaction)).toMatchObject({ outcome: 'lapsed', bookedMinor: 0n });
    expect(limitOf(world)).toMatchObject({ heldMinor: 0n, spentMinor: 0n });
  });

  test('nobody else’s word and no word about another deposit ends it', async () => {
    const word = (transaction: string, by: string) => ({
      type: 'answered' as const,
      body: signMessage(depositRefusedType, { transaction, code: 'DEPOSIT_CLOSED', detail: '' }, signerOf(by)),
    });
    for (const answer of [word('bank.8.8', 'bank'), word('bank.1.1', 'other')]) {
      const { world, transaction } = await spent({
        reply: ({ kind }) => (kind === 'deposit-record' ? answer : undefined),
      });
      void world.spender.close(transaction).catch(() => undefined);
      await world.run(60_000);
      expect(await readFinished(world.host, transaction)).toBeUndefined();
    }
  });

  test('the limit is kept after its time, until the deposit is settled', async () => {
    let lost = true;
    const lies: Lies = {
      reply: ({ kind }) => {
        if (lost && kind === 'deposit-record') throw new Error('lost');
        return undefined;
      },
    };
    const world = await startPurse({ lies });
    const endsAtMs = world.clock.nowMs() + HOUR;
    await allow(world, { expiresAtMs: endsAtMs });
    await world.open({ endsAtMs });
    await world.run(2 * HOUR);
    expect(limitOf(world)).toMatchObject({ heldMinor: 1000n });
    lost = false;
    await world.run(30 * HOUR);
    expect(world.host.state.limits.size).toBe(0);
  });

  test.each<[string, Lies['reply']]>([
    ['is refused', ({ kind }) => (kind === 'deposit-record' ? { type: 'refused', code: 'NO', detail: '' } : undefined)],
    [
      'is never answered',
      ({ kind }) => {
        if (kind === 'deposit-record') throw new Error('lost');
        return undefined;
      },
    ],
  ])('a record that %s leaves counted what may still be charged', async (_, reply) => {
    const { world, transaction } = await spent({ reply: reply! });
    void world.spender.close(transaction).catch(() => undefined);
    await world.run(10 * 24 * HOUR);
    expect(await readFinished(world.host, transaction)).toMatchObject({ outcome: 'unsettled', spentMinor: 250n });
    expect(limitOf(world)).toMatchObject({ heldMinor: 0n, spentMinor: 250n });
  });

  test('an operator silent about the merchant gets a record that nothing was released', async () => {
    const silent = { transaction: 'bank.1.1', code: 'OPERATOR_SILENT', detail: 'no word of the other operator' };
    let world: PurseWorld | undefined;
    const lies: Lies = {};
    world = await startAllowed({ lies });
    lies.opened = (opened) => opened;
    lies.reply = (message) => {
      if (message.kind !== 'deposit-initiation') return undefined;
      delete lies.reply;
      void world!.counterparts.deliver(message);
      return { type: 'answered', body: signMessage(depositRefusedType, silent, signerOf('bank')) };
    };
    expect(await world.want()).toMatchObject({ code: 'OPERATOR_SILENT' });
    await world.run(1000);
    expect(world.counterparts.records.get('bank.1.1')).toMatchObject({ count: 0, units: 0 });
    expect(await readFinished(world.host, 'bank.1.1')).toMatchObject({ outcome: 'refused', bookedMinor: 0n });
  });
});
