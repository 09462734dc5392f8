/** Disputes about deliveries: the customer complains, the arbiter hears the merchant and opens the package, evidence or a person decides. */
import { writeFileSync } from 'node:fs';
import { HandselError } from '../handsel-error.ts';
import type { CaseView } from '../party/arbiter/arbiter-cases.ts';
import type { DeliveryPartView, DeliveryView } from '../party/customer/delivery-view.ts';
import type { HeardView } from '../party/merchant/merchant-disputes.ts';
import type { CaseStanding } from '../party/message/case-standing.ts';
import { deliveryText } from './delivery-words.ts';
import type { DisputeKind, DisputeOptions } from './dispute-kind.ts';
import { askOwnParty } from './own-party.ts';
import { refundText } from './refund-words.ts';
import { rulingText } from './ruling-words.ts';
import { stationClient } from './station-client.ts';
import { checkBundle } from './verify-ruling.ts';

type Write = (text: string) => void;

export const deliveryDisputes: DisputeKind = {
  owns: (id) => /^[0-9a-f]{1,64}$/.test(id),
  async open(payment, options, write) {
    const { part, statement } = options;
    const view = await stationClient(options).post<DeliveryView>(`/deliveries/${payment}/complaint`, {
      part,
      statement,
    });
    write(options.json ? json(view) : deliveryText(view));
  },
  async show(id, options, write) {
    if (options.arbiter !== undefined) return showCases(id, options, write);
    if (options.merchant !== undefined) return showHeard(id, options, write);
    const station = stationClient(options);
    if (id !== undefined) {
      const view = await station.get<DeliveryView>(`/deliveries/${id}`);
      return write(options.json ? json(view) : deliveryText(view));
    }
    const all = await station.get<readonly DeliveryView[]>('/deliveries');
    const disputed = all.filter(({ parts }) => parts.some(isDisputed));
    write(options.json ? json(disputed) : disputed.map(deliveryText).join('\n') || 'nothing is disputed\n');
  },
  async answer(id, options, write) {
    const { merchant, statement } = options;
    const path = `/merchant/disputes/${id}/answer` as const;
    const heard = await askOwnParty<HeardView>('merchant', merchant!, { method: 'POST', path, body: { statement } });
    write(options.json ? json(heard) : heardText(heard));
  },
  async escalate(payment, options, write) {
    const { part, statement, appeal, merchant } = options;
    if (merchant !== undefined) {
      throw new HandselError(
        'DISPUTE_WITH_ARBITER',
        'the arbiter has it already: say what you have to say with `dispute answer`',
      );
    }
    const station = stationClient(options);
    const view = await station.get<DeliveryView>(`/deliveries/${payment}`);
    const disputed = view.parts[part];
    if (appeal === true) {
      const why =
        'a ruling on a delivery is final; whether it follows from its evidence, anybody can see with `verify-ruling`';
      throw new HandselError('RULING_FINAL', why);
    }
    if (disputed?.complaint === undefined) {
      if (statement === undefined) {
        throw new HandselError('DISPUTE_NOT_OPEN', 'nothing was complained of yet: --statement says what is wrong');
      }
      return deliveryDisputes.open(payment, options, write);
    }
    const standing = await station.get<CaseStanding>(`/deliveries/${payment}/case?part=${part}`);
    write(options.json ? json({ ...view, standing }) : `${deliveryText(view)}${standingText(standing)}`);
  },
  async ruling(id, options, write) {
    if (options.arbiter !== undefined) return decide(id, options, write);
    const { part } = options;
    const { bundle } = await stationClient(options).get<{ bundle: string }>(`/deliveries/${id}/ruling?part=${part}`);
    const bytes = new Uint8Array(Buffer.from(bundle, 'base64'));
    if (options.out !== undefined) writeFileSync(options.out, bytes);
    const checked = checkBundle(bytes, options);
    write(options.json ? json({ ...checked, file: options.out }) : rulingText(checked));
    if (options.out !== undefined && !options.json) write(`written to ${options.out}\n`);
  },
};

