/**
 * The SET purchase in the seeded world: guard, wallet, merchant, gateway, acquirer and issuer, each the real machine behind its real
 * endpoint. `Alterations` put planted bugs between a machine and its host.
 */
import { createGuard, type GuardInput, walletKeyOf } from '../../src/agent/guard/guard-machine.ts';
import type { GuardRecord, GuardState } from '../../src/agent/guard/guard-record.ts';
import { fromHex } from '../../src/codec/hex.ts';
import { sha256 } from '../../src/crypto/digest.ts';
import type { Courier } from '../../src/journal/courier.ts';
import type { Host } from '../../src/journal/host.ts';
import type { Machine, Outgoing } from '../../src/journal/machine.ts';
import { paymentOrder, readPaymentOrder } from '../../src/party/customer/payment-order.ts';
import { PkiError } from '../../src/pki/pki-error.ts';
import type { GatewayRecord, GatewayState } from '../../src/set/gateway/authorization.ts';
import { acceptorByMerchantId, createCardCourier } from '../../src/set/gateway/card-network.ts';
import { createGatewayEndpoint } from '../../src/set/gateway/gateway-endpoint.ts';
import type { GatewayInput } from '../../src/set/gateway/gateway-input.ts';
import { createGatewayMachine } from '../../src/set/gateway/gateway-machine.ts';
import { createAccessServer } from '../../src/set/interchange/access-server.ts';
import type { AcquirerInput } from '../../src/set/interchange/acquirer-host.ts';
import type { AcquirerRecord, AcquirerState } from '../../src/set/interchange/acquirer-state.ts';
import { type CardMessageInput, createHostEntrance } from '../../src/set/interchange/host-entrance.ts';
import { InterchangeError } from '../../src/set/interchange/interchange-error.ts';
import type { IssuerInput } from '../../src/set/interchange/issuer-host.ts';
import type { IssuerRecord, IssuerState } from '../../src/set/interchange/issuer-state.ts';
import { createMerchantEndpoint } from '../../src/set/merchant/merchant-endpoint.ts';
import type { MerchantInput } from '../../src/set/merchant/merchant-input.ts';
import { createMerchantMachine } from '../../src/set/merchant/merchant-machine.ts';
import type { MerchantRecord, MerchantState } from '../../src/set/merchant/order.ts';
import { decodeOrderOutcome, type OrderOutcome } from '../../src/set/merchant/order-outcome.ts';
import { decodeIso8583 } from '../../src/set/message/iso8583-message.ts';
import type { HolderCheck, Trust } from '../../src/set/message/trust.ts';
import type { WalletRecord, WalletState } from '../../src/set/wallet/payment.ts';
import { decodePaymentOutcome } from '../../src/set/wallet/payment-outcome.ts';
import type { WalletInput } from '../../src/set/wallet/wallet-input.ts';
import { createWalletMachine } from '../../src/set/wallet/wallet-machine.ts';
import type { Log } from '../../src/transport/log.ts';
import { BRAND, WINDOW } from '../set/purchase-fixture.ts';
import { acquirerId, cards, issuerId, newAcquirer, newIssuer, type People, shopUrl } from './set-people.ts';
import type { Shopping, Stale } from './set-shopping.ts';
import type { Life, Party, World, WorldMachine } from './simulation.ts';

export type GuardParty = Party<GuardState, GuardInput, GuardRecord>;
export type WalletParty = Party<WalletState, WalletInput, WalletRecord>;
export type MerchantParty = Party<MerchantState, MerchantInput, MerchantRecord>;
export type GatewayParty = Party<GatewayState, GatewayInput, GatewayRecord>;
export type AcquirerParty = Party<AcquirerState, AcquirerInput, AcquirerRecord>;
export type IssuerParty = Party<IssuerState, IssuerInput, IssuerRecord>;

export interface Alterations {
  readonly guard?: (party: GuardParty) => GuardParty;
  readonly wallet?: (party: WalletParty) => WalletParty;
  readonly merchant?: (party: MerchantParty) => MerchantParty;
  readonly gateway?: (party: GatewayParty) => GatewayParty;
  readonly acquirer?: (party: AcquirerParty) => AcquirerParty;
  readonly issuer?: (party: IssuerParty) => IssuerParty;
}

export interface SetWorld {
  readonly guard: WorldMachine<GuardState, GuardInput, GuardRecord>;
  readonly wallet: WorldMachine<WalletState, WalletInput, WalletRecord>;
  readonly merchant: WorldMachine<MerchantState, MerchantInput, MerchantRecord>;
  readonly gateway: WorldMachine<GatewayState, GatewayInput, GatewayRecord>;
  readonly acquirer: WorldMachine<AcquirerState, AcquirerInput, AcquirerRecord>;
  readonly issuer: WorldMachine<IssuerState, IssuerInput, IssuerRecord>;
  /** What the shop heard, by order and by the message's identity. */
  readonly shopHeard: Map<string, OrderOutcome>;
  /** Breaches seen while running. */
  readonly breaches: Set<string>;
}

