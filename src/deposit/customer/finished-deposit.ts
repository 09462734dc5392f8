/** Reads a finished deposit back from the journal: how it ended, with the operator's signed statement. */
import type { Host } from '../../journal/host.ts';
import type { PurseInput } from './purse-input.ts';
import { depositKey, FINISHED_KEY, type Finished, type PurseRecord, type PurseState } from './purse-state.ts';

/** Undefined for a deposit that is not finished, or not ours. */
export async function readFinished(
  host: Pick<Host<PurseState, PurseInput, PurseRecord>, 'readByKey'>,
  transaction: string,
): Promise<Finished | undefined> {
  const records = await host.readByKey(depositKey(transaction), { limit: 1 });
  return records.find((record) => record.type === 'finished')?.finished;
}

/** Those that ended last, the newest first. */
export async function listFinished(
  host: Pick<Host<PurseState, PurseInput, PurseRecord>, 'readByKey'>,
  limit: number,
): Promise<readonly Finished[]> {
  const records = await host.readByKey(FINISHED_KEY, { limit });
  return records.flatMap((record) => (record.type === 'finished' ? [record.finished] : [])).reverse();
}
