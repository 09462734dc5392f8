/** The arbiter as a machine (US 09/718,411, figure 4, "the National Board for Consumer Policies"): see `../README.md`. */
import type { Decision, Env, Machine } from '../../journal/machine.ts';
import { complaintType } from '../message/complaint.ts';
import { type Endpoints, endpointsOf, type MessageHandler } from '../message/endpoint.ts';
import type { Bundle } from '../message/ruling.ts';
import type { ArbiterInput } from './arbiter-input.ts';
import type { ArbiterPolicy } from './arbiter-policy.ts';
import {
  type ArbiterRecord,
  type ArbiterState,
  applyArbiter,
  caseKey,
  emptyArbiter,
  restoreArbiter,
  snapshotArbiter,
} from './case.ts';
import { decideAnswered, decideByPerson, decideComplaint, decideExamined } from './decide-case.ts';
import { receiveComplaint, receivedReply } from './receive.ts';

export function createArbiter(policy: ArbiterPolicy): Machine<ArbiterState, ArbiterInput, ArbiterRecord> {
  return {
    name: 'delivery-arbiter',
    initial: emptyArbiter,
    decide: (state, input, env) => decide(state, input, env, policy),
    apply: applyArbiter,
    snapshot: snapshotArbiter,
    restore: restoreArbiter,
    received: (reply) => receivedReply(reply, policy),
    fired: () => ({ type: 'told' }),
  };
}

function decide(state: ArbiterState, input: ArbiterInput, env: Env, policy: ArbiterPolicy): Decision<ArbiterRecord> {
  switch (input.type) {
    case 'complaint':
      return decideComplaint(state, input, env, policy);
    case 'answered':
      return decideAnswered(state, input, env, policy);
    case 'examined':
      return decideExamined(state, input, env, policy);
    case 'decide':
      return decideByPerson(state, input, env, policy);
    case 'told':
      return { records: [] };
  }
}

/** The part of the arbiter's host that is used here. */
export interface ArbiterHost extends MessageHandler<ArbiterInput> {
  readByKey(key: string): Promise<readonly ArbiterRecord[]>;
}

export function arbiterEndpoints(host: ArbiterHost, policy: ArbiterPolicy): Endpoints {
  return endpointsOf<ArbiterInput>(host, [[complaintType, (bytes) => receiveComplaint(bytes, policy)]]);
}

/** Everything a ruling rests on, for whoever wants to check it; undefined while there is none. @param of hexadecimal */
export async function bundleOf(host: ArbiterHost, of: string): Promise<Bundle | undefined> {
  const records = await host.readByKey(caseKey(of));
  const ruled = records.find((record) => record.type === 'ruled');
  const opened = records.find((record) => record.type === 'opened');
  const complaint = ruled?.complaint ?? opened?.complaint;
  if (ruled === undefined || complaint === undefined) return undefined;
  const answers = records.filter((record) => record.type === 'answered');
  const disclosure = answers.find(({ by }) => by === 'trustee')?.bytes;
  const statement = answers.find(({ by }) => by === 'merchant')?.bytes;
  const segment = records.find((record) => record.type === 'examined')?.segment;
  // Elsewhere K2 would give the goods away with the bundle.
  const shown = ruled.code === 'KEY_DOES_NOT_OPEN';
  const productKey = shown ? answers.find((answer) => answer.productKey !== null)?.productKey : undefined;
  return {
    ...{ complaint, ruling: ruled.ruling },
    ...(disclosure && { disclosure }),
    ...(statement && { statement }),
    ...(segment && { segment }),
    ...(productKey && { productKey }),
  };
}
