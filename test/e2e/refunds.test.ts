/** A ruling moves the money back between real parties: by the merchant, by its operator in its place, once, whoever lies, or is away. */
import { afterEach, describe, expect, test } from 'vitest';
import { askOwnParty } from '../../src/cli/own-party.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import { decodeShape, encodeShape, readMessage, signMessage } from '../../src/crypto/signed-message.ts';
import { refundClaimType } from '../../src/delivery/message/refund.ts';
import { bundleType, rulingType } from '../../src/delivery/message/ruling.ts';
import type { HeardView } from '../../src/party/merchant/merchant-disputes.ts';
import { readProblem } from '../../src/transport/problem.ts';
import { restingBooks } from './books.ts';
import { begin, configure, followed, impatient, isOver, packUnderAnotherKey, partOf } from './delivery-fixture.ts';
import { type PartyWorld, startPartyWorld } from './party-world.ts';
import { until } from './until.ts';

let world: PartyWorld | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

/** Atlas commits to another key than it encrypted under: the arbiter rules for a refund by itself. @param graceSeconds of the merchant */
async function open(graceSeconds: number, maxUnfollowed = 3): Promise<PartyWorld> {
  world = await startPartyWorld((home) => {
    impatient(home);
    configure(
      home,
      'arbiter',
      (arbiter) => void Object.assign(arbiter, { hearingSeconds: 60, trusteeWaitSeconds: 30 }),
    );
    configure(home, 'north', ({ delivery }) => {
      Object.assign(delivery, { refundGraceSeconds: graceSeconds, maxUnfollowed });
    });
  });
  await world.stop('atlas');
  await packUnderAnotherKey(world.home);
  await world.start('atlas');
  return world;
}

const isRefunded = (view: Parameters<typeof partOf>[0]) => partOf(view).refund?.state === 'refunded';
const kindsOf = (net: PartyWorld) => net.messages.map(({ from, to, kind }) => `${from} → ${to} ${kind}`);
/** What the merchant ignores when it follows no ruling. */
function ignoreRulings({ cut }: PartyWorld): void {
  for (const ignored of ['arbiter → atlas delivery-ruling', 'atlas → north delivery-refund-order']) cut.add(ignored);
}

describe('a ruling for a refund', () => {
  test('[ERI-H] is followed by the merchant: card, merchant’s account and everybody’s books are as before the sale', async () => {
    const net = await open(3600);
    const before = await restingBooks(net);
    const payment = await begin(net);
    const view = await followed(net, payment, isRefunded);
    expect(partOf(view)).toMatchObject({
      ...{ phase: 'ruled', reason: 'refund KEY_DOES_NOT_OPEN' },
      refund: { state: 'refunded', amount: '2.49 EUR', by: 'merchant', operator: 'north' },
    });
    const after = await restingBooks(net);
    expect(after).toMatchObject({ card: before.card, merchant: before.merchant, violations: [] });
    const of = partOf(view).complaint!.case;
    const path = `/merchant/disputes/${of}` as const;
    const heard = await until(
      () => askOwnParty<HeardView>('merchant', net.configurationOf('atlas'), { method: 'GET', path }),
      ({ refund }) => refund !== undefined,
    );
    expect(heard).toMatchObject({ outcome: 'refund', refund: { amount: '2.49 EUR', by: 'merchant' } });
    // All three statements say the same.
    const said = { amount: '2.49 EUR', outcome: 'refunded', by: 'merchant' };
    expect(await net.deliveries().refunds()).toMatchObject([
      { ...said, payment, merchant: 'atlas', operator: 'north' },
    ]);
    const own = { method: 'GET', path: '/merchant/refunds' } as const;
    expect(await askOwnParty('merchant', net.configurationOf('atlas'), own)).toMatchObject([said]);
    const bank = { method: 'GET', path: '/operator/refunds' } as const;
    expect(await askOwnParty('operator', net.configurationOf('north'), bank)).toMatchObject({
      ...{ refunds: [{ ...said, merchant: 'atlas' }], unfollowed: [] },
    });
  });

  test('[ERI-H] that the merchant ignores is followed by its operator from the merchant’s account, and counts against it', async () => {
    const net = await open(1, 1);
    ignoreRulings(net);
    const before = await restingBooks(net);
    const payment = await begin(net);
    const view = await followed(net, payment, isRefunded);
    expect(partOf(view).refund).toMatchObject({ amount: '2.49 EUR', by: 'operator', operator: 'north' });
    expect(await restingBooks(net)).toMatchObject({ card: before.card, merchant: before.merchant, violations: [] });
    const bank = { method: 'GET', path: '/operator/refunds' } as const;
    expect(await askOwnParty('operator', net.configurationOf('north'), bank)).toMatchObject({
      ...{
        refunds: [{ by: 'operator', merchant: 'atlas' }],
        unfollowed: [{ merchant: 'atlas', times: 1, trusted: false }],
      },
    });
    // It lies on: nothing that is new is sold through its operator any more, and nobody pays for anything.
    net.cut.clear();
    const next = await followed(net, await begin(net), isOver);
    expect(partOf(next)).toMatchObject({ phase: 'unpaid', reason: 'MERCHANT_UNTRUSTED' });
    expect((await restingBooks(net)).card).toBe(before.card);
  });

  test('[ERI-H] is paid back once, though station, merchant and operator are stopped meanwhile and everything is asked again', async () => {
    const net = await open(3600);
    const before = await restingBooks(net);
    net.cut.add('customer → north delivery-refund-claim');
    net.cut.add('atlas → north delivery-refund-orderAnswer');
    const payment = await begin(net);
    // The operator has paid back, and the merchant does not hear of it.
    await until(
      () => kindsOf(net),
      (all) => all.includes('atlas → north delivery-refund-order'),
    );
    for (const party of ['north', 'atlas', 'customer']) {
      await net.stop(party);
      await net.start(party);
    }
    net.cut.clear();
    const view = await followed(net, payment, isRefunded);
    expect(partOf(view).refund).toMatchObject({ amount: '2.49 EUR', by: 'merchant' });
    expect(await restingBooks(net)).toMatchObject({ card: before.card, merchant: before.merchant, violations: [] });
  });
});

