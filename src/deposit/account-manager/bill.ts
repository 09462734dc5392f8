/** Telling the billing system: one outbox message a record, so that any system can be plugged in as the courier of these routes. */
import type { Outgoing } from '../../journal/machine.ts';
import {
  type BillingRecord,
  billingRecord,
  billingTypes,
  type ClearingRecord,
  encodeBillingRecord,
} from '../message/billing-record.ts';
import type { ClearingInformation } from '../message/conclusion.ts';

export function bill(billing: BillingRecord): Outgoing {
  return {
    id: `billing:${billing.id}`,
    to: `billing:${billing.type}`,
    kind: billingTypes[billing.type].name,
    body: encodeBillingRecord(billing),
  };
}

/** What one operator owes the other for a cleared deposit; nothing where nothing was bought. */
export function billClearing(
  { transaction, paid }: ClearingInformation,
  position: Pick<ClearingRecord, 'operator' | 'direction' | 'atMs'>,
): readonly Outgoing[] {
  return paid.minor === 0n ? [] : [bill(billingRecord('clearing', { transaction, amount: paid, ...position }))];
}
