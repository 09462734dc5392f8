/** Secure delivery between real parties over sockets: the straight way, and each way round somebody who fails. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { toHex } from '../../src/codec/hex.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import { decodeShape, encodeShape, readMessage, signMessage } from '../../src/crypto/signed-message.ts';
import { acceptanceType, acceptType } from '../../src/delivery/message/acceptance.ts';
import { claimType } from '../../src/delivery/message/claim.ts';
import { sealKey } from '../../src/delivery/message/custody.ts';
import { handoverType, passedKeyType } from '../../src/delivery/message/key-handover.ts';
import { orderTakenType, orderType } from '../../src/delivery/message/order.ts';
import { openRelease, releaseType, signRelease } from '../../src/delivery/message/release.ts';
import { notAcceptType, resendingType } from '../../src/delivery/message/resending.ts';
import { layoutOf, segmentSpan } from '../../src/delivery/package/layout.ts';
import { orderKey as orderKeyOf } from '../../src/delivery/sender/sender-state.ts';
import { orderKey as trusteeOrderKey } from '../../src/delivery/trustee/trustee-state.ts';
import { HandselError } from '../../src/handsel-error.ts';
import { type Network, type NetworkOptions, openNetwork, until } from './network.ts';
import { person } from './people.ts';

let network: Network | undefined;
afterEach(async () => {
  await network?.close();
  network = undefined;
});

async function open(options: NetworkOptions = {}): Promise<Network> {
  network = await openNetwork(options);
  return network;
}

const content = systemRandom(50_000);
const typesOf = (records: readonly { readonly type: string }[]) => records.map(({ type }) => type);

function expectDelivered(net: Network, reference: string) {
  expect(new Uint8Array(readFileSync(net.contentFile(reference)))).toEqual(content);
  expect(net.bank.accounts.get('ada')).toBe(500n);
  expect(net.bank.accounts.get('carl')).toBe(9500n);
}

async function expectUnpaid(net: Network, reference: string, reason: string) {
  expect(await net.outcome(reference)).toMatchObject({ outcome: 'unpaid', reason });
  await until(() => net.bank.accounts.get('carl') === 10_000n);
  expect(net.bank.accounts.get('ada')).toBe(0n);
  expect(net.bank.holds.size).toBe(0);
  expect((await net.purchase(reference)).productKey).toBeNull();
}

describe('the straight way', () => {
  test('[ERI-24] goods ordered, checked and accepted by signature are paid, and opened with the key that comes then', async () => {
    const net = await open();
    const offer = await net.sell(content);
    const reference = await net.buy(offer);
    expect(await net.outcome(reference)).toMatchObject({ outcome: 'delivered' });
    expectDelivered(net, reference);
    const history = typesOf(await net.history(reference));
    expect(history.indexOf('whole')).toBeLessThan(history.indexOf('accepted'));
    expect(history.indexOf('accepted')).toBeLessThan(history.indexOf('paid'));
    expect(history.indexOf('paid')).toBeLessThan(history.indexOf('released'));
    // The merchant holds what proves it: the order and the accept, signed by the customer.
    const { orderDigest } = await net.purchase(reference);
    const sold = (await net.sender.readByKey(orderKeyOf(toHex(orderDigest)))).find(({ type }) => type === 'sold');
    if (sold?.type !== 'sold') throw new Error('nothing is in the books');
    const acceptance = decodeShape(acceptanceType, sold.acceptance);
    const { publicKey } = person('carl', 'customer');
    readMessage(orderType, acceptance.order).requireSignature(publicKey);
    readMessage(acceptType, acceptance.accept).requireSignature(publicKey);
    expect(sold.by).toBe('merchant');
  });

  test('[ERI-25] K1 reaches the merchant through the trustee, who signs what it cannot read', async () => {
    const net = await open();
    const reference = await net.buy(await net.sell(content));
    await net.outcome(reference);
    const { orderDigest, passedKey, handover, orderKey } = await net.purchase(reference);
    const books = () => net.sender.readByKey(orderKeyOf(toHex(orderDigest)));
    await until(async () => typesOf(await books()).includes('key'));
    const key = (await books()).find(({ type }) => type === 'key');
    if (key?.type !== 'key') throw new Error('no key came');
    const passed = readMessage(passedKeyType, key.passed);
    passed.requireSignature(person('tess', 'trustee').publicKey);
    expect(toHex(passed.value.handover)).toBe(toHex(handover));
    expect(toHex(key.passed)).toBe(toHex(passedKey!));
    // Nothing the trustee has written down or sent holds K1.
    const kept = JSON.stringify(await net.trustee.readByKey(trusteeOrderKey(toHex(orderDigest))), (_, value) =>
      value instanceof Uint8Array ? toHex(value) : value,
    );
    expect(kept.length).toBeGreaterThan(100);
    expect(kept).not.toContain(toHex(orderKey));
  });

  test('[ERI-26] K2 travels under K1, and nothing else on the wire gives it away', async () => {
    const seen: Uint8Array[] = [];
    const listening = async (bytes: Uint8Array, honest: (bytes: Uint8Array) => Promise<Uint8Array>) => {
      const answer = await honest(bytes);
      seen.push(bytes, answer);
      return answer;
    };
    const kinds = [orderType, acceptanceType, passedKeyType].map(({ name }) => [name, listening]);
    const all = Object.fromEntries(kinds);
    const net = await open({
      merchant: all,
      trustee: { [handoverType.name]: listening, 'delivery-lodging': listening },
    });
    const offer = await net.sell(content);
    const reference = await net.buy(offer);
    await net.outcome(reference);
    const purchase = await net.purchase(reference);
    const wire = Buffer.concat(seen);
    const holds = (bytes: Uint8Array) => wire.includes(Buffer.from(bytes));
    expect(holds(purchase.productKey!)).toBe(false);
    expect(holds(purchase.orderKey)).toBe(false);
    const released = (await net.history(reference)).find(({ type }) => type === 'released');
    if (released?.type !== 'released') throw new Error('nothing was released');
    expect(holds(released.release)).toBe(true);
    const { value } = readMessage(releaseType, released.release);
    const expected = { ...value, orderKey: purchase.orderKey, manifest: offer.manifest.value };
    expect(openRelease({ value }, expected)).toEqual(purchase.productKey);
    const otherK1 = { ...expected, orderKey: systemRandom(32) };
    expect(() => openRelease({ value }, otherK1)).toThrow(expect.objectContaining({ code: 'RELEASE_UNFIT' }));
  });

  test('[ERI-I] one package, made and signed once, serves every buyer, byte for byte the same', async () => {
    const net = await open();
    const offer = await net.sell(content);
    const [file] = [...net.served.values()];
    const before = readFileSync(file!);
    for (const reference of ['one', 'two', 'three']) {
      await net.buy(offer, { reference });
      expect(await net.outcome(reference)).toMatchObject({ outcome: 'delivered' });
      expect(new Uint8Array(readFileSync(net.contentFile(reference)))).toEqual(content);
    }
    expect(readFileSync(file!).equals(before)).toBe(true);
    expect(net.bank.accounts.get('ada')).toBe(1500n);
    expect(net.trustee.state.kept.size).toBe(1);
  });
});

describe('never paid without accept', () => {
  test('a merchant that does not take the order is not paid', async () => {
    const net = await open({ merchant: { [orderType.name]: 'silent' } });
    const reference = await net.buy(await net.sell(content), { deadlineMs: Date.now() + 1500 });
    await expectUnpaid(net, reference, 'DEADLINE');
  });

  test('nor one that refuses it, or takes another order than was made', async () => {
    const net = await open({
      sender: {
        terms: ({ value }) => {
          if (value.price.minor < 600n) throw new HandselError('PRICE_TOO_LOW', 'it costs more');
        },
      },
    });
    const offer = await net.sell(content);
    await net.buy(offer);
    await expectUnpaid(net, 'first', 'PRICE_TOO_LOW');
    await net.buy(offer, { reference: 'dearer', price: 600n });
    expect(await net.outcome('dearer')).toMatchObject({ outcome: 'delivered' });
    await net.close();
    const liar = await open({
      merchant: {
        [orderType.name]: async () => {
          const said = { order: systemRandom(32), merchant: 'ada', urls: ['http://x.test'], atMs: Date.now() };
          return signMessage(orderTakenType, said, person('ada', 'merchant'));
        },
      },
    });
    await liar.buy(await liar.sell(content), { deadlineMs: Date.now() + 1000 });
    await expectUnpaid(liar, 'first', 'DEADLINE');
  });

  test('a trustee that does not pass K1 on, or passes on another, ends it before anything is paid', async () => {
    const silent = await open({ trustee: { [handoverType.name]: 'silent' } });
    await silent.buy(await silent.sell(content), { deadlineMs: Date.now() + 1500 });
    await expectUnpaid(silent, 'first', 'DEADLINE');
    await silent.close();
    const tess = person('tess', 'trustee');
    const liar = await open({
      trustee: {
        [handoverType.name]: async (bytes) => {
          const { value } = readMessage(handoverType, bytes);
          const forged = signMessage(handoverType, { ...value, key: new Uint8Array(100) }, tess);
          return signMessage(passedKeyType, { handover: forged, trustee: 'tess', atMs: Date.now() }, tess);
        },
      },
    });
    await liar.buy(await liar.sell(content), { deadlineMs: Date.now() + 1000 });
    await expectUnpaid(liar, 'first', 'DEADLINE');
  });

  test('who cannot pay gets nothing and owes nothing', async () => {
    const net = await open({ balance: 499n });
    const reference = await net.buy(await net.sell(content));
    expect(await net.outcome(reference)).toMatchObject({ outcome: 'unpaid', reason: 'FUNDS_LACKING' });
    expect(net.bank.accounts.get('carl')).toBe(499n);
    expect((await net.purchase(reference)).productKey).toBeNull();
  });
});

describe('re-sending', () => {
  /** What the merchant's server has in place of the package, until it is mended. */
  async function spoil(net: Network, offer: Awaited<ReturnType<Network['sell']>>, numbers: readonly number[]) {
    const file = net.served.get(toHex(offer.manifest.digest))!;
    const good = readFileSync(file);
    const bad = Buffer.from(good);
    const layout = layoutOf(offer.manifest.bytes, offer.manifest.value);
    for (const number of numbers) bad[segmentSpan(number, offer.manifest.value, layout).start]! ^= 1;
    writeFileSync(file, bad);
    return { file, good };
  }

  test('[ERI-27] segments that arrive wrong are not accepted, sent again by themselves, and then delivered', async () => {
    const asked: unknown[] = [];
    const mended: { now?: () => void } = {};
    const net = await open({
      merchant: {
        'delivery-not-accept': async (bytes, honest) => {
          asked.push(readMessage(notAcceptType, bytes).value);
          mended.now!();
          return honest(bytes);
        },
      },
    });
    const offer = await net.sell(content);
    const { file, good } = await spoil(net, offer, [3, 4]);
    mended.now = () => writeFileSync(file, good);
    const reference = await net.buy(offer);
    expect(await net.outcome(reference)).toMatchObject({ outcome: 'delivered' });
    expectDelivered(net, reference);
    expect(asked).toMatchObject([{ attempt: 1, fault: 'segments', segments: [{ first: 3, last: 4 }] }]);
    expect(typesOf(await net.history(reference))).toContain('resent');
  });

  test('[ERI-27] what stays wrong is given up after three re-sendings, unpaid, and the merchant knows', async () => {
    const net = await open();
    const offer = await net.sell(content);
    await spoil(net, offer, [0]);
    const reference = await net.buy(offer);
    await expectUnpaid(net, reference, 'NEVER_WHOLE');
    const history = await net.history(reference);
    expect(typesOf(history).filter((type) => type === 'not-accepted')).toHaveLength(3);
    const { orderDigest } = await net.purchase(reference);
    const books = async () => typesOf(await net.sender.readByKey(orderKeyOf(toHex(orderDigest))));
    await until(async () => (await books()).includes('lapsed'));
    expect((await books()).filter((type) => type === 'resent')).toHaveLength(3);
  });

  test('a merchant that gives up first, or sends nothing again, is not paid', async () => {
    const ada = person('ada', 'merchant');
    const over = await open({
      merchant: {
        'delivery-not-accept': async (bytes) => {
          const { order, attempt } = readMessage(notAcceptType, bytes).value;
          return signMessage(resendingType, { order, attempt, outcome: 'over', urls: [], atMs: Date.now() }, ada);
        },
      },
    });
    const offer = await over.sell(content);
    await spoil(over, offer, [0]);
    await over.buy(offer);
    await expectUnpaid(over, 'first', 'MERCHANT_GAVE_UP');
    await over.close();
    const silent = await open({ merchant: { 'delivery-not-accept': 'silent' } });
    const other = await silent.sell(content);
    await spoil(silent, other, [0]);
    await silent.buy(other, { deadlineMs: Date.now() + 1500 });
    await expectUnpaid(silent, 'first', 'DEADLINE');
  });
});

