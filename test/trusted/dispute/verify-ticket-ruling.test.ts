/** A ruling and its bundle, checked by somebody who has only the primary servers' keys: what was changed, left out or made up is found. */
import { beforeAll, describe, expect, it, test } from 'vitest';
import { fromHex, toHex } from '../../../src/codec/hex.ts';
import { compactKeyOf } from '../../../src/crypto/compact-key.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import { claimType } from '../../../src/trusted/message/dispute.ts';
import { readDocument, signDocument } from '../../../src/trusted/message/signed-document.ts';
import {
  decodeTicketBundle,
  encodeTicketBundle,
  isTicketBundle,
  type TicketBundle,
  type TicketReasonCode,
  type TicketRuling,
  ticketComplaintType,
  ticketReasonCodes,
  ticketRulingType,
} from '../../../src/trusted/message/ticket-ruling.ts';
import { foundingLists } from '../../../src/trusted/message/trust-lists.ts';
import { consequencesOf } from '../../../src/trusted/ruling/judge-dispute.ts';
import { verifyTicketRuling } from '../../../src/trusted/ruling/verify-ticket-ruling.ts';
import { certifiedOf, noticesOf } from '../opera.ts';
import { type Desk, openDesk } from './complaint-desk.ts';

const dayMs = 86_400_000;

/** A case that the evidence leaves to a person, as the server would have it next. */
async function openCase(stand: 'contests' | 'concedes' | undefined): Promise<{ desk: Desk; bundle: TicketBundle }> {
  const desk = await openDesk({ server: { disputes: { hearingMs: dayMs } } });
  desk.answer = stand === undefined ? undefined : { outcome: 'denied', refund: 0, replacement: 0 };
  desk.when(desk.house, (notice) => {
    if (notice.type !== 'heard-in-dispute' || stand === undefined) return;
    void desk.house.command({ type: 'state-in-dispute', case: notice.case, stand, statement: 'No.' });
  });
  const number = await desk.dispute({}, stand === undefined ? 8 * dayMs : 60_000);
  await desk.tell(
    desk.ada,
    { type: 'escalate', number, route: 'north', statement: 'Help.' },
    stand === undefined ? 2 * dayMs : 60_000,
  );
  if (stand === 'contests') {
    const [of] = desk.trusted.servers.get('north')!.host!.state.disputes.cases.keys();
    const decision = {
      case: of!,
      person: 'Judge Dee',
      outcome: 'refund',
      breach: true,
      text: 'So.',
      seen: 'All.',
    } as const;
    await desk.tell(desk.ada, { type: 'fetch-lists', route: 'north' });
    void desk.trusted.server('north').command({ type: 'decide-dispute', decision });
    await desk.trusted.run(60_000);
  }
  const [ruled] = noticesOf(desk.ada, 'ruled');
  return { desk, bundle: decodeTicketBundle(ruled!.bundle) };
}

const verify = ({ trusted }: Desk, bundle: TicketBundle) => verifyTicketRuling(bundle, { lists: trusted.lists });

/** What is said of it: a code, or `right`. */
function saidOf(desk: Desk, bundle: TicketBundle): string {
  try {
    verify(desk, bundle);
    return 'right';
  } catch (error) {
    if (!(error instanceof HandselError)) throw error;
    return error.code;
  }
}

/** The server itself signs something else. */
function ruleOtherwise({ trusted }: Desk, { ruling }: TicketBundle, change: (ruling: TicketRuling) => TicketRuling) {
  const { identity } = trusted.servers.get('north')!.host!.state;
  if (identity.type !== 'certified') throw new Error('no certificate');
  const { certificate, scalar } = identity;
  const { privateKey } = compactKeyOf(scalar);
  const { value } = readDocument(ticketRulingType, ruling);
  return signDocument(ticketRulingType, change(value), { type: 'server', certificate, privateKey });
}

const withReason =
  (code: TicketReasonCode) =>
  (ruling: TicketRuling): TicketRuling => {
    const { person: _, seen: __, ticket: ___, refund, ...rest } = ruling;
    const reasons = [{ code, text: 'Because.' }];
    const person = code === 'SEEN_BY_A_PERSON' ? { person: 'Somebody', seen: 'Something.' } : {};
    const follows = consequencesOf(reasons, { outcome: 'refund', breaches: ['merchant'] });
    const outcome = follows?.outcome ?? 'dismissed';
    const paid = refund ?? { currency: 'EUR', minor: 8900n };
    return {
      ...{ ...rest, reasons, outcome, breaches: follows?.breaches ?? [], ...person },
      ...(outcome === 'refund' && { refund: paid }),
    };
  };

