/** Merchant, trustee, arbiter, bank and customers as machines in one world of faults, some of them lying as the plan says. */
import { encodeCbor } from '../../../src/codec/cbor.ts';
import { toHex } from '../../../src/codec/hex.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { decodeShape, encodeShape, linkOf, readMessage } from '../../../src/crypto/signed-message.ts';
import type { ArbiterInput } from '../../../src/delivery/arbiter/arbiter-input.ts';
import { arbiterEndpoints, createArbiter } from '../../../src/delivery/arbiter/arbiter-machine.ts';
import type { ArbiterPolicy } from '../../../src/delivery/arbiter/arbiter-policy.ts';
import type { ArbiterRecord, ArbiterState } from '../../../src/delivery/arbiter/case.ts';
import { examinedType, examineType } from '../../../src/delivery/arbiter/examination.ts';
import { acceptanceType, acceptType } from '../../../src/delivery/message/acceptance.ts';
import { claimType, passedAcceptanceType } from '../../../src/delivery/message/claim.ts';
import { hearingType, keyRequestType } from '../../../src/delivery/message/complaint.ts';
import type { Endpoints } from '../../../src/delivery/message/endpoint.ts';
import { passedKeyType } from '../../../src/delivery/message/key-handover.ts';
import { orderType } from '../../../src/delivery/message/order.ts';
import { signRelease } from '../../../src/delivery/message/release.ts';
import { MAX_RESENDINGS } from '../../../src/delivery/message/resending.ts';
import {
  type Downloaded,
  downloadedType,
  downloadType,
  type Outcome,
  openedType,
  openType,
  outcomeType,
} from '../../../src/delivery/receiver/errand.ts';
import type { ReceiverRecord, ReceiverState } from '../../../src/delivery/receiver/purchase.ts';
import type { ReceiverInput } from '../../../src/delivery/receiver/receiver-input.ts';
import { createReceiver } from '../../../src/delivery/receiver/receiver-machine.ts';
import type { ReceiverPolicy } from '../../../src/delivery/receiver/receiver-policy.ts';
import type { SenderInput } from '../../../src/delivery/sender/sender-input.ts';
import { createSender, senderEndpoints } from '../../../src/delivery/sender/sender-machine.ts';
import type { SenderPolicy } from '../../../src/delivery/sender/sender-policy.ts';
import type { SenderRecord, SenderState } from '../../../src/delivery/sender/sender-state.ts';
import type { TrusteeInput } from '../../../src/delivery/trustee/trustee-input.ts';
import { createTrustee, trusteeEndpoints } from '../../../src/delivery/trustee/trustee-machine.ts';
import type { TrusteePolicy } from '../../../src/delivery/trustee/trustee-policy.ts';
import type { TrusteeRecord, TrusteeState } from '../../../src/delivery/trustee/trustee-state.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import type { Host } from '../../../src/journal/host.ts';
import type { Outgoing } from '../../../src/journal/machine.ts';
import type { Life, Party, World } from '../../world/simulation.ts';
import { bankProof, identifyAll, person } from '../people.ts';
import { bankParty } from './bank-machine.ts';
import { honestCustomers, liar, type MerchantKind, minuteMs, type Plan, type TrusteeKind } from './delivery-plan.ts';
import { openProduct, type Product } from './products.ts';

export type SenderParty = Party<SenderState, SenderInput, SenderRecord>;
export type TrusteeParty = Party<TrusteeState, TrusteeInput, TrusteeRecord>;
export type ArbiterParty = Party<ArbiterState, ArbiterInput, ArbiterRecord>;
export type ReceiverParty = Party<ReceiverState, ReceiverInput, ReceiverRecord>;

/** Planted bugs: what is changed about a party. */
export interface Alterations {
  readonly sender?: (party: SenderParty) => SenderParty;
  readonly trustee?: (party: TrusteeParty) => TrusteeParty;
  readonly arbiter?: (party: ArbiterParty) => ArbiterParty;
  readonly receiver?: (party: ReceiverParty) => ReceiverParty;
  readonly senderPolicy?: Partial<SenderPolicy>;
  readonly trusteePolicy?: Partial<TrusteePolicy>;
  readonly arbiterPolicy?: Partial<ArbiterPolicy>;
}

const customers = [...honestCustomers, liar];
for (const name of customers) person(name, 'customer');
export const people = {
  ada: person('ada', 'merchant'),
  tess: person('tess', 'trustee'),
  arno: person('arno', 'arbiter'),
  bank: person('bank', 'bank'),
};

export const urls = { ada: 'http://ada', tess: 'http://tess', arno: 'http://arno' };

