/**
 * Customer agent → station: start the wallet (EP 1 006 469, claim 7, paragraph 0019). Encrypted under a random session key that is
 * itself encrypted to the station's communication certificate, time-stamped, with a nonce, and signed with the agent's key.
 */
import type { KeyObject } from 'node:crypto';
import { bytes, record, type Shaped, timeMs } from '../../codec/shape.ts';
import { decryptCose, encryptCose } from '../../crypto/cose-encrypt.ts';
import { parseCose1, signCose1 } from '../../crypto/cose-sign1.ts';
import type { Random } from '../../crypto/random.ts';
import { decodeShape, encodeShape, type MessageType, type Signer } from '../../crypto/signed-message.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { identity, url } from './mandate.ts';
import { offerChainShape } from './offer-chain.ts';
import { tokenShape } from './token.ts';

const paymentStartShape = record({
  mandate: identity,
  token: tokenShape,
  agreement: bytes({ min: 1, max: 262_144 }),
  chain: offerChainShape,
  /** Where the wallet sends SET messages. */
  merchantUrl: url,
  atMs: timeMs(),
  nonce: bytes({ min: 16, max: 16 }),
});

export type PaymentStart = Shaped<typeof paymentStartShape>;

const MAX_BYTES = 2_000_000;
const SIGNED_TYPE = 'application/handsel-payment-start+cose';
const INNER_TYPE = 'application/handsel-payment-start+cbor';
const innerType: MessageType<PaymentStart> = { name: 'payment-start', shape: paymentStartShape, maxBytes: MAX_BYTES };

export function createPaymentStart(options: {
  readonly value: PaymentStart;
  readonly signer: Signer;
  /** The public key of the station's communication certificate. */
  readonly station: KeyObject;
  readonly random: Random;
}): Uint8Array {
  const { value, signer, station, random } = options;
  const encrypted = encryptCose({
    plaintext: encodeShape(innerType, value),
    recipient: station,
    contentType: INNER_TYPE,
    random,
  });
  return signCose1({ payload: encrypted, contentType: SIGNED_TYPE, ...signer });
}

/** Signed by the agent, not yet decrypted and not yet checked. */
export interface ReceivedPaymentStart {
  /** The agent's, leaf first. */
  readonly certificateChain: readonly Uint8Array[];
  /**
   * Call it with the key of the agent certificate once that has been validated.
   * @throws CryptographicError for a wrong signature, another recipient or damage; MessageError when the content is not one
   */
  open(agent: KeyObject, station: KeyObject): PaymentStart;
}

/** @throws CryptographicError when it is not a signed payment start */
export function readPaymentStart(bytes: Uint8Array): ReceivedPaymentStart {
  const parsed = parseCose1(bytes, { maxBytes: MAX_BYTES });
  if (parsed.contentType !== SIGNED_TYPE) throw new CryptographicError(new Error('not a payment start'));
  return {
    certificateChain: parsed.certificateChain,
    open(agent, station) {
      if (!parsed.isSignedBy(agent)) throw new CryptographicError(new Error('payment start: signature'));
      const plaintext = decryptCose({
        bytes: parsed.payload,
        privateKey: station,
        contentType: INNER_TYPE,
        maxBytes: MAX_BYTES,
      });
      return decodeShape(innerType, plaintext);
    },
  };
}
