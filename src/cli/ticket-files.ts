/** Tickets as files: a PDF to be printed, and a Wallet pass. Both carry a code on paper, or only the ticket's name. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HandselError } from '../handsel-error.ts';
import { systemClock } from '../journal/clock.ts';
import type { ShownCode } from '../party/device/device-desk.ts';
import { ownPassSigner, readPassSigner } from '../party/device/pass-signer.ts';
import type { Barcode } from '../party/device/ticket-pass.ts';
import type { TicketView } from '../party/device/ticket-view.ts';
import { replaceFile } from '../party/files/replace-file.ts';
import { longestPaperS, referenceTo } from '../trusted/ticket/ticket-code.ts';
import type { OwnDevice } from './device-client.ts';
import { homeFolder } from './global-options.ts';
import { ticketFacts } from './ticket-words.ts';

export interface PaperOptions {
  readonly out: string;
  readonly for?: number;
  readonly reference?: true;
}

export interface PassOptions {
  readonly barcode: Barcode;
  readonly signer?: string;
}

export interface WrittenTicket {
  readonly file: string;
  readonly ticket: string;
  readonly title: string;
  /** ISO 8601: until when its code counts; absent for a reference. */
  readonly until?: string;
  /** Codes do not count as long as that: at its time the paper is worth nothing. */
  readonly runsOutBefore?: string;
}

interface OnPaper {
  readonly ticket: TicketView;
  readonly letters: string;
  readonly until?: string;
}

const MADE_WITHOUT_TIME_MS = 30 * 86_400_000;
const DAY_MS = 86_400_000;

/** The ticket is in use from here on, unless only a reference is wanted. */
async function putOnPaper(device: OwnDevice, given: string, options: PaperOptions): Promise<OnPaper> {
  const path = `/tickets/${encodeURIComponent(given)}`;
  const ticket = await device.get<TicketView>(path);
  if (options.reference) return { ticket, letters: referenceTo(ticket.id) };
  const forMs = options.for ?? usualTime(ticket);
  const forS = Math.min(longestPaperS, Math.ceil(forMs / 1000));
  const { letters, until } = await device.post<ShownCode>(`${path}/show`, { paper: true, forS });
  return { ticket, letters, until };
}

/** Until a day after it is for. */
function usualTime(ticket: TicketView): number {
  const end = endOf(ticket);
  const endMs = end === undefined ? Number.NaN : Date.parse(end);
  const leftMs = endMs - systemClock().nowMs() + DAY_MS;
  return Number.isNaN(leftMs) ? MADE_WITHOUT_TIME_MS : Math.max(DAY_MS, leftMs);
}

function endOf({ fields }: TicketView): string | undefined {
  const end = fields.arrivalAt ?? fields.at ?? fields.departureAt;
  return typeof end === 'string' ? end : undefined;
}

export async function printPaper(device: OwnDevice, given: string, options: PaperOptions): Promise<WrittenTicket> {
  // Loaded here, because no other command needs it.
  const { paperTicket } = await import('../party/device/ticket-paper.ts');
  const paper = await putOnPaper(device, given, options);
  const facts = ticketFacts(paper.ticket);
  const madeAt = new Date(systemClock().nowMs());
  replaceFile(options.out, await paperTicket({ ...paper, facts }, { madeAt }));
  return written(options, paper);
}

export async function exportPass(
  device: OwnDevice,
  given: string,
  options: PaperOptions & PassOptions & { readonly home?: string },
): Promise<WrittenTicket> {
  const { ticketPass } = await import('../party/device/ticket-pass.ts');
  const nowMs = systemClock().nowMs();
  const signer =
    options.signer === undefined
      ? ownPassSigner(join(homeFolder(options), 'pass-signer'), nowMs)
      : readPassSigner(options.signer);
  const paper = await putOnPaper(device, given, options);
  const { barcode } = options;
  replaceFile(options.out, ticketPass({ ...paper, barcode, signer, signedAt: new Date(nowMs) }));
  return written(options, paper);
}

function written({ out }: PaperOptions, { ticket, until }: OnPaper): WrittenTicket {
  const end = endOf(ticket);
  const tooSoon = until !== undefined && end !== undefined && Date.parse(until) < Date.parse(end);
  return {
    ...{ file: out, ticket: ticket.id, title: ticket.title },
    ...(until !== undefined && { until }),
    ...(tooSoon && { runsOutBefore: end }),
  };
}

const MAX_ORDER_BYTES = 1 << 20;

/** Fields of a ticket, or a list of them, as a person writes them down. @throws HandselError `TICKET_MALFORMED` */
export function readTicketOrder(file: string): unknown {
  const bytes = readFileSync(file);
  if (bytes.length > MAX_ORDER_BYTES) throw new HandselError('TICKET_MALFORMED', `${file} is larger than 1 MB`);
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new HandselError('TICKET_MALFORMED', `${file} is not JSON`, { cause });
  }
}
