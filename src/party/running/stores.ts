/** Where the machines of a party keep their journals: a file each in a folder (SQLite), or a shard each in a PostgreSQL data base. */
import { join } from 'node:path';
import { systemRandom } from '../../crypto/random.ts';
import { systemClock } from '../../journal/clock.ts';
import type { Courier } from '../../journal/courier.ts';
import { type Host, openHost } from '../../journal/host.ts';
import type { Journal } from '../../journal/journal.ts';
import type { Machine } from '../../journal/machine.ts';
import type { OutboxPace } from '../../journal/outbox.ts';
import { openPostgresJournal } from '../../journal/postgres-journal.ts';
import { openSqliteJournal } from '../../journal/sqlite-journal.ts';
import type { StoreConfiguration } from '../configuration/configuration.ts';
import { makeFolder } from '../files/make-folder.ts';
import { type Surroundings, startInSteps } from './running-party.ts';

export async function openJournal(
  store: StoreConfiguration,
  path: (relative: string) => string,
  name: string,
): Promise<Journal> {
  // A name in PostgreSQL has no hyphen.
  const shard = name.replaceAll('-', '_');
  if (store.kind === 'postgres') return openPostgresJournal({ connection: store.connection, shard });
  const directory = path(store.directory);
  makeFolder(directory);
  return openSqliteJournal({ file: join(directory, `${name}.journal`) });
}

/** Opens the machine on its journal, as the host every party uses: system clock, system randomness, the party's log. */
export async function openMachine<S, I, R>(options: {
  readonly machine: Machine<S, I, R>;
  readonly journal: Journal;
  readonly courier: Courier;
  readonly surroundings: Surroundings;
  readonly pace?: OutboxPace;
}): Promise<Host<S, I, R>> {
  const { machine, journal, courier, surroundings, pace } = options;
  const { onBoundary, log } = surroundings;
  return startInSteps(async (opened) =>
    openHost({
      machine,
      journal: opened(journal),
      courier,
      clock: systemClock(),
      random: systemRandom,
      log: log.child({ machine: machine.name }),
      ...(pace && { pace }),
      ...(onBoundary && { onBoundary: (boundary, group) => onBoundary(machine.name, boundary, group) }),
    }),
  );
}
