/** Credentials from their owner's side (US 5,671,280, figures 26 to 28): what is acquired and renewed, within what the owner said beforehand. */

import { utf8 } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import { formatAmount, parseAmount } from '../../money/amount.ts';
import type { TransactionDevice } from '../../trusted/agent/device.ts';
import type { HostCommand } from '../../trusted/agent/host-command.ts';
import type { HostNotice } from '../../trusted/agent/to-host.ts';
import { fullIdentity } from '../owner/full-identity.ts';
import { chooseCard } from './choose-card.ts';
import type { DeviceDesk } from './device-desk.ts';
import type { DeviceMatters } from './device-matters.ts';
import { isWithin } from './price-limit.ts';
import { confirmWith, seeThrough } from './see-through.ts';
import { type TicketView, ticketView, timeText } from './ticket-view.ts';

export interface Evidence {
  readonly ticket: string;
  /** Which fields are shown of it; without them only what stands in the open. */
  readonly fields?: readonly string[] | undefined;
}

/** What its owner lets it cost. */
export interface MayPay {
  /** Such as `5EUR`. */
  readonly max: string;
  /** The beginning of a card credential's name; without it the first that is good. */
  readonly card?: string | undefined;
}

export interface CredentialDesk {
  /** Gives what was issued. @throws HandselError `NOT_DONE`, `COMES_IN_PERSON`, `COSTS_MORE`, `CARD_UNKNOWN`; and `UNDECIDED` when it goes on by itself */
  acquire(order: {
    readonly wanted: string;
    readonly from: string;
    readonly code?: Uint8Array | undefined;
    readonly evidence: readonly Evidence[];
    readonly pay?: MayPay | undefined;
  }): Promise<TicketView>;
  /** By the authority that issued it. Gives what takes its place. @throws as `acquire` */
  renew(order: {
    readonly ticket: string;
    readonly at: string;
    readonly pay?: MayPay | undefined;
  }): Promise<TicketView>;
  /**
   * As an SD-JWT VC for one verifier, with these fields only. `at` is the authority that issued the credential, and each time writes another copy;
   * without it `ticket` is the beginning of the name of one that is held in that form already.
   * @throws as `acquire`; HandselError `TICKET_UNKNOWN`
   */
  exportFor(order: {
    readonly ticket: string;
    readonly at?: string | undefined;
    readonly fields: readonly string[];
    readonly audience: string;
    readonly nonce: string;
  }): Promise<ExportedCredential>;
  /** What is held as SD-JWT VC: copies of credentials, and those of other issuers. */
  copies(): readonly HeldCopy[];
  /** A key to which another issuer binds a credential: its name, and its public half as a JWK. */
  newKey(): Promise<{ readonly id: string; readonly jwk: string }>;
  /** What that issuer gave. @throws TrustedError or CryptographicError for what is not genuine or not bound to the key */
  importFrom(order: {
    readonly id: string;
    readonly sdJwt: string;
    readonly issuer: string;
    /** JWK set, as JSON. */
    readonly keys: string;
  }): Promise<ImportedCredential>;
}

export interface ExportedCredential {
  readonly id: string;
  readonly issuer: string;
  readonly vct: string;
  /** ISO 8601. */
  readonly expires?: string;
  readonly sdJwt: string;
}

/** By its names only: what it says is shown to verifiers. */
export interface HeldCopy extends ImportedCredential {
  readonly fields: readonly string[];
}

export type ImportedCredential = Omit<ExportedCredential, 'sdJwt'>;

const LOCAL_MS = 15_000;
const OUTCOME_MS = 120_000;
const NOTHING = new Uint8Array();

