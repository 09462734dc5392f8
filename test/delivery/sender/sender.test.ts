/** What a merchant's side takes, sells and forgets. */
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../../src/codec/hex.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { decodeShape, encodeShape, linkOf, readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { acceptanceType, acceptType } from '../../../src/delivery/message/acceptance.ts';
import { passedAcceptanceType } from '../../../src/delivery/message/claim.ts';
import { complaintType, hearingType, statementType } from '../../../src/delivery/message/complaint.ts';
import { custodyReceiptType, lodgingType, unsealKey } from '../../../src/delivery/message/custody.ts';
import { manifestType } from '../../../src/delivery/message/manifest.ts';
import { orderTakenType } from '../../../src/delivery/message/order.ts';
import { refundOrderType } from '../../../src/delivery/message/refund.ts';
import { openRelease, releaseType } from '../../../src/delivery/message/release.ts';
import { type NotAccept, notAcceptType, resendingType } from '../../../src/delivery/message/resending.ts';
import { rulingType } from '../../../src/delivery/message/ruling.ts';
import type { SettlementProof } from '../../../src/delivery/message/settlement-proof.ts';
import { newsType } from '../../../src/delivery/sender/news.ts';
import {
  publishInput,
  receiveAcceptance,
  receiveHearing,
  receiveNotAccept,
  receiveOrder,
  receivePassedAcceptance,
  receivePassedKey,
  receiveRuling,
} from '../../../src/delivery/sender/receive.ts';
import { createSender } from '../../../src/delivery/sender/sender-machine.ts';
import { GRACE_MS, type SenderPolicy } from '../../../src/delivery/sender/sender-policy.ts';
import type { SenderRecord } from '../../../src/delivery/sender/sender-state.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import {
  ada,
  bob,
  type Changes,
  carl,
  dora,
  makeAcceptance,
  makeOffer,
  NOW,
  orderKey,
  productKey,
  tess,
  tom,
} from '../message/documents-fixture.ts';
import { identifyAll, person } from '../people.ts';
import { script } from '../scripted-machine.ts';

const arno = person('arno', 'arbiter');
const coded = (code: string) => expect.objectContaining({ code });
const DAY = 86_400_000;

function openSender(changes: Partial<SenderPolicy> = {}) {
  let paid: Awaited<ReturnType<SettlementProof['check']>> = 'paid';
  const policy: SenderPolicy = {
    ...{ name: 'ada', signer: ada, identify: identifyAll, arbiters: new Set(['arno']), nowMs: () => sender.nowMs },
    ...{
      trustees: new Map([['tess', { url: 'https://tess.test', party: tess }]]),
      terms: () => {},
      notify: 'local:shop',
    },
    proof: { check: async () => paid },
    ...changes,
  };
  const sender = script(createSender(policy), NOW);
  const offer = makeOffer();
  const of = toHex(linkOf(offer.manifest));
  const publish = () =>
    sender.act(publishInput({ ...offer, productKey }, { trustee: 'tess', urls: offer.urls }, policy)).send![0]!;
  const receipt = (keptUntilMs: number, said = {}, signer = tess) => {
    const { merchant, product, commitment } = readMessage(manifestType, offer.manifest).value;
    const all = {
      trustee: 'tess',
      package: fromHex(of),
      merchant,
      product,
      commitment,
      keptUntilMs,
      atMs: NOW,
      ...said,
    };
    return { type: 'answered' as const, body: signMessage(custodyReceiptType, all, signer) };
  };
  const history = async (key: string): Promise<readonly SenderRecord[]> =>
    sender.records.filter((record) => 'order' in record && key === `order:${record.order}`);
  return {
    ...{ sender, policy, offer, of, publish, receipt },
    pays(said: typeof paid) {
      paid = said;
    },
    sell() {
      const { id } = publish();
      return sender.reply({ id, kind: lodgingType.name, outcome: receipt(NOW + 100 * DAY) });
    },
    deal: (deal: Changes = {}) => makeAcceptance(deal, offer),
    order: (bytes: Uint8Array) => sender.act(receiveOrder(bytes, policy).input),
    accept: async (bytes: Uint8Array) => sender.act((await receiveAcceptance(bytes, policy, history)).input),
    passed: async (bytes: Uint8Array) => sender.act((await receivePassedAcceptance(bytes, policy, history)).input),
    hear: async (bytes: Uint8Array) => sender.act((await receiveHearing(bytes, policy)).input),
    news: (decision: { readonly send?: readonly { readonly kind: string; readonly body: Uint8Array }[] }) =>
      (decision.send ?? []).filter(({ kind }) => kind === newsType.name).map(({ body }) => decodeShape(newsType, body)),
  };
}

