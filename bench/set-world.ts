/** Wallet, merchant and gateway for measuring: each machine in a host of its own on a SQLite journal of its own, messages passed in memory. */
import { join } from 'node:path';
import { systemRandom } from '../src/crypto/random.ts';
import { systemClock } from '../src/journal/clock.ts';
import type { Courier } from '../src/journal/courier.ts';
import { openHost } from '../src/journal/host.ts';
import { openSqliteJournal } from '../src/journal/sqlite-journal.ts';
import { acceptorByMerchantId, createCardCourier } from '../src/set/gateway/card-network.ts';
import { createGatewayEndpoint } from '../src/set/gateway/gateway-endpoint.ts';
import { createGatewayMachine } from '../src/set/gateway/gateway-machine.ts';
import { createMerchantEndpoint } from '../src/set/merchant/merchant-endpoint.ts';
import { createMerchantMachine } from '../src/set/merchant/merchant-machine.ts';
import { decodeCardRequest, encodeCardResponse, responseTo } from '../src/set/message/card-message-codec.ts';
import type { Endpoint } from '../src/set/message/endpoint.ts';
import type { OpenedCard } from '../src/set/wallet/opened-card.ts';
import { decodePaymentOutcome } from '../src/set/wallet/payment-outcome.ts';
import { createWalletMachine } from '../src/set/wallet/wallet-machine.ts';
import { BRAND, createParties, TIMES, WINDOW } from '../test/set/purchase-fixture.ts';

/** Cards in use: each is met for the first time once, as a merchant's regular customers are. */
const CARDS = 64;
const GATEWAY = 'http://gate/set';
const AMOUNT = { currency: 'EUR', minor: 1250n };
const DESCRIPTION = new Uint8Array(2048);

export interface BenchWorld {
  /** Offers an order and pays it; resolves when the wallet reports the end. */
  purchase(): Promise<void>;
  /** Begins a purchase and gives the authorisation request in which it reaches the gateway, without passing it on. */
  interceptAtGateway(): Promise<Uint8Array>;
  /** Closes wallet and merchant, so that what is weighed afterwards is the gateway's. */
  leaveGateway(): Promise<void>;
  /** Passes such a request on, to a card network that answers only after `release`; resolves when the gateway waits for it. */
  hold(authorizationRequest: Uint8Array): Promise<void>;
  /** Lets the held purchases go on. */
  release(): void;
  close(): Promise<void>;
}

