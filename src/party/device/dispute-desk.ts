/** Disputes at a device's host side: what its owner claims, answers, chooses and takes before a trusted server (docs/disputes.md). */
import { fromHex, toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Clock } from '../../journal/clock.ts';
import { formatAmount } from '../../money/amount.ts';
import type { TransactionDevice } from '../../trusted/agent/device.ts';
import type { HostCommand } from '../../trusted/agent/host-command.ts';
import type { ShownDispute } from '../../trusted/agent/shown-dispute.ts';
import type { HostNotice } from '../../trusted/agent/to-host.ts';
import { formatAgentId } from '../../trusted/message/agent-id.ts';
import type { About } from '../../trusted/message/dispute.ts';
import { readDocument } from '../../trusted/message/signed-document.ts';
import { decodeTicketBundle, ticketRulingType } from '../../trusted/message/ticket-ruling.ts';
import type { Components } from '../../trusted/ticket/components.ts';
import { fullIdentity } from '../owner/full-identity.ts';
import type { DeviceMatters } from './device-matters.ts';

export interface DisputeView {
  readonly dispute: string;
  readonly side: 'customer' | 'merchant';
  readonly status: string;
  readonly about: string;
  /** The other agent's number. */
  readonly with: string;
  readonly ticket?: string;
  readonly statement: string;
  readonly paid?: string;
  readonly answer?: { readonly outcome: string; readonly reason: string };
  readonly offered: readonly string[];
  /** A trusted server waits for what this merchant has to say. */
  readonly heard?: { readonly case: string; readonly until: string };
  readonly ruling?: {
    readonly case: string;
    readonly outcome: string;
    readonly code: string;
    readonly reason: string;
    readonly final: string;
  };
  readonly opened: string;
}

export interface DisputeAnswer {
  readonly grant: readonly ('refund' | 'replacement')[];
  readonly reason: string;
  /** The new ticket, for a replacement. */
  readonly replacement?: Components | undefined;
}

export interface DisputeDesk {
  disputes(): readonly DisputeView[];
  /** What the merchant has not answered it is asked for again, so that whoever looks sees how it stands. */
  dispute(given: string): Promise<DisputeView>;
  open(order: { ticket: string; to: string; about: About; statement: string }): Promise<DisputeView>;
  /** By a merchant: to the customer, or to the trusted server that hears it. */
  answer(given: string, answer: DisputeAnswer): Promise<DisputeView>;
  hear(notice: HostNotice): void;
  /**
   * Resolves when the money or the new ticket is here. `card`: the beginning of a card credential's name; without it a refund goes to the one that paid.
   * @throws HandselError `NOT_DONE`, `RULING_NOT_FINAL`, and `UNDECIDED` when it goes on by itself
   */
  choose(given: string, choice: { what: 'refund' | 'replacement'; card?: string | undefined }): Promise<DisputeView>;
  escalate(given: string, statement: string): Promise<DisputeView>;
  appeal(given: string, statement: string): Promise<DisputeView>;
  /** The evidence bundle, for `handsel verify-ruling`. @throws HandselError `RULING_MISSING` */
  bundle(given: string): Uint8Array;
}

/** Whoever is there answers by then; a dispute goes on without it. */
const WAIT_MS = 2500;
const ASK_MS = 1500;
/** Longer than an agent waits for another one before it gives a session up. */
const OUTCOME_MS = 120_000;
const NOTHING = new Uint8Array();

