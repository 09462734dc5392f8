/**
 * After payment: fetches what was bought and writes the receipt beside it. Everything it needs is in the guard's journal, so a
 * station that was killed meanwhile goes on when it starts again; a merchant that is away is asked again.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type GuardRecord, type GuardState, historyKey } from '../../agent/guard/guard-record.ts';
import { type Agreement, readAgreement } from '../../agent/message/agreement.ts';
import { type CompletionNotice, completionNoticeType } from '../../agent/message/payment.ts';
import { fromHex } from '../../codec/hex.ts';
import { readMessage } from '../../crypto/signed-message.ts';
import type { Client } from '../../transport/client.ts';
import type { Log } from '../../transport/log.ts';
import { fileNamesOf } from '../files/file-names.ts';
import { replaceFile } from '../files/replace-file.ts';
import type { CustomerDeliveryRunning } from './customer-delivery.ts';
import { fetchGoods, GoodsError } from './fetch-goods.ts';
import { makeReceipt, type Receipt } from './receipt.ts';

export interface Deliveries {
  /** Sees to a payment that has just been paid; calls for the same payment are one. */
  start(paymentId: string): void;
  /** The receipt once everything is here. */
  receipt(paymentId: string): Receipt | undefined;
  /** Why the goods are not here: the merchant delivered something else, or goes on refusing. */
  failure(paymentId: string): string | undefined;
  stop(): Promise<void>;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 60_000;
const PATIENCE_MS = 5000;
/** The notice of step III usually comes within milliseconds; without it the receipt says nothing of the offers beaten. */
const NOTICE_WAIT_MS = 5000;

export function createDeliveries(options: {
  readonly directory: string;
  readonly client: Client;
  readonly guard: { readonly state: Readonly<GuardState>; readByKey(key: string): Promise<GuardRecord[]> };
  /** Where what is bought comes by secure delivery: it sees to the files. */
  readonly counter?: Pick<CustomerDeliveryRunning, 'obtain' | 'deliveredBy' | 'sale'>;
  readonly log: Log;
}): Deliveries {
  const { directory, client, guard, counter, log } = options;
  const running = new Map<string, Promise<void>>();
  const failures = new Map<string, string>();
  const stopped = new AbortController();
  const folderOf = (paymentId: string) => join(directory, paymentId);
  // Apart from the receipt, so that no merchant can name its goods like it.
  const goodsFolder = (paymentId: string) => join(folderOf(paymentId), 'goods');
  const receiptFile = (paymentId: string) => join(folderOf(paymentId), 'receipt.json');

  const deliver = async (paymentId: string): Promise<void> => {
    const facts = await factsOf(guard, paymentId);
    const { agreement, xid, merchantUrl } = facts;
    const { items } = agreement.terms;
    const names = fileNamesOf(items);
    const files: string[] = [];
    // What was paid before this station had secure delivery is fetched as it was then.
    const sold = counter !== undefined && (await counter.sale(paymentId)) !== undefined ? counter : undefined;
    for (const [index, { sha256, sizeBytes }] of items.entries()) {
      if (sold !== undefined) {
        files.push(await sold.obtain(paymentId, index, stopped.signal));
        continue;
      }
      const fileName = names[index]!;
      const order = { merchantUrl, orderId: paymentId, xid: fromHex(xid), sha256, sizeBytes, index, fileName };
      files.push(await fetchGoods(client, order, goodsFolder(paymentId), stopped.signal));
    }
    const others = await noticeOf(guard, paymentId, stopped.signal);
    const deliveries = sold && (await Promise.all(items.map((_, index) => sold.deliveredBy(paymentId, index))));
    const receipt = makeReceipt({ ...facts, files, others, ...(deliveries && { deliveries }) });
    replaceFile(receiptFile(paymentId), `${JSON.stringify(receipt, null, 2)}\n`);
    failures.delete(paymentId);
    log.info({ payment: paymentId, files: files.length }, 'delivered');
  };

  const persist = async (paymentId: string): Promise<void> => {
    for (let pauseMs = FIRST_PAUSE_MS; !stopped.signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        return await deliver(paymentId);
      } catch (err) {
        if (err instanceof GoodsError && err.code === 'GOODS_WRONG') {
          failures.set(paymentId, err.message);
          log.error({ payment: paymentId, err }, 'the goods are not what was agreed');
          return;
        }
        // The merchant may not have heard of the payment yet: asked on, but the person is told.
        if (err instanceof GoodsError && err.code === 'GOODS_REFUSED' && pauseMs > PATIENCE_MS) {
          failures.set(paymentId, err.message);
        }
        log.debug({ payment: paymentId, err }, 'the goods could not be fetched yet');
        await pause(pauseMs, stopped.signal);
      }
    }
  };

  return {
    start(paymentId) {
      if (running.has(paymentId) || existsSync(receiptFile(paymentId))) return;
      running.set(
        paymentId,
        persist(paymentId).finally(() => running.delete(paymentId)),
      );
    },
    receipt(paymentId) {
      if (!existsSync(receiptFile(paymentId))) return undefined;
      return JSON.parse(readFileSync(receiptFile(paymentId), 'utf8')) as Receipt; // our own file
    },
    failure: (paymentId) => failures.get(paymentId),
    async stop() {
      stopped.abort();
      await Promise.all(running.values());
    },
  };
}

interface DeliveryFacts {
  readonly mandateId: string;
  readonly merchantUrl: string;
  readonly agreement: Agreement;
  readonly xid: string;
  readonly paidAtMs: number;
}

type Guard = Parameters<typeof createDeliveries>[0]['guard'];

async function recordsOf(guard: Guard, paymentId: string): Promise<readonly GuardRecord[]> {
  const { mandateId } = guard.state.payments.get(paymentId)!;
  return guard.readByKey(historyKey(mandateId));
}

async function factsOf(guard: Guard, paymentId: string): Promise<DeliveryFacts> {
  const records = await recordsOf(guard, paymentId);
  const claimed = records.find((record) => record.type === 'claimed' && record.payment.paymentId === paymentId);
  const ended = records.find((record) => record.type === 'ended' && record.paymentId === paymentId);
  if (claimed?.type !== 'claimed' || ended?.type !== 'ended') throw new Error(`payment ${paymentId} is not on record`);
  return {
    mandateId: claimed.payment.mandateId,
    merchantUrl: claimed.payment.merchantUrl,
    agreement: readAgreement(claimed.payment.agreement),
    xid: ended.xid,
    paidAtMs: ended.atMs,
  };
}

async function noticeOf(guard: Guard, paymentId: string, signal: AbortSignal): Promise<CompletionNotice['others']> {
  for (let waitedMs = 0; waitedMs < NOTICE_WAIT_MS && !signal.aborted; waitedMs += 100) {
    if (guard.state.payments.get(paymentId)?.noticed === true) {
      const records = await recordsOf(guard, paymentId);
      const noticed = records.find((record) => record.type === 'noticed' && record.paymentId === paymentId);
      if (noticed?.type === 'noticed') return readMessage(completionNoticeType, noticed.notice).value.others;
    }
    await pause(100, signal);
  }
  return [];
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    const wake = () => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener('abort', wake, { once: true });
  });
}
