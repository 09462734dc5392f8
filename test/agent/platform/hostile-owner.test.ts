/** What owners and other markets may send a platform that they are lying to: it refuses, and goes on for everybody else. */
import { expect, test } from 'vitest';
import { orderIdOf, termsOf } from '../../../src/agent/message/agreement.ts';
import { callType, type Proposal, proposalsType, proposalType } from '../../../src/agent/message/call-for-proposals.ts';
import { acceptanceType, offerType } from '../../../src/agent/message/offer.ts';
import { completionType, passedCompletionType, payByCardType } from '../../../src/agent/message/payment.ts';
import { negotiationId } from '../../../src/agent/platform/merchant-turn.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { generateP256 } from '../../../src/crypto/signature.ts';
import { encodeShape, linkOf, readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { createMemoryJournal } from '../../../src/journal/memory-journal.ts';
import { issueAgentCertificate } from '../../../src/pki/agent-certificate.ts';
import { readCertificate } from '../../../src/pki/certificate.ts';
import { createCertificateRequest, readCertificateRequest } from '../../../src/pki/certificate-request.ts';
import { extendName } from '../../../src/pki/name.ts';
import { type AgentWorld, createAgentWorld, good, type Owner } from '../market-world.ts';

const ACKNOWLEDGED = new Uint8Array([0xf6]);
const product = (sku: string) => ({ ...good('words').product, sku });

async function openMarket() {
  const world = createAgentWorld();
  const journal = createMemoryJournal();
  const market = await world.platform('https://market.test', { journal });
  const station = world.owner('station');
  world.routes.set(station.url, async () => ACKNOWLEDGED);
  const restarted = () =>
    world.platform('https://market.test', { journal: createMemoryJournal({ disk: journal.powerCut() }) });
  return { world, market, station, restarted };
}

/** Not on a platform of ours: its owner holds its key and says what it likes. */
function agentOf(world: AgentWorld, owner: Owner) {
  const { publicKey, privateKey } = generateP256();
  const subject = extendName(owner.authority.certificate.subject, { CN: 'agent' });
  const certificate = issueAgentCertificate({
    authority: owner.authority.certificate,
    authorityKey: owner.authority.keys.privateKey,
    request: readCertificateRequest(createCertificateRequest({ subject, publicKey, privateKey })),
    agentName: 'agent',
    notBeforeMs: world.clock.nowMs() - 1000,
    notAfterMs: world.clock.nowMs() + 600_000,
    random: systemRandom,
  });
  return { privateKey, certificateChain: [certificate.der, owner.authority.certificate.der] };
}

test.each([
  ['prices that no message can carry', { goods: [good('words', { listMinor: 10n ** 15n })] }],
  [
    'bundle names that no message can carry',
    {
      goods: [good('words'), good('maps')],
      bundles: [{ product: product('b'.repeat(64)), skus: ['words', 'maps'], listMinor: 900n, floorMinor: 400n }],
    },
  ],
  [
    'more words than one message can carry',
    {
      goods: Array.from({ length: 32 }, (_, at) =>
        good(`words${at}`, {
          product: {
            ...product(`words${at}`),
            attributes: Object.fromEntries(
              Array.from({ length: 32 }, (__, number) => [`${number}`.padEnd(100, 'x'), '€'.repeat(200)]),
            ),
          },
        }),
      ),
    },
  ],
])('a merchant with %s spoils neither the others’ trade nor the platform’s restart', async (_, parameters) => {
  const { world, market, station, restarted } = await openMarket();
  await world.deploy(market, world.owner('ada'), parameters);
  const bob = world.owner('bob');
  await world.deploy(market, bob);
  world.routes.set(bob.url, async () => ACKNOWLEDGED);
  const { agent } = await world.launch(market, station, { quantity: 2 });
  await world.run(5_000);
  expect(market.status(station, agent).phase).toBe('paying');
  const again = await restarted();
  expect(again.status(station, agent).phase).toBe('paying');
});

test('a mandate that makes an impossible call ends its own agent only, and the platform restarts', async () => {
  const { world, market, station, restarted } = await openMarket();
  const many = Array.from({ length: 256 }, (_, at) => `${at}`.padEnd(100, '€'));
  const { agent } = await world.launch(market, station, {
    merchantsAllowed: many.slice(0, 150),
    merchantsBarred: many.slice(150),
  });
  await world.run(60_000);
  expect(market.status(station, agent).phase).toBe('failed');
  const again = await restarted();
  expect(again.status(station, agent).phase).toBe('failed');
});

test('a merchant that takes a choice off its list while a customer bargains over it ends that negotiation only', async () => {
  const { world, market } = await openMarket();
  const ada = world.owner('ada');
  const choices = { licence: [{ value: 'private', surchargeMinor: 0n }] };
  const agent = await world.deploy(market, ada, { goods: [good('words', { choices })] });
  const customer = world.owner('customer');
  const nowMs = world.clock.nowMs();
  const call = {
    ...{
      id: 'a call',
      wanted: { terms: ['words'], category: '', mustHaves: {} },
      quantity: 1,
      currency: 'EUR',
      rounds: 5,
    },
    ...{ merchantsAllowed: [], merchantsBarred: [], untilMs: nowMs + 1000, deadlineMs: nowMs + 30_000 },
  };
  await market.post('call', signMessage(callType, call, customer.signer));
  const open = market.host.state.calls.get('a call')!;
  const [proposed] = open.proposals.values();
  const chain = market.host.state.merchants.get(agent)!.chain;
  await world.redeploy(
    market,
    ada,
    agent,
    chain.map((der) => readCertificate(der)),
    { version: 2 },
  );
  const offer = {
    negotiation: negotiationId('a call', agent, 'words'),
    round: 0,
    opens: { call: 'a call', agent, lot: 'words' },
    values: { price: 100, licence: 'private' },
    previous: linkOf(proposed!.bytes),
  };
  await expect(market.post('offer', signMessage(offerType, offer, customer.signer))).rejects.toMatchObject({
    code: 'NEGOTIATION_CLOSED',
  });
  const { agent: other } = await world.launch(market, world.owner('station'));
  expect(market.status(world.owner('station'), other).phase).toBeDefined();
});

/** What a merchant on a market that lies for it proposes to every call. */
function proposalOf(call: string, merchant: Owner, changes: Partial<Proposal> = {}): Proposal {
  const item = { ...{ sku: 'words', name: 'words', quantity: 1 }, sha256: new Uint8Array(32), sizeBytes: 1 };
  const lot = {
    ...{ id: 'lot', product: product('words'), currency: 'EUR', listMinor: 1n, highestMinor: 1n, issues: {} },
    items: [{ ...item, mediaType: 'text/plain' }],
  };
  const { name, url } = merchant;
  return { call, agent: `agent of ${name}`, merchant: { id: name, name, url }, brands: [], lots: [lot], ...changes };
}

test('another market whose merchant makes a word of the price ends that negotiation only', async () => {
  const { world, market, station } = await openMarket();
  const liar = world.owner('liar');
  const signer = agentOf(world, liar);
  world.routes.set('https://liars.test', async (kind, body) => {
    if (kind === 'call') {
      const { lots, ...proposal } = proposalOf(readMessage(callType, body).value.id, liar);
      const withWord = { ...proposal, lots: lots.map((lot) => ({ ...lot, issues: { price: ['gold'] } })) };
      return encodeShape(proposalsType, [signMessage(proposalType, withWord, signer)]);
    }
    const { negotiation } = readMessage(offerType, body).value;
    return signMessage(acceptanceType, { negotiation, terms: new Uint8Array(32), previous: linkOf(body) }, signer);
  });
  const { agent } = await world.launch(market, station, { markets: ['https://liars.test'] });
  await world.run(60_000);
  expect(market.status(station, agent).phase).toBe('failed');
  const { agent: next } = await world.launch(market, world.owner('next'), {}, 'next');
  expect(next).toBe('next');
});

test('a merchant may not present itself under another merchant’s name', async () => {
  const { world, market } = await openMarket();
  const liar = world.owner('liar');
  const asAda = { merchant: { id: 'ada', name: 'Ada', url: liar.url } };
  await expect(world.deploy(market, liar, asAda)).rejects.toMatchObject({ code: 'MERCHANT_OF_ANOTHER' });
});

test('proposals from another market count only under their signers’ names, and a bad one spoils none of the others', async () => {
  const { world, market, station } = await openMarket();
  const [ada, liar] = [world.owner('ada'), world.owner('liar')];
  const [signer, liarsSigner] = [agentOf(world, ada), agentOf(world, liar)];
  world.routes.set('https://liars.test', async (_kind, body) => {
    const call = readMessage(callType, body).value.id;
    const asAda = proposalOf(call, ada, { agent: 'not of ada' });
    return encodeShape(proposalsType, [
      new Uint8Array([1, 2, 3]),
      signMessage(proposalType, asAda, liarsSigner),
      signMessage(proposalType, asAda, { ...liarsSigner, certificateChain: signer.certificateChain }),
      signMessage(proposalType, proposalOf(call, ada), signer),
    ]);
  });
  const { agent } = await world.launch(market, station, { markets: ['https://liars.test'] });
  await world.run(500);
  expect(market.status(station, agent).proposals).toBe(1);
  expect(world.sentOf('offer').length).toBeGreaterThan(0);
});

test('an input that shows a fault of ours is refused alone: the platform works on for everybody else', async () => {
  const world = createAgentWorld();
  const broken = {
    validateAgent: () => {
      throw new TypeError('a fault of ours');
    },
  };
  const market = await world.platform('https://market.test', broken);
  const liar = world.owner('liar');
  world.routes.set('https://liars.test', async (_kind, body) =>
    encodeShape(proposalsType, [
      signMessage(proposalType, proposalOf(readMessage(callType, body).value.id, liar), agentOf(world, liar)),
    ]),
  );
  const station = world.owner('station');
  const { agent } = await world.launch(market, station, { markets: ['https://liars.test'] });
  await world.run(60_000);
  expect(market.status(station, agent).phase).toBe('failed');
});

test('a mandate that would occupy a place for years is refused', async () => {
  const { world, market, station } = await openMarket();
  const expiresAtMs = world.clock.nowMs() + 101 * 86_400_000;
  await expect(world.launch(market, station, { expiresAtMs })).rejects.toMatchObject({ code: 'MANDATE_TOO_LONG' });
});

test('one caller cannot keep all others from calling', async () => {
  const { world, market } = await openMarket();
  const nowMs = world.clock.nowMs();
  const wanted = { terms: ['nothing'], category: '', mustHaves: {} };
  const call = (id: number, by: Owner) => {
    const value = {
      ...{ id: String(id), wanted, quantity: 1, currency: 'EUR', rounds: 5, merchantsAllowed: [], merchantsBarred: [] },
      ...{ untilMs: nowMs + 1000, deadlineMs: nowMs + 30_000 },
    };
    return market.post('call', signMessage(callType, value, by.signer));
  };
  const [flood, honest] = [world.owner('flood'), world.owner('honest')];
  for (let id = 0; id < 1000; id += 1) await call(id, flood);
  await expect(call(1000, flood)).rejects.toMatchObject({ code: 'CALLS_OPEN' });
  await call(1001, honest);
});

test('goods of more variants than anybody can bargain over are not deployed, and not bargained over elsewhere', async () => {
  const { world, market, station } = await openMarket();
  const values = Array.from({ length: 16 }, (_, at) => ({ value: `${at}`, surchargeMinor: 0n }));
  const choices = { colour: values, size: values, taste: values.slice(0, 2) };
  const liar = world.owner('liar');
  await expect(world.deploy(market, liar, { goods: [good('words', { choices })] })).rejects.toMatchObject({
    code: 'PARAMETERS_INVALID',
  });
  const issues = Object.fromEntries(
    Object.entries(choices).map(([name, all]) => [name, all.map(({ value }) => value)]),
  );
  world.routes.set('https://liars.test', async (_kind, body) => {
    const { lots, ...proposal } = proposalOf(readMessage(callType, body).value.id, liar);
    const value = { ...proposal, lots: lots.map((lot) => ({ ...lot, issues })) };
    return encodeShape(proposalsType, [signMessage(proposalType, value, agentOf(world, liar))]);
  });
  const { agent } = await world.launch(market, station, { markets: ['https://liars.test'] });
  await world.run(3_000);
  expect(market.status(station, agent)).toMatchObject({ phase: 'failed', proposals: 1, offers: 0 });
});

test('another market’s word that a purchase is over counts only with the merchant’s own signature in it', async () => {
  const { world, market, station } = await openMarket();
  const [ada, liar] = [world.owner('ada'), world.owner('liar')];
  const signer = agentOf(world, ada);
  const said: Uint8Array[] = [];
  world.routes.set('https://other.test', async (kind, body) => {
    if (kind === 'pay-by-card') return ACKNOWLEDGED;
    if (kind === 'call') {
      said.push(body, signMessage(proposalType, proposalOf(readMessage(callType, body).value.id, ada), signer));
      return encodeShape(proposalsType, [said[1]!]);
    }
    if (kind === 'acceptance') return said[2]!;
    const offer = readMessage(offerType, body).value;
    const [call, proposal] = [readMessage(callType, said[0]!).value, readMessage(proposalType, said[1]!).value];
    const chainHead = linkOf(body);
    const terms = sha256(termsOf({ call, proposal, lot: 'lot', offer, chainHead }));
    const acceptance = { negotiation: offer.negotiation, terms, previous: chainHead };
    said[2] = signMessage(acceptanceType, acceptance, signer);
    return said[2];
  });
  const { agent } = await world.launch(market, station, { markets: ['https://other.test'] });
  await world.run(5_000);
  expect(market.status(station, agent).phase).toBe('paying');

  const { agreement } = readMessage(payByCardType, world.sentOf('pay-by-card')[0]!.body).value;
  const { negotiation } = readMessage(acceptanceType, said[2]!).value;
  const facts = { merchant: 'ada', outcome: 'paid' as const, atMs: world.clock.nowMs() };
  const pass = (by: Owner) => {
    const completion = signMessage(completionType, { orderId: orderIdOf(agreement), ...facts }, by.signer);
    return market.post('passed-completion', signMessage(passedCompletionType, { negotiation, completion }, signer));
  };
  await expect(pass(liar)).rejects.toMatchObject({ code: 'CRYPTOGRAPHIC_FAILURE' });
  expect(market.status(station, agent).phase).toBe('paying');
  await pass(ada);
  await world.run(100);
  expect(market.status(station, agent).phase).toBe('done');
});
