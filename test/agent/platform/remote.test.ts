import { expect, test } from 'vitest';
import { composeAgreement, orderIdOf, readAgreement, termsOf } from '../../../src/agent/message/agreement.ts';
import {
  type CallForProposals,
  callType,
  proposalsType,
  proposalType,
} from '../../../src/agent/message/call-for-proposals.ts';
import { acceptanceType, endingType, offerType } from '../../../src/agent/message/offer.ts';
import { verifyOfferChain } from '../../../src/agent/message/offer-chain.ts';
import {
  completionNoticeType,
  completionType,
  payByCardType,
  paymentRequestType,
} from '../../../src/agent/message/payment.ts';
import { readPaymentStart } from '../../../src/agent/message/payment-start.ts';
import { strategyNames } from '../../../src/agent/negotiation/strategy-by-name.ts';
import { negotiationId } from '../../../src/agent/platform/merchant-turn.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { decodeShape, linkOf, readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { readCertificate } from '../../../src/pki/certificate.ts';
import { createAgentWorld, good, type Owner, type Platform } from '../market-world.ts';

const ACKNOWLEDGED = new Uint8Array([0xf6]);

async function openMarket() {
  const world = createAgentWorld();
  const market = await world.platform('https://market.test');
  const ada = world.owner('ada');
  await world.deploy(market, ada, { goods: [good('words', { listMinor: 900n, floorMinor: 500n, stock: 1 })] });
  world.routes.set(ada.url, async () => ACKNOWLEDGED);
  return { world, market, ada };
}

function callOf(world: ReturnType<typeof createAgentWorld>, id: string): CallForProposals {
  return {
    id,
    wanted: { terms: ['words'], category: '', mustHaves: {} },
    quantity: 1,
    currency: 'EUR',
    rounds: 5,
    merchantsAllowed: [],
    merchantsBarred: [],
    untilMs: world.clock.nowMs() + 1000,
    deadlineMs: world.clock.nowMs() + 30_000,
  };
}

/** A station that negotiates by itself, message by message. */
async function bargainByHand(
  world: ReturnType<typeof createAgentWorld>,
  market: Platform,
  station: Owner,
  prices: readonly number[],
) {
  const call = callOf(world, `call of ${station.name}`);
  const callBytes = signMessage(callType, call, station.signer);
  const [proposalBytes] = decodeShape(proposalsType, await market.post('call', callBytes));
  const proposal = readMessage(proposalType, proposalBytes!);
  const merchantKey = readCertificate(proposal.certificateChain[0]!).publicKey;
  proposal.requireSignature(merchantKey);
  const lot = proposal.value.lots[0]!;
  const negotiation = negotiationId(call.id, proposal.value.agent, lot.id);
  const key = { privateKey: station.keys.privateKey, keyId: station.certificate.thumb.subarray(0, 8) };
  const offers: Uint8Array[] = [];
  let previous = proposalBytes!;
  for (const [round, price] of prices.entries()) {
    const opens = round === 0 ? { opens: { call: call.id, agent: proposal.value.agent, lot: lot.id } } : {};
    const offer = signMessage(
      offerType,
      { negotiation, round, ...opens, values: { price }, previous: linkOf(previous) },
      key,
    );
    offers.push(offer);
    const answer = await market.post('offer', offer);
    try {
      readMessage(offerType, answer).requireSignature(merchantKey);
    } catch {
      return {
        callBytes,
        call,
        proposal,
        proposalBytes: proposalBytes!,
        lot,
        negotiation,
        key,
        offers,
        answer,
        merchantKey,
      };
    }
    offers.push(answer);
    previous = answer;
  }
  return {
    callBytes,
    call,
    proposal,
    proposalBytes: proposalBytes!,
    lot,
    negotiation,
    key,
    offers,
    answer: offers.at(-1)!,
    merchantKey,
  };
}