describe('after the accept', () => {
  test('a merchant that falls silent cannot keep money and key: the trustee releases it, and the merchant has the sale in its books', async () => {
    const net = await open({ merchant: { [acceptanceType.name]: 'silent' } });
    const reference = await net.buy(await net.sell(content));
    expect(await net.outcome(reference)).toMatchObject({ outcome: 'delivered' });
    expectDelivered(net, reference);
    const { orderDigest } = await net.purchase(reference);
    const books = () => net.sender.readByKey(orderKeyOf(toHex(orderDigest)));
    await until(async () => typesOf(await books()).includes('sold'));
    expect((await books()).find(({ type }) => type === 'sold')).toMatchObject({ by: 'trustee' });
    await until(() => net.news.length > 0);
  });

  test('one that refuses, answers nonsense, or releases another key, gains nothing by it', async () => {
    const ada = person('ada', 'merchant');
    const lies: readonly ((bytes: Uint8Array) => Promise<Uint8Array>)[] = [
      async () => new Uint8Array([1, 2, 3]),
      async (bytes) => {
        const acceptance = decodeShape(acceptanceType, bytes);
        const accept = readMessage(acceptType, acceptance.accept).value;
        const said = {
          order: accept.order,
          accept: systemRandom(32),
          package: accept.package,
          role: 'merchant',
          by: 'ada',
        } as const;
        const keys = { orderKey: systemRandom(32), productKey: systemRandom(32), signer: ada, random: systemRandom };
        return signRelease({ ...said, atMs: Date.now() }, keys);
      },
    ];
    for (const lie of lies) {
      const net = await open({ merchant: { [acceptanceType.name]: lie } });
      const reference = await net.buy(await net.sell(content));
      expect(await net.outcome(reference)).toMatchObject({ outcome: 'delivered' });
      expectDelivered(net, reference);
      expect(typesOf(await net.history(reference))).toContain('claimed');
      await net.close();
    }
  });

  test('[ERI-25] a trustee that signs K1 for the customer but keeps it from the merchant changes nothing', async () => {
    const net = await open({ merchant: { [passedKeyType.name]: 'silent' } });
    const reference = await net.buy(await net.sell(content));
    expect(await net.outcome(reference)).toMatchObject({ outcome: 'delivered' });
    expectDelivered(net, reference);
    expect(typesOf(await net.history(reference))).not.toContain('claimed');
  });

  test('a silent trustee changes nothing while the merchant keeps its word', async () => {
    const net = await open({ trustee: { [claimType.name]: 'silent' } });
    const reference = await net.buy(await net.sell(content));
    expect(await net.outcome(reference)).toMatchObject({ outcome: 'delivered' });
    expectDelivered(net, reference);
  });

  test('when both withhold it and there is no arbiter, the customer is told so, and holds what proves it', async () => {
    const refusing = async () => {
      throw new RangeError('no');
    };
    const net = await open({
      ...{ merchant: { [acceptanceType.name]: async () => new Uint8Array() }, trustee: { [claimType.name]: refusing } },
      withoutArbiter: true,
    });
    const reference = await net.buy(await net.sell(content));
    expect(await net.outcome(reference)).toMatchObject({ outcome: 'withheld' });
    const { taken, passedKey, accept, evidence, custody } = await net.purchase(reference);
    for (const proof of [taken, passedKey, accept, evidence, custody]) expect(proof?.length).toBeGreaterThan(50);
  });

  test('a package damaged on the customer’s own disk after it was paid is fetched again and opened', async () => {
    const net = await open({
      merchant: {
        [acceptanceType.name]: async (bytes, honest) => {
          const file = `${net.folder}/bought/${toHex(offer.manifest.digest)}.package`;
          const damaged = readFileSync(file);
          damaged[damaged.length - 1]! ^= 1;
          writeFileSync(file, damaged);
          return honest(bytes);
        },
      },
    });
    const offer = await net.sell(content);
    const reference = await net.buy(offer);
    expect(await net.outcome(reference)).toMatchObject({ outcome: 'delivered' });
    expectDelivered(net, reference);
    expect(typesOf(await net.history(reference)).filter((type) => type === 'opening')).toHaveLength(2);
  });
});

