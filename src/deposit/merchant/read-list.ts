/** What was bought inside a deposit, read back in clear for a dispute, also long after it is finished. */
import type { Host } from '../../journal/host.ts';
import { DepositError } from '../message/deposit-error.ts';
import { decryptEntries, type ListEntry } from '../message/purchase-list.ts';
import type { MerchantInput } from './merchant-input.ts';
import { depositKey, type MerchantRecord, type MerchantState } from './merchant-session.ts';
import { ownListKey } from './open-tab.ts';

/** Purchase by purchase, the first of them first. @throws DepositError `DEPOSIT_UNKNOWN`; CryptographicError for another storage key */
export async function readList(
  host: Pick<Host<MerchantState, MerchantInput, MerchantRecord>, 'readByKey'>,
  transaction: string,
  storageKey: Uint8Array,
): Promise<ListEntry[]> {
  const read = await host.readByKey(depositKey(transaction));
  // Other deposits of the same flush stand in the same entries of the journal.
  const records = read.filter((record) => record.transaction === transaction);
  const opened = records.find((record) => record.type === 'opened');
  if (opened === undefined) throw new DepositError('DEPOSIT_UNKNOWN', 'there never was such a deposit here');
  const entries = records.flatMap((record) => (record.type === 'spent' ? record.entries : []));
  return decryptEntries(ownListKey(opened, storageKey), Buffer.concat(entries), 1);
}
