/** When a customer's machine orders, accepts, claims and gives up: the rules, one by one. */
import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/codec/hex.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { decodeShape, encodeShape, linkOf, readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { acceptType } from '../../../src/delivery/message/acceptance.ts';
import { complaintType } from '../../../src/delivery/message/complaint.ts';
import { unsealKey } from '../../../src/delivery/message/custody.ts';
import { handoverType, passedKeyType } from '../../../src/delivery/message/key-handover.ts';
import { readOffer } from '../../../src/delivery/message/offer.ts';
import { orderTakenType, orderType } from '../../../src/delivery/message/order.ts';
import { signRelease } from '../../../src/delivery/message/release.ts';
import { type NotAccept, notAcceptType, resendingType } from '../../../src/delivery/message/resending.ts';
import { type Ruling, rulingType } from '../../../src/delivery/message/ruling.ts';
import {
  commitType,
  type Downloaded,
  downloadedType,
  downloadType,
  type Opened,
  openedType,
  outcomeType,
} from '../../../src/delivery/receiver/errand.ts';
import { purchaseIn } from '../../../src/delivery/receiver/purchase.ts';
import type { BuyInput } from '../../../src/delivery/receiver/receiver-input.ts';
import { createReceiver } from '../../../src/delivery/receiver/receiver-machine.ts';
import type { ReceiverPolicy } from '../../../src/delivery/receiver/receiver-policy.ts';
import type { Decision, Outcome } from '../../../src/journal/machine.ts';
import { ada, bob, carl, makeOffer, NOW, productKey, tess, tom } from '../message/documents-fixture.ts';
import { identifyAll, person } from '../people.ts';
import { script } from '../scripted-machine.ts';

const arno = person('arno', 'arbiter');
const coded = (code: string) => expect.objectContaining({ code });
const content = readMessageContent();

function readMessageContent(): Uint8Array {
  return readOffer(makeOffer(), identifyAll).description.value.content;
}

const answered = (body: Uint8Array): Outcome => ({ type: 'answered', body });
const refused = (code: string): Outcome => ({ type: 'refused', code, detail: '' });

function openReceiver(changes: Partial<ReceiverPolicy> = {}) {
  const policy: ReceiverPolicy = {
    ...{ signer: carl, identify: identifyAll, nowMs: () => receiver.nowMs, releaseWaitMs: 1000, claimWaitMs: 5000 },
    arbiter: { name: 'arno', url: 'https://arno.test', party: arno },
    ...changes,
  };
  const receiver = script(createReceiver(policy), NOW);
  const buy = (input: Partial<BuyInput> = {}) =>
    receiver.act({
      ...{
        type: 'buy',
        reference: 'one',
        offer: readOffer(makeOffer(), identifyAll),
        payee: 'ada',
        notify: 'local:station',
      },
      ...{ price: { currency: 'EUR', minor: 500n }, merchantUrl: 'https://ada.test', trusteeUrl: 'https://tess.test' },
      deadlineMs: NOW + 60_000,
      ...input,
    });
  const begun = () => receiver.state.purchases.get('one')!;
  const answer = (step: string, outcome: Outcome, number = 1) =>
    receiver.reply({ id: `one/${step}/${number}`, outcome });
  const steps = {
    taken: (signer = ada, order = begun().orderDigest) =>
      answer(
        'order',
        answered(
          signMessage(orderTakenType, { order, merchant: 'ada', urls: ['https://cdn.test'], atMs: NOW }, signer),
        ),
      ),
    passed: (signer = tess, handover = begun().handover) =>
      answer('handover', answered(signMessage(passedKeyType, { handover, trustee: 'tess', atMs: NOW }, signer))),
    prepared: () => answer('prepare', answered(new Uint8Array())),
    downloaded: (result: Downloaded = { outcome: 'whole', segments: [] }, number = begun().downloads) =>
      answer('download', answered(encodeShape(downloadedType, result)), number),
    paid: () => answer('commit', answered(new Uint8Array([9]))),
    released: (step: 'acceptance' | 'claim', signer = step === 'claim' ? tess : ada, key = productKey) => {
      const { orderDigest: order, accept, manifest, orderKey } = begun();
      const of = { order, accept: linkOf(accept!), package: linkOf(manifest) };
      const role = step === 'claim' ? 'trustee' : 'merchant';
      const keys = { orderKey, productKey: key, signer, random: systemRandom };
      return answer(step, answered(signRelease({ ...of, role, by: signer.name, atMs: NOW }, keys)));
    },
    opened: (opened: Opened = { outcome: 'opened', content }, number = begun().openings) =>
      answer('open', answered(encodeShape(openedType, opened)), number),
    ruled: (changes: Partial<Ruling> = {}, signer = arno) => {
      const { complaint, orderDigest: order, complaints } = begun();
      const said: Ruling = {
        ...{ case: complaint!.digest, arbiter: 'arno', order, outcome: 'refund', breaches: ['merchant'], atMs: NOW },
        ...{ reasons: [{ code: 'CONTENT_DIFFERS', text: 'It differs.' }], ...changes },
      };
      return answer('complaint', answered(signMessage(rulingType, said, signer)), complaints);
    },
  };
  return {
    ...{ receiver, policy, buy, begun, answer, ...steps },
    toAccept() {
      buy();
      steps.prepared();
      steps.passed();
      steps.taken();
      return steps.downloaded();
    },
    toPaid() {
      this.toAccept();
      return steps.paid();
    },
    kinds: ({ send = [] }: Decision<unknown>) => send.map(({ kind }) => kind),
    told: ({ send = [] }: Decision<unknown>) =>
      send.filter(({ kind }) => kind === outcomeType.name).map(({ body }) => decodeShape(outcomeType, body)),
  };
}

describe('beginning', () => {
  test('sends order, K1 and the request for money at once, and none of them gives K1 away', () => {
    const { buy, begun } = openReceiver();
    const { send } = buy();
    expect(send!.map(({ to }) => to)).toEqual([
      'https://ada.test/delivery/order',
      'https://tess.test/delivery/key-handover',
      'local:settlement',
    ]);
    const order = readMessage(orderType, send![0]!.body).value;
    expect(order).toMatchObject({
      merchant: 'ada',
      product: 'song',
      trustee: 'tess',
      payee: 'ada',
      deadlineMs: NOW + 60_000,
    });
    const handover = readMessage(handoverType, send![1]!.body).value;
    const { orderKey, orderDigest } = begun();
    expect(unsealKey(handover.key, { privateKey: ada.privateKey, binding: orderDigest })).toEqual(orderKey);
    expect(() => unsealKey(handover.key, { privateKey: tess.privateKey, binding: orderDigest })).toThrow();
    for (const { body } of send!) expect(Buffer.from(body).includes(Buffer.from(orderKey))).toBe(false);
  });

  test('is refused without a name of its own, without time, without room, and without the trustee to fall back on', () => {
    const { buy, receiver } = openReceiver({ maxOpen: 2 });
    expect(() => buy({ reference: '' })).toThrow(coded('ORDER_REFUSED'));
    expect(() => buy({ reference: 'a/b' })).toThrow(coded('ORDER_REFUSED'));
    expect(() => buy({ deadlineMs: NOW })).toThrow(coded('ORDER_EXPIRED'));
    const short = readOffer(makeOffer({ custody: { keptUntilMs: NOW + 3_660_000 - 1 } }), identifyAll);
    expect(() => buy({ offer: short })).toThrow(coded('CUSTODY_ENDED'));
    const enough = readOffer(makeOffer({ custody: { keptUntilMs: NOW + 3_660_000 } }), identifyAll);
    buy({ offer: enough });
    expect(() => buy()).toThrow(coded('ORDER_REFUSED'));
    buy({ reference: 'two' });
    receiver.restart();
    expect(() => buy({ reference: 'three' })).toThrow(coded('ORDERS_OPEN'));
  });
});

describe('the accept', () => {
  const orders = [
    ['taken', 'downloaded', 'passed', 'prepared'],
    ['passed', 'prepared', 'taken', 'downloaded'],
    ['prepared', 'taken', 'passed', 'downloaded'],
    ['taken', 'prepared', 'downloaded', 'passed'],
  ] as const;

  test.each(orders)('is signed when everything is there, and not before: %s, %s, %s, %s', (...order) => {
    const open = openReceiver();
    open.buy();
    const sent: string[] = [];
    for (const [at, step] of order.entries()) {
      const kinds = open.kinds(open[step]());
      sent.push(...kinds);
      expect(kinds.includes(commitType.name), step).toBe(at === order.length - 1);
    }
    expect(sent).toEqual(expect.arrayContaining([downloadType.name, commitType.name]));
    expect(open.begun().phase).toBe('paying');
    const accept = readMessage(acceptType, open.begun().accept!);
    accept.requireSignature(carl.publicKey);
    expect(toHex(accept.value.package)).toBe(toHex(linkOf(open.begun().manifest)));
  });

  test('is not signed on the word of somebody else, or about something else', () => {
    const open = openReceiver();
    open.buy();
    expect(() => open.taken(bob)).toThrow(coded('ACCEPTANCE_UNFIT'));
    expect(() => open.taken(ada, systemRandom(32))).toThrow(coded('ACCEPTANCE_UNFIT'));
    expect(() => open.taken(carl)).toThrow(coded('CRYPTOGRAPHIC_FAILURE'));
    expect(() => open.passed(tom)).toThrow(coded('ACCEPTANCE_UNFIT'));
    expect(() => open.passed(tess, open.begun().order)).toThrow(coded('ACCEPTANCE_UNFIT'));
    expect(open.begun()).toMatchObject({ taken: null, passedKey: null });
  });

  test('is not signed at or after the deadline, however everything comes together', () => {
    const open = openReceiver();
    open.buy();
    open.prepared();
    open.passed();
    open.taken();
    open.receiver.nowMs = NOW + 60_000;
    expect(open.kinds(open.downloaded())).toEqual([]);
    const over = open.receiver.fire({ id: 'one/deadline', atMs: NOW + 60_000 });
    expect(open.told(over)).toMatchObject([{ outcome: 'unpaid', reason: 'DEADLINE' }]);
  });

  test('once signed is not taken back by the deadline, and is signed once', () => {
    const open = openReceiver();
    const accepted = open.toAccept();
    expect(accepted.clearTimers).toEqual(['one/deadline']);
    expect(open.receiver.fire({ id: 'one/deadline', atMs: NOW }).records).toEqual([]);
    expect(open.kinds(open.prepared())).toEqual([]);
    expect(open.kinds(open.passed())).toEqual([]);
    expect(open.begun().phase).toBe('paying');
  });

  test('that cannot be paid ends unpaid, and never leaves the house', () => {
    const open = openReceiver();
    open.toAccept();
    const over = open.answer('commit', refused('FUNDS_LACKING'));
    expect(open.told(over)).toMatchObject([{ outcome: 'unpaid', reason: 'FUNDS_LACKING' }]);
    expect(open.kinds(over)).toContain('delivery-cancel-payment');
    expect(open.receiver.state.purchases.size).toBe(0);
    expect(open.receiver.reply({ id: 'one/commit/1', outcome: answered(new Uint8Array()) }).records).toEqual([]);
  });
});

describe('before the accept', () => {
  test.each(['order', 'handover', 'prepare'])(
    'a refused %s ends it, calls back the rest, and sets the money free',
    (step) => {
      const open = openReceiver();
      open.buy();
      const over = open.answer(step, refused('NO'));
      expect(open.told(over)).toMatchObject([{ outcome: 'unpaid', reason: 'NO' }]);
      expect(open.kinds(over)).toContain('delivery-cancel-payment');
      expect(over.cancel).toEqual(expect.arrayContaining(['one/order/1', 'one/handover/1', 'one/prepare/1']));
    },
  );

  test('a faulty package is not accepted three times, each under its number, and the fourth ends it', () => {
    const open = openReceiver();
    open.buy();
    open.taken();
    for (const attempt of [1, 2, 3]) {
      const bad = open.downloaded({ outcome: 'faulty', fault: 'segments', segments: [{ first: 2, last: 4 }] });
      const { value } = readMessage(notAcceptType, bad.send![0]!.body);
      expect(value).toMatchObject({
        attempt,
        fault: 'segments',
        segments: [{ first: 2, last: 4 }],
      } satisfies Partial<NotAccept>);
      const again = (number: number, signer = ada) =>
        signMessage(
          resendingType,
          {
            order: open.begun().orderDigest,
            attempt: number,
            outcome: 'again',
            urls: ['https://other.test'],
            atMs: NOW,
          },
          signer,
        );
      expect(() => open.answer('not-accept', answered(again(attempt + 1)), attempt)).toThrow(coded('ACCEPTANCE_UNFIT'));
      expect(() => open.answer('not-accept', answered(again(attempt, bob)), attempt)).toThrow(
        coded('ACCEPTANCE_UNFIT'),
      );
      const next = open.answer('not-accept', answered(again(attempt)), attempt);
      expect(decodeShape(downloadType, next.send![0]!.body)).toMatchObject({
        urls: ['https://other.test'],
        recheck: 'no',
      });
    }
    const over = open.downloaded({ outcome: 'faulty', fault: 'segments', segments: [] });
    expect(open.kinds(over)).toContain(notAcceptType.name);
    expect(open.told(over)).toMatchObject([{ outcome: 'unpaid', reason: 'NEVER_WHOLE' }]);
  });

  test('answers to what is no longer waited for change nothing', () => {
    const open = openReceiver();
    open.buy();
    open.taken();
    open.downloaded({ outcome: 'faulty', fault: 'unreachable', segments: [] });
    expect(open.downloaded(undefined, 7).records).toEqual([]);
    expect(open.answer('open', answered(encodeShape(openedType, { outcome: 'opened', content }))).records).toEqual([]);
    expect(open.answer('commit', answered(new Uint8Array())).records).toEqual([]);
    expect(open.receiver.fire({ id: 'one/release', atMs: NOW }).records).toEqual([]);
    expect(open.receiver.reply({ id: 'other/order/1', outcome: refused('NO') }).records).toEqual([]);
  });
});

describe('after the accept', () => {
  test('the merchant’s release opens the package, and what is as described is delivered', () => {
    const open = openReceiver();
    const paid = open.toPaid();
    expect(paid.timers).toEqual([{ id: 'one/release', atMs: NOW + 1000 }]);
    const released = open.released('acceptance');
    expect(released.cancel).toEqual(expect.arrayContaining(['one/acceptance/1', 'one/claim/1']));
    expect(open.kinds(released)).toEqual(['delivery-open']);
    expect(open.told(open.opened())).toMatchObject([{ outcome: 'delivered' }]);
    expect(open.receiver.state.purchases.size).toBe(0);
  });

  test('silence leads to the trustee, once; whoever comes first opens it', () => {
    const open = openReceiver();
    open.toPaid();
    const asked = open.receiver.fire({ id: 'one/release', atMs: NOW + 1000 });
    expect(asked.send).toMatchObject([{ to: 'https://tess.test/delivery/claim', expiresAtMs: NOW + 5000 }]);
    expect(open.kinds(open.receiver.fire({ id: 'one/release', atMs: NOW + 1000 }))).toEqual([]);
    expect(open.kinds(open.released('acceptance'))).toEqual(['delivery-open']);
    expect(open.receiver.reply({ id: 'one/claim/1', outcome: refused('LATE') }).records).toEqual([]);
  });

  test.each<[string, (open: ReturnType<typeof openReceiver>) => Decision<unknown>]>([
    ['a refusal', (open) => open.answer('acceptance', refused('NO'))],
    ['nonsense', (open) => open.answer('acceptance', answered(new Uint8Array([1])))],
    ['another key', (open) => open.released('acceptance', ada, systemRandom(32))],
    ['a release somebody else signed', (open) => open.released('acceptance', bob)],
  ])('%s leads to the trustee at once', (_, act) => {
    const open = openReceiver();
    open.toPaid();
    expect(open.kinds(act(open))).toEqual(['delivery-claim']);
    expect(open.kinds(open.released('claim'))).toEqual(['delivery-open']);
  });

  test('what was signed and false is kept against whoever signed it', () => {
    const open = openReceiver();
    open.toPaid();
    open.released('acceptance', ada, systemRandom(32));
    expect(open.receiver.records.map(({ type }) => type)).toContain('false-release');
  });

  test('when the trustee fails too, the arbiter is asked, and a release on the way still counts', () => {
    const open = openReceiver();
    open.toPaid();
    open.receiver.fire({ id: 'one/release', atMs: NOW + 1000 });
    const asked = open.answer('claim', { type: 'expired' });
    expect(asked.send).toMatchObject([{ to: 'https://arno.test/delivery/complaint' }]);
    const complaint = readMessage(complaintType, asked.send![0]!.body).value;
    expect(complaint.about).toBe('withheld');
    const { orderDigest, orderKey } = open.begun();
    expect(unsealKey(complaint.key, { privateKey: arno.privateKey, binding: orderDigest })).toEqual(orderKey);
    const late = open.released('acceptance');
    expect(late.cancel).toContain('one/complaint/1');
    expect(open.kinds(late)).toEqual(['delivery-open']);
  });

  test('without an arbiter it goes on waiting as long as either may still release it', () => {
    const open = openReceiver({ arbiter: undefined as never });
    open.toPaid();
    open.receiver.fire({ id: 'one/release', atMs: NOW + 1000 });
    expect(open.kinds(open.answer('claim', refused('NO')))).toEqual([]);
    expect(open.begun().phase).toBe('claiming');
    expect(open.told(open.answer('acceptance', refused('NO')))).toMatchObject([{ outcome: 'withheld' }]);
  });
});

describe('what is opened', () => {
  function opening() {
    const open = openReceiver();
    open.toPaid();
    open.released('acceptance');
    return open;
  }
  const segment = { number: 1, path: [], bytes: new Uint8Array(20) };

  test('and is not what was signed goes to the arbiter, with the segment that shows it', () => {
    const open = opening();
    const asked = open.opened({ outcome: 'does-not-open', segment });
    expect(readMessage(complaintType, asked.send![0]!.body).value).toMatchObject({ about: 'does-not-open', segment });
  });

  test('and has another digest than described goes to the arbiter', () => {
    const open = opening();
    const asked = open.opened({ outcome: 'opened', content: systemRandom(32) });
    expect(readMessage(complaintType, asked.send![0]!.body).value.about).toBe('content-differs');
  });

  test('without an arbiter is told as faulty', () => {
    const open = openReceiver({ arbiter: undefined as never });
    open.toPaid();
    open.released('acceptance');
    expect(open.told(open.opened({ outcome: 'does-not-open', segment }))).toMatchObject([
      { outcome: 'faulty', reason: 'DOES_NOT_OPEN' },
    ]);
  });

  test('and was damaged here is fetched again, checked over, and opened again, but not for ever', () => {
    const open = opening();
    for (let number = 1; number < 5; number++) {
      const again = open.opened({ outcome: 'damaged' });
      expect(decodeShape(downloadType, again.send![0]!.body).recheck).toBe('yes');
      expect(again.send![0]!.expiresAtMs).toBeUndefined();
      expect(open.kinds(open.downloaded())).toEqual(['delivery-open']);
    }
    expect(open.told(open.opened({ outcome: 'damaged' }))).toMatchObject([
      { outcome: 'faulty', reason: 'DAMAGED_HERE' },
    ]);
  });
});

describe('a ruling', () => {
  function complaining() {
    const open = openReceiver();
    open.toPaid();
    open.released('acceptance');
    open.opened({ outcome: 'opened', content: systemRandom(32) });
    return open;
  }

  test('ends it, and is kept', () => {
    const open = complaining();
    expect(open.told(open.ruled())).toMatchObject([{ outcome: 'ruled', reason: 'refund CONTENT_DIFFERS' }]);
    expect(open.receiver.records.map(({ type }) => type)).toContain('ruled');
  });

  test('on another case or order, or of another arbiter, is asked for again', () => {
    const open = complaining();
    expect(() => open.ruled({ case: systemRandom(32) })).toThrow(coded('RULING_UNFIT'));
    expect(() => open.ruled({ order: systemRandom(32) })).toThrow(coded('RULING_UNFIT'));
    expect(() => open.ruled({}, person('agnes', 'arbiter'))).toThrow(coded('RULING_UNFIT'));
    expect(() => open.ruled({}, ada)).toThrow(coded('CRYPTOGRAPHIC_FAILURE'));
    expect(open.begun().phase).toBe('complaining');
  });

  test('a person may complain about what was delivered, once', () => {
    const open = openReceiver();
    open.toPaid();
    open.released('acceptance');
    open.opened();
    const purchase = purchaseIn(open.receiver.records)!;
    const asked = open.receiver.act({ type: 'complain', purchase, statement: 'It is not a song.' });
    const { value } = readMessage(complaintType, asked.send![0]!.body);
    expect(value).toMatchObject({ about: 'not-as-described', statement: 'It is not a song.' });
    open.receiver.restart();
    expect(() => open.receiver.act({ type: 'complain', purchase, statement: '' })).toThrow(coded('COMPLAINT_UNFIT'));
    const ruled = open.ruled({ outcome: 'dismissed', breaches: [] });
    expect(ruled.send).toMatchObject([{ id: 'one/outcome/2' }]);
    const again = purchaseIn(open.receiver.records)!;
    expect(() => open.receiver.act({ type: 'complain', purchase: again, statement: '' })).toThrow(
      coded('COMPLAINT_UNFIT'),
    );
  });
});

test('a restart at any point changes nothing', () => {
  const open = openReceiver();
  const restart = () => open.receiver.restart();
  open.buy();
  restart();
  open.prepared();
  open.passed();
  restart();
  open.taken();
  restart();
  open.downloaded();
  restart();
  open.paid();
  restart();
  open.receiver.fire({ id: 'one/release', atMs: NOW + 1000 });
  restart();
  open.released('claim');
  restart();
  expect(open.told(open.opened())).toMatchObject([{ outcome: 'delivered' }]);
});
