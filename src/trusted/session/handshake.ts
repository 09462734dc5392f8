/**
 * The key agreement of a session (US 5,671,280, figure 9, with XOR of random numbers replaced): SIGMA-I (Krawczyk 2003) with the MAC under
 * the signature, as IKEv2 has it. Both ends give an ephemeral P-256 key, so neither chooses the result and no later theft of a certified
 * key tells it; the caller shows who it is only after the callee has; keys depend on everything said, both names and the purpose.
 *
 *   hello      session ‖ suite ‖ gX
 *   greeting   gY ‖ {credential_B, list versions, clock, sig_B(hello, gY, MAC(body))} under the greeting key
 *   proof      {credential_A, purpose, about, reply to, list versions, clock, sig_A(hello, greeting, MAC(body))} under the proof key
 */
import type { KeyObject } from 'node:crypto';
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { concatBytes, fromHex, utf8 } from '../../codec/hex.ts';
import { row } from '../../codec/row-shape.ts';
import { bytes, oneOf, optional, type Shape, type Shaped, text, timeMs } from '../../codec/shape.ts';
import { deriveKey } from '../../crypto/agreement.ts';
import { signCompact, verifyCompact } from '../../crypto/compact-key.ts';
import { hmacSha256, sha256 } from '../../crypto/digest.ts';
import { type EphemeralKey, makeEphemeralKey } from '../../crypto/ephemeral-key.ts';
import type { Random } from '../../crypto/random.ts';
import { RAW_SIGNATURE_LENGTH } from '../../crypto/raw-signature.ts';
import { decryptGcm, encryptGcm, NONCE_LENGTH } from '../../crypto/sealing.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { encodeTrustedMessage, SUITE, type TrustedAnswer } from '../message/envelope.ts';
import { listVersionsShape } from '../message/list-change.ts';
import { type PartyCredential, partyCredentialShape } from '../message/party.ts';
import { purposes } from '../message/purpose.ts';

const KEY = 32;
const EMPTY = new Uint8Array();
/** Each key of the handshake seals one message only. */
const ONCE = new Uint8Array(NONCE_LENGTH);
const HANDSHAKE = utf8('Handsel trusted session 1: handshake');
const TRAFFIC = utf8('Handsel trusted session 1: traffic');
const GREETING_LABEL = utf8('Handsel trusted session 1: greeting');
const PROOF_LABEL = utf8('Handsel trusted session 1: proof');

const greetingShape = row({ credential: partyCredentialShape, versions: listVersionsShape, clockMs: timeMs() });
export type GreetingBody = Shaped<typeof greetingShape>;

const proofShape = row({
  credential: partyCredentialShape,
  purpose: oneOf(...purposes),
  /** What the two host sides agreed to call the matter, so that the callee's agent knows what it is for. */
  about: bytes({ max: 64 }),
  /** Where the caller hears statements, if anywhere. */
  replyTo: optional(text({ min: 1, max: 300 })),
  versions: listVersionsShape,
  clockMs: timeMs(),
});
export type ProofBody = Shaped<typeof proofShape>;

interface HandshakeKeys {
  readonly secret: Uint8Array;
  readonly greeting: Uint8Array;
  readonly greetingMac: Uint8Array;
  readonly proof: Uint8Array;
  readonly proofMac: Uint8Array;
}

/** Secret until the session ends: which key seals what the caller says, and which what the callee says. */
export interface SessionKeys {
  readonly caller: Uint8Array;
  readonly callee: Uint8Array;
  /** For keys of other channels inside this session (figure 13). */
  readonly exporter: Uint8Array;
}

/** Whoever speaks in a handshake; a blank device's credential depends on what was said before. */
export interface HandshakeSelf {
  readonly privateKey: KeyObject;
  readonly credential: (transcript: Uint8Array) => PartyCredential;
}

export interface HelloSent {
  /** Secret. */
  readonly ephemeral: EphemeralKey;
  readonly hello: Uint8Array;
}

export function sayHello(session: string, random: Random): HelloSent {
  const ephemeral = makeEphemeralKey(random);
  const { point } = ephemeral;
  return { ephemeral, hello: encodeTrustedMessage({ type: 'hello', session: fromHex(session), suite: SUITE, point }) };
}

export interface GreetingSent {
  /** Secret. */
  readonly keys: HandshakeKeys;
  /** Hash of all that was said. */
  readonly transcript: Uint8Array;
}

type Greeting = Omit<Extract<TrustedAnswer, { type: 'greeting' }>, 'type'>;

/** @throws CryptographicError when the caller's key is no point of the curve */
export function greet(options: {
  readonly hello: Uint8Array;
  readonly point: Uint8Array;
  readonly self: HandshakeSelf;
  readonly body: Omit<GreetingBody, 'credential'>;
  readonly random: Random;
}): GreetingSent & { readonly greeting: Greeting } {
  const { hello, self, random } = options;
  const { point, agree } = makeEphemeralKey(random);
  const started = sha256(hello, point);
  const keys = deriveKeys(agree(options.point), started);
  const body = { ...options.body, credential: self.credential(started) };
  const sealed = sealSigned(greetingShape, body, {
    ...{ label: GREETING_LABEL, said: started, privateKey: self.privateKey },
    ...{ key: keys.greeting, macKey: keys.greetingMac },
  });
  return { keys, transcript: sha256(hello, point, sealed), greeting: { point, sealed } };
}

