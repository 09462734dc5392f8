/**
 * The host side of a transaction device (US 5,671,280, figure 3): says to the trusted agent what its owner wants, waits for what comes of it, and
 * carries what is between devices. It never has a key, and a ticket only as a code that the agent made for a door.
 */
import { HandselError } from '../../handsel-error.ts';
import type { Clock } from '../../journal/clock.ts';
import type { TransactionDevice } from '../../trusted/agent/device.ts';
import type { HostCommand } from '../../trusted/agent/host-command.ts';
import type { ShownTicket } from '../../trusted/agent/to-host.ts';
import { parseAgentId } from '../../trusted/message/agent-id.ts';
import type { Components } from '../../trusted/ticket/components.ts';
import { lettersOfCode } from '../../trusted/ticket/ticket-code.ts';
import { trustedRoute } from '../message/trusted-path.ts';
import { fullIdentity } from '../owner/full-identity.ts';
import type { DeviceMatters } from './device-matters.ts';
import { type SectionsView, sectionsView, type TicketView, ticketView, timeText } from './ticket-view.ts';

export interface DeviceDesk {
  tickets(): readonly TicketView[];
  ticket(given: string): TicketView & { readonly sections: SectionsView };
  /** A code for a door; see `src/trusted/ticket/ticket-code.ts`. */
  show(given: string, options: ShowOptions): Promise<ShownCode>;
  present(given: string, to: string, check: boolean): Promise<TicketView>;
  transfer(given: readonly string[], to: string, check: boolean): Promise<readonly string[]>;
  /** By a merchant's or authority's device. Gives the new tickets' names. */
  issue(components: readonly Components[], to: string): Promise<readonly string[]>;
  /** Gives the mark. */
  takeBack(given: string): Promise<Uint8Array>;
  /** Where another device is reached, by the name or URL that a person gives. @throws HandselError `DEVICE_UNKNOWN` */
  routeTo(name: string): string;
  log(limit: number): Promise<readonly DeviceLogLine[]>;
}

export interface ShowOptions {
  readonly paper: boolean;
  readonly forS: number;
  /** `1-17`, the number of a door. */
  readonly door?: string | undefined;
}

export interface ShownCode {
  readonly ticket: TicketView;
  /** As they stand in the symbol. */
  readonly letters: string;
  /** ISO 8601. */
  readonly until: string;
  readonly paper: boolean;
}

export interface DeviceLogLine {
  readonly at: string;
  readonly kind: string;
  readonly peer: string;
  readonly tickets: readonly string[];
  readonly note?: string;
}

/** Longer than an agent waits for another one before it gives a session up. */
const OUTCOME_MS = 120_000;
const LOCAL_MS = 15_000;
const NOTHING = new Uint8Array();

