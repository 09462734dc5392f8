/**
 * An operator as the trusted party of secure delivery (src/delivery): keeps keys for its merchants, passes K1 on, releases K2 where they
 * are silent. It also says, signed, what its gateway charged: whoever paid need not rely on the merchant's word.
 */
import { toHex } from '../../codec/hex.ts';
import { systemRandom } from '../../crypto/random.ts';
import { decodeShape, type Signer, signMessage } from '../../crypto/signed-message.ts';
import { verifyRuling } from '../../delivery/arbiter/verify-ruling.ts';
import { routesOf } from '../../delivery/message/endpoint.ts';
import { createTrustee, trusteeEndpoints } from '../../delivery/trustee/trustee-machine.ts';
import type { TrusteePolicy } from '../../delivery/trustee/trustee-policy.ts';
import { HandselError } from '../../handsel-error.ts';
import { systemClock } from '../../journal/clock.ts';
import type { Host } from '../../journal/host.ts';
import { createSealedJournal } from '../../journal/sealed-journal.ts';
import { amountOf } from '../../money/amount.ts';
import { type GatewayRecord, type GatewayState, purchaseKey } from '../../set/gateway/authorization.ts';
import type { GatewayInput } from '../../set/gateway/gateway-input.ts';
import { digestOrder } from '../../set/message/order-information.ts';
import type { Client } from '../../transport/client.ts';
import { createHttpCourier } from '../../transport/http-courier.ts';
import { createRateLimiter } from '../../transport/rate-limit.ts';
import type { Routes } from '../../transport/route.ts';
import { TransportError } from '../../transport/transport-error.ts';
import type { OperatorConfiguration } from '../configuration/configuration.ts';
import type { OperatorDelivery } from '../configuration/delivery-configuration.ts';
import { readKeyFile } from '../configuration/key-file.ts';
import {
  createSettlementProof,
  type PaymentInquiry,
  type PaymentReceipt,
  paymentInquiryType,
  paymentReceiptType,
} from '../message/payment-evidence.ts';
import { ownCommand } from '../owner/own-commands.ts';
import type { CommunicationIdentity } from '../running/communication.ts';
import { createCommunicationTrust } from '../running/communication-trust.ts';
import { identifyBy } from '../running/delivery-identity.ts';
import { peerName } from '../running/peer-name.ts';
import { byScheme, localCourier } from '../running/routes.ts';
import type { Surroundings } from '../running/running-party.ts';
import { openJournal, openMachine } from '../running/stores.ts';
import { operatorRefunds } from './operator-refunds.ts';
import { payBack } from './pay-back.ts';

type Gateway = Pick<Host<GatewayState, GatewayInput, GatewayRecord>, 'submit' | 'handle' | 'readByKey' | 'state'>;

/** Transactions nobody used that one peer may have made void: each is remembered for days, and few payments come to that. */
const VOIDS = { perPeerPerSecond: 0.1, burst: 200 };

export interface OperatorDeliveryRunning {
  readonly routes: Routes;
  readonly failed: Promise<unknown>;
  close(): Promise<void>;
}

