/** RecipientInfos (RFC 5652 section 6.2): the content key, once for each recipient. */
import {
  any,
  bitString,
  choice,
  explicit,
  type Infer,
  implicit,
  octetString,
  optional,
  sequence,
  sequenceOf,
  setOf,
  smallInteger,
} from '../../codec/der.ts';
import { algorithmType } from '../algorithm.ts';
import { issuerAndSerialType } from './holder.ts';

const MAX_RECIPIENTS = 16;
// Everything is a view of the message: it is forgotten as soon as the content key is known.
const borrowed = true;
const encryptedKey = octetString({ max: 1024, borrowed });
const keyIdentifier = octetString({ max: 64, borrowed });

const keyTransportType = sequence({
  version: smallInteger({ min: 0, max: 2 }),
  recipient: choice({ certificate: issuerAndSerialType, key: implicit(0, keyIdentifier) }),
  algorithm: algorithmType,
  encryptedKey,
});
export type KeyTransport = Infer<typeof keyTransportType>;

const recipientKeyType = sequence({
  identifier: keyIdentifier,
  date: optional(any({ borrowed })),
});

const keyAgreementType = sequence({
  version: smallInteger({ min: 3, max: 3 }),
  originator: explicit(
    0,
    choice({
      certificate: issuerAndSerialType,
      key: implicit(0, keyIdentifier),
      ephemeral: implicit(1, sequence({ algorithm: algorithmType, publicKey: bitString({ borrowed }) })),
    }),
  ),
  userKeyingMaterial: optional(explicit(1, octetString({ max: 256, borrowed }))),
  algorithm: algorithmType,
  encryptedKeys: sequenceOf(
    sequence({
      recipient: choice({ certificate: issuerAndSerialType, key: implicit(0, recipientKeyType) }),
      encryptedKey,
    }),
    { min: 1, max: MAX_RECIPIENTS },
  ),
});
export type KeyAgreement = Infer<typeof keyAgreementType>;

const recipientInfoType = choice({ keyTransport: keyTransportType, keyAgreement: implicit(1, keyAgreementType) });
export type RecipientInfo = Infer<typeof recipientInfoType>;

export const recipientInfosType = setOf(recipientInfoType, { min: 1, max: MAX_RECIPIENTS });
