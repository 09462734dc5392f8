/** Starts one party of any kind; only the code of that kind is loaded. */
import type { PartyKind } from './configuration.ts';
import type { RunningCustomer } from './customer.ts';
import type { RunningDevice } from './device.ts';
import type { RunningMerchant } from './merchant.ts';
import type { RunningOperator } from './operator.ts';
import type { RunningParty, Surroundings } from './running-party.ts';

/** What each kind is once it runs. */
export interface Running {
  readonly agency: RunningParty;
  readonly operator: RunningOperator;
  readonly merchant: RunningMerchant;
  readonly market: RunningParty;
  readonly arbiter: RunningParty;
  readonly customer: RunningCustomer;
  readonly 'trusted-server': RunningParty;
  readonly 'card-network': RunningParty;
  readonly device: RunningDevice;
}

type Start<K extends PartyKind> = (file: string, surroundings: Surroundings) => Promise<Running[K]>;

const starts: { readonly [K in PartyKind]: () => Promise<Start<K>> } = {
  agency: async () => (await import('./agency.ts')).startAgency,
  operator: async () => (await import('./operator.ts')).startOperator,
  merchant: async () => (await import('./merchant.ts')).startMerchant,
  market: async () => (await import('./market.ts')).startMarket,
  arbiter: async () => (await import('./arbiter.ts')).startArbiter,
  customer: async () => (await import('./customer.ts')).startCustomer,
  'trusted-server': async () => (await import('./trusted-server.ts')).startTrustedServer,
  'card-network': async () => (await import('./card-network.ts')).startCardNetwork,
  device: async () => (await import('./device.ts')).startDevice,
};

export const partyKinds = Object.keys(starts) as readonly PartyKind[];

/** @throws ConfigurationError; whatever the party cannot start for */
export async function startParty<K extends PartyKind>(
  kind: K,
  file: string,
  surroundings: Surroundings,
): Promise<Running[K]> {
  const start: Start<K> = await starts[kind]();
  return start(file, surroundings);
}
