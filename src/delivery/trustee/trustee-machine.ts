/** The trusted party of secure delivery as a machine (US 09/718,411, figure 4): see `../README.md`. */
import type { Decision, Env, Machine } from '../../journal/machine.ts';
import { claimType } from '../message/claim.ts';
import { keyRequestType } from '../message/complaint.ts';
import { lodgingType } from '../message/custody.ts';
import { type Endpoints, endpointsOf, type MessageHandler } from '../message/endpoint.ts';
import { handoverType } from '../message/key-handover.ts';
import { refundClaimType, refundOrderType } from '../message/refund.ts';
import { rulingType } from '../message/ruling.ts';
import { decideCustodyOver, decideLodging, packageOfTimer } from './decide-custody.ts';
import { decideDelivered, decideHandover, deliveredOf } from './decide-passing.ts';
import {
  decidePaidBack,
  decideRefundClaim,
  decideRefundDue,
  decideRefundOrder,
  isRefundOf,
  paidBackOf,
  refundDue,
} from './decide-refund.ts';
import { decideClaim, decideKeyRequest, decideRuling } from './decide-release.ts';
import { receiveClaim, receiveHandover, receiveKeyRequest, receiveLodging, receiveRuling } from './receive.ts';
import { receiveRefundClaim, receiveRefundOrder } from './receive-refund.ts';
import type { TrusteeInput } from './trustee-input.ts';
import type { TrusteePolicy } from './trustee-policy.ts';
import {
  applyTrustee,
  emptyTrustee,
  restoreTrustee,
  snapshotTrustee,
  type TrusteeRecord,
  type TrusteeState,
} from './trustee-state.ts';

export function createTrustee(policy: TrusteePolicy): Machine<TrusteeState, TrusteeInput, TrusteeRecord> {
  return {
    name: 'delivery-trustee',
    initial: emptyTrustee,
    decide: (state, input, env) => decide(state, input, env, policy),
    apply: applyTrustee,
    snapshot: snapshotTrustee,
    restore: restoreTrustee,
    received({ id, outcome }) {
      if (isRefundOf(id)) return paidBackOf({ id, outcome });
      return deliveredOf(id, outcome.type === 'refused' ? outcome.code : outcome.type);
    },
    fired: ({ id }) => (isRefundOf(id) ? refundDue(id) : { type: 'custody-over', package: packageOfTimer(id) }),
  };
}

function decide(state: TrusteeState, input: TrusteeInput, env: Env, policy: TrusteePolicy): Decision<TrusteeRecord> {
  switch (input.type) {
    case 'lodging':
      return decideLodging(state, input, env, policy);
    case 'handover':
      return decideHandover(state, input, env, policy);
    case 'claim':
      return decideClaim(state, input, env, policy);
    case 'key-request':
      return decideKeyRequest(state, input, env, policy);
    case 'ruling':
      return decideRuling(input, env);
    case 'delivered':
      return decideDelivered(state, input, env);
    case 'refund-order':
      return decideRefundOrder(state, input, env, policy);
    case 'refund-claim':
      return decideRefundClaim(state, input, env, policy);
    case 'refund-due':
      return decideRefundDue(state, input.order, env, policy);
    case 'paid-back':
      return decidePaidBack(state, input, env, policy);
    case 'told':
      return { records: [] };
    case 'custody-over':
      return decideCustodyOver(state, input.package, env);
  }
}

/** The part of the trustee's host that its endpoints use. */
export interface TrusteeHost extends MessageHandler<TrusteeInput> {
  readByKey(key: string): Promise<readonly TrusteeRecord[]>;
}

export function trusteeEndpoints(host: TrusteeHost, policy: TrusteePolicy): Endpoints {
  return endpointsOf<TrusteeInput>(host, [
    [lodgingType, (bytes) => receiveLodging(bytes, policy)],
    [handoverType, (bytes) => receiveHandover(bytes, policy)],
    [claimType, (bytes) => receiveClaim(bytes, policy, (key) => host.readByKey(key))],
    [keyRequestType, (bytes) => receiveKeyRequest(bytes, policy)],
    [rulingType, (bytes) => receiveRuling(bytes, policy)],
    [refundOrderType, (bytes) => receiveRefundOrder(bytes, policy, (key) => host.readByKey(key))],
    [refundClaimType, (bytes) => receiveRefundClaim(bytes, policy)],
  ]);
}
