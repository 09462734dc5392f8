/** Merchant, customer, trustee and arbiter, each on a journal and a server of its own, talking over real sockets about real files. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '../../src/codec/hex.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import { decodeShape } from '../../src/crypto/signed-message.ts';
import { arbiterEndpoints, bundleOf, createArbiter } from '../../src/delivery/arbiter/arbiter-machine.ts';
import type { ArbiterPolicy } from '../../src/delivery/arbiter/arbiter-policy.ts';
import { createExaminer } from '../../src/delivery/arbiter/examination.ts';
import { type Endpoints, routesOf } from '../../src/delivery/message/endpoint.ts';
import { type CheckedOffer, readOffer } from '../../src/delivery/message/offer.ts';
import type { FetchRange } from '../../src/delivery/package/ranges.ts';
import { type Outcome, outcomeType } from '../../src/delivery/receiver/errand.ts';
import { createPackageCourier } from '../../src/delivery/receiver/package-courier.ts';
import { purchaseIn, purchaseKey } from '../../src/delivery/receiver/purchase.ts';
import { createReceiver } from '../../src/delivery/receiver/receiver-machine.ts';
import type { ReceiverPolicy } from '../../src/delivery/receiver/receiver-policy.ts';
import { settlementCourier } from '../../src/delivery/receiver/settlement.ts';
import { type ProductToPack, packProduct } from '../../src/delivery/sender/make-package.ts';
import { publishInput } from '../../src/delivery/sender/receive.ts';
import { createSender, offerOf, senderEndpoints } from '../../src/delivery/sender/sender-machine.ts';
import type { SenderPolicy } from '../../src/delivery/sender/sender-policy.ts';
import { servePackage } from '../../src/delivery/sender/serve-package.ts';
import { createTrustee, trusteeEndpoints } from '../../src/delivery/trustee/trustee-machine.ts';
import type { TrusteePolicy } from '../../src/delivery/trustee/trustee-policy.ts';
import { systemClock } from '../../src/journal/clock.ts';
import type { Courier } from '../../src/journal/courier.ts';
import { type Host, openHost } from '../../src/journal/host.ts';
import type { Machine } from '../../src/journal/machine.ts';
import { createMemoryJournal } from '../../src/journal/memory-journal.ts';
import { createClient } from '../../src/transport/client.ts';
import { createHttpCourier } from '../../src/transport/http-courier.ts';
import { silentLog } from '../../src/transport/log.ts';
import type { Routes } from '../../src/transport/route.ts';
import { createRouteCourier } from '../../src/transport/route-courier.ts';
import { type RunningServer, serve } from '../../src/transport/server.ts';
import { TransportError } from '../../src/transport/transport-error.ts';
import { createPatience } from '../patience.ts';
import { createBank, identifyAll, person } from './people.ts';

/** What a party does with a message instead of what it should: `silent`, or any answer. */
type Misbehaviour =
  | 'silent'
  | ((bytes: Uint8Array, honest: (bytes: Uint8Array) => Promise<Uint8Array>) => Promise<Uint8Array>);
type Misbehaviours = Readonly<Record<string, Misbehaviour>>;

export interface NetworkOptions {
  /** By name of the message's type. */
  readonly merchant?: Misbehaviours;
  readonly trustee?: Misbehaviours;
  readonly arbiter?: Misbehaviours;
  readonly withoutArbiter?: boolean;
  readonly receiver?: Partial<ReceiverPolicy>;
  readonly sender?: Partial<SenderPolicy>;
  readonly arbiterPolicy?: Partial<ArbiterPolicy>;
  /** More paths of the merchant's server. */
  readonly routes?: Routes;
  readonly balance?: bigint;
}

export type Network = Awaited<ReturnType<typeof openNetwork>>;

const LIMITS = { maxBytes: 2 * 1024 * 1024, timeoutMs: 5000, perPeerPerSecond: 100_000, burst: 100_000 };
const PACE = { firstPauseMs: 20, longestPauseMs: 200 };

