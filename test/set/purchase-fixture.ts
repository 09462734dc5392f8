/** An agency, a cardholder, a shop and a gateway with their own keys, and the three machines wired together through the real wire codec. */

import { systemRandom } from '../../src/crypto/random.ts';
import { generateP256, type KeyPair } from '../../src/crypto/signature.ts';
import type { Clock } from '../../src/journal/clock.ts';
import type { Courier } from '../../src/journal/courier.ts';
import { type Host, openHost } from '../../src/journal/host.ts';
import { createMemoryJournal, type MemoryJournal } from '../../src/journal/memory-journal.ts';
import type { Certificate } from '../../src/pki/certificate.ts';
import { publicKeyHash } from '../../src/pki/public-key.ts';
import type { Agency } from '../../src/set/authority/agency.ts';
import { createAgency } from '../../src/set/authority/create-agency.ts';
import { issueGateway, issueMerchant } from '../../src/set/authority/issue-acceptance.ts';
import { issueCardholder } from '../../src/set/authority/issue-cardholder.ts';
import { makeBci } from '../../src/set/authority/revocation.ts';
import type { GatewayRecord, GatewayState } from '../../src/set/gateway/authorization.ts';
import { acceptorByMerchantId, createCardCourier } from '../../src/set/gateway/card-network.ts';
import { createGatewayEndpoint } from '../../src/set/gateway/gateway-endpoint.ts';
import type { GatewayInput } from '../../src/set/gateway/gateway-input.ts';
import type { GatewayKeys } from '../../src/set/gateway/gateway-keys.ts';
import { createGatewayMachine } from '../../src/set/gateway/gateway-machine.ts';
import { createMerchantEndpoint } from '../../src/set/merchant/merchant-endpoint.ts';
import type { MerchantInput } from '../../src/set/merchant/merchant-input.ts';
import type { MerchantBrand } from '../../src/set/merchant/merchant-keys.ts';
import { createMerchantMachine } from '../../src/set/merchant/merchant-machine.ts';
import type { MerchantRecord, MerchantState, OrderToTake } from '../../src/set/merchant/order.ts';
import { decodeOrderOutcome, type OrderOutcome } from '../../src/set/merchant/order-outcome.ts';
import type { CardRequest, CardResponse } from '../../src/set/message/card-message.ts';
import { decodeCardRequest, encodeCardResponse, responseTo } from '../../src/set/message/card-message-codec.ts';
import { derivePanSecret, registrationTranscript } from '../../src/set/message/cardholder-identity.ts';
import type { CertifiedKey } from '../../src/set/message/certified-key.ts';
import type { Endpoint } from '../../src/set/message/endpoint.ts';
import { createHolderTrust } from '../../src/set/message/holder-trust.ts';
import { createSetTrust } from '../../src/set/message/set-trust.ts';
import type { Trust } from '../../src/set/message/trust.ts';
import type { OpenedCard } from '../../src/set/wallet/opened-card.ts';
import type { PaymentToMake, WalletRecord, WalletState } from '../../src/set/wallet/payment.ts';
import { decodePaymentOutcome, type PaymentOutcome } from '../../src/set/wallet/payment-outcome.ts';
import type { WalletInput } from '../../src/set/wallet/wallet-input.ts';
import { createWalletMachine } from '../../src/set/wallet/wallet-machine.ts';
import { createVirtualClock, type VirtualClock } from '../world/virtual-clock.ts';

export const START = Date.UTC(2026, 5, 1, 12);
export const BRAND = 'ACME';
export const PAN = '4444333322221111';
export const WINDOW = { oldMs: 6 * 3_600_000, newMs: 300_000 };
export const TIMES = { instructionMs: 6 * 3_600_000, networkWaitMs: 20_000, authorizationMs: 7 * 86_400_000 };
export const DESCRIPTION = new TextEncoder().encode('one very secret novel, paperback, in a plain brown wrapper');

export interface Parties {
  readonly agency: Agency;
  readonly card: OpenedCard;
  readonly shop: MerchantBrand;
  readonly gate: GatewayKeys;
  /** What each party trusts is its own. */
  newTrust(): Trust;
  newCard(pan: string): OpenedCard;
}

export function createParties(startMs = START): Parties {
  const clock = { nowMs: () => startMs };
  const agency = createAgency({
    organization: 'Agency',
    country: 'NL',
    brands: [
      { brandId: BRAND, country: 'NL' },
      { brandId: 'Other', country: 'BE' },
    ],
    clock,
    random: systemRandom,
  });
  const gate = certifyGateway(agency);
  return {
    ...{ agency, gate },
    shop: certifyShop(agency, gate),
    card: certifyCard(agency, PAN),
    newCard: (pan) => certifyCard(agency, pan),
    newTrust() {
      const roots = [...agency.authorities.values()].filter(({ role }) => role === 'root');
      const setTrust = createSetTrust({ roots: roots.map((root) => root.certificate), maxAgeMs: 30 * 86_400_000 });
      for (const { brandId } of agency.brands) {
        const { identifier, lists, certificates } = makeBci(agency, brandId);
        setTrust.learn({
          brandCrlIdentifier: identifier,
          revocationLists: lists,
          certificates,
          brandId,
          atMs: startMs,
        });
      }
      return createHolderTrust({ setTrust });
    },
  };
}

