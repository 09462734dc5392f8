/**
 * cert(TS) and cert(TA) (US 5,671,280, "System Security"): number, public key and expiry date under the signature of whoever is above. Not
 * X.509: tickets carry one for each agent that ever held them, so every field has a fixed width and a key 32 bytes.
 *
 *   cert(TS) = TS(id) ‖ TS(PK) ‖ expires ‖ σPTS ‖ PTS(id)        cert(TA) = TA(id) ‖ kind ‖ TA(PK) ‖ expires ‖ σTS ‖ cert(TS)
 */
import type { KeyObject } from 'node:crypto';
import { concatBytes, utf8 } from '../../codec/hex.ts';
import { MessageError } from '../../codec/message-error.ts';
import type { Shape } from '../../codec/shape.ts';
import { COMPACT_KEY_LENGTH, signCompact } from '../../crypto/compact-key.ts';
import { RAW_SIGNATURE_LENGTH } from '../../crypto/raw-signature.ts';
import type { AgentId, PrimaryId, ServerId } from './agent-id.ts';
import { type FixedReader, fixed, readFixed } from './fixed-bytes.ts';

export const agentKinds = ['customer', 'merchant', 'authority'] as const;
export type AgentKind = (typeof agentKinds)[number];

/** What a primary server signs (X in the text, with the number of its own key, which there stands outside). */
export interface ServerClaims {
  readonly serverId: ServerId;
  /** Compact, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The last day on which it is valid. */
  readonly expiresDay: number;
  readonly primaryId: PrimaryId;
}

export interface ServerCertificate extends ServerClaims {
  readonly signature: Uint8Array;
}

/** What a trusted server signs (Y in the text, with the kind of agent and the signer's number). */
export interface AgentClaims {
  readonly agentId: AgentId;
  readonly kind: AgentKind;
  /** Compact, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The last day on which it is valid. */
  readonly expiresDay: number;
}

export interface AgentCertificate extends AgentClaims {
  readonly signature: Uint8Array;
  readonly server: ServerCertificate;
}

const SERVER_LABEL = utf8('Handsel cert(TS) 1');
const AGENT_LABEL = utf8('Handsel cert(TA) 1');

export function serverClaimsText(claims: ServerClaims): Uint8Array {
  return concatBytes(
    SERVER_LABEL,
    fixed(2, claims.serverId),
    claims.publicKey,
    fixed(2, claims.expiresDay),
    fixed(1, claims.primaryId),
  );
}

export function agentClaimsText(claims: AgentClaims, serverId: ServerId): Uint8Array {
  return concatBytes(
    AGENT_LABEL,
    fixed(6, claims.agentId),
    fixed(1, agentKinds.indexOf(claims.kind)),
    claims.publicKey,
    fixed(2, claims.expiresDay),
    fixed(2, serverId),
  );
}

export function certifyServer(claims: ServerClaims, primaryKey: KeyObject): ServerCertificate {
  return { ...claims, signature: signCompact(primaryKey, serverClaimsText(claims)) };
}

export function certifyAgent(
  claims: AgentClaims,
  server: { readonly certificate: ServerCertificate; readonly privateKey: KeyObject },
): AgentCertificate {
  const signature = signCompact(server.privateKey, agentClaimsText(claims, server.certificate.serverId));
  return { ...claims, signature, server: server.certificate };
}

export function encodeServerCertificate(certificate: ServerCertificate): Uint8Array {
  const { serverId, publicKey, expiresDay, primaryId, signature } = certificate;
  return concatBytes(fixed(2, serverId), publicKey, fixed(2, expiresDay), fixed(1, primaryId), signature);
}

export function encodeAgentCertificate(certificate: AgentCertificate): Uint8Array {
  const { agentId, kind, publicKey, expiresDay, signature, server } = certificate;
  return concatBytes(
    fixed(6, agentId),
    fixed(1, agentKinds.indexOf(kind)),
    publicKey,
    fixed(2, expiresDay),
    signature,
    encodeServerCertificate(server),
  );
}

/** @throws MessageError */
export function decodeServerCertificate(bytes: Uint8Array): ServerCertificate {
  const reader = readFixed(bytes, 'cert(TS)');
  const certificate = readServerCertificate(reader);
  reader.end();
  return certificate;
}

/** @throws MessageError */
export function decodeAgentCertificate(bytes: Uint8Array): AgentCertificate {
  const reader = readFixed(bytes, 'cert(TA)');
  const certificate = {
    agentId: reader.number(6),
    kind: agentKindOf(reader.number(1)),
    publicKey: reader.bytes(COMPACT_KEY_LENGTH),
    expiresDay: reader.number(2),
    signature: reader.bytes(RAW_SIGNATURE_LENGTH),
    server: readServerCertificate(reader),
  };
  reader.end();
  return certificate;
}

/** @throws MessageError */
export function agentKindOf(code: number): AgentKind {
  const kind = agentKinds[code];
  if (kind === undefined) throw new MessageError('MESSAGE_INVALID', `no kind of agent has the number ${code}`);
  return kind;
}

function readServerCertificate(reader: FixedReader): ServerCertificate {
  return {
    serverId: reader.number(2),
    publicKey: reader.bytes(COMPACT_KEY_LENGTH),
    expiresDay: reader.number(2),
    primaryId: reader.number(1),
    signature: reader.bytes(RAW_SIGNATURE_LENGTH),
  };
}

export function agentCertificateShape(): Shape<AgentCertificate> {
  return embedded('cert(TA)', encodeAgentCertificate, decodeAgentCertificate);
}

export function serverCertificateShape(): Shape<ServerCertificate> {
  return embedded('cert(TS)', encodeServerCertificate, decodeServerCertificate);
}

function embedded<T>(name: string, encode: (value: T) => Uint8Array, decode: (bytes: Uint8Array) => T): Shape<T> {
  return {
    encode,
    decode(value, at) {
      if (!(value instanceof Uint8Array)) throw new MessageError('MESSAGE_INVALID', `${at}: expected a ${name}`);
      return decode(value);
    },
  };
}
