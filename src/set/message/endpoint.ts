/**
 * The way of every SET request into a machine, in SET's order of checks, and of every refusal back as an Error message. An Error
 * is never answered by another one: it gets an empty answer (notes on SET, "Wrapper" and "Error").
 */

import { toHex } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { Random } from '../../crypto/random.ts';
import type { Binding } from './binding.ts';
import type { CertifiedKey } from './certified-key.ts';
import { encodeError } from './error-exchange.ts';
import type { Message, MessageName } from './message-wrapper.ts';
import { type DateWindow, dateRefusal, openWrapper, requireKnownExtensions, rrpidOf } from './receive.ts';
import { errorCodeOf, type SetError } from './set-error.ts';

/** The part of a host that an endpoint needs. */
export interface MessageHandler<I> {
  handle(message: { readonly messageId: string; readonly digest: Uint8Array; readonly input: I }): Promise<Uint8Array>;
}

export interface EndpointOptions<I> {
  readonly host: MessageHandler<I>;
  /** The requests this party answers. */
  readonly requests: readonly MessageName[];
  readonly window: DateWindow;
  /** Decodes, decrypts and verifies: everything that can be checked without the machine's state. */
  readonly read: (message: Message, context: { readonly messageId: string; readonly atMs: number }) => I | Promise<I>;
  /** The input that makes the machine refuse: only a message handled before in time is answered all the same. */
  readonly refuse: (error: SetError) => I;
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

export function createEndpoint<I>(options: EndpointOptions<I>): Endpoint {
  const { host, requests, window, read, refuse, direction, signer, nowMs, random, onRefusal } = options;

  const handle = async (message: Message, bytes: Uint8Array): Promise<Uint8Array> => {
    const messageId = `${message.message.type}:${toHex(rrpidOf(message.header))}`;
    const digest = sha256(bytes);
    const stale = dateRefusal(message.header, nowMs(), window);
    if (stale !== undefined) return host.handle({ messageId, digest, input: refuse(stale) });
    requireKnownExtensions(message);
    const input = await read(message, { messageId, atMs: nowMs() });
    return host.handle({ messageId, digest, input });
  };

  return async (bytes) => {
    let message: Message | undefined;
    try {
      message = openWrapper(bytes, [...requests, 'Error']);
      if (message.message.type === 'Error') return NO_ANSWER;
      return await handle(message, bytes);
    } catch (error) {
      const errorCode = errorCodeOf(error);
      if (errorCode === undefined) throw error;
      onRefusal(error, message);
      return encodeError({ errorCode, refused: bytes, message, direction, signer, random, nowMs: nowMs() });
    }
  };
}
