/** Behind `port:payment`: authorises cards against a limit, captures when the transaction commits, and releases when it aborts. */
import { decodeCborExact, encodeCborExact } from '../../src/codec/cbor.ts';
import type { CborValue } from '../../src/codec/cbor-value.ts';
import type { Machine } from '../../src/journal/machine.ts';
import { paymentQuery, paymentRuling, portOutcome } from '../../src/trusted/credential/port-query.ts';
import type { WorldMachine } from '../world/simulation.ts';
import type { TrustedWorld } from './trusted-world.ts';

interface Payment {
  readonly transaction: string;
  readonly card: string;
  readonly minor: bigint;
  readonly step: 'held' | 'captured' | 'released';
}

export interface CardState {
  readonly limits: Map<string, bigint>;
  readonly payments: Map<string, Payment>;
}

type CardInput =
  | { readonly type: 'limit'; readonly card: string; readonly minor: bigint }
  | { readonly type: 'message'; readonly kind: string; readonly body: Uint8Array };

type CardRecord = Payment | { readonly card: string; readonly limit: bigint };

function decide(state: CardState, input: CardInput) {
  if (input.type === 'limit') return { records: [{ card: input.card, limit: input.minor }] };
  const { kind, body } = input;
  if (kind === 'PaymentQuery') {
    const { transaction, amount, card } = paymentQuery.decode(body);
    const number = card.type === 'card' ? card.number : '';
    const before = state.payments.get(transaction);
    const spent = [...state.payments.values()].filter((one) => one.card === number && one.step !== 'released');
    const left = (state.limits.get(number) ?? 0n) - spent.reduce((sum, { minor }) => sum + minor, 0n);
    const good = before === undefined ? left >= amount.minor : before.step !== 'released';
    const answer = paymentRuling.encode({ type: good ? 'authorised' : 'refused' });
    if (!good || before !== undefined) return { records: [], answer };
    return { records: [{ transaction, card: number, minor: amount.minor, step: 'held' as const }], answer };
  }
  const { transaction } = portOutcome.decode(body);
  const before = state.payments.get(transaction) ?? { transaction, card: '', minor: 0n };
  const step = kind === 'port-commit' ? ('captured' as const) : ('released' as const);
  return { records: [{ ...before, step }], answer: new Uint8Array() };
}

const machine: Machine<CardState, CardInput, CardRecord> = {
  name: 'toy-card-network',
  initial: () => ({ limits: new Map(), payments: new Map() }),
  decide,
  apply(state, record) {
    if ('limit' in record) state.limits.set(record.card, record.limit);
    else state.payments.set(record.transaction, record);
  },
  snapshot: ({ limits, payments }) => encodeCborExact([[...limits], [...payments]] as unknown as CborValue),
  restore(bytes) {
    const [limits, payments] = decodeCborExact(bytes) as unknown as [[string, bigint][], [string, Payment][]];
    return { limits: new Map(limits), payments: new Map(payments) };
  },
  received: () => ({ type: 'limit', card: '', minor: 0n }),
  fired: () => ({ type: 'limit', card: '', minor: 0n }),
};

export interface CardNetwork {
  readonly machine: WorldMachine<CardState, CardInput, CardRecord>;
  allow(card: string, minor: bigint): Promise<void>;
  /** What was captured, in minor units. */
  captured(): bigint;
  /** Neither captured nor released. */
  held(): number;
}

export function addCardNetwork({ world }: TrustedWorld): CardNetwork {
  const cards = world.addMachine('cards', () => ({
    machine,
    arrived: ({ kind, body }) => ({ type: 'message' as const, kind, body }),
  }));
  const payments = () => [...cards.host!.state.payments.values()];
  return {
    machine: cards,
    allow: (card, minor) => cards.insist({ type: 'limit', card, minor }),
    captured: () => payments().reduce((sum, { step, minor }) => (step === 'captured' ? sum + minor : sum), 0n),
    held: () => payments().filter(({ step }) => step === 'held').length,
  };
}
