/**
 * The certificates a station gives its own agents: short-lived, under the agent authority that the agency gave the station, and
 * only for names below the station's (KPN-7: an agent's certificate is not its owner's).
 */
import type { KeyObject } from 'node:crypto';
import type { Random } from '../crypto/random.ts';
import { identifyIssuer, identifyKey } from './authority-key.ts';
import { type Certificate, createCertificate, randomSerial, wholeSeconds } from './certificate.ts';
import type { CertificateRequest } from './certificate-request.ts';
import { makeExtension } from './extension.ts';
import { extendName } from './name.ts';
import { checkNameConstraints } from './name-constraints.ts';
import { PkiError } from './pki-error.ts';
import { basicConstraints, DOCUMENT_SIGNING, extendedKeyUsage, keyUsage } from './standard-extensions.ts';

export interface AgentCertificateOptions {
  /** The station's agent authority: a CA of path length 0, constrained to the station's names. */
  readonly authority: Certificate;
  readonly authorityKey: KeyObject;
  /** Made where the agent lives; only its key is taken over, the station says what the agent is called. */
  readonly request: CertificateRequest;
  /** Becomes the commonName below the station's, e.g. the mandate's identifier. */
  readonly agentName: string;
  readonly notBeforeMs: number;
  /** As long as the mandate; cut to the authority's own end. */
  readonly notAfterMs: number;
  readonly random: Random;
}

/** @throws PkiError when the authority may not issue it, e.g. `PKI_NOT_A_CA` or `PKI_VALIDITY_EMPTY`. */
export function issueAgentCertificate(options: AgentCertificateOptions): Certificate {
  const { authority, authorityKey, request, agentName, random } = options;
  if (!authority.ca) throw new PkiError('PKI_NOT_A_CA', 'the agent authority is no CA');
  const certificate = createCertificate(
    {
      serial: randomSerial(random),
      issuer: authority.subject,
      subject: extendName(authority.subject, { CN: agentName }),
      notBefore: wholeSeconds(new Date(Math.max(options.notBeforeMs, authority.notBefore.getTime()))),
      notAfter: wholeSeconds(new Date(Math.min(options.notAfterMs, authority.notAfter.getTime()))),
      publicKey: request.publicKey,
      extensions: [
        makeExtension(basicConstraints, { ca: false }),
        // Signatures for its offers, agreement so that others can encrypt to it.
        makeExtension(keyUsage, new Set(['digitalSignature', 'keyAgreement'] as const)),
        makeExtension(extendedKeyUsage, [DOCUMENT_SIGNING]),
        identifyKey(request.publicKey),
        identifyIssuer(authority),
      ],
    },
    authorityKey,
  );
  checkNameConstraints(authority.extensions, certificate);
  return certificate;
}