describe('the operator pays nothing back for', () => {
  test('[ERI-H] a forged ruling, somebody else’s, or one that its evidence contradicts', async () => {
    const net = await open(3600);
    net.cut.add('customer → north delivery-refund-claim');
    ignoreRulings(net);
    const before = await restingBooks(net);
    const payment = await begin(net);
    const view = await followed(net, payment, isOver);
    expect(partOf(view)).toMatchObject({ phase: 'ruled', refund: { state: 'waiting' } });
    const bundle = await net.deliveries().bundle(payment, 0);
    const read = decodeShape(bundleType, bundle);
    const signerOf = (party: string) => {
      const { privateKey, chain } = net.identityOf(party);
      return { privateKey, certificateChain: chain.map(({ der }) => der) };
    };
    const claim = async (party: string, claimed: Uint8Array) => {
      const said = { bundle: claimed, trustee: 'north', atMs: Date.now() };
      const answer = await net.clientAs(party).post(`${net.urlOf('north')}/delivery/refund-claim`, {
        ...{ kind: refundClaimType.name, contentType: 'application/cose', extension: 'cose' },
        body: signMessage(refundClaimType, said, signerOf(party)),
      });
      return { status: answer.status, code: readProblem(answer.body)?.code };
    };
    const ruling = readMessage(rulingType, read.ruling).value;
    const signedBy = (party: string, said: typeof ruling) =>
      encodeShape(bundleType, { ...read, ruling: signMessage(rulingType, said, signerOf(party)) });
    // By somebody who is no arbiter, however he is called.
    expect(await claim('customer', signedBy('customer', ruling))).toMatchObject({ status: 403 });
    expect(await claim('customer', signedBy('atlas', { ...ruling, arbiter: 'atlas' }))).toMatchObject({ status: 403 });
    const altered = bundle.slice();
    altered[altered.length - 40]! ^= 1;
    expect([400, 403]).toContain((await claim('customer', altered)).status);
    // By another customer than bought.
    expect((await claim('lexicon', bundle)).status).toBe(403);
    // An arbiter's word for what its own evidence denies, and a ruling that gives no money back.
    const reasons = [{ code: 'CONTENT_DIFFERS', text: 'It differs.' }] as const;
    expect(await claim('customer', signedBy('arbiter', { ...ruling, reasons }))).toMatchObject({
      code: 'RULING_UNFIT',
    });
    const opens = { ...ruling, reasons: [{ code: 'NOT_PAID', text: 'No.' }] as const, outcome: 'dismissed' as const };
    expect((await claim('customer', signedBy('arbiter', { ...opens, breaches: [] }))).code).toBe('REFUND_UNFIT');
    expect(await claim('customer', signedBy('arbiter', { ...ruling, case: systemRandom(32) }))).toMatchObject({
      code: 'RULING_UNFIT',
    });
    const books = await restingBooks(net);
    expect(before.card - books.card).toBe(249n);
    // The real one is heard.
    net.cut.clear();
    const paid = await followed(net, payment, isRefunded);
    expect(partOf(paid).refund?.by).toBe('merchant');
    expect((await restingBooks(net)).card).toBe(before.card);
  });
});
