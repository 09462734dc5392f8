/** Credentials revalidated remotely, or in person only, and revoked (US 5,671,280, figure 28): each party on its own host. */
import { describe, expect, it, test } from 'vitest';
import { encodeCbor } from '../../../src/codec/cbor.ts';
import { decodeTrustedAnswer, encodeTrustedMessage } from '../../../src/trusted/message/envelope.ts';
import { standingUpdateShape } from '../../../src/trusted/message/standing-list.ts';
import type { Components } from '../../../src/trusted/ticket/components.ts';
import { CARD, CARD_NUMBER, fieldsOf, heldOf, LICENCE, openBureau, PASS, sayYes, withLicence } from '../bureau.ts';
import { about, isAtRest, noticesOf, stateOf } from '../opera.ts';
import { inTime, type TrustedAgent } from '../trusted-world.ts';

const SUBJECT = '640531-1';
const DAY_MS = 86_400_000;
const whys = (agent: TrustedAgent) => noticesOf(agent, 'failed').map(({ why }) => why);

/** A network in which devices stay certified while months pass. */
async function licenceNearItsEnd() {
  const world = await withLicence();
  const { trusted, cy, bureau } = world;
  const pass = async (days: number) => {
    for (let left = days; left > 0; left -= 40) {
      await trusted.run(Math.min(left, 40) * DAY_MS);
      for (const agent of [cy, bureau]) {
        await inTime(trusted.world, agent.command({ type: 'recertify', route: 'north' }));
        await trusted.run(5000);
      }
    }
  };
  await pass(75);
  return { ...world, pass };
}

describe('a credential near its end', () => {
  test('[CITI-F28] is revalidated remotely: paid, the new one held and the old one retired, on both sides and in the data base', async () => {
    const { trusted, cy, bureau, licence, captured, register, revalidate } = await licenceNearItsEnd();
    const [before] = heldOf(cy, LICENCE);
    expect(captured()).toBe(2_500n);
    await revalidate(cy, licence);
    const renewed = heldOf(cy, LICENCE);
    expect(renewed).toHaveLength(1);
    expect(renewed[0]!.ticketId).not.toBe(licence);
    expect(fieldsOf(renewed[0]!)).toMatchObject({ claims: fieldsOf(before!).claims as object });
    expect(Number(fieldsOf(renewed[0]!).expiresDay)).toBeGreaterThan(Number(fieldsOf(before!).expiresDay));
    // The authority's own credential was looked at before (step 966).
    expect(noticesOf(cy, 'confirm-credential').at(-1)?.credential.issuerName).toBe('Vägverket');
    expect(noticesOf(cy, 'confirm-delivery').at(-1)?.replaces).toBe(licence);
    expect(captured()).toBe(5_000n);
    expect(register.host!.state.issued.get(licence)?.standing).toBe('replaced');
    expect(register.host!.state.issued.get(renewed[0]!.ticketId)).toMatchObject({ standing: 'good', renewals: 1 });
    expect(stateOf(bureau).standings.own.list.listed.get(licence)).toBe('replaced');
    expect([cy, bureau].map(isAtRest)).toEqual([true, true]);
    expect(trusted.breaches).toEqual([]);
  });

  test('[CITI-F28] stays as it is when its owner has to come, and is revalidated when he has come', async () => {
    const { cy, bureau, register, revalidate, pass, visit, acquire } = await licenceNearItsEnd();
    const now = () => heldOf(cy, LICENCE)[0]!.ticketId;
    for (let times = 0; times < 2; times++) {
      await revalidate(cy, now());
      await pass(80);
    }
    const last = now();
    await revalidate(cy, last);
    expect(noticesOf(cy, 'revalidate-in-person')).toHaveLength(1);
    expect(noticesOf(bureau, 'revalidate-in-person')).toHaveLength(1);
    expect(now()).toBe(last);
    expect(register.host!.state.issued.get(last)).toMatchObject({ standing: 'good', renewals: 2 });
    expect([cy, bureau].map(isAtRest)).toEqual([true, true]);
    await acquire(cy, LICENCE, { code: await visit(SUBJECT, LICENCE) });
    const all = heldOf(cy, LICENCE).map(({ ticketId }) => ticketId);
    const fresh = all.filter((id) => register.host!.state.issued.get(id)?.standing === 'good');
    expect(fresh).toHaveLength(1);
    expect(register.host!.state.issued.get(fresh[0]!)).toMatchObject({ renewals: 0 });
  });

  test('[CITI-F28] is not revalidated too early, not paid, not confirmed, not for whom the data base excludes, and then nothing has changed', async () => {
    const early = await withLicence();
    await early.revalidate(early.cy, early.licence);
    expect(whys(early.cy)).toEqual(['refused: early']);

    const world = await licenceNearItsEnd();
    const { cy, bureau, licence, captured, held, bank, register, clerk, revalidate } = world;
    const fields = register.host!.state.records.get(SUBJECT)!.fields;
    await clerk({ type: 'record', record: { subject: SUBJECT, fields, eligible: false } });
    await revalidate(cy, licence);
    await clerk({ type: 'record', record: { subject: SUBJECT, fields, eligible: true } });
    sayYes(cy, { accept: 0 });
    await revalidate(cy, licence);
    sayYes(cy);
    bank.limits.set(CARD_NUMBER, 2_400n);
    await revalidate(cy, licence);
    expect(whys(cy)).toEqual(['refused: record', 'not confirmed', 'not paid']);
    expect(heldOf(cy, LICENCE).map(({ ticketId }) => ticketId)).toEqual([licence]);
    expect(captured()).toBe(2_500n);
    expect(held()).toBe(0);
    expect(register.host!.state.grants.size).toBe(0);
    expect(register.host!.state.issued.get(licence)?.standing).toBe('good');
    expect(stateOf(bureau).standings.own.list.version).toBe(0);
    expect([cy, bureau].map(isAtRest)).toEqual([true, true]);
  });

  test('[CITI-F28] is refused when it is not valid: revoked, of another authority, or one that the data base does not know', async () => {
    const { cy, authority, bureau, licence, register, clerk, give, revalidate, trusted } = await licenceNearItsEnd();
    await inTime(trusted.world, authority.command({ type: 'recertify', route: 'north' }));
    await trusted.run(5000);
    await give(authority, cy, [{ type: 'issue', components: fresh() }]);
    await revalidate(cy, heldOf(cy, 'corporate-seal')[0]!.ticketId);
    await give(bureau, cy, [{ type: 'issue', components: fresh() }]);
    await revalidate(cy, heldOf(cy, 'corporate-seal')[1]!.ticketId);
    await clerk({ type: 'set-standing', ticketId: licence, standing: 'suspended' });
    await trusted.run(5000);
    await revalidate(cy, licence);
    expect(whys(cy)).toEqual(['refused: TICKET_INVALID', 'refused: identity', 'refused: TICKET_INACTIVE']);
    await clerk({ type: 'set-standing', ticketId: licence, standing: 'good' });
    await trusted.run(5000);
    await revalidate(cy, licence);
    expect(heldOf(cy, LICENCE)[0]!.ticketId).not.toBe(licence);
    expect(register.host!.state.issued.get(licence)?.standing).toBe('replaced');
    expect([cy, bureau].map(isAtRest)).toEqual([true, true]);
  });

  it('that is being revalidated cannot be given away or shown meanwhile', async () => {
    const { cy, licence, trusted } = await licenceNearItsEnd();
    let tried = '';
    sayYes(cy);
    const { react } = cy;
    cy.react = (notice) => {
      react(notice);
      if (notice.type !== 'confirm-delivery') return;
      const items = [{ type: 'transfer', ticketId: licence }] as const;
      const gift = { type: 'give', matter: 'gift', route: 'bob', about, items, check: 0 } as const;
      trusted.world.clock.after(2, () => void cy.command(gift).catch((error) => (tried = error.code)));
    };
    const order = { type: 'revalidate', matter: 'renew', route: 'bureau', about, ticketId: licence } as const;
    const [first, second] = await inTime(
      trusted.world,
      Promise.allSettled([cy.command(order), cy.command({ ...order, matter: 'again' })]),
    );
    expect(first.status).toBe('fulfilled');
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'TICKET_UNDER_WAY' } });
    await trusted.run(5000);
    expect(tried).toBe('TICKET_UNDER_WAY');
    expect(stateOf(cy).tickets.has(licence)).toBe(false);
  });
});