test('a merchant agent presents products straight to a customer station, bargains with it, and sees to being paid', async () => {
  const { world, market, ada } = await openMarket();
  const station = world.owner('station');
  const talk = await bargainByHand(world, market, station, [300, 450, 600, 700, 800]);
  const acceptance = readMessage(acceptanceType, talk.answer);
  acceptance.requireSignature(talk.merchantKey);
  const last = talk.offers.at(-1)!;
  const terms = termsOf({
    call: talk.call,
    proposal: talk.proposal.value,
    lot: talk.lot.id,
    offer: readMessage(offerType, last).value,
    chainHead: linkOf(last),
  });
  expect(acceptance.value.terms).toEqual(sha256(terms));

  const ours = signMessage(
    acceptanceType,
    { negotiation: talk.negotiation, terms: sha256(terms), previous: linkOf(last) },
    talk.key,
  );
  expect(await market.post('acceptance', ours)).toEqual(talk.answer);
  const bytes = composeAgreement({
    terms,
    customerChain: [station.certificate.der],
    merchantChain: talk.proposal.certificateChain,
    customerAcceptance: ours,
    merchantAcceptance: talk.answer,
  });
  const agreement = readAgreement(bytes);
  const chain = { call: talk.callBytes, proposal: talk.proposalBytes, offers: talk.offers };
  expect(verifyOfferChain(chain, agreement)).toHaveLength(talk.offers.length);
  expect(agreement.price.minor).toBeGreaterThanOrEqual(500n);

  const pay = signMessage(payByCardType, { agreement: bytes, method: 'card', atMs: world.clock.nowMs() }, talk.key);
  await market.post('pay-by-card', pay);
  await world.run(100);
  const request = readMessage(paymentRequestType, world.sentOf('payment-request')[0]!.body);
  expect(world.sentOf('payment-request')[0]!.to).toBe(`${ada.url}/agent/payment-request`);
  expect(request.value.agreement).toEqual(bytes);
});

test('an offer out of turn, off the chain, of another signer, outside the lot or after the deadline changes nothing', async () => {
  const { world, market } = await openMarket();
  const station = world.owner('station');
  const { negotiation, key, offers } = await bargainByHand(world, market, station, [100]);
  const before = () => market.host.state.talks.get(negotiation)!.offers.length;
  const offer = { negotiation, round: 1, values: { price: 200 }, previous: linkOf(offers[1]!) };
  const refused = async (changes: object, code: string, signer = key) => {
    await expect(market.post('offer', signMessage(offerType, { ...offer, ...changes }, signer))).rejects.toMatchObject({
      code,
    });
    expect(before()).toBe(2);
  };
  await refused({ round: 2 }, 'NEGOTIATION_OUT_OF_TURN');
  await refused({ previous: linkOf(offers[0]!) }, 'NEGOTIATION_CHAIN_BROKEN');
  await refused({ negotiation: 'another' }, 'NEGOTIATION_UNKNOWN');
  await refused({ values: { price: 901 } }, 'NEGOTIATION_BID_OUTSIDE_DOMAIN');
  await refused({ values: { price: 200, colour: 'red' } }, 'NEGOTIATION_BID_OUTSIDE_DOMAIN');
  await refused({}, 'CRYPTOGRAPHIC_FAILURE', { ...key, privateKey: world.owner('thief').keys.privateKey });
  await market.post('offer', signMessage(offerType, offer, key));
  expect(before()).toBe(4);
  await world.run(31_000);
  const late = {
    negotiation,
    round: 2,
    values: { price: 300 },
    previous: linkOf(market.host.state.talks.get(negotiation)!.offers[3]!.bytes),
  };
  await expect(market.post('offer', signMessage(offerType, late, key))).rejects.toMatchObject({
    code: 'NEGOTIATION_CLOSED',
  });
});

test('the same offer again gets the same answer and counts once', async () => {
  const { world, market } = await openMarket();
  const station = world.owner('station');
  const { offers, negotiation } = await bargainByHand(world, market, station, [100]);
  expect(await market.post('offer', offers[0]!)).toEqual(offers[1]);
  expect(market.host.state.talks.get(negotiation)!.offers).toHaveLength(2);
});

test('goods promised to one are not promised to another, until the first breaks off', async () => {
  const { world, market } = await openMarket();
  const [one, two] = [world.owner('one'), world.owner('two')];
  const first = await bargainByHand(world, market, one, [900]);
  readMessage(acceptanceType, first.answer);
  const second = signMessage(callType, callOf(world, 'second'), two.signer);
  expect(decodeShape(proposalsType, await market.post('call', second))).toEqual([]);
  const ending = { negotiation: first.negotiation, reason: 'changed my mind', previous: linkOf(first.offers.at(-1)!) };
  await market.post('ending', signMessage(endingType, ending, first.key));
  const third = signMessage(callType, callOf(world, 'third'), two.signer);
  expect(decodeShape(proposalsType, await market.post('call', third))).toHaveLength(1);
});

