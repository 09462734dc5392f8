/**
 * The port through which a trusted agent has something paid: a money module in the same device, or a network that authorises cards. The port is
 * a party with a journal of its own, reached by the agent's outbox, so every request may come twice and is then answered the same.
 *
 *   agent → port        begin · hear · verified · execute · query · stop · commit · abort
 *   port → agent        say · verify · prepared · paid · failed · pending · noted
 *
 * `prepared`: it can be paid and can still be undone. `paid`: it is paid; for a port whose `paid` can still be undone (an authorisation) the agent
 * says `commit` or `abort` after it. Who hears `paid` or `failed` from its port decides the transaction.
 *
 * Under way everything but the opening is sealed (figure 13, channels 438 and 440): for a card under a key that the opening, encrypted to the
 * network, brings along; for a module under a key to which both agents contributed and of which each module hears the other half from the
 * other module, so that a module knows that its money moves in the transaction its own agent is in.
 */
import type { KeyObject } from 'node:crypto';
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { concatBytes, utf8 } from '../../codec/hex.ts';
import { type ChoiceOf, choice, numbered } from '../../codec/row-shape.ts';
import { bytes, oneOf, optional, type Shape, text, whole } from '../../codec/shape.ts';
import { deriveKey } from '../../crypto/agreement.ts';
import { decryptCose, encryptCose } from '../../crypto/cose-encrypt.ts';
import type { Random } from '../../crypto/random.ts';
import { open, SEALING_KEY_LENGTH, seal } from '../../crypto/sealing.ts';
import { CryptographicError, HandselError } from '../../handsel-error.ts';
import { amountShape } from './amount-shape.ts';
import { agentCertificateShape } from './certificate.ts';
import { maxOrderBytes } from './payment-order.ts';
import { maxReceiptBytes, TRANSACTION_ID_LENGTH } from './statement.ts';

export const maxRoutedBytes = 65_536;

const ticket = () => bytes({ min: 1, max: 65_536 });
const mark = () => bytes({ min: 1, max: 1024 });

const requests = {
  /** To a card network: is this order good? A refund if the order says so. */
  authorise: numbered(1, {
    order: bytes({ min: 1, max: maxOrderBytes }),
    credential: ticket(),
    mark: optional(mark()),
    /** Whoever asks, and is going to say how it ended. */
    payee: agentCertificateShape(),
    /** Its own credential, a merchant's or authority's: in whose name it is paid. */
    payeeCredential: optional(ticket()),
    /** Of a refund: the payee's signature that it gives that back (`signRefund`). */
    consent: optional(bytes({ min: 64, max: 64 })),
  }),
  /** To a money module (steps 538 to 544): make, or receive, a payment; the amount only if its agent is to name it. */
  begin: numbered(2, {
    side: oneOf('payer', 'payee'),
    contribution: bytes({ min: 32, max: 32 }),
    amount: optional(amountShape()),
  }),
  /** What the other module said. */
  hear: numbered(3, { bytes: bytes({ max: maxRoutedBytes }) }),
  /** Steps 608 to 616. */
  verified: numbered(4, { correct: whole({ max: 1 }) }),
  /** To the payer's module: what is prepared may be paid. */
  execute: numbered(5, {}),
  query: numbered(6, {}),
  /** Give up if that is still possible; the answer is `paid` or `failed`. */
  stop: numbered(7, {}),
  /** The agent has committed, with its signature over that (`signCommitment`). */
  commit: numbered(8, { proof: bytes({ min: 64, max: 64 }) }),
  /** The agent has aborted: what was prepared or authorised is undone, also when it is only heard of afterwards. */
  abort: numbered(9, {}),
};
export type PortRequest = ChoiceOf<typeof requests>;
const requestShape = choice(requests);

const answers = {
  /** For the other module, by way of both agents (figures 17 and 20). */
  say: numbered(1, { bytes: bytes({ max: maxRoutedBytes }) }),
  /** Is this the amount? (steps 604 to 606) */
  verify: numbered(2, { amount: amountShape() }),
  /** With what the other module is to hear yet, if it is. */
  prepared: numbered(3, { say: optional(bytes({ max: maxRoutedBytes })) }),
  paid: numbered(4, { receipt: bytes({ max: maxReceiptBytes }), say: optional(bytes({ max: maxRoutedBytes })) }),
  failed: numbered(5, { reason: text({ max: 100 }) }),
  /** It is not decided yet. */
  pending: numbered(6, {}),
  noted: numbered(7, {}),
};
export type PortAnswer = ChoiceOf<typeof answers>;
const answerShape = choice(answers);

const transaction = () => bytes({ min: TRANSACTION_ID_LENGTH, max: TRANSACTION_ID_LENGTH });
const sealed = () => bytes({ min: 1, max: 262_144 });
/** Which request of its transaction it is; the answer is bound to it. */
const number = () => whole({ max: 0xffff_ffff });
const envelopes = {
  /** To a card network: the key of the channel and the first request, encrypted to the network. */
  opening: numbered(1, { transaction: transaction(), number: number(), encrypted: sealed() }),
  /** Inside a device, before both have the channel's key. */
  plain: numbered(2, { transaction: transaction(), number: number(), request: sealed() }),
  sealed: numbered(3, { transaction: transaction(), number: number(), sealed: sealed() }),
};
export type PortEnvelope = ChoiceOf<typeof envelopes>;
const envelopeShape = choice(envelopes);