interface Setting {
  readonly world: World;
  readonly people: People;
  readonly shopping: Shopping;
  readonly startMs: number;
  readonly breaches: Set<string>;
}

const nothing = new Uint8Array();
const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };
const snapshotEvery = 4;
const answerWaitMs = 1500;
const approvalMs = 20_000;

export function openSetWorld(options: Omit<Setting, 'breaches'> & { readonly alter?: Alterations }): SetWorld {
  const { world, shopping, alter = {} } = options;
  const breaches = new Set<string>();
  const setting: Setting = { ...options, breaches };
  const altered = <P>(party: P, change: ((party: P) => P) | undefined) => change?.(party) ?? party;
  const shopHeard = new Map<string, OrderOutcome>();
  world.addServer('local:shop', ({ id, body }) => {
    shopHeard.set(id, decodeOrderOutcome(body));
    return nothing;
  });
  world.addServer('market', () => nothing);

  const guard = world.addMachine('guard', () => altered(guardParty(setting), alter.guard), { routes: ['local:guard'] });
  const wallet = world.addMachine('wallet', (life) => altered(walletParty(setting, life, guard), alter.wallet), {
    routes: ['local:wallet'],
  });
  const merchant = world.addMachine('merchant', (life) => altered(merchantParty(setting, life), alter.merchant), {
    routes: [shopUrl],
  });
  const gateway = world.addMachine('gateway', (life) => altered(gatewayParty(setting, life), alter.gateway), {
    routes: ['http://gate'],
  });
  const acquirer = world.addMachine('acquirer', () => altered(acquirerParty(shopping.accessServer), alter.acquirer), {
    routes: ['iso8583:acquirer'],
    disk: setting.people.disks.acquirer,
  });
  const issuer = world.addMachine('issuer', () => altered(issuerParty(), alter.issuer), {
    routes: ['iso8583:access'],
    disk: setting.people.disks.issuer,
  });
  return { guard, wallet, merchant, gateway, acquirer, issuer, shopHeard, breaches };
}

function guardParty({ shopping, startMs, breaches }: Setting): GuardParty {
  const purchases = new Map(shopping.purchases.map((purchase) => [purchase.paymentId, purchase]));
  const machine = createGuard({
    approvalMs,
    // The merchant here tells the truth about what came to nothing, and the world shall come to rest within its own time.
    instructionMs: 0,
    payOrder(payment) {
      const { cardName, deadlineMs } = purchases.get(payment.paymentId)!;
      const card = { cardId: cardName, brandId: BRAND, bin: cards[cardName].pan.slice(0, 6) };
      return paymentOrder(payment, card, startMs + deadlineMs);
    },
  });
  return {
    machine: watched(machine, (state) => {
      for (const { terms, committedMinor, committedCount } of state.mandates.values()) {
        if (committedMinor > terms.budgetMinor)
          breaches.add(`the guard commits above the budget of ${terms.mandateId}`);
        if (committedCount > terms.count) breaches.add(`the guard commits above the count of ${terms.mandateId}`);
        const { purse } = terms;
        if (purse !== undefined && (state.purses.get(purse.name) ?? 0n) > purse.limitMinor) {
          breaches.add(`the guard commits above the shared budget ${purse.name}`);
        }
      }
    }),
    snapshotEvery,
    arrived: ({ id }) => ({ type: 'claim', claim: purchases.get(id)!.claim }),
    async serve(host, message, from) {
      const identity = identityOf(message, from);
      if (message.kind !== 'PaymentOutcome') {
        return host.handle({ ...identity, input: this.arrived(message, from) });
      }
      const { status, paymentId, reason, xid } = decodePaymentOutcome(message.body);
      if (status === 'pending') return nothing;
      return host.handle({ ...identity, input: { type: 'ended', paymentId, outcome: status, reason, xid } });
    },
  };
}

function walletParty(setting: Setting, { nowMs }: Life, guard: SetWorld['guard']): WalletParty {
  const { world, people } = setting;
  // A card opened by a person is closed by a restart, until the person comes back.
  const unlockedAtMs = world.clock.nowMs() + world.random.below(2000);
  const opened = new Map(Object.entries(people.cards));
  return {
    machine: createWalletMachine({
      ...{ trust: trustOf(setting, 'wallet'), nowMs, window: WINDOW },
      openCard(name) {
        const { payments = new Map(), mandates = new Map() } = guard.host?.state ?? {};
        const payment = payments.get(name.split(' ')[0]!);
        if (payment?.status !== 'paying') return undefined;
        const mandate = mandates.get(payment.mandateId)!;
        if (mandate.terms.scenario === 'ask-person' && world.clock.nowMs() < unlockedAtMs) return undefined;
        if (mandate.terms.scenario === 'unattended' && walletKeyOf(mandate, payment.token) === undefined)
          return undefined;
        return opened.get(mandate.terms.cardId);
      },
    }),
    snapshotEvery,
    arrived: ({ body }) => ({ type: 'pay', payment: readPaymentOrder(body) }),
  };
}

