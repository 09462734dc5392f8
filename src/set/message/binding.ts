/**
 * What SET 1.0 leaves out of signatures and sealed texts: direction, message and recipient (fix 3). Here they are an attribute
 * of both, signed in SignedData and authenticated in AuthEnvelopedData, so that a text can never be passed on as one for somebody else.
 */
import {
  encodeDer,
  enumerated,
  type Infer,
  implicit,
  lendDer,
  optional,
  sequence,
  sequenceOf,
  smallInteger,
} from '../../codec/der.ts';
import { equalBytes } from '../../codec/hex.ts';
import { digestContent } from './content-digest.ts';
import { contentTypes } from './content-types.ts';
import { hashType } from './identifiers.ts';
import { type MessageName, messageTags } from './message-wrapper.ts';
import { SetError } from './set-error.ts';

const bindingType = sequence({
  direction: enumerated({
    cardholderToMerchant: 0,
    merchantToCardholder: 1,
    merchantToGateway: 2,
    gatewayToMerchant: 3,
    cardholderToGateway: 4,
    gatewayToGateway: 5,
  }),
  /** The tag of the message that it is part of. */
  message: smallInteger({ min: 0, max: 999 }),
  /** Thumbprints of the certificates of those it is meant for; empty only where the recipient has no certificate yet. */
  recipients: sequenceOf(hashType, { max: 2 }),
  /** In a response: the hash of the request it answers. */
  request: optional(implicit(0, hashType)),
});
type Wire = Infer<typeof bindingType>;

export interface Binding {
  readonly direction: Wire['direction'];
  readonly message: MessageName;
  readonly recipients: readonly Uint8Array[];
  readonly request?: Uint8Array;
}

export function encodeBinding(binding: Binding): Uint8Array {
  return encodeDer(bindingType, wireOf(binding));
}

function wireOf({ direction, message, recipients, request }: Binding): Wire {
  return { direction, message: messageTags[message], recipients, ...(request && { request }) };
}

/** @throws SetError when the attribute is missing or says anything else than what the receiver expects, byte for byte. */
export function requireBinding(attribute: Uint8Array | undefined, expected: Binding): void {
  const isAsExpected = (octets: Uint8Array) => attribute !== undefined && equalBytes(attribute, octets);
  if (!lendDer(bindingType, wireOf(expected), isAsExpected)) {
    throw new SetError('signatureFailure', `meant for another recipient, message or request than ${expected.message}`);
  }
}

/** The hash of a whole request, which its response carries. */
export function digestRequest(der: Uint8Array): Uint8Array {
  return digestContent(contentTypes.request, der);
}
