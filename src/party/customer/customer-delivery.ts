/**
 * The customer's part in secure delivery (src/delivery): what is bought goes across the counter. Packages are ordered, fetched and
 * checked before anything is paid, paid for once accepted, and opened when the key is there; whoever dies meanwhile goes on.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { toHex } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { systemRandom } from '../../crypto/random.ts';
import { decodeShape, linkOf, readMessage, type Signer } from '../../crypto/signed-message.ts';
import { beginPartType, type Told, toldType } from '../../delivery/counter/counter-errand.ts';
import { type CounterInput, createCounter } from '../../delivery/counter/counter-machine.ts';
import { partNamed, referenceOf, type Sale, saleIn, saleKey } from '../../delivery/counter/sale.ts';
import { releaseType } from '../../delivery/message/release.ts';
import { outcomeType } from '../../delivery/receiver/errand.ts';
import { createPackageCourier, packageFile } from '../../delivery/receiver/package-courier.ts';
import {
  type Purchase,
  purchaseIn,
  purchaseKey,
  REFUNDS_KEY,
  type ReceiverRecord,
} from '../../delivery/receiver/purchase.ts';
import { createReceiver } from '../../delivery/receiver/receiver-machine.ts';
import type { ReceiverPolicy } from '../../delivery/receiver/receiver-policy.ts';
import { PACKAGES, SETTLEMENT } from '../../delivery/receiver/receiver-policy.ts';
import { settlementCourier } from '../../delivery/receiver/settlement.ts';
import { systemClock } from '../../journal/clock.ts';
import type { Courier } from '../../journal/courier.ts';
import type { Host } from '../../journal/host.ts';
import { createSealedJournal } from '../../journal/sealed-journal.ts';
import type { WalletState } from '../../set/wallet/payment.ts';
import type { PaymentOutcome } from '../../set/wallet/payment-outcome.ts';
import type { WalletInput } from '../../set/wallet/wallet-input.ts';
import type { Client } from '../../transport/client.ts';
import { createHttpCourier } from '../../transport/http-courier.ts';
import type { StoreConfiguration } from '../configuration/configuration.ts';
import type { CustomerDelivery } from '../configuration/delivery-configuration.ts';
import { readKeyFile } from '../configuration/key-file.ts';
import { sharesOf } from '../message/payment-evidence.ts';
import type { CommunicationIdentity } from '../running/communication.ts';
import { createCommunicationTrust } from '../running/communication-trust.ts';
import { identifyBy, partyInFile } from '../running/delivery-identity.ts';
import { openPackageWeb } from '../running/package-web.ts';
import { byScheme, localCourier } from '../running/routes.ts';
import { closeInOrder, type Surroundings, startInSteps } from '../running/running-party.ts';
import { openJournal, openMachine } from '../running/stores.ts';
import { beginPart } from './begin-part.ts';
import { caseEvidence } from './case-evidence.ts';
import { type CounterOrder, decodeCounterOrder, encodeCounterOrder } from './counter-order.ts';
import { counterPayments, counterSettlement, refusingOnly } from './counter-payment.ts';
import { GoodsError } from './fetch-goods.ts';
import type { DeliveredBy } from './receipt.ts';

export interface CustomerDeliveryRunning {
  /** Buys across the counter; one of the same name is the same. @param messageId of whoever asks */
  buy(order: CounterOrder, messageId: string): Promise<Uint8Array>;
  /** What the wallet says of a payment of ours; false when it is none. */
  walletSays(outcome: PaymentOutcome, messageId: string, body: Uint8Array): Promise<boolean>;
  /** The file, once it is delivered. @throws GoodsError `GOODS_WRONG` when it ended otherwise; `GOODS_NOT_READY` when the signal is aborted */
  obtain(payment: string, part: number, signal: AbortSignal): Promise<string>;
  /** Of what was delivered: as which package, and who released its key. */
  deliveredBy(payment: string, part: number): Promise<DeliveredBy>;
  sale(payment: string): Promise<Sale | undefined>;
  /** Payments of the sales under way, of what is complained of, and of what is to be paid back. */
  open(): readonly string[];
  /** What became of one part: its purchase and everything recorded about it. */
  history(payment: string, part: number): Promise<readonly ReceiverRecord[]>;
  purchase(payment: string, part: number): Promise<Purchase | undefined>;
  /** What was recorded of refunds, of all purchases, the oldest first. */
  refunds(): Promise<readonly ReceiverRecord[]>;
  /** @throws DeliveryError `COMPLAINT_UNFIT` */
  complain(payment: string, part: number, statement: string): Promise<void>;
  readonly packages: string;
  readonly arbiter: { readonly name: string; readonly url: string } | undefined;
  readonly failed: Promise<unknown>;
  close(): Promise<void>;
}

