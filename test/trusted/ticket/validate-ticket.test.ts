/** The four rules for tickets, each kept, each broken, and each just at its edge. */
import { describe, expect, it } from 'vitest';
import { systemRandom as random } from '../../../src/crypto/random.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import { foldUpdate } from '../../../src/trusted/message/trust-lists.ts';
import type { Ticket } from '../../../src/trusted/ticket/ticket.ts';
import { type TicketValidation, validateTicket } from '../../../src/trusted/ticket/validate-ticket.ts';
import { changesAfter, listsOf, newAgent, newPrimary, newServer, TODAY } from '../hierarchy.ts';
import { sample } from './samples.ts';
import { issue, noonS, signOver } from './ticket-fixture.ts';

const primary = newPrimary(1, random);
const server = newServer({ primary, serverId: 17, random, expiresDay: TODAY + 80 });
const agent = (serial: number, options: Partial<Parameters<typeof newAgent>[0]> = {}) =>
  newAgent({ server, serial, random, ...options });
const merchant = agent(1, { kind: 'merchant' });
const [ada, bob, cyd] = [agent(2), agent(3), agent(4)];
const issued = issue({ issuer: merchant, receiver: ada, components: sample('event') });
const passed = signOver(signOver(issued, ada, bob), bob, cyd, noonS + 60);
const validation: TicketValidation = {
  lists: listsOf(primary),
  nowMs: (noonS + 60) * 1000,
  holder: cyd.id,
  taintAllowed: false,
};

/** Undefined when valid, else the reason. */
function fault(ticket: Ticket, changed: Partial<TicketValidation> = {}): string | undefined {
  try {
    validateTicket(ticket, { ...validation, ...changed });
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ code: 'TICKET_INVALID' });
    const { cause } = error as { cause: unknown };
    return cause instanceof HandselError ? `${cause.code} ${cause.message}` : String(cause);
  }
}

const distrusting = (...agentIds: number[]) => {
  const lists = listsOf(primary);
  const changes = agentIds.map((agentId) => ({ type: 'distrust', party: { type: 'agent', agentId } }) as const);
  foldUpdate(lists, changesAfter({ lists, primary, changes }));
  return lists;
};

describe('rule 1, the issuer', () => {
  it('must have signed, with a certificate that was valid on that day, however long ago', () => {
    expect(fault(passed)).toBeUndefined();
    expect(fault(passed, { nowMs: (noonS + 86_400 * 1000) * 1000 })).toBeUndefined();
    const expired = agent(9, { kind: 'merchant', expiresDay: TODAY - 1 });
    expect(fault(issue({ issuer: expired, receiver: cyd, components: sample('event') }))).toMatch(
      /^CERTIFICATE_EXPIRED/,
    );
    const lastDay = agent(9, { kind: 'merchant', expiresDay: TODAY });
    expect(fault(issue({ issuer: lastDay, receiver: cyd, components: sample('event') }))).toBeUndefined();
    const price = { currency: 'EUR', minor: 1n };
    const cheap = { ...issued.body, components: { ...sample('event'), price } };
    expect(fault({ ...passed, body: cheap })).toMatch(/did not sign/);
  });

  it('must be of a kind that issues such tickets', () => {
    const authority = agent(8, { kind: 'authority' });
    const kinds = [merchant, authority, ada].map((issuer) =>
      (['event', 'licence', 'invoice'] as const).map(
        (type) => fault(issue({ issuer, receiver: cyd, components: sample(type) })) === undefined,
      ),
    );
    expect(kinds).toEqual([
      [true, false, true],
      [false, true, true],
      [false, false, true],
    ]);
  });

  it('must not be untrusted, by its number, its server or its name', () => {
    expect(fault(passed, { lists: distrusting(merchant.id) })).toMatch(/^PARTY_UNTRUSTED/);
    const lists = listsOf(primary);
    const name = 'Deutsche Oper Berlin';
    const party = { type: 'organisation', name } as const;
    foldUpdate(lists, changesAfter({ lists, primary, changes: [{ type: 'distrust', party }] }));
    expect(fault(passed, { lists })).toMatch(/issuer is untrusted/);
  });

  it('cannot have issued it tomorrow', () => {
    const tomorrow = issue({ issuer: merchant, receiver: cyd, components: sample('event'), issuedOnDay: TODAY + 1 });
    expect(fault(tomorrow)).toMatch(/future/);
    expect(fault(tomorrow, { nowMs: (TODAY + 1) * 86_400_000 })).toBeUndefined();
  });
});

describe('rule 2, the chain', () => {
  it('goes from receiver to sender without a gap', () => {
    expect(fault(signOver(issued, bob, cyd))).toMatch(/not the receiver before/);
    expect(fault({ ...passed, transfers: passed.transfers.slice(1) })).toMatch(/not the receiver before/);
    expect(fault({ ...passed, transfers: passed.transfers.slice(0, 1) }, { holder: bob.id })).toBeUndefined();
  });

  it('goes forward in time and not beyond today', () => {
    expect(fault(signOver(signOver(issued, ada, bob, noonS), bob, cyd, noonS))).toBeUndefined();
    expect(fault(signOver(signOver(issued, ada, bob, noonS), bob, cyd, noonS - 1))).toMatch(/before the one before/);
    expect(fault(signOver(issued, ada, cyd, TODAY * 86_400 - 1))).toMatch(/before the one before/);
    expect(fault(signOver(issued, ada, cyd, noonS + 60 + 900))).toBeUndefined();
    expect(fault(signOver(issued, ada, cyd, noonS + 60 + 901))).toMatch(/future/);
  });
});

describe('rule 3, the senders', () => {
  it('signed, each with a certificate that was valid when it did', () => {
    const forged = {
      ...passed.transfers[1]!,
      senderCertificate: bob.certificate,
      signature: passed.transfers[0]!.signature,
    };
    expect(fault({ ...passed, transfers: [passed.transfers[0]!, forged] })).toMatch(/did not sign/);
    const expired = agent(3, { expiresDay: TODAY - 1 });
    expect(fault(signOver(signOver(issued, ada, expired), expired, cyd))).toMatch(/^CERTIFICATE_EXPIRED/);
    const stranger = newServer({ primary: newPrimary(1, random), serverId: 17, random });
    const selfMade = newAgent({ server: stranger, serial: 3, random });
    expect(fault(signOver(signOver(issued, ada, selfMade), selfMade, cyd))).toMatch(/^CRYPTOGRAPHIC_FAILURE/);
  });

  it('may have become untrusted where it is only shown, not where it is taken over', () => {
    const lists = distrusting(bob.id);
    expect(fault(passed, { lists })).toMatch(/^PARTY_UNTRUSTED/);
    expect(fault(passed, { lists, taintAllowed: true })).toBeUndefined();
  });
});

describe('rule 4, the last receiver', () => {
  it('is the agent in the session', () => {
    for (const { id } of [merchant, ada, bob]) expect(fault(passed, { holder: id })).toMatch(/belongs to 17-4/);
    expect(fault(issued, { holder: ada.id })).toBeUndefined();
  });
});
