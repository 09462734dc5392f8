/** The examples of streams in docs/payment-method.md, made by the code that speaks on the wire. */
import { sha256 } from '../../src/crypto/digest.ts';
import { createStreamAdmission, type PaidEntry } from '../../src/deposit/merchant-http/stream-admission.ts';
import { makeChain, WORD_LENGTH } from '../../src/deposit/message/hash-chain.ts';
import { parseChallenges } from '../../src/deposit/message/payment-challenge.ts';
import { formatCredential } from '../../src/deposit/message/payment-credential.ts';
import { decodeOffer, streamKeyOf, streamPaymentDigest } from '../../src/deposit/message/payment-offer.ts';
import { encodePurchase, stepsFor } from '../../src/deposit/message/purchase.ts';
import { createListCipher, EMPTY_HEAD, headWith } from '../../src/deposit/message/purchase-list.ts';
import {
  type CustomerFrame,
  formatFrame,
  type MerchantFrame,
  readCustomerFrame,
  readMerchantFrame,
} from '../../src/deposit/message/stream-frame.ts';
import { standingClock } from './payment-ends.ts';

const seed = (name: string) => sha256(Buffer.from(`example: ${name}`));
const shown = (encoded: string) =>
  JSON.stringify(JSON.parse(Buffer.from(encoded, 'base64url').toString()), undefined, 2);

/** Each by its name in the document. */
export async function streamExamples(): Promise<Readonly<Record<string, string>>> {
  const till = { purchase: async () => ({ number: 1, repeated: false }), checkpoint: async () => {} };
  let entry: PaidEntry | undefined;
  const admission = createStreamAdmission(
    {
      ...{ till, secrets: [seed('secret')], realm: 'api.bakery.example', merchant: 'bakery', operator: 'south' },
      ...{ currency: 'EUR', unitNano: 100_000, clock: standingClock() },
    },
    { price: '0.0004 EUR', per: 'message', credit: 16, description: 'Prices of flour as they change' },
    { find: () => entry, add: (one) => (entry = one), isFull: false, notePayment: () => true },
  );
  const ask = (credential?: string) => admission.admit({ target: '/flour', header: () => credential });
  const refused = await ask();
  if (refused.type !== 'refused') throw new Error(`the example was ${refused.type}`);
  const challenge = parseChallenges(refused.headers['www-authenticate']!)[0]!;
  const { units, resource } = decodeOffer(challenge);

  const chain = makeChain(seed('chain'), 64);
  const cipher = createListCipher(seed('list'));
  const [transaction, stream] = ['north.17.1', 'north.17.1/1'];
  const pay = (number: number, before: Uint8Array, paid: { units: number; steps: number; request: Uint8Array }) => {
    const head = headWith(before, cipher.encrypt({ number, units: paid.units, request: paid.request }));
    const word = chain.slice(paid.steps * WORD_LENGTH, (paid.steps + 1) * WORD_LENGTH);
    const words = [word, undefined, undefined, undefined];
    return { head, token: encodePurchase({ number, steps: stepsFor(paid.units), head, words }) };
  };
  const first = pay(1, EMPTY_HEAD, { units, steps: units, request: resource });
  const credential = formatCredential(challenge, { transaction, token: first.token, ahead: 8 });
  const admitted = await ask(credential);
  if (admitted.type !== 'admitted') throw new Error(`the example was ${admitted.type}`);
  const request = streamPaymentDigest(resource, stream, 2);
  const second = pay(2, first.head, { units: 12, steps: units + 12, request });
  const resume = { stream, key: streamKeyOf(first.token), sequence: 2, received: 3 };
  const again = formatCredential(challenge, { transaction, token: second.token, ahead: 8, resume });

  const merchant = (frame: MerchantFrame) => {
    readMerchantFrame(formatFrame(frame));
    return `< ${formatFrame(frame)}`;
  };
  const customer = (frame: CustomerFrame) => {
    readCustomerFrame(formatFrame(frame));
    return `> ${formatFrame(frame)}`;
  };
  return {
    'stream-request': shown(challenge.request),
    'stream-payload': payloadOf(credential),
    'stream-answer': [
      'HTTP/1.1 101 Switching Protocols',
      ...Object.entries(admitted.headers).map(([name, value]) => `${name}: ${value}`),
    ].join('\n'),
    'stream-frames': [
      merchant({ type: 'open', stream, sequence: 1, paid: 4, received: 0 }),
      merchant({ type: 'received', count: 0 }),
      merchant({ type: 'message', text: 'flour 0.82' }),
      merchant({ type: 'message', text: 'flour 0.83' }),
      merchant({ type: 'due', through: 16 }),
      merchant({ type: 'message', text: 'flour 0.81' }),
      customer({ type: 'payment', sequence: 2, transaction, token: second.token }),
      merchant({ type: 'paid', sequence: 2, paid: 16 }),
      customer({ type: 'end' }),
      merchant({ type: 'end', used: 12, paid: 16 }),
    ].join('\n'),
    'stream-resume': payloadOf(again),
  };
}

function payloadOf(credential: string): string {
  const { payload } = JSON.parse(Buffer.from(credential.slice('Payment '.length), 'base64url').toString());
  return JSON.stringify(payload, undefined, 2);
}