export type DeliveryWorld = ReturnType<typeof openDeliveryWorld>;

export function openDeliveryWorld(options: {
  readonly world: World;
  readonly plan: Plan;
  readonly products: ReadonlyMap<string, Product>;
  readonly alter: Alterations;
}) {
  const { world, plan, products, alter } = options;
  const outcomes = new Map<string, Outcome[]>();
  const policies = policiesOf(alter);

  const sender = world.addMachine(
    'ada',
    (life): SenderParty => {
      const policy = policies.sender(life);
      const honest: SenderParty = {
        ...{ machine: createSender(policy), arrived: refuseAll, snapshotEvery: 15 },
        serve: serving((host) => senderEndpoints(host, policy), lyingMerchant(plan.merchant)),
      };
      return alter.sender?.(honest) ?? honest;
    },
    { routes: [urls.ada] },
  );
  const trustee = world.addMachine(
    'tess',
    (life): TrusteeParty => {
      const policy = policies.trustee(life);
      const honest: TrusteeParty = {
        ...{ machine: createTrustee(policy), arrived: refuseAll, snapshotEvery: 15 },
        serve: serving((host) => trusteeEndpoints(host, policy), lyingTrustee(plan.trustee)),
        ...(plan.trustee === 'hides' && { wrapCourier: hiding }),
      };
      return alter.trustee?.(honest) ?? honest;
    },
    { routes: [urls.tess] },
  );
  const arbiter = world.addMachine(
    'arno',
    (life): ArbiterParty => {
      const policy = policies.arbiter(life);
      const honest: ArbiterParty = {
        ...{ machine: createArbiter(policy), arrived: refuseAll, snapshotEvery: 15 },
        serve: serving((host) => arbiterEndpoints(host, policy), {}),
      };
      return alter.arbiter?.(honest) ?? honest;
    },
    { routes: [urls.arno] },
  );
  const bank = world.addMachine('bank', bankParty, { routes: ['local:settlement', 'local:shop'] });
  const receivers = new Map(
    customers.map((name) => {
      const factory = (life: Life): ReceiverParty => {
        const honest: ReceiverParty = {
          ...{ machine: createReceiver(policies.receiver(name, life)), arrived: refuseAll, snapshotEvery: 15 },
        };
        return alter.receiver?.(honest) ?? honest;
      };
      return [name as string, world.addMachine(name, factory)];
    }),
  );
  world.addServer('local:packages', (message) => packagesAnswer(message, products));
  world.addServer('local:examination', (message) => examinationAnswer(message, products));
  world.addServer('local:station', ({ body }) => {
    const told = decodeShape(outcomeType, body);
    const before = outcomes.get(told.reference) ?? [];
    const known = before.some(({ outcome, reason }) => outcome === told.outcome && reason === told.reason);
    if (!known) outcomes.set(told.reference, [...before, told]);
    return encodeCbor(null);
  });
  return { sender, trustee, arbiter, bank, receivers, outcomes, policies };
}

function policiesOf(alter: Alterations) {
  const known = { proof: bankProof, identify: identifyAll };
  const arbiters = new Set(['arno']);
  return {
    sender: ({ nowMs }: Life): SenderPolicy => ({
      ...{ ...known, name: 'ada', signer: people.ada, arbiters, nowMs, terms: requirePrice, notify: 'local:shop' },
      trustees: new Map([['tess', { url: urls.tess, party: people.tess }]]),
      ...alter.senderPolicy,
    }),
    trustee: ({ nowMs }: Life): TrusteePolicy => ({
      ...{ ...known, name: 'tess', signer: people.tess, arbiters, nowMs },
      merchants: new Map([['ada', { url: urls.ada }]]),
      ...alter.trusteePolicy,
    }),
    arbiter: ({ nowMs }: Life): ArbiterPolicy => ({
      ...{ ...known, name: 'arno', signer: people.arno, party: people.arno, nowMs },
      trustees: new Map([['tess', { url: urls.tess }]]),
      merchants: new Map([['ada', { url: urls.ada }]]),
      ...{ trusteeWaitMs: 20 * minuteMs, hearingMs: 30 * minuteMs },
      ...alter.arbiterPolicy,
    }),
    receiver: (name: string, { nowMs }: Life): ReceiverPolicy => ({
      ...{ signer: person(name, 'customer'), identify: identifyAll, nowMs },
      arbiter: { name: 'arno', url: urls.arno, party: people.arno },
      ...{ releaseWaitMs: 5000, claimWaitMs: 10 * minuteMs },
    }),
  };
}

