/** The examples of docs/payment-method.md, made by the code that speaks on the wire. */
import { sha256 } from '../../src/crypto/digest.ts';
import { createCharge } from '../../src/deposit/merchant-http/charge.ts';
import type { Admission } from '../../src/deposit/merchant-http/charge-terms.ts';
import { discoveryAnswer } from '../../src/deposit/merchant-http/discovery.ts';
import { makeChain, WORD_LENGTH } from '../../src/deposit/message/hash-chain.ts';
import { parseChallenges } from '../../src/deposit/message/payment-challenge.ts';
import { formatCredential, preemptiveChallenge } from '../../src/deposit/message/payment-credential.ts';
import { decodeOffer } from '../../src/deposit/message/payment-offer.ts';
import { encodePurchase, stepsFor } from '../../src/deposit/message/purchase.ts';
import { createListCipher, EMPTY_HEAD, headWith } from '../../src/deposit/message/purchase-list.ts';
import { standingClock } from './payment-ends.ts';

const seed = (name: string) => sha256(Buffer.from(`example: ${name}`));
const shown = (encoded: string) =>
  JSON.stringify(JSON.parse(Buffer.from(encoded, 'base64url').toString()), undefined, 2);

/** Each by its name in the document. */
export async function paymentExamples(): Promise<Readonly<Record<string, string>>> {
  const till = { purchase: async () => ({ number: 1, repeated: false }), checkpoint: async () => {} };
  const charge = createCharge({
    ...{ till, secrets: [seed('secret')], realm: 'api.bakery.example', merchant: 'bakery', operator: 'south' },
    ...{ currency: 'EUR', unitNano: 100_000, clock: standingClock() },
  });
  const gate = charge({ price: '0.0004 EUR', description: 'Weather of one place', suggestedDeposit: '1.00 EUR' });
  const admit = (credential?: string) =>
    gate.admit({ method: 'GET', target: '/weather?in=Reims', body: new Uint8Array(), header: () => credential });

  const refused = refusal(await admit());
  const challenge = parseChallenges(refused.headers['www-authenticate']!)[0]!;
  const { units, resource } = decodeOffer(challenge);
  const chain = makeChain(seed('chain'), units);
  const head = headWith(EMPTY_HEAD, createListCipher(seed('list')).encrypt({ number: 1, units, request: resource }));
  const word = chain.slice(units * WORD_LENGTH, (units + 1) * WORD_LENGTH);
  const token = encodePurchase({
    number: 1,
    steps: stepsFor(units),
    head,
    words: [word, undefined, undefined, undefined],
  });
  const credential = formatCredential(challenge, { transaction: 'north.17.1', token });
  const ahead = formatCredential(preemptiveChallenge, { transaction: 'north.17.1', token });
  const paid = await admit(credential);
  if (paid.type !== 'paid') throw new Error(`the example was ${paid.type}`);
  const answer = paid.headersFor(200, undefined);
  const broken = refusal(await admit(credential.replace('Payment ', 'Payment !')));

  return {
    challenge: `HTTP/1.1 402 Payment Required\n${fields(refused.headers)}\n\n${text(refused)}`,
    request: shown(challenge.request),
    credential: `GET /weather?in=Reims HTTP/1.1\nHost: api.bakery.example\nAuthorization: ${credential}`,
    'credential-json': shown(credential.slice('Payment '.length)),
    ahead: `GET /weather?in=Reims HTTP/1.1\nHost: api.bakery.example\nAuthorization: ${ahead}`,
    'ahead-json': shown(ahead.slice('Payment '.length)),
    receipt: `HTTP/1.1 200 OK\n${fields(answer)}`,
    'receipt-json': shown(answer['payment-receipt']!),
    problem: text(broken),
    discovery: JSON.stringify(
      JSON.parse(
        discoveryAnswer({ title: 'Weather', version: '1', operations: [{ path: '/weather', method: 'get', gate }] })
          .body,
      ),
      undefined,
      2,
    ),
  };
}

function refusal(admission: Admission) {
  if (admission.type !== 'refused') throw new Error(`the example was ${admission.type}`);
  return admission;
}

function fields(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');
}

function text({ body }: { readonly body: Uint8Array }): string {
  return Buffer.from(body).toString();
}
