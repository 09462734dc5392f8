/** What a platform's decision is made from, and the decision while it is being put together. */
import type { KeyObject } from 'node:crypto';
import { type MessageType, requireReadable, signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env, Outgoing, Timer } from '../../journal/machine.ts';
import { type Certificate, readCertificate } from '../../pki/certificate.ts';
import type { KeyRing } from './agent-key.ts';
import type { PlatformInput } from './platform-input.ts';
import type { PlatformRecord } from './platform-record.ts';
import { type PlatformState, remember } from './platform-state.ts';

export interface PlatformSettings {
  /** Base URL under which other parties reach this platform. */
  readonly url: string;
  /** With how many merchants a customer agent bargains at once. */
  readonly talksAtOnce: number;
}

export interface Deciding {
  readonly state: PlatformState;
  readonly env: Env;
  readonly settings: PlatformSettings;
  readonly keys: KeyRing;
}

export interface Draft {
  readonly records: PlatformRecord[];
  readonly inputs: PlatformInput[];
  readonly send: Outgoing[];
  readonly cancel: string[];
  readonly timers: Timer[];
  readonly clearTimers: string[];
  readonly keys: Set<string>;
  answer?: Uint8Array;
}

export function emptyDraft(): Draft {
  return { records: [], inputs: [], send: [], cancel: [], timers: [], clearTimers: [], keys: new Set() };
}

export function finish(draft: Draft): Decision<PlatformRecord> {
  const { records, inputs, send, cancel, timers, clearTimers, keys, answer } = draft;
  return {
    records,
    ...(inputs.length > 0 ? { inputs } : {}),
    ...(send.length > 0 ? { send } : {}),
    ...(cancel.length > 0 ? { cancel } : {}),
    ...(timers.length > 0 ? { timers } : {}),
    ...(clearTimers.length > 0 ? { clearTimers } : {}),
    ...(keys.size > 0 ? { keys: [...keys] } : {}),
    ...(answer === undefined ? {} : { answer }),
  };
}

interface SigningAgent {
  readonly id: string;
  readonly sealedKey: Uint8Array;
  readonly chain: readonly Uint8Array[];
}

export function privateKeyOf(context: Deciding, agent: SigningAgent): KeyObject {
  return context.keys.keyOf(agent.id, agent.sealedKey);
}

/**
 * Signs as a hosted agent: with its certificate chain for those who meet it first, else with the key identifier only.
 * @throws MessageError when the message would be out of bounds
 */
export function signAs<T>(
  context: Deciding,
  agent: SigningAgent,
  type: MessageType<T>,
  value: T,
  introduce: 'with-chain' | 'known' = 'known',
): Uint8Array {
  const bytes = signMessage(type, value, {
    privateKey: privateKeyOf(context, agent),
    ...(introduce === 'with-chain' ? { certificateChain: agent.chain } : { keyId: keyIdOf(leafOf(agent.chain)) }),
  });
  requireReadable(type, value, bytes);
  remember(bytes, value);
  return bytes;
}

const KEY_ID_LENGTH = 8;

export function keyIdOf(certificate: Certificate): Uint8Array {
  return certificate.thumb.subarray(0, KEY_ID_LENGTH);
}

// A certificate is a pure function of its bytes, and parsed once while they are in memory.
const parsed = new WeakMap<Uint8Array, Certificate>();

export function certificateOf(der: Uint8Array): Certificate {
  let certificate = parsed.get(der);
  if (certificate === undefined) {
    certificate = readCertificate(der);
    parsed.set(der, certificate);
  }
  return certificate;
}

export function leafOf(chain: readonly Uint8Array[]): Certificate {
  return certificateOf(chain[0]!);
}