const shownAs = (shown: ReturnType<typeof makeAcceptance>) => encodeShape(acceptanceType, shown);

describe('a package on sale', () => {
  test('is sold once the trustee has signed for its key, and not before', () => {
    const { publish, sender, receipt, order, deal } = openSender();
    const lodged = publish();
    expect(() => order(deal().order)).toThrow(coded('CUSTODY_ENDED'));
    sender.reply({ id: lodged.id, kind: lodgingType.name, outcome: receipt(NOW + DAY) });
    expect(order(deal().order).answer).toBeDefined();
    const { value } = readMessage(lodgingType, lodged.body);
    expect(unsealKey(value.key, { privateKey: tess.privateKey, binding: linkOf(value.manifest) })).toEqual(productKey);
  });

  test('is lodged again before the keeping ends, and sold no more after it', () => {
    const { sell, sender, of, order, deal, receipt } = openSender();
    const { timers } = sell();
    expect(timers).toEqual([{ id: `renew:${of}`, atMs: NOW + 80 * DAY }]);
    sender.nowMs = NOW + 80 * DAY;
    const [again] = sender.fire(timers![0]!).send!;
    expect(again!.id).not.toBe(`lodging:${of}:1`);
    sender.nowMs = NOW + 100 * DAY - GRACE_MS;
    const late = () => deal({ order: { deadlineMs: sender.nowMs + 1000 } }).order;
    expect(() => order(late())).toThrow(coded('CUSTODY_ENDED'));
    sender.reply({ id: again!.id, kind: lodgingType.name, outcome: receipt(NOW + 200 * DAY) });
    expect(order(late()).answer).toBeDefined();
  });

  test('is not believed to be kept for a receipt of something or somebody else', () => {
    const { publish, sender, receipt } = openSender();
    const { id } = publish();
    const answer = (outcome: ReturnType<typeof receipt>) => () => sender.reply({ id, kind: lodgingType.name, outcome });
    expect(answer(receipt(NOW + DAY, { package: systemRandom(32) }))).toThrow(coded('OFFER_UNFIT'));
    expect(answer(receipt(NOW + DAY, { trustee: 'tom' }))).toThrow(coded('OFFER_UNFIT'));
    expect(answer(receipt(NOW + DAY, {}, tom))).toThrow(coded('OFFER_UNFIT'));
    expect(answer(receipt(NOW + DAY, {}, ada))).toThrow(coded('CRYPTOGRAPHIC_FAILURE'));
  });

  test('that the trustee refuses is told to the shop', () => {
    const { publish, sender, news } = openSender();
    const { id } = publish();
    const refused = sender.reply({
      id,
      kind: lodgingType.name,
      outcome: { type: 'refused', code: 'CUSTODY_REFUSED', detail: '' },
    });
    expect(news(refused)).toMatchObject([{ what: 'not-in-custody', reason: 'CUSTODY_REFUSED' }]);
  });

  test('is not published in another merchant’s name, or with a trustee nobody knows; twice is once', () => {
    const { policy, offer, sender, publish } = openSender();
    const sold = { trustee: 'tess', urls: offer.urls };
    const bobs = makeOffer({
      description: { merchant: 'bob' },
      manifest: { merchant: 'bob' },
      signers: { description: bob, manifest: bob },
    });
    expect(() => publishInput({ ...bobs, productKey }, sold, policy)).toThrow(coded('OFFER_UNFIT'));
    expect(() => publishInput({ ...offer, productKey }, { ...sold, trustee: 'tom' }, policy)).toThrow(
      coded('OFFER_UNFIT'),
    );
    publish();
    expect(sender.act(publishInput({ ...offer, productKey }, sold, policy)).records).toEqual([]);
  });
});

