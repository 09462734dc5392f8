/** MessageWrapper and MessageHeader, version 2 (notes on SET, "Wrapper"): the outside of every SET message, in clear. */
import {
  choice,
  type DerType,
  decodeDer,
  encodeDer,
  explicit,
  generalizedTime,
  type Infer,
  implicit,
  optional,
  type Part,
  part,
  sequence,
  smallInteger,
  type TaggedType,
  unopened,
  withDefault,
} from '../../codec/der.ts';
import { rrpidType, SOFTWARE, softwareType } from './identifiers.ts';
import { extensionsField } from './message-extension.ts';
import { type MessageIds, messageIdsType } from './transaction.ts';

export const VERSION = 2;
/** Far above any purchase message; batches get their own limit where they are read. */
export const MAX_MESSAGE_BYTES = 65_536;

/** The tags of SET's Message CHOICE. A name here says how the message is told apart, not that a party understands it. */
export const messageTags = {
  PInitReq: 0,
  PInitRes: 1,
  PReq: 2,
  PRes: 3,
  InqReq: 4,
  InqRes: 5,
  AuthReq: 6,
  AuthRes: 7,
  AuthRevReq: 8,
  AuthRevRes: 9,
  CapReq: 10,
  CapRes: 11,
  CapRevReq: 12,
  CapRevRes: 13,
  CredReq: 14,
  CredRes: 15,
  CredRevReq: 16,
  CredRevRes: 17,
  PCertReq: 18,
  PCertRes: 19,
  BatchAdminReq: 20,
  BatchAdminRes: 21,
  CardCInitReq: 22,
  CardCInitRes: 23,
  MeAqCInitReq: 24,
  MeAqCInitRes: 25,
  RegFormReq: 26,
  RegFormRes: 27,
  CertReq: 28,
  CertRes: 29,
  CertInqReq: 30,
  CertInqRes: 31,
  Error: 999,
} as const;
export type MessageName = keyof typeof messageTags;

const alternativesOf = <T>(body: DerType<T>) =>
  Object.fromEntries(Object.entries(messageTags).map(([name, tag]) => [name, explicit(tag, body)])) as {
    readonly [N in MessageName]: TaggedType<T>;
  };

/** The date has whole seconds. `rrpid` names one request and its response; a repeated request keeps it. */
export const messageHeaderType = sequence({
  version: smallInteger({ min: 0, max: 1000 }),
  revision: withDefault(smallInteger({ min: 0, max: 1000 }), 0),
  date: generalizedTime(),
  messageIds: optional(implicit(0, messageIdsType)),
  rrpid: optional(implicit(1, rrpidType)),
  swIdent: softwareType,
});
export type MessageHeader = Infer<typeof messageHeaderType>;

const wrapperOf = <T>(body: DerType<T>) =>
  sequence({
    header: messageHeaderType,
    message: explicit(0, choice(alternativesOf(body))),
    mwExtensions: extensionsField(1),
  });

const wrapperType = wrapperOf(unopened());
const outgoingType = wrapperOf(part());

export interface Message extends Infer<typeof wrapperType> {
  /** The whole wrapper as received or sent: what `digestRequest` hashes. */
  readonly der: Uint8Array;
}

/** @throws DerError on anything but one strictly encoded wrapper. The message inside is checked as DER, not yet understood. */
export function decodeMessage(bytes: Uint8Array): Message {
  return { ...decodeDer(wrapperType, bytes, { maxBytes: MAX_MESSAGE_BYTES }), der: bytes };
}

export interface MessageContent {
  readonly name: MessageName;
  /** The body of the message, encoded or to be encoded in its place. */
  readonly body: Part | Uint8Array;
  readonly nowMs: number;
  readonly messageIds?: MessageIds;
  readonly rrpid?: Uint8Array;
}

export function encodeMessage({ name, body, nowMs, messageIds, rrpid }: MessageContent): Uint8Array {
  return encodeDer(outgoingType, {
    header: {
      version: VERSION,
      revision: 0,
      date: new Date(nowMs),
      ...(messageIds && { messageIds }),
      ...(rrpid && { rrpid }),
      swIdent: SOFTWARE,
    },
    message: { type: name, value: body } as Infer<typeof outgoingType>['message'],
  });
}
