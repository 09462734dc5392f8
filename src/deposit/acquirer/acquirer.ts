/**
 * The machine of a value acquirer, the mediating trusted agent of the merchants' operator (US 09/718,411, claims 1, 4 to 8, 11 and 19 to
 * 23): it guarantees deposits to merchants, certifies keys to both ends, and rules between them when a deposit is concluded.
 */
import type { Decision, Env, Machine } from '../../journal/machine.ts';
import type { AcquirerInput } from './acquirer-input.ts';
import type { AcquirerPolicy } from './acquirer-policy.ts';
import {
  type AcquirerRecord,
  type AcquirerState,
  applyAcquirer,
  emptyAcquirer,
  restoreAcquirer,
  snapshotAcquirer,
} from './acquirer-state.ts';
import { decideRecord, decideSettled, decideTime } from './conclude.ts';
import { decideAcknowledged, decideDeclined, decideInitiation } from './open-deposit.ts';
import { receivedReply } from './received-reply.ts';
import { transactionOfTimer } from './timer.ts';

export function createAcquirer(policy: AcquirerPolicy): Machine<AcquirerState, AcquirerInput, AcquirerRecord> {
  return {
    name: 'deposit-acquirer',
    initial: emptyAcquirer,
    decide: (state, input, env) => decide(state, input, env, policy),
    apply: applyAcquirer,
    snapshot: snapshotAcquirer,
    restore: restoreAcquirer,
    received: (reply) => receivedReply(reply, policy.validateMerchant),
    fired: ({ id }) => ({ type: 'time', transaction: transactionOfTimer(id) }),
  };
}

function decide(
  state: AcquirerState,
  input: AcquirerInput,
  env: Env,
  policy: AcquirerPolicy,
): Decision<AcquirerRecord> {
  switch (input.type) {
    case 'amended-initiation':
      return decideInitiation(state, input, env, policy);
    case 'acknowledged':
      return decideAcknowledged(state, input, env, policy);
    case 'declined':
      return decideDeclined(state, input, env, policy);
    case 'record':
      return decideRecord(state, input, env, policy);
    case 'settled':
      return decideSettled(state, input, env);
    case 'time':
      return decideTime(state, input.transaction, env, policy);
    case 'told':
      return { records: [] };
  }
}
