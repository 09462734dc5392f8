/** Complaints before the arbiter, between real parties over sockets: what evidence decides, and what a person has to look at. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { toHex } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { encodeShape, readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { examinedContent } from '../../../src/delivery/arbiter/examination.ts';
import { verifyRuling } from '../../../src/delivery/arbiter/verify-ruling.ts';
import { acceptanceType } from '../../../src/delivery/message/acceptance.ts';
import { claimType } from '../../../src/delivery/message/claim.ts';
import { disclosureType, hearingType, keyRequestType } from '../../../src/delivery/message/complaint.ts';
import { sealKey } from '../../../src/delivery/message/custody.ts';
import { commitmentTo } from '../../../src/delivery/message/manifest.ts';
import { type Ruling, rulingType } from '../../../src/delivery/message/ruling.ts';
import { orderKey as senderOrderKey } from '../../../src/delivery/sender/sender-state.ts';
import { packageKey } from '../../../src/delivery/trustee/trustee-state.ts';
import { sellLie } from '../lying-merchant.ts';
import { type Network, type NetworkOptions, openNetwork, until } from '../network.ts';
import { identifyAll, person } from '../people.ts';

let network: Network | undefined;
afterEach(async () => {
  await network?.close();
  network = undefined;
});

async function open(options: NetworkOptions = {}): Promise<Network> {
  network = await openNetwork(options);
  return network;
}

const content = systemRandom(30_000);
const noKey = { merchant: { [acceptanceType.name]: 'silent' }, trustee: { [claimType.name]: 'silent' } } as const;

async function rulingOf(net: Network, reference: string): Promise<Ruling> {
  await until(async () => (await net.history(reference)).some(({ type }) => type === 'ruled'));
  const ruled = (await net.history(reference)).findLast(({ type }) => type === 'ruled');
  if (ruled?.type !== 'ruled') throw new Error('there is no ruling');
  readMessage(rulingType, ruled.ruling).requireSignature(person('arno', 'arbiter').publicKey);
  return readMessage(rulingType, ruled.ruling).value;
}

/** What anybody finds who checks it offline. */
async function checked(net: Network, { case: of }: Ruling, opened?: Uint8Array) {
  const trust = { identify: identifyAll, ...(opened && { content: opened }) };
  return verifyRuling((await net.bundle(of))!, trust).reasons.map(({ code, basis }) => `${code} ${basis}`);
}

