/**
 * The stateless half of the wallet guard: everything about a payment start that can be checked without knowing what was paid
 * before. Reads top to bottom in the order of the checks; what passes is a claim for `guard-machine.ts` to judge.
 */
import type { KeyObject } from 'node:crypto';
import { equalBytes, toHex } from '../../codec/hex.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { type Certificate, readCertificate } from '../../pki/certificate.ts';
import { nameAttribute } from '../../pki/name.ts';
import type { Purpose } from '../../pki/purpose.ts';
import { type Agreement, readAgreement } from '../message/agreement.ts';
import { verifyOfferChain } from '../message/offer-chain.ts';
import { type PaymentStart, readPaymentStart } from '../message/payment-start.ts';
import { GuardError } from './guard-error.ts';
import type { VerifiedClaim } from './guard-machine.ts';

export interface GuardKeys {
  /** The private key of the station's communication certificate. */
  readonly station: KeyObject;
  /** The station's own agent authority: only agents certified by it may start a payment. */
  readonly agentAuthority: Certificate;
  /** Throws unless the chain (leaf first) leads to the agency's communication root and allows the purpose. */
  validate(chain: readonly Certificate[], purpose: Purpose, atMs: number): void;
}

export interface ReceivedClaim {
  readonly claim: VerifiedClaim;
  /** The message identity: hex of the nonce the agent chose, in the agent's own name space. */
  readonly messageId: string;
  readonly agreement: Agreement;
}

/** How old a payment start may be when it arrives, for an agent's platform repeats it while the station is away; and how early. */
export interface StartWindow {
  readonly oldMs: number;
  readonly newMs: number;
}

const MAX_CHAIN = 6;

/** The identity in a communication certificate or in that of an agent below it: the first common name. */
function ownerOf(certificate: Certificate): string {
  return nameAttribute(certificate.subject, 'CN') ?? '';
}

/** @throws CryptographicError for whatever is wrong with keys, certificates and signatures; GuardError for time. */
export function receivePaymentStart(
  bytes: Uint8Array,
  keys: GuardKeys,
  options: { readonly nowMs: number; readonly window: StartWindow },
): ReceivedClaim {
  const { nowMs, window } = options;
  const { agent, start } = cryptographic(() => openStart(bytes, keys, nowMs));

  // Time stamp against replay by malicious parties (claim 7); the nonce does the rest, inside the window.
  if (nowMs - start.atMs > window.oldMs)
    throw new GuardError('START_TOO_OLD', 'the payment start was made too long ago');
  if (start.atMs - nowMs > window.newMs)
    throw new GuardError('START_TOO_NEW', 'the payment start is dated in the future');

  const agreement = cryptographic(() => openAgreement(start, agent, keys, nowMs));
  const { terms } = agreement;
  return {
    agreement,
    messageId: `start ${toHex(agent.thumb)} ${toHex(start.nonce)}`,
    claim: {
      mandateId: start.mandate,
      agentThumb: toHex(agent.thumb),
      token: start.token,
      paymentId: toHex(agreement.orderId),
      price: agreement.price,
      merchant: terms.merchant.id,
      merchantUrl: start.merchantUrl,
      product: terms.product,
      quantity: Math.max(...terms.items.map(({ quantity }) => quantity)),
      values: terms.values,
      agreement: agreement.bytes,
    },
  };
}

/** The agent's certificate is ours, its signature holds, and the message was sealed to this station. */
function openStart(bytes: Uint8Array, keys: GuardKeys, nowMs: number): { agent: Certificate; start: PaymentStart } {
  const received = readPaymentStart(bytes);
  if (received.certificateChain.length > MAX_CHAIN) throw new Error('the certificate chain is too long');
  const chain = received.certificateChain.map((der) => readCertificate(der));
  const [agent, issuer] = chain;
  if (agent === undefined || issuer === undefined)
    throw new Error('the agent shows no certificate of an agent authority');
  if (!equalBytes(issuer.der, keys.agentAuthority.der)) throw new Error('the agent was certified by another station');
  keys.validate(chain, 'agent', nowMs);
  return { agent, start: received.open(agent.publicKey, keys.station) };
}

/** Both agents signed the terms, the offers lead to them, the merchant's agent is the named merchant's, the buyer is this agent. */
function openAgreement(start: PaymentStart, agent: Certificate, keys: GuardKeys, nowMs: number): Agreement {
  const agreement = readAgreement(start.agreement);
  if (!equalBytes(agreement.customerAgent.der, agent.der)) throw new Error('another agent made the agreement');
  keys.validate(agreement.merchantChain, 'agent', nowMs);
  const { merchant } = agreement.terms;
  if (ownerOf(agreement.merchantAgent) !== merchant.id) throw new Error('the agreement names another merchant');
  // The person's money goes where the merchant said it takes payments, not where the agent's platform would have it go.
  if (merchant.url !== start.merchantUrl) throw new Error('the payment is directed to another place');
  verifyOfferChain(start.chain, agreement);
  return agreement;
}

/** One outward code for everything of this kind (notes on SET, fix 12). */
function cryptographic<T>(check: () => T): T {
  try {
    return check();
  } catch (cause) {
    throw cause instanceof CryptographicError ? cause : new CryptographicError(cause);
  }
}
