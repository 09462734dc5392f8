/** What the arbiter's own people see of its cases, and say where only eyes can tell: plain data. */
import { z } from 'zod';
import { toHex } from '../../codec/hex.ts';
import { readMessage } from '../../crypto/signed-message.ts';
import { type ArbiterRecord, type ArbiterState, type Case, caseKey } from '../../delivery/arbiter/case.ts';
import { complaintType, statementType } from '../../delivery/message/complaint.ts';
import { DeliveryError } from '../../delivery/message/delivery-error.ts';
import { descriptionType } from '../../delivery/message/description.ts';
import { rulingType } from '../../delivery/message/ruling.ts';
import { fullIdentity } from '../owner/full-identity.ts';

export interface CaseView {
  readonly case: string;
  readonly about: string;
  /** `gathering`, `examining`, `seeing` (a person has to look), or `ruled`. */
  readonly phase: string;
  readonly order: string;
  readonly merchant: string;
  readonly trustee: string;
  /** What the merchant signed that the goods are. */
  readonly described?: string;
  /** What the customer says, and the merchant. */
  readonly statement: string;
  readonly answer?: string;
  /** The opened content, for whoever has to look. */
  readonly content?: string;
  readonly outcome?: string;
  readonly breaches?: readonly string[];
  readonly reasons?: readonly { readonly code: string; readonly text: string }[];
}

export const decisionSchema = z.strictObject({
  outcome: z.enum(['refund', 'dismissed'], 'expected refund or dismissed'),
  person: z.string().min(1, 'expected the name of who decides').max(100),
  text: z.string().min(1, 'expected the reason in words').max(500),
});

interface Cases {
  readonly state: Readonly<ArbiterState>;
  readByKey(key: string): Promise<readonly ArbiterRecord[]>;
}

export function caseViews(host: Cases, contentFile: (of: string) => string) {
  const viewOf = async (of: string): Promise<CaseView | undefined> => {
    const records = await host.readByKey(caseKey(of));
    const opened = records.find((record) => record.type === 'opened');
    const ruled = records.find((record) => record.type === 'ruled');
    const complaint = opened?.complaint ?? ruled?.complaint;
    if (complaint === undefined || complaint === null) return undefined;
    const said = readMessage(complaintType, complaint).value;
    const ruling = ruled && readMessage(rulingType, ruled.ruling).value;
    const heard = records.find((record) => record.type === 'answered' && record.by === 'merchant');
    const answer =
      heard?.type === 'answered' && heard.bytes ? readMessage(statementType, heard.bytes).value : undefined;
    const current: Case | undefined = host.state.cases.get(of);
    return {
      ...{ case: of, about: said.about, phase: current?.phase ?? 'ruled', statement: said.statement },
      ...{ order: toHex(opened?.case.order ?? ruling!.order) },
      ...{ merchant: opened?.case.merchant ?? '', trustee: opened?.case.trustee ?? '' },
      ...(opened && { described: describedIn(said.description) }),
      ...(answer && answer.statement !== '' && { answer: answer.statement }),
      ...(current?.phase === 'seeing' && { content: contentFile(of) }),
      ...(ruling && { outcome: ruling.outcome, breaches: ruling.breaches, reasons: ruling.reasons }),
    };
  };
  return {
    async list(): Promise<readonly CaseView[]> {
      const all = await Promise.all([...host.state.cases.keys()].map(viewOf));
      return all.filter((view) => view !== undefined);
    },
    /** Of a case that is open, the beginning of its name is enough. @throws DeliveryError `CASE_UNKNOWN` */
    async one(given: string): Promise<CaseView> {
      const of = /^[0-9a-f]{64}$/.test(given)
        ? given
        : fullIdentity(given, host.state.cases.keys(), { what: 'case', unknown: 'CASE_UNKNOWN' });
      const view = await viewOf(of);
      if (view === undefined) throw new DeliveryError('CASE_UNKNOWN', 'there is no such case');
      return view;
    },
  };
}

/** Checked when the case was opened. */
function describedIn(description: Uint8Array): string {
  const { name, text, length, mediaType } = readMessage(descriptionType, description).value;
  return `${name}: ${text} (${mediaType}, ${length} bytes)`;
}