describe('evidence decides', () => {
  test('[ERI-H] a key that does not open the signed package: the arbiter gets K2 from the trustee, refunds, and anybody can see why', async () => {
    const net = await open();
    const offer = await sellLie(net, content, { otherKey: true });
    const reference = await net.buy(offer);
    expect(await net.outcome(reference)).toMatchObject({ outcome: 'ruled', reason: 'refund KEY_DOES_NOT_OPEN' });
    const ruling = await rulingOf(net, reference);
    expect(ruling).toMatchObject({ outcome: 'refund', breaches: ['merchant'] });
    expect(await checked(net, ruling)).toEqual(['KEY_FROM_TRUSTEE shown', 'KEY_DOES_NOT_OPEN shown']);
    // The trustee has written down who asked for the key, and the merchant's shop is told to pay back.
    const log = await net.trustee.readByKey(packageKey(toHex(offer.manifest.digest)));
    expect(log.find(({ type }) => type === 'disclosed')).toMatchObject({ arbiter: 'arno', case: toHex(ruling.case) });
    const told = () => net.news.map((message) => (message as { id: string }).id);
    await until(() => told().includes(`news:ruled:${toHex(ruling.case)}`));
  });

  test('[ERI-H] a content other than the signed description states', async () => {
    const net = await open();
    const reference = await net.buy(await sellLie(net, content, { description: { content: systemRandom(32) } }));
    expect(await net.outcome(reference)).toMatchObject({ outcome: 'ruled', reason: 'refund CONTENT_DIFFERS' });
    const ruling = await rulingOf(net, reference);
    expect(toHex(ruling.content!)).toBe(toHex(sha256(content)));
    expect(await checked(net, ruling)).toEqual(['KEY_FROM_TRUSTEE shown', 'CONTENT_DIFFERS stated']);
    // Whoever has the content can see for itself; the bundle does not give it away.
    expect(await checked(net, ruling, sha256(content))).toEqual(['KEY_FROM_TRUSTEE shown', 'CONTENT_DIFFERS shown']);
    expect((await net.bundle(ruling.case))!.productKey).toBeUndefined();
    await expect(checked(net, ruling, systemRandom(32))).rejects.toThrow(
      expect.objectContaining({ code: 'RULING_UNFIT' }),
    );
  });

  test('a key that nobody released is released by the ruling', async () => {
    const net = await open(noKey);
    const reference = await net.buy(await net.sell(content));
    expect(await net.outcome(reference)).toMatchObject({ outcome: 'delivered' });
    expect(new Uint8Array(readFileSync(net.contentFile(reference)))).toEqual(content);
    const ruling = await rulingOf(net, reference);
    expect(ruling.outcome).toBe('released');
    expect(await checked(net, ruling)).toContain('KEY_RELEASED shown');
  });

  /** The merchant takes its time, so that the trustee has had its say. */
  const thoughtful = {
    [hearingType.name]: async (bytes: Uint8Array, honest: (bytes: Uint8Array) => Promise<Uint8Array>) => {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return honest(bytes);
    },
  };

  test('also when only the merchant shows it, and the trustee’s silence is written down', async () => {
    const net = await open({
      merchant: { ...noKey.merchant, ...thoughtful },
      trustee: { ...noKey.trustee, [keyRequestType.name]: 'silent' },
      arbiterPolicy: { hearingMs: 5000 },
    });
    const reference = await net.buy(await net.sell(content));
    expect(await net.outcome(reference)).toMatchObject({ outcome: 'delivered' });
    const ruling = await rulingOf(net, reference);
    expect(ruling.breaches).toEqual(['trustee']);
    expect(await checked(net, ruling)).toEqual([
      'TRUSTEE_SILENT stated',
      'KEY_FROM_MERCHANT shown',
      'KEY_RELEASED shown',
    ]);
  });

  test('when neither shows it there is a refund, the trustee in breach of what it signed', async () => {
    const net = await open({
      merchant: { ...noKey.merchant, [hearingType.name]: 'silent' },
      trustee: { ...noKey.trustee, [keyRequestType.name]: 'silent' },
    });
    const reference = await net.buy(await net.sell(content));
    expect(await net.outcome(reference)).toMatchObject({ outcome: 'ruled', reason: 'refund KEY_NOT_SHOWN' });
    const ruling = await rulingOf(net, reference);
    expect(ruling.breaches).toEqual(['merchant', 'trustee']);
    expect(await checked(net, ruling)).toEqual(['TRUSTEE_SILENT stated', 'KEY_NOT_SHOWN stated']);
  });

  test('a trustee that discloses another key than it signed for is shown to have lied by its own signature', async () => {
    const tess = person('tess', 'trustee');
    const net = await open({
      merchant: { ...noKey.merchant, ...thoughtful },
      trustee: {
        ...noKey.trustee,
        [keyRequestType.name]: async (bytes) => {
          const { value } = readMessage(keyRequestType, bytes);
          const other = systemRandom(32);
          const key = sealKey(other, {
            recipient: person('arno', 'arbiter').publicKey,
            binding: value.case,
            random: systemRandom,
          });
          const commitment = commitmentTo(other, { merchant: 'ada', product: 'thing-0' });
          const said = { case: value.case, package: value.package, commitment, key, trustee: 'tess', atMs: Date.now() };
          return signMessage(disclosureType, said, tess);
        },
      },
      arbiterPolicy: { hearingMs: 5000 },
    });
    const reference = await net.buy(await net.sell(content));
    expect(await net.outcome(reference)).toMatchObject({ outcome: 'delivered' });
    const ruling = await rulingOf(net, reference);
    expect(ruling.outcome).toBe('released');
    expect(ruling.breaches).toEqual(['trustee']);
    expect(await checked(net, ruling)).toEqual([
      'TRUSTEE_DISCLOSED_ANOTHER_KEY shown',
      'KEY_FROM_MERCHANT shown',
      'KEY_RELEASED shown',
    ]);
  });

  test('after a refund neither merchant nor trustee releases the key any more', async () => {
    let stubborn = true;
    const until_ = (name: string) => ({
      [name]: async (bytes: Uint8Array, honest: (bytes: Uint8Array) => Promise<Uint8Array>) => {
        if (stubborn) throw new RangeError('not now');
        return honest(bytes);
      },
    });
    const net = await open({
      merchant: { ...until_(acceptanceType.name), ...until_(hearingType.name) },
      trustee: { ...until_(claimType.name), ...until_(keyRequestType.name) },
    });
    const reference = await net.buy(await net.sell(content));
    expect(await net.outcome(reference)).toMatchObject({ outcome: 'ruled', reason: 'refund KEY_NOT_SHOWN' });
    stubborn = false;
    const { orderDigest, order, taken, passedKey, accept, evidence } = await net.purchase(reference);
    await until(async () =>
      (await net.sender.readByKey(senderOrderKey(toHex(orderDigest)))).some(({ type }) => type === 'ruled'),
    );
    const shown = { order, taken: taken!, passedKey: passedKey!, accept: accept!, evidence: evidence! };
    const body = encodeShape(acceptanceType, shown);
    const kind = { kind: 'acceptance', contentType: 'application/cose', extension: 'cose' };
    const answer = await net.client.post(`${net.servers.merchant.url}/delivery/acceptance`, { ...kind, body });
    expect(JSON.parse(Buffer.from(answer.body).toString()).code).toBe('ORDER_OVER');
  });
});

