/** Where messages reach a platform: parsed and bounded once, their signers' certificates validated, before the machine decides. */
import { toHex } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { encodeShape, readMessage, type SignedMessage } from '../../crypto/signed-message.ts';
import { CryptographicError, HandselError } from '../../handsel-error.ts';
import { type Certificate, readCertificate } from '../../pki/certificate.ts';
import { nameAttribute } from '../../pki/name.ts';
import { callType } from '../message/call-for-proposals.ts';
import {
  agentStatusType,
  deployType,
  launchType,
  merchantListType,
  merchantsType,
  recallType,
  reserveType,
  statusType,
} from '../message/hosting.ts';
import { mandateType } from '../message/mandate.ts';
import { merchantParametersType } from '../message/merchant-parameters.ts';
import { completionType, passedCompletionType, paymentRefusalType } from '../message/payment.ts';
import { merchantsOf, statusOf } from './hosting.ts';
import { PlatformError } from './platform-error.ts';
import type { Owner, PlatformInput } from './platform-input.ts';
import type { PlatformState } from './platform-state.ts';

/** Validates a chain, leaf first. @throws PkiError */
type Validate = (chain: readonly Certificate[], atMs: number) => void;

export interface PlatformDoorOptions {
  /** For communication certificates of stations and merchants. */
  readonly validateOwner: Validate;
  /** For certificates of agents, issued under an owner's agent authority. */
  readonly validateAgent: Validate;
}

export interface ReceivedMessage {
  /** For `Host.handle`: the same message again is the same input. */
  readonly messageId: string;
  readonly digest: Uint8Array;
  readonly input: PlatformInput;
}

export interface PlatformDoor {
  /** @throws HandselError; every cryptographic cause looks the same from outside */
  receive(kind: string, body: Uint8Array, nowMs: number): ReceivedMessage;
  /** The answer to a `status` message: a query, so it is no input. @throws HandselError */
  status(state: Readonly<PlatformState>, body: Uint8Array, nowMs: number): Uint8Array;
  /** The answer to a `merchants` message, also a query. @throws HandselError */
  merchants(state: Readonly<PlatformState>, body: Uint8Array, nowMs: number): Uint8Array;
}

/** The kinds of message a platform takes at `POST /agent/KIND`, besides the queries `status` and `merchants`. */
export const platformKinds = [
  'reserve',
  'launch',
  'deploy',
  'recall',
  'call',
  'offer',
  'acceptance',
  'ending',
  'pay-by-card',
  'payment-refusal',
  'completion',
  'passed-completion',
] as const;

/** Orders about an agent are taken this long before and after the time they bear. */
const FRESH_MS = 5 * 60_000;

export function createPlatformDoor(options: PlatformDoorOptions): PlatformDoor {
  return {
    receive(kind, body, nowMs) {
      const digest = sha256(body);
      return { messageId: `${kind} ${toHex(digest)}`, digest, input: inputOf(options, kind, body, nowMs) };
    },
    status(state, body, nowMs) {
      const message = readMessage(statusType, body);
      const owner = ownerOf(message, options.validateOwner, nowMs);
      requireFresh(message.value.atMs, nowMs);
      return encodeShape(agentStatusType, statusOf(state, owner, message.value.agent));
    },
    merchants(state, body, nowMs) {
      const message = readMessage(merchantsType, body);
      ownerOf(message, options.validateOwner, nowMs);
      requireFresh(message.value.atMs, nowMs);
      return encodeShape(merchantListType, merchantsOf(state));
    },
  };
}

