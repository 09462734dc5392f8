/** Disputes about deliveries before the arbiter, between real parties (ERI-H), and an operator that lies as the trusted party. */
import { execFile } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { askOwnParty } from '../../src/cli/own-party.ts';
import { checkBundle } from '../../src/cli/verify-ruling.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import { decodeShape, linkOf, readMessage, signMessage } from '../../src/crypto/signed-message.ts';
import { acceptanceType } from '../../src/delivery/message/acceptance.ts';
import { claimType } from '../../src/delivery/message/claim.ts';
import { disclosureType, keyRequestType } from '../../src/delivery/message/complaint.ts';
import { sealKey, unsealKey } from '../../src/delivery/message/custody.ts';
import { ACKNOWLEDGED } from '../../src/delivery/message/endpoint.ts';
import { commitmentTo } from '../../src/delivery/message/manifest.ts';
import { orderType } from '../../src/delivery/message/order.ts';
import { signRelease } from '../../src/delivery/message/release.ts';
import type { CaseView } from '../../src/party/arbiter/arbiter-cases.ts';
import { readConfiguration } from '../../src/party/configuration/configuration.ts';
import type { HeardView } from '../../src/party/merchant/merchant-disputes.ts';
import { SERVER_LIMITS } from '../../src/party/running/communication.ts';
import { createLog } from '../../src/transport/log.ts';
import type { Routes } from '../../src/transport/route.ts';
import { type RunningServer, serve } from '../../src/transport/server.ts';
import { temporaryFolder } from '../party/network/network-fixture.ts';
import { restingBooks } from './books.ts';
import { begin, configure, followed, impatient, isOver, packUnderAnotherKey, partOf } from './delivery-fixture.ts';
import { type PartyWorld, startPartyWorld } from './party-world.ts';
import { sha256Of } from './sale.ts';
import { until } from './until.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

let world: PartyWorld | undefined;
let liar: RunningServer | undefined;
afterEach(async () => {
  await liar?.close(0);
  liar = undefined;
  await world?.close();
  world = undefined;
});

async function open(prepare: (home: string) => void = () => {}): Promise<PartyWorld> {
  world = await startPartyWorld((home) => {
    impatient(home);
    prepare(home);
  });
  return world;
}

/** Whoever answers is waited for, however busy the machine. */
const patient = (arbiter: object) => void Object.assign(arbiter, { hearingSeconds: 60, trusteeWaitSeconds: 30 });

/** What anybody sees who checks the ruling offline with nothing but the bundle and the root. */
async function offline(of: PartyWorld, payment: string) {
  const bundle = await of.deliveries().bundle(payment, 0);
  const file = join(of.home, `${payment}.bundle`);
  writeFileSync(file, bundle);
  return { file, bundle, checked: checkBundle(bundle, { home: of.home }) };
}

/** The program, apart from every party. */
function verify(...args: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, 'verify-ruling', ...args], (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}

const bases = ({ reasons }: ReturnType<typeof checkBundle>) => reasons.map(({ code, basis }) => `${code} ${basis}`);

