/**
 * The customer's station (EP 1 006 469, customer PC 2): wallet guard before wallet, a platform of its own for local agents, goods
 * fetched after payment, and a loopback endpoint for the person.
 */
import { createGuard, type GuardInput } from '../../agent/guard/guard-machine.ts';
import { receiveCompletionNotice } from '../../agent/guard/receive-completion-notice.ts';
import { receivePaymentStart } from '../../agent/guard/receive-payment-start.ts';
import { encodeCbor } from '../../codec/cbor.ts';
import { sha256 } from '../../crypto/digest.ts';
import { systemRandom } from '../../crypto/random.ts';
import { systemClock } from '../../journal/clock.ts';
import { decodePaymentOutcome } from '../../set/wallet/payment-outcome.ts';
import { createWalletMachine } from '../../set/wallet/wallet-machine.ts';
import { createHttpCourier } from '../../transport/http-courier.ts';
import { serve } from '../../transport/server.ts';
import { readConfiguration } from '../configuration/configuration.ts';
import { controlFileOf } from '../configuration/control-file.ts';
import { readKeyFile } from '../configuration/key-file.ts';
import { readWallet, WalletError } from '../configuration/wallet-file.ts';
import { openPlatform } from '../market/agent-platform.ts';
import { type CustomerDepositsRunning, openCustomerDeposits } from '../purse/customer-deposits.ts';
import { partyClient, readCommunication, SERVER_LIMITS } from '../running/communication.ts';
import { createCommunicationTrust } from '../running/communication-trust.ts';
import { keepTrustFresh } from '../running/keep-trust-fresh.ts';
import { byScheme, localCourier } from '../running/routes.ts';
import { closeInOrder, type RunningParty, type Surroundings } from '../running/running-party.ts';
import { loadSetTrust, readSetKey } from '../running/set-trust-files.ts';
import { openJournal, openMachine } from '../running/stores.ts';
import { serveControl } from './control.ts';
import { agreedOrder } from './counter-order.ts';
import { type CustomerDeliveryRunning, openCustomerDelivery } from './customer-delivery.ts';
import { createDeliveries } from './deliveries.ts';
import { type DeliveryDesk, deliveryDesk } from './delivery-control.ts';
import { createDirectPurchases } from './direct-purchases.ts';
import { createOpenWallet } from './open-wallet.ts';
import { paymentOrder, readPaymentOrder } from './payment-order.ts';
import { paymentRefusal } from './payment-refusal.ts';
import { createStation, type Station } from './station.ts';

const SET_WINDOW = { oldMs: 24 * 3_600_000, newMs: 5 * 60_000 };
/** An agent's platform repeats a payment start while the station is away; a day later nobody waits for it any more. */
const START_WINDOW = { oldMs: 24 * 3_600_000, newMs: 5 * 60_000 };
const APPROVAL_MS = 10 * 60_000;
const DONE = encodeCbor(null);

/** How a payment ended: the wallet's word, or the counter's. */
interface EndedPayment {
  readonly payment: string;
  readonly outcome: 'paid' | 'declined' | 'failed';
  readonly reason: string;
  /** XID; empty when none was agreed, or nothing can be charged under it. */
  readonly transaction: string;
}

export interface RunningCustomer extends RunningParty {
  readonly station: Station;
  /** Absent for a station that has no account for deposits. */
  readonly deposits?: CustomerDepositsRunning;
  /** Absent for a station without secure delivery. */
  readonly deliveries?: DeliveryDesk;
}

