/** Disputes about tickets: with the merchant's agent, and before the trusted server (docs/disputes.md). */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HandselError } from '../handsel-error.ts';
import { configurationFile } from '../party/configuration/configuration.ts';
import { controlFileOf } from '../party/configuration/control-file.ts';
import type { DisputeView } from '../party/device/dispute-desk.ts';
import type { TicketCaseView } from '../party/trusted/case-control.ts';
import { isPersons, ownDevice } from './device-client.ts';
import type { DisputeKind, DisputeOptions } from './dispute-kind.ts';
import { rulingText } from './ruling-words.ts';
import { ownerClient } from './station-client.ts';
import { checkTicketBundle } from './verify-ticket-bundle.ts';

type Write = (text: string) => void;

/** `ticket:3f2a`, `dispute:91c0`, or the bare beginning of a name with `--kind ticket`. */
const bare = (id: string) => id.replace(/^(ticket|dispute|case):/, '');

/** A merchant's device by its name, else the person's. */
const device = ({ merchant, ...options }: DisputeOptions) =>
  ownDevice({ ...options, ...(merchant === undefined ? {} : { device: merchant }) }, isPersons);

export const ticketDisputes: DisputeKind = {
  owns: (id) => /^(ticket|dispute|case):[0-9a-f]{1,64}$/.test(id),
  async open(ticket, options, write) {
    const { statement, with: to, about } = options;
    if (to === undefined) throw new HandselError('DISPUTE_WITHOUT_MERCHANT', "--with names the merchant's device");
    const order = { ticket: bare(ticket), to, statement, ...(about && { about }) };
    say(await device(options).post<DisputeView>('/disputes', order), options, write);
  },
  async show(id, options, write) {
    if (options.arbiter !== undefined) return showCases(id, options, write);
    const own = device(options);
    if (id !== undefined) return say(await own.get<DisputeView>(`/disputes/${bare(id)}`), options, write);
    const all = await own.get<readonly DisputeView[]>('/disputes');
    write(options.json ? json(all) : all.map(disputeText).join('\n') || 'nothing is disputed\n');
  },
  async answer(id, options, write) {
    const { statement: reason = '', grant = [], replacement: file } = options;
    const replacement: unknown = file === undefined ? undefined : JSON.parse(readFileSync(file, 'utf8'));
    const answer = { grant, reason, ...(replacement !== undefined && { replacement }) };
    say(await device(options).post<DisputeView>(`/disputes/${bare(id)}/answer`, answer), options, write);
  },
  async escalate(id, options, write) {
    const path = options.appeal === true ? 'appeal' : 'escalate';
    const { statement = '' } = options;
    say(await device(options).post<DisputeView>(`/disputes/${bare(id)}/${path}`, { statement }), options, write);
  },
  async choose(id, options, write) {
    const { what, card } = options;
    const choice = { what, ...(card && { card }) };
    say(await device(options).post<DisputeView>(`/disputes/${bare(id)}/choose`, choice), options, write);
  },
  async ruling(id, options, write) {
    if (options.arbiter !== undefined) return decide(id, options, write);
    const { bundle } = await device(options).get<{ bundle: string }>(`/disputes/${bare(id)}/ruling`);
    const bytes = new Uint8Array(Buffer.from(bundle, 'base64'));
    if (options.out !== undefined) writeFileSync(options.out, bytes);
    const checked = checkTicketBundle(bytes, options);
    write(options.json ? json({ ...checked, file: options.out }) : rulingText(checked));
    if (options.out !== undefined && !options.json) write(`written to ${options.out}\n`);
  },
};

const serverPeople = ({ arbiter }: DisputeOptions) => {
  const file = controlFileOf(configurationFile(arbiter!));
  return ownerClient(file, {
    code: 'SERVER_NOT_RUNNING',
    message: `the trusted server of ${join(arbiter!)} is not running`,
  });
};

async function showCases(id: string | undefined, options: DisputeOptions, write: Write): Promise<void> {
  const people = serverPeople(options);
  const found =
    id === undefined
      ? await people.get<readonly TicketCaseView[]>('/cases')
      : [await people.get<TicketCaseView>(`/cases/${bare(id)}`)];
  write(options.json ? json(found) : found.map(caseText).join('\n') || 'no case is open\n');
}

async function decide(id: string, options: DisputeOptions, write: Write): Promise<void> {
  const { decide: outcome, person = '', statement: text = '', seen = '' } = options;
  if (outcome === undefined) return showCases(id, options, write);
  const decision = { outcome, person, text, seen };
  const view = await serverPeople(options).post<TicketCaseView>(`/cases/${bare(id)}/decision`, decision);
  write(options.json ? json(view) : caseText({ ...view, phase: `${view.phase}: ${outcome}` }));
}

function say(view: DisputeView, options: DisputeOptions, write: Write): void {
  write(options.json ? json(view) : disputeText(view));
}

export function disputeText(view: DisputeView): string {
  const { dispute, side, status, about, ticket, statement, paid, answer, offered, heard, ruling } = view;
  return lines([
    `${dispute}  ${about}, ${status}${side === 'merchant' ? `, of customer ${view.with}` : `, with merchant ${view.with}`}`,
    ...(ticket === undefined ? [] : [`  ticket    ${ticket}${paid === undefined ? '' : `, ${paid} paid`}`]),
    ...(statement === '' ? [] : [`  customer  ${statement}`]),
    ...(answer === undefined
      ? []
      : [`  merchant  ${answer.outcome}${answer.reason === '' ? '' : `: ${answer.reason}`}`]),
    ...(offered.length === 0 || status !== 'granted' ? [] : [`  offered   ${offered.join(' or ')}`]),
    ...(heard === undefined ? [] : [`  heard     a trusted server waits for an answer until ${heard.until}`]),
    ...(ruling === undefined
      ? []
      : [`  ruling    ${ruling.outcome}, ${ruling.code}: ${ruling.reason}`, `            final at ${ruling.final}`]),
  ]);
}

function caseText({ case: of, phase, about, customer, merchant, ticket, statement, answer }: TicketCaseView): string {
  return lines([
    `${of}  ${about}, ${phase}`,
    `  between   ${customer} and merchant ${merchant}`,
    ...(ticket === undefined ? [] : [`  ticket    ${ticket}`]),
    ...(statement === '' ? [] : [`  customer  ${statement}`]),
    ...(answer === undefined ? [] : [`  merchant  ${answer}`]),
  ]);
}

const lines = (all: readonly string[]) => all.map((line) => `${line}\n`).join('');
const json = (value: unknown) => `${JSON.stringify(value)}\n`;
