/** Marks: what an acceptor may change of a ticket, what only its issuer may, and what a holder cannot do at all. */
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../../src/codec/hex.ts';
import { systemRandom as random } from '../../../src/crypto/random.ts';
import {
  faultOfMark,
  firstStatus,
  inactivity,
  isMarkGenuine,
  type MarkClaims,
  readMark,
  type Standing,
  signMark,
  statusOf,
  writeMark,
} from '../../../src/trusted/ticket/status.ts';
import { ticketIdOf } from '../../../src/trusted/ticket/ticket.ts';
import { newAgent, newPrimary, newServer } from '../hierarchy.ts';
import { sample } from './samples.ts';
import { issue, noonS } from './ticket-fixture.ts';

const server = newServer({ primary: newPrimary(1, random), serverId: 17, random });
const [issuer, other] = [1, 2].map((serial) => newAgent({ server, serial, random, kind: 'merchant' }));
const holder = newAgent({ server, serial: 3, random });
const ticket = issue({ issuer: issuer!, receiver: holder, components: sample('communications') });
const ticketId = ticketIdOf(ticket);
const claims: MarkClaims = {
  ...{
    ticketId: fromHex(ticketId),
    number: 1,
    standing: 'good',
    remaining: 3000,
    inUseUntilS: noonS + 600,
    atS: noonS,
  },
};
const by = ({ certificate, key }: typeof holder) => ({ certificate, privateKey: key.privateKey });
const before = firstStatus(ticket.body.components);
const fault = (changed: Partial<MarkClaims>, maker = other!, from = before) =>
  faultOfMark(signMark({ ...claims, ...changed }, by(maker)), { ticket, ticketId, before: from });

describe('a mark', () => {
  it('is genuine as it was signed, also after a journey, and not otherwise', () => {
    const mark = signMark(claims, by(other!));
    expect(isMarkGenuine(readMark(writeMark(mark)))).toBe(true);
    for (const changed of [{ remaining: 3001 }, { number: 2 }, { inUseUntilS: 0 }, { standing: 'used' as const }]) {
      expect(isMarkGenuine({ ...mark, ...changed })).toBe(false);
    }
    expect(isMarkGenuine({ ...mark, acceptor: issuer!.certificate })).toBe(false);
  });

  it('of any acceptor lowers a value, sets it in use and uses it up', () => {
    expect(fault({})).toBeUndefined();
    expect(fault({ remaining: 3600 })).toBeUndefined();
    expect(fault({ remaining: 0, standing: 'used' })).toBeUndefined();
  });

  it('of an acceptor that did not issue the ticket raises and revives nothing', () => {
    expect(fault({ remaining: 3601 })).toMatch(/raises/);
    expect(fault({ standing: 'revoked' })).toMatch(/issuer/);
    expect(fault({ standing: 'good' }, other, { ...before, standing: 'used' })).toMatch(/issuer/);
    expect(fault({ remaining: 9000 }, issuer)).toBeUndefined();
    expect(fault({ standing: 'suspended' }, issuer)).toBeUndefined();
    expect(fault({ standing: 'good' }, issuer, { ...before, standing: 'suspended' })).toBeUndefined();
  });

  it('follows on the one before, is about this ticket, counts what is counted, and is not made by a customer', () => {
    expect(fault({ number: 5 }, other, { ...before, number: 5 })).toMatch(/follow/);
    expect(fault({ number: 6 }, other, { ...before, number: 5 })).toBeUndefined();
    expect(fault({ ticketId: new Uint8Array(16) })).toMatch(/another ticket/);
    const { remaining: _, ...uncounted } = claims;
    const mark = signMark(uncounted, by(other!));
    expect(faultOfMark(mark, { ticket, ticketId, before })).toMatch(/counted/);
    expect(fault({}, holder)).toMatch(/customer/);
  });
});

describe('a ticket', () => {
  it('is active while it is good, not used up, not in use and not expired', () => {
    const call = sample('communications');
    const status = statusOf(signMark(claims, by(other!)));
    expect(inactivity(call, before, noonS)).toBeUndefined();
    expect(inactivity(call, status, noonS + 599)).toBe('in use');
    expect(inactivity(call, status, noonS + 600)).toBeUndefined();
    expect(inactivity(call, { ...status, remaining: 0 }, noonS + 600)).toBe('used');
    for (const standing of ['used', 'suspended', 'revoked'] as const) {
      expect(inactivity(call, { ...before, standing }, noonS)).toBe(standing);
    }
    const seal = sample('corporate-seal');
    expect(inactivity(seal, firstStatus(seal), (seal.expiresDay + 1) * 86_400 - 1)).toBeUndefined();
    expect(inactivity(seal, firstStatus(seal), (seal.expiresDay + 1) * 86_400)).toBe('expired');
  });

  it('begins with its whole value', () => {
    expect(before).toEqual({ standing: 'good', remaining: 3600, inUseUntilS: 0, number: 0 });
    expect(firstStatus(sample('event')).remaining).toBe(1);
    expect(firstStatus(sample('licence')).remaining).toBeUndefined();
    const standing: Standing = firstStatus(sample('purchase-order')).standing;
    expect(standing).toBe('on-order');
  });
});
