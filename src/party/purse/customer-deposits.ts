/**
 * The customer's part in deposits (src/deposit): the purse on its journal, what spends from it over HTTP, and what the person does with
 * both.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemRandom } from '../../crypto/random.ts';
import type { Limit } from '../../deposit/customer/limit.ts';
import { createPurse } from '../../deposit/customer/purse-machine.ts';
import type { Open } from '../../deposit/customer/purse-state.ts';
import { createSpender } from '../../deposit/customer/spender.ts';
import { systemClock } from '../../journal/clock.ts';
import type { Client } from '../../transport/client.ts';
import { createHttpCourier } from '../../transport/http-courier.ts';
import { createWebFetch, type WebFetch } from '../../transport/web-fetch.ts';
import type { CustomerDeposits, StoreConfiguration } from '../configuration/configuration.ts';
import { readKeyFile } from '../configuration/key-file.ts';
import type { CommunicationIdentity } from '../running/communication.ts';
import { createCommunicationTrust } from '../running/communication-trust.ts';
import { chainValidation } from '../running/deposit-trust.ts';
import { byScheme } from '../running/routes.ts';
import { closeInOrder, type Surroundings } from '../running/running-party.ts';
import { openJournal, openMachine } from '../running/stores.ts';
import { type DepositDesk, depositDesk } from './deposit-desk.ts';
import { type FetchEvent, type FetchOrder, paidFetch, RETRY_AFTER_MS } from './paid-fetch.ts';
import { purseLimits } from './purse-limits.ts';
import { type PayerOptions, type PursePayer, pursePayer } from './purse-payer.ts';
import { purseRates } from './purse-rates.ts';
import { type DepositTerms, purseSpending } from './purse-spender.ts';
import { strangerCourier } from './stranger-courier.ts';

export interface CustomerDepositsRunning {
  readonly desk: DepositDesk;
  fetch(order: FetchOrder): AsyncGenerator<FetchEvent>;
  /** For a program that pays by itself, over connections of its own. */
  payer(options: PayerOptions): PursePayer;
  readonly failed: Promise<unknown>;
  close(): Promise<void>;
}

const ANSWER_MS = 20_000;
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

export async function openCustomerDeposits(options: {
  readonly name: string;
  readonly deposits: CustomerDeposits;
  readonly store: StoreConfiguration;
  readonly path: (relative: string) => string;
  readonly identity: CommunicationIdentity;
  readonly client: Client;
  /** Names of other parties by URL, for traces. */
  readonly peers: Readonly<Record<string, string>>;
  readonly surroundings: Surroundings;
}): Promise<CustomerDepositsRunning> {
  const { name, deposits, store, path, identity, client, surroundings } = options;
  const { log, tracer } = surroundings;
  const clock = systemClock();
  const { nowMs } = clock;
  const storageKey = readKeyFile(path(deposits.storageKey));
  const names = new Map(Object.entries(options.peers).map(([url, peer]) => [new URL(url).host, peer]));
  const nameOf = ({ host: there }: URL) => names.get(there) ?? there;
  const { anchorsPem } = identity.clientTls;
  const toOperator = createHttpCourier({ client });
  const toMerchants = strangerCourier({
    ...{ name, nameOf, anchorsPem, limits: { maxBytes: MAX_ANSWER_BYTES, timeoutMs: ANSWER_MS } },
    ...(tracer && { tracer }),
  });
  const isOperators = (url: string) => url.startsWith(`${deposits.operator.url}/`);
  const host = await openMachine({
    machine: createPurse({
      operator: deposits.operator,
      signer: { privateKey: identity.privateKey, certificateChain: identity.chain.map(({ der }) => der) },
      validate: chainValidation(createCommunicationTrust(identity.anchors), nowMs),
      ...{ storageKey, nowMs },
    }),
    journal: await openJournal(store, path, 'purse'),
    courier: byScheme({
      'https:': {
        deliver: (sent, attempt) => (isOperators(sent.to) ? toOperator : toMerchants).deliver(sent, attempt),
      },
    }),
    surroundings,
  });
  const openDeposits = () => [...host.state.deposits.values()].filter((one): one is Open => one.phase === 'open');
  // After a crash nobody knows what was released last: the merchant does, and such a deposit is concluded.
  for (const { transaction, mark, position } of openDeposits()) {
    const known = mark.count === position.count && mark.units === position.units;
    if (!known) await host.submit({ type: 'close', transaction, asked: false });
  }

  const spender = createSpender({ host, storageKey, clock, log });
  const limits = purseLimits({ host, deposits, random: systemRandom, nowMs });
  const rates = purseRates({ host, limits, nowMs });
  const spending = purseSpending({ host, spender, limits, rates, random: systemRandom, nowMs, log });
  /** Each with connections of its own: one deposit is not to be known as of the same customer as another by the connection it comes over. */
  const openWeb = () =>
    createWebFetch({
      ...{ anchorsPem, timeoutMs: ANSWER_MS, maxBytes: MAX_ANSWER_BYTES },
      ...(tracer && { trace: { tracer, name, nameOf } }),
    });
  const termsUnder = ({ limitId, expiresAtMs }: Limit): DepositTerms => ({
    ...{ limitId, limitEndsAtMs: expiresAtMs, depositMinor: BigInt(deposits.depositMinor) },
    ...{ idleMs: deposits.idleSeconds * 1000, lengthMs: deposits.lengthSeconds * 1000 },
  });
  const desk = depositDesk({
    ...{ name, operator: deposits.operator.name, host, spender, spending, limits, rates, nowMs, termsUnder },
    fetch: (...asked) => withWeb(openWeb(), (fetch) => fetch(...asked)),
    pause: (ms) => sleep(ms, undefined, { ref: false }),
  });
  const parts = { spending, limits, rates, clock, termsUnder, state: host.state, endLimit: desk.endLimit };
  return {
    desk,
    async *fetch(order) {
      const web = openWeb();
      try {
        yield* paidFetch(order, { ...parts, fetch: web.fetch });
      } finally {
        web.close();
      }
    },
    payer(options) {
      const web = openWeb();
      const payer = pursePayer({ ...parts, fetch: web.fetch, anchorsPem, retryAfterMs: RETRY_AFTER_MS }, options);
      return {
        ...payer,
        close: () => closeInOrder([() => payer.close(), () => web.close()]),
      };
    },
    failed: host.failed,
    close: () =>
      closeInOrder([
        // How far each is spent is written, so that it goes on there after the next start.
        () => Promise.all(openDeposits().map(({ transaction }) => spender.rest(transaction))).then(() => {}),
        () => host.close(),
      ]),
  };
}

/** Its answers are whole when they are given. */
async function withWeb<T>(web: WebFetch, use: (fetch: WebFetch['fetch']) => Promise<T>): Promise<T> {
  try {
    return await use(web.fetch);
  } finally {
    web.close();
  }
}