const fresh = (): Components => ({
  ...{ type: 'corporate-seal', corporateName: 'Hansen', address: 'Havnegade 1', taxpayerId: 'DK-1' },
  expiresDay: 22_000,
});

describe('a revoked credential', () => {
  const learn = async ({ trusted, house, bureauId }: Awaited<ReturnType<typeof withLicence>>) => {
    await inTime(trusted.world, house.command({ type: 'fetch-standings', issuer: bureauId, route: 'bureau' }));
    await trusted.run(2000);
  };
  const showAtHouse = async (world: Awaited<ReturnType<typeof withLicence>>) => {
    const { cy, house, licence, present } = world;
    house.react = (notice) => {
      if (notice.type !== 'presented') return;
      void house.command({ type: 'use', session: notice.session, units: 0, last: 1 }).catch(() => undefined);
    };
    await present(cy, house, licence);
    return noticesOf(house, 'presented').at(-1)?.ticket;
  };

  test("[CITI-C] is refused by acceptors from the moment at which they have the authority's list, whose age they can tell", async () => {
    const world = await withLicence();
    const { cy, house, licence, clerk, trusted, bureauId } = world;
    const shown = await showAtHouse(world);
    expect(shown).toMatchObject({ ticketId: licence, standing: 'good' });
    expect(shown).not.toHaveProperty('listedAtS');
    await clerk({ type: 'set-standing', ticketId: licence, standing: 'revoked' });
    await trusted.run(3_700_000);
    // The house has no list, or an older one: it cannot know yet, and knows how old its list is.
    expect(await showAtHouse(world)).toMatchObject({ standing: 'good' });
    await trusted.run(3_700_000);
    await learn(world);
    const before = noticesOf(house, 'presented').length;
    await showAtHouse(world);
    expect(noticesOf(house, 'presented')).toHaveLength(before);
    expect(whys(cy)).toEqual(['refused: TICKET_INACTIVE']);
    const [list] = noticesOf(house, 'standings');
    expect(list).toMatchObject({ issuer: bureauId, version: 1 });
    expect(trusted.world.clock.nowMs() / 1000 - list!.atS).toBeLessThan(3700);
    await clerk({ type: 'set-standing', ticketId: licence, standing: 'good' });
    await trusted.run(2000);
    await learn(world);
    const again = await showAtHouse(world);
    expect(again).toMatchObject({ standing: 'good', listedAtS: noticesOf(house, 'standings').at(-1)!.atS });
  });

  it('is known to a door without a network by a list that somebody carries there, and by no list that was changed', async () => {
    const world = await withLicence();
    const { house, licence, clerk, trusted, bureauId } = world;
    await clerk({ type: 'set-standing', ticketId: licence, standing: 'revoked' });
    await trusted.run(2000);
    const body = encodeTrustedMessage({ type: 'standings', issuer: bureauId, version: 0 });
    const message = { id: 'list', to: 'bureau', kind: 'Standings', body };
    const fetched = await inTime(trusted.world, trusted.world.send('courier', message));
    const answer = fetched.type === 'answered' ? decodeTrustedAnswer(fetched.body) : undefined;
    const update = answer?.type === 'standings' ? answer.update : undefined;
    const carry = (changed: typeof update) =>
      inTime(
        trusted.world,
        house.command({ type: 'take-standings', update: encodeCbor(standingUpdateShape.encode(changed!)) }),
      );
    await expect(carry({ ...update!, changes: [] })).rejects.toMatchObject({ code: 'CRYPTOGRAPHIC_FAILURE' });
    await expect(carry({ ...update!, atS: update!.atS - 60 })).rejects.toMatchObject({ code: 'CRYPTOGRAPHIC_FAILURE' });
    await expect(carry({ ...update!, issuer: bureauId + 1 })).rejects.toMatchObject({ code: 'CERTIFICATE_UNFIT' });
    await expect(carry({ ...update!, after: 1 })).rejects.toMatchObject({ code: 'LIST_STALE' });
    await carry(update);
    await expect(carry(update)).rejects.toMatchObject({ code: 'LIST_STALE' });
    house.online = false;
    expect([...stateOf(house).standings.known.get(bureauId)!.listed]).toEqual([[licence, 'revoked']]);
  });

  it('stays revoked when it was being revalidated at the same moment', async () => {
    const { cy, bureau, licence, clerk, revalidate, register, trusted } = await licenceNearItsEnd();
    const { react } = cy;
    cy.react = (notice) => {
      if (notice.type === 'confirm-delivery')
        void clerk({ type: 'set-standing', ticketId: licence, standing: 'revoked' });
      react(notice);
    };
    await revalidate(cy, licence, 10_000);
    const renewed = [...register.host!.state.issued.values()].filter(({ wanted }) => wanted === LICENCE);
    expect(renewed.map(({ standing }) => standing).sort()).not.toContain('good');
    for (const { ticketId } of renewed) expect(stateOf(bureau).standings.own.list.listed.has(ticketId)).toBe(true);
    expect(trusted.breaches).toEqual([]);
  });
});

