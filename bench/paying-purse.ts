/**
 * The customer's end of deposits as a device has it: the purse on a real SQLite journal, its spender, and `payingFetch`. The bank plays along:
 * it opens what is asked for, at a merchant of the bench.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '../src/crypto/random.ts';
import { generateP256 } from '../src/crypto/signature.ts';
import { decodeShape, readMessage, type Signer, signMessage } from '../src/crypto/signed-message.ts';
import { limitMessage } from '../src/deposit/customer/limit.ts';
import { createPurse } from '../src/deposit/customer/purse-machine.ts';
import { createSpender } from '../src/deposit/customer/spender.ts';
import { openingType, wantMessage } from '../src/deposit/customer/want.ts';
import { createPayingFetch } from '../src/deposit/customer-http/paying-fetch.ts';
import type { Spender } from '../src/deposit/customer-http/spender.ts';
import { initiationType, loggedOnType, logOnType, openedType } from '../src/deposit/message/initiation.ts';
import { issueTemporaryCertificate } from '../src/deposit/message/temporary-certificate.ts';
import { systemClock } from '../src/journal/clock.ts';
import { openHost } from '../src/journal/host.ts';
import type { Outgoing } from '../src/journal/machine.ts';
import { openSqliteJournal } from '../src/journal/sqlite-journal.ts';
import type { OpenAsked } from './load-merchant.ts';

const HOUR_MS = 3_600_000;
const DEPOSIT = { currency: 'EUR', minor: 1_000_000n };
const SAME = { from: 'EUR', to: 'EUR', numerator: 1n, denominator: 1n } as const;

export interface PayingPurse {
  readonly fetch: typeof globalThis.fetch;
  /** Purchases answered as paid. */
  paid(): number;
  close(): Promise<void>;
}

/** @param openAt has the merchant open the deposit, and gives its temporary key */
export async function openPayingPurse(openAt: (asked: OpenAsked) => Promise<Uint8Array>): Promise<PayingPurse> {
  const folder = await mkdtemp(join(tmpdir(), 'handsel-bench-'));
  const clock = systemClock();
  const storageKey = systemRandom(32);
  const customer = generateP256();
  const bank = generateP256();
  const signer: Signer = { privateKey: bank.privateKey, certificateChain: [new Uint8Array(1)] };
  const quiet = () => {};
  const log = { info: quiet, warn: quiet, error: quiet };

  const answerTo = async ({ kind, body }: Outgoing): Promise<Uint8Array> => {
    if (kind === logOnType.name) {
      const rates = { rates: [], issuedAtMs: clock.nowMs(), validUntilMs: clock.nowMs() + HOUR_MS };
      const loggedOn = { session: 'bank.1', transaction: 'bank.1.1', available: DEPOSIT, rates };
      return signMessage(loggedOnType, loggedOn, signer);
    }
    const { transaction, key, deposit, endsAtMs } = readMessage(initiationType, body).value;
    const merchantKey = await openAt({ transaction, point: key });
    const certificate = issueTemporaryCertificate(
      { transaction, of: 'merchant', key: merchantKey, issuer: 'bank', notAfterMs: endsAtMs + HOUR_MS },
      signer,
    );
    const opened = { transaction, rate: SAME, deposit, certificate, url: 'https://shop.test', available: DEPOSIT };
    return signMessage(openedType, opened, signer);
  };

  const host = await openHost({
    machine: createPurse({
      operator: { name: 'bank', url: 'https://bank.test' },
      signer: { privateKey: customer.privateKey },
      validate: () => ({ name: 'bank', publicKey: bank.publicKey }),
      storageKey,
      nowMs: clock.nowMs,
    }),
    journal: await openSqliteJournal({ file: join(folder, 'purse.db') }),
    courier: { deliver: async (message) => ({ type: 'answered', body: await answerTo(message) }) },
    ...{ clock, log, random: systemRandom },
  });
  const limit = {
    limitId: 'pocket',
    currency: 'EUR',
    totalMinor: DEPOSIT.minor,
    expiresAtMs: clock.nowMs() + 2 * HOUR_MS,
  };
  await host.handle(limitMessage(limit));
  const purse = createSpender({ host, storageKey, clock, log });

  let opening: Promise<string> | undefined;
  let paid = 0;
  const open = async (order: { readonly units: number; readonly unitNano: number }): Promise<string> => {
    const want = {
      ...{
        reference: 'want',
        limitId: 'pocket',
        merchant: 'bakery',
        merchantOperator: 'south',
        merchantCurrency: 'EUR',
      },
      ...{ depositMinor: DEPOSIT.minor, order, idleMs: HOUR_MS, endsAtMs: clock.nowMs() + HOUR_MS },
    };
    const { transaction, detail } = decodeShape(openingType, await host.handle(wantMessage(want)));
    if (transaction === undefined) throw new Error(detail ?? 'no deposit was opened');
    return transaction;
  };
  const spender: Spender = {
    ensure({ units, unitNano }) {
      opening ??= open({ units, unitNano });
      return opening;
    },
    pay: purse.pay,
    paid(transaction, number) {
      paid++;
      purse.paid(transaction, number);
    },
    failed(_transaction, number, failure) {
      throw new Error(`purchase ${number}: ${JSON.stringify(failure)}`);
    },
  };
  return {
    fetch: createPayingFetch({ spender, clock, limits: { maxPrices: ['0.01 EUR'] } }),
    paid: () => paid,
    async close() {
      await host.close();
      await rm(folder, { recursive: true });
    },
  };
}
