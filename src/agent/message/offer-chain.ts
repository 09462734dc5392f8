/** How an agreement came about: call, proposal and offers, each linked to the one before by hash and signed by its side. */
import { equalBytes } from '../../codec/hex.ts';
import { bytes, list, record, type Shaped } from '../../codec/shape.ts';
import { linkOf, readMessage, type SignedMessage } from '../../crypto/signed-message.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { type Agreement, termsOf } from './agreement.ts';
import { callType, proposalType } from './call-for-proposals.ts';
import { type Offer, offerType } from './offer.ts';

export const offerChainShape = record({
  call: bytes({ min: 1, max: 65_536 }),
  proposal: bytes({ min: 1, max: 262_144 }),
  /** Oldest first; the customer agent opens. */
  offers: list(bytes({ min: 1, max: 8192 }), { min: 1, max: 202 }),
});

export type OfferChain = Shaped<typeof offerChainShape>;

/**
 * Checks that the chain leads to exactly this agreement: every signature, every link, whose turn it was, and the terms.
 * @throws CryptographicError, MessageError or CborError
 */
export function verifyOfferChain(chain: OfferChain, agreement: Agreement): readonly Offer[] {
  const keys = [agreement.customerAgent.publicKey, agreement.merchantAgent.publicKey] as const;
  const call = readMessage(callType, chain.call);
  call.requireSignature(keys[0]);
  const proposal = readMessage(proposalType, chain.proposal);
  proposal.requireSignature(keys[1]);
  if (proposal.value.call !== call.value.id) throw broken('the proposal answers another call');

  let previous = linkOf(chain.proposal);
  const offers: SignedMessage<Offer>[] = [];
  for (const [turn, signed] of chain.offers.entries()) {
    const offer = readMessage(offerType, signed);
    offer.requireSignature(keys[turn % 2 === 0 ? 0 : 1]);
    if (!equalBytes(offer.value.previous, previous)) throw broken('an offer does not follow the one before it');
    if (offer.value.negotiation !== agreement.terms.negotiation) throw broken('an offer of another negotiation');
    offers.push(offer);
    previous = linkOf(signed);
  }
  const opens = offers[0]!.value.opens;
  if (opens?.call !== call.value.id || opens.agent !== proposal.value.agent) {
    throw broken('the first offer opens another negotiation');
  }
  const terms = termsOf({
    call: call.value,
    proposal: proposal.value,
    lot: opens.lot,
    offer: offers.at(-1)!.value,
    chainHead: previous,
  });
  if (!equalBytes(terms, agreement.termsBytes)) throw broken('the terms do not follow from the last offer');
  return offers.map((offer) => offer.value);
}

function broken(reason: string): CryptographicError {
  return new CryptographicError(new Error(reason));
}
