/** The stateless half of the arbiter: whatever can be checked, and decided, without waiting for anybody. */
import { toHex } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { decodeShape } from '../../crypto/signed-message.ts';
import { CryptographicError } from '../../handsel-error.ts';
import type { Reply } from '../../journal/machine.ts';
import { type Acceptance, acceptanceType } from '../message/acceptance.ts';
import { complaintType, disclosureType, statementType } from '../message/complaint.ts';
import { unsealKey } from '../message/custody.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { nameOfKey, type Received, requirePaid } from '../message/endpoint.ts';
import { isOrderKey } from '../message/order.ts';
import { readSigned } from '../message/signed-by.ts';
import type { ArbiterInput, ComplaintInput } from './arbiter-input.ts';
import type { ArbiterPolicy } from './arbiter-policy.ts';
import { examinedType } from './examination.ts';
import { judgeDocuments, reason, type SoundDocuments } from './judge.ts';

/**
 * @throws DeliveryError `COMPLAINT_UNFIT` when another arbiter is meant or nothing can be read; TransportError `ANSWER_PENDING`;
 * CryptographicError when nobody known signed it
 */
export async function receiveComplaint(bytes: Uint8Array, policy: ArbiterPolicy): Promise<Received<ArbiterInput>> {
  const { identify, nowMs, name } = policy;
  const complaint = readSigned(complaintType, bytes, { identify: identify.customer, atMs: nowMs() });
  if (complaint.value.arbiter !== name) throw new DeliveryError('COMPLAINT_UNFIT', 'another arbiter is meant');
  const shown: Acceptance = decodeShape(acceptanceType, complaint.value.acceptance);
  const messageId = `complaint:${nameOfKey(complaint.signer)}:${toHex(complaint.digest)}`;
  const input: ComplaintInput = {
    ...{ type: 'complaint', messageId, complaint, order: sha256(shown.order) },
    judged: await judge(complaint, policy),
  };
  return { messageId, input };
}

async function judge(complaint: ComplaintInput['complaint'], policy: ArbiterPolicy): Promise<ComplaintInput['judged']> {
  const judged = judgeDocuments(complaint, policy.identify);
  if (judged.type === 'unsound') return { type: 'decided', reason: judged.reason };
  const { documents } = judged;
  if (!(await isPaid(documents, policy))) {
    return { type: 'decided', reason: reason('NOT_PAID', 'The evidence does not show that the accept was paid.') };
  }
  if (documents.contradiction !== undefined) return { type: 'decided', reason: documents.contradiction };
  const { order } = documents.acceptance;
  const orderKey = unsealKey(complaint.value.key, { privateKey: policy.signer.privateKey, binding: order.digest });
  if (!isOrderKey(orderKey, order.value))
    throw new DeliveryError('COMPLAINT_UNFIT', 'this is not the key of the order');
  return { type: 'open', documents, orderKey };
}

async function isPaid({ acceptance }: SoundDocuments, { proof }: ArbiterPolicy): Promise<boolean> {
  try {
    await requirePaid(proof, acceptance);
    return true;
  } catch (cause) {
    if (cause instanceof DeliveryError) return false;
    throw cause;
  }
}

/** @throws HandselError when an answer is of no use: asked again */
export function receivedReply({ id, outcome }: Reply, policy: ArbiterPolicy): ArbiterInput {
  const [what, of] = id.split(':') as [string, string];
  if (what === 'key-request' || what === 'hearing') {
    const by = what === 'hearing' ? 'merchant' : 'trustee';
    if (outcome.type !== 'answered') {
      return { type: 'answered', case: of, by, productKey: undefined, signer: undefined, bytes: undefined };
    }
    return { type: 'answered', case: of, by, ...answerOf({ by, of, body: outcome.body }, policy) };
  }
  if (what !== 'examine') return { type: 'told' };
  if (outcome.type !== 'answered') return { type: 'examined', case: of, content: undefined, segment: undefined };
  const { content, segment } = decodeShape(examinedType, outcome.body);
  return { type: 'examined', case: of, content, segment };
}

function answerOf(
  { by, of, body }: { readonly by: 'trustee' | 'merchant'; readonly of: string; readonly body: Uint8Array },
  { identify, signer, nowMs }: ArbiterPolicy,
) {
  const at = { identify: identify[by], atMs: nowMs() };
  const signed = by === 'trustee' ? readSigned(disclosureType, body, at) : readSigned(statementType, body, at);
  const { case: binding, key } = signed.value;
  if (toHex(binding) !== of) throw new DeliveryError('COMPLAINT_UNFIT', 'an answer to another case');
  const productKey = key && unsealed(key, { privateKey: signer.privateKey, binding });
  return { productKey, signer: signed.signer.name, bytes: body };
}

/** What does not open is no key: that is said of whoever signed it, and not asked again. */
function unsealed(key: Uint8Array, options: Parameters<typeof unsealKey>[1]): Uint8Array {
  try {
    return unsealKey(key, options);
  } catch (cause) {
    if (cause instanceof CryptographicError) return new Uint8Array();
    throw cause;
  }
}