export function createDeviceDesk(parts: {
  readonly device: TransactionDevice;
  readonly matters: DeviceMatters;
  readonly devices: Readonly<Record<string, string>>;
  readonly clock: Clock;
}): DeviceDesk {
  const { device, matters, devices, clock } = parts;
  const view = (ticket: ShownTicket): TicketView => ticketView(ticket, Math.floor(clock.nowMs() / 1000));

  const shownTicket = (given: string): ShownTicket => {
    const all = device.tickets();
    const words = { what: 'ticket', unknown: 'TICKET_UNKNOWN' };
    const id = fullIdentity(given.toLowerCase(), new Set(all.map(({ ticketId }) => ticketId)), words);
    return all.find(({ ticketId }) => ticketId === id)!;
  };
  const routeTo = (name: string): string => {
    const url = devices[name] ?? (/^https:\/\/[^/]+$/.test(name) ? name : undefined);
    if (url !== undefined) return trustedRoute(url);
    const known = Object.keys(devices).join(', ');
    throw new HandselError('DEVICE_UNKNOWN', `no device is called ${name.slice(0, 60)}: there are ${known}`);
  };
  /** Says the command, and what comes of the matter. */
  const done = async <T>(
    command: HostCommand & { readonly matter: string },
    forMs: number,
    outcome: Parameters<typeof matters.outcome<T>>[2],
  ): Promise<T> => {
    const hearing = matters.outcome<T>(command.matter, forMs, outcome);
    hearing.catch(() => undefined);
    await device.command(command);
    return hearing;
  };
  /** Through to its end: `undecided` goes on by itself, and is told apart from what came to nothing. */
  const converse = async (command: HostCommand & { readonly matter: string }): Promise<readonly string[]> => {
    let given: readonly string[] = [];
    const failure = await done<{ readonly why?: string }>(command, OUTCOME_MS, (notice) => {
      if (notice.type === 'given') given = notice.ticketIds;
      // A give is decided here; a presentation when the acceptor has had enough.
      if (notice.type === 'given' && command.type === 'give') return {};
      if (notice.type === 'over') return {};
      if (notice.type === 'failed') return { why: notice.why };
      if (notice.type === 'confirm-credential') {
        // The owner said on the command line that the other one is to show a credential: any valid one will do.
        void device.command({ type: 'confirm', session: notice.session, accept: 1 });
      }
      return undefined;
    });
    if (failure.why !== undefined) throw new HandselError('NOT_DONE', `nothing was changed: ${failure.why}`);
    return given;
  };

  return {
    routeTo,
    tickets: () => device.tickets().map(view),
    ticket(given) {
      const ticket = shownTicket(given);
      return { ...view(ticket), sections: sectionsView(device.sections(ticket.ticketId)!) };
    },
    async show(given, { paper, forS, door }) {
      const ticket = shownTicket(given);
      const { ticketId } = ticket;
      const matter = matters.begin('show');
      const command = { type: 'show-code', matter, ticketId, forS, paper: paper ? 1 : 0 } as const;
      const said = door === undefined ? command : { ...command, door: parseAgentId(door) };
      const { code, untilS } = await done(said, LOCAL_MS, (notice) => (notice.type === 'code' ? notice : undefined));
      return { ticket: view(shownTicket(ticketId)), letters: lettersOfCode(code), until: timeText(untilS), paper };
    },
    async present(given, to, check) {
      const { ticketId } = shownTicket(given);
      const matter = matters.begin('present');
      const route = routeTo(to);
      await converse({ type: 'present', matter, route, about: NOTHING, ticketId, check: check ? 1 : 0 });
      return view(shownTicket(ticketId));
    },
    transfer(given, to, check) {
      const items = given.map((one) => ({ type: 'transfer', ticketId: shownTicket(one).ticketId }) as const);
      const matter = matters.begin('transfer');
      return converse({ type: 'give', matter, route: routeTo(to), about: NOTHING, items, check: check ? 1 : 0 });
    },
    issue(components, to) {
      const items = components.map((one) => ({ type: 'issue', components: one }) as const);
      const matter = matters.begin('issue');
      return converse({ type: 'give', matter, route: routeTo(to), about: NOTHING, items, check: 0 });
    },
    async takeBack(given) {
      const ticketId = given.toLowerCase();
      const issued = await device.issuedHere(ticketId);
      if (issued === undefined) throw new HandselError('TICKET_UNKNOWN', `no ticket ${ticketId} was issued here`);
      const matter = matters.begin('take back');
      const command = { type: 'take-back', matter, ticketId, counted: issued.counted ? 1 : 0 } as const;
      const { mark } = await done(command, LOCAL_MS, (notice) => (notice.type === 'taken-back' ? notice : undefined));
      return mark;
    },
    async log(limit) {
      const entries = await device.log(limit);
      return entries.map(({ atMs, kind, peer, ticketIds, note }) => ({
        ...{ at: timeText(Math.floor(atMs / 1000)), kind, peer, tickets: ticketIds },
        ...(note !== undefined && { note }),
      }));
    },
  };
}
