/** Starts one party of any kind; only the code of that kind is loaded. */
import type { PartyKind } from '../configuration/configuration.ts';
import type { RunningCustomer } from '../customer/customer.ts';
import type { RunningDevice } from '../device/device.ts';
import type { RunningMerchant } from '../merchant/merchant.ts';
import type { RunningOperator } from '../operator/operator.ts';
import type { RunningParty, Surroundings } from '../running/running-party.ts';

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
  agency: async () => (await import('../trusted/agency.ts')).startAgency,
  operator: async () => (await import('../operator/operator.ts')).startOperator,
  merchant: async () => (await import('../merchant/merchant.ts')).startMerchant,
  market: async () => (await import('../market/market.ts')).startMarket,
  arbiter: async () => (await import('../arbiter/arbiter.ts')).startArbiter,
  customer: async () => (await import('../customer/customer.ts')).startCustomer,
  'trusted-server': async () => (await import('../trusted/trusted-server.ts')).startTrustedServer,
  'card-network': async () => (await import('../trusted/card-network.ts')).startCardNetwork,
  device: async () => (await import('../device/device.ts')).startDevice,
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
