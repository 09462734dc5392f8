/**
 * A process with a billing book and its file adapters, for `kill-between-write-and-answer.test.ts`: FOLDER COUNT [KILL-AT]. Tells its book
 * COUNT records and ends when all have been taken; kills itself, as a power cut would, when the KILL-AT-th has been written and not been
 * acknowledged yet.
 */
import { join } from 'node:path';
import { adapterCourier } from '../../src/billing/book/adapter-courier.ts';
import type { BillingAdapter } from '../../src/billing/book/billing-adapter.ts';
import { createBillingBook } from '../../src/billing/book/billing-book.ts';
import { createCalendar } from '../../src/billing/book/business-day.ts';
import { csvFiles } from '../../src/billing/files/csv-files.ts';
import { ISO_MESSAGES, iso20022Files } from '../../src/billing/files/iso20022-files.ts';
import { sha256 } from '../../src/crypto/digest.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import { billingRecord, encodeBillingRecord } from '../../src/deposit/message/billing-record.ts';
import { systemClock } from '../../src/journal/clock.ts';
import { openHost } from '../../src/journal/host.ts';
import { openSqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { rateOf } from '../../src/money/rate.ts';
import { createLog } from '../../src/transport/log.ts';

const [folder = '', count = '0', killAt = '0'] = process.argv.slice(2);
const calendar = createCalendar('UTC');
const clock = systemClock();
const bank = { name: 'north', bics: new Map(), ibans: new Map() };
let written = 0;

function mortal(adapter: BillingAdapter): BillingAdapter {
  return {
    async take(booked, attempt) {
      await adapter.take(booked, attempt);
      written += 1;
      if (written === Number(killAt)) process.kill(process.pid, 'SIGKILL');
    },
  };
}

const adapters = new Map([
  ['csv', mortal(csvFiles(join(folder, 'csv')))],
  [
    'iso',
    mortal(iso20022Files({ directory: join(folder, 'iso'), messages: ISO_MESSAGES, bank, dayOf: calendar.dayOf })),
  ],
]);
const log = createLog({ name: 'test', level: 'silent' });
const host = await openHost({
  machine: createBillingBook({
    ...{ name: 'north', calendar },
    adapters: [...adapters.keys()].map((name) => ({ name, closesDays: false })),
  }),
  journal: await openSqliteJournal({ file: join(folder, 'billing.journal') }),
  ...{ clock, random: systemRandom, log, pace: { firstPauseMs: 10 } },
  courier: adapterCourier({ adapters, log, readDay: () => undefined! }),
});
await Promise.all(
  Array.from({ length: Number(count) }, (_, at) => {
    const record = billingRecord('withdrawal', {
      ...{ transaction: `north.${at + 1}.1`, customer: 'alice', merchant: 'shop', merchantOperator: 'south', atMs: 1 },
      ...{ deposit: { currency: 'EUR', minor: 5n }, withdrawn: { currency: 'EUR', minor: 3n } },
      ...{ returned: { currency: 'EUR', minor: 2n }, paid: { currency: 'EUR', minor: 3n } },
      rate: rateOf({ from: 'EUR', to: 'EUR', numerator: 1n, denominator: 1n }),
    });
    const digest = sha256(encodeBillingRecord(record));
    return host.handle({ messageId: record.id, digest, input: { type: 'record', record } });
  }),
);
// Each restart tells the whole of what is still owed to each adapter.
for (let before = -1; before !== written; ) {
  before = written;
  await new Promise((resolve) => clock.after(100, () => resolve(undefined)));
}
await host.close();