/** What was agreed: less is not taken. */
const requirePrice: SenderPolicy['terms'] = ({ value }) => {
  if (value.price.minor < 500n) throw new HandselError('PRICE_BELOW_FLOOR', 'it costs 500');
};

const refuseAll = (): never => {
  throw new HandselError('ROUTE_UNKNOWN', 'nothing is taken here');
};

type Lie = (bytes: Uint8Array) => Uint8Array | undefined;
type Lies = Readonly<Record<string, Lie>>;

/** Undefined is silence. */
function serving<S, I, R>(
  endpointsFor: (host: Host<S, I, R>) => Endpoints,
  lies: Lies,
): NonNullable<Party<S, I, R>['serve']> {
  return async (host, { kind, body }) => {
    const lie = lies[kind];
    if (lie !== undefined) return lie(body);
    const endpoint = endpointsFor(host).get(kind);
    if (endpoint === undefined) throw new HandselError('ROUTE_UNKNOWN', kind);
    try {
      return await endpoint(body);
    } catch (cause) {
      if (cause instanceof HandselError && cause.code === 'ANSWER_PENDING') return undefined;
      throw cause;
    }
  };
}

const silence: Lie = () => undefined;
const refusal: Lie = () => {
  throw new HandselError('NOT_PERMITTED', 'no');
};

function falseRelease(role: 'merchant' | 'trustee', by: string, accepted: Uint8Array): Uint8Array {
  const { order, package: of } = readMessage(acceptType, decodeShape(acceptanceType, accepted).accept).value;
  const accept = linkOf(decodeShape(acceptanceType, accepted).accept);
  const signer = role === 'merchant' ? people.ada : people.tess;
  const keys = { orderKey: systemRandom(32), productKey: systemRandom(32), signer, random: systemRandom };
  return signRelease({ order, accept, package: of, role, by, atMs: 1_700_000_000_000 }, keys);
}

function lyingMerchant(kind: MerchantKind): Lies {
  switch (kind) {
    case 'honest':
      return {};
    case 'silent':
      return { [acceptanceType.name]: silence };
    case 'refuses':
      return { [acceptanceType.name]: refusal };
    case 'lies':
      return { [acceptanceType.name]: (bytes) => falseRelease('merchant', 'ada', bytes) };
    case 'takes-nothing':
      return { [orderType.name]: silence };
    case 'gone':
      return { [acceptanceType.name]: silence, [hearingType.name]: silence, [passedAcceptanceType.name]: silence };
  }
}

function lyingTrustee(kind: TrusteeKind): Lies {
  switch (kind) {
    case 'honest':
    case 'hides':
      return {};
    case 'silent':
      return { [claimType.name]: silence };
    case 'lies':
      return {
        [claimType.name]: (bytes) => falseRelease('trustee', 'tess', readMessage(claimType, bytes).value.acceptance),
      };
    case 'gone':
      return { [claimType.name]: silence, [keyRequestType.name]: silence };
  }
}

/** A trustee that signs for its customers and keeps everything from its merchants. */
const hiding: NonNullable<TrusteeParty['wrapCourier']> = (courier) => ({
  deliver: (message, attempt) =>
    message.kind === passedKeyType.name || message.kind === passedAcceptanceType.name
      ? Promise.resolve({ type: 'answered', body: encodeCbor(null) })
      : courier.deliver(message, attempt),
});

function packagesAnswer({ id, kind, body }: Outgoing, products: ReadonlyMap<string, Product>): Uint8Array {
  if (kind === downloadType.name) {
    const product = products.get(toHex(linkOf(decodeShape(downloadType, body).manifest)))!;
    const number = Number(id.split('/')[2]);
    const wrong = product.name === 'spoiled' || (product.name === 'flaky' && number < MAX_RESENDINGS);
    const bad: Downloaded = { outcome: 'faulty', fault: 'segments', segments: [{ first: 0, last: 0 }] };
    return encodeShape(downloadedType, wrong ? bad : { outcome: 'whole', segments: [] });
  }
  const { manifest, productKey } = decodeShape(openType, body);
  const opened = openProduct(products.get(toHex(linkOf(manifest)))!, productKey);
  return encodeShape(openedType, { outcome: 'content' in opened ? 'opened' : 'does-not-open', ...opened });
}

function examinationAnswer({ body }: Outgoing, products: ReadonlyMap<string, Product>): Uint8Array {
  const { manifest, productKey } = decodeShape(examineType, body);
  const opened = openProduct(products.get(toHex(linkOf(manifest)))!, productKey);
  return encodeShape(examinedType, { outcome: 'content' in opened ? 'opened' : 'does-not-open', ...opened });
}