describe('an order', () => {
  test('is taken under signature', () => {
    const { sell, order, deal } = openSender();
    sell();
    const bytes = deal().order;
    const taken = readMessage(orderTakenType, order(bytes).answer!);
    taken.requireSignature(ada.publicKey);
    expect(toHex(taken.value.order)).toBe(toHex(linkOf(bytes)));
  });

  test.each<[string, Changes, string]>([
    ['for another merchant', { order: { merchant: 'bob' } }, 'ORDER_REFUSED'],
    ['of a package not sold here', { order: { package: systemRandom(32) } }, 'PACKAGE_UNKNOWN'],
    ['of another product in the package', { order: { product: 'film' } }, 'PACKAGE_UNKNOWN'],
    ['as another description has it', { order: { description: systemRandom(32) } }, 'PACKAGE_UNKNOWN'],
    ['with another trustee', { order: { trustee: 'tom' } }, 'CUSTODY_ENDED'],
    ['whose deadline is over', { order: { deadlineMs: NOW } }, 'ORDER_EXPIRED'],
    ['whose deadline is too far', { order: { deadlineMs: NOW + 8 * DAY } }, 'ORDER_EXPIRED'],
    ['that a merchant signed', { signers: { order: bob } }, 'CRYPTOGRAPHIC_FAILURE'],
  ])('%s is refused', (_, changes, code) => {
    const { sell, order, deal } = openSender();
    sell();
    expect(() => order(deal(changes).order)).toThrow(coded(code));
  });

  test('that the merchant’s terms refuse is refused with their words', () => {
    const terms = () => {
      throw new HandselError('PRICE_BELOW_FLOOR', 'too cheap');
    };
    const { sell, order, deal } = openSender({ terms });
    sell();
    expect(() => order(deal().order)).toThrow(coded('PRICE_BELOW_FLOOR'));
  });

  test('of one customer waits in bounded number; what is sold, lapsed or given up waits no more', async () => {
    const { sell, order, deal, accept, sender, news } = openSender({ maxOpen: 2 });
    sell();
    const first = deal();
    const { timers } = order(first.order);
    order(deal().order);
    expect(() => order(deal().order)).toThrow(coded('ORDERS_OPEN'));
    sender.restart();
    expect(() => order(deal().order)).toThrow(coded('ORDERS_OPEN'));
    order(deal({ signers: { order: dora } }).order);
    await accept(shownAs(first));
    const third = order(deal().order);
    sender.restart();
    expect(() => order(deal().order)).toThrow(coded('ORDERS_OPEN'));
    expect(third.timers).toEqual([{ id: expect.stringMatching(/^lapse:/), atMs: NOW + 60_000 + GRACE_MS }]);
    sender.nowMs = third.timers![0]!.atMs;
    expect(news(sender.fire(third.timers![0]!))).toMatchObject([{ what: 'lapsed', reason: 'deadline' }]);
    expect(news(sender.fire(timers![0]!))).toEqual([]);
    expect(sender.records.at(-1)).toMatchObject({ type: 'settled' });
    expect(sender.state.orders.size).toBe(2);
    expect(sender.fire(third.timers![0]!).records).toEqual([]);
  });
});

describe('K1', () => {
  test('is taken as the trustee signed it, and only what opens to the key that was named', () => {
    const { policy, deal, sender } = openSender();
    const { passedKey, order } = deal();
    sender.act(receivePassedKey(passedKey, policy).input);
    expect(sender.records.at(-1)).toMatchObject({ type: 'key', order: toHex(linkOf(order)) });
    const bobs = deal({ handover: { merchant: 'bob' } });
    expect(() => receivePassedKey(bobs.passedKey, policy)).toThrow(coded('HANDOVER_UNFIT'));
    const other = deal({ handover: { keyDigest: systemRandom(32) } });
    expect(() => receivePassedKey(other.passedKey, policy)).toThrow(coded('HANDOVER_UNFIT'));
    expect(() => receivePassedKey(deal({ signers: { passed: tom } }).passedKey, policy)).toThrow(
      coded('HANDOVER_UNFIT'),
    );
    expect(() => receivePassedKey(deal({ signers: { passed: carl } }).passedKey, policy)).toThrow(
      coded('CRYPTOGRAPHIC_FAILURE'),
    );
  });
});

