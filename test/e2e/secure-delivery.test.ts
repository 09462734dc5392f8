/**
 * US 09/718,411 from "secure delivery" on (the ERI lines of docs/conformance.json) between real parties: a station, a merchant, an operator
 * that is the trusted party, an arbiter; each with keys and stores of its own, over TLS; packages over plain HTTP.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { equalBytes, toHex } from '../../src/codec/hex.ts';
import { sha256 } from '../../src/crypto/digest.ts';
import { decodeShape, linkOf, readMessage } from '../../src/crypto/signed-message.ts';
import { acceptanceType, acceptType } from '../../src/delivery/message/acceptance.ts';
import { unsealKey } from '../../src/delivery/message/custody.ts';
import { handoverType, passedKeyType } from '../../src/delivery/message/key-handover.ts';
import { isKeyOf, manifestType } from '../../src/delivery/message/manifest.ts';
import { isOrderKey, orderTakenType, orderType } from '../../src/delivery/message/order.ts';
import { openRelease, releaseType } from '../../src/delivery/message/release.ts';
import { notAcceptType } from '../../src/delivery/message/resending.ts';
import { openFile } from '../../src/delivery/package/open-file.ts';
import { manifestOfFile } from '../../src/delivery/package/package-file.ts';
import { createCommunicationTrust } from '../../src/party/running/communication-trust.ts';
import { identifyBy } from '../../src/party/running/delivery-identity.ts';
import { minorOf, restingBooks } from './books.ts';
import {
  begin,
  configure,
  followed,
  goodsOf,
  impatient,
  isOver,
  packageFiles,
  packagesOf,
  partOf,
} from './delivery-fixture.ts';
import { type PartyWorld, startPartyWorld } from './party-world.ts';
import { buy } from './purchase.ts';
import { sha256Of } from './sale.ts';
import { until } from './until.ts';
import { contains, filesWith, wireOf } from './wire.ts';

const ATLAS = { merchants: ['atlas'] };

let world: PartyWorld;
beforeAll(async () => {
  world = await startPartyWorld(impatient);
});
afterAll(() => world?.close());
afterEach(() => world.cut.clear());

/** What one purchase did to the card and to the merchant's account. */
async function charged<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly minor: bigint }> {
  const before = await restingBooks(world);
  const result = await work();
  const after = await restingBooks(world);
  expect(after.card - before.card, 'charged and credited').toBe(before.merchant - after.merchant);
  expect(after).toMatchObject({ holds: 0, violations: [] });
  return { result, minor: before.card - after.card };
}

