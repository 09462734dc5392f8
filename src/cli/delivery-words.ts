/** A delivery in words for people. */
import type { DeliveryPartView, DeliveryView, RefundView } from '../party/customer/delivery-view.ts';
import { asCalled } from './called-as.ts';
import { sizeWords } from './progress-line.ts';

const WORDS: Readonly<Record<DeliveryPartView['phase'], string>> = {
  offer: 'asking the merchant for',
  preparing: 'fetching and checking',
  paying: 'accepted, being paid:',
  claiming: 'paid, waiting for the key of',
  opening: 'opening',
  complaining: 'before the arbiter:',
  delivered: 'delivered',
  unpaid: 'not delivered, and nothing was paid:',
  faulty: 'not as it was signed:',
  withheld: 'paid, and nobody released the key of',
  ruled: 'ruled by the arbiter:',
};

export const phaseWords = ({ phase }: DeliveryPartView) => WORDS[phase];

const OVER: ReadonlySet<DeliveryPartView['phase']> = new Set(['delivered', 'unpaid', 'faulty', 'withheld', 'ruled']);

/** Whether anything is still to be expected of it by itself. */
export function isUnderWay({ phase, parts }: DeliveryView): boolean {
  return phase !== 'off' && !parts.every((part) => OVER.has(part.phase));
}

export function deliveryText(view: DeliveryView): string {
  const { payment, price, merchant, phase, reason, parts, locked } = view;
  const lines = [
    `${payment}  ${price} to ${merchant}${phase === 'off' ? `: off, nothing was paid${reason ? ` (${reason})` : ''}` : ''}`,
    ...parts.flatMap(partLines),
    ...(locked ? [`  waits for the wallet password: ${asCalled(`handsel agent approve ${payment}`)}`] : []),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function partLines(part: DeliveryPartView): readonly string[] {
  const { name, reason, fetchedBytes = 0, totalBytes = 0, file, sha256, released, complaint, ruling, refund } = part;
  const fetched = part.phase === 'preparing' ? `  ${sizeWords(fetchedBytes)} of ${sizeWords(totalBytes)}` : '';
  return [
    `  ${phaseWords(part)} ${name}${reason ? ` (${reason})` : ''}${fetched}`,
    ...(part.package ? [`  package   ${part.package}`] : []),
    ...(released ? [`  key       released by the ${released.role}, ${released.by}`] : []),
    ...(file ? [`  file      ${file}`, `  SHA-256   ${sha256}`] : []),
    ...(complaint ? [`  complaint ${complaint.about}, case ${complaint.case}`] : []),
    ...(ruling ? rulingLines(ruling) : []),
    ...(refund ? [`  refund    ${refundWords(refund)}`] : []),
  ];
}

export function refundWords({ state, amount, by, operator, reason, at }: RefundView): string {
  if (state === 'waiting') return `claimed from ${operator}: the merchant may still pay it back by itself`;
  if (state === 'refused') return `refused by the merchant’s operator (${reason})`;
  const whose = by === 'merchant' ? 'by the merchant' : `by ${operator}, from the merchant’s account`;
  if (state === 'impossible') return `${amount} cannot be paid back the way it was paid (${reason})`;
  return `${amount} paid back to the card ${whose}, ${at}`;
}

function rulingLines({ outcome, breaches, reasons, person }: NonNullable<DeliveryPartView['ruling']>): string[] {
  const by = person === undefined ? '' : `, seen by ${person}`;
  const whose = breaches.length === 0 ? '' : `; the breach is the ${breaches.join('’s and the ')}’s`;
  return [`  ruling    ${outcome}${by}${whose}`, ...reasons.map(({ code, text }) => `            ${code}  ${text}`)];
}