function certified(certificate: Certificate, keys: KeyPair): CertifiedKey {
  return { certificate, privateKey: keys.privateKey };
}

function certifyCard(agency: Agency, pan: string, brandId = BRAND): OpenedCard {
  const keys = generateP256();
  const cardSecret = systemRandom(32);
  const expiry = '202812';
  const options = { pan, expiry, brandId, issuerName: 'Bank', cardSecret, publicKey: keys.publicKey };
  const { certificate, chain, nonceCca } = issueCardholder(agency, options);
  const keyHash = publicKeyHash(keys.publicKey);
  const transcript = registrationTranscript({ brandId, keyHash, caThumb: chain[1]!.thumb });
  const panSecret = derivePanSecret({ cardSecret, nonceCca, transcript });
  return { pan, expiry, panSecret, cardSecret, key: certified(certificate, keys) };
}

export function certifyGateway(agency: Agency, gatewayId = 'GATE-1', brandId = BRAND): GatewayKeys {
  const [signing, sealing] = [generateP256(), generateP256()];
  const issued = issueGateway(agency, {
    ...{ brandId, gatewayId, acquirerName: 'Acquirer', country: 'NL' },
    ...{ signatureKey: signing.publicKey, encryptionKey: sealing.publicKey },
  });
  return {
    gatewayId,
    signing: certified(issued.signature, signing),
    encryption: certified(issued.encryption, sealing),
    storageKey: systemRandom(32),
  };
}

export function certifyShop(agency: Agency, gate: GatewayKeys, merchantId = 'SHOP-1', brandId = BRAND): MerchantBrand {
  const [signing, sealing] = [generateP256(), generateP256()];
  const issued = issueMerchant(agency, {
    ...{ merchantId, brandId, acquirerName: 'Acquirer', acquirerBin: '400000' },
    ...{ name: 'Le café', city: 'Delft', country: 'NL', countryNumber: 528 },
    ...{ signatureKey: signing.publicKey, encryptionKey: sealing.publicKey },
  });
  const { certificate } = gate.encryption;
  return {
    merchantId,
    signing: certified(issued.signature, signing),
    encryption: certified(issued.encryption, sealing),
    gateway: { gatewayId: gate.gatewayId, url: 'http://gate', encryption: { certificate } },
  };
}

export interface Carried {
  readonly kind: string;
  readonly to: string;
  readonly request: Uint8Array;
  readonly answer: Uint8Array;
}

export interface WorldOptions {
  readonly parties?: Parties;
  readonly clock?: VirtualClock;
  /** What the acquirer answers: a response code, a response of its own making, or nothing at all. */
  readonly acquirer?: (request: CardRequest) => string | CardResponse | undefined;
  /** Changes a message on its way; throwing loses it. */
  readonly onRequest?: (kind: string, bytes: Uint8Array) => Uint8Array;
  readonly onAnswer?: (kind: string, bytes: Uint8Array) => Uint8Array;
  readonly openCard?: (cardId: string) => OpenedCard | undefined;
  readonly answerWaitMs?: number;
  /** Journals of an earlier world of the same parties, by power cut. */
  readonly disks?: Partial<Record<'wallet' | 'merchant' | 'gateway', ReturnType<MemoryJournal['powerCut']>>>;
}

export interface World {
  readonly parties: Parties;
  readonly clock: VirtualClock;
  readonly wallet: Host<WalletState, WalletInput, WalletRecord>;
  readonly merchant: Host<MerchantState, MerchantInput, MerchantRecord>;
  readonly gateway: Host<GatewayState, GatewayInput, GatewayRecord>;
  readonly journals: Readonly<Record<'wallet' | 'merchant' | 'gateway', MemoryJournal>>;
  readonly shopEndpoint: Endpoint;
  readonly gateEndpoint: Endpoint;
  readonly carried: Carried[];
  readonly cardRequests: CardRequest[];
  readonly payments: PaymentOutcome[];
  readonly orders: OrderOutcome[];
  /** Why messages were refused, as the private log has it. */
  readonly refusals: unknown[];
  order(changes?: Partial<OrderToTake>): Promise<void>;
  pay(changes?: Partial<PaymentToMake>): Promise<void>;
  run(forMs: number): Promise<void>;
}