describe('the honest sale', () => {
  test('[ERI-24] ordered, encrypted and signed with its identity, checked, accepted, then paid, then K2', async () => {
    const since = world.messages.length;
    const { receipt, payment } = await buy(world, ATLAS);
    const wire = wireOf(world.messages.slice(since));

    const trust = createCommunicationTrust(world.identityOf('customer').anchors);
    const order = readMessage(orderType, wire.first('customer → atlas delivery-order').bytes);
    order.requireSignature(world.identityOf('customer').chain[0]!.publicKey);
    const taken = readMessage(orderTakenType, wire.first('atlas → customer delivery-orderAnswer').bytes);
    taken.requireSignature(world.identityOf('atlas').chain[0]!.publicKey);
    expect(taken.value.order).toEqual(linkOf(order.bytes));
    expect(identifyBy(trust)(order.certificateChain, Date.now()).name).toBe('customer');

    const [item] = receipt.bought.items;
    const file = join(packagesOf(world.home), `${item!.delivery!.package}.package`);
    const manifest = readMessage(manifestType, await manifestOfFile(file));
    manifest.requireSignature(world.identityOf('atlas').chain[0]!.publicKey);
    expect(toHex(linkOf(manifest.bytes))).toBe(toHex(order.value.package));
    expect(manifest.value.product).toBe(order.value.product);
    const goods = await goodsOf(world.home);
    expect(contains(readFileSync(file), goods.bytes.subarray(1000, 1064))).toBe(false);

    const acceptance = decodeShape(acceptanceType, wire.first('customer → atlas delivery-acceptance').bytes);
    const accept = readMessage(acceptType, acceptance.accept);
    accept.requireSignature(world.identityOf('customer').chain[0]!.publicKey);
    expect(accept.value).toMatchObject({ order: linkOf(order.bytes), package: order.value.package });
    expect(accept.value.unique).toHaveLength(16);
    const steps = ['customer → atlas delivery-order', 'customer → atlas PReq', 'customer → atlas delivery-acceptance'];
    const places = [...steps, 'atlas → customer delivery-acceptanceAnswer'].map(wire.at);
    expect(places).toEqual([...places].sort((a, b) => a - b));

    expect(item!.delivery).toMatchObject({ released: 'merchant', by: 'atlas' });
    expect(sha256Of(item!.file)).toBe(item!.sha256);
    expect(payment.status).toBe('delivered');
  });

  test('[ERI-25] [ERI-26] K1 reaches the merchant through the trusted party, which signs it unread; K2 travels under K1', async () => {
    const since = world.messages.length;
    const { result: payment } = await charged(async () => {
      const begun = await begin(world);
      expect(partOf(await followed(world, begun, isOver)).phase).toBe('delivered');
      return begun;
    });
    const wire = wireOf(world.messages.slice(since));
    const given = wire.first('customer → north delivery-key-handover').bytes;
    const passed = readMessage(passedKeyType, wire.first('north → atlas delivery-passed-key').bytes);
    passed.requireSignature(world.identityOf('north').chain[0]!.publicKey);
    expect(equalBytes(passed.value.handover, given)).toBe(true);
    // The customer holds the same signature: the trustee cannot say one thing to one and another to the other.
    expect(wire.first('north → customer delivery-key-handoverAnswer').bytes).toEqual(passed.bytes);

    const order = readMessage(orderType, wire.first('customer → atlas delivery-order').bytes);
    const { value: handover } = readMessage(handoverType, given);
    const binding = linkOf(order.bytes);
    const orderKey = unsealKey(handover.key, { privateKey: world.identityOf('atlas').privateKey, binding });
    expect(isOrderKey(orderKey, order.value)).toBe(true);
    expect(() => unsealKey(handover.key, { privateKey: world.identityOf('north').privateKey, binding })).toThrow();
    expect(world.messages.slice(since).filter(({ bytes }) => contains(bytes, orderKey))).toEqual([]);

    const acceptance = decodeShape(acceptanceType, wire.first('customer → atlas delivery-acceptance').bytes);
    const release = readMessage(releaseType, wire.first('atlas → customer delivery-acceptanceAnswer').bytes);
    release.requireSignature(world.identityOf('atlas').chain[0]!.publicKey);
    const file = join(packagesOf(world.home), `${toHex(order.value.package)}.package`);
    const bytes = await manifestOfFile(file);
    const manifest = readMessage(manifestType, bytes).value;
    const expected = { order: binding, accept: linkOf(acceptance.accept), package: order.value.package };
    const productKey = openRelease(release, { ...expected, orderKey, manifest });
    expect(isKeyOf(productKey, manifest)).toBe(true);
    expect(world.messages.slice(since).filter(({ bytes: said }) => contains(said, productKey))).toEqual([]);
    const target = join(world.home, `${payment}.opened`);
    expect(await openFile({ source: file, target, bytes, manifest, productKey })).toEqual(
      order && (await goodsOf(world.home)).sha256,
    );
    // At rest neither key lies in clear with anybody.
    for (const party of ['customer', 'atlas', 'north']) {
      expect(filesWith(join(world.home, party), productKey), party).toEqual([]);
      expect(filesWith(join(world.home, party), orderKey), party).toEqual([]);
    }
  });

  test('[ERI-I] encrypted and signed once for all buyers: every sale is of the same bytes, which any web server may serve', async () => {
    const first = await begin(world, 'bright-stars');
    const one = partOf(await followed(world, first, isOver));
    const file = join(packagesOf(world.home), `${one.package}.package`);
    const made = { at: statSync(file).mtimeMs, digest: sha256Of(file) };
    const two = partOf(await followed(world, await begin(world, 'bright-stars'), isOver));
    expect([one.phase, two.phase]).toEqual(['delivered', 'delivered']);
    expect(two.package).toBe(one.package);
    expect({ at: statSync(file).mtimeMs, digest: sha256Of(file) }).toEqual(made);
  });

  test('[ERI-I] from a web server of somebody else that knows no ranges', async () => {
    let folder = '';
    const asked: string[] = [];
    const cdn = createServer((request, response) => {
      asked.push(request.url!);
      response.end(readFileSync(join(folder, request.url!.split('/').at(-1)!)));
    });
    await new Promise<void>((resolve) => void cdn.listen(0, '127.0.0.1', resolve));
    const { port } = cdn.address() as { port: number };
    const other = await startPartyWorld((home) => {
      folder = packagesOf(home);
      configure(home, 'atlas', ({ delivery }) => {
        delivery.packages = { folder: 'packages', urls: [`http://127.0.0.1:${port}/shop/`] };
      });
    });
    try {
      const view = await followed(other, await begin(other), isOver);
      expect(partOf(view).phase).toBe('delivered');
      expect(asked).toContain(`/shop/${partOf(view).package}.package`);
    } finally {
      await other.close();
      cdn.close();
    }
  });
});

