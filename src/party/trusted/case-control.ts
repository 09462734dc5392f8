/** Cases for the people of a trusted server: what only eyes can decide (`serve-owner.ts`). */
import { z } from 'zod';
import { HandselError } from '../../handsel-error.ts';
import type { Host } from '../../journal/host.ts';
import type { Request, Routes } from '../../transport/route.ts';
import { formatAgentId } from '../../trusted/message/agent-id.ts';
import { claimType } from '../../trusted/message/dispute.ts';
import { readDocument } from '../../trusted/message/signed-document.ts';
import { ticketComplaintType, ticketStatementType } from '../../trusted/message/ticket-ruling.ts';
import type { DisputeCase } from '../../trusted/server/dispute-state.ts';
import type { ServerInput } from '../../trusted/server/server-machine.ts';
import type { ServerRecord, ServerState } from '../../trusted/server/server-state.ts';
import { decodeTicket } from '../../trusted/ticket/compact-ticket.ts';
import { type Guarded, inJson, readRequest } from '../owner/control-request.ts';

type TrustedHost = Pick<Host<ServerState, ServerInput, ServerRecord>, 'state' | 'submit'>;

const name = z.string().regex(/^[0-9a-fA-F]{1,64}$/, 'expected the beginning of a case: hexadecimal digits');
const id = ({ params }: Request) => name.parse(params.id);
const decision = z.strictObject({
  outcome: z.enum(['refund', 'replacement', 'dismissed']),
  person: z.string().min(1).max(100),
  text: z.string().min(1).max(500),
  seen: z.string().min(1).max(500),
  breach: z.boolean().default(true),
});

export interface TicketCaseView {
  readonly case: string;
  readonly phase: string;
  readonly about: string;
  readonly customer: string;
  readonly merchant: string;
  /** What the ticket is, as far as words can say. */
  readonly ticket?: string;
  readonly statement: string;
  readonly answer?: string;
}

/** For the people of a trusted server: what only eyes can decide. */
export function caseControl(host: TrustedHost, guarded: Guarded): Routes {
  const cases = () => [...host.state.disputes.cases.values()];
  const one = (request: Request): DisputeCase => {
    const found = cases().filter((of) => of.case.startsWith(id(request).toLowerCase()));
    if (found.length === 1) return found[0]!;
    throw new HandselError(
      'CASE_UNKNOWN',
      found.length === 0 ? 'no such case is open' : 'more than one case begins so',
    );
  };
  const route = (handle: (request: Request) => Promise<unknown>) =>
    guarded(async (request) => inJson(await handle(request)));
  return {
    'GET /cases': route(async () => cases().map(caseView)),
    'GET /cases/:id': route(async (request) => caseView(one(request))),
    'POST /cases/:id/decision': route(async (request) => {
      const of = one(request);
      const decided = { case: of.case, ...readRequest(request, decision) };
      await host.submit({ type: 'command', command: { type: 'decide-dispute', decision: decided } });
      // What nobody may appeal against any more is let go.
      return caseView(host.state.disputes.cases.get(of.case) ?? { ...of, phase: 'ruled' });
    }),
  };
}

function caseView({ case: of, phase, customer, merchant, complaint, statement }: DisputeCase): TicketCaseView {
  const { claim, statement: complained } = readDocument(ticketComplaintType, complaint).value;
  const { about, statement: claimed, ticket } = readDocument(claimType, claim).value;
  const components = ticket && decodeTicket(ticket).body.components;
  const answered = statement && readDocument(ticketStatementType, statement).value;
  return {
    ...{ case: of, phase, about, customer: formatAgentId(customer.agentId), merchant: formatAgentId(merchant.agentId) },
    statement: [claimed, complained].filter((text) => text !== '').join(' — '),
    ...(components && { ticket: inWords(components) }),
    ...(answered && { answer: `${answered.stand}: ${answered.statement}` }),
  };
}

/** `departurePlace` as a person reads it. */
const wordsOf = (field: string) =>
  field.replace(/(At|Day)$/, '').replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** Times are seconds, days are days, both since 1970: nobody reads those. */
function readable(field: string, value: string | number): string {
  if (typeof value === 'number' && (field === 'at' || field.endsWith('At'))) return isoOf(value * 1000);
  if (typeof value === 'number' && field.endsWith('Day')) return isoOf(value * 86_400_000).slice(0, 10);
  return String(value);
}

const isoOf = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z');

/** Keys and pictures are nothing to read. */
function inWords(components: object): string {
  const told = Object.entries(components).filter(([, value]) => typeof value === 'string' || typeof value === 'number');
  return told
    .map(([field, value]) => `${wordsOf(field)} ${readable(field, value)}`)
    .join(', ')
    .slice(0, 500);
}
