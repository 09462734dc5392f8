/**
 * The first steps every receiver takes, in SET's order (notes on SET, "Receive order"): decode, version, date window, identifiers,
 * extensions. What follows (decrypting, path, signature, rules) belongs to each message.
 */

import { requireUnderstood } from './message-extension.ts';
import { decodeMessage, type Message, type MessageHeader, type MessageName, VERSION } from './message-wrapper.ts';
import { SetError } from './set-error.ts';
import { type MessageIds, sameOptional } from './transaction.ts';

export interface DateWindow {
  /** How long ago a message may have been made, for repeats of an outbox are the same bytes. */
  readonly oldMs: number;
  /** How far ahead the sender's clock may be. */
  readonly newMs: number;
}

/** @throws DerError, or SetError `versionTooOld`, `versionTooNew` or `messageNotSupported`. */
export function openWrapper(bytes: Uint8Array, supported: readonly MessageName[]): Message {
  return requireSupported(decodeMessage(bytes), supported);
}

/** @throws SetError `versionTooOld`, `versionTooNew` or `messageNotSupported`. */
export function requireSupported(message: Message, supported: readonly MessageName[]): Message {
  const { version } = message.header;
  if (version < VERSION) throw new SetError('versionTooOld', `version ${version}, expected ${VERSION}`);
  if (version > VERSION) throw new SetError('versionTooNew', `version ${version}, expected ${VERSION}`);
  if (!supported.includes(message.message.type)) {
    throw new SetError('messageNotSupported', `${message.message.type} is not for this party`);
  }
  return message;
}

/** The refusal a message's date calls for, or undefined: duplicates of what was handled in time are answered all the same. */
export function dateRefusal(
  { date }: Pick<MessageHeader, 'date'>,
  nowMs: number,
  window: DateWindow,
): SetError | undefined {
  const ageMs = nowMs - date.getTime();
  if (ageMs > window.oldMs) return new SetError('messageTooOld', 'the message was made too long ago');
  // The header drops milliseconds, so it is never ahead by them.
  if (ageMs < -window.newMs) return new SetError('messageTooNew', 'the message is dated in the future');
  return undefined;
}

/** @throws SetError `unrecognizedExtension`. */
export function requireKnownExtensions(message: Message, understood?: ReadonlySet<string>): void {
  requireUnderstood(message.mwExtensions, understood);
}

/** @throws SetError `badMessageHeader` when the header lacks the RRPID that every request and response carries. */
export function rrpidOf({ rrpid }: MessageHeader): Uint8Array {
  if (rrpid === undefined) throw new SetError('badMessageHeader', 'the header has no RRPID');
  return rrpid;
}

/** @throws SetError `wrapperMsgMismatch` unless the header names exactly what the message inside names. */
export function requireHeaderMatches(
  header: MessageHeader,
  inside: { readonly rrpid: Uint8Array; readonly messageIds: MessageIds },
): void {
  const ids = header.messageIds ?? {};
  const same =
    sameOptional(header.rrpid, inside.rrpid) &&
    sameOptional(ids.lidC, inside.messageIds.lidC) &&
    sameOptional(ids.lidM, inside.messageIds.lidM) &&
    sameOptional(ids.xid, inside.messageIds.xid);
  if (!same) throw new SetError('wrapperMsgMismatch', 'the header names another transaction than the message');
}