export async function openNetwork(options: NetworkOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'handsel-delivery-'));
  const [ada, carl, tess, arno] = [
    person('ada', 'merchant'),
    person('carl', 'customer'),
    person('tess', 'trustee'),
    person('arno', 'arbiter'),
  ];
  const bank = createBank({ carl: options.balance ?? 10_000n, ada: 0n });
  const client = createClient({ name: 'tester', limits: { maxBytes: 4 * 1024 * 1024, timeoutMs: 5000 } });
  const http = createHttpCourier({ client });
  const fetch: FetchRange = async (url, { start, end }, signal) =>
    client.download(url, { from: start, to: end - 1 }, signal);
  const closers: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true }), () => client.close()];
  const served = new Map<string, string>();

  const endpoints: Record<'merchant' | 'trustee' | 'arbiter', { current: Routes }> = {
    merchant: { current: {} },
    trustee: { current: {} },
    arbiter: { current: {} },
  };
  const listen = async (routes: { current: Routes }, more: Routes = {}): Promise<RunningServer> => {
    const server = await serve({
      routes: {
        ...more,
        'POST /delivery/:kind': (request) => routes.current[`POST /delivery/${request.params.kind}`]!(request),
      },
      ...{ listen: { host: '127.0.0.1', port: 0 }, limits: LIMITS, log: silentLog() },
    });
    closers.push(() => server.close(0));
    return server;
  };
  const packages: Routes = {
    'GET /packages/:package': (request) => {
      const of = request.params.package!;
      return servePackage(request, { file: served.get(of)!, package: of });
    },
  };
  const servers = {
    merchant: await listen(endpoints.merchant, { ...packages, ...options.routes }),
    trustee: await listen(endpoints.trustee),
    arbiter: await listen(endpoints.arbiter),
  };

  const start = async <S, I, R>(
    machine: Machine<S, I, R>,
    local: Readonly<Record<string, Courier>> = {},
  ): Promise<Host<S, I, R>> => {
    const inHouse: Courier = {
      deliver: (message, attempt) => {
        const courier = Object.entries(local).find(([route]) => message.to.startsWith(route))?.[1];
        return courier?.deliver(message, attempt) ?? Promise.resolve({ type: 'answered', body: new Uint8Array() });
      },
    };
    const host = await openHost({
      ...{
        machine,
        journal: createMemoryJournal(),
        clock: systemClock(),
        random: systemRandom,
        log: silentLog(),
        pace: PACE,
      },
      courier: createRouteCourier({ 'http:': http, 'local:': inHouse }),
    });
    closers.push(() => host.close());
    return host;
  };
  const misbehaving = (honest: Endpoints, misbehaviours: Misbehaviours = {}): Endpoints =>
    new Map(
      [...honest].map(([name, endpoint]) => {
        const instead = misbehaviours[name];
        if (instead === undefined) return [name, endpoint];
        if (instead !== 'silent') return [name, (bytes) => instead(bytes, endpoint)];
        return [name, () => Promise.reject(new TransportError('ANSWER_PENDING', 'silence'))];
      }),
    );

  const nowMs = Date.now;
  const known = { proof: bank.proof, identify: identifyAll, nowMs };
  const senderPolicy: SenderPolicy = {
    ...{ ...known, name: 'ada', signer: ada, arbiters: new Set(['arno']), terms: () => {}, notify: 'local:shop' },
    trustees: new Map([['tess', { url: servers.trustee.url, party: tess }]]),
    ...options.sender,
  };
  const news: unknown[] = [];
  const shop: Courier = {
    async deliver(message) {
      news.push(message);
      return { type: 'answered', body: new Uint8Array() };
    },
  };
  const sender = await start(createSender(senderPolicy), { 'local:shop': shop });
  endpoints.merchant.current = routesOf(misbehaving(senderEndpoints(sender, senderPolicy), options.merchant));

  const trusteePolicy: TrusteePolicy = {
    ...{ ...known, name: 'tess', signer: tess, arbiters: new Set(['arno']) },
    merchants: new Map([['ada', { url: servers.merchant.url }]]),
  };
  const trustee = await start(createTrustee(trusteePolicy));
  endpoints.trustee.current = routesOf(misbehaving(trusteeEndpoints(trustee, trusteePolicy), options.trustee));

  const arbiterPolicy: ArbiterPolicy = {
    ...{ ...known, name: 'arno', signer: arno, party: arno },
    trustees: new Map([['tess', { url: servers.trustee.url }]]),
    merchants: new Map([['ada', { url: servers.merchant.url }]]),
    ...{ trusteeWaitMs: 500, hearingMs: 500 },
    ...options.arbiterPolicy,
  };
  const stopping = new AbortController();
  const examiner = createExaminer({ fetch, folder, signal: stopping.signal, pauseMs: 10 });
  const arbiter = await start(createArbiter(arbiterPolicy), { 'local:examination': examiner });
  endpoints.arbiter.current = routesOf(misbehaving(arbiterEndpoints(arbiter, arbiterPolicy), options.arbiter));

  const outcomes = new Map<string, Outcome[]>();
  const station: Courier = {
    async deliver(message) {
      const told = decodeShape(outcomeType, message.body);
      outcomes.set(told.reference, [...(outcomes.get(told.reference) ?? []), told]);
      return { type: 'answered', body: new Uint8Array() };
    },
  };
  const packageCourier = createPackageCourier({
    ...{ fetch, packages: join(folder, 'bought'), pauseMs: 10, stalledMs: 2000 },
    contentFile: (reference) => join(folder, `${reference}.content`),
  });
  closers.push(() => packageCourier.stop());
  const receiverPolicy: ReceiverPolicy = {
    ...{ signer: carl, identify: identifyAll, nowMs, releaseWaitMs: 300, claimWaitMs: 1000 },
    ...(options.withoutArbiter ? {} : { arbiter: { name: 'arno', url: servers.arbiter.url, party: arno } }),
    ...options.receiver,
  };
  const receiver = await start(createReceiver(receiverPolicy), {
    'local:packages': packageCourier,
    'local:settlement': settlementCourier(bank.settlementOf('carl')),
    'local:station': station,
  });

  return {
    ...{
      folder,
      bank,
      servers,
      sender,
      trustee,
      arbiter,
      receiver,
      outcomes,
      news,
      served,
      client,
      fetch,
      senderPolicy,
    },
    /** Packs a content and puts it on sale; gives what customers are shown. */
    async sell(content: Uint8Array, changes: Partial<ProductToPack> = {}): Promise<CheckedOffer> {
      const source = join(folder, `source-${served.size}`);
      writeFileSync(source, content);
      const packed = await packProduct({
        ...{
          source,
          target: `${source}.package`,
          merchant: 'ada',
          signer: ada,
          product: `thing-${served.size}`,
          name: 'Thing',
        },
        ...{
          text: 'A thing.',
          mediaType: 'application/octet-stream',
          segmentLength: 4096,
          nowMs: Date.now(),
          random: systemRandom,
        },
        ...changes,
      });
      return this.publish(packed, `${source}.package`);
    },
    async publish(packed: Awaited<ReturnType<typeof packProduct>>, file: string): Promise<CheckedOffer> {
      const of = toHex(packed.package);
      served.set(of, file);
      const urls = [`${servers.merchant.url}/packages/${of}`];
      await sender.submit(publishInput(packed, { trustee: 'tess', urls }, senderPolicy));
      await until(() => (sender.state.editions.get(of)?.keptUntilMs ?? 0) > 0);
      return readOffer((await offerOf(sender, of))!, identifyAll);
    },
    async buy(
      offer: CheckedOffer,
      changes: { readonly reference?: string; readonly deadlineMs?: number; readonly price?: bigint } = {},
    ) {
      const reference = changes.reference ?? 'first';
      await receiver.submit({
        ...{ type: 'buy', reference, offer, price: { currency: 'EUR', minor: changes.price ?? 500n }, payee: 'ada' },
        ...{ merchantUrl: servers.merchant.url, trusteeUrl: servers.trustee.url, notify: 'local:station' },
        deadlineMs: changes.deadlineMs ?? Date.now() + 20_000,
      });
      return reference;
    },
    async outcome(reference: string, number = 1): Promise<Outcome> {
      await until(() => (outcomes.get(reference)?.length ?? 0) >= number);
      return outcomes.get(reference)![number - 1]!;
    },
    history: (reference: string) => receiver.readByKey(purchaseKey(reference)),
    async purchase(reference: string) {
      return purchaseIn(await receiver.readByKey(purchaseKey(reference)))!;
    },
    bundle: (of: Uint8Array | string) => bundleOf(arbiter, typeof of === 'string' ? of : toHex(of)),
    contentFile: (reference: string) => join(folder, `${reference}.content`),
    async close() {
      stopping.abort();
      for (const close of closers.reverse()) await close();
    },
  };
}

export async function until(true_: () => boolean | Promise<boolean>, forMs = 15_000): Promise<void> {
  for (const isOver = createPatience(forMs); !(await true_()); ) {
    if (isOver()) throw new Error(`not so within ${forMs} ms: ${true_}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
