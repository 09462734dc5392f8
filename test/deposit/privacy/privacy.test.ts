/**
 * The table of docs/privacy.md, cell by cell, on the parts that real parties have in deposits: what a role sees is found with it, and what it
 * does not see is found nowhere, in no encoding.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readMessage } from '../../../src/crypto/signed-message.ts';
import { transactionRecordType } from '../../../src/deposit/message/conclusion.ts';
import { informationType, initiationType } from '../../../src/deposit/message/initiation.ts';
import { requestDigest } from '../../../src/deposit/message/payment-offer.ts';
import { evidenceOf, firstSpoken } from './evidence.ts';
import { leavesOf } from './leaves.ts';
import { type Mark, type Sight, sightsOf } from './mark.ts';
import { cast, DEPOSIT_MINOR, goods, PRICE_UNITS, type PrivacyWorld, startPrivacyWorld } from './privacy-world.ts';
import { type Datum, data, type Role, roles, seenBy, seenTable } from './seen-by.ts';

const PURCHASES = 211;
const [customer] = cast.customers;
const [merchant] = cast.merchants;

let world: PrivacyWorld;
let evidence: Readonly<Record<Role, readonly Sight[]>>;
let marks: Readonly<Partial<Record<Datum, readonly Mark[]>>>;
let bought: { readonly fromMs: number; readonly toMs: number };
let began: number;

beforeAll(async () => {
  world = await startPrivacyWorld();
  began = Date.now();
  const answers: number[] = [];
  await world.session(customer, [merchant], { times: PURCHASES }, () => answers.push(Date.now()));
  // On a busy machine the last answers are heard of after the deposit has ended: half of them are enough.
  bought = { fromMs: answers[0]!, toMs: answers[answers.length >> 1]! };
  await world.stop();
  evidence = await evidenceOf(world, customer, merchant);
  marks = marksIn(world);
});
afterAll(() => world?.remove());

function marksIn(of: PrivacyWorld): Readonly<Partial<Record<Datum, readonly Mark[]>>> {
  const [certificate] = of.parties.get(customer)!.identity.chain;
  const spki = certificate!.publicKey.export({ format: 'der', type: 'spki' });
  const { key } = readMessage(
    initiationType,
    firstSpoken(of, `${customer} → ${cast.accountManager} deposit-initiation`),
  ).value;
  const information = readMessage(
    informationType,
    firstSpoken(of, `${cast.acquirer} → ${merchant} deposit-information`),
  ).value;
  const { head } = readMessage(
    transactionRecordType,
    firstSpoken(of, `${merchant} → ${cast.acquirer} deposit-record`),
  ).value;
  const realm = new URL(of.paidUrl(merchant)).host;
  const target = `/paid/${goods.sku}?find=${goods.asked}`;
  return {
    'customer’s name': [{ text: customer }],
    'customer’s account and credit': [{ text: `customer:${customer}` }, { number: 8_675_309 }],
    'customer’s certificate and lasting key': [
      { bytes: certificate!.der },
      { bytes: new Uint8Array(spki) },
      // The point itself, without what says that it is one.
      { bytes: new Uint8Array(spki.subarray(-64)) },
      { bytes: new Uint8Array(createHash('sha1').update(certificate!.der).digest()) },
    ],
    'customer’s operator': [{ text: cast.accountManager }],
    'temporary key': [{ bytes: key }],
    'identifier of the session': [{ text: information.customer }],
    'merchant’s name': [{ text: merchant }],
    'what was asked for': [{ text: goods.asked }, { text: goods.sku }, { text: target }],
    'what was answered': [{ text: goods.answered }, { text: 'Spekulaasbrokken' }],
    'digest of a request': [{ bytes: requestDigest({ realm, method: 'GET', target, body: new Uint8Array() }) }],
    'price of a purchase': [{ number: PRICE_UNITS }, { text: '0.0048611' }, { number: 4_861_100 }],
    'number of purchases': [{ number: PURCHASES }],
    total: [{ number: PURCHASES * PRICE_UNITS }],
    'head of the list': [{ bytes: head }],
    'deposit in the customer’s currency': [{ number: DEPOSIT_MINOR }],
    'deposit in the merchant’s currency': [{ number: Number(information.deposit.minor) }],
    'exchange rate': [{ number: 1_083_217 }],
  };
}

/** Times that are said or written anywhere, as milliseconds or in ISO 8601. */
function timesWithin(sights: readonly Sight[], fromMs: number, toMs: number): string[] {
  return sights
    .filter(({ bytes }) => {
      const { numbers, texts } = leavesOf(bytes);
      const said = [...texts].map((text) => (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text) ? Date.parse(text) : 0));
      return [...numbers]
        .map(Number)
        .concat(said)
        .some((ms) => ms > fromMs && ms < toMs);
    })
    .map(({ where }) => where);
}

const partyOf: Readonly<Partial<Record<Role, string>>> = {
  customer,
  'account manager': cast.accountManager,
  acquirer: cast.acquirer,
  merchant,
};

/** Where the role sees it. */
function found(role: Role, datum: Datum): readonly string[] {
  const sights = evidence[role];
  const looked = marks[datum];
  if (looked !== undefined) return sightsOf(looked, sights);
  const traffic = sights.filter(({ bytes }) => bytes.length > 0).map(({ where }) => where);
  if (datum === 'time of each purchase') {
    // What goes through at a time was sent at that time: a request and an answer each.
    const records = world.taps.flatMap(({ connections }) => connections).map(({ up }) => up.length);
    if (role === 'network') return Math.max(...records) >= PURCHASES ? traffic : [];
    return timesWithin(sights, bought.fromMs, bought.toMs);
  }
  if (datum === 'begin and end of a deposit') {
    if (role === 'network') return traffic;
    const end = timesWithin(sights, bought.toMs, bought.toMs + 60_000);
    return role === 'arbiter'
      ? end
      : [...timesWithin(sights, began, bought.fromMs), ...end].slice(0, end.length === 0 ? 0 : undefined);
  }
  // Addresses are of connections: whoever a customer talks to sees his.
  if (role === 'network' || role === 'customer') return traffic;
  return world.messages.filter(({ from, to }) => from === customer && to === partyOf[role]).map(({ kind }) => kind);
}

describe.each(roles)('the %s', (role) => {
  test.each(data.map((datum) => [seenBy[datum][role], datum] as const))('%s: %s', (sees, datum) => {
    const places = found(role, datum);
    if (sees === 'sees') expect(places.length).toBeGreaterThan(0);
    else if (sees === 'first')
      expect(places.every((where) => ORDERED.test(where)) && places.length > 0, places.join('\n')).toBe(true);
    else expect(places).toEqual([]);
  });
});

/** Where the order information is (claim 1), and the journal that has taken it in. */
const ORDERED = / deposit-initiation: /;

test('the table in the document is this one', () => {
  const document = readFileSync(new URL('../../../docs/privacy.md', import.meta.url), 'utf8');
  expect(document).toContain(seenTable());
});
