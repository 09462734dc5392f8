/** Credentials acquired from an authority (US 5,671,280, figures 26 and 27): its device, its server, the customer's device, each on its own host. */
import { describe, expect, it, test } from 'vitest';
import { decodeTicket } from '../../../src/trusted/ticket/compact-ticket.ts';
import { sectionsOf } from '../../../src/trusted/ticket/ticket.ts';
import {
  ada,
  CARD,
  CARD_NUMBER,
  fieldsOf,
  heldOf,
  LICENCE,
  openBureau,
  PASS,
  PERMIT,
  SEAL,
  sayYes,
  withLicence,
} from '../bureau.ts';
import { certifiedOf, isAtRest, noticesOf, receivedBy, stateOf } from '../opera.ts';
import { inTime } from '../trusted-world.ts';

const SUBJECT = '640531-1';
const DAY_MS = 86_400_000;

describe('a credential acquired in person', () => {
  test('[CITI-F26] [CITI-F27] is made of the data base, confirmed by its owner, and on record once it is held', async () => {
    const { trusted, bureau, cy, visit, acquire, register } = await openBureau();
    await acquire(cy, SEAL, { code: await visit(SUBJECT, SEAL) });

    expect(noticesOf(cy, 'confirm-credential')).toHaveLength(1);
    const [asked] = noticesOf(cy, 'confirm-delivery');
    const seal = { corporateName: ada.corporateName, address: ada.address, taxpayerId: ada.taxpayerId };
    expect(fieldsOf(asked!.credential)).toMatchObject(seal);
    const [ticketId] = receivedBy(cy);
    const sections = sectionsOf(decodeTicket(stateOf(cy).tickets.get(ticketId!)!.bytes));
    expect(sections.components).toMatchObject({ type: 'corporate-seal', ...seal });
    expect(sections.identifier.issuer.name).toBe('Vägverket');
    expect(sections.identifier.receiver.agentId).toBe(certifiedOf(cy).certificate.agentId);
    expect(sections.issuerCertificate.kind).toBe('authority');
    expect([...register.host!.state.issued.values()]).toMatchObject([{ ticketId, subject: SUBJECT, standing: 'good' }]);
    expect(register.host!.state.visits.size + register.host!.state.grants.size).toBe(0);
    expect([bureau, cy].map(isAtRest)).toEqual([true, true]);
    expect(trusted.breaches).toEqual([]);
  });

  test('[CITI-F27] that costs something is held when the card network has authorised, and then it is paid once', async () => {
    const { captured, held, cy, bureau } = await withLicence();
    expect(receivedBy(cy)).toHaveLength(2);
    const [, asked] = noticesOf(cy, 'confirm-delivery');
    expect(asked?.price).toEqual({ currency: 'EUR', minor: 2_500n });
    expect(captured()).toBe(2_500n);
    expect(held()).toBe(0);
    expect([bureau, cy].map(isAtRest)).toEqual([true, true]);
  });

  test('[CITI-F27] may be paid between money modules, and is not held when there is not enough', async () => {
    const { cy, bureau, modules, visit, acquire, register, trusted } = await openBureau();
    const balances = () => [...modules.values()].map(({ host }) => host!.state.balance);
    sayYes(cy, { payment: { type: 'module', initiator: 'payer' } });
    await acquire(cy, PERMIT, { code: await visit(SUBJECT, PERMIT), forMs: 10_000 });
    expect(heldOf(cy, PERMIT)).toHaveLength(1);
    expect(balances()).toEqual([700n, 300n]);
    expect(register.host!.state.issued.size).toBe(1);
    await acquire(cy, LICENCE, { code: await visit(SUBJECT, LICENCE), forMs: 10_000 });
    expect(heldOf(cy, LICENCE)).toEqual([]);
    expect(noticesOf(cy, 'failed')).toHaveLength(1);
    expect(balances()).toEqual([700n, 300n]);
    await trusted.run(300_000);
    expect(register.host!.state.grants.size).toBe(0);
    expect([bureau, cy].map(isAtRest)).toEqual([true, true]);
    expect(trusted.breaches).toEqual([]);
  });

  test('[CITI-F27] whose price is not paid is not held, and its code still counts', async () => {
    const bureau = await openBureau();
    const { cy, visit, acquire, captured, held, bank, register } = bureau;
    bank.limits.set(CARD_NUMBER, 2_400n);
    await acquire(cy, CARD, { code: await visit(SUBJECT, CARD) });
    const code = await visit(SUBJECT, LICENCE);
    await acquire(cy, LICENCE, { code });
    expect(noticesOf(cy, 'failed').map(({ why }) => why)).toEqual(['not paid']);
    expect(heldOf(cy, LICENCE)).toEqual([]);
    expect([captured(), held()]).toEqual([0n, 0]);
    expect(register.host!.state.grants.size).toBe(0);
    bank.limits.set(CARD_NUMBER, 2_500n);
    await acquire(cy, LICENCE, { code });
    expect(heldOf(cy, LICENCE)).toHaveLength(1);
    expect(captured()).toBe(2_500n);
  });

  test('[CITI-F26] is refused for a code that nobody was given, that was for something else, is used up, or too old', async () => {
    const { trusted, cy, bob, visit, acquire, register } = await openBureau();
    const whys = () => noticesOf(cy, 'failed').map(({ why }) => why);
    await acquire(cy, SEAL, { code: new Uint8Array(13).fill(99) });
    await acquire(cy, SEAL);
    await acquire(cy, SEAL, { code: await visit(SUBJECT, PASS) });
    const code = await visit(SUBJECT, SEAL);
    await trusted.run(3_700_000);
    await acquire(cy, SEAL, { code });
    expect(whys()).toEqual(Array(4).fill('refused: identity'));
    const good = await visit(SUBJECT, SEAL);
    await acquire(bob, SEAL, { code: good });
    await acquire(cy, SEAL, { code: good });
    expect(whys()).toEqual(Array(5).fill('refused: identity'));
    expect(heldOf(bob, 'corporate-seal')).toHaveLength(1);
    expect(register.host!.state.issued.size).toBe(1);
  });

  test('[CITI-F26] is refused when the data base says no: not eligible, not issued here, not for that kind, a record with gaps', async () => {
    const { cy, bureau, visit, acquire, clerk } = await openBureau();
    const code = await visit(SUBJECT, SEAL);
    await clerk({ type: 'record', record: { subject: SUBJECT, fields: ada, eligible: false } });
    await acquire(cy, SEAL, { code });
    await acquire(cy, 'fishing licence', { code });
    const { taxpayerId: _, ...gaps } = ada;
    await clerk({ type: 'record', record: { subject: SUBJECT, fields: gaps, eligible: true } });
    await acquire(cy, SEAL, { code });
    expect(noticesOf(cy, 'failed').map(({ why }) => why)).toEqual([
      'refused: record',
      'refused: wanted',
      'refused: record',
    ]);
    expect(stateOf(cy).tickets.size).toBe(0);
    expect([bureau, cy].map(isAtRest)).toEqual([true, true]);
  });

  test('[CITI-F27] that its owner does not confirm is not issued, and can be acquired later', async () => {
    const { cy, bureau, visit, acquire, register } = await openBureau();
    const code = await visit(SUBJECT, SEAL);
    sayYes(cy, { accept: 0 });
    await acquire(cy, SEAL, { code });
    expect(noticesOf(cy, 'failed').map(({ why }) => why)).toEqual(['not confirmed']);
    expect(noticesOf(bureau, 'failed').map(({ why }) => why)).toEqual(['declined']);
    expect(register.host!.state).toMatchObject({ grants: new Map(), issued: new Map() });
    sayYes(cy);
    await acquire(cy, SEAL, { code });
    expect(heldOf(cy, 'corporate-seal')).toHaveLength(1);
  });

  test('[CITI-F26] is not asked for when the owner does not confirm the authority itself', async () => {
    const { cy, visit, acquire, register, trusted } = await openBureau();
    const code = await visit(SUBJECT, SEAL);
    cy.react = (notice) => {
      if (notice.type === 'confirm-credential')
        void cy.command({ type: 'confirm', session: notice.session, accept: 0 });
    };
    await acquire(cy, SEAL, { code });
    expect(noticesOf(cy, 'failed').map(({ why }) => why)).toEqual(['the credential was not confirmed']);
    expect(register.host!.state.visits.size).toBe(1);
    await trusted.run(300_000);
    expect(isAtRest(cy)).toBe(true);
  });

  test('[CITI-F27] is dropped on both sides when an owner never answers', async () => {
    const { cy, bureau, visit, acquire, register, trusted } = await openBureau();
    cy.react = (notice) => {
      if (notice.type === 'confirm-credential')
        void cy.command({ type: 'confirm', session: notice.session, accept: 1 });
    };
    await acquire(cy, SEAL, { code: await visit(SUBJECT, SEAL), forMs: 600_000 });
    expect(noticesOf(cy, 'failed').map(({ why }) => why)).toEqual(['not confirmed in time']);
    expect(noticesOf(bureau, 'failed').map(({ why }) => why)).toEqual(['declined']);
    expect([bureau, cy].map(isAtRest)).toEqual([true, true]);
    expect(register.host!.state.grants.size).toBe(0);
    const [asked] = noticesOf(cy, 'confirm-delivery');
    const late = inTime(trusted.world, cy.command({ type: 'confirm', session: asked!.session, accept: 1 }));
    await expect(late).rejects.toMatchObject({ code: 'COMMAND_UNTIMELY' });
    expect(stateOf(cy).tickets.size).toBe(0);
  });

  test('[CITI-F26] is refused while the server of the authority is away, and its answer that comes too late changes nothing', async () => {
    const world = await openBureau();
    const { cy, bureau, visit, acquire, register, trusted } = world;
    const code = await visit(SUBJECT, SEAL);
    const kept: Parameters<typeof world.tamper>[0][] = [];
    world.tamper = (message) => {
      if (message.kind !== 'AuthorityQuery') return message;
      kept.push(message);
      return undefined;
    };
    await acquire(cy, SEAL, { code, forMs: 120_000 });
    expect(noticesOf(bureau, 'failed').map(({ why }) => why)).toEqual(['refused: busy']);
    expect(noticesOf(cy, 'failed')).toHaveLength(1);
    world.tamper = (message) => message;
    await trusted.run(60_000);
    void trusted.world.send('bureau', kept[0]!);
    await trusted.run(5000);
    expect(register.host!.state.grants.size).toBe(0);
    await acquire(cy, SEAL, { code });
    expect(heldOf(cy, 'corporate-seal')).toHaveLength(1);
    expect([bureau, cy].map(isAtRest)).toEqual([true, true]);
  });
});