test('an agent on the station’s own platform bargains with merchant agents on the market, and is told of the completion', async () => {
  const { world, market, ada } = await openMarket();
  const bob = world.owner('bob');
  await world.deploy(market, bob, { goods: [good('words', { listMinor: 850n, floorMinor: 450n })] });
  world.routes.set(bob.url, async () => ACKNOWLEDGED);
  const station = world.owner('station');
  const local = await world.platform('https://station.test/local');
  world.routes.set(station.url, async () => ACKNOWLEDGED);

  const { agent } = await world.launch(local, station, { markets: [market.url], strategy: 'pareto-seeking' });
  await world.run(2_500);
  expect(local.status(station, agent)).toMatchObject({ phase: 'paying', proposals: 2 });
  expect(world.sentOf('offer').length).toBeGreaterThan(2);
  const received = readPaymentStart(world.sentOf('payment-start')[0]!.body);
  const content = received.open(readCertificate(received.certificateChain[0]!).publicKey, station.keys.privateKey);
  const agreement = readAgreement(content.agreement);
  verifyOfferChain(content.chain, agreement);

  const seller = agreement.terms.merchant.id === 'ada' ? ada : bob;
  const request = readMessage(paymentRequestType, world.sentOf('payment-request')[0]!.body);
  expect(request.value.agreement).toEqual(content.agreement);
  const completion = {
    orderId: orderIdOf(content.agreement),
    merchant: seller.name,
    outcome: 'paid' as const,
    goodsUrl: `${seller.url}/goods/1`,
    atMs: world.clock.nowMs(),
  };
  await market.post('completion', signMessage(completionType, completion, seller.signer));
  await world.run(100);
  expect(local.status(station, agent).phase).toBe('done');
  const notice = readMessage(completionNoticeType, world.sentOf('completion-notice')[0]!.body);
  expect(readMessage(completionType, notice.value.completion).value.outcome).toBe('paid');
  // The merchant that was not chosen has nothing reserved any more.
  const loser = market.host.state.merchants.get(`agent of ${seller === ada ? 'bob' : 'ada'}`)!;
  expect(loser.held.size).toBe(0);
});

test.each(strategyNames)(
  'an agent elsewhere that bargains %s buys, whichever side says yes first',
  async (strategy) => {
    const world = createAgentWorld();
    const market = await world.platform('https://market.test');
    for (const [name, listMinor, floorMinor] of [
      ['ada', 900n, 500n],
      ['bob', 800n, 450n],
    ] as const) {
      const merchant = world.owner(name);
      await world.deploy(market, merchant, { goods: [good('words', { listMinor, floorMinor })] });
      world.routes.set(merchant.url, async () => new Uint8Array([0xf6]));
    }
    const station = world.owner('station');
    const own = await world.platform(station.url);
    const { post } = own;
    world.routes.set(station.url, async (kind, body) =>
      kind === 'payment-start' ? new Uint8Array([0xf6]) : post(kind, body),
    );
    const { agent } = await world.launch(own, station, { markets: [market.url], strategy });
    await world.run(20_000);
    expect(own.status(station, agent).phase).toBe('paying');
    expect(world.sentOf('payment-request')).toHaveLength(1);
  },
);

/** By hand up to the agreement, and the message that asks to pay it. */
async function agreeByHand(world: ReturnType<typeof createAgentWorld>, market: Platform, station: Owner) {
  const talk = await bargainByHand(world, market, station, [900]);
  const last = talk.offers.at(-1)!;
  const terms = termsOf({
    call: talk.call,
    proposal: talk.proposal.value,
    lot: talk.lot.id,
    offer: readMessage(offerType, last).value,
    chainHead: linkOf(last),
  });
  const acceptance = { negotiation: talk.negotiation, terms: sha256(terms), previous: linkOf(last) };
  const customerAcceptance = signMessage(acceptanceType, acceptance, talk.key);
  const agreement = composeAgreement({
    ...{ terms, customerChain: [station.certificate.der], merchantChain: talk.proposal.certificateChain },
    ...{ customerAcceptance, merchantAcceptance: await market.post('acceptance', customerAcceptance) },
  });
  const pay = signMessage(payByCardType, { agreement, method: 'card', atMs: world.clock.nowMs() }, talk.key);
  const ending = { negotiation: talk.negotiation, reason: 'changed my mind', previous: linkOf(last) };
  return { pay, ending: signMessage(endingType, ending, talk.key) };
}

test('goods whose hold has lapsed are paid only if nobody else has them now', async () => {
  const { world, market } = await openMarket();
  const [one, two] = [world.owner('one'), world.owner('two')];
  const slow = await agreeByHand(world, market, one);
  await world.run(61_000);
  const quick = await agreeByHand(world, market, two);
  await expect(market.post('pay-by-card', slow.pay)).rejects.toMatchObject({ code: 'OUT_OF_STOCK' });
  await market.post('pay-by-card', quick.pay);
  await world.run(61_000);
  await market.post('pay-by-card', slow.pay);
  expect(market.host.state.merchants.get('agent of ada')!.held.get('words')).toBe(1);
});

test('a customer that asks to pay and then breaks off does not free goods it may still pay for', async () => {
  const { world, market } = await openMarket();
  const { pay, ending } = await agreeByHand(world, market, world.owner('one'));
  await market.post('pay-by-card', pay);
  await market.post('ending', ending);
  const held = () => market.host.state.merchants.get('agent of ada')!.held.get('words');
  expect(held()).toBe(1);
  await world.run(61_000);
  expect(held()).toBeUndefined();
});
