/** Customers who lie: each way is a change of the device's machine, or of what it sends. */
import { readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { openTemporaryKey } from '../../../src/deposit/customer/temporary-key.ts';
import { checkpointType } from '../../../src/deposit/message/checkpoint.ts';
import {
  type TransactionRecord,
  terminateType,
  transactionRecordType,
} from '../../../src/deposit/message/conclusion.ts';
import { EMPTY_HEAD } from '../../../src/deposit/message/purchase-list.ts';
import { pathOf } from '../../../src/deposit/message/route.ts';
import type { SeededRandom } from '../../world/seeded-random.ts';
import { currencies, keysOf, merchants, operators, storageKeyOf } from './cast.ts';
import type { CustomerLies, PurseMachine, Said, SentPurchase } from './customer-party.ts';
import type { PurchaseMessage } from './merchant-party.ts';
import type { CustomerWay, Plan } from './plan.ts';

export function liesOfCustomer(name: string, way: CustomerWay, plan: Plan, random: SeededRandom): CustomerLies {
  switch (way) {
    case 'understates':
      return { alter: (machine) => understating(machine, name, random) };
    case 'overspends':
      return { alter: overspending };
    case 'tampers':
      return { tamper: tampering(plan, random) };
    default:
      return {};
  }
}

/** Signs a record of less than was spent, or of nothing. */
function understating(machine: PurseMachine, name: string, random: SeededRandom): PurseMachine {
  return {
    ...machine,
    decide(state, input, env) {
      const decision = machine.decide(state, input, env);
      const [concluding] = decision.records.flatMap((record) => (record.type === 'deposit' ? [record.deposit] : []));
      if (concluding?.phase !== 'concluding') return decision;
      const { transaction, key } = concluding;
      const { privateKey } = openTemporaryKey({ transaction, storageKey: storageKeyOf(name), sealed: key.sealed });
      const less = random.chance(0.5);
      const send = decision.send?.map((message) => {
        if (message.kind !== transactionRecordType.name) return message;
        const { value } = readMessage(transactionRecordType, message.body);
        return {
          ...message,
          body: signMessage(transactionRecordType, less ? halved(value) : nothing(value), { privateKey }),
        };
      });
      return { ...decision, ...(send === undefined ? {} : { send }) };
    },
  };
}

function nothing({ transaction, by, unitNano, currency, atMs }: TransactionRecord): TransactionRecord {
  return { transaction, by, unitNano, currency, atMs, count: 0, units: 0, head: EMPTY_HEAD };
}

function halved(record: TransactionRecord): TransactionRecord {
  const { released: _, ...said } = record;
  return { ...said, count: Math.floor(record.count / 2), units: Math.floor(record.units / 2) };
}

/** Takes the deposit for larger than it is, and limits for no limits. */
function overspending(machine: PurseMachine): PurseMachine {
  return {
    ...machine,
    decide(state, input, env) {
      const decision = machine.decide(state, input, env);
      if (input.type !== 'opened') return decision;
      const records = decision.records.map((record) => {
        if (record.type !== 'deposit' || record.deposit.phase !== 'open') return record;
        const { terms } = record.deposit;
        return {
          ...record,
          deposit: { ...record.deposit, terms: { ...terms, depositMinor: terms.depositMinor * 4n } },
        };
      });
      return { ...decision, records };
    },
  };
}

/** Pays with the same words for something else, at another merchant, in another's deposit, under a checkpoint that proves nothing. */
function tampering(plan: Plan, random: SeededRandom): (sent: SentPurchase) => void {
  const seen: PurchaseMessage[] = [];
  return ({ trip, message, send, say }) => {
    const here = trip.merchant.name;
    seen.push(message);
    const elsewhere = random.pick(merchants).name;
    const other = random.pick(trip.items).request;
    const earlier = random.pick(seen);
    const bank = random.pick(operators).name;
    const neighbour = `${bank}.${1 + random.below(3)}.1`;
    const { checkpoint } = message;
    const unsigned =
      checkpoint === null
        ? null
        : signMessage(checkpointType, readMessage(checkpointType, checkpoint).value, stranger());
    const tricks: readonly (() => void)[] = [
      () => send(here, { ...message, request: other }),
      () => send(here, { ...earlier, request: other }),
      () => send(here, { ...message, token: earlier.token }),
      () => send(elsewhere, message),
      () =>
        send(elsewhere, { ...message, transaction: earlier.transaction, request: soldAt(elsewhere, plan) ?? other }),
      () => send(here, { ...message, transaction: neighbour }),
      () => send(here, { ...message, checkpoint: unsigned }),
      () => say(here, endOf(neighbour, plan.startMs)),
      () => send(here, { ...message, token: withBit(message.token, random.below(message.token.length)) }),
    ];
    if (random.chance(0.2)) {
      for (const currency of currencies)
        say(bank, recordOf(neighbour, plan.unitNano.get(here)!, currency, plan.startMs));
    }
    for (let tries = 1 + random.below(5); tries > 0; tries--) random.pick(tricks)();
  };
}

function soldAt(merchant: string, { trips }: Plan): Uint8Array | undefined {
  return trips.find((trip) => trip.merchant.name === merchant)?.items[0]?.request;
}

function withBit(bytes: Uint8Array, at: number): Uint8Array {
  const changed = bytes.slice();
  changed[at]! ^= 1;
  return changed;
}

/** Of nothing spent in somebody else's deposit. */
function recordOf(transaction: string, unitNano: number, currency: string, atMs: number): Said {
  const said = nothing({ transaction, by: 'customer', unitNano, currency, atMs, count: 0, units: 0, head: EMPTY_HEAD });
  return {
    kind: transactionRecordType.name,
    path: pathOf(transactionRecordType),
    body: signMessage(transactionRecordType, said, stranger()),
  };
}

/** Ends somebody else's deposit. */
function endOf(transaction: string, atMs: number): Said {
  return {
    kind: terminateType.name,
    path: pathOf(terminateType),
    body: signMessage(terminateType, { transaction, atMs }, stranger()),
  };
}

const stranger = () => ({ privateKey: keysOf('anna').privateKey });
