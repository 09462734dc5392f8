/** Merchants who lie: each way is a change of the merchant's machine, or of what it says it was paid for. */
import type { KeyObject } from 'node:crypto';
import { readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { openSessionKey } from '../../../src/deposit/merchant/session-key.ts';
import { checkpointType } from '../../../src/deposit/message/checkpoint.ts';
import { type TransactionRecord, transactionRecordType } from '../../../src/deposit/message/conclusion.ts';
import { WORTHS } from '../../../src/deposit/message/purchase.ts';
import type { Outgoing } from '../../../src/journal/machine.ts';
import type { SeededRandom } from '../../world/seeded-random.ts';
import { storageKeyOf } from './cast.ts';
import type { MerchantLies, MerchantMachine } from './merchant-party.ts';
import type { MerchantWay } from './plan.ts';

export function liesOfMerchant(name: string, way: MerchantWay, random: SeededRandom): MerchantLies {
  switch (way) {
    case 'inflates':
      return { alter: (machine) => rewriting(machine, name, (record) => inflated(record, random)) };
    case 'forges':
      return { alter: (machine) => rewriting(machine, name, forged) };
    case 'poaches':
      return { alter: (machine) => rewriting(machine, name, (record) => poached(record, random)) };
    case 'silent':
      return { alter: silent };
    case 'passes on':
      return { passesOn: true };
    case 'withholds':
      return { withholds: () => random.chance(0.3) };
    default:
      return {};
  }
}

function silent(machine: MerchantMachine): MerchantMachine {
  return {
    ...machine,
    decide(state, input, env) {
      const decision = machine.decide(state, input, env);
      const send = decision.send?.filter(({ kind }) => kind !== transactionRecordType.name);
      return { ...decision, ...(send === undefined ? {} : { send }) };
    },
  };
}

/** Its own record, signed again after it was changed. */
function rewriting(
  machine: MerchantMachine,
  name: string,
  rewrite: (record: TransactionRecord, privateKey: KeyObject) => TransactionRecord,
): MerchantMachine {
  return {
    ...machine,
    decide(state, input, env) {
      const decision = machine.decide(state, input, env);
      const send = decision.send?.map((message): Outgoing => {
        if (message.kind !== transactionRecordType.name) return message;
        const { value } = readMessage(transactionRecordType, message.body);
        const { transaction } = value;
        const { sealedKey } = state.sessions.get(transaction)!;
        const privateKey = openSessionKey({ transaction, storageKey: storageKeyOf(name), sealed: sealedKey });
        return { ...message, body: signMessage(transactionRecordType, rewrite(value, privateKey), { privateKey }) };
      });
      return { ...decision, ...(send === undefined ? {} : { send }) };
    },
  };
}

/** Claims more than was paid, or steps that were never taken. */
function inflated(record: TransactionRecord, random: SeededRandom): TransactionRecord {
  const { units, count, released } = record;
  if (released === undefined || random.chance(0.5)) return { ...record, units: units * 3 + 7, count: count + 1 };
  return {
    ...record,
    units: units + 5,
    released: { ...released, steps: released.steps.map((steps, chain) => (chain === 0 ? steps + 5 : steps)) },
  };
}

/** Brings a checkpoint over twice the value, signed with its own key, whose anchors are the last words: no step is needed then. */
function forged(record: TransactionRecord, privateKey: KeyObject): TransactionRecord {
  const { transaction, currency, unitNano, head } = record;
  const units = record.units * 2 + 50;
  const count = record.count + 1;
  const words = record.released?.words ?? new Uint8Array(32 * WORTHS.length);
  const anchors = WORTHS.map((_, chain) => words.slice(chain * 32, (chain + 1) * 32));
  const value = { transaction, count, units, head, unitNano, currency, anchors };
  const checkpoint = signMessage(checkpointType, value, { privateKey });
  return { ...record, units, count, released: { checkpoint, steps: WORTHS.map(() => 0), words } };
}

/** Speaks of a neighbour's deposit instead of its own. */
function poached(record: TransactionRecord, random: SeededRandom): TransactionRecord {
  const [accountManager, session, transaction] = record.transaction.split('.');
  const other = Math.max(1, Number(session) + random.below(5) - 2);
  return { ...record, transaction: `${accountManager}.${other}.${transaction}`, units: record.units + 100 };
}
