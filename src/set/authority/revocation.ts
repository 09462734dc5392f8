/** Revoking, and saying so: a list of each CA about what it issued, and the brand's identifier of the lists to hold (notes on SET, "CRL, BCI"). */
import type { Certificate } from '../../pki/certificate.ts';
import { wholeSeconds } from '../../pki/certificate.ts';
import { createRevocationList, type RevocationList, type RevocationReason } from '../../pki/revocation-list.ts';
import { type BrandCrlIdentifier, createBrandCrlIdentifier } from '../message/brand-crl-identifier.ts';
import { type Agency, authorityFor, chainOf } from './agency.ts';
import { AgencyError } from './agency-error.ts';
import type { Authority } from './authority.ts';

/** What a list says of itself; whoever relies on it measures its age by a maximum of its own besides. */
const LIST_LIFETIME_MS = 30 * 86_400_000;

export interface RevokeOptions {
  readonly serial: bigint;
  readonly reason?: RevocationReason;
}

/**
 * Marks a certificate as revoked; it takes effect with the next list of its issuer. Doing it again changes nothing.
 * @throws AgencyError `AGENCY_SERIAL_UNKNOWN`, or `AGENCY_NOT_REVOCABLE` for a cardholder, whose card the bank blocks instead
 */
export function revoke(agency: Agency, { serial, reason = 'unspecified' }: RevokeOptions): Authority {
  const issuer = issuerOf(agency, serial);
  if (issuer.role === 'cardholder-ca') {
    throw new AgencyError('AGENCY_NOT_REVOCABLE', 'cardholders are not revoked: their bank blocks the card');
  }
  if (!issuer.revoked.some((entry) => entry.serial === serial)) {
    const revokedAt = wholeSeconds(new Date(agency.clock.nowMs()));
    issuer.revoked = [...issuer.revoked, { serial, revokedAt, reason }];
  }
  return issuer;
}

function issuerOf(agency: Agency, serial: bigint): Authority {
  const authorities = [...agency.authorities.values()];
  const holder = authorities.find(
    ({ certificate, encryption }) => certificate.serial === serial || encryption?.certificate.serial === serial,
  );
  const issued = [...agency.issued.values()].find((entry) => entry.serial === serial);
  const issuer = agency.authorities.get(holder?.issuerId ?? issued?.authorityId ?? '');
  if (issuer === undefined) {
    throw new AgencyError('AGENCY_SERIAL_UNKNOWN', 'no authority of the agency issued a certificate with this serial');
  }
  return issuer;
}

/** A new list of one authority, complete, valid for thirty days. @throws AgencyError `AGENCY_AUTHORITY_UNKNOWN` */
export function makeCrl(agency: Agency, authorityId: string): RevocationList {
  const authority = agency.authorities.get(authorityId);
  if (authority === undefined) throw new AgencyError('AGENCY_AUTHORITY_UNKNOWN', `no authority ${authorityId}`);
  authority.crlNumber += 1n;
  const thisUpdate = wholeSeconds(new Date(agency.clock.nowMs()));
  const nextUpdate = new Date(thisUpdate.getTime() + LIST_LIFETIME_MS);
  const content = { number: authority.crlNumber, thisUpdate, nextUpdate, revoked: authority.revoked };
  return createRevocationList(content, authority.certificate, authority.privateKey);
}

export interface BrandRevocation {
  readonly identifier: BrandCrlIdentifier;
  readonly lists: readonly RevocationList[];
  /** Of those who signed, and of their issuers. */
  readonly certificates: readonly Certificate[];
}

/** New lists of every authority of a brand and of the roots above, and the identifier, signed by the brand CA, that names them all. */
export function makeBci(agency: Agency, brandId: string): BrandRevocation {
  const brandCa = authorityFor(agency, 'brand', brandId);
  const nowMs = agency.clock.nowMs();
  const authorities = [...agency.authorities.values()].filter(
    ({ role, brandId: brand, certificate }) =>
      (brand === brandId || role === 'root') && certificate.notAfter.getTime() > nowMs,
  );
  const lists = authorities.map(({ id }) => makeCrl(agency, id));

  const sequenceNumber = (agency.identifierSequences.get(brandId) ?? 0n) + 1n;
  agency.identifierSequences.set(brandId, sequenceNumber);
  const notBefore = wholeSeconds(new Date(nowMs));
  const identifier = createBrandCrlIdentifier(
    {
      sequenceNumber,
      brandId,
      notBefore,
      notAfter: new Date(notBefore.getTime() + LIST_LIFETIME_MS),
      lists: lists.map(({ issuer, number }) => ({ issuer, number })),
    },
    brandCa.certificate,
    brandCa.privateKey,
  );
  const signers = authorities.flatMap((authority) => chainOf(agency, authority));
  return { identifier, lists, certificates: [...new Set(signers)] };
}