describe('a paid acceptance', () => {
  const again = (shown: ReturnType<typeof makeAcceptance>) => {
    const said = { ...readMessage(acceptType, shown.accept).value, unique: systemRandom(16) };
    return { ...shown, accept: signMessage(acceptType, said, carl) };
  };

  test('gets K2, and is told to the shop; another accept of the same order is refused, also later', async () => {
    const { sell, order, deal, accept, news, offer, sender } = openSender();
    sell();
    const shown = deal();
    const { timers } = order(shown.order);
    const sold = await accept(shownAs(shown));
    expect(news(sold)).toMatchObject([{ what: 'sold', accept: linkOf(shown.accept) }]);
    const release = readMessage(releaseType, sold.answer!);
    release.requireSignature(ada.publicKey);
    const of = { order: linkOf(shown.order), accept: linkOf(shown.accept), package: linkOf(offer.manifest) };
    const manifest = readMessage(manifestType, offer.manifest).value;
    expect(openRelease(release, { ...of, orderKey, manifest })).toEqual(productKey);
    await expect(accept(shownAs(again(shown)))).rejects.toThrow(coded('ACCEPTED_OTHERWISE'));
    sender.restart();
    await expect(accept(shownAs(again(shown)))).rejects.toThrow(coded('ACCEPTED_OTHERWISE'));
    sender.nowMs = timers![0]!.atMs;
    sender.fire(timers![0]!);
    await expect(accept(shownAs(again(shown)))).rejects.toThrow(coded('ACCEPTED_OTHERWISE'));
    const repeated = await accept(shownAs(shown));
    expect(repeated.records).toEqual([]);
    expect(repeated.answer).toBeDefined();
  });

  test('is honoured even when the order has lapsed meanwhile: it is paid', async () => {
    const { sell, order, deal, accept, sender } = openSender();
    sell();
    const shown = deal();
    const { timers } = order(shown.order);
    sender.nowMs = timers![0]!.atMs;
    sender.fire(timers![0]!);
    expect((await accept(shownAs(shown))).answer).toBeDefined();
  });

  test('gets nothing unpaid, for another merchant’s goods, or with a key that is not K1', async () => {
    const { sell, order, deal, accept, pays } = openSender();
    sell();
    const shown = deal();
    order(shown.order);
    pays('unproved');
    await expect(accept(shownAs(shown))).rejects.toThrow(coded('PAYMENT_UNPROVED'));
    pays('unknown');
    await expect(accept(shownAs(shown))).rejects.toThrow(coded('ANSWER_PENDING'));
    pays('paid');
    const unknown = deal({ order: { package: systemRandom(32) } });
    await expect(accept(shownAs(unknown))).rejects.toThrow(coded('PACKAGE_UNKNOWN'));
    const bobs = deal({ order: { merchant: 'bob' }, handover: { merchant: 'bob' }, signers: { taken: bob } });
    await expect(accept(shownAs(bobs))).rejects.toThrow(coded('ACCEPTANCE_UNFIT'));
    const bad = systemRandom(32);
    const unkeyed = deal({ order: { keyDigest: bad }, handover: { keyDigest: bad } });
    await expect(accept(shownAs(unkeyed))).rejects.toThrow(coded('HANDOVER_UNFIT'));
  });

  test('of an order the merchant never took, at whatever price, gets nothing', async () => {
    const { sell, deal, accept } = openSender();
    sell();
    const cheap = deal({ order: { price: { currency: 'EUR', minor: 1n } }, signers: { taken: carl } });
    await expect(accept(shownAs(cheap))).rejects.toThrow(coded('CRYPTOGRAPHIC_FAILURE'));
    const other = deal();
    const swapped = { ...deal({ order: { price: { currency: 'EUR', minor: 1n } } }), taken: other.taken };
    await expect(accept(shownAs(swapped))).rejects.toThrow(coded('ACCEPTANCE_UNFIT'));
  });
});

