/** A cardholder's certificate (notes on SET, "Cardholder blinding"): a signature key under a blinded identity, no name and no card number. */
import type { KeyObject } from 'node:crypto';
import type { Certificate } from '../../pki/certificate.ts';
import { makeName } from '../../pki/name.ts';
import { publicKeyHash } from '../../pki/public-key.ts';
import {
  type Card,
  derivePanSecret,
  registrationTranscript,
  uniqueCardholderId,
} from '../message/cardholder-identity.ts';
import { type Agency, authorityFor, chainOf, recordIssued, requireFreshKey } from './agency.ts';
import { AgencyError } from './agency-error.ts';
import { issueUnder } from './authority.ts';
import { CARDHOLDER_LIFETIME_MS, holderProfile } from './profile.ts';

export interface CardholderOptions extends Card {
  readonly brandId: string;
  /** The bank, as organizational unit. */
  readonly issuerName: string;
  readonly publicKey: KeyObject;
  /** 32 random bytes of the cardholder's. */
  readonly cardSecret: Uint8Array;
}

export interface IssuedCardholder {
  readonly certificate: Certificate;
  /** The certificate and those above it, root last. */
  readonly chain: readonly Certificate[];
  /** Goes back to the cardholder, confidentially: with the card secret it gives the PANSecret. */
  readonly nonceCca: Uint8Array;
}

/** @throws AgencyError `AGENCY_CARD_INVALID`, `AGENCY_KEY_REUSED`; SetError for a card secret that is none */
export function issueCardholder(agency: Agency, options: CardholderOptions): IssuedCardholder {
  const { brandId, issuerName, publicKey, cardSecret, pan, expiry } = options;
  const { country } = agency.brands.find((brand) => brand.brandId === brandId) ?? agency;
  const nowMs = agency.clock.nowMs();
  const cardEndMs = endOfCard(options, nowMs);
  const authority = authorityFor(agency, 'cardholder-ca', brandId);
  requireFreshKey(agency, authority, publicKey);

  const nonceCca = agency.random(32);
  const transcript = registrationTranscript({
    brandId,
    keyHash: publicKeyHash(publicKey),
    caThumb: authority.certificate.thumb,
  });
  const panSecret = derivePanSecret({ cardSecret, nonceCca, transcript });
  const certificate = issueUnder({
    issuer: authority,
    subject: makeName({ C: country, O: brandId, OU: issuerName, CN: uniqueCardholderId({ pan, expiry }, panSecret) }),
    publicKey,
    notBeforeMs: nowMs,
    // The certificate must not outlast the card.
    lifetimeMs: Math.min(CARDHOLDER_LIFETIME_MS, cardEndMs - nowMs),
    extensions: holderProfile('card', 'signature'),
    random: agency.random,
  });
  recordIssued(agency, 'cardholder', authority, certificate);
  return { certificate, chain: [certificate, ...chainOf(agency, authority)], nonceCca };
}

/** The last millisecond of the month the card expires in, UTC. */
function endOfCard({ pan, expiry }: Card, nowMs: number): number {
  const month = Number(expiry.slice(4));
  if (!/^\d{12,19}$/.test(pan) || !/^\d{6}$/.test(expiry) || month < 1 || month > 12) {
    throw new AgencyError('AGENCY_CARD_INVALID', 'a card has 12 to 19 digits and an expiry as YYYYMM');
  }
  const endMs = Date.UTC(Number(expiry.slice(0, 4)), month, 1) - 1;
  if (endMs <= nowMs) throw new AgencyError('AGENCY_CARD_INVALID', 'the card has expired');
  return endMs;
}