/** The greeting taken apart; `requireSigned` must be called with the key of whoever it names. */
export function readGreeting({ ephemeral, hello }: HelloSent, { point, sealed }: Greeting) {
  const started = sha256(hello, point);
  const keys = deriveKeys(ephemeral.agree(point), started);
  const opened = openSigned(greetingShape, sealed, {
    ...{ label: GREETING_LABEL, said: started, key: keys.greeting, macKey: keys.greetingMac },
  });
  return { ...opened, started, sent: { keys, transcript: sha256(hello, point, sealed) } };
}

export interface ProofSent {
  readonly sealed: Uint8Array;
  /** Hash of all that was said. */
  readonly transcript: Uint8Array;
}

export function prove(options: {
  readonly greeted: GreetingSent;
  readonly self: HandshakeSelf;
  readonly body: Omit<ProofBody, 'credential'>;
}): ProofSent {
  const { greeted, self } = options;
  const { keys, transcript } = greeted;
  const body = { ...options.body, credential: self.credential(transcript) };
  const sealed = sealSigned(proofShape, body, {
    ...{ label: PROOF_LABEL, said: transcript, privateKey: self.privateKey },
    ...{ key: keys.proof, macKey: keys.proofMac },
  });
  return { sealed, transcript: sha256(transcript, sealed) };
}

/** The proof taken apart; `requireSigned` must be called with the key of whoever it names. */
export function readProof({ keys, transcript }: GreetingSent, sealed: Uint8Array) {
  const opened = openSigned(proofShape, sealed, {
    ...{ label: PROOF_LABEL, said: transcript, key: keys.proof, macKey: keys.proofMac },
  });
  return { ...opened, transcript: sha256(transcript, sealed) };
}

/** The keys of the session proper. */
export function deriveSessionKeys(options: {
  readonly keys: HandshakeKeys;
  readonly transcript: Uint8Array;
  readonly caller: string;
  readonly callee: string;
  readonly purpose: string;
}): SessionKeys {
  const { keys, transcript, caller, callee, purpose } = options;
  const info = concatBytes(TRAFFIC, encodeCbor([caller, callee, purpose]));
  const derived = deriveKey({ secret: keys.secret, salt: transcript, info, length: 3 * KEY });
  return {
    caller: derived.slice(0, KEY),
    callee: derived.slice(KEY, 2 * KEY),
    exporter: derived.slice(2 * KEY),
  };
}

function deriveKeys(secret: Uint8Array, started: Uint8Array): HandshakeKeys {
  const derived = deriveKey({ secret, salt: started, info: HANDSHAKE, length: 4 * KEY });
  const part = (at: number) => derived.slice(at * KEY, (at + 1) * KEY);
  return { secret, greeting: part(0), greetingMac: part(1), proof: part(2), proofMac: part(3) };
}

const signedShape = row({
  body: bytes({ max: 4096 }),
  signature: bytes({ min: RAW_SIGNATURE_LENGTH, max: RAW_SIGNATURE_LENGTH }),
});

interface Under {
  readonly label: Uint8Array;
  /** Hash of what was said before. */
  readonly said: Uint8Array;
  readonly key: Uint8Array;
  readonly macKey: Uint8Array;
}

/** The MAC under the signature shows that whoever signs knows the agreed secret, and binds its name to it. */
const textToSign = ({ label, said, macKey }: Under, body: Uint8Array) =>
  concatBytes(label, said, hmacSha256(macKey, body));

function sealSigned<T>(shape: Shape<T>, value: T, under: Under & { readonly privateKey: KeyObject }): Uint8Array {
  const body = encodeCbor(shape.encode(value));
  const signature = signCompact(under.privateKey, textToSign(under, body));
  const plaintext = encodeCbor(signedShape.encode({ body, signature }));
  return encryptGcm({ key: under.key, nonce: ONCE, plaintext, associatedData: EMPTY });
}

/** @throws CryptographicError for whatever is wrong with it */
function openSigned<T>(shape: Shape<T>, sealed: Uint8Array, under: Under) {
  try {
    const plaintext = decryptGcm({ key: under.key, nonce: ONCE, ciphertext: sealed, associatedData: EMPTY });
    const { body, signature } = signedShape.decode(decodeCbor(plaintext), 'handshake');
    return {
      body: shape.decode(decodeCbor(body), 'handshake'),
      requireSigned(key: Uint8Array) {
        if (verifyCompact(key, textToSign(under, body), signature)) return;
        throw new CryptographicError(new Error('whoever is at the other end is not whom it names'));
      },
    };
  } catch (cause) {
    throw cause instanceof CryptographicError ? cause : new CryptographicError(cause);
  }
}