describe('what the trustee passes on', () => {
  const passing = (shown: ReturnType<typeof makeAcceptance>, signer = tess) =>
    signMessage(
      passedAcceptanceType,
      { acceptance: shownAs(shown), trustee: 'tess', release: new Uint8Array([1]), atMs: NOW },
      signer,
    );

  test('goes into the books once, whoever comes first', async () => {
    const { sell, order, deal, accept, passed, news, sender } = openSender();
    sell();
    const shown = deal();
    order(shown.order);
    expect(news(await passed(passing(shown)))).toMatchObject([{ what: 'sold' }]);
    expect(sender.records.at(-1)).toMatchObject({ type: 'sold', by: 'trustee' });
    expect(news(await accept(shownAs(shown)))).toEqual([]);
    const other = deal();
    order(other.order);
    await accept(shownAs(other));
    expect(news(await passed(passing(other)))).toEqual([]);
    expect(sender.records.filter(({ type }) => type === 'sold')).toHaveLength(2);
  });

  test('unpaid is the trustee’s breach, kept with its signature', async () => {
    const { sell, order, deal, passed, news, pays, sender } = openSender();
    sell();
    const shown = deal();
    order(shown.order);
    pays('unproved');
    const bytes = passing(shown);
    expect(news(await passed(bytes))).toMatchObject([{ what: 'breach' }]);
    expect(sender.records.at(-1)).toMatchObject({ type: 'trustee-breach', evidence: bytes });
    pays('unknown');
    await expect(passed(passing(shown))).rejects.toThrow(coded('ANSWER_PENDING'));
  });

  test('by another trustee than the order names is refused', async () => {
    const { sell, deal, passed } = openSender();
    sell();
    await expect(passed(passing(deal(), tom))).rejects.toThrow(coded('ACCEPTANCE_UNFIT'));
  });
});

describe('a not-accept', () => {
  const complaint = (
    shown: ReturnType<typeof makeAcceptance>,
    of: Uint8Array,
    said: Partial<NotAccept> = {},
    signer = carl,
  ) =>
    signMessage(
      notAcceptType,
      { order: linkOf(shown.order), package: of, attempt: 1, fault: 'segments', segments: [], atMs: NOW, ...said },
      signer,
    );

  test('is answered with where to fetch again, three times; the fourth ends it', () => {
    const { sell, order, deal, offer, policy, sender, news } = openSender({
      resend: ({ attempt }) => (attempt > 1 ? ['https://other.test'] : undefined),
    });
    sell();
    const shown = deal();
    order(shown.order);
    const of = linkOf(offer.manifest);
    const say = (attempt: number) => sender.act(receiveNotAccept(complaint(shown, of, { attempt }), policy).input);
    const answers = [1, 2, 3].map((attempt) => readMessage(resendingType, say(attempt).answer!).value);
    expect(answers.map(({ outcome }) => outcome)).toEqual(['again', 'again', 'again']);
    expect(answers.map(({ urls }) => urls)).toEqual([offer.urls, ['https://other.test'], ['https://other.test']]);
    const fourth = say(4);
    expect(readMessage(resendingType, fourth.answer!).value.outcome).toBe('over');
    expect(news(fourth)).toMatchObject([{ what: 'lapsed', reason: 'resendings' }]);
    expect(() => say(1)).toThrow(coded('ORDER_UNKNOWN'));
  });

  test('of somebody else’s order, another package, or what is sold, is refused', async () => {
    const { sell, order, deal, offer, policy, sender, accept } = openSender();
    sell();
    const shown = deal();
    order(shown.order);
    const of = linkOf(offer.manifest);
    const say = (bytes: Uint8Array) => () => sender.act(receiveNotAccept(bytes, policy).input);
    expect(say(complaint(shown, of, {}, dora))).toThrow(coded('ORDER_UNKNOWN'));
    expect(say(complaint(shown, systemRandom(32)))).toThrow(coded('ORDER_UNKNOWN'));
    expect(say(complaint(deal(), of))).toThrow(coded('ORDER_UNKNOWN'));
    await accept(shownAs(shown));
    expect(say(complaint(shown, of))).toThrow(coded('ORDER_UNKNOWN'));
  });
});

