/** A platform's state as bytes and back; what messages say is taken from the messages again. */
import { decodeCborExact, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import { callType, proposalType } from '../message/call-for-proposals.ts';
import { mandateType } from '../message/mandate.ts';
import { merchantParametersType } from '../message/merchant-parameters.ts';
import { offerType } from '../message/offer.ts';
import {
  type CustomerAgent,
  contentOf,
  emptyPlatform,
  type MerchantAgent,
  type OpenCall,
  type PlatformState,
  type Proposed,
  type Reservation,
  type Talk,
} from './platform-state.ts';

type Stored<T, Changed extends string> = Omit<T, Changed>;
interface StoredPlatform {
  readonly reservations: readonly Reservation[];
  // What newer versions added is absent from older snapshots.
  readonly customers: readonly (Stored<CustomerAgent, 'mandate' | 'notOffered'> &
    Partial<Pick<CustomerAgent, 'notOffered'>>)[];
  readonly merchants: readonly (Stored<MerchantAgent, 'parameters' | 'sold' | 'held'> & {
    readonly sold: readonly [string, number][];
    readonly held: readonly [string, number][];
  })[];
  readonly calls: readonly (Stored<OpenCall, 'value' | 'awaiting' | 'missed' | 'proposals'> & {
    readonly missed?: readonly string[];
    readonly awaiting: readonly string[];
    readonly proposals: readonly Stored<Proposed, 'value'>[];
  })[];
  readonly talks: readonly (Stored<Talk, 'offers'> & { readonly offers: readonly Uint8Array[] })[];
}

export function snapshotPlatform(state: PlatformState): Uint8Array {
  const stored: StoredPlatform = {
    reservations: [...state.reservations.values()],
    customers: [...state.customers.values()].map(({ mandate: _, ...agent }) => agent),
    merchants: [...state.merchants.values()].map(({ parameters: _, sold, held, ...agent }) => ({
      ...agent,
      sold: [...sold],
      held: [...held],
    })),
    calls: [...state.calls.values()].map(({ value: _, awaiting, proposals, ...call }) => ({
      ...call,
      awaiting: [...awaiting],
      proposals: [...proposals.values()].map(({ value: __, ...proposed }) => proposed),
    })),
    talks: [...state.talks.values()].map(({ offers, ...talk }) => ({
      ...talk,
      offers: offers.map(({ bytes }) => bytes),
    })),
  };
  return encodeCborExact(stored as unknown as CborValue);
}

export function restorePlatform(bytes: Uint8Array): PlatformState {
  const stored = decodeCborExact(bytes, { maxBytes: Number.MAX_SAFE_INTEGER }) as unknown as StoredPlatform;
  const state = emptyPlatform();
  for (const reservation of stored.reservations) state.reservations.set(reservation.agent, reservation);
  for (const agent of stored.customers) {
    const mandate = contentOf(mandateType, agent.mandateBytes);
    state.customers.set(agent.id, {
      ...agent,
      mandate,
      notOffered: agent.notOffered ?? [],
      purchases: agent.purchases.map((purchase) => ({ ...purchase })),
    });
  }
  for (const agent of stored.merchants) {
    const parameters = contentOf(merchantParametersType, agent.parametersBytes);
    state.merchants.set(agent.id, { ...agent, parameters, sold: new Map(agent.sold), held: new Map(agent.held) });
  }
  for (const call of stored.calls) {
    const proposals = call.proposals.map((proposed): [string, Proposed] => {
      const value = contentOf(proposalType, proposed.bytes);
      return [value.agent, { ...proposed, value }];
    });
    state.calls.set(call.id, {
      ...call,
      value: contentOf(callType, call.bytes),
      awaiting: new Set(call.awaiting),
      missed: [...(call.missed ?? [])],
      proposals: new Map(proposals),
      talks: [...call.talks],
    });
  }
  for (const talk of stored.talks) {
    const offers = talk.offers.map((offer) => ({ bytes: offer, value: contentOf(offerType, offer) }));
    state.talks.set(talk.id, { ...talk, offers });
    if (talk.orderId !== null) state.orders.set(talk.orderId, talk.id);
  }
  return state;
}