export function createDisputeDesk(parts: {
  readonly device: TransactionDevice;
  readonly matters: DeviceMatters;
  readonly routeTo: (name: string) => string;
  /** Route of the device's trusted server. */
  readonly server: string;
  readonly clock: Clock;
}): DisputeDesk {
  const { device, matters, routeTo, server, clock } = parts;
  /** What may take the place of a disputed ticket: until the device is switched off. */
  const replacements = new Map<string, Components>();
  const say = (command: HostCommand) => void device.command(command).catch(() => undefined);
  const found = (given: string): ShownDispute => {
    const all = device.disputes();
    const words = { what: 'dispute', unknown: 'DISPUTE_UNKNOWN' };
    const number = fullIdentity(given.toLowerCase(), new Set(all.map((one) => one.number)), words);
    return all.find((one) => one.number === number)!;
  };
  const ticketNamed = (given: string): string => {
    const words = { what: 'ticket', unknown: 'TICKET_UNKNOWN' };
    return fullIdentity(given.toLowerCase(), new Set(device.tickets().map(({ ticketId }) => ticketId)), words);
  };
  const after = async (number: string, command: HostCommand): Promise<DisputeView> => {
    await device.command(command);
    return viewOf(found(number));
  };

  return {
    disputes: () => device.disputes().map(viewOf),
    async dispute(given) {
      const { number, matter, side, status } = found(given);
      if (side === 'customer' && status === 'open') {
        const heard = matters.outcome(matter, ASK_MS, ({ type }) =>
          ['dispute-answered', 'dispute-noted', 'failed'].includes(type) ? {} : undefined,
        );
        // It may be asked already, and the merchant may be away: then it stands as it stood.
        await Promise.all([device.command({ type: 'pursue', number }), heard]).catch(ignoreOurErrors);
        matters.forget(matter);
      }
      return viewOf(found(number));
    },
    async open({ ticket, to, about, statement }) {
      const matter = matters.begin('dispute');
      let number = '';
      const heard = matters.outcome<{ readonly why?: string }>(matter, WAIT_MS, (notice) => {
        if (notice.type === 'disputing') ({ number } = notice);
        if (notice.type === 'failed') return { why: notice.why };
        if (notice.type === 'dispute-noted' || notice.type === 'dispute-answered') return {};
        return undefined;
      });
      heard.catch(() => undefined);
      const ticketId = ticketNamed(ticket);
      const order = { type: 'dispute', matter, route: routeTo(to), about: NOTHING, ticketId } as const;
      await device.command({ ...order, complaint: about, statement, check: 0 });
      const { why } = await heard.catch((): { readonly why?: string } => ({}));
      matters.forget(matter);
      if (number === '') throw new HandselError('NOT_DONE', `nothing was opened: ${why ?? 'the device said nothing'}`);
      return viewOf(found(number));
    },
    async answer(given, { grant, reason, replacement: fresh }) {
      const { number, heard } = found(given);
      const grants = grant.length > 0;
      if (heard !== undefined) {
        const stand = grants ? 'concedes' : 'contests';
        return after(number, { type: 'state-in-dispute', case: fromHex(heard.case), stand, statement: reason });
      }
      const [refund, replacement] = [grant.includes('refund') ? 1 : 0, grant.includes('replacement') ? 1 : 0];
      if (fresh !== undefined) replacements.set(number, fresh);
      const outcome = grants ? 'granted' : 'denied';
      return after(number, { type: 'answer-dispute', number, outcome, reason, refund, replacement });
    },
    async choose(given, { what, card }) {
      const { number, matter, bundle } = found(given);
      const finalAtMs = bundle === undefined ? 0 : rulingOf(bundle).finalAtMs;
      if (finalAtMs > clock.nowMs()) {
        throw new HandselError('RULING_NOT_FINAL', `the ruling can be appealed until ${timeOf(finalAtMs)}`);
      }
      const credential = card === undefined ? undefined : ticketNamed(card);
      const choice = what === 'refund' ? { type: what, ...(credential && { credential }) } : { type: what };
      const heard = matters.outcome<{ readonly why?: string; readonly undecided?: true }>(
        matter,
        OUTCOME_MS,
        (notice) => {
          if (notice.type === 'dispute-settled') return {};
          if (notice.type === 'undecided') return { undecided: true };
          if (notice.type === 'failed') return { why: notice.why };
          const another = notice.type === 'dispute-answered' && notice.outcome === 'unavailable';
          return another ? { why: 'the merchant has no other one: choose a refund' } : undefined;
        },
      );
      heard.catch(() => undefined);
      await device.command({ type: 'choose', number, choice }).catch((error: unknown) => {
        matters.forget(matter);
        throw error;
      });
      const { why, undecided } = await heard;
      if (undecided) {
        throw new HandselError(
          'UNDECIDED',
          'the merchant has not said how it ended: it goes on by itself, and both have what was chosen or neither has',
        );
      }
      if (why !== undefined) throw new HandselError('NOT_DONE', `nothing was changed: ${why}`);
      return viewOf(found(number));
    },
    escalate(given, statement) {
      const { number } = found(given);
      return after(number, { type: 'escalate', number, route: server, statement });
    },
    appeal(given, statement) {
      const { number } = found(given);
      return after(number, { type: 'appeal', number, route: server, statement });
    },
    hear(notice) {
      if (notice.type === 'fetch-replacement') {
        const components = replacements.get(notice.number);
        const merchandise =
          components === undefined
            ? ({ type: 'none', reason: 'there is no other one' } as const)
            : ({ type: 'ticket', components } as const);
        say({ type: 'replacement', session: notice.session, merchandise });
      } else if (notice.type === 'confirm-replacement') {
        // The owner has chosen it, and its agent has seen that it is what the old one was.
        say({ type: 'confirm', session: notice.session, accept: 1 });
      }
    },
    bundle(given) {
      const { bundle, number } = found(given);
      if (bundle === undefined) throw new HandselError('RULING_MISSING', `nothing was ruled in dispute ${number}`);
      return bundle;
    },
  };
}

function ignoreOurErrors(error: unknown): void {
  if (!(error instanceof HandselError)) throw error;
}

function viewOf(one: ShownDispute): DisputeView {
  const { number, side, status, about, peer, ticketId, statement, paid, answer, offer, bundle, heard } = one;
  const ruling = bundle && rulingOf(bundle);
  const last = ruling?.reasons.at(-1);
  const refund = offer.refund === undefined ? [] : [`refund of ${formatAmount(offer.refund)}`];
  return {
    ...{ dispute: number, side, status, about, with: formatAgentId(peer), statement, opened: timeOf(one.openedAtMs) },
    offered: [...refund, ...(offer.replacement ? ['replacement'] : [])],
    ...(ticketId !== undefined && { ticket: ticketId }),
    ...(paid && { paid: formatAmount(paid) }),
    ...(answer && { answer }),
    ...(heard && { heard: { case: heard.case, until: timeOf(heard.untilMs) } }),
    ...(ruling &&
      last && {
        ruling: {
          ...{ case: toHex(ruling.case), outcome: ruling.outcome, code: last.code, reason: last.text },
          final: timeOf(ruling.finalAtMs),
        },
      }),
  };
}

const rulingOf = (bundle: Uint8Array) => readDocument(ticketRulingType, decodeTicketBundle(bundle).ruling).value;
const timeOf = (ms: number) => new Date(ms).toISOString();