describe('a customer that lies', () => {
  async function honestPurchase() {
    const net = await open();
    const reference = await net.buy(await net.sell(content));
    await net.outcome(reference);
    const { order, taken, passedKey, accept, evidence, orderDigest } = await net.purchase(reference);
    const shown = { order, taken: taken!, passedKey: passedKey!, accept: accept!, evidence: evidence! };
    const post = (to: 'merchant' | 'trustee', path: string, body: Uint8Array) =>
      net.client.post(`${net.servers[to].url}/delivery/${path}`, {
        kind: path,
        contentType: 'application/cose',
        extension: 'cose',
        body,
      });
    return { net, shown, orderDigest, post };
  }

  test('gets no key for an acceptance that is not paid, from nobody', async () => {
    const { shown, post, orderDigest, net } = await honestPurchase();
    const carl = person('carl', 'customer');
    const again = { ...readMessage(acceptType, shown.accept).value, unique: systemRandom(16) };
    const unpaid = encodeShape(acceptanceType, { ...shown, accept: signMessage(acceptType, again, carl) });
    const refused = await post('merchant', 'acceptance', unpaid);
    expect([refused.status, JSON.parse(Buffer.from(refused.body).toString()).code]).toEqual([400, 'PAYMENT_UNPROVED']);
    const nothing = encodeShape(acceptanceType, { ...shown, evidence: new Uint8Array() });
    expect((await post('merchant', 'acceptance', nothing)).status).toBe(400);
    const { orderKey } = await net.purchase('first');
    const key = sealKey(orderKey, {
      recipient: person('tess', 'trustee').publicKey,
      binding: orderDigest,
      random: systemRandom,
    });
    const claim = signMessage(claimType, { acceptance: unpaid, trustee: 'tess', key, atMs: Date.now() }, carl);
    const claimed = await post('trustee', 'claim', claim);
    expect(JSON.parse(Buffer.from(claimed.body).toString()).code).toBe('PAYMENT_UNPROVED');
  });

  test('gets the same answer when it repeats an acceptance, and is charged once', async () => {
    const { shown, post, net } = await honestPurchase();
    const body = encodeShape(acceptanceType, shown);
    const [first, second] = [await post('merchant', 'acceptance', body), await post('merchant', 'acceptance', body)];
    expect(first.status).toBe(200);
    expect(toHex(second.body)).toBe(toHex(first.body));
    expect(net.bank.accounts.get('ada')).toBe(500n);
  });

  test('cannot claim with somebody else’s acceptance, or under a forged order', async () => {
    const { shown, post } = await honestPurchase();
    const mallory = person('mallory', 'customer');
    const order = readMessage(orderType, shown.order).value;
    for (const forged of [
      { ...shown, accept: signMessage(acceptType, readMessage(acceptType, shown.accept).value, mallory) },
      { ...shown, order: signMessage(orderType, { ...order, price: { currency: 'EUR', minor: 1n } }, mallory) },
    ]) {
      const refused = await post('merchant', 'acceptance', encodeShape(acceptanceType, forged));
      expect(refused.status).toBeGreaterThanOrEqual(400);
      expect(refused.status).toBeLessThan(500);
    }
    const claim = {
      acceptance: encodeShape(acceptanceType, shown),
      trustee: 'tess',
      key: new Uint8Array(100),
      atMs: Date.now(),
    };
    expect((await post('trustee', 'claim', signMessage(claimType, claim, mallory))).status).toBe(403);
  });
});
