/** What a door wants of a ticket besides that it is good: that it is for this place, and for about now. */
import type { CborValue } from '../../codec/cbor-value.ts';
import type { DoorReason } from '../../trusted/ticket/door-reason.ts';
import type { DoorConfiguration } from '../configuration/trusted-configuration.ts';
import { beginningOf, endOf, timeText } from './ticket-view.ts';

export interface PolicyFault {
  readonly reason: DoorReason;
  readonly why: string;
}

const HOUR_S = 3600;

/** Undefined for a ticket that will do. */
export function faultByPolicy(
  ticket: { readonly issuerName: string; readonly components: Readonly<Record<string, CborValue>> },
  { issuers, of, opensHours, closesHours }: DoorConfiguration,
  nowS: number,
): PolicyFault | undefined {
  const { issuerName, components } = ticket;
  if (issuers !== undefined && !issuers.includes(issuerName)) {
    return { reason: 'wrong-place', why: `it is of ${issuerName}` };
  }
  const what = ['event', 'carrier', 'title'].map((field) => components[field]).find((one) => typeof one === 'string');
  if (of !== undefined && !of.some((one) => one === what)) {
    return { reason: 'wrong-place', why: `it is for ${what ?? `a ${components.type}`}` };
  }
  const [beginsS, endsS] = [beginningOf(components), endOf(components)];
  if (endsS !== undefined && nowS > endsS + closesHours * HOUR_S) {
    return { reason: 'expired', why: `it was for ${timeText(endsS)}` };
  }
  if (beginsS !== undefined && opensHours !== undefined && nowS < beginsS - opensHours * HOUR_S) {
    return { reason: 'too-early', why: `it is for ${timeText(beginsS)}` };
  }
  return undefined;
}