describe('only eyes can tell', () => {
  async function complained(options: NetworkOptions = {}) {
    const net = await open(options);
    const reference = await net.buy(await net.sell(content));
    await net.outcome(reference);
    const purchase = await net.purchase(reference);
    await net.receiver.submit({ type: 'complain', purchase, statement: 'It is a song, not a picture.' });
    await until(() => [...net.arbiter.state.cases.values()].some(({ phase }) => phase === 'seeing'));
    const [of] = net.arbiter.state.cases.values();
    await until(() => net.arbiter.state.cases.get(of!.case)?.merchantSaid !== 'waiting');
    return { net, reference, of: of!.case };
  }
  const decide = (of: string, outcome: 'refund' | 'dismissed') => ({
    ...({ type: 'decide', case: of, person: 'Judge Jo' } as const),
    ...{ outcome, text: 'I looked at it, and it is a song.' },
  });

  test('[ERI-H] whether the words of the signed description are true: a person looks, and it is recorded who', async () => {
    const { net, reference, of } = await complained();
    expect(new Uint8Array(readFileSync(examinedContent(net.folder, of)))).toEqual(content);
    await net.arbiter.submit(decide(of, 'refund'));
    expect(await net.outcome(reference, 2)).toMatchObject({ outcome: 'ruled', reason: 'refund SEEN_BY_A_PERSON' });
    const ruling = await rulingOf(net, reference);
    expect(ruling).toMatchObject({ outcome: 'refund', person: 'Judge Jo', breaches: ['merchant'] });
    expect(await checked(net, ruling)).toEqual(['KEY_FROM_TRUSTEE shown', 'SEEN_BY_A_PERSON stated']);
  });

  test('and may dismiss it', async () => {
    const { net, reference, of } = await complained();
    await net.arbiter.submit(decide(of, 'dismissed'));
    expect(await net.outcome(reference, 2)).toMatchObject({ outcome: 'ruled', reason: 'dismissed SEEN_BY_A_PERSON' });
    expect((await rulingOf(net, reference)).breaches).toEqual([]);
  });

  test('but nobody decides twice, or what is not open, or before the merchant was heard', async () => {
    const { net, of } = await complained();
    await net.arbiter.submit(decide(of, 'dismissed'));
    await expect(net.arbiter.submit(decide(of, 'refund'))).rejects.toThrow(
      expect.objectContaining({ code: 'CASE_UNKNOWN' }),
    );
    await net.close();
    const silent = await open({ merchant: { [hearingType.name]: 'silent' }, arbiterPolicy: { hearingMs: 60_000 } });
    const reference = await silent.buy(await silent.sell(content));
    await silent.outcome(reference);
    await silent.receiver.submit({ type: 'complain', purchase: await silent.purchase(reference), statement: '' });
    await until(() => [...silent.arbiter.state.cases.values()].some(({ phase }) => phase === 'seeing'));
    const [open_] = silent.arbiter.state.cases.values();
    const early = silent.arbiter.submit(decide(open_!.case, 'refund'));
    await expect(early).rejects.toThrow(expect.objectContaining({ code: 'CASE_DECIDED' }));
  });
});
