/** What a trustee takes into keeping, passes on and releases, and what it does not. */
import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/codec/hex.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { encodeShape, linkOf, readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { acceptanceType } from '../../../src/delivery/message/acceptance.ts';
import { claimType, passedAcceptanceType } from '../../../src/delivery/message/claim.ts';
import { disclosureType, keyRequestType } from '../../../src/delivery/message/complaint.ts';
import {
  custodyReceiptType,
  type Lodging,
  lodgingType,
  sealKey,
  unsealKey,
} from '../../../src/delivery/message/custody.ts';
import { type Handover, handoverType, passedKeyType } from '../../../src/delivery/message/key-handover.ts';
import { manifestType } from '../../../src/delivery/message/manifest.ts';
import { orderKeyDigest } from '../../../src/delivery/message/order.ts';
import { openRelease, releaseType } from '../../../src/delivery/message/release.ts';
import { rulingType } from '../../../src/delivery/message/ruling.ts';
import type { SettlementProof } from '../../../src/delivery/message/settlement-proof.ts';
import {
  receiveClaim,
  receiveHandover,
  receiveKeyRequest,
  receiveLodging,
  receiveRuling,
} from '../../../src/delivery/trustee/receive.ts';
import { createTrustee } from '../../../src/delivery/trustee/trustee-machine.ts';
import type { TrusteePolicy } from '../../../src/delivery/trustee/trustee-policy.ts';
import type { TrusteeRecord } from '../../../src/delivery/trustee/trustee-state.ts';
import {
  ada,
  bob,
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

function openTrustee(changes: Partial<TrusteePolicy> = {}) {
  let paid: Awaited<ReturnType<SettlementProof['check']>> = 'paid';
  const policy: TrusteePolicy = {
    ...{ name: 'tess', signer: tess, identify: identifyAll, arbiters: new Set(['arno']), nowMs: () => trustee.nowMs },
    merchants: new Map([['ada', { url: 'https://ada.test' }]]),
    proof: { check: async () => paid },
    ...changes,
  };
  const trustee = script(createTrustee(policy), NOW);
  const lodging = (said: Partial<Lodging> = {}, { signer = ada, key = productKey, offer = makeOffer() } = {}) => {
    const sealed = sealKey(key, { recipient: tess.publicKey, binding: linkOf(offer.manifest), random: systemRandom });
    const all: Lodging = {
      manifest: offer.manifest,
      trustee: 'tess',
      key: sealed,
      keepUntilMs: NOW + 100 * DAY,
      atMs: NOW,
      ...said,
    };
    return signMessage(lodgingType, all, signer);
  };
  const handover = (said: Partial<Handover> = {}, signer = carl) =>
    signMessage(
      handoverType,
      {
        ...{ order: systemRandom(32), merchant: 'ada', trustee: 'tess', keyDigest: orderKeyDigest(orderKey) },
        ...{ key: new Uint8Array(100), deadlineMs: NOW + 1000, atMs: NOW, ...said },
      },
      signer,
    );
  const offer = makeOffer();
  const acceptance = makeAcceptance({}, offer);
  const claim = (shown = acceptance, { signer = carl, key = orderKey, trusteeName = 'tess' } = {}) => {
    const sealed = sealKey(key, { recipient: tess.publicKey, binding: linkOf(shown.order), random: systemRandom });
    const said = { acceptance: encodeShape(acceptanceType, shown), trustee: trusteeName, key: sealed, atMs: NOW };
    return signMessage(claimType, said, signer);
  };
  const history = async (key: string): Promise<readonly TrusteeRecord[]> =>
    trustee.records.filter((record) => 'order' in record && key === `order:${record.order}`);
  return {
    ...{ trustee, policy, lodging, handover, claim, offer, acceptance },
    pays: (said: typeof paid) => {
      paid = said;
    },
    lodge: (bytes: Uint8Array) => trustee.act(receiveLodging(bytes, policy).input),
    pass: (bytes: Uint8Array) => trustee.act(receiveHandover(bytes, policy).input),
    ask: async (bytes: Uint8Array) => trustee.act((await receiveClaim(bytes, policy, history)).input),
    request: async (bytes: Uint8Array) => trustee.act((await receiveKeyRequest(bytes, policy)).input),
  };
}

describe('custody', () => {
  test('is signed for when the manifest commits to the key', () => {
    const { lodge, lodging, trustee } = openTrustee();
    const { value } = readMessage(custodyReceiptType, lodge(lodging()).answer!);
    expect(value).toMatchObject({ trustee: 'tess', merchant: 'ada', product: 'song', keptUntilMs: NOW + 100 * DAY });
    expect(trustee.state.kept.size).toBe(1);
  });

  test('is refused for another key, a stranger’s package, a stranger, or another trustee', () => {
    const { lodge, lodging, trustee } = openTrustee();
    expect(() => lodge(lodging({}, { key: systemRandom(32) }))).toThrow(coded('KEY_UNFIT'));
    const bobs = makeOffer({ manifest: { merchant: 'bob' }, signers: { manifest: bob } });
    expect(() => lodge(lodging({}, { offer: bobs }))).toThrow(coded('CUSTODY_REFUSED'));
    expect(() => lodge(lodging({}, { signer: bob }))).toThrow(coded('CUSTODY_REFUSED'));
    expect(() => lodge(lodging({ trustee: 'tom' }))).toThrow(coded('HANDOVER_UNFIT'));
    expect(() => lodge(lodging({}, { signer: carl }))).toThrow(coded('CRYPTOGRAPHIC_FAILURE'));
    const elsewhere = sealKey(productKey, {
      recipient: tom.publicKey,
      binding: linkOf(makeOffer().manifest),
      random: systemRandom,
    });
    expect(() => lodge(lodging({ key: elsewhere }))).toThrow(coded('CRYPTOGRAPHIC_FAILURE'));
    expect(trustee.state.kept.size).toBe(0);
  });

  test('lasts as long as was asked, within bounds, is prolonged but never cut short, and ends', () => {
    const { lodge, lodging, trustee, offer } = openTrustee({ keepMs: 10 * DAY });
    const until = (bytes: Uint8Array) => readMessage(custodyReceiptType, lodge(bytes).answer!).value.keptUntilMs;
    expect(until(lodging({}, { offer }))).toBe(NOW + 10 * DAY);
    expect(until(lodging({ keepUntilMs: NOW + DAY }, { offer }))).toBe(NOW + 10 * DAY);
    trustee.nowMs += 5 * DAY;
    expect(until(lodging({}, { offer }))).toBe(NOW + 15 * DAY);
    const timer = { id: `custody:${toHex(linkOf(offer.manifest))}`, atMs: 0 };
    trustee.nowMs = NOW + 10 * DAY;
    trustee.fire(timer);
    expect(trustee.state.kept.size).toBe(1);
    trustee.nowMs = NOW + 15 * DAY;
    trustee.fire(timer);
    expect(trustee.state.kept.size).toBe(0);
    expect(() => lodge(lodging({ keepUntilMs: NOW }, { offer }))).toThrow(coded('CUSTODY_REFUSED'));
  });

  test('of one merchant’s keys is bounded, also after a restart', () => {
    const { lodge, lodging, trustee } = openTrustee({ maxKept: 2 });
    lodge(lodging());
    lodge(lodging());
    expect(() => lodge(lodging())).toThrow(coded('CUSTODY_REFUSED'));
    trustee.restart();
    expect(() => lodge(lodging())).toThrow(coded('CUSTODY_REFUSED'));
    expect(trustee.state.kept.size).toBe(2);
  });
});

describe('K1', () => {
  test('is signed, and the customer gets the very bytes the merchant gets', () => {
    const { pass, handover } = openTrustee();
    const bytes = handover();
    const { answer, send } = pass(bytes);
    expect(send).toMatchObject([{ to: 'https://ada.test/delivery/passed-key', expiresAtMs: NOW + 1000 }]);
    expect(send![0]!.body).toBe(answer);
    const passed = readMessage(passedKeyType, answer!);
    passed.requireSignature(tess.publicKey);
    expect(toHex(passed.value.handover)).toBe(toHex(bytes));
  });

  test('is not passed for another trustee, to an unknown merchant, after the deadline, or for nobody', () => {
    const { pass, handover } = openTrustee();
    expect(() => pass(handover({ trustee: 'tom' }))).toThrow(coded('HANDOVER_UNFIT'));
    expect(() => pass(handover({ merchant: 'bob' }))).toThrow(coded('HANDOVER_UNFIT'));
    expect(() => pass(handover({ deadlineMs: NOW }))).toThrow(coded('ORDER_EXPIRED'));
    expect(() => pass(handover({}, ada))).toThrow(coded('CRYPTOGRAPHIC_FAILURE'));
  });

  test('of one customer waits in bounded number, until it is delivered or too late', () => {
    const { pass, handover, trustee } = openTrustee({ maxPassing: 1 });
    const { send } = pass(handover());
    expect(() => pass(handover())).toThrow(coded('ORDERS_OPEN'));
    trustee.restart();
    expect(() => pass(handover())).toThrow(coded('ORDERS_OPEN'));
    pass(handover({}, dora));
    trustee.reply({ id: send![0]!.id, outcome: { type: 'expired' } });
    pass(handover());
    expect(trustee.records.at(-2)).toMatchObject({ type: 'passed', outcome: 'expired' });
  });
});

describe('a claim', () => {
  test('that is paid gets K2 under K1, and the merchant is told until it has it', async () => {
    const { lodge, lodging, ask, claim, offer, acceptance, trustee } = openTrustee();
    lodge(lodging({}, { offer }));
    const { answer, send } = await ask(claim());
    const release = readMessage(releaseType, answer!);
    release.requireSignature(tess.publicKey);
    const expected = {
      order: linkOf(acceptance.order),
      accept: linkOf(acceptance.accept),
      package: linkOf(offer.manifest),
    };
    const manifest = readMessage(manifestType, offer.manifest).value;
    expect(openRelease(release, { ...expected, orderKey, manifest })).toEqual(productKey);
    expect(send).toMatchObject([{ to: 'https://ada.test/delivery/passed-acceptance' }]);
    expect(send![0]!.expiresAtMs).toBeUndefined();
    const passed = readMessage(passedAcceptanceType, send![0]!.body).value;
    expect(toHex(passed.acceptance)).toBe(toHex(encodeShape(acceptanceType, acceptance)));
    trustee.reply({ id: send![0]!.id, outcome: { type: 'answered', body: new Uint8Array() } });
    expect(trustee.records.at(-1)).toMatchObject({ type: 'told', order: toHex(linkOf(acceptance.order)) });
  });

  test('that is not paid, or not known to be, gets nothing; when it becomes known, it gets it', async () => {
    const { lodge, lodging, ask, claim, offer, pays } = openTrustee();
    lodge(lodging({}, { offer }));
    pays('unproved');
    await expect(ask(claim())).rejects.toThrow(coded('PAYMENT_UNPROVED'));
    pays('unknown');
    await expect(ask(claim())).rejects.toThrow(coded('ANSWER_PENDING'));
    pays('paid');
    expect((await ask(claim())).answer).toBeDefined();
  });

  test('of somebody else, with another K1, or for another trustee, gets nothing', async () => {
    const { lodge, lodging, ask, claim, offer } = openTrustee();
    lodge(lodging({}, { offer }));
    await expect(ask(claim(undefined, { signer: dora }))).rejects.toThrow(coded('CRYPTOGRAPHIC_FAILURE'));
    await expect(ask(claim(undefined, { key: systemRandom(32) }))).rejects.toThrow(coded('KEY_UNFIT'));
    await expect(ask(claim(undefined, { trusteeName: 'tom' }))).rejects.toThrow(coded('HANDOVER_UNFIT'));
    const toms = makeAcceptance(
      { order: { trustee: 'tom' }, signers: { passed: tom }, handover: { trustee: 'tom' } },
      offer,
    );
    await expect(ask(claim(toms))).rejects.toThrow(coded('HANDOVER_UNFIT'));
  });

  test('for a package that is not kept, or another merchant’s, gets nothing', async () => {
    const { lodge, lodging, ask, claim, offer } = openTrustee({
      merchants: new Map([
        ['ada', { url: 'https://ada.test' }],
        ['bob', { url: 'https://bob.test' }],
      ]),
    });
    await expect(ask(claim())).rejects.toThrow(coded('PACKAGE_UNKNOWN'));
    lodge(lodging({}, { offer }));
    // Bob sells Ada's package to an accomplice, for a cent.
    const cheap = makeAcceptance(
      { order: { merchant: 'bob' }, handover: { merchant: 'bob' }, signers: { taken: bob } },
      offer,
    );
    await expect(ask(claim(cheap))).rejects.toThrow(coded('PACKAGE_UNKNOWN'));
    const renamed = makeAcceptance({ order: { product: 'film' } }, offer);
    await expect(ask(claim(renamed))).rejects.toThrow(coded('PACKAGE_UNKNOWN'));
  });
});

describe('an arbiter', () => {
  const request = (shown: ReturnType<typeof makeAcceptance>, of: Uint8Array, signer = arno) =>
    signMessage(
      keyRequestType,
      {
        case: systemRandom(32),
        acceptance: encodeShape(acceptanceType, shown),
        package: of,
        trustee: 'tess',
        atMs: NOW,
      },
      signer,
    );

  test('gets the key of what was bought and paid, and is written down', async () => {
    const { lodge, lodging, request: ask, offer, acceptance, trustee } = openTrustee();
    lodge(lodging({}, { offer }));
    const { answer } = await ask(request(acceptance, linkOf(offer.manifest)));
    const { value } = readMessage(disclosureType, answer!);
    expect(unsealKey(value.key, { privateKey: arno.privateKey, binding: value.case })).toEqual(productKey);
    expect(toHex(value.commitment)).toBe(toHex(readMessage(manifestType, offer.manifest).value.commitment));
    expect(trustee.records.at(-1)).toMatchObject({ type: 'disclosed', arbiter: 'arno' });
  });

  test('that is not known, or asks for what nobody bought or paid, gets nothing', async () => {
    const { lodge, lodging, request: ask, offer, acceptance, pays } = openTrustee();
    lodge(lodging({}, { offer }));
    const of = linkOf(offer.manifest);
    await expect(ask(request(acceptance, of, person('agnes', 'arbiter')))).rejects.toThrow(coded('COMPLAINT_UNFIT'));
    await expect(ask(request(acceptance, of, ada))).rejects.toThrow(coded('CRYPTOGRAPHIC_FAILURE'));
    await expect(ask(request(acceptance, systemRandom(32)))).rejects.toThrow(coded('COMPLAINT_UNFIT'));
    pays('unproved');
    await expect(ask(request(acceptance, of))).rejects.toThrow(coded('PAYMENT_UNPROVED'));
  });

  test('that refunds an order ends claims for it', async () => {
    const { lodge, lodging, ask, claim, offer, acceptance, trustee, policy } = openTrustee();
    lodge(lodging({}, { offer }));
    const ruling = (signer = arno, arbiter = 'arno') =>
      signMessage(
        rulingType,
        {
          ...{
            case: systemRandom(32),
            arbiter,
            order: linkOf(acceptance.order),
            outcome: 'refund',
            breaches: ['merchant'],
          },
          ...{ reasons: [{ code: 'KEY_NOT_SHOWN', text: 'Silence.' }], atMs: NOW },
        },
        signer,
      );
    expect(() => receiveRuling(ruling(person('agnes', 'arbiter'), 'agnes'), policy)).toThrow(coded('RULING_UNFIT'));
    expect(() => receiveRuling(ruling(arno, 'agnes'), policy)).toThrow(coded('RULING_UNFIT'));
    expect((await ask(claim())).answer).toBeDefined();
    trustee.act(receiveRuling(ruling(), policy).input);
    await expect(ask(claim())).rejects.toThrow(coded('ORDER_OVER'));
  });
});