interface CustomerDeliveryOptions {
  readonly name: string;
  readonly store: StoreConfiguration;
  readonly path: (relative: string) => string;
  readonly delivery: CustomerDelivery;
  readonly identity: CommunicationIdentity;
  readonly client: Client;
  /** Where purchases are put. */
  readonly directory: string;
  readonly wallet: () => Pick<Host<WalletState, WalletInput>, 'handle' | 'state'>;
  /** Told once how the payment of a sale ended. */
  told(told: Told, messageId: string, body: Uint8Array): Promise<void>;
  readonly surroundings: Surroundings;
}

const DONE = new Uint8Array();
const LOOK_MS = 500;
/** So many of the last ones are told. */
const MOST_REFUNDS = 1000;

export function openCustomerDelivery(options: CustomerDeliveryOptions): Promise<CustomerDeliveryRunning> {
  return startInSteps(async (opened) => {
    const { store, path, delivery, identity, client, directory, wallet, surroundings } = options;
    const { nowMs } = systemClock();
    const key = readKeyFile(path(delivery.storageKey));
    const sealed = async (machine: string) =>
      createSealedJournal({ journal: await openJournal(store, path, machine), key, random: systemRandom });
    const trustees = new Map(delivery.trustees.map(({ name, url }) => [name, url]));
    const policy = receiverPolicyOf(options, nowMs);
    const { identify } = policy;
    const changes = createChanges();
    const packages = path(delivery.packages);
    const contentFile = (reference: string): string => {
      const { payment, part } = partNamed(reference);
      const sale = counter.state.sales.get(payment);
      const named = sale && decodeCounterOrder(sale.order).goods[part]?.fileName;
      return join(directory, payment, 'goods', named ?? `content-${part}`);
    };

    const payments = counterPayments({ wallet, client, identify: identify.trustee, nowMs });
    const beginning = { client, identify, trustees, contentFile, notify: 'local:receiver-outcome' };
    const counter = opened(
      await openMachine({
        machine: createCounter({ paymentWaitMs: delivery.paymentWaitSeconds * 1000 }),
        journal: await sealed('counter'),
        surroundings,
        courier: byScheme({
          'local:': localCourier({
            'begin-part': async ({ body }) => {
              const { payment, part } = decodeShape(beginPartType, body);
              const sale = counter.state.sales.get(payment);
              const begun = await receiver.readByKey(purchaseKey(referenceOf(payment, part)));
              if (sale === undefined || begun.length > 0) return DONE;
              await refusingOnly(async () => receiver.submit(await beginPart(sale, part, beginning)));
              return DONE;
            },
            pay: ({ body }) => payments.pay(body),
            'payment-question': ({ body }) => payments.question(body),
            attest: ({ body }) => payments.attest(body),
            'sale-told': async ({ id, body }) => {
              const told = decodeShape(toldType, body);
              await options.told(told, id, body);
              changes.tell(told.payment);
              return DONE;
            },
          }),
        }),
      }),
    );
    const web = opened(openPackageWeb({ name: options.name, anchors: identity.anchors }));
    const packageCourier = createPackageCourier({ packages, contentFile, fetch: web.fetch });
    const settlement = counterSettlement({
      ...{ counter, trustees, receiver: () => receiver.state },
      settled: (payment, forMs) => changes.next(payment, forMs),
    });
    const outcomes = localCourier({
      'receiver-outcome': async ({ id, body }) => {
        const { reference, outcome, reason } = decodeShape(outcomeType, body);
        const input: CounterInput = { type: 'part-ended', reference, outcome, reason };
        await counter.handle({ messageId: id, digest: sha256(body), input });
        if (outcome === 'delivered') await dropPackage(reference);
        changes.tell(partNamed(reference).payment);
        return DONE;
      },
      'case-evidence': ({ body }) => caseEvidence(body, { client, arbiter: delivery.arbiter }),
    });
    const receiver = opened(
      await openMachine({
        machine: createReceiver(policy),
        journal: await sealed('receiver'),
        surroundings,
        courier: byScheme({
          'https:': createHttpCourier({ client }),
          'local:': byRoute({ [SETTLEMENT]: settlementCourier(settlement), [PACKAGES]: packageCourier }, outcomes),
        }),
      }),
    );
    /** What is opened needs its package no more, unless somebody else waits for the same. */
    const dropPackage = async (reference: string) => {
      const manifest = purchaseIn(await receiver.readByKey(purchaseKey(reference)))?.manifest;
      if (manifest === undefined) return;
      const file = packageFile(packages, manifest);
      const others = [...receiver.state.purchases.values()].some((one) => packageFile(packages, one.manifest) === file);
      if (!others) rmSync(file, { force: true });
    };

    const saleOf = async (payment: string) =>
      counter.state.sales.get(payment) ?? saleIn(await counter.readByKey(saleKey(payment)));
    const history = (payment: string, part: number) => receiver.readByKey(purchaseKey(referenceOf(payment, part)));
    const purchase = async (payment: string, part: number) => purchaseIn(await history(payment, part));
    return {
      buy(order, messageId) {
        const { payment, goods } = order;
        const { paymentId, deadlineMs, amount } = payment;
        const bytes = encodeCounterOrder(order);
        const shares = sharesOf(amount.minor, goods.length);
        const input: CounterInput = { type: 'begin', payment: paymentId, order: bytes, shares, deadlineMs };
        return counter.handle({ messageId, digest: sha256(bytes), input });
      },
      async walletSays({ paymentId, status, xid, reason }, messageId, body) {
        const sale = counter.state.sales.get(paymentId);
        if (sale === undefined) return (await saleOf(paymentId)) !== undefined;
        if (status === 'pending') return true;
        const ended = { payment: paymentId, transaction: xid, declined: status === 'declined', reason };
        const input: CounterInput = { type: 'ended', ...ended };
        await counter.handle({ messageId, digest: sha256(body), input });
        return true;
      },
      async obtain(payment, part, signal) {
        for (;;) {
          const sale = await saleOf(payment);
          const { outcome, reason } = sale?.parts[part] ?? { outcome: null, reason: '' };
          if (outcome === 'delivered') {
            return join(directory, payment, 'goods', decodeCounterOrder(sale!.order).goods[part]!.fileName);
          }
          if (outcome !== null) throw new GoodsError('GOODS_WRONG', wordsOf(outcome, reason));
          if (signal.aborted) throw new GoodsError('GOODS_NOT_READY', 'it is not delivered yet');
          await changes.next(payment, LOOK_MS);
        }
      },
      async deliveredBy(payment, part) {
        const records = await history(payment, part);
        const released = records.findLast((record) => record.type === 'released');
        const { manifest } = purchaseIn(records)!;
        const { role, by } = readMessage(releaseType, released!.release).value;
        return { package: toHex(linkOf(manifest)), released: role, by };
      },
      sale: saleOf,
      open() {
        const complained = [...receiver.state.purchases.keys()].map((reference) => partNamed(reference).payment);
        const owed = [...receiver.state.refunds.keys()].map((reference) => partNamed(reference).payment);
        return [...new Set([...counter.state.sales.keys(), ...complained, ...owed])];
      },
      ...{ history, purchase, packages },
      refunds: () => receiver.readByKey(REFUNDS_KEY, { limit: MOST_REFUNDS }),
      async complain(payment, part, statement) {
        const known = await purchase(payment, part);
        if (known === undefined) throw new GoodsError('GOODS_REFUSED', 'there is no such purchase');
        await receiver.submit({ type: 'complain', purchase: known, statement });
      },
      arbiter: delivery.arbiter,
      failed: Promise.race([counter.failed, receiver.failed]),
      close: () =>
        closeInOrder([() => packageCourier.stop(), () => receiver.close(), () => counter.close(), () => web.close()]),
    };
  });
}

