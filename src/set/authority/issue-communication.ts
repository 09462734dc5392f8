/**
 * Communication certificates (KPN-7): one key a party for TLS both ways, for signing agent messages and for receiving sealed ones.
 * A station gets an agent authority besides, under which it certifies its own agents and nothing else.
 */
import type { KeyObject } from 'node:crypto';
import { identifyKey } from '../../pki/authority-key.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { makeExtension } from '../../pki/extension.ts';
import { hostName } from '../../pki/general-name.ts';
import { extendName, formatName, makeName, sameName } from '../../pki/name.ts';
import {
  basicConstraints,
  CLIENT_AUTH,
  DOCUMENT_SIGNING,
  extendedKeyUsage,
  keyUsage,
  nameConstraints,
  SERVER_AUTH,
  subjectAltName,
} from '../../pki/standard-extensions.ts';
import { type Agency, authorityFor, chainOf, recordIssued, requireFreshKey } from './agency.ts';
import { AgencyError } from './agency-error.ts';
import { issueUnder } from './authority.ts';
import { caExtensions } from './communication-authorities.ts';

const YEAR_MS = 365 * 86_400_000;

export interface CommunicationOptions {
  /** The party's name, as commonName; unique in the agency. */
  readonly name: string;
  readonly unit?: string;
  /** DNS names and addresses at which the party serves; none for one that only calls. */
  readonly hosts: readonly string[];
  readonly publicKey: KeyObject;
  /** The party has a certificate under this name, and gets another. */
  readonly renew?: boolean;
}

export interface IssuedCommunication {
  readonly certificate: Certificate;
  /** The certificate and those above it, root last. */
  readonly chain: readonly Certificate[];
}

/** @throws AgencyError `AGENCY_NAME_TAKEN`, `AGENCY_KEY_REUSED`; PkiError `PKI_HOST_INVALID`, `PKI_NAME_INVALID` */
export function issueCommunication(agency: Agency, options: CommunicationOptions): IssuedCommunication {
  const { name, unit = 'Parties', hosts, publicKey, renew = false } = options;
  const authority = authorityFor(agency, 'communication-ca');
  requireFreshKey(agency, authority, publicKey);
  const subject = makeName({ C: agency.country, O: agency.organization, OU: unit, CN: name });
  if (!renew) requireFreeName(agency, formatName(makeName({ CN: name })));
  const certificate = issueUnder({
    issuer: authority,
    subject,
    publicKey,
    notBeforeMs: agency.clock.nowMs(),
    lifetimeMs: YEAR_MS,
    extensions: [
      makeExtension(basicConstraints, { ca: false }),
      makeExtension(keyUsage, new Set(['digitalSignature', 'keyAgreement'] as const)),
      makeExtension(extendedKeyUsage, [SERVER_AUTH, CLIENT_AUTH]),
      ...(hosts.length > 0 ? [makeExtension(subjectAltName, hosts.map(hostName))] : []),
      identifyKey(publicKey),
    ],
    random: agency.random,
  });
  recordIssued(agency, 'communication', authority, certificate);
  return { certificate, chain: [certificate, ...chainOf(agency, authority)] };
}

/** The commonName is who a party is to all others: nobody else may be certified under it, in whatever unit. */
function requireFreeName(agency: Agency, commonName: string): void {
  for (const { kind, subject, notAfterMs, serial, authorityId } of agency.issued.values()) {
    if (kind !== 'communication' || notAfterMs < agency.clock.nowMs()) continue;
    if (!subject.toLowerCase().endsWith(`,${commonName.toLowerCase()}`)) continue;
    if (agency.authorities.get(authorityId)?.revoked.some((entry) => entry.serial === serial)) continue;
    throw new AgencyError('AGENCY_NAME_TAKEN', `a party is certified as ${commonName} already`);
  }
}

export interface AgentAuthorityOptions {
  /** The station's communication certificate, issued by this agency. */
  readonly station: Certificate;
  /** A key of its own: the station's communication key signs no certificates. */
  readonly publicKey: KeyObject;
}

/**
 * A CA confined on every side: no CA below it, only names below the station's, no host names, no use in TLS.
 * @throws AgencyError `AGENCY_STATION_UNKNOWN`, `AGENCY_KEY_REUSED`
 */
export function issueAgentAuthority(agency: Agency, options: AgentAuthorityOptions): IssuedCommunication {
  const { station, publicKey } = options;
  const authority = authorityFor(agency, 'communication-ca');
  const known = [...agency.issued.values()].some(
    ({ kind, serial, authorityId }) =>
      kind === 'communication' && serial === station.serial && authorityId === authority.id,
  );
  const revoked = authority.revoked.some(({ serial }) => serial === station.serial);
  if (!known || revoked || !sameName(station.issuer, authority.certificate.subject)) {
    throw new AgencyError('AGENCY_STATION_UNKNOWN', 'the station has no communication certificate of this agency');
  }
  requireFreshKey(agency, authority, publicKey);

  const subject = extendName(station.subject, { OU: 'Agents' });
  const certificate = issueUnder({
    issuer: authority,
    subject,
    publicKey,
    notBeforeMs: agency.clock.nowMs(),
    lifetimeMs: Math.max(1000, station.notAfter.getTime() - agency.clock.nowMs()),
    extensions: [
      ...caExtensions(publicKey, 0),
      makeExtension(extendedKeyUsage, [DOCUMENT_SIGNING]),
      makeExtension(nameConstraints, {
        permitted: [{ base: { type: 'directory', value: subject }, minimum: 0 }],
        // Every host and every address of both IP versions.
        excluded: [
          { base: { type: 'dns', value: '' }, minimum: 0 },
          { base: { type: 'ip', value: new Uint8Array(8) }, minimum: 0 },
          { base: { type: 'ip', value: new Uint8Array(32) }, minimum: 0 },
        ],
      }),
    ],
    random: agency.random,
  });
  recordIssued(agency, 'agent-authority', authority, certificate);
  return { certificate, chain: [certificate, ...chainOf(agency, authority)] };
}
