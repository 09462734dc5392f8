/** Step III at the station: the agent's notice that a payment is complete, and what the merchant signed about it. */
import { equalBytes, toHex } from '../../codec/hex.ts';
import { readMessage } from '../../crypto/signed-message.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { readCertificate } from '../../pki/certificate.ts';
import { nameAttribute } from '../../pki/name.ts';
import { readAgreement } from '../message/agreement.ts';
import { completionNoticeType, completionType } from '../message/payment.ts';
import type { GuardInput } from './guard-machine.ts';
import type { GuardKeys } from './receive-payment-start.ts';

/** @throws CryptographicError unless our agent signed the notice, and the agreement's merchant the completion of that order. */
export function receiveCompletionNotice(
  bytes: Uint8Array,
  keys: GuardKeys,
  nowMs: number,
): Extract<GuardInput, { type: 'notice' }> {
  try {
    const notice = readMessage(completionNoticeType, bytes);
    const agreement = readAgreement(notice.value.agreement);
    const agent = agreement.customerAgent;
    if (!equalBytes(agreement.customerChain[1]?.der ?? new Uint8Array(), keys.agentAuthority.der)) {
      throw new Error('the agent was certified by another station');
    }
    keys.validate(agreement.customerChain, 'agent', nowMs);
    notice.requireSignature(agent.publicKey);

    const completion = readMessage(completionType, notice.value.completion);
    const chain = completion.certificateChain.map((der) => readCertificate(der));
    const [merchant] = chain;
    if (merchant === undefined) throw new Error('the completion shows no certificate');
    keys.validate(chain, 'signature', nowMs);
    completion.requireSignature(merchant.publicKey);
    if (nameAttribute(merchant.subject, 'CN') !== agreement.terms.merchant.id) throw new Error('another merchant');
    if (!equalBytes(completion.value.orderId, agreement.orderId)) throw new Error('a completion of another order');
    return { type: 'notice', paymentId: toHex(agreement.orderId), agentThumb: toHex(agent.thumb), notice: bytes };
  } catch (cause) {
    throw cause instanceof CryptographicError ? cause : new CryptographicError(cause);
  }
}