const replies = {
  plain: numbered(1, { answer: sealed() }),
  sealed: numbered(2, { sealed: sealed() }),
};
const replyShape = choice(replies);

const maxBytes = 300_000;
const CONTENT_TYPE = 'application/handsel-trusted-payment+cbor';
const REQUEST = utf8('Handsel payment request 1');
const ANSWER = utf8('Handsel payment answer 1');
const CHANNEL = utf8('Handsel TA/MM 1');

/** The key (TA/MM) of which each agent and each module contributed or heard both halves. */
export function deriveChannelKey(options: {
  readonly transaction: Uint8Array;
  readonly payer: Uint8Array;
  readonly payee: Uint8Array;
}): Uint8Array {
  const { transaction, payer, payee } = options;
  const secret = concatBytes(payer, payee);
  return deriveKey({ secret, salt: transaction, info: CHANNEL, length: SEALING_KEY_LENGTH });
}

/** Where a request stands. */
export interface PortPlace {
  /** 16 bytes. */
  readonly transaction: Uint8Array;
  readonly number: number;
}

const bind = (label: Uint8Array, { transaction, number }: PortPlace) =>
  concatBytes(label, encodeCbor([transaction, number]));

/** The first message to a card network; the answers come sealed under the key. */
export function openToNetwork(
  { transaction, number }: PortPlace,
  request: PortRequest,
  options: { readonly key: Uint8Array; readonly network: KeyObject; readonly random: Random },
): Uint8Array {
  const { key, network, random } = options;
  const encrypted = encryptCose({
    plaintext: concatBytes(key, encodeCbor(requestShape.encode(request))),
    ...{ recipient: network, contentType: CONTENT_TYPE, externalData: bind(REQUEST, { transaction, number }), random },
  });
  return encodeCbor(envelopeShape.encode({ type: 'opening', transaction, number, encrypted }));
}

export function plainToPort({ transaction, number }: PortPlace, request: PortRequest): Uint8Array {
  const encoded = encodeCbor(requestShape.encode(request));
  return encodeCbor(envelopeShape.encode({ type: 'plain', transaction, number, request: encoded }));
}

interface Channel {
  readonly key: Uint8Array;
  readonly random: Random;
}

export function sealToPort({ transaction, number }: PortPlace, request: PortRequest, channel: Channel): Uint8Array {
  const plaintext = encodeCbor(requestShape.encode(request));
  const associatedData = bind(REQUEST, { transaction, number });
  const sealed = seal({ ...channel, plaintext, associatedData });
  return encodeCbor(envelopeShape.encode({ type: 'sealed', transaction, number, sealed }));
}

/** At the port. @throws CborError or MessageError */
export function readEnvelope(body: Uint8Array): PortEnvelope {
  return envelopeShape.decode(decodeCbor(body, { maxBytes }), 'payment message');
}

/** @throws CryptographicError */
export function openAtNetwork(
  envelope: Extract<PortEnvelope, { type: 'opening' }>,
  privateKey: KeyObject,
): { readonly key: Uint8Array; readonly request: PortRequest } {
  return failAlike(() => {
    const plaintext = decryptCose({
      ...{ bytes: envelope.encrypted, privateKey, contentType: CONTENT_TYPE, maxBytes },
      externalData: bind(REQUEST, envelope),
    });
    const key = plaintext.slice(0, SEALING_KEY_LENGTH);
    return { key, request: read(requestShape, plaintext.subarray(SEALING_KEY_LENGTH)) };
  });
}

/** @throws CborError or MessageError */
export function readPlainRequest({ request }: Extract<PortEnvelope, { type: 'plain' }>): PortRequest {
  return read(requestShape, request);
}

/** @throws CryptographicError */
export function openSealedRequest(envelope: Extract<PortEnvelope, { type: 'sealed' }>, key: Uint8Array): PortRequest {
  const { sealed } = envelope;
  return failAlike(() => read(requestShape, open({ key, sealed, associatedData: bind(REQUEST, envelope) })));
}

export function sealPortAnswer(to: PortPlace, answer: PortAnswer, channel: Channel): Uint8Array {
  const plaintext = encodeCbor(answerShape.encode(answer));
  const sealed = seal({ ...channel, plaintext, associatedData: bind(ANSWER, to) });
  return encodeCbor(replyShape.encode({ type: 'sealed', sealed }));
}

export function plainPortAnswer(answer: PortAnswer): Uint8Array {
  return encodeCbor(replyShape.encode({ type: 'plain', answer: encodeCbor(answerShape.encode(answer)) }));
}

export interface HeardFromPort {
  readonly answer: PortAnswer;
  readonly sealed: boolean;
}

/** At the agent. @throws HandselError when it is of no use, or not under the channel's key */
export function readPortAnswer(to: PortPlace, reply: Uint8Array, key: Uint8Array): HeardFromPort {
  const heard = replyShape.decode(decodeCbor(reply, { maxBytes }), 'payment answer');
  if (heard.type === 'plain') return { answer: read(answerShape, heard.answer), sealed: false };
  const { sealed } = heard;
  const answer = failAlike(() => read(answerShape, open({ key, sealed, associatedData: bind(ANSWER, to) })));
  return { answer, sealed: true };
}

const read = <T>(shape: Shape<T>, encoded: Uint8Array): T => shape.decode(decodeCbor(encoded, { maxBytes }), 'payment');

function failAlike<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof CryptographicError || !(cause instanceof HandselError)) throw cause;
    throw new CryptographicError(cause);
  }
}
