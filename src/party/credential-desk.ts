/** Credentials from their owner's side (US 5,671,280, figures 26 to 28): what is acquired and renewed, within what the owner said beforehand. */
import { HandselError } from '../handsel-error.ts';
import { formatAmount } from '../money/amount.ts';
import type { TransactionDevice } from '../trusted/agent/device.ts';
import type { HostCommand } from '../trusted/agent/host-command.ts';
import type { DeviceDesk } from './device-desk.ts';
import type { DeviceMatters } from './device-matters.ts';
import { type TicketView, ticketView } from './ticket-view.ts';

export interface Evidence {
  readonly ticket: string;
  /** Which fields are shown of it; without them only what stands in the open. */
  readonly fields?: readonly string[] | undefined;
}

export interface CredentialDesk {
  /** Gives what was issued. @throws HandselError `NOT_DONE`, `COMES_IN_PERSON`, `COSTS_MORE` */
  acquire(order: {
    readonly wanted: string;
    readonly from: string;
    readonly code?: Uint8Array | undefined;
    readonly evidence: readonly Evidence[];
  }): Promise<TicketView>;
  /** By the authority that issued it. Gives what takes its place. @throws as `acquire` */
  renew(ticket: string, at: string): Promise<TicketView>;
}

const OUTCOME_MS = 120_000;
const NOTHING = new Uint8Array();

interface Ended {
  readonly why?: string;
  readonly inPerson?: true;
  readonly costs?: string;
}

export function createCredentialDesk(parts: {
  readonly device: TransactionDevice;
  readonly matters: DeviceMatters;
  readonly desk: DeviceDesk;
}): CredentialDesk {
  const { device, matters, desk } = parts;

  const converse = async (command: HostCommand & { readonly matter: string }): Promise<TicketView> => {
    let received: TicketView | undefined;
    const say = (session: string, accept: 0 | 1) =>
      void device.command({ type: 'confirm', session, accept }).catch(() => undefined);
    let costs: string | undefined;
    const outcome = matters.outcome<Ended>(command.matter, OUTCOME_MS, (notice) => {
      switch (notice.type) {
        case 'confirm-credential':
          // The authority's own: that it is one was checked; whom it may name is for the owner, who named it.
          say(notice.session, 1);
          return undefined;
        case 'confirm-delivery':
          costs = notice.price && formatAmount(notice.price);
          say(notice.session, notice.price === undefined ? 1 : 0);
          return undefined;
        case 'received':
          received = notice.tickets[0] && ticketView(notice.tickets[0]);
          return undefined;
        case 'over':
          return {};
        case 'revalidate-in-person':
          return { inPerson: true };
        case 'failed':
          return costs === undefined ? { why: notice.why } : { costs };
        default:
          return undefined;
      }
    });
    outcome.catch(() => undefined);
    await device.command(command);
    const ended = await outcome;
    if (ended.inPerson) {
      throw new HandselError('COMES_IN_PERSON', 'the authority wants to see its holder: the credential stays as it is');
    }
    if (ended.costs !== undefined) {
      throw new HandselError('COSTS_MORE', `it costs ${ended.costs}, and this device has no way to pay that`);
    }
    if (ended.why !== undefined || received === undefined) {
      throw new HandselError('NOT_DONE', `nothing was issued: ${ended.why ?? 'nothing came'}`);
    }
    return received;
  };

  return {
    acquire({ wanted, from, code, evidence }) {
      const shown = evidence.map(({ ticket, fields }) => ({
        ticketId: desk.ticket(ticket).id,
        ...(fields && { fields }),
      }));
      return converse({
        ...{ type: 'acquire', matter: matters.begin('acquire'), route: desk.routeTo(from), about: NOTHING, wanted },
        ...(code && { code }),
        ...{ evidence: shown, check: 1 },
      });
    },
    renew(ticket, at) {
      const ticketId = desk.ticket(ticket).id;
      const matter = matters.begin('renew');
      return converse({ type: 'revalidate', matter, route: desk.routeTo(at), about: NOTHING, ticketId });
    },
  };
}
