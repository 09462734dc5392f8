/** Disks of operators and devices as they are when a seed begins: made once a process, because opening accounts is the same in all seeds. */

import { systemRandom } from '../../../src/crypto/random.ts';
import { createAccountManager } from '../../../src/deposit/account-manager/account-machine.ts';
import type { AccountRecord } from '../../../src/deposit/account-manager/account-record.ts';
import type { PurseRecord } from '../../../src/deposit/customer/purse-state.ts';
import { type Host, openHost } from '../../../src/journal/host.ts';
import type { Machine } from '../../../src/journal/machine.ts';
import { createMemoryJournal, type MemoryDisk } from '../../../src/journal/memory-journal.ts';
import { seededRandom } from '../../world/seeded-random.ts';
import { createVirtualClock } from '../../world/virtual-clock.ts';
import { customers, operators } from './cast.ts';
import { givenLimit, purseOf } from './customer-party.ts';
import { accountPolicyOf, openingInputs } from './operator-party.ts';
import { planSeed } from './plan.ts';
import { remembering } from './remembering.ts';

/** A disk with a snapshot, and the records that led to it. */
export interface Begun<R> {
  readonly disk: MemoryDisk;
  readonly records: readonly R[];
}

export interface Prepared {
  /** When every seed begins. */
  readonly startMs: number;
  /** By operator: of its account manager. */
  readonly accounts: ReadonlyMap<string, Begun<AccountRecord>>;
  /** By customer. */
  readonly purses: ReadonlyMap<string, Begun<PurseRecord>>;
}

export async function prepare(): Promise<Prepared> {
  const clock = createVirtualClock();
  const startMs = clock.nowMs();
  const plan = planSeed(seededRandom(0), startMs);
  const accounts = new Map<string, Begun<AccountRecord>>();
  for (const role of operators) {
    const begun = await begin(createAccountManager(accountPolicyOf(role, plan)), async (host) => {
      await Promise.all(openingInputs(role).map((input) => host.submit(input)));
    });
    accounts.set(role.name, begun);
  }
  const purses = new Map<string, Begun<PurseRecord>>();
  for (const role of customers) {
    const begun = await begin(purseOf(role, clock.nowMs), async (host) => {
      await host.handle(givenLimit(role, startMs));
    });
    purses.set(role.name, begun);
  }
  return { startMs, accounts, purses };

  async function begin<S, I, R>(
    machine: Machine<S, I, R>,
    work: (host: Host<S, I, R>) => Promise<void>,
  ): Promise<Begun<R>> {
    const records: R[] = [];
    const journal = createMemoryJournal();
    const courier = { deliver: () => new Promise<never>(() => undefined) };
    const options = { journal, clock, courier, random: systemRandom, log: silence };
    const host = await openHost({ machine: remembering(machine, records), ...options });
    await work(host);
    // Nothing more is on its way to the disk by then, also where a planted bug writes late.
    await new Promise(setImmediate);
    await host.close();
    return { disk: journal.powerCut(), records };
  }
}

const silence = { info: () => {}, warn: () => {}, error: () => {} };
