/** What has to be true once the world has come to rest: an honest party never ends worse off. */
import { toHex } from '../../../src/codec/hex.ts';
import { readMessage } from '../../../src/crypto/signed-message.ts';
import { bundleOf } from '../../../src/delivery/arbiter/arbiter-machine.ts';
import { verifyRuling } from '../../../src/delivery/arbiter/verify-ruling.ts';
import { isKeyOf, manifestType } from '../../../src/delivery/message/manifest.ts';
import {
  type Purchase,
  purchaseIn,
  purchaseKey,
  type ReceiverRecord,
} from '../../../src/delivery/receiver/purchase.ts';
import { orderKey as senderOrderKey } from '../../../src/delivery/sender/sender-state.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import { identifyAll } from '../people.ts';
import type { Loot } from './attack.ts';
import { startMinor } from './bank-machine.ts';
import { minuteMs, type Plan, type PlannedPurchase } from './delivery-plan.ts';
import type { DeliveryWorld } from './delivery-world.ts';

export interface Findings {
  readonly faults: readonly string[];
  /** How often each end was seen. */
  readonly ends: ReadonlyMap<string, number>;
}

interface Looked {
  readonly plan: Plan;
  readonly parties: DeliveryWorld;
  readonly loot: readonly Loot[];
  readonly begun: ReadonlySet<string>;
}

export async function findFaults(looked: Looked): Promise<Findings> {
  const { plan, parties, loot } = looked;
  const faults: string[] = [];
  const ends = new Map<string, number>();
  for (const planned of plan.purchases) {
    if (!looked.begun.has(planned.reference)) continue;
    const { end, wrong } = await judgePurchase(planned, looked);
    ends.set(end, (ends.get(end) ?? 0) + 1);
    faults.push(
      ...wrong.map(
        (fault) =>
          `${planned.reference} (${planned.product}, ${plan.merchant} merchant, ${plan.trustee} trustee): ${fault}`,
      ),
    );
  }
  faults.push(...moneyFaults(looked), ...openFaults(parties));
  for (const { attack, keysFor, rulings, refusals } of loot) {
    for (const order of keysFor) if (!isPaid(parties, order)) faults.push(`the liar got K2 unpaid, by ${attack}`);
    for (const outcome of rulings)
      if (outcome === 'refund') faults.push(`the liar got a refund for good goods, by ${attack}`);
    for (const what of [...refusals, ...rulings])
      ends.set(`liar ${attack} ${what}`, (ends.get(`liar ${attack} ${what}`) ?? 0) + 1);
  }
  return { faults, ends };
}

const bankOf = (parties: DeliveryWorld) => parties.bank.host!.state;
const isPaid = (parties: DeliveryWorld, order: string) => bankOf(parties).payments.has(order);

async function judgePurchase(planned: PlannedPurchase, { plan, parties }: Looked) {
  const { reference, customer } = planned;
  const records = await parties.receivers.get(customer)!.host!.readByKey(purchaseKey(reference));
  const purchase = purchaseIn(records);
  const wrong: string[] = [];
  const finished = records.filter((record) => record.type === 'finished');
  const [last] = finished.slice(-1);
  const told = parties.outcomes.get(reference) ?? [];
  if (purchase === undefined || last === undefined) return { end: 'never', wrong: ['it has not ended'] };
  if (finished.length !== 1) wrong.push(`it ended ${finished.length} times`);
  if (told.length !== 1 || told[0]!.outcome !== last.outcome)
    wrong.push(`the station heard ${told.map(({ outcome }) => outcome)}`);

  const order = toHex(purchase.orderDigest);
  const payment = bankOf(parties).payments.get(order);
  const hasKey = purchase.productKey !== null;
  if (payment !== undefined && payment.paid !== 1) wrong.push(`it was paid ${payment.paid} times`);
  if (bankOf(parties).holds.has(order)) wrong.push('money is still set aside');
  if (hasKey && payment === undefined) wrong.push('the customer has K2 and has not paid');
  if (hasKey && !isKeyOf(purchase.productKey!, readMessage(manifestType, purchase.manifest).value))
    wrong.push('what was taken for K2 is another key');
  if (payment !== undefined && purchase.accept === null) wrong.push('it was paid without an accept');
  const types = records.map(({ type }) => type);
  const [whole, accepted] = [types.indexOf('whole'), types.indexOf('accepted')];
  if (accepted >= 0 && (whole < 0 || whole > accepted)) wrong.push('it was accepted before it was whole');
  wrong.push(
    ...outcomeFaults(planned, { purchase, outcome: last.outcome, reason: last.reason, plan, payment, records }),
  );
  wrong.push(
    ...(await bookFaults(order, payment !== undefined, { plan, parties })),
    ...(await rulingFaults(records, parties)),
  );
  const place = planned.product === 'good' ? '' : `${planned.product} `;
  return { end: `${place}${last.outcome} ${last.reason}`.trim(), wrong };
}

