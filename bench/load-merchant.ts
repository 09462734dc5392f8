/** A merchant for load: deposits on a real SQLite journal, a gate in front of routes, and what the bench asks it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '../src/crypto/random.ts';
import { createCharge } from '../src/deposit/merchant-http/charge.ts';
import type { Charge } from '../src/deposit/merchant-http/charge-terms.ts';
import { systemClock } from '../src/journal/clock.ts';
import { openSqliteJournal } from '../src/journal/sqlite-journal.ts';
import { DAY_MS, openMerchantWorld } from '../test/deposit/merchant/merchant-world.ts';
import { type Answers, usageSoFar } from './child.ts';

/** As in docs/payment-method.md. */
export const PRICE = '0.0004 EUR';
export const UNITS = 4;
const UNIT_NANO = 100_000;

export interface OpenAsked {
  readonly transaction: string;
  /** The customer's temporary key. */
  readonly point: Uint8Array;
}

export interface LoadMerchant {
  /** A gate for the server at this `host:port`. */
  chargeAt(realm: string): Charge;
  readonly answers: Answers;
  close(): Promise<void>;
}

export async function openLoadMerchant(): Promise<LoadMerchant> {
  const folder = await mkdtemp(join(tmpdir(), 'handsel-bench-'));
  const journal = await openSqliteJournal({ file: join(folder, 'merchant.db') });
  const clock = systemClock();
  const { host, till } = await openMerchantWorld({ clock, journal });
  const { sessions } = host.state;
  return {
    chargeAt: (realm) =>
      createCharge({
        ...{ till, clock, realm, merchant: 'bakery', operator: 'south', currency: 'EUR', unitNano: UNIT_NANO },
        secrets: [systemRandom(32)],
      }),
    answers: {
      /** What the doors check of an information message is signed by nobody here; purchases and checkpoints are. */
      async open({ transaction, point }: OpenAsked): Promise<Uint8Array> {
        const endsAtMs = clock.nowMs() + 30 * DAY_MS;
        const deposit = { currency: 'EUR', minor: 100_000_000n };
        const terms = { transaction, deposit, certificate: new Uint8Array(1), idleMs: DAY_MS, endsAtMs };
        const information = { ...terms, merchant: 'Shop', customer: '' };
        await host.submit({ type: 'information', information, customerKey: point });
        return sessions.get(transaction)!.ownKey;
      },
      usage: usageSoFar,
      /** Purchases taken, in all deposits. */
      count: () => [...sessions.values()].reduce((sum, { count }) => sum + count, 0),
    },
    async close() {
      await host.close();
      await rm(folder, { recursive: true });
    },
  };
}