function inputOf(options: PlatformDoorOptions, kind: string, body: Uint8Array, nowMs: number): PlatformInput {
  const { validateOwner, validateAgent } = options;
  switch (kind) {
    case 'reserve': {
      const message = readMessage(reserveType, body);
      return { type: 'reserve', owner: ownerOf(message, validateOwner, nowMs), value: message.value };
    }
    case 'launch': {
      const message = readMessage(launchType, body);
      const signer = signerOf(message, validateOwner, nowMs);
      const mandate = readMessage(mandateType, message.value.mandate);
      mandate.requireSignature(signer.publicKey);
      const agent = leafOf(message.value.agentChain, validateAgent, nowMs);
      const { publicKeyDer: agentKey, thumb: agentThumb } = agent;
      const owner = ownerIn(signer);
      return { type: 'launch', owner, value: message.value, mandate: mandate.value, agentKey, agentThumb };
    }
    case 'deploy': {
      const message = readMessage(deployType, body);
      const signer = signerOf(message, validateOwner, nowMs);
      const parameters = readMessage(merchantParametersType, message.value.parameters);
      parameters.requireSignature(signer.publicKey);
      const agent = leafOf(message.value.agentChain, validateAgent, nowMs);
      requireName(parameters.value.merchant.id, signer, agent);
      const { publicKeyDer: agentKey } = agent;
      return { type: 'deploy', owner: ownerIn(signer), value: message.value, parameters: parameters.value, agentKey };
    }
    case 'recall': {
      const message = readMessage(recallType, body);
      const owner = ownerOf(message, validateOwner, nowMs);
      requireFresh(message.value.atMs, nowMs);
      return { type: 'recall', owner, agent: message.value.agent };
    }
    case 'call': {
      const message = readMessage(callType, body);
      callerOf(message, options, nowMs);
      return { type: 'call', message };
    }
    case 'payment-refusal': {
      // Not asked to be fresh: the station repeats it while the platform is away, and it is about one order only.
      const message = readMessage(paymentRefusalType, body);
      return { type: 'payment-refusal', owner: ownerOf(message, validateOwner, nowMs), value: message.value };
    }
    case 'completion': {
      const message = readMessage(completionType, body);
      return { type: 'completion', owner: ownerOf(message, validateOwner, nowMs), message };
    }
    case 'passed-completion': {
      const completion = readMessage(completionType, readMessage(passedCompletionType, body).value.completion);
      ownerOf(completion, validateOwner, nowMs);
      return { type: 'passed-completion', bytes: body, completion };
    }
    // These carry only a key identifier: the machine knows the key from the call and checks the signature with it.
    case 'offer':
    case 'acceptance':
    case 'ending':
    case 'pay-by-card':
      return { type: kind, bytes: body };
    default:
      throw new PlatformError('MESSAGE_KIND_UNKNOWN', 'this platform takes no such message');
  }
}

/** The certificate that signed the message, its path validated. @throws CryptographicError */
function signerOf(message: SignedMessage<unknown>, validate: Validate, nowMs: number): Certificate {
  const leaf = leafOf(message.certificateChain, validate, nowMs);
  message.requireSignature(leaf.publicKey);
  return leaf;
}

function ownerOf(message: SignedMessage<unknown>, validate: Validate, nowMs: number): Owner {
  return ownerIn(signerOf(message, validate, nowMs));
}

function ownerIn(certificate: Certificate): Owner {
  return { name: toHex(certificate.subject.der), publicKey: certificate.publicKeyDer };
}

/** An agent from another platform, or a station that deals with merchant agents by itself (EP 1 006 469, claim 3). */
function callerOf(message: SignedMessage<unknown>, options: PlatformDoorOptions, nowMs: number): void {
  try {
    signerOf(message, options.validateAgent, nowMs);
  } catch {
    signerOf(message, options.validateOwner, nowMs);
  }
}

/** A merchant presents itself under its own name only: the wallet guard would not pay its agent under another. */
function requireName(merchant: string, ...certificates: readonly Certificate[]): void {
  if (certificates.some(({ subject }) => nameAttribute(subject, 'CN') !== merchant)) {
    throw new PlatformError('MERCHANT_OF_ANOTHER', 'the certificates are not those of the merchant named');
  }
}

function leafOf(chain: readonly Uint8Array[], validate: Validate, nowMs: number): Certificate {
  try {
    const certificates = chain.map((der) => readCertificate(der));
    const leaf = certificates[0];
    if (leaf === undefined) throw new Error('no certificate chain');
    validate(certificates, nowMs);
    return leaf;
  } catch (cause) {
    throw cause instanceof HandselError && cause.code === 'CRYPTOGRAPHIC_FAILURE'
      ? cause
      : new CryptographicError(cause);
  }
}

function requireFresh(atMs: number, nowMs: number): void {
  if (Math.abs(nowMs - atMs) > FRESH_MS) throw new PlatformError('MESSAGE_NOT_FRESH', 'the message is too old');
}