export async function openBenchWorld(folder: string): Promise<BenchWorld> {
  const parties = createParties(Date.now() - 60_000);
  const cards = new Map<string, OpenedCard>();
  for (let i = 0; i < CARDS; i++) cards.set(`card-${i}`, parties.newCard(String(4_000_000_000_000_000 + i)));
  const clock = systemClock();
  const nowMs = () => clock.nowMs();
  const ends = new Map<string, (status: string) => void>();
  let held: (() => void)[] | undefined;
  let arrived = () => {};
  let intercept: ((request: Uint8Array) => void) | undefined;
  let number = 0;
  const endpoints = new Map<string, Endpoint>();

  const courier: Courier = {
    async deliver({ to, body }) {
      if (intercept !== undefined && to === GATEWAY) {
        intercept(body);
        return new Promise<never>(() => {});
      }
      const endpoint = endpoints.get(to);
      if (endpoint !== undefined) return endpoint(body).then((answer) => ({ type: 'answered', body: answer }));
      if (to === 'local:guard') {
        const { paymentId, status } = decodePaymentOutcome(body);
        ends.get(paymentId)?.(status);
        ends.delete(paymentId);
      }
      if (to.startsWith('local:')) return { type: 'answered', body: new Uint8Array() };
      const request = decodeCardRequest(body);
      if (held !== undefined) {
        const waiting = held;
        const go = new Promise<void>((resolve) => waiting.push(resolve));
        arrived();
        await go;
      }
      return { type: 'answered', body: encodeCardResponse(responseTo(request, '00', 'OK1234')) };
    },
  };
  const quiet = {
    info() {},
    warn() {},
    error: (detail: object) => process.stderr.write(`${JSON.stringify(detail)}\n`),
  };
  const common = { clock, random: systemRandom, log: quiet, pace: { perDestination: 4096 } };
  const { shop, gate } = parties;
  const brands = new Map([[BRAND, shop]]);
  const trusts = { wallet: parties.newTrust(), merchant: parties.newTrust(), gateway: parties.newTrust() };
  const names = {
    acquirerId: '400000',
    terminalId: 'GATE1',
    acceptorOf: acceptorByMerchantId,
    route: 'iso8583:acquirer',
  };
  const journalOf = (name: string) => openSqliteJournal({ file: join(folder, `${name}.db`) });

  const openCard = (id: string) => cards.get(id);
  const wallet = await openHost({
    ...{ ...common, courier, journal: await journalOf('wallet') },
    machine: createWalletMachine({ trust: trusts.wallet, openCard, nowMs, window: WINDOW }),
  });
  const merchant = await openHost({
    ...{ ...common, courier, journal: await journalOf('merchant') },
    machine: createMerchantMachine({ brands, trust: trusts.merchant, nowMs, window: WINDOW, answerWaitMs: 600_000 }),
  });
  const gateway = await openHost({
    ...{ ...common, journal: await journalOf('gateway') },
    courier: createCardCourier({ courier, storageKey: gate.storageKey }),
    machine: createGatewayMachine({
      ...{ keys: gate, names, trust: trusts.gateway },
      times: { ...TIMES, networkWaitMs: 600_000 },
    }),
  });
  const options = {
    ...{ window: WINDOW, nowMs, random: systemRandom },
    onRefusal(error: unknown) {
      throw error;
    },
  };
  endpoints.set(
    'http://shop/set',
    createMerchantEndpoint({ ...options, host: merchant, brands, trust: trusts.merchant, signer: shop.signing }),
  );
  endpoints.set(GATEWAY, createGatewayEndpoint({ ...options, host: gateway, keys: gate, trust: trusts.gateway }));

  const begin = async (paymentId: string, cardId: string): Promise<void> => {
    const orderId = new TextEncoder().encode(paymentId);
    const deadlineMs = nowMs() + 600_000;
    const agreed = { orderId, description: DESCRIPTION, amount: AMOUNT };
    await merchant.submit({
      type: 'order',
      order: { ...agreed, captureNow: true, notify: 'local:shop', expiresAtMs: deadlineMs },
    });
    await wallet.submit({
      type: 'pay',
      payment: {
        ...{ ...agreed, paymentId, cardId, deadlineMs, brandId: BRAND, bin: '400000', notify: 'local:guard' },
        merchant: { url: 'http://shop', merchantId: shop.merchantId },
      },
    });
  };
  const start = (): Promise<string> => {
    const paymentId = `pay-${number++}`;
    const ended = new Promise<string>((resolve) => ends.set(paymentId, resolve));
    void begin(paymentId, `card-${number % CARDS}`);
    return ended;
  };

  const leaveGateway = async () => {
    await Promise.all([wallet.close(), merchant.close()]);
  };

  return {
    async purchase() {
      const status = await start();
      if (status !== 'paid') throw new Error(`a purchase ended as ${status}`);
    },
    async interceptAtGateway() {
      const there = Promise.withResolvers<Uint8Array>();
      intercept = there.resolve;
      void start();
      const request = await there.promise;
      intercept = undefined;
      return request;
    },
    async hold(authorizationRequest) {
      held ??= [];
      const there = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      // Nobody is there to read the answer; the world may also end before it comes.
      endpoints.get(GATEWAY)!(authorizationRequest).catch(() => undefined);
      await there;
    },
    release() {
      const waiting = held ?? [];
      held = undefined;
      for (const go of waiting) go();
    },
    leaveGateway,
    async close() {
      await leaveGateway();
      await gateway.close();
    },
  };
}