it('the pass of somebody is not revalidated by another device that copied its bytes', async () => {
  const { cy, bob, licence, acquire, give, revalidate } = await withLicence();
  await acquire(cy, PASS, { evidence: [{ ticketId: licence, fields: ['name'] }] });
  const [pass] = heldOf(cy, PASS);
  const copy = stateOf(cy).tickets.get(pass!.ticketId)!;
  await give(cy, bob, []).catch(() => undefined);
  (stateOf(bob).tickets as Map<string, typeof copy>).set(copy.id, copy);
  await revalidate(bob, copy.id);
  expect(whys(bob)).toEqual(['refused: TICKET_INVALID']);
});

it('an authority without a name issues nothing', async () => {
  const { trusted, cy, visit } = await openBureau();
  const nameless = trusted.addAgent('nameless');
  await trusted.certify(nameless, 'authority');
  const untilMs = trusted.world.clock.nowMs() + DAY_MS;
  await inTime(
    trusted.world,
    nameless.command({ type: 'expect', matter: 'desk', purpose: 'credential', about, untilMs }),
  );
  const code = await visit(SUBJECT, CARD);
  const order = { type: 'acquire', matter: 'acquire', route: 'nameless', about, evidence: [], code } as const;
  await inTime(trusted.world, cy.command({ ...order, wanted: CARD, check: 0 }));
  await trusted.run(5000);
  await inTime(trusted.world, cy.command({ ...order, wanted: CARD, check: 1 }));
  await trusted.run(5000);
  expect(whys(cy)).toEqual(['refused: COMMAND_UNTIMELY', 'no credential']);
});
