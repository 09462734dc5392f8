/** cert(TS) and cert(TA): their form, and their validation step by step. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageError } from '../../../src/codec/message-error.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { CryptographicError } from '../../../src/handsel-error.ts';
import { agentIdOf, formatAgentId, homeOf, parseAgentId } from '../../../src/trusted/message/agent-id.ts';
import {
  decodeAgentCertificate,
  decodeServerCertificate,
  encodeAgentCertificate,
  encodeServerCertificate,
} from '../../../src/trusted/message/certificate.ts';
import { formatDay } from '../../../src/trusted/message/day.ts';
import { foldUpdate } from '../../../src/trusted/message/trust-lists.ts';
import { TrustedError } from '../../../src/trusted/message/trusted-error.ts';
import { requireTrustedAgent, validateAgentCertificate } from '../../../src/trusted/message/validate-certificate.ts';
import { changesAfter, listsOf, newAgent, newPrimary, newServer, primaryKeyOf, TODAY } from '../hierarchy.ts';

const primary = newPrimary(1, systemRandom);
const server = newServer({ primary, serverId: 17, random: systemRandom });
const agent = newAgent({ server, serial: 4093, random: systemRandom, kind: 'merchant' });
const validation = { lists: listsOf(primary), onDay: TODAY };
const refusal = (act: () => void) => {
  try {
    act();
    return 'nothing';
  } catch (error) {
    return error instanceof CryptographicError || error instanceof TrustedError ? error.code : String(error);
  }
};

describe('the numbers of agents', () => {
  it('begin with their home server and are read as they are written', () => {
    expect(homeOf(agent.id)).toBe(17);
    expect(formatAgentId(agent.id)).toBe('17-4093');
    expect(parseAgentId('17-4093')).toBe(agent.id);
    expect(parseAgentId('65535-4294967295')).toBe(agentIdOf(65_535, 2 ** 32 - 1));
    for (const text of ['17', '0-1', '65536-1', '17-4294967296', '17-01', ' 17-1', '17-1 ']) {
      expect(() => parseAgentId(text), text).toThrow(MessageError);
    }
    expect(formatDay(TODAY)).toBe('2026-02-16');
  });
});

describe('a certificate', () => {
  it('is small and comes back field by field', () => {
    const bytes = encodeAgentCertificate(agent.certificate);
    expect(bytes.length).toBe(206);
    expect(decodeAgentCertificate(bytes)).toEqual(agent.certificate);
    expect(decodeServerCertificate(encodeServerCertificate(server.certificate))).toEqual(server.certificate);
  });

  it('of arbitrary bytes is refused with our own error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 230 }), (bytes) => {
        try {
          expect(encodeAgentCertificate(decodeAgentCertificate(bytes))).toEqual(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(MessageError);
        }
      }),
    );
  });
});

describe('validation', () => {
  it('accepts what the hierarchy signed, to the last day', () => {
    validateAgentCertificate(agent.certificate, validation);
    validateAgentCertificate(agent.certificate, { ...validation, onDay: agent.certificate.expiresDay });
  });

  it('refuses the day after, except from an agent that comes to be recertified', () => {
    const late = { ...validation, onDay: agent.certificate.expiresDay + 1 };
    expect(refusal(() => validateAgentCertificate(agent.certificate, late))).toBe('CERTIFICATE_EXPIRED');
    validateAgentCertificate(agent.certificate, { ...late, expiredAgent: true });
    const veryLate = { ...validation, onDay: server.certificate.expiresDay + 1 };
    expect(refusal(() => validateAgentCertificate(agent.certificate, veryLate))).toBe('CERTIFICATE_EXPIRED');
    validateAgentCertificate(agent.certificate, { ...veryLate, expiredAgent: true });
  });

  it('refuses every change of every field', () => {
    const bytes = encodeAgentCertificate(agent.certificate);
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at]! ^= 1;
      expect(() => validateAgentCertificate(decodeAgentCertificate(changed), validation), `byte ${at}`).toThrow();
    }
  });

  it('refuses a server that certified itself, or that another primary server certified', () => {
    const stranger = newServer({ primary: newPrimary(1, systemRandom), serverId: 17, random: systemRandom });
    const theirs = newAgent({ server: stranger, serial: 1, random: systemRandom });
    expect(refusal(() => validateAgentCertificate(theirs.certificate, validation))).toBe('CRYPTOGRAPHIC_FAILURE');
    const unknown = newServer({ primary: newPrimary(9, systemRandom), serverId: 17, random: systemRandom });
    const unlisted = newAgent({ server: unknown, serial: 1, random: systemRandom });
    expect(refusal(() => validateAgentCertificate(unlisted.certificate, validation))).toBe('CERTIFICATE_UNFIT');
  });

  it('refuses a primary key before its first day', () => {
    const lists = listsOf(primary);
    lists.primaryKeys.keys.set(1, primaryKeyOf(primary, TODAY + 1));
    expect(refusal(() => validateAgentCertificate(agent.certificate, { ...validation, lists }))).toBe(
      'CERTIFICATE_UNFIT',
    );
    validateAgentCertificate(agent.certificate, { lists, onDay: TODAY + 1 });
  });
});

describe('the untrusted', () => {
  it('are told apart from the others, agents and whole servers alike', () => {
    const lists = listsOf(primary);
    const other = newAgent({ server, serial: 2, random: systemRandom });
    requireTrustedAgent(agent.certificate, lists);
    const distrust = { type: 'distrust', party: { type: 'agent', agentId: agent.id } } as const;
    foldUpdate(lists, changesAfter({ lists, primary, changes: [distrust] }));
    expect(refusal(() => requireTrustedAgent(agent.certificate, lists))).toBe('PARTY_UNTRUSTED');
    requireTrustedAgent(other.certificate, lists);
    const closed = { type: 'distrust', party: { type: 'server', serverId: 17 } } as const;
    foldUpdate(lists, changesAfter({ lists, primary, changes: [closed, { ...distrust, type: 'trust-again' }] }));
    expect(refusal(() => requireTrustedAgent(agent.certificate, lists))).toBe('PARTY_UNTRUSTED');
    expect(refusal(() => requireTrustedAgent(other.certificate, lists))).toBe('PARTY_UNTRUSTED');
  });
});
