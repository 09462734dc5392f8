/** Agents, their payments and what was bought, in words for a person. */
import { type AgentState, isEnded } from '../party/customer/agent-state.ts';
import type { AgentSummary, PaymentView } from '../party/customer/agent-view.ts';
import type { PurchaseList } from '../party/customer/purchase-list.ts';
import { formatReceipt } from '../party/customer/receipt.ts';
import type { AgentView } from '../party/customer/station.ts';
import { asCalled } from './called-as.ts';

const STATES: Readonly<Record<AgentState, string>> = {
  'awaiting-approval': 'waiting for you',
  paying: 'paying',
  negotiating: 'negotiating',
  calling: 'waiting for proposals',
  launching: 'on its way',
  unreachable: 'the market cannot be reached now',
  done: 'done',
  recalled: 'recalled',
  expired: 'expired',
  failed: 'failed',
};

export const proposalsOf = ({ proposals: n }: AgentView) => `${n} ${n === 1 ? 'proposal' : 'proposals'}`;

/** `failed: the purse food has 0.47 EUR left`. */
export function stateWords({ state, reason }: AgentSummary): string {
  // `recalled by the person` says no more than `recalled`.
  return reason === undefined || state === 'recalled' ? STATES[state] : `${STATES[state]}: ${reason}`;
}

export function paymentLine({ payment, status, product, merchant, price, reason }: PaymentView): string {
  const why = reason ? `: ${reason}` : '';
  const next = status === 'awaiting-approval' ? asCalled(`: handsel agent approve ${payment}`) : '';
  return `${status}: ${product} from ${merchant} for ${price}${why}${next}`;
}

export const silenceLine = ({ merchant }: PaymentView, { expires }: AgentSummary) =>
  `${merchant} has not answered yet: trying until ${timeWords(expires)}`;

/** What came of an agent, and why it is not more. */
export function outcomeLines(view: AgentView): string[] {
  const { payments, reason, warnings } = view;
  const lines = payments.flatMap((payment) => [
    payment.receipt ? formatReceipt(payment.receipt) : paymentLine(payment),
    ...(payment.unanswered ? [silenceLine(payment, view)] : []),
  ]);
  if (lines.length === 0)
    lines.push(`nothing was bought${isEnded(view.state) ? '' : ' yet'}: ${reason ?? STATES[view.state]}`);
  else if (reason !== undefined && view.bought < view.count) lines.push(reason);
  return [...lines, ...warnings.map((warning) => `warning: ${warning}`)];
}

export function summaryLines(summary: AgentSummary): string[] {
  const { mandate, want, max, budget, count, bought, spent, waiting, ageMs } = summary;
  const money = count > 1 ? ` each, ${bought} of ${count} bought: ${spent} of ${budget} spent` : `: ${spent} spent`;
  return [
    `${mandate}  ${stateWords(summary)}  ${want}, at most ${max}${money}${setAsideWords(summary)}${sentWords(ageMs)}`,
    ...waiting.map((payment) => asCalled(`  waits for you: handsel agent approve ${payment}`)),
  ];
}

export function headLine(view: AgentView): string {
  const { mandate, offers, expires, count, bought, spent, budget, ageMs } = view;
  const money = `${count > 1 ? `${bought} of ${count} bought, ` : ''}${spent} of ${budget} spent${setAsideWords(view)}`;
  const end = `until ${timeWords(expires)}`;
  return `${mandate}  ${stateWords(view)}, ${proposalsOf(view)}, ${offers} offers made, ${money}${sentWords(ageMs)}, ${end}`;
}

const sentWords = (ageMs: number | undefined) => (ageMs === undefined ? '' : `, sent ${ageWords(ageMs)} ago`);

const setAsideWords = ({ setAside }: AgentSummary) => (/[1-9]/.test(setAside) ? `, ${setAside} set aside` : '');

export function purchaseLines({ purchases, totals, purses }: PurchaseList): string[] {
  const lines = purchases.map(({ date, product, merchant, price, files }) => {
    const where = files.length > 0 ? files.join(', ') : 'the goods are not here yet';
    return `${date === '' ? 'at some time' : timeWords(date)}  ${price}  ${product}, ${merchant}  ${where}`;
  });
  return [
    ...(lines.length > 0 ? lines : ['nothing was bought yet']),
    ...totals.map((total) => `total  ${total}`),
    ...purses.map(({ name, limit, left }) => `purse ${name}  ${left} of ${limit} left`),
  ];
}

const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
] as const;

export function ageWords(ms: number): string {
  const [unitMs, unit] = UNITS.find(([least]) => ms >= least) ?? [1000, 's'];
  return `${Math.floor(ms / unitMs)} ${unit}`;
}

/** In the time zone of this machine. */
export function timeWords(iso: string): string {
  const time = new Date(iso);
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}
