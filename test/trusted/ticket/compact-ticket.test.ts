/** The compact form: every section comes back with all its fields, one ticket has one encoding, and it is small. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../../src/crypto/random.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import { decodeTicket, encodeTicket } from '../../../src/trusted/ticket/compact-ticket.ts';
import { kindOf } from '../../../src/trusted/ticket/components.ts';
import { holderOf, sectionsOf, ticketIdOf } from '../../../src/trusted/ticket/ticket.ts';
import { validateTicket } from '../../../src/trusted/ticket/validate-ticket.ts';
import { listsOf, newAgent, newPrimary, newServer, TODAY } from '../hierarchy.ts';
import { sample, samples } from './samples.ts';
import { issue, noonS, signOver } from './ticket-fixture.ts';

const random = systemRandom;
const primary = newPrimary(1, random);
const servers = [17, 18].map((serverId) => newServer({ primary, serverId, random }));
const [server, otherServer] = [servers[0]!, servers[1]!];
const merchant = newAgent({ server, serial: 1, random, kind: 'merchant' });
const people = [2, 3, 4, 5, 6, 7].map((serial) => newAgent({ server, serial, random }));
const passedOn = (times: number) => {
  let ticket = issue({ issuer: merchant, receiver: people[0]!, components: sample('event') });
  for (let i = 0; i < times; i++) ticket = signOver(ticket, people[i]!, people[i + 1]!, noonS + 3600 * i);
  return ticket;
};

describe('a ticket in its compact form', () => {
  it('of every type has its six sections, each with all its fields', () => {
    for (const components of samples) {
      const issuer = newAgent({
        server,
        serial: 9,
        random,
        kind: kindOf(components.type) === 'credential' ? 'authority' : 'merchant',
      });
      const ticket = signOver(issue({ issuer, receiver: people[0]!, components }), people[0]!, people[1]!);
      const read = decodeTicket(encodeTicket(ticket));
      expect(read).toEqual(ticket);
      expect(sectionsOf(read)).toEqual({
        identifier: {
          issuer: { name: 'Deutsche Oper Berlin', credentialExpiresDay: TODAY + 300 },
          receiver: { agentId: people[0]!.id, certificateExpiresDay: people[0]!.certificate.expiresDay },
          ...{ type: components.type, issuedOnDay: TODAY, serial: 70_421 },
        },
        components,
        issuerSignature: ticket.issuerSignature,
        issuerCertificate: issuer.certificate,
        transferHistory: {
          receiverIds: [people[1]!.id],
          senderIds: [people[0]!.id],
          senderCertificates: [people[0]!.certificate],
          dateTimes: [noonS],
        },
        senderSignatures: [ticket.transfers[0]!.signature],
      });
      const validation = { lists: listsOf(primary), nowMs: noonS * 1000, holder: people[1]!.id, taintAllowed: false };
      validateTicket(read, validation);
    }
    expect(new Set(samples.map(({ type }) => kindOf(type))).size).toBe(6);
  });

  it('takes at most 1,200 bytes for a concert after five transfers among five agents besides the last receiver', () => {
    const ticket = passedOn(5);
    const senders = ticket.transfers.map(({ senderCertificate }) => senderCertificate.agentId);
    expect(new Set([...senders, holderOf(ticket)]).size).toBe(6);
    const bytes = encodeTicket(ticket);
    expect(bytes.length).toBeLessThanOrEqual(1200);
    expect(decodeTicket(bytes)).toEqual(ticket);
    // Room for the certificate of a second server.
    expect(bytes.length + 72).toBeLessThanOrEqual(1200);
    expect(encodeTicket(passedOn(0)).length).toBeLessThanOrEqual(370);
  });

  it('holds agents of several servers, also away from home, and each cert(TS) once', () => {
    const here = people[0]!;
    const [there, away] = [1, 2].map((serial) => newAgent({ server: otherServer, serial, random }));
    const abroad = newAgent({ server: otherServer, serial: 3, random, home: 17 });
    let ticket = issue({ issuer: merchant, receiver: here, components: sample('event') });
    const sizes = [encodeTicket(ticket).length];
    for (const [sender, receiver] of [
      [here, there],
      [there, away],
      [away, abroad],
      [abroad, here],
    ] as const) {
      ticket = signOver(ticket, sender!, receiver!);
      const bytes = encodeTicket(ticket);
      sizes.push(bytes.length);
      expect(decodeTicket(bytes)).toEqual(ticket);
    }
    expect(sizes.slice(1).map((size, at) => size - sizes[at]!)).toEqual([139, 139 + 70, 139, 139 + 2]);
  });

  it('keeps its name through transfers', () => {
    const ticket = passedOn(3);
    expect(ticketIdOf(decodeTicket(encodeTicket(ticket)))).toBe(ticketIdOf(passedOn(0)));
    const other = issue({ issuer: merchant, receiver: people[1]!, components: sample('event') });
    expect(ticketIdOf(other)).not.toBe(ticketIdOf(ticket));
  });

  it('cannot be changed in any byte', () => {
    const bytes = encodeTicket(passedOn(2));
    const validation = {
      lists: listsOf(primary),
      nowMs: noonS * 1000 + 7_200_000,
      holder: people[2]!.id,
      taintAllowed: false,
    };
    validateTicket(decodeTicket(bytes), validation);
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at]! ^= 1;
      expect(() => validateTicket(decodeTicket(changed), validation), `byte ${at}`).toThrow(HandselError);
    }
  });

  it('of arbitrary or damaged bytes is refused with our own errors, and has one encoding', () => {
    const good = encodeTicket(passedOn(2));
    const damaged = fc.tuple(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length)).map(([at, value, end]) => {
      const bytes = good.slice(0, end < good.length / 8 ? end : good.length);
      bytes[Math.min(at, Math.max(0, bytes.length - 1))] = value;
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 400 })), (bytes) => {
        try {
          expect(encodeTicket(decodeTicket(bytes))).toEqual(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(HandselError);
        }
      }),
      { numRuns: 400 },
    );
  });
});
