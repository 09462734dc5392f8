/** The payment gateway as a machine: between merchants who speak SET and an acquirer who speaks ISO 8583 (`../README.md`). */
import { decodeCborExact, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import type { Machine } from '../../journal/machine.ts';
import { decideRefusal } from '../message/endpoint.ts';
import type { Trust } from '../message/trust.ts';
import {
  applyGatewayRecord,
  type Credit,
  emptyGateway,
  type GatewayRecord,
  type GatewayState,
  type OpenRequest,
  type UsedInstruction,
} from './authorization.ts';
import {
  authorize,
  type Context,
  conclude,
  type GatewayDecision,
  type GatewayTimes,
  reverse,
  voidUnused,
} from './decide-authorization.ts';
import { concludeCredit, credit } from './decide-credit.ts';
import { type GatewayInput, readNetworkReply } from './gateway-input.ts';
import type { GatewayKeys, NetworkNames } from './gateway-keys.ts';

export interface GatewayOptions {
  readonly keys: GatewayKeys;
  readonly names: NetworkNames;
  readonly trust: Trust;
  readonly times: GatewayTimes;
}

export function createGatewayMachine(options: GatewayOptions): Machine<GatewayState, GatewayInput, GatewayRecord> {
  return {
    name: 'set-gateway',
    initial: emptyGateway,
    decide: (state, input, env) => decide(state, input, { ...options, env }),
    apply: applyGatewayRecord,
    snapshot,
    restore,
    received: readNetworkReply,
    fired: () => ({ type: 'silent', key: '' }),
  };
}

function decide(state: GatewayState, input: GatewayInput, context: Context): GatewayDecision {
  switch (input.type) {
    case 'authorize':
      return authorize(state, input, context);
    case 'reverse':
      return reverse(state, input, context);
    case 'credit':
      return credit(state, input, context);
    case 'credit-answered':
      return concludeCredit(state, input);
    case 'void':
      return voidUnused(state, input.key, context);
    case 'answered':
      return conclude(state, input, context);
    case 'silent':
      return conclude(state, { key: input.key, response: undefined }, context);
    case 'refuse':
      return decideRefusal(input.refusal);
  }
}

type Entries<T> = readonly (readonly [string, T])[];
type Snapshot = readonly [
  readonly OpenRequest[],
  Entries<UsedInstruction>,
  Entries<UsedInstruction>,
  Entries<Uint8Array>,
  number,
  Entries<Entries<Credit>>?,
];

function snapshot({ open, used, held, merchants, stan, credits }: GatewayState): Uint8Array {
  const given = [...credits].map(([key, of]) => [key, [...of]]);
  const parts = [[...open.values()], [...used], [...held], [...merchants], stan, given];
  return encodeCborExact(parts as unknown as CborValue);
}

/** Written by this party into its own journal, which vouches for it. */
function restore(bytes: Uint8Array): GatewayState {
  const value = decodeCborExact(bytes, { maxBytes: 1 << 30 }) as unknown as Snapshot;
  const [open, used, held, merchants, stan, credits = []] = value;
  return {
    open: new Map(open.map((request) => [request.key, request])),
    used: new Map(used),
    held: new Map(held),
    instructions: new Set([...used, ...held].map(([, { hPI }]) => hPI)),
    merchants: new Map(merchants),
    credits: new Map(credits.map(([key, of]) => [key, new Map(of)])),
    stan,
  };
}
