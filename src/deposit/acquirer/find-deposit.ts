/** A deposit whether open or finished: what is finished has left the state and is read back from the journal. */
import type { Host } from '../../journal/host.ts';
import { type AcquirerRecord, type AcquirerState, type Deposit, depositKey } from './acquirer-state.ts';

/** As far as it came: with the merchant's key if it was ever opened. Undefined when it was never asked for, or refused. */
export async function findDeposit(
  host: Pick<Host<AcquirerState, unknown, AcquirerRecord>, 'state' | 'readByKey'>,
  transaction: string,
): Promise<Deposit | undefined> {
  const open = host.state.deposits.get(transaction);
  if (open !== undefined) return open;
  let deposit: Deposit | undefined;
  for (const record of await host.readByKey(depositKey(transaction))) {
    if (record.type === 'asked') deposit = record.deposit;
    else if (record.type === 'opened' && deposit !== undefined)
      deposit = { ...deposit, merchantKey: record.merchantKey };
    else if (record.type === 'refused') deposit = undefined;
  }
  return deposit;
}