describe('evidence decides', () => {
  test('[ERI-H] a key that does not open the signed product: the arbiter has K2 from the trusted party, and rules for the customer', async () => {
    const net = await open((home) => configure(home, 'arbiter', patient));
    // It signs, and lodges, another key than it encrypted under: found out only when it is opened.
    await net.stop('atlas');
    await packUnderAnotherKey(net.home);
    await net.start('atlas');
    // Heard, the merchant would show its key, too: here it is to come from the trusted party.
    net.cut.add('arbiter → atlas delivery-hearing');
    const payment = await begin(net);
    const view = await followed(net, payment, isOver);
    expect(partOf(view)).toMatchObject({
      ...{ phase: 'ruled', reason: 'refund KEY_DOES_NOT_OPEN' },
      ruling: { outcome: 'refund', breaches: ['merchant'] },
    });
    const { file, bundle, checked } = await offline(net, payment);
    expect(bases(checked)).toEqual(['KEY_FROM_TRUSTEE shown', 'KEY_DOES_NOT_OPEN shown']);
    const spoken = net.messages.map(({ from, to, kind }) => `${from} → ${to} ${kind}`);
    for (const said of ['customer → arbiter delivery-complaint', 'arbiter → north delivery-key-request']) {
      expect(spoken).toContain(said);
    }
    await until(
      () => net.messages.map(({ from, to, kind }) => `${from} → ${to} ${kind}`),
      (all) =>
        all.includes('atlas → arbiter delivery-rulingAnswer') && all.includes('north → arbiter delivery-rulingAnswer'),
    );

    // By anybody, without any party running: the folder of the network is gone.
    const { folder, remove } = temporaryFolder();
    try {
      const [anchors, own] = [join(folder, 'root.pem'), join(folder, 'ruling.bundle')];
      copyFileSync(join(net.home, 'customer/communication/anchors.pem'), anchors);
      copyFileSync(file, own);
      await net.close();
      world = undefined;
      const right = await verify(own, '--anchors', anchors, '--json');
      expect(right.code).toBe(0);
      expect(JSON.parse(right.out)).toMatchObject({ right: true, outcome: 'refund', breaches: ['merchant'] });
      expect((await verify(own, '--arbiter', 'north', '--anchors', anchors)).code).toBe(1);
      const wrong = bundle.slice();
      wrong[wrong.length - 40]! ^= 1;
      writeFileSync(own, wrong);
      expect((await verify(own, '--anchors', anchors)).code).toBe(1);
    } finally {
      remove();
    }
  });

  test('[ERI-H] neither merchant nor trustee releases K2: the arbiter does, because it is paid', async () => {
    const net = await open();
    for (const kind of ['acceptance', 'claim']) {
      net.cut.add(`customer → atlas delivery-${kind}`);
      net.cut.add(`customer → north delivery-${kind}`);
    }
    const view = await followed(net, await begin(net), isOver);
    expect(partOf(view)).toMatchObject({ phase: 'delivered', released: { role: 'arbiter', by: 'arbiter' } });
    expect(sha256Of(partOf(view).file!)).toBe(partOf(view).sha256);
  });
});

describe('only eyes can tell', () => {
  test('[ERI-H] the product is opened for a person, the merchant is heard, and what the person decides is signed', async () => {
    const net = await open((home) =>
      configure(home, 'arbiter', (arbiter) => Object.assign(arbiter, { hearingSeconds: 60 })),
    );
    const payment = await begin(net);
    const part = partOf(await followed(net, payment, isOver));
    await net.deliveries().complain(payment, 0, 'These are the borders of 1914.');
    const of = partOf(await net.deliveries().show(payment)).complaint!.case;
    const atArbiter = (method: 'GET' | 'POST', path: string, body?: unknown) =>
      askOwnParty<CaseView>('arbiter', net.configurationOf('arbiter'), {
        ...{ method, path: `/arbiter/cases/${of}${path}` },
        ...(body !== undefined && { body }),
      });
    const seeing = await until(
      () => atArbiter('GET', '').catch(() => undefined),
      (view) => view?.phase === 'seeing',
    );
    expect(seeing).toMatchObject({ about: 'not-as-described', statement: 'These are the borders of 1914.' });
    expect(sha256Of(seeing!.content!)).toBe(part.sha256);

    // Who asks where it stands is told who is waited for, and until when.
    expect(await net.deliveries().standing(payment, 0)).toMatchObject({
      ...{ case: of, arbiter: 'arbiter', phase: 'seeing', waitsFor: ['merchant', 'arbiter'] },
      heardUntil: expect.stringMatching(/^\d{4}-/),
    });
    const decision = { outcome: 'dismissed', person: 'J. Smit', text: 'They are of today.' };
    await expect(atArbiter('POST', '/decision', decision), 'nobody is judged unheard').rejects.toMatchObject({
      code: 'CASE_DECIDED',
    });
    const path = `/merchant/disputes/${of}/answer` as const;
    const heard = await askOwnParty<HeardView>('merchant', net.configurationOf('atlas'), {
      ...{ method: 'POST', path, body: { statement: 'Look at the year in the file.' } },
    });
    expect(heard).toMatchObject({ waits: false, answer: 'Look at the year in the file.' });
    await until(
      () => atArbiter('GET', ''),
      (view) => view.answer === 'Look at the year in the file.',
    );
    expect(await atArbiter('POST', '/decision', decision)).toMatchObject({ phase: 'ruled', outcome: 'dismissed' });
    const ruled = await followed(net, payment, (view) => partOf(view).ruling !== undefined);
    expect(partOf(ruled).ruling).toMatchObject({ outcome: 'dismissed', person: 'J. Smit', breaches: [] });
    expect(partOf(ruled).refund, 'nothing is paid back').toBeUndefined();
    expect(await net.deliveries().standing(payment, 0)).toMatchObject({ phase: 'ruled', waitsFor: [] });
    const { checked } = await offline(net, payment);
    expect(bases(checked)).toEqual(['KEY_FROM_TRUSTEE shown', 'SEEN_BY_A_PERSON stated']);
    await expect(net.deliveries().complain(payment, 0, 'again')).rejects.toMatchObject({ code: 'COMPLAINT_UNFIT' });
  });

  test('nobody but its own people sees or decides the arbiter’s cases, and answers for the merchant', async () => {
    const net = await open();
    const client = net.clientAs('customer');
    for (const path of ['arbiter/cases', `arbiter/cases/${'0'.repeat(64)}`]) {
      expect((await client.get(`${net.urlOf('arbiter')}/${path}`)).status).not.toBe(200);
    }
    expect((await client.get(`${net.urlOf('atlas')}/merchant/disputes`)).status).not.toBe(200);
  });
});

