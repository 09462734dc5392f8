/** The way round a merchant that is silent after the accept: the trustee releases K2, and the merchant gets the acceptance for its books. */
import { bytes, record, type Shaped, timeMs } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { acceptanceType } from './acceptance.ts';
import { sealedKey } from './custody.ts';
import { CHAIN_BYTES, partyName } from './identity.ts';
import { releaseType } from './release.ts';

/** Customer → trustee: the answer is a release. Signed by the customer. */
const claimShape = record({
  acceptance: bytes({ min: 1, max: acceptanceType.maxBytes }),
  trustee: partyName,
  /** K1, sealed to the trustee for the order. */
  key: sealedKey,
  atMs: timeMs(),
});
export type Claim = Shaped<typeof claimShape>;
export const claimType: MessageType<Claim> = {
  name: 'delivery-claim',
  shape: claimShape,
  maxBytes: acceptanceType.maxBytes + 2048 + CHAIN_BYTES,
};

/** Trustee → merchant: I released K2 for this, it is yours. Signed by the trustee. */
const passedAcceptanceShape = record({
  acceptance: bytes({ min: 1, max: acceptanceType.maxBytes }),
  trustee: partyName,
  release: bytes({ min: 1, max: releaseType.maxBytes }),
  atMs: timeMs(),
});
export type PassedAcceptance = Shaped<typeof passedAcceptanceShape>;
export const passedAcceptanceType: MessageType<PassedAcceptance> = {
  name: 'delivery-passed-acceptance',
  shape: passedAcceptanceShape,
  maxBytes: acceptanceType.maxBytes + releaseType.maxBytes + 2048 + CHAIN_BYTES,
};