export async function openOperatorDelivery(options: {
  readonly configuration: OperatorConfiguration;
  readonly delivery: OperatorDelivery;
  readonly path: (relative: string) => string;
  readonly identity: CommunicationIdentity;
  readonly client: Client;
  readonly gateway: Gateway;
  readonly surroundings: Surroundings;
}): Promise<OperatorDeliveryRunning> {
  const { configuration, delivery, path, identity, client, gateway, surroundings } = options;
  const { name, store } = configuration;
  const { nowMs } = systemClock();
  const trust = createCommunicationTrust(identity.anchors);
  const signer: Signer = {
    privateKey: identity.privateKey,
    certificateChain: identity.chain.map(({ der }) => der),
  };
  const merchants = new Map(delivery.merchants.map((one) => [one.name, { url: one.url }]));
  const arbiters = new Set(delivery.arbiters);
  const own = identifyBy(trust, new Set([name]));
  const policy: TrusteePolicy = {
    ...{ name, signer, merchants, arbiters, nowMs },
    identify: {
      customer: identifyBy(trust),
      merchant: identifyBy(trust, new Set(merchants.keys())),
      trustee: own,
      arbiter: identifyBy(trust, arbiters),
    },
    proof: createSettlementProof({
      identify: own,
      operatorOf: (merchant) => (merchants.has(merchant) ? name : undefined),
    }),
    refunds: {
      route: 'local:pay-back',
      verify: (bundle) => verifyRuling(bundle, { identify: policy.identify }),
      graceMs: delivery.refundGraceSeconds * 1000,
      maxUnfollowed: delivery.maxUnfollowed,
    },
  };
  const host = await openMachine({
    machine: createTrustee(policy),
    journal: createSealedJournal({
      journal: await openJournal(store, path, 'trustee'),
      key: readKeyFile(path(delivery.storageKey)),
      random: systemRandom,
    }),
    courier: byScheme({
      'https:': createHttpCourier({ client }),
      'local:': localCourier({ 'pay-back': ({ body }) => payBack(body, gateway) }),
    }),
    surroundings,
  });
  const waitMs = createRateLimiter(VOIDS, () => performance.now());
  const mayVoid = (peer: string) => waitMs(peer) === 0;
  return {
    routes: {
      ...routesOf(trusteeEndpoints(host, policy)),
      'GET /operator/refunds': ownCommand(name, () => operatorRefunds(host, policy)),
      'POST /delivery/payment-inquiry': async ({ body, peer }) => {
        const inquiry = decodeShape(paymentInquiryType, body);
        const outcome = await outcomeOf(inquiry, gateway, () => mayVoid(peerName(peer)));
        const receipt: PaymentReceipt = { ...inquiry, outcome, by: name, atMs: nowMs() };
        return { contentType: 'application/cose', body: signMessage(paymentReceiptType, receipt, signer) };
      },
    },
    failed: host.failed,
    close: () => host.close(),
  };
}

/**
 * What the gateway did under this transaction; where it did nothing, it will not from now on.
 * @param mayVoid whether one more that nobody used may be remembered as void
 * @throws HandselError `PAYMENT_UNKNOWN` when it was for something else; TransportError `ANSWER_PENDING`, `RATE_LIMITED`
 */
export async function outcomeOf(
  { merchant, transaction, od, odSalt, price }: PaymentInquiry,
  gateway: Pick<Gateway, 'submit' | 'readByKey' | 'state'>,
  mayVoid: () => boolean = () => true,
): Promise<PaymentReceipt['outcome']> {
  const key = purchaseKey(merchant, transaction);
  const { used, held } = gateway.state;
  if (!used.has(key) && !held.has(key) && !mayVoid()) {
    throw new TransportError('RATE_LIMITED', 'too many transactions were made void already: ask again later');
  }
  await gateway.submit({ type: 'void', key });
  const records = await gateway.readByKey(key);
  const opened = records.find((record) => record.type === 'opened');
  if (opened === undefined) return 'void';
  const { hod } = opened.request;
  // Only who knows what was ordered is told anything about it.
  const purchAmt = amountOf(price.currency, price.minor);
  if (hod === undefined || hod !== toHex(digestOrder({ od, purchAmt, odSalt }))) {
    throw new HandselError('PAYMENT_UNKNOWN', 'no payment for this is known here');
  }
  const closed = records.findLast((record) => record.type === 'closed');
  if (closed === undefined || closed.status === 'authorized') {
    throw new TransportError('ANSWER_PENDING', 'the card network has not answered yet');
  }
  // That the merchant may have had less charged than was to be paid is its own affair.
  return closed.status === 'captured' ? 'paid' : 'void';
}
