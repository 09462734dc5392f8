/**
 * A checkpoint: the customer's temporary key signs what was spent so far and the anchors of the chains that go on from here. The
 * first, with count 0, opens the deposit at the merchant.
 */
import { bytes, digest, list, record, type Shaped, text, whole } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { transactionIdentity } from './identity.ts';
import { WORTHS } from './purchase.ts';

const checkpointShape = record({
  transaction: transactionIdentity,
  /** Purchases so far. */
  count: whole(),
  /** Units spent so far. */
  units: whole(),
  /** Of the list so far. */
  head: digest(),
  /** Nano of the merchant's currency a unit is worth, and that currency. */
  unitNano: whole({ min: 1, max: 1_000_000_000_000 }),
  currency: text({ min: 3, max: 3 }),
  anchors: list(bytes({ min: 32, max: 32 }), { min: WORTHS.length, max: WORTHS.length }),
});

export type Checkpoint = Shaped<typeof checkpointShape>;
export const checkpointType: MessageType<Checkpoint> = {
  name: 'deposit-checkpoint',
  shape: checkpointShape,
  maxBytes: 1024,
};
