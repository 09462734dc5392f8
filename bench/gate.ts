/**
 * A door checks codes: from the letters that a scanner read to the word for the person, with the door's own mark signed and the scan written down
 * durably. Each code is of another device that the door never met; the issuer it has.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { decodeCbor } from '../src/codec/cbor.ts';
import { systemRandom as random } from '../src/crypto/random.ts';
import { systemClock } from '../src/journal/clock.ts';
import { openHost } from '../src/journal/host.ts';
import type { Journal } from '../src/journal/journal.ts';
import { createMemoryJournal } from '../src/journal/memory-journal.ts';
import { createSealedJournal } from '../src/journal/sealed-journal.ts';
import { openSqliteJournal } from '../src/journal/sqlite-journal.ts';
import { createTrustedAgent } from '../src/trusted/agent/agent-machine.ts';
import { applyAgentRecord } from '../src/trusted/agent/agent-record.ts';
import type { AgentState } from '../src/trusted/agent/agent-state.ts';
import { type HostNotice, hostNoticeType } from '../src/trusted/agent/to-host.ts';
import { foundingLists } from '../src/trusted/message/trust-lists.ts';
import { codeOfLetters } from '../src/trusted/ticket/ticket-code.ts';
import type { GateTown } from './gate-codes.ts';
import type { Measurement } from './measurement.ts';

const ROUNDS = 240;
const WARM_UP = 40;

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const quiet = { info() {}, warn() {}, error: (detail: object) => process.stderr.write(`${JSON.stringify(detail)}\n`) };

export async function benchGate(): Promise<Measurement[]> {
  const folder = await mkdtemp(join(tmpdir(), 'handsel-bench-'));
  try {
    const key = random(32);
    const sqlite = await openSqliteJournal({ file: join(folder, 'door.db') });
    const durable = await measure(createSealedJournal({ journal: sqlite, key, random }), 1);
    const check = await measure(createMemoryJournal(), 1);
    const fresh = await measure(createMemoryJournal(), 0);
    const old = await measure(createMemoryJournal(), 5);
    const told = { unit: 'ms', better: 'lower', target: null, met: true } as const;
    return [
      {
        name: 'gate check of a ticket transferred once, by its code, to the word and the mark',
        ...{ value: check, unit: 'ms', better: 'lower', target: 2, met: check <= 2 },
      },
      { name: 'gate check with the flush of the sealed book', value: durable, ...told },
      { name: 'gate check of a ticket never transferred', value: fresh, ...told },
      { name: 'gate check of a ticket transferred five times', value: old, ...told },
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Milliseconds of one check, one after the other as people come. */
async function measure(journal: Journal, transfers: number): Promise<number> {
  const { primaryKey, door, codes } = await newTown(transfers);
  const lists = foundingLists([{ primaryId: 1, publicKey: primaryKey, fromDay: 0 }]);
  const machine = createTrustedAgent({ foundingLists: lists });
  const initial = () => {
    const state: AgentState = machine.initial();
    applyAgentRecord(state, { type: 'certified', ...door });
    return state;
  };
  let heard = (_: HostNotice) => {};
  const host = await openHost({
    ...{ machine: { ...machine, initial }, journal, random, clock: systemClock(), log: quiet },
    courier: {
      async deliver({ body }) {
        heard(hostNoticeType.shape.decode(decodeCbor(body), 'notice'));
        return { type: 'answered', body: new Uint8Array() };
      },
    },
  });
  const times: number[] = [];
  for (const [round, letters] of codes.entries()) {
    const answered = new Promise<HostNotice>((resolve) => {
      heard = resolve;
    });
    const start = performance.now();
    const command = { type: 'scan', matter: 'scan', code: codeOfLetters(letters), units: 1, paperTaken: 0 } as const;
    await host.submit({ type: 'command', command });
    const { type } = await answered;
    if (type !== 'let-in') throw new Error(`the door says ${type}`);
    if (round >= WARM_UP) times.push(performance.now() - start);
  }
  await host.close();
  return median(times);
}

/** Made in another thread, lest this one remembers keys and signatures that a door meets for the first time. */
async function newTown(transfers: number): Promise<GateTown> {
  const worker = new Worker(new URL('./gate-codes.ts', import.meta.url), { workerData: { transfers, codes: ROUNDS } });
  const [town] = (await once(worker, 'message')) as [GateTown];
  await worker.terminate();
  return town;
}
