/** Starts one party of any kind; only the code of that kind is loaded. */
import type { PartyKind } from './configuration.ts';
import type { RunningParty, Surroundings } from './running-party.ts';

type Start = (file: string, surroundings: Surroundings) => Promise<RunningParty>;

const starts: Readonly<Record<PartyKind, () => Promise<Start>>> = {
  agency: async () => (await import('./agency.ts')).startAgency,
  operator: async () => (await import('./operator.ts')).startOperator,
  merchant: async () => (await import('./merchant.ts')).startMerchant,
  market: async () => (await import('./market.ts')).startMarket,
  customer: async () => (await import('./customer.ts')).startCustomer,
};

export const partyKinds = Object.keys(starts) as readonly PartyKind[];

/** @throws ConfigurationError; whatever the party cannot start for */
export async function startParty(kind: PartyKind, file: string, surroundings: Surroundings): Promise<RunningParty> {
  return (await starts[kind]())(file, surroundings);
}
