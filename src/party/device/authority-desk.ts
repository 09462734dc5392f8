/**
 * What an authority's device does by itself: it names itself once, and gives merchants the credential in whose name they issue tickets. What it
 * has issued is in a small data base of its own, a file (US 5,671,280, "authority servers which manage a database of credentials").
 */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { HandselError } from '../../handsel-error.ts';
import type { Clock } from '../../journal/clock.ts';
import type { Log } from '../../transport/log.ts';
import type { TransactionDevice } from '../../trusted/agent/device.ts';
import { dayOf } from '../../trusted/message/day.ts';
import type { DeviceConfiguration } from '../configuration/configuration.ts';
import { readJsonFile } from '../configuration/configuration.ts';
import { replaceFile } from '../files/replace-file.ts';
import type { DeviceDesk } from './device-desk.ts';
import type { DeviceMatters } from './device-matters.ts';
import { dayText } from './ticket-view.ts';

const AUTHORITY_DAYS = 3 * 365;
const MERCHANT_DAYS = 365;
/** One that ends sooner is issued anew. */
const RENEW_DAYS = 30;
const PAUSE_MS = 500;

const schema = z.strictObject({
  issued: z.array(z.strictObject({ device: z.string(), ticket: z.string(), type: z.string(), expires: z.string() })),
});
type Database = z.infer<typeof schema>;

export interface AuthorityParts {
  readonly device: TransactionDevice;
  readonly matters: DeviceMatters;
  readonly desk: DeviceDesk;
  readonly authority: NonNullable<DeviceConfiguration['authority']>;
  /** File. */
  readonly database: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly stop: AbortSignal;
}

/** Resolves when every merchant has its credential, or when it is stopped. */
export async function openAuthorityDesk(parts: AuthorityParts): Promise<void> {
  const { device, matters, desk, authority, database, clock, log, stop } = parts;
  const today = () => dayOf(clock.nowMs());
  if (!desk.tickets().some(({ type }) => type === 'authority')) {
    const { name, issues } = authority;
    const components = { type: 'authority', name, issues, expiresDay: today() + AUTHORITY_DAYS } as const;
    const named = matters.outcome('name-yourself', 15_000, (notice) => (notice.type === 'received' ? true : undefined));
    named.catch(() => undefined);
    await device.command({ type: 'name-yourself', components });
    await named;
  }
  for (const { device: to, name } of authority.merchants) {
    while (!stop.aborted) {
      const { issued } = readDatabase(database);
      const fresh = dayText(today() + RENEW_DAYS);
      if (issued.some((one) => one.device === to && one.type === 'merchant' && one.expires > fresh)) break;
      const expiresDay = today() + MERCHANT_DAYS;
      try {
        const [ticket = ''] = await desk.issue([{ type: 'merchant', name, expiresDay }], to);
        const entry = { device: to, ticket, type: 'merchant', expires: dayText(expiresDay) };
        replaceFile(database, `${JSON.stringify({ issued: [...issued, entry] }, null, 2)}\n`);
      } catch (error) {
        if (!(error instanceof HandselError)) throw error;
        log.info({ to, why: error.message }, 'the merchant has no credential yet: tried again');
        await new Promise<void>((resolve) => clock.after(PAUSE_MS, resolve));
      }
    }
  }
}

function readDatabase(file: string): Database {
  return existsSync(file) ? readJsonFile(file, schema) : { issued: [] };
}
