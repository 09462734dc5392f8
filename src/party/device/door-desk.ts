/**
 * The host side of a door: scans codes, serves who presents a ticket in a session, keeps count of what its lists know, and compares notes with
 * other doors. The agent decides whether a ticket is good, the policy whether it is for here.
 */
import { HandselError } from '../../handsel-error.ts';
import type { Clock } from '../../journal/clock.ts';
import type { TransactionDevice } from '../../trusted/agent/device.ts';
import { type HostNotice, type ShownTicket, showTicket } from '../../trusted/agent/to-host.ts';
import { type ScanFile, writeScanFile } from '../../trusted/door/scan-file.ts';
import { formatAgentId } from '../../trusted/message/agent-id.ts';
import { decodeTicket } from '../../trusted/ticket/compact-ticket.ts';
import { type DoorReason, wordsOfReason } from '../../trusted/ticket/door-reason.ts';
import { firstStatus } from '../../trusted/ticket/status.ts';
import { codeOfLetters, readCode, referredTo } from '../../trusted/ticket/ticket-code.ts';
import type { DoorConfiguration } from '../configuration/trusted-configuration.ts';
import type { DeviceMatters } from './device-matters.ts';
import { faultByPolicy } from './door-policy.ts';
import { componentsOf, type TicketView, ticketView, timeText } from './ticket-view.ts';

export interface DoorAnswer {
  readonly letIn: boolean;
  /** Why not. */
  readonly reason?: DoorReason;
  /** For the person at the door. */
  readonly words: string;
  /** For whoever looks after the door. */
  readonly why?: string;
  readonly ticket?: TicketView;
  /** The number of the device that showed it. */
  readonly holder?: string;
  readonly units?: number;
  readonly how: 'code' | 'paper' | 'session';
  /** It went by lists that are too old: what was taken back since it cannot know. */
  readonly listsTooOld?: true;
}

export interface DoorEvent extends DoorAnswer {
  readonly at: string;
}

export interface BookedScan {
  readonly at: string;
  readonly ticketId: string;
  readonly title: string;
  readonly how: DoorAnswer['how'];
  readonly units: number;
}

export interface DoorDesk {
  scan(letters: string, units: number | undefined): Promise<DoorAnswer>;
  /** To Host of the door's agent, for what comes in sessions. */
  hear(notice: HostNotice): void;
  /** The newest first. */
  events(): readonly DoorEvent[];
  book(): Promise<readonly BookedScan[]>;
  /** As `handsel gate merge` takes it. */
  scanFile(): Promise<Uint8Array>;
  /** Takes in what another door let in. Gives how many entries. */
  learnScans(file: ScanFile): Promise<number>;
  /** Takes in what issuers took back. */
  learnMarks(marks: readonly Uint8Array[]): Promise<void>;
}

/** Under which the door expects who presents. */
export const DOOR_MATTER = 'door';
const LOCAL_MS = 15_000;
const maxEvents = 200;
const maxLearnt = 500;

