/** Certificates of those who accept cards: merchants and payment gateways, each with one key to sign and another to receive sealed messages. */
import type { KeyObject } from 'node:crypto';
import type { Certificate } from '../../pki/certificate.ts';
import { type Extension, makeExtension } from '../../pki/extension.ts';
import { makeName } from '../../pki/name.ts';
import {
  cardCertRequired,
  type MerchantData,
  merchantData,
  setExtensions,
  tunneling,
} from '../message/certificate-extensions.ts';
import { type Agency, authorityFor, chainOf, recordIssued, requireFreshKey } from './agency.ts';
import { AgencyError } from './agency-error.ts';
import { issueUnder } from './authority.ts';
import { GATEWAY_LIFETIME_MS, holderProfile, MERCHANT_LIFETIME_MS } from './profile.ts';

/** The two public keys; never the same one. */
interface HolderKeys {
  readonly signatureKey: KeyObject;
  readonly encryptionKey: KeyObject;
}

export interface MerchantOptions extends HolderKeys {
  readonly brandId: string;
  readonly acquirerName: string;
  readonly acquirerBin: string;
  readonly merchantId: string;
  readonly name: string;
  readonly city: string;
  /** ISO 3166-1: two letters, and the number. */
  readonly country: string;
  readonly countryNumber: number;
}

export interface GatewayOptions extends HolderKeys {
  readonly brandId: string;
  readonly acquirerName: string;
  readonly gatewayId: string;
  readonly country: string;
  /** Message extensions the gateway understands; none unless told. */
  readonly messageExtensions?: readonly string[];
}

export interface IssuedPair {
  readonly signature: Certificate;
  readonly encryption: Certificate;
  /** The CA's certificate and those above it, root last: the same for both. */
  readonly issuers: readonly Certificate[];
}

/** @throws AgencyError `AGENCY_KEY_REUSED`, `AGENCY_AUTHORITY_UNKNOWN`; DerError for data the extension cannot hold */
export function issueMerchant(agency: Agency, options: MerchantOptions): IssuedPair {
  const { brandId, acquirerName, acquirerBin, merchantId, name, city, country, countryNumber } = options;
  const data: MerchantData = {
    merchantId,
    acquirerBin,
    names: [{ language: 'en', name, city, countryName: country }],
    country: countryNumber,
    authorized: true,
  };
  return issuePair(agency, {
    keys: options,
    kind: 'merchant',
    brandId,
    subject: { C: country, O: brandId, OU: acquirerName, CN: merchantId },
    lifetimeMs: MERCHANT_LIFETIME_MS,
    further: [makeExtension(merchantData, data)],
  });
}

/** @throws AgencyError `AGENCY_KEY_REUSED`, `AGENCY_AUTHORITY_UNKNOWN` */
export function issueGateway(agency: Agency, options: GatewayOptions): IssuedPair {
  const { brandId, acquirerName, gatewayId, country, messageExtensions = [] } = options;
  return issuePair(agency, {
    keys: options,
    kind: 'gateway',
    brandId,
    subject: { C: country, O: brandId, OU: acquirerName, CN: gatewayId },
    lifetimeMs: GATEWAY_LIFETIME_MS,
    further: [
      // Purchases without a cardholder certificate authenticate nobody: refused (fix 5).
      makeExtension(cardCertRequired, true),
      // No weak "tunnel" from acquirer to cardholder (fix 16).
      makeExtension(tunneling, { supported: false, algorithms: [] }),
      makeExtension(setExtensions, messageExtensions),
    ],
  });
}

interface PairOptions {
  readonly keys: HolderKeys;
  readonly kind: 'merchant' | 'gateway';
  readonly brandId: string;
  readonly subject: Readonly<Record<string, string>>;
  readonly lifetimeMs: number;
  readonly further: readonly Extension[];
}

function issuePair(agency: Agency, options: PairOptions): IssuedPair {
  const { keys, kind, brandId, lifetimeMs, further } = options;
  const authority = authorityFor(agency, kind === 'merchant' ? 'merchant-ca' : 'gateway-ca', brandId);
  if (keys.signatureKey.equals(keys.encryptionKey)) {
    throw new AgencyError('AGENCY_KEY_REUSED', 'the keys for signing and for sealing must differ');
  }
  for (const key of [keys.signatureKey, keys.encryptionKey]) requireFreshKey(agency, authority, key);

  const subject = makeName(options.subject);
  const issue = (publicKey: KeyObject, use: 'signature' | 'encryption') =>
    issueUnder({
      issuer: authority,
      subject,
      publicKey,
      notBeforeMs: agency.clock.nowMs(),
      lifetimeMs,
      extensions: holderProfile(kind, use, further),
      random: agency.random,
    });
  const signature = issue(keys.signatureKey, 'signature');
  const encryption = issue(keys.encryptionKey, 'encryption');
  for (const certificate of [signature, encryption]) recordIssued(agency, kind, authority, certificate);
  return { signature, encryption, issuers: chainOf(agency, authority) };
}
