/** Everything all parties have written down about each deposit, put together from their journals. */
import type { AccountRecord } from '../../../src/deposit/account-manager/account-record.ts';
import type { AcquirerRecord } from '../../../src/deposit/acquirer/acquirer-state.ts';
import type { Finished } from '../../../src/deposit/customer/purse-state.ts';
import type { MerchantRecord } from '../../../src/deposit/merchant/merchant-session.ts';
import type { Scene } from './run-seed.ts';

type Of<R extends { readonly type: string }, T extends R['type']> = Extract<R, { type: T }>;

export interface Chronicle {
  readonly transaction: string;
  /** By the customer's account manager. */
  vouched?: Of<AccountRecord, 'vouched'>;
  readonly refused: Of<AccountRecord, 'refused'>[];
  readonly withdrawn: Of<AccountRecord, 'withdrawn'>[];
  readonly lapsed: Of<AccountRecord, 'lapsed'>[];
  rate?: Of<AccountRecord, 'opened'>['rate'];
  /** By the merchant's account manager. */
  readonly deposited: Of<AccountRecord, 'deposited'>[];
  /** By the acquirer. */
  asked?: Of<AcquirerRecord, 'asked'>;
  guaranteed?: Of<AcquirerRecord, 'opened'>;
  readonly records: Of<AcquirerRecord, 'record'>[];
  readonly cleared: Of<AcquirerRecord, 'cleared'>[];
  /** By the merchant. */
  session?: Of<MerchantRecord, 'opened'>;
  readonly checkpoints: Of<MerchantRecord, 'checkpoint'>[];
  spent?: Of<MerchantRecord, 'spent'>;
  /** As `spent`, unless a checkpoint came after it. */
  spentSince?: Of<MerchantRecord, 'spent'> | undefined;
  concluded?: Of<MerchantRecord, 'concluded'>;
  readonly settled: Of<MerchantRecord, 'settled'>[];
  readonly forgotten: Of<MerchantRecord, 'lapsed'>[];
  /** By the customer's first device. */
  readonly finished: Finished[];
  /** How many records its account manager and its acquirer wrote. */
  written: number;
}

export function chronicleOf({ operators, merchants, customers }: Scene): ReadonlyMap<string, Chronicle> {
  const chronicles = new Map<string, Chronicle>();
  const of = (transaction: string): Chronicle => {
    let found = chronicles.get(transaction);
    if (found === undefined) {
      found = {
        ...{ transaction, written: 0 },
        ...{ refused: [], withdrawn: [], lapsed: [], deposited: [], records: [], cleared: [] },
        ...{ checkpoints: [], settled: [], forgotten: [], finished: [] },
      };
      chronicles.set(transaction, found);
    }
    return found;
  };
  for (const { accountRecords, acquirerRecords } of operators) {
    for (const record of accountRecords) if ('transaction' in record) addAccount(of(record.transaction), record);
    for (const record of acquirerRecords) addAcquirer(of, record);
  }
  for (const { records } of merchants) for (const record of records) addMerchant(of(record.transaction), record);
  for (const { machine, records } of customers) {
    if (!isFirstDevice({ machine })) continue;
    for (const record of records) {
      if (record.type === 'finished' && record.finished.transaction !== null) {
        of(record.finished.transaction).finished.push(record.finished);
      }
    }
  }
  return chronicles;
}

function addAccount(chronicle: Chronicle, record: Extract<AccountRecord, { transaction: string }>): void {
  chronicle.written++;
  switch (record.type) {
    case 'vouched':
      chronicle.vouched = record;
      return;
    case 'opened':
      chronicle.rate = record.rate;
      return;
    case 'refused':
      chronicle.refused.push(record);
      return;
    case 'withdrawn':
      chronicle.withdrawn.push(record);
      return;
    case 'lapsed':
      chronicle.lapsed.push(record);
      return;
    case 'deposited':
      chronicle.deposited.push(record);
  }
}

function addAcquirer(of: (transaction: string) => Chronicle, record: AcquirerRecord): void {
  if (record.type === 'settled') return;
  const chronicle = of(record.type === 'asked' ? record.deposit.transaction : record.transaction);
  chronicle.written++;
  switch (record.type) {
    case 'asked':
      chronicle.asked = record;
      return;
    case 'opened':
      chronicle.guaranteed = record;
      return;
    case 'record':
      chronicle.records.push(record);
      return;
    case 'cleared':
      chronicle.cleared.push(record);
  }
}

function addMerchant(chronicle: Chronicle, record: MerchantRecord): void {
  switch (record.type) {
    case 'opened':
      chronicle.session = record;
      return;
    case 'checkpoint':
      chronicle.checkpoints.push(record);
      chronicle.spentSince = undefined;
      return;
    case 'spent':
      chronicle.spent = record;
      chronicle.spentSince = record;
      return;
    case 'concluded':
      chronicle.concluded = record;
      return;
    case 'settled':
      chronicle.settled.push(record);
      return;
    case 'lapsed':
      chronicle.forgotten.push(record);
  }
}

export const isFirstDevice = ({ machine }: { readonly machine: { readonly name: string } }) =>
  !machine.name.includes(' ');
