/** A gateway gives back what it captured: to the same card, once for each reference, never more than was captured, whoever crashes. */
import { describe, expect, test } from 'vitest';
import { decodeCborExact } from '../../src/codec/cbor.ts';
import { sha256 } from '../../src/crypto/digest.ts';
import { amountOf } from '../../src/money/amount.ts';
import { capturedIn } from '../../src/set/gateway/decide-credit.ts';
import { createParties, openWorld, PAN, type World, type WorldOptions } from './purchase-fixture.ts';

const parties = createParties();
async function sold(options: WorldOptions = {}, captureNow = true): Promise<World> {
  const world = await openWorld({ parties, ...options });
  await world.order({ captureNow });
  void world.pay();
  await world.run(5000);
  return world;
}

const keyIn = ({ gateway }: World) => [...gateway.state.used.keys(), ...gateway.state.held.keys()][0]!;
const EUR = (minor: bigint) => amountOf('EUR', minor);

/** Asked for by whoever has seen why; resolves with the interchange's answer. */
async function credit(world: World, reference: string, minor: bigint): Promise<unknown> {
  const purchase = capturedIn(await world.gateway.readByKey(keyIn(world)));
  if (purchase === undefined) throw new Error('it was not captured');
  const messageId = `credit ${reference}`;
  const digest = sha256(new TextEncoder().encode(`${reference} ${minor}`));
  const input = { type: 'credit', messageId, credit: { purchase, reference, amount: EUR(minor) } } as const;
  const answer = world.gateway.handle({ messageId, digest, input });
  answer.catch(() => {});
  await world.run(5000);
  return decodeCborExact(await answer, { maxBytes: 16 });
}

const credits = ({ cardRequests }: World) => cardRequests.filter(({ type }) => type === 'credit');

describe('a credit', () => {
  test('goes to the same card, names the charge, and is answered as the banks answer', async () => {
    const world = await sold();
    expect(await credit(world, 'aa', 1250n)).toBe('00');
    const [charge] = world.cardRequests;
    expect(credits(world)).toMatchObject([
      { pan: PAN, amount: EUR(1250n), original: { type: 'purchase', stan: (charge as { stan: number }).stan } },
    ]);
    // No card number lies in the journal.
    const entries: string[] = [];
    for await (const { body } of world.journals.gateway.read(0)) entries.push(Buffer.from(body).toString('latin1'));
    expect(entries.length).toBeGreaterThan(3);
    expect(entries.join()).not.toContain(PAN);
  });

  test('asked for again is the same one; several together are never more than was captured', async () => {
    const world = await sold();
    expect([await credit(world, 'aa', 1000n), await credit(world, 'aa', 1000n)]).toEqual(['00', '00']);
    await expect(credit(world, 'bb', 251n)).rejects.toMatchObject({ code: 'CREDIT_REFUSED' });
    expect(await credit(world, 'cc', 250n)).toBe('00');
    await expect(credit(world, 'dd', 1n)).rejects.toMatchObject({ code: 'CREDIT_REFUSED' });
    expect(credits(world)).toHaveLength(2);
  });

  test('that the bank will not give leaves everything as it was, and may be asked for otherwise', async () => {
    let code = '25';
    const world = await sold({ acquirer: ({ type }) => (type === 'credit' ? code : '00') });
    expect(await credit(world, 'aa', 1250n)).toBe('25');
    code = '00';
    expect(await credit(world, 'bb', 1250n)).toBe('00');
  });

  test('is not given for what was declined, or only authorised', async () => {
    const declined = await sold({ acquirer: () => '05' });
    await expect(credit(declined, 'aa', 1250n)).rejects.toThrow('not captured');
    const held = await sold({}, false);
    await expect(credit(held, 'aa', 1250n)).rejects.toThrow('not captured');
  });

  test('survives a power cut while the banks are asked: the same message again, given once', async () => {
    let answers = false;
    const acquirer: WorldOptions['acquirer'] = ({ type }) => (type === 'credit' && !answers ? undefined : '00');
    const before = await sold({ acquirer });
    const asked = credit(before, 'aa', 1250n);
    asked.catch(() => {});
    await before.run(3000);
    const disks = { gateway: before.journals.gateway.powerCut() };
    answers = true;
    const world = await openWorld({ parties, clock: before.clock, disks, acquirer });
    await world.run(70_000);
    expect(await credit(world, 'aa', 1250n)).toBe('00');
    await expect(credit(world, 'bb', 1n)).rejects.toMatchObject({ code: 'CREDIT_REFUSED' });
    const stans = new Set([...credits(before), ...credits(world)].map(({ stan }) => stan));
    expect([stans.size, credits(world).length]).toEqual([1, 1]);
  });

  test('with an answer to something else is asked for again', async () => {
    let lies = 2;
    const world = await sold({
      acquirer: (request) => {
        if (request.type !== 'credit' || lies-- <= 0) return '00';
        const { type, transmittedAt, stan, retrievalReference } = request;
        const of = { type, transmittedAt, retrievalReference, responseCode: '00' };
        return lies === 1 ? { ...of, stan: stan + 1, amount: EUR(1250n) } : { ...of, stan, amount: EUR(1n) };
      },
    });
    expect(await credit(world, 'aa', 1250n)).toBe('00');
    expect(credits(world)).toHaveLength(3);
  });
});
