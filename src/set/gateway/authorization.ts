/** What the gateway remembers: requests that wait for the network, instructions used, authorizations that can be given back. */
import type { Amount } from '../../money/amount.ts';

/** Merchant and transaction, as one key: an instruction is used once per pair of them (fix 6). */
export function purchaseKey(merchantId: string, xid: string): string {
  return `${merchantId}/${xid}`;
}

/** A request of a merchant that waits for the network's answer. Bytes are kept as hexadecimal text where they are short. */
export interface OpenRequest {
  readonly key: string;
  readonly kind: 'authorization' | 'reversal';
  /** The AuthReq or AuthRevReq to answer. */
  readonly messageId: string;
  /** Its tags, encoded, which the answer repeats. */
  readonly tags: Uint8Array;
  /** Its hash. */
  readonly request: string;
  /** HOD of the instruction, hexadecimal: of what order it pays, for whoever can show that. Absent in older journals, and of reversals. */
  readonly hod?: string;
  /** Thumbprint of the merchant's encryption certificate. */
  readonly recipient: string;
  readonly amount: Amount;
  readonly captureNow: boolean;
  readonly network: NetworkRequest;
  /** Card number and expiry, sealed: to undo what the network did not answer, and for the CapToken. */
  readonly card: Uint8Array;
}

/** How the network names the request. */
export interface NetworkRequest {
  /** `MMDDhhmmss` */
  readonly transmittedAt: string;
  readonly stan: number;
}

export interface UsedInstruction {
  readonly status: 'open' | 'authorized' | 'captured' | 'declined' | 'reversed';
  /** Hash of the payment instruction; empty where none was seen. */
  readonly hPI: string;
  /** Unix milliseconds: after that the instruction is refused by its date. */
  readonly untilMs: number;
}

/** Something given back of what was captured. */
export interface Credit {
  readonly amount: Amount;
  readonly network: NetworkRequest;
  /** Whoever waits for the answer. */
  readonly messageId: string;
  readonly status: 'open' | 'done';
}

export type GatewayRecord =
  | { readonly type: 'merchant'; readonly thumb: string; readonly der: Uint8Array }
  | { readonly type: 'opened'; readonly atMs: number; readonly used: UsedInstruction; readonly request: OpenRequest }
  | { readonly type: 'reversing'; readonly request: OpenRequest }
  | { readonly type: 'crediting'; readonly key: string; readonly reference: string; readonly credit: Credit }
  /** Not done: the card's bank would not, and nothing moved. */
  | { readonly type: 'credited'; readonly key: string; readonly reference: string; readonly done: boolean }
  | { readonly type: 'declined'; readonly atMs: number; readonly key: string; readonly used: UsedInstruction }
  | {
      readonly type: 'closed';
      readonly key: string;
      readonly status: 'authorized' | 'captured' | 'declined' | 'reversed';
      readonly untilMs: number;
    };

export interface GatewayState {
  /** By purchase. */
  readonly open: Map<string, OpenRequest>;
  /** By purchase, the oldest first. Those authorized and not captured are in `held`. */
  readonly used: Map<string, UsedInstruction>;
  readonly held: Map<string, UsedInstruction>;
  /** Hashes of the instructions in `used` and `held`. */
  readonly instructions: Set<string>;
  /** Encryption certificates of merchants, by thumbprint. */
  readonly merchants: Map<string, Uint8Array>;
  /** By purchase, and by reference: kept for ever, so that nothing is given back twice. */
  readonly credits: Map<string, Map<string, Credit>>;
  stan: number;
}

export function emptyGateway(): GatewayState {
  return {
    open: new Map(),
    used: new Map(),
    held: new Map(),
    instructions: new Set(),
    merchants: new Map(),
    credits: new Map(),
    stan: 0,
  };
}

/** All transitions of an authorization. */
export function applyGatewayRecord(state: GatewayState, record: GatewayRecord): void {
  switch (record.type) {
    case 'merchant':
      state.merchants.set(record.thumb, record.der);
      break;
    case 'opened':
      forget(state, record.atMs);
      state.open.set(record.request.key, record.request);
      state.stan = record.request.network.stan;
      remember(state, record.request.key, record.used);
      break;
    case 'declined':
      forget(state, record.atMs);
      remember(state, record.key, record.used);
      break;
    case 'reversing':
      state.open.set(record.request.key, record.request);
      state.stan = record.request.network.stan;
      break;
    case 'crediting':
      state.credits.set(record.key, (state.credits.get(record.key) ?? new Map()).set(record.reference, record.credit));
      state.stan = record.credit.network.stan;
      break;
    case 'credited': {
      const credits = state.credits.get(record.key)!;
      if (record.done) credits.set(record.reference, { ...credits.get(record.reference)!, status: 'done' });
      else credits.delete(record.reference);
      break;
    }
    case 'closed': {
      const { key, status, untilMs } = record;
      const { hPI } = (state.used.get(key) ?? state.held.get(key))!;
      state.open.delete(key);
      state.used.delete(key);
      state.held.delete(key);
      (status === 'authorized' ? state.held : state.used).set(key, { status, hPI, untilMs });
      break;
    }
  }
}

function remember({ used, instructions }: GatewayState, key: string, instruction: UsedInstruction): void {
  used.set(key, instruction);
  instructions.add(instruction.hPI);
}

/** Drops what is past its time, from the oldest on: by then its date alone gets it refused. */
function forget({ used, held, open, instructions }: GatewayState, atMs: number): void {
  for (const memory of [used, held]) {
    for (const [key, { untilMs, hPI }] of memory) {
      if (untilMs >= atMs || open.has(key)) break;
      memory.delete(key);
      instructions.delete(hPI);
    }
  }
}