const quiet = { info() {}, warn() {}, error() {} };
export const ORDER_ID = new TextEncoder().encode('order-1');
export const AMOUNT = { currency: 'EUR', minor: 1250n };

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const { parties = createParties(), clock = createVirtualClock(START), acquirer = () => '00', disks = {} } = options;
  const { onRequest = (_, bytes) => bytes, onAnswer = (_, bytes) => bytes, answerWaitMs = 10_000 } = options;
  const { openCard = () => parties.card } = options;
  const nowMs = () => clock.nowMs();
  const carried: Carried[] = [];
  const cardRequests: CardRequest[] = [];
  const payments: PaymentOutcome[] = [];
  const orders: OrderOutcome[] = [];
  const refusals: unknown[] = [];

  const courier: Courier = {
    async deliver({ to, kind, body }) {
      if (to === 'local:guard') payments.push(decodePaymentOutcome(body));
      if (to === 'local:shop') orders.push(decodeOrderOutcome(body));
      if (to.startsWith('local:')) return { type: 'answered', body: new Uint8Array() };
      if (to === 'iso8583:acquirer') {
        const request = decodeCardRequest(body);
        cardRequests.push(request);
        const answer = acquirer(request);
        if (answer === undefined) throw new Error('nobody answers');
        const response =
          typeof answer === 'string' ? responseTo(request, answer, answer === '00' ? 'OK1234' : undefined) : answer;
        return { type: 'answered', body: encodeCardResponse(response) };
      }
      const request = onRequest(kind, body);
      const endpoint = to === 'http://shop/set' ? shopEndpoint : gateEndpoint;
      const answer = onAnswer(kind, await endpoint(request));
      carried.push({ kind, to, request, answer });
      return { type: 'answered', body: answer };
    },
  };
  const journals = {
    wallet: createMemoryJournal(disks.wallet && { disk: disks.wallet }),
    merchant: createMemoryJournal(disks.merchant && { disk: disks.merchant }),
    gateway: createMemoryJournal(disks.gateway && { disk: disks.gateway }),
  };
  const common = { clock: clock as Clock, random: systemRandom, log: quiet };
  const { shop, gate } = parties;
  const brands = new Map([[BRAND, shop]]);
  const names = {
    acquirerId: '400000',
    terminalId: 'GATE1',
    acceptorOf: acceptorByMerchantId,
    route: 'iso8583:acquirer',
  };
  const merchantTrust = parties.newTrust();
  const gatewayTrust = parties.newTrust();

  const wallet = await openHost({
    ...{ ...common, journal: journals.wallet, courier },
    machine: createWalletMachine({ trust: parties.newTrust(), openCard, nowMs, window: WINDOW }),
  });
  const merchant = await openHost({
    ...{ ...common, journal: journals.merchant, courier },
    machine: createMerchantMachine({ brands, trust: merchantTrust, nowMs, window: WINDOW, answerWaitMs }),
  });
  const gateway = await openHost({
    ...{ ...common, journal: journals.gateway },
    courier: createCardCourier({ courier, storageKey: gate.storageKey }),
    machine: createGatewayMachine({ keys: gate, names, trust: gatewayTrust, times: TIMES }),
  });
  const endpointOptions = {
    ...{ window: WINDOW, nowMs, random: systemRandom },
    onRefusal: (error: unknown) => refusals.push(error),
  };
  const shopEndpoint = createMerchantEndpoint({
    ...{ ...endpointOptions, host: merchant, brands, trust: merchantTrust, signer: shop.signing },
  });
  const gateEndpoint = createGatewayEndpoint({ ...endpointOptions, host: gateway, keys: gate, trust: gatewayTrust });

  return {
    ...{ parties, clock, wallet, merchant, gateway, journals, shopEndpoint, gateEndpoint },
    ...{ carried, cardRequests, payments, orders, refusals },
    order: (changes) =>
      merchant.submit({
        type: 'order',
        order: {
          ...{ orderId: ORDER_ID, description: DESCRIPTION, amount: AMOUNT, captureNow: true, notify: 'local:shop' },
          expiresAtMs: clock.nowMs() + 600_000,
          ...changes,
        },
      }),
    pay: (changes) =>
      wallet.submit({
        type: 'pay',
        payment: {
          ...{ paymentId: 'pay-1', orderId: ORDER_ID, description: DESCRIPTION, amount: AMOUNT, brandId: BRAND },
          ...{ cardId: 'card-1', bin: PAN.slice(0, 6), notify: 'local:guard' },
          merchant: { url: 'http://shop', merchantId: 'SHOP-1' },
          deadlineMs: clock.nowMs() + 60_000,
          ...changes,
        },
      }),
    run: (forMs) => clock.run(clock.nowMs() + forMs),
  };
}