const isDisputed = ({ complaint }: DeliveryPartView) => complaint !== undefined;

async function showCases(id: string | undefined, options: DisputeOptions, write: Write): Promise<void> {
  const path = id === undefined ? '/arbiter/cases' : (`/arbiter/cases/${id}` as const);
  const found = await askOwnParty<CaseView | readonly CaseView[]>('arbiter', options.arbiter!, { method: 'GET', path });
  const text = [found].flat().map(caseText).join('\n') || 'no case is open\n';
  write(options.json ? json(found) : text);
}

async function showHeard(id: string | undefined, options: DisputeOptions, write: Write): Promise<void> {
  const path = id === undefined ? '/merchant/disputes' : (`/merchant/disputes/${id}` as const);
  const found = await askOwnParty<HeardView | readonly HeardView[]>('merchant', options.merchant!, {
    method: 'GET',
    path,
  });
  const text = [found].flat().map(heardText).join('\n') || 'no complaint waits for an answer\n';
  write(options.json ? json(found) : text);
}

async function decide(id: string, options: DisputeOptions, write: Write): Promise<void> {
  const { arbiter, decide: outcome, person, statement: text } = options;
  if (outcome === undefined) return showCases(id, options, write);
  const path = `/arbiter/cases/${id}/decision` as const;
  const body = { outcome, person: person ?? '', text: text ?? '' };
  const view = await askOwnParty<CaseView>('arbiter', arbiter!, { method: 'POST', path, body });
  write(options.json ? json(view) : caseText(view));
}

/** Nothing has to be taken there: it says who is waited for. */
function standingText({ arbiter, phase, waitsFor, heardUntil }: CaseStanding): string {
  if (phase === 'ruled') return lines([`  ${arbiter} has ruled: that is final`]);
  const words = {
    trustee: 'the trustee, for the key',
    merchant: `the merchant, who is heard until ${heardUntil}`,
    arbiter: phase === 'seeing' ? 'a person who looks at it' : 'the package, which is being opened',
  };
  return lines([
    `  ${arbiter} has it since you complained, and waits for ${waitsFor.map((who) => words[who]).join(', then ')}`,
  ]);
}

function caseText(view: CaseView): string {
  const { about, phase, merchant, described, statement, answer, content, outcome, reasons = [] } = view;
  return lines([
    `${view.case}  ${about}, ${phase}${outcome === undefined ? '' : `: ${outcome}`}`,
    ...(merchant === '' ? [] : [`  merchant   ${merchant}`]),
    ...(described === undefined ? [] : [`  described  ${described}`]),
    ...(statement === '' ? [] : [`  customer   ${statement}`]),
    ...(answer === undefined ? [] : [`  answer     ${answer}`]),
    ...(content === undefined ? [] : [`  content    ${content}`]),
    ...reasons.map(({ code, text }) => `  ${code}  ${text}`),
  ]);
}

function heardText({
  case: of,
  about,
  product,
  statement,
  until,
  waits,
  answer,
  outcome,
  reasons = [],
  refund,
}: HeardView): string {
  return lines([
    `${of}  ${about}${waits ? `, waits for an answer until ${until}` : ''}${outcome === undefined ? '' : `: ${outcome}`}`,
    `  product    ${product}`,
    ...(statement === '' ? [] : [`  customer   ${statement}`]),
    ...(answer === undefined ? [] : [`  answer     ${answer}`]),
    ...reasons.map(({ code, text }) => `  ${code}  ${text}`),
    ...(refund === undefined ? [] : [`  refund     ${refundText(refund)}, through ${refund.operator}, ${refund.at}`]),
  ]);
}

const lines = (all: readonly string[]) => all.map((line) => `${line}\n`).join('');
const json = (value: unknown) => `${JSON.stringify(value)}\n`;
