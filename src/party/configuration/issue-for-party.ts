/** The files by which a new party proves who it is: keys made for it, and what the agency certified of them. */
import type { KeyObject } from 'node:crypto';
import { generateP256 } from '../../crypto/signature.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { isSelfIssued } from '../../pki/certificate.ts';
import { toPem } from '../../pki/pem.ts';
import type { Agency } from '../../set/authority/agency.ts';
import { authorityFor, chainOf } from '../../set/authority/agency.ts';
import { issueAgentAuthority, issueCommunication } from '../../set/authority/issue-communication.ts';
import type { BrandRevocation } from '../../set/authority/revocation.ts';
import { type NewFile, type NewFiles, publicFile, secretFile } from '../files/new-files.ts';

/** Certificates as PEM; roots are left out, because those who check hold them. */
export function chainFile(chain: readonly Certificate[]): NewFile {
  return certificatesFile(chain.filter((certificate) => !isSelfIssued(certificate)));
}

export function certificatesFile(certificates: readonly Certificate[]): NewFile {
  return publicFile(certificates.map(({ der }) => toPem('CERTIFICATE', der)).join(''));
}

export function privateKeyFile(key: KeyObject): NewFile {
  return secretFile(toPem('PRIVATE KEY', new Uint8Array(key.export({ format: 'der', type: 'pkcs8' }))));
}

export interface IssuedIdentity {
  readonly certificate: Certificate;
  readonly files: NewFiles;
  /** The part of the configuration that names the files. */
  readonly communication: { readonly chain: string; readonly privateKey: string; readonly anchors: string };
}

/** A communication certificate with its key and the anchors to trust (KPN-7). */
export function issueIdentity(agency: Agency, options: { name: string; hosts: readonly string[] }): IssuedIdentity {
  const { publicKey, privateKey } = generateP256();
  const { certificate, chain } = issueCommunication(agency, { ...options, publicKey });
  const anchors = chainOf(agency, authorityFor(agency, 'communication-root'));
  const communication = {
    chain: 'communication/chain.pem',
    privateKey: 'communication/key.pem',
    anchors: 'communication/anchors.pem',
  };
  const files: NewFiles = new Map([
    [communication.chain, chainFile(chain)],
    [communication.privateKey, privateKeyFile(privateKey)],
    [communication.anchors, certificatesFile(anchors)],
  ]);
  return { certificate, files, communication };
}

/** What a party certifies its own agents with. */
export function issueAgents(agency: Agency, station: Certificate) {
  const { publicKey, privateKey } = generateP256();
  const { chain } = issueAgentAuthority(agency, { station, publicKey });
  const agentAuthority = { chain: 'agents/chain.pem', privateKey: 'agents/key.pem' };
  const files: NewFiles = new Map([
    [agentAuthority.chain, chainFile(chain)],
    [agentAuthority.privateKey, privateKeyFile(privateKey)],
  ]);
  return { agentAuthority, files };
}

/** What a party of SET checks others by, as the agency publishes it. */
export function trustFiles(agency: Agency, { identifier, lists, certificates }: BrandRevocation): NewFiles {
  return new Map([
    ['trust/root.pem', certificatesFile(chainOf(agency, authorityFor(agency, 'root')))],
    ['trust/brand.bci', publicFile(identifier.der)],
    ['trust/lists.pem', publicFile(lists.map(({ der }) => toPem('X509 CRL', der)).join(''))],
    ['trust/authorities.pem', certificatesFile(certificates)],
  ]);
}

/** The part of a configuration that names `trustFiles`. */
export function trustConfiguration(agencyUrl: string) {
  return {
    root: 'trust/root.pem',
    brandCrlIdentifier: 'trust/brand.bci',
    revocationLists: 'trust/lists.pem',
    authorities: 'trust/authorities.pem',
    agency: agencyUrl,
  };
}
