/** A dishonest customer at work, with an order that merchant and trustee took: what it sends, and what it gets out of it. */
import { toHex } from '../../../src/codec/hex.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import type { MessageType } from '../../../src/crypto/signed-message.ts';
import { encodeShape, linkOf, readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { type Acceptance, acceptanceType, acceptType } from '../../../src/delivery/message/acceptance.ts';
import { claimType } from '../../../src/delivery/message/claim.ts';
import { type Complaint, complaintType } from '../../../src/delivery/message/complaint.ts';
import { sealKey } from '../../../src/delivery/message/custody.ts';
import { routeOf } from '../../../src/delivery/message/endpoint.ts';
import { handoverType } from '../../../src/delivery/message/key-handover.ts';
import type { CheckedOffer } from '../../../src/delivery/message/offer.ts';
import { orderKeyDigest, orderType } from '../../../src/delivery/message/order.ts';
import { openRelease, releaseType } from '../../../src/delivery/message/release.ts';
import { rulingType } from '../../../src/delivery/message/ruling.ts';
import { layoutOf, segmentSpan } from '../../../src/delivery/package/layout.ts';
import { pathTo } from '../../../src/delivery/package/merkle-tree.ts';
import { type Purchase, purchaseIn, purchaseKey } from '../../../src/delivery/receiver/purchase.ts';
import type { World } from '../../world/simulation.ts';
import { person } from '../people.ts';
import { type Attack, liar, minuteMs } from './delivery-plan.ts';
import { type DeliveryWorld, people, urls } from './delivery-world.ts';
import type { Product } from './products.ts';

export interface Loot {
  readonly attack: Attack;
  /** Orders whose K2 it got hold of by other than the straight way. */
  readonly keysFor: string[];
  /** How its false complaints ended. */
  readonly rulings: string[];
  /** Codes it was refused with. */
  readonly refusals: string[];
}

interface Attacking {
  readonly world: World;
  readonly parties: DeliveryWorld;
  readonly offer: CheckedOffer;
  readonly product: Product;
  readonly attack: Attack;
  readonly number: number;
}

const mallory = person(liar, 'customer');

export async function attack(attacking: Attacking): Promise<Loot> {
  const loot: Loot = { attack: attacking.attack, keysFor: [], rulings: [], refusals: [] };
  switch (attacking.attack) {
    case 'unpaid':
      await show(attacking, loot, await forge(attacking, new Uint8Array()));
      break;
    case 'borrowed':
      await show(attacking, loot, await forge(attacking, (await paidBefore(attacking)).evidence!));
      break;
    case 'claim':
      await claim(attacking, loot, await forge(attacking, new Uint8Array([1])));
      break;
    case 'replay': {
      const purchase = await paidBefore(attacking);
      const said = { ...readMessage(acceptType, purchase.accept!).value, unique: systemRandom(16) };
      const again = { ...acceptanceOf(purchase), accept: signMessage(acceptType, said, mallory) };
      await show(attacking, loot, { acceptance: again, orderKey: purchase.orderKey });
      await claim(attacking, loot, { acceptance: again, orderKey: purchase.orderKey });
      break;
    }
    case 'complain':
      await complain(attacking, loot, 'does-not-open');
      break;
    case 'refund':
      await complain(attacking, loot, 'content-differs');
      await complain(attacking, loot, 'withheld');
      break;
  }
  return loot;
}

function acceptanceOf({ order, taken, passedKey, accept, evidence }: Purchase): Acceptance {
  return { order, taken: taken!, passedKey: passedKey!, accept: accept!, evidence: evidence! };
}

interface Forged {
  readonly acceptance: Acceptance;
  readonly orderKey: Uint8Array;
}

async function post(
  { world, number }: Attacking,
  to: string,
  type: Pick<MessageType<unknown>, 'name'>,
  body: Uint8Array,
) {
  const id = `${number}-${type.name}-${toHex(linkOf(body)).slice(0, 16)}`;
  return world.send(`${liar}-by-hand`, { id, to: routeOf(to, type), kind: type.name, body });
}

/** A true order, taken and passed, and an accept with evidence that is none. */
async function forge(attacking: Attacking, evidence: Uint8Array): Promise<Forged> {
  const { offer, world } = attacking;
  const nowMs = world.clock.nowMs();
  const orderKey = systemRandom(32);
  const names = {
    merchant: 'ada',
    trustee: 'tess',
    keyDigest: orderKeyDigest(orderKey),
    deadlineMs: nowMs + 10 * minuteMs,
    atMs: nowMs,
  };
  const order = signMessage(
    orderType,
    {
      ...{ ...names, order: systemRandom(16), product: offer.manifest.value.product, package: offer.manifest.digest },
      ...{ description: offer.description.digest, price: { currency: 'EUR', minor: 500n }, payee: 'ada' },
    },
    mallory,
  );
  const key = sealKey(orderKey, { recipient: people.ada.publicKey, binding: linkOf(order), random: systemRandom });
  const handover = signMessage(handoverType, { ...names, order: linkOf(order), key }, mallory);
  const taken = await post(attacking, urls.ada, orderType, order);
  const passed = await post(attacking, urls.tess, handoverType, handover);
  if (taken.type !== 'answered' || passed.type !== 'answered') throw new Error('a true order was refused');
  const said = { order: linkOf(order), package: offer.manifest.digest, unique: systemRandom(16), atMs: nowMs };
  const accept = signMessage(acceptType, said, mallory);
  return { acceptance: { order, taken: taken.body, passedKey: passed.body, accept, evidence }, orderKey };
}

/** Its other purchase, which it made the straight way, once that is paid. */
async function paidBefore({ world, parties }: Attacking): Promise<Purchase> {
  for (;;) {
    const records =
      (await parties.receivers
        .get(liar)!
        .host?.readByKey(purchaseKey(`${liar}-1`))
        .catch(() => [])) ?? [];
    const purchase = purchaseIn(records);
    if (purchase?.evidence && records.at(-1)?.type === 'finished') return purchase;
    if (records.at(-1)?.type === 'finished') throw new NothingToStealFrom();
    await new Promise<void>((resolve) => world.clock.after(500, resolve));
  }
}

/** The straight purchase ended unpaid. */
export class NothingToStealFrom extends Error {}

async function show(attacking: Attacking, loot: Loot, forged: Forged): Promise<void> {
  note(
    attacking,
    loot,
    forged,
    await post(attacking, urls.ada, acceptanceType, encodeShape(acceptanceType, forged.acceptance)),
  );
}

async function claim(attacking: Attacking, loot: Loot, forged: Forged): Promise<void> {
  const { acceptance, orderKey } = forged;
  const key = sealKey(orderKey, {
    recipient: people.tess.publicKey,
    binding: linkOf(acceptance.order),
    random: systemRandom,
  });
  const said = {
    acceptance: encodeShape(acceptanceType, acceptance),
    trustee: 'tess',
    key,
    atMs: attacking.world.clock.nowMs(),
  };
  note(attacking, loot, forged, await post(attacking, urls.tess, claimType, signMessage(claimType, said, mallory)));
}

function note(
  { offer }: Attacking,
  { keysFor, refusals }: Loot,
  { acceptance, orderKey }: Forged,
  answer: Awaited<ReturnType<World['send']>>,
): void {
  if (answer.type === 'refused') {
    refusals.push(answer.code);
    return;
  }
  const { value: manifest, digest } = offer.manifest;
  const of = { order: linkOf(acceptance.order), accept: linkOf(acceptance.accept), package: digest };
  openRelease(readMessage(releaseType, answer.body), { ...of, orderKey, manifest });
  keysFor.push(toHex(of.order));
}

/** About goods that are as they should be. */
async function complain(attacking: Attacking, loot: Loot, about: Complaint['about']): Promise<void> {
  const purchase = await paidBefore(attacking);
  const { product } = attacking;
  const layout = layoutOf(product.manifestBytes, product.manifest);
  const { start, end } = segmentSpan(1, product.manifest, layout);
  const table = product.file.subarray(layout.digests.start, layout.digests.end);
  const said: Complaint = {
    ...{
      arbiter: 'arno',
      about,
      acceptance: encodeShape(acceptanceType, acceptanceOf(purchase)),
      statement: 'I was cheated.',
    },
    ...{
      description: purchase.description,
      manifest: purchase.manifest,
      custody: purchase.custody,
      urls: ['http://cdn'],
    },
    key: sealKey(purchase.orderKey, {
      recipient: people.arno.publicKey,
      binding: purchase.orderDigest,
      random: systemRandom,
    }),
    ...(about === 'does-not-open' && {
      segment: { number: 1, path: pathTo(1, table), bytes: product.file.slice(start, end) },
    }),
    atMs: attacking.world.clock.nowMs(),
  };
  const answer = await post(attacking, urls.arno, complaintType, signMessage(complaintType, said, mallory));
  if (answer.type === 'answered') loot.rulings.push(readMessage(rulingType, answer.body).value.outcome);
  else loot.refusals.push(answer.code);
}