describe('what comes is not what was signed', () => {
  /** Damages the package on the merchant's disk; gives how to mend it. */
  async function damaged(sku: string, how: (file: string) => void): Promise<() => void> {
    // Bought once, so that it is packed.
    const { package: of } = partOf(await followed(world, await begin(world, sku), isOver));
    const file = join(packagesOf(world.home), `${of}.package`);
    const whole = readFileSync(file);
    how(file);
    return () => writeFileSync(file, whole);
  }
  const flip = (file: string) => {
    const bytes = readFileSync(file);
    bytes[bytes.length - 100]! ^= 1;
    writeFileSync(file, bytes);
  };

  test('[ERI-27] not-accept names the segments, they are sent again, and the purchase goes on', async () => {
    const mend = await damaged('constellations', flip);
    const since = world.messages.length;
    const { minor } = await charged(async () => {
      const payment = await begin(world, 'constellations');
      const notAccepts = () => wireOf(world.messages.slice(since)).all('customer → atlas delivery-not-accept');
      const [first] = await until(notAccepts, (all) => all.length > 0);
      const { value, requireSignature } = readMessage(notAcceptType, first!.bytes);
      requireSignature(world.identityOf('customer').chain[0]!.publicKey);
      expect(value).toMatchObject({ attempt: 1, fault: 'segments' });
      expect(value.segments).toHaveLength(1);
      mend();
      const part = partOf(await followed(world, payment, isOver));
      expect(part.phase).toBe('delivered');
      expect(part.resendings).toBeGreaterThan(0);
    });
    expect(minor).toBeGreaterThan(0n);
  });

  test.each([
    ['damaged', 'penguins', flip],
    ['truncated', 'messier', (file: string) => writeFileSync(file, readFileSync(file).subarray(0, -5000))],
    [
      'swapped for another package',
      'us-capitals',
      (file: string) => writeFileSync(file, readFileSync(packageFiles(world.home).find((other) => other !== file)!)),
    ],
  ])(
    '[ERI-27] a package that stays %s is given up after the bound: nothing is accepted, nothing paid',
    async (_, sku, how) => {
      const mend = await damaged(sku, how);
      const since = world.messages.length;
      const { minor } = await charged(async () => {
        const view = await followed(world, await begin(world, sku), isOver);
        expect(view.phase).toBe('off');
        expect(partOf(view)).toMatchObject({ phase: 'unpaid', reason: 'NEVER_WHOLE', accepted: false });
      });
      mend();
      expect(minor).toBe(0n);
      const said = () => wireOf(world.messages.slice(since));
      // The last one tells the merchant that it is over, which the customer does not wait for.
      await expect
        .poll(() => {
          const attempts = said().all('customer → atlas delivery-not-accept');
          return new Set(attempts.map(({ bytes }) => readMessage(notAcceptType, bytes).value.attempt));
        })
        .toEqual(new Set([1, 2, 3, 4]));
      const wire = said();
      expect(wire.spoken).not.toContain('customer → atlas PReq');
      expect(wire.spoken).not.toContain('customer → atlas delivery-acceptance');
    },
  );
});