export function createDoorDesk(parts: {
  readonly name: string;
  readonly device: TransactionDevice;
  readonly matters: DeviceMatters;
  readonly policy: DoorConfiguration;
  readonly clock: Clock;
}): DoorDesk {
  const { name, device, matters, policy, clock } = parts;
  const nowS = () => Math.floor(clock.nowMs() / 1000);
  const events: DoorEvent[] = [];
  const note = (answer: DoorAnswer): DoorAnswer => {
    events.unshift({ at: timeText(nowS()), ...answer });
    events.length = Math.min(events.length, maxEvents);
    return answer;
  };
  const refuse = (reason: DoorReason, why: string, how: DoorAnswer['how'], ticket?: ShownTicket): DoorAnswer => ({
    ...{ letIn: false, reason, words: wordsOfReason(reason), why, how },
    ...(ticket && { ticket: ticketView(ticket) }),
  });
  /** Tickets presented in sessions, until it is clear what comes of them. */
  const presented = new Map<string, { readonly ticket: ShownTicket; refused?: boolean }>();

  const scanCode = async (letters: string, units: number): Promise<DoorAnswer> => {
    if (referredTo(letters) !== undefined) return refuse('reference', 'no code of a ticket', 'code');
    let code: Uint8Array;
    try {
      code = codeOfLetters(letters);
    } catch (error) {
      if (!(error instanceof HandselError)) throw error;
      return refuse('unreadable', error.message, 'code');
    }
    const fault = faultOfCode(code, policy, nowS());
    if (fault !== undefined) return refuse(fault.reason, fault.why, 'code');
    const matter = matters.begin('scan');
    const outcome = matters.outcome(matter, LOCAL_MS, (notice) =>
      notice.type === 'let-in' || notice.type === 'turned-away' ? notice : undefined,
    );
    outcome.catch(() => undefined);
    await device.command({ type: 'scan', matter, code, units, paperTaken: policy.paper ? 1 : 0 });
    const notice = await outcome;
    if (notice.type === 'turned-away') return refuse(notice.reason, notice.why, 'code', notice.ticket);
    return {
      ...{ letIn: true, words: 'Come in.', how: notice.paper === 1 ? 'paper' : 'code', units: notice.units },
      ...{ ticket: ticketView(notice.ticket), holder: formatAgentId(notice.holder) },
    };
  };

  return {
    scan: async (letters, units = policy.units) => note(await scanCode(letters, units)),
    hear(notice) {
      if (notice.type === 'turned-away' && notice.matter === DOOR_MATTER) {
        note(refuse(notice.reason, notice.why, 'session', notice.ticket));
      } else if (notice.type === 'presented') {
        const { session, ticket } = notice;
        const { issuerName } = ticket;
        const fault = faultByPolicy({ issuerName, components: componentsOf(ticket) }, policy, nowS());
        presented.set(session, { ticket, refused: fault !== undefined });
        if (fault !== undefined) note(refuse(fault.reason, fault.why, 'session', ticket));
        // Nothing is taken off a ticket for something else: it is only given back.
        const units = fault === undefined ? policy.units : 0;
        device.command({ type: 'use', session, units, last: 1 }).catch(() => presented.delete(session));
      } else if (notice.type === 'granted' && notice.units !== 0) {
        const { session, units, standing, remaining, inUseUntilS } = notice;
        const known = presented.get(session);
        presented.delete(session);
        if (known === undefined || known.refused === true) return;
        const after = { ...known.ticket, standing, inUseUntilS };
        const ticket = ticketView(remaining === undefined ? after : { ...after, remaining });
        note({ letIn: true, words: 'Come in.', how: 'session', units, ticket });
      }
    },
    events: () => events,
    async book() {
      const scans = await device.scans();
      return scans.map(({ ticketId, ticket, code, units, atS }) => ({
        ...{ at: timeText(atS), ticketId, units, how: howShown(code) },
        title: ticketView(shownOf(ticket)).title,
      }));
    },
    async scanFile() {
      const self = device.self();
      if (self === undefined) throw new HandselError('COMMAND_UNTIMELY', 'this door has no certificate yet');
      return writeScanFile({ door: self.agentId, name, atS: nowS(), scans: await device.scans() });
    },
    async learnScans({ door, scans }) {
      // What this door let in itself it knows.
      const entries = door === device.self()?.agentId ? [] : scans.map(({ ticket, mark }) => ({ ticket, mark }));
      for (let at = 0; at < entries.length; at += maxLearnt) {
        await device.command({ type: 'learn', entries: entries.slice(at, at + maxLearnt) });
      }
      return entries.length;
    },
    async learnMarks(marks) {
      for (let at = 0; at < marks.length; at += maxLearnt) {
        const entries = marks.slice(at, at + maxLearnt).map((mark) => ({ mark }));
        await device.command({ type: 'learn', entries });
      }
    },
  };
}

const howShown = (code: Uint8Array | undefined) =>
  code === undefined ? 'session' : readCode(code).paper === 1 ? 'paper' : 'code';

/** As it reads: whether it is good is not looked at. @throws HandselError for what is no ticket */
function shownOf(bytes: Uint8Array): ShownTicket {
  const ticket = decodeTicket(bytes);
  return showTicket(ticket, firstStatus(ticket.body.components));
}

/** By the policy, if the ticket can be read at all; whether it is genuine is the agent's matter. */
function faultOfCode(code: Uint8Array, policy: DoorConfiguration, nowS: number) {
  try {
    const shown = shownOf(readCode(code).ticket);
    return faultByPolicy({ issuerName: shown.issuerName, components: componentsOf(shown) }, policy, nowS);
  } catch (error) {
    if (!(error instanceof HandselError)) throw error;
    return undefined;
  }
}