describe('a bundle', () => {
  let contested: { desk: Desk; bundle: TicketBundle };
  let conceded: { desk: Desk; bundle: TicketBundle };
  let silent: { desk: Desk; bundle: TicketBundle };
  beforeAll(async () => {
    contested = await openCase('contests');
    conceded = await openCase('concedes');
    silent = await openCase(undefined);
  }, 120_000);

  test('[CITI-E] that is right is said to be so, with what it shows and what is only stated', () => {
    const basesOf = ({ desk, bundle }: typeof contested) =>
      verify(desk, bundle).reasons.map(({ code, basis }) => `${code} ${basis}`);
    expect(basesOf(contested)).toEqual(['MERCHANT_DENIED shown', 'SEEN_BY_A_PERSON stated']);
    expect(basesOf(conceded)).toEqual(['MERCHANT_DENIED shown', 'MERCHANT_CONCEDES shown']);
    expect(basesOf(silent)).toEqual(['MERCHANT_SILENT stated']);
    for (const { bundle } of [contested, conceded, silent]) {
      expect(decodeTicketBundle(encodeTicketBundle(bundle))).toEqual(bundle);
      expect(isTicketBundle(encodeTicketBundle(bundle))).toBe(true);
    }
    expect(isTicketBundle(new Uint8Array([0xa0]))).toBe(false);
    expect(isTicketBundle(silent.bundle.ruling)).toBe(false);
  });

  test('[CITI-E] in which any byte was changed is refused', () => {
    const { desk, bundle } = contested;
    for (const part of ['complaint', 'statement', 'ruling'] as const) {
      const whole = bundle[part]!;
      for (let at = 0; at < whole.length; at += 97) {
        const changed = whole.slice();
        changed[at]! ^= 1;
        expect(saidOf(desk, { ...bundle, [part]: changed }), `${part} ${at}`).not.toBe('right');
      }
    }
  });

  test('[CITI-E] of parts that do not belong together is refused', () => {
    const { desk, bundle } = contested;
    expect(saidOf(desk, { ...bundle, complaint: conceded.bundle.complaint })).toBe('RULING_UNFIT');
    const { statement: _, ...without } = conceded.bundle;
    expect(saidOf(conceded.desk, without)).toBe('RULING_UNFIT');
    // A merchant that spoke was not silent, whoever says so.
    const spoke = { ...silent.bundle, statement: contested.bundle.statement! };
    expect(saidOf(silent.desk, spoke)).not.toBe('right');
  });

  test('[CITI-E] is of no use without the key of the primary server', () => {
    const { bundle } = contested;
    expect(() => verifyTicketRuling(bundle, { lists: foundingLists([]) })).toThrow();
    expect(() => verifyTicketRuling(bundle, { lists: silent.desk.trusted.lists })).not.toThrow(TypeError);
  });

  test.each(ticketReasonCodes)('[CITI-E] whose server says %s against the evidence is refused', (code) => {
    for (const { desk, bundle } of [contested, conceded, silent]) {
      const truth = readDocument(ticketRulingType, bundle.ruling).value.reasons.at(-1)!.code;
      const said = saidOf(desk, { ...bundle, ruling: ruleOtherwise(desk, bundle, withReason(code)) });
      // Whether money moved no bundle can show; whoever knows it finds that out, too.
      const paymentFact = () => 'paid' as const;
      if (code === truth) expect(said).toBe('right');
      else if (code === 'NOT_PAID') {
        const otherwise = { ...bundle, ruling: ruleOtherwise(desk, bundle, withReason(code)) };
        if (truth === 'SEEN_BY_A_PERSON') continue;
        expect(() => verifyTicketRuling(otherwise, { lists: desk.trusted.lists, paymentFact })).toThrow();
      } else expect(said, `${code} for ${truth}`).not.toBe('right');
    }
  });

  it('whose server gives other consequences than its reasons have is refused', () => {
    const { desk, bundle } = conceded;
    const changes: ((ruling: TicketRuling) => TicketRuling)[] = [
      (ruling) => ({ ...ruling, breaches: ['merchant'] }),
      (ruling) => ({ ...ruling, outcome: 'dismissed' }),
      (ruling) => ({ ...ruling, refund: { currency: 'EUR', minor: 9000n } }),
      (ruling) => ({ ...ruling, merchant: ruling.merchant + 1 }),
      (ruling) => ({ ...ruling, customer: ruling.customer + 1 }),
      (ruling) => ({ ...ruling, claim: new Uint8Array(32) }),
      (ruling) => ({ ...ruling, case: new Uint8Array(32) }),
      (ruling) => ({ ...ruling, number: fromHex('00'.repeat(16)) }),
      (ruling) => ({ ...ruling, person: 'Somebody', seen: 'Something' }),
      (ruling) => ({ ...ruling, server: ruling.server + 1 }),
      (ruling) => ({ ...ruling, reasons: [{ code: 'APPEALED', text: 'x' }, ...ruling.reasons] }),
    ];
    for (const [at, change] of changes.entries()) {
      expect(saidOf(desk, { ...bundle, ruling: ruleOtherwise(desk, bundle, change) }), `change ${at}`).not.toBe(
        'right',
      );
    }
    expect(saidOf(desk, { ...bundle, ruling: ruleOtherwise(desk, bundle, (ruling) => ruling) })).toBe('right');
  });

  it('signed by an agent instead of a server is no ruling', () => {
    const { desk, bundle } = contested;
    const { certificate, scalar } = certifiedOf(desk.ada);
    const { value } = readDocument(ticketRulingType, bundle.ruling);
    const by = { type: 'agent', certificate, privateKey: compactKeyOf(scalar).privateKey } as const;
    expect(saidOf(desk, { ...bundle, ruling: signDocument(ticketRulingType, value, by) })).not.toBe('right');
  });

  it('holds what was claimed, as the customer’s agent signed it', () => {
    const { desk, bundle } = contested;
    const complaint = readDocument(ticketComplaintType, bundle.complaint);
    const claim = readDocument(claimType, complaint.value.claim);
    expect(toHex(claim.digest)).toBe(toHex(verify(desk, bundle).ruling.claim));
    expect(claim.by.certificate).toEqual(certifiedOf(desk.ada).certificate);
  });
});