describe('a credential acquired remotely', () => {
  test('[CITI-F26] is granted for a credential that says the same as the data base, of which only that field is shown', async () => {
    const { cy, licence, acquire, register, trusted } = await withLicence();
    await acquire(cy, PASS, { evidence: [{ ticketId: licence, fields: ['name'] }] });
    const [pass] = heldOf(cy, PASS);
    expect(fieldsOf(pass!)).toMatchObject({ type: 'licence', title: PASS, name: ada.name });
    expect(register.host!.state.issued.get(pass!.ticketId)).toMatchObject({ subject: SUBJECT, wanted: PASS });
    expect(trusted.breaches).toEqual([]);
  });

  test('[CITI-F26] is refused without the field, for somebody else, for a second one, and for evidence that does not count', async () => {
    const { cy, licence, card, acquire, clerk, register } = await withLicence();
    const whys = () => noticesOf(cy, 'failed').map(({ why }) => why);
    await acquire(cy, PASS, { evidence: [{ ticketId: licence }] });
    await acquire(cy, PASS, { evidence: [{ ticketId: licence, fields: ['over 18'] }] });
    await acquire(cy, PASS, { evidence: [{ ticketId: card }] });
    await acquire(cy, PASS);
    await clerk({ type: 'record', record: { subject: SUBJECT, fields: { ...ada, name: 'Eva' }, eligible: true } });
    await acquire(cy, PASS, { evidence: [{ ticketId: licence, fields: ['name'] }] });
    expect(whys()).toEqual(Array(5).fill('refused: identity'));
    await clerk({ type: 'record', record: { subject: SUBJECT, fields: ada, eligible: true } });
    await acquire(cy, PASS, { evidence: [{ ticketId: licence, fields: ['name'] }] });
    await acquire(cy, PASS, { evidence: [{ ticketId: licence, fields: ['name'] }] });
    expect(whys().at(-1)).toBe('refused: issued');
    // Two people of that name: whose it is cannot be told.
    await clerk({ type: 'record', record: { subject: '700101-2', fields: ada, eligible: true } });
    await acquire(cy, PASS, { evidence: [{ ticketId: licence, fields: ['name'] }] });
    expect(whys().at(-1)).toBe('refused: identity');
    expect(register.host!.state.issued.size).toBe(3);
  });

  it('is refused for a credential that was revoked or has run out', async () => {
    const { cy, licence, acquire, clerk, trusted } = await withLicence();
    await clerk({ type: 'set-standing', ticketId: licence, standing: 'revoked' });
    await trusted.run(5000);
    await acquire(cy, PASS, { evidence: [{ ticketId: licence, fields: ['name'] }] });
    expect(noticesOf(cy, 'failed').map(({ why }) => why)).toEqual(['refused: TICKET_INACTIVE']);
    await trusted.run(101 * DAY_MS);
    const again = acquire(cy, PASS, { evidence: [{ ticketId: licence, fields: ['name'] }] });
    await expect(again).rejects.toMatchObject({ code: 'TICKET_INACTIVE' });
  });
});

describe('a lost credential', () => {
  it('is issued anew in person, and the lost one does not count from then on', async () => {
    const { cy, bob, bureau, licence, card, visit, acquire, register, trusted, give } = await withLicence();
    await give(cy, bob, [{ type: 'transfer', ticketId: card }]);
    await acquire(bob, LICENCE, { code: await visit(SUBJECT, LICENCE) });
    expect(heldOf(bob, LICENCE)).toHaveLength(1);
    expect(register.host!.state.issued.get(licence)?.standing).toBe('replaced');
    expect(stateOf(bureau).standings.own.list.listed.get(licence)).toBe('replaced');
    await acquire(cy, PASS, { evidence: [{ ticketId: licence, fields: ['name'] }] });
    expect(noticesOf(cy, 'failed').map(({ why }) => why)).toEqual(['refused: TICKET_INACTIVE']);
    expect(trusted.breaches).toEqual([]);
  });
});
