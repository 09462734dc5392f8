/**
 * TLS between parties: version 1.3 only, trust in the agency's anchors only, and the peer's identity taken from its
 * communication certificate. Certificates here must not carry critical extensions that OpenSSL does not know.
 */
import type { SecureContextOptions, TLSSocket, TlsOptions } from 'node:tls';

/** PEM texts throughout. */
export interface TlsTrust {
  /** The only roots that count; the machine's own are not consulted. */
  readonly anchorsPem: string;
  /** When given, every certificate of a path must be covered by a current list of its issuer. */
  readonly revocationListsPem?: readonly string[];
}

export interface TlsIdentity {
  /** Own certificate first, then intermediates. */
  readonly certificateChainPem: string;
  readonly privateKeyPem: string;
}

export type ServerTls = TlsTrust &
  TlsIdentity & {
    /** False lets clients without a certificate in (they have no `peer`); one that shows a bad certificate never gets in. */
    readonly requireClient: boolean;
    /** False where nobody is to say who he is: then clients are not even asked for a certificate. */
    readonly askClient?: boolean;
  };

export type ClientTls = TlsTrust & Partial<TlsIdentity>;

export interface PeerIdentity {
  /** The subject's attributes in the certificate's order, `C=NL, O=Shop, CN=merchant`: for logs and limits, not for parsing. */
  readonly subject: string;
  readonly certificateDer: Uint8Array;
  /** SHA-256 of the certificate, in hexadecimal. */
  readonly fingerprint: string;
}

/** Without this no cipher suite of TLS 1.2 or before is even offered. */
const VERSION = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const;

export function serverTlsOptions(tls: ServerTls): TlsOptions {
  const { requireClient, askClient = true } = tls;
  return { ...contextOptions(tls), requestCert: requireClient || askClient, rejectUnauthorized: requireClient };
}

export function clientTlsOptions(tls: ClientTls): SecureContextOptions & { rejectUnauthorized: true } {
  return { ...contextOptions(tls), rejectUnauthorized: true };
}

/** Also what `server.setSecureContext` takes when certificates or revocation lists are replaced while running. */
export function contextOptions(tls: ClientTls): SecureContextOptions {
  return {
    ...VERSION,
    ca: tls.anchorsPem,
    ...(tls.certificateChainPem === undefined ? {} : { cert: tls.certificateChainPem }),
    ...(tls.privateKeyPem === undefined ? {} : { key: tls.privateKeyPem }),
    ...(tls.revocationListsPem === undefined ? {} : { crl: [...tls.revocationListsPem] }),
  };
}

/** Whether the peer showed a certificate that does not lead to our anchors (possible only where clients need none). */
export function showedBadCertificate(socket: TLSSocket): boolean {
  return !socket.authorized && socket.getPeerX509Certificate() !== undefined;
}

/** Who is at the other end, once TLS has checked the certificate; undefined for a peer without one. */
export function peerOf(socket: TLSSocket): PeerIdentity | undefined {
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
  if (certificate === undefined) return undefined;
  return {
    subject: certificate.subject.replaceAll('\n', ', '),
    certificateDer: new Uint8Array(certificate.raw),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}
