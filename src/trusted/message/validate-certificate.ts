/**
 * Validating cert(TS) and cert(TA), step by step as US 5,671,280 writes it ("System Security", the certificate validation protocols), and the
 * separate question whether whoever it names is on the list of the untrusted.
 */
import { toHex } from '../../codec/hex.ts';
import { verifyCompact } from '../../crypto/compact-key.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { formatAgentId } from './agent-id.ts';
import { type AgentCertificate, agentClaimsText, type ServerCertificate, serverClaimsText } from './certificate.ts';
import { isUntrusted, type TrustLists } from './trust-lists.ts';
import { TrustedError } from './trusted-error.ts';

export interface Validation {
  readonly lists: TrustLists;
  /** The day on which the certificate must be valid: today, or the day on which something was signed. */
  readonly onDay: number;
  /** Figure 9, step 308: an agent that comes to be recertified may have a certificate that has expired. */
  readonly expiredAgent?: boolean;
}

/**
 * 1) Validate cert(TS).
 * @throws CryptographicError, TrustedError `CERTIFICATE_EXPIRED` or `CERTIFICATE_UNFIT`
 */
export function validateServerCertificate(certificate: ServerCertificate, validation: Validation): void {
  const { lists, onDay, expiredAgent = false } = validation;
  // a) the key that PTS(id) names
  const primary = lists.primaryKeys.keys.get(certificate.primaryId);
  if (primary === undefined) {
    throw new TrustedError('CERTIFICATE_UNFIT', `primary server ${certificate.primaryId} is not on the list of keys`);
  }
  if (primary.fromDay > onDay) {
    throw new TrustedError('CERTIFICATE_UNFIT', `the key of primary server ${certificate.primaryId} is not in use yet`);
  }

  // b) the date; under an agent's expired certificate there may be one of its server that has expired, too
  if (!expiredAgent) requireDate(certificate.expiresDay, onDay, `trusted server ${certificate.serverId}`);

  // c) the signature
  requireSigned(primary.publicKey, serverClaimsText(certificate), certificate.signature);
}

/** 2) Validate cert(TA). @throws as `validateServerCertificate` */
export function validateAgentCertificate(certificate: AgentCertificate, validation: Validation): void {
  const { agentId, expiresDay, server, signature } = certificate;

  // a) its cert(TS)
  validateServerCertificate(server, validation);

  // c) the date
  if (validation.expiredAgent !== true) requireDate(expiresDay, validation.onDay, `agent ${formatAgentId(agentId)}`);

  // d) the signature
  requireSigned(server.publicKey, agentClaimsText(certificate, server.serverId), signature);
}

function requireDate(expiresDay: number, onDay: number, whose: string): void {
  if (onDay > expiresDay) throw new TrustedError('CERTIFICATE_EXPIRED', `the certificate of ${whose} has expired`);
}

/** @throws TrustedError `PARTY_UNTRUSTED` when the agent or the server that certified it is on the list */
export function requireTrustedAgent({ agentId, server }: AgentCertificate, lists: TrustLists): void {
  if (isUntrusted(lists, { type: 'agent', agentId })) {
    throw new TrustedError('PARTY_UNTRUSTED', `agent ${formatAgentId(agentId)} is untrusted`);
  }
  requireTrustedServer(server, lists);
}

/** @throws TrustedError `PARTY_UNTRUSTED` */
export function requireTrustedServer({ serverId }: ServerCertificate, lists: TrustLists): void {
  if (isUntrusted(lists, { type: 'server', serverId })) {
    throw new TrustedError('PARTY_UNTRUSTED', `trusted server ${serverId} is decommissioned`);
  }
}

/** The same few certificates are met again and again: what key signed which text with what stays true for ever. */
const genuine = new Map<string, string>();
const maxRemembered = 4096;

function requireSigned(publicKey: Uint8Array, text: Uint8Array, signature: Uint8Array): void {
  const key = toHex(signature);
  const signed = `${toHex(publicKey)}${toHex(text)}`;
  if (genuine.get(key) === signed) return;
  if (!verifyCompact(publicKey, text, signature))
    throw new CryptographicError(new Error('a certificate is not genuine'));
  if (genuine.size >= maxRemembered) genuine.delete(genuine.keys().next().value!);
  genuine.set(key, signed);
}
