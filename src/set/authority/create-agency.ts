/** Making an agency: all its keys and authorities at once, and a new generation of them at each root rollover. */
import type { Random } from '../../crypto/random.ts';
import { generateP256 } from '../../crypto/signature.ts';
import { makeName } from '../../pki/name.ts';
import type { Agency, AgencyClock, BrandOptions } from './agency.ts';
import { AgencyError } from './agency-error.ts';
import { createRoot } from './authority.ts';
import { createBrandAuthorities } from './brand-authorities.ts';
import { createCommunicationAuthorities } from './communication-authorities.ts';
import { lifetimes, rootProfile } from './profile.ts';

export interface AgencyOptions {
  readonly organization: string;
  /** ISO 3166-1 alpha-2 */
  readonly country: string;
  readonly brands: readonly BrandOptions[];
  readonly clock: AgencyClock;
  readonly random: Random;
}

/** Makes all keys and authorities at once. @throws AgencyError `AGENCY_BRAND_INVALID` */
export function createAgency(options: AgencyOptions): Agency {
  for (const { brandId } of options.brands) {
    const again = options.brands.filter((other) => other.brandId.toLowerCase() === brandId.toLowerCase()).length > 1;
    if (!/^[A-Za-z0-9_-]{1,40}$/.test(brandId) || again) {
      throw new AgencyError('AGENCY_BRAND_INVALID', 'brand ids are unique, of 1 to 40 letters, digits, - and _');
    }
  }
  const agency: Agency = {
    ...options,
    authorities: new Map(),
    issued: new Map(),
    identifierSequences: new Map(),
    generation: 0,
    nextRootKeys: generateP256(),
  };
  createGeneration(agency);
  const notBeforeMs = agency.clock.nowMs();
  for (const authority of createCommunicationAuthorities({ ...options, notBeforeMs })) {
    agency.authorities.set(authority.id, authority);
  }
  return agency;
}

/**
 * Root rollover: the announced key becomes the root's, the new root announces another, and every brand gets new CAs under it. What
 * the earlier generation issued stays valid to its end, and its authorities go on making revocation lists.
 */
export function rollRoot(agency: Agency): void {
  createGeneration(agency);
}

function createGeneration(agency: Agency): void {
  const generation = agency.generation + 1;
  const keys = agency.nextRootKeys;
  const nextRootKeys = generateP256();
  const notBeforeMs = agency.clock.nowMs();
  const root = createRoot(
    { id: `root-${generation}`, role: 'root', brandId: undefined, generation },
    {
      keys,
      subject: makeName({ C: agency.country, O: agency.organization, CN: `SET Root CA ${generation}` }),
      notBeforeMs,
      lifetimeMs: lifetimes.root.certificateMs,
      extensions: rootProfile(nextRootKeys.publicKey, notBeforeMs),
      random: agency.random,
    },
  );
  agency.authorities.set(root.id, root);
  for (const brand of agency.brands) {
    for (const authority of createBrandAuthorities({ brand, root, notBeforeMs, random: agency.random })) {
      agency.authorities.set(authority.id, authority);
    }
  }
  agency.generation = generation;
  agency.nextRootKeys = nextRootKeys;
}
