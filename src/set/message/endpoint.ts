/**
 * The way of every SET request into a machine, in SET's order of checks, and of every refusal back as an Error message. An Error
 * is never answered by another one: it gets an empty answer (notes on SET, "Wrapper" and "Error").
 */

import { toHex } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { Random } from '../../crypto/random.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Decision } from '../../journal/machine.ts';
import type { Binding } from './binding.ts';
import type { CertifiedKey } from './certified-key.ts';
import { encodeError } from './error-exchange.ts';
import { decodeMessage, type Message, type MessageName } from './message-wrapper.ts';
import { type DateWindow, dateRefusal, requireKnownExtensions, requireSupported, rrpidOf } from './receive.ts';
import { errorCodeOf } from './set-error.ts';

/** The part of a host that an endpoint needs. */
export interface MessageHandler<I> {
  handle(message: {
    readonly messageId: string;
    readonly digest: Uint8Array;
    readonly input: I;
    readonly taken?: () => void;
  }): Promise<Uint8Array>;
}

/** What a machine is told when its endpoint refuses a message; `answer` is then the answer to these bytes for good. */
export interface Refusal {
  readonly error: unknown;
  readonly answer: Uint8Array | undefined;
}

/** A machine's decision on it. @throws the error, so that the message leaves no trace, when it is not to be answered for good. */
export function decideRefusal({ error, answer }: Refusal): Decision<never> {
  if (answer === undefined) throw error;
  return { records: [], answer };
}

export interface EndpointOptions<I> {
  readonly host: MessageHandler<I>;
  /** The requests this party answers. */
  readonly requests: readonly MessageName[];
  /**
   * Those whose refusal the sender takes as final, nothing having been charged: once refused, the same bytes stay refused, and
   * once accepted, a repeat is never refused, whatever has become of certificates and clocks meanwhile.
   */
  readonly final: readonly MessageName[];
  readonly window: DateWindow;
  /** Decodes, decrypts and verifies: everything that can be checked without the machine's state. */
  readonly read: (message: Message, context: { readonly messageId: string; readonly atMs: number }) => I | Promise<I>;
  /** The input that makes the machine refuse: a message handled before is answered all the same. */
  readonly refuse: (refusal: Refusal) => I;
  readonly direction: Binding['direction'];
  /** Signs the Errors. */
  readonly signer: CertifiedKey;
  readonly nowMs: () => number;
  readonly random: Random;
  /** Where the true reason of a refusal goes: the peer only learns a code. */
  readonly onRefusal: (error: unknown, message: Message | undefined) => void;
}

/** Bytes in, bytes out. Rejects only where nothing can be said to the peer: it then asks again (stopped host, full queue). */
export type Endpoint = (bytes: Uint8Array) => Promise<Uint8Array>;

const NO_ANSWER = new Uint8Array();

/** The identity stands for another message, whose answer this one must not get. */
const isReuse = (error: unknown) => error instanceof HandselError && error.code === 'MESSAGE_IDENTITY_REUSED';

export function createEndpoint<I>(options: EndpointOptions<I>): Endpoint {
  const { host, requests, final, window, read, refuse, direction, signer, nowMs, random, onRefusal } = options;

  const inputOf = ({ message, messageId }: Received): I | Promise<I> => {
    const atMs = nowMs();
    const stale = dateRefusal(message.header, atMs, window);
    if (stale !== undefined) throw stale;
    requireKnownExtensions(message);
    return read(message, { messageId, atMs });
  };

  /** @throws what cannot be said in an Error. */
  const errorFor = (error: unknown, refused: Uint8Array, message: Message | undefined): Uint8Array => {
    const errorCode = errorCodeOf(error);
    if (errorCode === undefined) throw error;
    onRefusal(error, message);
    return encodeError({ errorCode, refused, message, direction, signer, random, nowMs: nowMs() });
  };

  const refused = async ({ message, bytes, messageId, digest }: Received, error: unknown): Promise<Uint8Array> => {
    try {
      if (errorCodeOf(error) === undefined || isReuse(error)) throw error;
      const answer = final.includes(message.message.type) ? errorFor(error, bytes, message) : undefined;
      return await host.handle({ messageId, digest, input: refuse({ error, answer }) });
    } catch (cause) {
      return errorFor(cause, bytes, message);
    }
  };

  /** What a refusal would quote is held only until the machine has taken the message: thousands may wait for their answers. */
  const answerTo = (received: Received, input: I): Promise<Uint8Array> => {
    const { messageId, digest } = received;
    let quotable: Received | undefined = received;
    const taken = () => {
      quotable = undefined;
    };
    return host.handle({ messageId, digest, input, taken }).catch((error: unknown) => {
      if (quotable === undefined) throw error;
      return refused(quotable, error);
    });
  };

  return async (bytes) => {
    let message: Message | undefined;
    try {
      const decoded = decodeMessage(bytes);
      // Of whatever version and date: two parties that refuse one another's Errors would never end.
      if (decoded.message.type === 'Error') return NO_ANSWER;
      message = requireSupported(decoded, requests);
    } catch (error) {
      return errorFor(error, bytes, message);
    }
    const messageId = `${message.message.type}:${toHex(rrpidOf(message.header))}`;
    const received = { message, bytes, messageId, digest: sha256(bytes) };
    let input: I;
    try {
      input = await inputOf(received);
    } catch (error) {
      return refused(received, error);
    }
    return answerTo(received, input);
  };
}

interface Received {
  readonly message: Message;
  readonly bytes: Uint8Array;
  readonly messageId: string;
  readonly digest: Uint8Array;
}