describe('somebody falls silent', () => {
  test('[ERI-24] the merchant after the accept: the trusted party releases K2, and tells the merchant', async () => {
    world.cut.add('customer → atlas delivery-acceptance');
    const since = world.messages.length;
    const { minor, result } = await charged(async () => partOf(await followed(world, await begin(world), isOver)));
    expect(result).toMatchObject({ phase: 'delivered', released: { role: 'trustee', by: 'north' } });
    expect(sha256Of(result.file!)).toBe(result.sha256);
    expect(minor).toBe(249n);
    const wire = () => wireOf(world.messages.slice(since)).spoken;
    await until(wire, (spoken) => spoken.includes('atlas → north delivery-passed-acceptanceAnswer'));
  });

  test('[ERI-24] the merchant after it charged the card: its operator says so, and the goods are the customer’s', async () => {
    for (const kind of ['PRes', 'InqRes']) world.cut.add(`atlas → customer ${kind}`);
    world.cut.add('customer → atlas delivery-acceptance');
    const { minor, result } = await charged(async () => partOf(await followed(world, await begin(world), isOver)));
    expect(result).toMatchObject({ phase: 'delivered', released: { role: 'trustee', by: 'north' } });
    expect(minor).toBe(249n);
  });

  test('[ERI-24] the merchant before it charged the card: it is void, and can never be charged later', async () => {
    world.cut.add('customer → atlas PReq');
    const since = world.messages.length;
    const { minor, result } = await charged(async () => {
      const payment = await begin(world);
      const view = await followed(world, payment, isOver);
      // The order comes to the merchant after all, long after the customer was told that it is off.
      world.cut.clear();
      const spoken = () => wireOf(world.messages.slice(since)).spoken;
      await until(spoken, (all) => all.includes('north → atlas AuthRes'));
      return view;
    });
    expect(result.phase).toBe('off');
    expect(partOf(result)).toMatchObject({ phase: 'unpaid', accepted: true });
    expect(minor).toBe(0n);
  });

  test('a card that is declined leaves nothing accepted and nothing paid', async () => {
    const { minor } = await charged(async () => {
      world.cut.add('customer → atlas delivery-acceptance');
      const order = {
        merchant: world.urlOf('atlas'),
        sku: 'borders-110m',
        currency: 'EUR',
        quantity: 1000,
        max: '9000EUR',
      };
      const { payment } = await world.station().buy({ ...order, password: world.password });
      const view = await followed(world, payment, isOver);
      expect(view.phase).toBe('off');
      expect(partOf(view).phase).toBe('unpaid');
      const status = await world.station().purchase(payment);
      expect(status.status).toBe('declined');
    });
    expect(minor).toBe(0n);
  });
});

test('a station without secure delivery buys from the same merchant as ever', async () => {
  const other = await startPartyWorld((home) =>
    configure(home, 'customer', (configuration) => Reflect.deleteProperty(configuration, 'delivery')),
  );
  try {
    const { receipt } = await buy(other, ATLAS);
    expect(receipt.bought.items[0]!.delivery).toBeUndefined();
    expect(sha256Of(receipt.bought.items[0]!.file)).toBe(receipt.bought.items[0]!.sha256);
    expect(minorOf(receipt.paid.amount)).toBeGreaterThan(0n);
  } finally {
    await other.close();
  }
});

test('two purchases of one package at the same time share its file, and both are delivered', async () => {
  const since = world.messages.length;
  const payments = await Promise.all([begin(world, 'precipitation-grid'), begin(world, 'precipitation-grid')]);
  const parts = await Promise.all(payments.map(async (payment) => partOf(await followed(world, payment, isOver))));
  expect(parts.map(({ phase }) => phase)).toEqual(['delivered', 'delivered']);
  expect(parts[0]!.package).toBe(parts[1]!.package);
  for (const { file, sha256: digest } of parts) expect(sha256Of(file!)).toBe(digest);
  // Neither was disturbed by the other: nothing was wrong with what came.
  expect(wireOf(world.messages.slice(since)).spoken).not.toContain('customer → atlas delivery-not-accept');
});

test('what is delivered is opened and kept once', async () => {
  const part = partOf(await followed(world, await begin(world), isOver));
  expect(toHex(sha256(readFileSync(part.file!)))).toBe(part.sha256);
  const kept = join(world.home, 'customer/packages', `${part.package}.package`);
  await until(
    () => existsSync(kept),
    (there) => !there,
  );
});
