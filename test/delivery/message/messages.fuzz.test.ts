/** Every reader meets arbitrary bytes, and cut and altered messages, and only ever fails with an error of ours. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeShape, encodeShape, readMessage } from '../../../src/crypto/signed-message.ts';
import { acceptanceType, acceptType, readAcceptance } from '../../../src/delivery/message/acceptance.ts';
import { claimType, passedAcceptanceType } from '../../../src/delivery/message/claim.ts';
import {
  complaintType,
  disclosureType,
  hearingType,
  keyRequestType,
  statementType,
} from '../../../src/delivery/message/complaint.ts';
import { custodyReceiptType, lodgingType } from '../../../src/delivery/message/custody.ts';
import { descriptionType } from '../../../src/delivery/message/description.ts';
import { handoverType, passedKeyType } from '../../../src/delivery/message/key-handover.ts';
import { manifestType } from '../../../src/delivery/message/manifest.ts';
import { offerType, readOffer } from '../../../src/delivery/message/offer.ts';
import { orderTakenType, orderType } from '../../../src/delivery/message/order.ts';
import { refundClaimType, refundOrderType, refundReceiptType } from '../../../src/delivery/message/refund.ts';
import { releaseType } from '../../../src/delivery/message/release.ts';
import { notAcceptType, resendingType } from '../../../src/delivery/message/resending.ts';
import { bundleType, rulingType } from '../../../src/delivery/message/ruling.ts';
import { manifestIn } from '../../../src/delivery/package/layout.ts';
import { RangeFailure, startOf } from '../../../src/delivery/package/ranges.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import { identifyAll } from '../people.ts';
import { makeAcceptance, makeOffer } from './documents-fixture.ts';

const signed = [
  ...[acceptType, claimType, passedAcceptanceType, complaintType, disclosureType, hearingType, keyRequestType],
  ...[statementType, custodyReceiptType, lodgingType, descriptionType, handoverType, passedKeyType, manifestType],
  ...[orderTakenType, orderType, releaseType, notAcceptType, resendingType, rulingType],
  ...[refundOrderType, refundClaimType, refundReceiptType],
];

function ours(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(HandselError);
  }
}

test('arbitrary bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      for (const type of signed) ours(() => readMessage<unknown>(type, bytes));
      for (const type of [acceptanceType, offerType, bundleType]) ours(() => decodeShape<unknown>(type, bytes));
      ours(() => manifestIn(bytes));
    }),
    { numRuns: 300 },
  );
});

test('true documents, cut or altered anywhere', () => {
  const offer = encodeShape(offerType, makeOffer());
  const acceptance = encodeShape(acceptanceType, makeAcceptance());
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (place, change, cut) => {
      const spoil = (bytes: Uint8Array) => {
        const at = place % bytes.length;
        if (cut) return bytes.slice(0, at);
        const altered = bytes.slice();
        altered[at]! ^= change;
        return altered;
      };
      ours(() => readOffer(decodeShape(offerType, spoil(offer)), identifyAll));
      ours(() => readAcceptance(decodeShape(acceptanceType, spoil(acceptance)), identifyAll));
    }),
    { numRuns: 1000 },
  );
});

test('headers of web servers', () => {
  const words = fc.oneof(fc.string({ maxLength: 40 }), fc.constantFrom('bytes 0-9/10', 'bytes */10', 'bytes 5-1/10'));
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 599 }), words, words, words, (status, range, length, encoding) => {
      const headers = { 'content-range': range, 'content-length': length, 'content-encoding': encoding };
      try {
        expect([0, 5]).toContain(startOf({ status, headers }, { start: 5, end: 9 }, 10));
      } catch (error) {
        expect(error).toBeInstanceOf(RangeFailure);
      }
    }),
  );
});