function merchantParty(setting: Setting, { nowMs }: Life): MerchantParty {
  const { world, people, shopping, startMs } = setting;
  const { shop } = people.parties;
  const brands = new Map([[BRAND, shop]]);
  const own = { brands, trust: trustOf(setting, 'merchant'), nowMs, window: WINDOW };
  const purchases = new Map(shopping.purchases.map((purchase) => [purchase.paymentId, purchase]));
  return {
    machine: createMerchantMachine({ ...own, answerWaitMs }),
    snapshotEvery,
    arrived({ id }) {
      const { claim, captureNow, expiresAtMs } = purchases.get(id)!;
      const order = { orderId: fromHex(id), description: claim.agreement, amount: claim.price, captureNow };
      return { type: 'order', order: { ...order, expiresAtMs: startMs + expiresAtMs, notify: 'local:shop' } };
    },
    async serve(host, message, from) {
      if (message.kind === 'order') {
        return host.handle({ ...identityOf(message, from), input: this.arrived(message, from) });
      }
      const { bytes: random } = world.random;
      return createMerchantEndpoint({ ...own, host, random, signer: shop.signing, onRefusal() {} })(message.body);
    },
  };
}

function gatewayParty(setting: Setting, { nowMs }: Life): GatewayParty {
  const { world, people, shopping } = setting;
  const keys = people.parties.gate;
  const trust = trustOf(setting, 'gateway');
  const times = { instructionMs: 6 * 3_600_000, networkWaitMs: shopping.networkWaitMs, authorizationMs: 86_400_000 };
  const names = { acquirerId, terminalId: 'GATE1', acceptorOf: acceptorByMerchantId, route: 'iso8583:acquirer' };
  return {
    machine: createGatewayMachine({ keys, names, trust, times }),
    snapshotEvery,
    wrapCourier: (courier) => createCardCourier({ courier, storageKey: keys.storageKey }),
    arrived: noInput,
    serve(host, { body }) {
      const { bytes: random } = world.random;
      return createGatewayEndpoint({ host, keys, trust, window: WINDOW, nowMs, random, onRefusal() {} })(body);
    },
  };
}

function acquirerParty(accessServer: boolean): AcquirerParty {
  const party: AcquirerParty = { machine: newAcquirer(), snapshotEvery, arrived: noInput, serve: enter };
  return accessServer ? { ...party, wrapCourier: throughAccessServer } : party;
}

/** Without an answer in time the access server says 91, although the request may still arrive. */
function throughAccessServer(courier: Courier): Courier {
  return {
    async deliver(message, attempt) {
      const link = {
        async send(body: Uint8Array) {
          const result = await courier.deliver({ ...message, body }, attempt).catch((cause) => {
            throw new InterchangeError('LINK_TIMEOUT', 'no answer', { cause });
          });
          if (result.type !== 'answered') throw new InterchangeError('LINK_DOWN', 'not answered');
          return result.body;
        },
      };
      const access = createAccessServer({ routes: [{ prefix: '4444', issuerId, link }], log: quiet });
      const body = await access({ bytes: message.body, message: decodeIso8583(message.body) });
      if (body === undefined) throw new Error('the access server is silent');
      return { type: 'answered', body };
    },
  };
}

function issuerParty(): IssuerParty {
  return { machine: newIssuer(), snapshotEvery, arrived: noInput, serve: enter };
}

function enter<S, I, R>(host: Host<S, I | CardMessageInput, R>, { body }: Outgoing): Promise<Uint8Array | undefined> {
  return createHostEntrance(host)({ bytes: body, message: decodeIso8583(body) });
}

/** The party's trust, which refuses everything while it lacks current news. */
function trustOf({ world, people, shopping, startMs }: Setting, party: Stale['party']): Trust {
  const trust = people.trust[party];
  const check =
    <T>(ask: (check: HolderCheck) => T) =>
    (holder: HolderCheck): T => {
      const atMs = world.clock.nowMs() - startMs;
      const stale = shopping.stale.some(
        (window) => window.party === party && window.fromMs <= atMs && atMs < window.toMs,
      );
      if (stale) throw new PkiError('PKI_REVOCATION_UNKNOWN', 'no current news of revocations');
      return ask(holder);
    };
  return {
    certificates: trust.certificates,
    cardholder: check(trust.cardholder),
    merchant: check(trust.merchant),
    gateway: check(trust.gateway),
  };
}

export function identityOf(message: Outgoing, from: string) {
  return { messageId: `${from}/${message.id}`, digest: sha256(message.body) };
}

function noInput(): never {
  throw new Error('everything arrives through the endpoint');
}

function watched<S, I, R>(machine: Machine<S, I, R>, look: (state: S) => void): Machine<S, I, R> {
  return {
    ...machine,
    apply(state, record) {
      machine.apply(state, record);
      look(state);
    },
  };
}