export function createCredentialDesk(parts: {
  readonly device: TransactionDevice;
  readonly matters: DeviceMatters;
  readonly desk: DeviceDesk;
}): CredentialDesk {
  const { device, matters, desk } = parts;

  const converse = async (command: HostCommand & { readonly matter: string }, pay?: MayPay): Promise<TicketView> => {
    const limit = pay && parseAmount(pay.max);
    const card = pay && chooseCard(desk, pay.card);
    const say = confirmWith(device);
    const payBy = (session: string, ticketId: string) =>
      void device
        .command({ type: 'confirm', session, accept: 1, payment: { type: 'card', ticketId } })
        .catch(() => undefined);
    let received: TicketView | undefined;
    let costs: string | undefined;
    let inPerson = false;
    const why = await seeThrough(parts, command, {
      hear(notice) {
        // The authority's own: that it is one was checked; whom it may name is for the owner, who named it.
        if (notice.type === 'confirm-credential') say(notice.session, true);
        else if (notice.type === 'confirm-delivery') {
          if (notice.price === undefined) say(notice.session, true);
          else if (card !== undefined && isWithin(notice.price, limit)) payBy(notice.session, card);
          else {
            costs = formatAmount(notice.price);
            say(notice.session, false);
          }
        } else if (notice.type === 'received') received = notice.tickets[0] && ticketView(notice.tickets[0]);
        else if (notice.type === 'revalidate-in-person') inPerson = true;
        return inPerson ? 'done' : undefined;
      },
      both: 'it is issued and paid or neither',
    });
    if (inPerson) {
      throw new HandselError('COMES_IN_PERSON', 'the authority wants to see its holder: the credential stays as it is');
    }
    if (why !== undefined && costs !== undefined) {
      const said = pay === undefined ? 'nothing was said of paying' : `no more than ${pay.max} may be paid`;
      throw new HandselError('COSTS_MORE', `it costs ${costs}, and ${said}`);
    }
    if (why !== undefined || received === undefined) {
      throw new HandselError('NOT_DONE', `nothing was issued: ${why ?? 'nothing came'}`);
    }
    return received;
  };

  const tell = async <T>(
    command: HostCommand & { readonly matter: string },
    forMs: number,
    outcome: (notice: HostNotice) => T | undefined,
  ): Promise<T> => {
    const hearing = matters.outcome<{ readonly done: T } | { readonly refused: string }>(
      command.matter,
      forMs,
      (notice) => {
        if (notice.type === 'failed') return { refused: notice.why };
        const done = outcome(notice);
        return done === undefined ? undefined : { done };
      },
    );
    hearing.catch(() => undefined);
    await device.command(command);
    const heard = await hearing;
    if ('refused' in heard) throw new HandselError('NOT_DONE', `nothing was written: ${heard.refused}`);
    return heard.done;
  };

  const copies = () =>
    device.sdJwts().map(({ id, issuer, vct, expiresAtS, fields }) => ({
      ...{ id, issuer, vct, fields },
      ...(expiresAtS !== undefined && { expires: timeText(expiresAtS) }),
    }));
  const copyNamed = (given: string): ImportedCredential => {
    const all = copies();
    const words = { what: 'credential held as SD-JWT VC', unknown: 'TICKET_UNKNOWN' };
    const id = fullIdentity(given, new Set(all.map((one) => one.id)), words);
    const { fields: _, ...held } = all.find((one) => one.id === id)!;
    return held;
  };
  const writtenBy = (at: string, ticketId: string): Promise<ImportedCredential> => {
    const matter = matters.begin('export');
    const command = { type: 'export', matter, route: desk.routeTo(at), about: NOTHING, ticketId } as const;
    return tell(command, OUTCOME_MS, heldOrFailed);
  };

  return {
    acquire({ wanted, from, code, evidence, pay }) {
      const shown = evidence.map(({ ticket, fields }) => ({
        ticketId: desk.ticket(ticket).id,
        ...(fields && { fields }),
      }));
      const command: HostCommand & { readonly matter: string } = {
        ...{ type: 'acquire', matter: matters.begin('acquire'), route: desk.routeTo(from), about: NOTHING, wanted },
        ...(code && { code }),
        ...{ evidence: shown, check: 1 },
      };
      return converse(command, pay);
    },
    renew({ ticket, at, pay }) {
      const ticketId = desk.ticket(ticket).id;
      const matter = matters.begin('renew');
      return converse({ type: 'revalidate', matter, route: desk.routeTo(at), about: NOTHING, ticketId }, pay);
    },
    copies,
    async exportFor({ ticket, at, fields, audience, nonce }) {
      const held = at === undefined ? copyNamed(ticket) : await writtenBy(at, desk.ticket(ticket).id);
      const shown = { type: 'show-sd-jwt', matter: matters.begin('show'), id: held.id } as const;
      const { text } = await tell({ ...shown, fields: [...fields], audience, nonce }, LOCAL_MS, (notice) =>
        notice.type === 'sd-jwt' ? notice : undefined,
      );
      return { ...held, sdJwt: text };
    },
    newKey: () =>
      tell({ type: 'make-sd-jwt-key', matter: matters.begin('key') }, LOCAL_MS, (notice) =>
        notice.type === 'sd-jwt-key' ? { id: notice.id, jwk: notice.jwk } : undefined,
      ),
    importFrom: ({ id, sdJwt, issuer, keys }) =>
      tell(
        { type: 'import-sd-jwt', matter: matters.begin('import'), id, sdJwt, issuer, keys: utf8(keys) },
        LOCAL_MS,
        heldOrFailed,
      ),
  };
}

function heldOrFailed(notice: HostNotice): ImportedCredential | undefined {
  if (notice.type !== 'sd-jwt-held') return undefined;
  const { id, issuer, vct, expiresAtS } = notice;
  return { id, issuer, vct, ...(expiresAtS !== undefined && { expires: timeText(expiresAtS) }) };
}