interface Ended {
  readonly purchase: Purchase;
  readonly outcome: string;
  readonly reason: string;
  readonly plan: Plan;
  readonly payment: { readonly refunded: number } | undefined;
  readonly records: readonly ReceiverRecord[];
}

function outcomeFaults(
  { product, minor, deadlineAfterMs }: PlannedPurchase,
  { purchase, outcome, reason, plan, payment, records }: Ended,
): string[] {
  const keyed = purchase.productKey !== null;
  const arbitrable = plan.trustee !== 'gone' || !['gone'].includes(plan.merchant);
  switch (outcome) {
    case 'delivered':
      if (!keyed || payment === undefined || payment.refunded > 0) return ['it was delivered without being paid'];
      return product === 'locked' || product === 'other' ? ['it was taken for good though the merchant lied'] : [];
    case 'unpaid': {
      if (payment !== undefined || keyed) return ['it is called unpaid, but is not'];
      // Too little time, another product than was signed, or too little money: else it had to come about.
      const hurried = deadlineAfterMs < minuteMs && (reason === 'DEADLINE' || reason === 'ORDER_EXPIRED');
      const must = plan.merchant !== 'takes-nothing' && product !== 'spoiled' && minor === 500n && !hurried;
      return must ? [`it failed for ${reason} without need`] : [];
    }
    case 'ruled': {
      if (!reason.startsWith('refund')) return [`a ruling left an honest customer with ${reason}`];
      const lied = product === 'locked' || product === 'other';
      if (!lied && arbitrable) return [`a refund without need: ${reason}`];
      // The shop of a merchant that is there pays back.
      return payment?.refunded === 1 ? [] : [`a refund was ruled, and made ${payment?.refunded ?? 0} times`];
    }
    default:
      return [`an honest customer ends with ${outcome} ${reason} after ${records.map(({ type }) => type).join(' ')}`];
  }
}

/** What was paid is in the merchant's books once, and nothing else is. */
async function bookFaults(
  order: string,
  paid: boolean,
  { plan, parties }: Pick<Looked, 'plan' | 'parties'>,
): Promise<string[]> {
  const books = await parties.sender.host!.readByKey(senderOrderKey(order));
  const sold = books.filter(({ type }) => type === 'sold').length;
  if (books.some(({ type }) => type === 'trustee-breach')) return ['the trustee is said to be in breach'];
  if (sold > 1) return [`it is in the books ${sold} times`];
  if (!paid) return sold === 0 ? [] : ['it is in the books without being paid'];
  if (plan.merchant === 'honest') return sold === 1 ? [] : ['it was paid, and is not in the books'];
  // Where the merchant itself does not answer, an honest trustee brings it what was released in its place.
  const brought =
    (plan.merchant === 'silent' || plan.merchant === 'refuses' || plan.merchant === 'lies') &&
    plan.trustee === 'honest';
  return brought && sold === 0 ? ['the trustee released it, and the merchant was not told'] : [];
}

/** Anybody who checks a ruling finds it right. */
async function rulingFaults(records: readonly ReceiverRecord[], { arbiter }: DeliveryWorld): Promise<string[]> {
  const faults: string[] = [];
  for (const record of records) {
    if (record.type !== 'complained') continue;
    const bundle = await bundleOf(arbiter.host!, toHex(record.complaint.digest));
    // The key may have come while the arbiter was being asked.
    if (bundle === undefined) continue;
    try {
      verifyRuling(bundle, { identify: identifyAll });
    } catch (cause) {
      if (!(cause instanceof HandselError)) throw cause;
      faults.push(`a ruling does not hold: ${cause.message}`);
    }
  }
  return faults;
}

function moneyFaults({ parties }: Looked): string[] {
  const { accounts, holds } = bankOf(parties);
  const started = BigInt(accounts.size) * startMinor;
  const there = [...accounts.values(), ...[...holds.values()].map(({ minor }) => minor)].reduce(
    (sum, minor) => sum + minor,
    0n,
  );
  return there === started ? [] : [`there were ${started}, now there are ${there}`];
}

/** Nothing waits any more, anywhere. */
function openFaults({ sender, trustee, arbiter, receivers }: DeliveryWorld): string[] {
  const waiting = {
    'orders at the merchant': sender.host!.state.orders.size,
    'keys at the trustee': trustee.host!.state.passing.size,
    'cases at the arbiter': arbiter.host!.state.cases.size,
    'purchases of customers': [...receivers.values()].reduce((sum, { host }) => sum + host!.state.purchases.size, 0),
  };
  return Object.entries(waiting).flatMap(([what, count]) => (count === 0 ? [] : [`${count} ${what} are still open`]));
}
