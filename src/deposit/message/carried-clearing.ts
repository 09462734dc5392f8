/**
 * Shard → shard of one operator, on a wire of their own and therefore unsigned: clearing information that the payer's shard has booked, and
 * that the payee's shard books in its turn.
 */
import { bytes, record, type Shaped, whole } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { partyName } from './identity.ts';

const carriedClearingShape = record({
  /** The shard that has booked it. */
  from: whole({ max: 255 }),
  /** Who signed it. */
  operator: partyName,
  /** As it came. */
  clearing: bytes({ min: 1, max: 8192 }),
});
export type CarriedClearing = Shaped<typeof carriedClearingShape>;
export const carriedClearingType: MessageType<CarriedClearing> = {
  name: 'deposit-carried-clearing',
  shape: carriedClearingShape,
  maxBytes: 9000,
};