function receiverPolicyOf({ path, delivery, identity }: CustomerDeliveryOptions, nowMs: () => number): ReceiverPolicy {
  const trust = createCommunicationTrust(identity.anchors);
  const { arbiter } = delivery;
  const signer: Signer = { privateKey: identity.privateKey, certificateChain: identity.chain.map(({ der }) => der) };
  return {
    ...{ signer, nowMs },
    identify: {
      merchant: identifyBy(trust),
      trustee: identifyBy(trust, new Set(delivery.trustees.map(({ name }) => name))),
      arbiter: identifyBy(trust, new Set(arbiter === undefined ? [] : [arbiter.name])),
    },
    ...(arbiter && {
      arbiter: {
        ...{ name: arbiter.name, url: arbiter.url, evidence: 'local:case-evidence' },
        party: partyInFile(path(arbiter.certificate), arbiter.name),
      },
    }),
    releaseWaitMs: delivery.releaseWaitSeconds * 1000,
    claimWaitMs: delivery.claimWaitSeconds * 1000,
  };
}

/** The courier whose route a message begins with, or else the last one. */
function byRoute(couriers: Readonly<Record<string, Courier>>, otherwise: Courier): Courier {
  return {
    deliver: (message, attempt) =>
      (Object.entries(couriers).find(([route]) => message.to === route)?.[1] ?? otherwise).deliver(message, attempt),
  };
}

function wordsOf(outcome: string, reason: string): string {
  const words: Readonly<Record<string, string>> = {
    unpaid: 'it was not delivered, and nothing was paid',
    faulty: 'the goods are not what was signed',
    withheld: 'nobody released the key that was paid for',
    ruled: 'the arbiter has ruled',
  };
  return `${words[outcome] ?? outcome}${reason === '' ? '' : ` (${reason})`}`;
}

/** Wakes those who wait for news of a sale. */
function createChanges() {
  const waiting = new Map<string, Set<() => void>>();
  return {
    tell(payment: string) {
      for (const wake of waiting.get(payment) ?? []) wake();
    },
    async next(payment: string, forMs: number) {
      const all = waiting.get(payment) ?? new Set();
      waiting.set(payment, all);
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = new AbortController();
      all.add(resolve);
      try {
        await Promise.race([promise, sleep(forMs, undefined, { ref: false, signal: timer.signal }).catch(() => {})]);
      } finally {
        timer.abort();
        all.delete(resolve);
        if (all.size === 0) waiting.delete(payment);
      }
    },
  };
}