describe('before the arbiter', () => {
  function heard({ offer, deal }: ReturnType<typeof openSender>, shown = deal(), signer = arno) {
    const said = {
      about: 'withheld' as const,
      ...{ arbiter: 'arno', acceptance: shownAs(shown), description: offer.description },
      ...{
        manifest: offer.manifest,
        custody: offer.custody,
        key: new Uint8Array(100),
        urls: [],
        statement: '',
        atMs: NOW,
      },
    } as const;
    const complaint = signMessage(complaintType, said, carl);
    return signMessage(hearingType, { case: linkOf(complaint), complaint, untilMs: NOW + DAY, atMs: NOW }, signer);
  }

  test('the key of what was sold and paid is shown, sealed to the arbiter', async () => {
    const open = openSender({ statement: 'We delivered.' });
    open.sell();
    const { value } = readMessage(statementType, (await open.hear(heard(open))).answer!);
    expect(value.statement).toBe('We delivered.');
    expect(unsealKey(value.key!, { privateKey: arno.privateKey, binding: value.case })).toEqual(productKey);
  });

  test('and of nothing else, to nobody else', async () => {
    const open = openSender();
    open.sell();
    const keyFor = async (bytes: Uint8Array) => readMessage(statementType, (await open.hear(bytes)).answer!).value.key;
    const bobs = open.deal({ order: { merchant: 'bob' }, handover: { merchant: 'bob' }, signers: { taken: bob } });
    expect(await keyFor(heard(open, bobs))).toBeUndefined();
    open.pays('unproved');
    expect(await keyFor(heard(open))).toBeUndefined();
    open.pays('unknown');
    await expect(open.hear(heard(open))).rejects.toThrow(coded('ANSWER_PENDING'));
    await expect(open.hear(heard(open, open.deal(), person('agnes', 'arbiter')))).rejects.toThrow(
      coded('COMPLAINT_UNFIT'),
    );
    await expect(open.hear(heard(open, open.deal(), ada))).rejects.toThrow(coded('CRYPTOGRAPHIC_FAILURE'));
  });

  test('a refund is told to the shop and ends the order; another ruling is told too', async () => {
    const { sell, order, deal, accept, sender, policy, news } = openSender();
    sell();
    const shown = deal();
    order(shown.order);
    const ruling = (outcome: 'refund' | 'dismissed', arbiter = 'arno', signer = arno) => {
      const reasons = [{ code: 'SEEN_BY_A_PERSON' as const, text: 'I saw it.' }];
      const said = {
        case: systemRandom(32),
        arbiter,
        order: linkOf(shown.order),
        outcome,
        breaches: [],
        reasons,
        person: 'Jo',
        atMs: NOW,
      };
      return signMessage(rulingType, said, signer);
    };
    const take = async (bytes: Uint8Array) =>
      sender.act((await receiveRuling(bytes, policy, async () => sender.records)).input);
    expect(news(await take(ruling('dismissed')))).toMatchObject([{ what: 'ruled', reason: 'dismissed' }]);
    const first = await take(ruling('refund'));
    expect(news(first)).toMatchObject([{ what: 'refund', reason: 'refund' }]);
    // The operator is to pay it back, with the acceptance that shows what was paid: once, however many rulings there are.
    const asked = ({ send = [] }: typeof first) => send.filter(({ kind }) => kind === refundOrderType.name);
    expect(asked(first)).toMatchObject([{ to: 'https://tess.test/delivery/refund-order' }]);
    expect(readMessage(refundOrderType, asked(first)[0]!.body).value).toMatchObject({
      merchant: 'ada',
      trustee: 'tess',
    });
    expect(asked(await take(ruling('refund')))).toEqual([]);
    await expect(accept(shownAs(shown))).rejects.toThrow(coded('ORDER_OVER'));
    await expect(take(ruling('refund', 'agnes', person('agnes', 'arbiter')))).rejects.toThrow(coded('RULING_UNFIT'));
    await expect(take(ruling('refund', 'agnes'))).rejects.toThrow(coded('RULING_UNFIT'));
  });
});