export async function startCustomer(file: string, surroundings: Surroundings): Promise<RunningCustomer> {
  const { configuration, path } = readConfiguration('customer', file);
  const { name, url, store, brand, market } = configuration;
  const log = surroundings.log.child({ party: name });
  const around = { ...surroundings, log };
  const identity = readCommunication(configuration.communication, path);
  const communicationTrust = createCommunicationTrust(identity.anchors);
  const client = partyClient({ name, identity, surroundings, peers: configuration.peers });
  const signer = { privateKey: identity.privateKey, certificateChain: identity.chain.map(({ der }) => der) };
  const authority = readSetKey(configuration.agentAuthority, path);
  const loaded = loadSetTrust(configuration.trust, { brandId: brand, path, nowMs: Date.now });
  const { trust } = loaded;
  const stopRefreshing = await keepTrustFresh({
    ...{ trust: loaded, files: configuration.trust, brandId: brand, path, client, clock: systemClock(), log },
  });
  const wallet = () => readWallet(path(configuration.wallet));

  const openWallet = createOpenWallet({ wallet, guard: () => guard.state });
  const http = createHttpCourier({ client });
  const local = localCourier({
    wallet: ({ id, body }) => {
      const payment = readPaymentOrder(body);
      // Across the counter, where there is one: what is paid for is here and checked before.
      if (delivery !== undefined) return delivery.buy(agreedOrder(payment), id);
      return walletHost.handle({ messageId: id, digest: sha256(body), input: { type: 'pay', payment } });
    },
    guard: ({ id, body }) => walletSays(id, body),
  });
  const courier = byScheme({ 'https:': http, 'http:': http, 'local:': local });
  const guard = await openMachine({
    machine: createGuard({
      approvalMs: APPROVAL_MS,
      payOrder(payment, terms) {
        const card = wallet().cards.find(({ id }) => id === terms.cardId);
        if (card === undefined)
          throw new WalletError('CARD_UNKNOWN', 'the card of the mandate is not in the wallet any more');
        return paymentOrder(payment, { cardId: card.id, brandId: card.brand, bin: card.bin }, terms.expiresAtMs);
      },
      refuse: (payment, terms, why, atMs) =>
        paymentRefusal({ payment, terms, why, atMs, signer, platform: terms.local ? url : market }),
    }),
    journal: await openJournal(store, path, 'guard'),
    courier,
    surroundings: around,
  });
  const walletHost = await openMachine({
    machine: createWalletMachine({
      trust,
      nowMs: Date.now,
      window: SET_WINDOW,
      openCard(cardName) {
        const [paymentId = '', cardId = ''] = cardName.split(' ');
        return openWallet.open(paymentId, cardId);
      },
    }),
    journal: await openJournal(store, path, 'wallet'),
    courier,
    surroundings: around,
  });
  const platform = await openPlatform({
    ...{ url, store, path, client, trust: communicationTrust, surroundings: around },
    owner: identity.chain[0]!,
    sealingKey: readKeyFile(path(configuration.sealingKey)),
  });

  const directory = path(configuration.purchases);
  const delivery: CustomerDeliveryRunning | undefined =
    configuration.delivery &&
    (await openCustomerDelivery({
      ...{ name, store, path, identity, client, directory, delivery: configuration.delivery },
      wallet: () => walletHost,
      told: (told, messageId, body) => paymentEnded(told, messageId, body),
      surroundings: around,
    }));
  const deliveries = createDeliveries({ directory, client, guard, log, ...(delivery && { counter: delivery }) });
  const purchases = createDirectPurchases({
    ...{ directory, client, wallet, openWallet, nowMs: Date.now },
    pay: (payment) => walletHost.submit({ type: 'pay', payment }),
    ...(delivery && { counter: delivery }),
  });
  const paymentEnded = async (ended: EndedPayment, messageId: string, body: Uint8Array): Promise<void> => {
    const { payment: paymentId, outcome, reason, transaction: xid } = ended;
    if (purchases.ended({ paymentId, status: outcome, reason, xid })) return;
    const input: GuardInput = { type: 'ended', paymentId, outcome, reason, xid };
    await guard.handle({ messageId, digest: sha256(body), input });
    openWallet.close(paymentId);
    if (outcome === 'paid') deliveries.start(paymentId);
  };
  const walletSays = async (messageId: string, body: Uint8Array): Promise<Uint8Array> => {
    const outcome = decodePaymentOutcome(body);
    if (await delivery?.walletSays(outcome, messageId, body)) return DONE;
    const { paymentId: payment, status, reason, xid: transaction } = outcome;
    if (status === 'pending') purchases.ended(outcome);
    else await paymentEnded({ payment, outcome: status, reason, transaction }, messageId, body);
    return DONE;
  };
  // Paid before a restart, but not delivered yet.
  for (const { paymentId, status } of guard.state.payments.values()) if (status === 'paid') deliveries.start(paymentId);

  const keys = {
    station: identity.privateKey,
    agentAuthority: authority.certificate,
    validate: communicationTrust.validate,
  };
  const server = await serve({
    listen: configuration.listen,
    tls: identity.serverTls,
    limits: SERVER_LIMITS,
    log,
    routes: {
      ...platform.routes,
      'POST /agent/payment-start': async ({ body }) => {
        const { claim, messageId } = receivePaymentStart(body, keys, { nowMs: Date.now(), window: START_WINDOW });
        const answer = await guard.handle({ messageId, digest: sha256(body), input: { type: 'claim', claim } });
        return { contentType: 'application/cbor', body: answer };
      },
      'POST /agent/completion-notice': async ({ body }) => {
        const input = receiveCompletionNotice(body, keys, Date.now());
        const messageId = `notice ${input.paymentId}`;
        return {
          contentType: 'application/cbor',
          body: await guard.handle({ messageId, digest: sha256(body), input }),
        };
      },
    },
  });
  const station = createStation({
    ...{ guard, deliveries, purchases, openWallet, wallet, client, signer, url, market, peers: configuration.peers },
    walletPhase: (paymentId) => walletHost.state.payments.get(paymentId)?.phase,
    certificate: identity.chain[0]!,
    authority: { chain: [authority.certificate, ...authority.issuers], privateKey: authority.privateKey },
    random: systemRandom,
    nowMs: Date.now,
  });
  const deposits =
    configuration.deposits === undefined
      ? undefined
      : await openCustomerDeposits({
          ...{ name, store, path, identity, client, peers: configuration.peers, deposits: configuration.deposits },
          surroundings: around,
        });
  const desk =
    delivery && deliveryDesk(delivery, { client, directory, isOpen: (payment) => openWallet.isOpen(payment) });
  const control = await serveControl({
    ...{ station, listen: configuration.control, file: controlFileOf(file), log },
    ...(deposits && { deposits }),
    ...(desk && { deliveries: desk }),
  });

  return {
    name,
    url,
    station,
    ...(deposits && { deposits }),
    ...(desk && { deliveries: desk }),
    failed: Promise.race([
      ...[guard.failed, walletHost.failed, platform.host.failed],
      ...[deposits, delivery].flatMap((part) => part?.failed ?? []),
    ]),
    close: () =>
      closeInOrder([
        stopRefreshing,
        () => control.close(),
        () => server.close(),
        () => deliveries.stop(),
        () => deposits?.close(),
        () => delivery?.close(),
        () => platform.host.close(),
        () => walletHost.close(),
        () => guard.close(),
        () => client.close(),
      ]),
  };
}
