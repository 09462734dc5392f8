/** Who is at the other end of a session: a trusted agent, a trusted server, a primary server, or a device that has no certificate yet. */
import { toHex } from '../../codec/hex.ts';
import { type ChoiceOf, choice, numbered } from '../../codec/row-shape.ts';
import { bytes, digest } from '../../codec/shape.ts';
import { COMPACT_KEY_LENGTH } from '../../crypto/compact-key.ts';
import { equalSecrets } from '../../crypto/constant-time.ts';
import { hmacSha256, sha256 } from '../../crypto/digest.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { type AgentId, formatAgentId, type PrimaryId, primaryIdShape, type ServerId } from './agent-id.ts';
import {
  type AgentCertificate,
  agentCertificateShape,
  type ServerCertificate,
  serverCertificateShape,
} from './certificate.ts';
import { TrustedError } from './trusted-error.ts';
import {
  requireTrustedAgent,
  requireTrustedServer,
  type Validation,
  validateAgentCertificate,
  validateServerCertificate,
} from './validate-certificate.ts';

const ENROLMENT_LENGTH = 16;

const credentials = {
  agent: numbered(1, { certificate: agentCertificateShape() }),
  server: numbered(2, { certificate: serverCertificateShape() }),
  /** A primary server needs no certificate: its key is on everybody's list. */
  primary: numbered(3, { primaryId: primaryIdShape() }),
  /** A device fresh from where it is made: its key, and proof that it holds the token under which it was announced. */
  blank: numbered(4, {
    publicKey: bytes({ min: COMPACT_KEY_LENGTH, max: COMPACT_KEY_LENGTH }),
    enrolment: bytes({ min: ENROLMENT_LENGTH, max: ENROLMENT_LENGTH }),
    proof: digest(),
  }),
};

/** What a party shows of itself, under the session's encryption. */
export type PartyCredential = ChoiceOf<typeof credentials>;
export const partyCredentialShape = choice(credentials);
export type PeerType = keyof typeof credentials;

/** A party whose credential was checked, as plain data. */
export type Peer =
  | { readonly type: 'agent'; readonly agentId: AgentId; readonly certificate: AgentCertificate }
  | { readonly type: 'server'; readonly serverId: ServerId; readonly certificate: ServerCertificate }
  | { readonly type: 'primary'; readonly primaryId: PrimaryId }
  | { readonly type: 'blank'; readonly publicKey: Uint8Array; readonly enrolment: string };

export type AgentPeer = Extract<Peer, { type: 'agent' }>;

/** How an enrolment token is named in public. */
export function enrolmentOf(token: Uint8Array): Uint8Array {
  return sha256(token).subarray(0, ENROLMENT_LENGTH);
}

export function enrolmentProof(token: Uint8Array, transcript: Uint8Array): Uint8Array {
  return hmacSha256(token, transcript);
}

export interface PartyChecks extends Validation {
  /** Whether an agent that is untrusted is let in all the same. */
  readonly fallenAllowed?: boolean;
  /** What a blank device's proof is made over. */
  readonly transcript: Uint8Array;
  /** The token announced under this name, while it waits for its device. */
  readonly tokenOf: (enrolment: string) => Uint8Array | undefined;
}

/** @throws CryptographicError or TrustedError when it is not to be believed, or the party is untrusted */
export function identifyParty(credential: PartyCredential, checks: PartyChecks): Peer {
  switch (credential.type) {
    case 'agent': {
      const { certificate } = credential;
      validateAgentCertificate(certificate, checks);
      if (checks.fallenAllowed !== true) requireTrustedAgent(certificate, checks.lists);
      return { type: 'agent', agentId: certificate.agentId, certificate };
    }
    case 'server': {
      const { certificate } = credential;
      validateServerCertificate(certificate, checks);
      requireTrustedServer(certificate, checks.lists);
      return { type: 'server', serverId: certificate.serverId, certificate };
    }
    case 'primary': {
      const key = checks.lists.primaryKeys.keys.get(credential.primaryId);
      if (key === undefined || key.fromDay > checks.onDay) {
        throw new TrustedError(
          'CERTIFICATE_UNFIT',
          `primary server ${credential.primaryId} is not on the list of keys`,
        );
      }
      return { type: 'primary', primaryId: credential.primaryId };
    }
    case 'blank': {
      const enrolment = toHex(credential.enrolment);
      const token = checks.tokenOf(enrolment);
      if (token === undefined || !equalSecrets(enrolmentProof(token, checks.transcript), credential.proof)) {
        throw new CryptographicError(new Error('no device was announced with this token'));
      }
      return { type: 'blank', publicKey: credential.publicKey, enrolment };
    }
  }
}

/** The compact key that a party signs with. @throws TrustedError when a primary server has left the list meanwhile */
export function keyOfPeer(peer: Peer, { lists }: Pick<Validation, 'lists'>): Uint8Array {
  if (peer.type === 'blank') return peer.publicKey;
  if (peer.type !== 'primary') return peer.certificate.publicKey;
  const key = lists.primaryKeys.keys.get(peer.primaryId);
  if (key === undefined) throw new TrustedError('CERTIFICATE_UNFIT', `no key of primary server ${peer.primaryId}`);
  return key.publicKey;
}

/** Unambiguous among all parties; also what people read in logs. */
export function nameOfPeer(peer: Peer): string {
  switch (peer.type) {
    case 'agent':
      return `agent ${formatAgentId(peer.agentId)}`;
    case 'server':
      return `server ${peer.serverId}`;
    case 'primary':
      return `primary ${peer.primaryId}`;
    case 'blank':
      return `blank ${peer.enrolment}`;
  }
}