describe('a lying trusted party', () => {
  test('[ERI-H] another K2 to the customer, another one to the arbiter: both are shown by its own signature, and the goods come all the same', async () => {
    const net = await open((home) => {
      configure(home, 'customer', ({ delivery }) => Object.assign(delivery, { releaseWaitSeconds: 3 }));
      configure(home, 'arbiter', patient);
    });
    net.cut.add('customer → atlas delivery-acceptance');
    net.cut.add('arbiter → atlas delivery-hearing');
    const before = await restingBooks(net);
    const payment = await begin(net);
    await followed(net, payment, (view) => partOf(view).phase === 'claiming');
    // From here on north is in the hands of somebody who keeps the keys for himself.
    await net.stop('north');
    liar = await lyingNorth(net);
    const spoken = () => net.messages.map(({ from, to, kind }) => `${from} → ${to} ${kind}`);
    await until(spoken, (all) => all.includes('north → arbiter delivery-key-requestAnswer'), 40_000);
    // What the trustee said is on record: now the merchant is heard.
    net.cut.delete('arbiter → atlas delivery-hearing');
    const view = await followed(net, payment, isOver);
    expect(partOf(view)).toMatchObject({
      ...{ phase: 'delivered', released: { role: 'arbiter', by: 'arbiter' } },
      ruling: { outcome: 'released', breaches: ['trustee'] },
    });
    expect(sha256Of(partOf(view).file!)).toBe(partOf(view).sha256);
    const { checked } = await offline(net, payment);
    expect(bases(checked)).toEqual([
      'TRUSTEE_DISCLOSED_ANOTHER_KEY shown',
      'KEY_FROM_MERCHANT shown',
      'KEY_RELEASED shown',
    ]);
    await liar.close(0);
    liar = undefined;
    await net.start('north');
    net.cut.clear();
    const after = await restingBooks(net);
    expect(before.card - after.card).toBe(249n);
  }, 120_000);
});

/** North's address and keys, and another will. */
async function lyingNorth(net: PartyWorld): Promise<RunningServer> {
  const { configuration } = readConfiguration('operator', net.configurationOf('north'));
  const identity = net.identityOf('north');
  const signer = { privateKey: identity.privateKey, certificateChain: identity.chain.map(({ der }) => der) };
  const another = systemRandom(32);
  const by = 'north';
  const routes: Routes = {
    'POST /delivery/claim': async ({ body }) => {
      const claim = readMessage(claimType, body).value;
      const acceptance = decodeShape(acceptanceType, claim.acceptance);
      const order = linkOf(acceptance.order);
      const orderKey = unsealKey(claim.key, { privateKey: identity.privateKey, binding: order });
      const of = readMessage(orderType, acceptance.order).value.package;
      const said = {
        order,
        accept: linkOf(acceptance.accept),
        package: of,
        role: 'trustee',
        by,
        atMs: Date.now(),
      } as const;
      const release = signRelease(said, { orderKey, productKey: another, signer, random: systemRandom });
      return { contentType: 'application/cose', body: release };
    },
    'POST /delivery/key-request': async ({ body }) => {
      const request = readMessage(keyRequestType, body);
      const { case: of, package: named } = request.value;
      const arbiter = net.identityOf('arbiter').chain[0]!.publicKey;
      const disclosure = {
        ...{ case: of, package: named, trustee: by, atMs: Date.now() },
        commitment: commitmentTo(another, { merchant: 'atlas', product: 'whatever' }),
        key: sealKey(another, { recipient: arbiter, binding: of, random: systemRandom }),
      };
      return { contentType: 'application/cose', body: signMessage(disclosureType, disclosure, signer) };
    },
    'POST /delivery/ruling': async () => ({ contentType: 'application/cose', body: ACKNOWLEDGED }),
  };
  return serve({
    ...{ routes, listen: configuration.listen, tls: identity.serverTls, limits: SERVER_LIMITS },
    log: createLog({ name: 'liar', level: 'silent' }),
  });
}
