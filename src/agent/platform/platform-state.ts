/** What a platform remembers: reservations, hosted agents, open calls and negotiations. */

import { type MessageType, readMessage } from '../../crypto/signed-message.ts';
import type { CallForProposals, Proposal } from '../message/call-for-proposals.ts';
import type { Mandate } from '../message/mandate.ts';
import type { MerchantParameters } from '../message/merchant-parameters.ts';
import type { Offer } from '../message/offer.ts';
import type { Token } from '../message/token.ts';

export type Side = 'customer' | 'merchant';
export type CustomerPhase = 'calling' | 'negotiating' | 'paying' | 'done' | 'failed' | 'recalled';

export interface Reservation {
  readonly agent: string;
  readonly role: Side;
  /** Hex of the owner's X.501 name. */
  readonly owner: string;
  readonly sealedKey: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly expiresAtMs: number;
}

export interface Purchase {
  readonly itemId: string;
  readonly negotiation: string;
  readonly orderId: string;
  readonly merchantId: string;
  /** As it calls itself, for people. */
  readonly merchant: string;
  readonly product: string;
  readonly currency: string;
  readonly priceMinor: bigint;
  outcome: 'agreed' | 'paid' | 'failed';
  /** Why it failed. */
  reason?: string;
}

export interface CustomerAgent {
  readonly id: string;
  readonly owner: string;
  readonly sealedKey: Uint8Array;
  readonly chain: readonly Uint8Array[];
  readonly mandateBytes: Uint8Array;
  readonly mandate: Mandate;
  readonly tokens: readonly Token[];
  phase: CustomerPhase;
  reason: string | null;
  call: string | null;
  offers: number;
  proposals: number;
  readonly purchases: Purchase[];
  /** Preferences on something that no proposal had. */
  notOffered: readonly string[];
}

export interface MerchantAgent {
  readonly id: string;
  readonly owner: string;
  readonly sealedKey: Uint8Array;
  chain: readonly Uint8Array[];
  parametersBytes: Uint8Array;
  parameters: MerchantParameters;
  /** Pieces sold since deployment of the parameters in force. */
  sold: Map<string, number>;
  /** Pieces promised in negotiations that are not paid yet. */
  held: Map<string, number>;
}

/** A call some agent made: its own customer's, or one from outside. */
export interface OpenCall {
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly value: CallForProposals;
  /** The caller, when hosted here. */
  readonly customer: string | null;
  readonly customerChain: readonly Uint8Array[];
  /** Markets that have not answered yet. */
  readonly awaiting: Set<string>;
  /** What to say of markets that gave no proposals at all. */
  readonly missed: string[];
  readonly proposals: Map<string, Proposed>;
  /** Negotiations of a caller hosted here, in the order of preference. */
  talks: string[];
}

export interface Proposed {
  readonly bytes: Uint8Array;
  readonly value: Proposal;
  readonly merchantChain: readonly Uint8Array[];
  /** Base URL of the platform where the merchant agent is; null = here. */
  readonly via: string | null;
}

export interface Talk {
  readonly id: string;
  readonly call: string;
  readonly lot: string;
  /** Merchant agent. */
  readonly merchant: string;
  readonly merchantHere: boolean;
  readonly offers: { readonly bytes: Uint8Array; readonly value: Offer }[];
  customerAcceptance: Uint8Array | null;
  merchantAcceptance: Uint8Array | null;
  status: 'open' | 'settled' | 'agreed' | 'paying' | 'ended';
  /** Stock this negotiation holds. */
  holds: boolean;
  agreement: Uint8Array | null;
  /** Hex. */
  orderId: string | null;
}

export interface PlatformState {
  readonly reservations: Map<string, Reservation>;
  readonly customers: Map<string, CustomerAgent>;
  readonly merchants: Map<string, MerchantAgent>;
  readonly calls: Map<string, OpenCall>;
  readonly talks: Map<string, Talk>;
  /** Hex order identifier → negotiation. */
  readonly orders: Map<string, string>;
}

export function emptyPlatform(): PlatformState {
  return {
    reservations: new Map(),
    customers: new Map(),
    merchants: new Map(),
    calls: new Map(),
    talks: new Map(),
    orders: new Map(),
  };
}

// What a message says is a pure function of its bytes; while they are in memory they need to be taken apart only once.
const taken = new WeakMap<Uint8Array, unknown>();

/** The content of a message whose signature was checked, or made, when it was recorded. */
export function contentOf<T>(type: MessageType<T>, bytes: Uint8Array): T {
  const known = taken.get(bytes);
  if (known !== undefined) return known as T;
  return remember(bytes, readMessage(type, bytes).value);
}

export function remember<T>(bytes: Uint8Array, content: T): T {
  taken.set(bytes, content);
  return content;
}

export function talkOf(state: PlatformState, id: string): Talk {
  const talk = state.talks.get(id);
  if (talk === undefined) throw new Error(`no negotiation ${id}`);
  return talk;
}

export function lotOf(state: PlatformState, talk: Talk): Proposal['lots'][number] | undefined {
  const proposal = state.calls.get(talk.call)?.proposals.get(talk.merchant)?.value;
  return proposal?.lots.find(({ id }) => id === talk.lot);
}
