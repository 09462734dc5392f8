/** The merchant's side of delivery as a machine (US 09/718,411, claims 24 to 27): see `../README.md`. */
import type { Decision, Env, Machine } from '../../journal/machine.ts';
import { acceptanceType } from '../message/acceptance.ts';
import { passedAcceptanceType } from '../message/claim.ts';
import { hearingType } from '../message/complaint.ts';
import { type Endpoints, endpointsOf, type MessageHandler } from '../message/endpoint.ts';
import { passedKeyType } from '../message/key-handover.ts';
import type { Offer } from '../message/offer.ts';
import { orderType } from '../message/order.ts';
import { refundReceiptType } from '../message/refund.ts';
import { notAcceptType } from '../message/resending.ts';
import { rulingType } from '../message/ruling.ts';
import { decideCustody, decideCustodyRefused, decidePublish, decideRenewal } from './decide-edition.ts';
import { decideKey, decideLapse, decideNotAccept, decideOrder, orderOfTimer } from './decide-order.ts';
import { decideRefunded } from './decide-refund.ts';
import {
  decideAcceptance,
  decideHearing,
  decidePassedAcceptance,
  decideRuling,
  decideStatement,
} from './decide-sale.ts';
import {
  receiveAcceptance,
  receivedReply,
  receiveHearing,
  receiveNotAccept,
  receiveOrder,
  receivePassedAcceptance,
  receivePassedKey,
  receiveRefundReceipt,
  receiveRuling,
} from './receive.ts';
import type { SenderInput } from './sender-input.ts';
import type { SenderPolicy } from './sender-policy.ts';
import {
  applySender,
  emptySender,
  packageKey,
  restoreSender,
  type SenderRecord,
  type SenderState,
  snapshotSender,
} from './sender-state.ts';

export function createSender(policy: SenderPolicy): Machine<SenderState, SenderInput, SenderRecord> {
  return {
    name: 'delivery-sender',
    initial: emptySender,
    decide: (state, input, env) => decide(state, input, env, policy),
    apply: applySender,
    snapshot: snapshotSender,
    restore: restoreSender,
    received: (reply) => receivedReply(reply, policy),
    fired({ id }) {
      if (id.startsWith('renew:')) return { type: 'renew', package: orderOfTimer(id) };
      if (id.startsWith('hearing:')) return { type: 'say', case: orderOfTimer(id), statement: undefined };
      return { type: 'lapse', order: orderOfTimer(id) };
    },
  };
}

function decide(state: SenderState, input: SenderInput, env: Env, policy: SenderPolicy): Decision<SenderRecord> {
  switch (input.type) {
    case 'publish':
      return decidePublish(state, input, env, policy);
    case 'custody':
      return decideCustody(state, input, env);
    case 'custody-refused':
      return decideCustodyRefused(state, input, env, policy);
    case 'renew':
      return decideRenewal(state, input.package, env, policy);
    case 'order':
      return decideOrder(state, input, env, policy);
    case 'key':
      return decideKey(input, env);
    case 'not-accept':
      return decideNotAccept(state, input, env, policy);
    case 'lapse':
      return decideLapse(state, input.order, env, policy);
    case 'acceptance':
      return decideAcceptance(state, input, env, policy);
    case 'passed-acceptance':
      return decidePassedAcceptance(state, input, env, policy);
    case 'hearing':
      return decideHearing(state, input, env, policy);
    case 'say':
      return decideStatement(state, input, env, policy);
    case 'ruling':
      return decideRuling(input, env, policy);
    case 'refunded':
      return decideRefunded(input, env, policy);
    case 'told':
      return { records: [] };
  }
}

/** The part of the sender's host that is used here. */
export interface SenderHost extends MessageHandler<SenderInput> {
  readonly state: Readonly<SenderState>;
  readByKey(key: string): Promise<readonly SenderRecord[]>;
}

export function senderEndpoints(host: SenderHost, policy: SenderPolicy): Endpoints {
  const history = (key: string) => host.readByKey(key);
  return endpointsOf<SenderInput>(host, [
    [orderType, (bytes) => receiveOrder(bytes, policy)],
    [passedKeyType, (bytes) => receivePassedKey(bytes, policy)],
    [acceptanceType, (bytes) => receiveAcceptance(bytes, policy, history)],
    [notAcceptType, (bytes) => receiveNotAccept(bytes, policy)],
    [passedAcceptanceType, (bytes) => receivePassedAcceptance(bytes, policy, history)],
    [hearingType, (bytes) => receiveHearing(bytes, policy)],
    [rulingType, (bytes) => receiveRuling(bytes, policy, history)],
    [refundReceiptType, (bytes) => receiveRefundReceipt(bytes, policy)],
  ]);
}

/** What customers are shown of a package, once its key is in the trustee's keeping. */
export async function offerOf(host: SenderHost, of: string): Promise<Offer | undefined> {
  const edition = host.state.editions.get(of);
  const records = edition === undefined ? [] : await host.readByKey(packageKey(of));
  const published = records.find((record) => record.type === 'published');
  const custody = records.findLast((record) => record.type === 'custody');
  if (edition === undefined || published === undefined || custody === undefined) return undefined;
  const { manifest, urls } = edition;
  return { description: published.description, manifest, custody: custody.receipt, urls };
}
