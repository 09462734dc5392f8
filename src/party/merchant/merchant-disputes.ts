/** Complaints about a merchant's deliveries, for its own people: what waits for their answer, and what was ruled. */
import { z } from 'zod';
import { readMessage } from '../../crypto/signed-message.ts';
import { complaintType, hearingType, statementType } from '../../delivery/message/complaint.ts';
import { DeliveryError } from '../../delivery/message/delivery-error.ts';
import { descriptionType } from '../../delivery/message/description.ts';
import { rulingType } from '../../delivery/message/ruling.ts';
import type { SenderInput } from '../../delivery/sender/sender-input.ts';
import {
  caseKey,
  orderKey,
  REFUNDS_KEY,
  type SenderRecord,
  type SenderState,
} from '../../delivery/sender/sender-state.ts';
import type { Host } from '../../journal/host.ts';
import type { Routes } from '../../transport/route.ts';
import type { RefundEntry } from '../message/refund-entry.ts';
import { readRequest } from '../owner/control-request.ts';
import { fullIdentity } from '../owner/full-identity.ts';
import { ownCommand } from '../owner/own-commands.ts';
import { refundsIn } from './merchant-refunds.ts';

export interface HeardView {
  readonly case: string;
  readonly about: string;
  /** The product as it was described, and what the customer says. */
  readonly product: string;
  readonly statement: string;
  /** ISO 8601: until then an answer is waited for. */
  readonly until: string;
  readonly waits: boolean;
  readonly answer?: string;
  readonly outcome?: string;
  readonly reasons?: readonly { readonly code: string; readonly text: string }[];
  /** What its operator signed that it paid back. */
  readonly refund?: RefundEntry;
}

const answerSchema = z.strictObject({ statement: z.string().min(1, 'expected what you say to it').max(4000) });

/** So many of its last refunds are told. */
const MOST = 1000;

type Sender = Pick<Host<SenderState, SenderInput, SenderRecord>, 'state' | 'readByKey' | 'submit'>;

/** @param name the merchant's own */
export function merchantDisputes(name: string, sender: Sender): Routes {
  const one = async (given: string): Promise<HeardView> => {
    const of = /^[0-9a-f]{64}$/.test(given)
      ? given
      : fullIdentity(given, sender.state.hearings.keys(), { what: 'case', unknown: 'CASE_UNKNOWN' });
    const records = await sender.readByKey(caseKey(of));
    const ruled = records.find((record) => record.type === 'ruled');
    const refunds = refundsIn(ruled === undefined ? [] : await sender.readByKey(orderKey(ruled.order)));
    const view = viewOf(of, records, { waits: sender.state.hearings.has(of), refund: refunds[0] });
    if (view === undefined) throw new DeliveryError('CASE_UNKNOWN', 'no such complaint was heard here');
    return view;
  };
  return {
    'GET /merchant/disputes': ownCommand(name, () => Promise.all([...sender.state.hearings.keys()].map(one))),
    'GET /merchant/disputes/:case': ownCommand(name, ({ params }) => one(params.case ?? '')),
    'GET /merchant/refunds': ownCommand(name, async () =>
      refundsIn(await sender.readByKey(REFUNDS_KEY, { limit: MOST })),
    ),
    'POST /merchant/disputes/:case/answer': ownCommand(name, async (request) => {
      const { case: of } = await one(request.params.case ?? '');
      await sender.submit({ type: 'say', case: of, statement: readRequest(request, answerSchema).statement });
      return one(of);
    }),
  };
}

function viewOf(
  of: string,
  records: readonly SenderRecord[],
  { waits, refund }: { readonly waits: boolean; readonly refund: RefundEntry | undefined },
): HeardView | undefined {
  const heard = records.find((record) => record.type === 'heard');
  if (heard === undefined) return undefined;
  const hearing = readMessage(hearingType, heard.hearing).value;
  const complaint = readMessage(complaintType, hearing.complaint).value;
  const answered = records.find((record) => record.type === 'answered');
  const ruled = records.find((record) => record.type === 'ruled');
  const ruling = ruled && readMessage(rulingType, ruled.ruling).value;
  return {
    ...{ case: of, about: complaint.about, statement: complaint.statement, waits },
    product: readMessage(descriptionType, complaint.description).value.name,
    until: new Date(hearing.untilMs).toISOString(),
    ...(answered && { answer: readMessage(statementType, answered.statement).value.statement }),
    ...(ruling && { outcome: ruling.outcome, reasons: ruling.reasons }),
    ...(refund && { refund }),
  };
}
