/**
 * An electronic object with its decryption ticket (US 5,671,280, figures 15 and 22): fetched from anywhere, checked and shown before it is paid,
 * opened after.
 */
import { describe, expect, test, vi } from 'vitest';
import { toHex } from '../../../src/codec/hex.ts';
import { cipherObject, inspectObject, openObject } from '../../../src/trusted/object/object-file.ts';
import { decodeTicket } from '../../../src/trusted/ticket/compact-ticket.ts';
import { isAtRest, noticesOf, stateOf } from '../opera.ts';
import { cardNumber, confirmAll, heldBy, openShop, price, type Shop, toldTo, whyFailed } from '../shop.ts';
import { sample } from '../ticket/samples.ts';
import { inTime } from '../trusted-world.ts';

/** Set: merchants' agents sign something else, as one that was opened and changed might. */
const lying = { about: '' };
vi.mock('../../../src/trusted/object/object-header.ts', async (original) => {
  const real = await original<typeof import('../../../src/trusted/object/object-header.ts')>();
  const signObject: typeof real.signObject = (object, privateKey) =>
    real.signObject({ ...object, objectId: `${object.objectId}${lying.about}` }, privateKey);
  return { ...real, signObject };
});

const film = Uint8Array.from({ length: 150_000 }, (_, at) => (at * 7) & 0xff);
const objectId = 'urn:isan:0000-0000-3A8D-0000-Z-0000-0000-6';
const selection = { type: 'decryption', fields: { objectId } } as const;

async function* once(bytes: Uint8Array) {
  yield bytes;
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return new Uint8Array(Buffer.concat(all));
}

/** What the merchant's device does with `cipherObject`: the key goes nowhere but into the agent. */
async function encrypt(shop: Shop, content = film, id: string = objectId) {
  const key = shop.trusted.world.random.bytes(32);
  const pieces: Uint8Array[] = [];
  const facts = await cipherObject(once(content), {
    header: { objectId: id, title: 'Metropolis', contentType: 'video/mp4', length: content.length },
    ...{ key, write: async (piece) => void pieces.push(piece) },
  });
  const { digest, length } = facts;
  await inTime(
    shop.trusted.world,
    shop.house.machine.insist({ type: 'ciphered', object: { digest, length, objectId: id, key } }),
  );
  return { digest, file: new Uint8Array(Buffer.concat(pieces)), key };
}

/** Sells the object; the customer's host side fetches the file that it is given here. */
async function trade(shop: Shop, fetched: Uint8Array, digest: Uint8Array, hold = false) {
  const { ada, house, trusted } = shop;
  house.react = (notice) => confirmAll(house, notice);
  ada.react = (notice) => {
    if (notice.type === 'confirm-merchandise' && hold) return;
    confirmAll(ada, notice);
    if (notice.type !== 'fetch-object') return;
    void inspectObject(once(fetched)).then((facts) =>
      ada
        .command({ type: 'object-arrived', session: notice.session, ...facts })
        .catch((error) => refused.push(error.code)),
    );
  };
  refused.length = 0;
  await shop.sell(house, { selection, merchandise: { type: 'object', digest, usage: 'At home' } });
  await shop.buy(ada, house, { selection });
  await trusted.run(10_000);
}
const refused: string[] = [];

describe('an electronic object', () => {
  test('[CITI-F15] [CITI-F22] [CITI-43] is checked and shown by its header, paid, and opened with the key of its ticket', async () => {
    const shop = await openShop();
    const { digest, file, key } = await encrypt(shop);
    await trade(shop, file, digest);
    const { ada, bank } = shop;
    expect(noticesOf(ada, 'fetch-object')).toMatchObject([{ digest, length: file.length }]);
    expect(noticesOf(ada, 'confirm-merchandise')).toMatchObject([
      { price, object: { objectId, title: 'Metropolis', contentType: 'video/mp4', length: film.length } },
    ]);
    const [ticketId] = heldBy(ada, 'decryption');
    const { components } = decodeTicket(stateOf(ada).tickets.get(ticketId!)!.bytes).body;
    expect(components).toMatchObject({ objectId, price, usage: 'At home' });
    expect([...bank.payments.values()]).toMatchObject([{ card: cardNumber, status: 'captured' }]);

    const [opened] = noticesOf(ada, 'opened');
    expect(opened).toMatchObject({ ticketId, object: objectId });
    expect(Buffer.compare(await collect(openObject(once(file), opened!.keys[0]!)), film)).toBe(0);
    expect(toldTo(ada)).toContain(toHex(key));
  });

  test('[CITI-F22] is opened again whenever the holder wants, and a ticket that opens nothing is presented instead', async () => {
    const shop = await openShop();
    const { ada, trusted } = shop;
    const { digest, file } = await encrypt(shop);
    await trade(shop, file, digest);
    const [ticketId] = heldBy(ada, 'decryption');
    await inTime(trusted.world, ada.command({ type: 'open-merchandise', ticketId: ticketId! }));
    await trusted.run(1000);
    expect(noticesOf(ada, 'opened').map(({ ticketId: id }) => id)).toEqual([ticketId, ticketId]);
    const opening = ada.command({ type: 'open-merchandise', ticketId: shop.card });
    await expect(inTime(trusted.world, opening)).rejects.toMatchObject({ code: 'TICKET_INVALID' });
  });

  test('[CITI-F22] a communications ticket gives the keys of the channel', async () => {
    const shop = await openShop();
    const radio = { ...sample('communications'), price };
    const fields = { channel: radio.channel, timePurchased: radio.timePurchased };
    const selected = { type: 'communications', fields } as const;
    await shop.purchase({
      sell: { selection: selected, merchandise: { type: 'ticket', components: radio } },
      buy: { selection: selected },
    });
    expect(noticesOf(shop.ada, 'opened')).toMatchObject([{ object: radio.channel, keys: radio.decryptionKeys }]);
  });

  test('[CITI-48] is of no use before it is paid: the file is there, its key is not', async () => {
    const shop = await openShop();
    const { ada } = shop;
    const { digest, file, key } = await encrypt(shop);
    await trade(shop, file, digest, true);
    expect(noticesOf(ada, 'confirm-merchandise')).toHaveLength(1);
    expect(noticesOf(ada, 'opened')).toEqual([]);
    expect(toldTo(ada)).not.toContain(toHex(key));
    expect(heldBy(ada, 'decryption')).toEqual([]);
  });

  test('[CITI-F15] that is another one, or was changed on its way, is not taken, and nothing is paid', async () => {
    const shop = await openShop();
    const { digest, file } = await encrypt(shop);
    const other = await encrypt(shop, film.slice(1));
    const changed = file.slice();
    changed[5000]! ^= 1;
    for (const fetched of [changed, other.file, file.slice(0, -1)]) {
      const { ada, house, trusted } = shop;
      await trade(shop, fetched, digest);
      expect(refused).toEqual(['MERCHANDISE_WRONG']);
      expect(noticesOf(ada, 'confirm-merchandise')).toEqual([]);
      // The host side may fetch it from elsewhere; here it gives up.
      ada.machine.crash();
      await trusted.run(1000);
      await inTime(trusted.world, ada.command({ type: 'opened' }));
      await trusted.run(200_000);
      expect([ada, house].map(isAtRest)).toEqual([true, true]);
    }
    expect(shop.bank.payments.size).toBe(0);
  });

  test('[CITI-F15] whose merchant signed another one, or sells a key for another, is not taken', async () => {
    for (const alter of ['signature', 'key', 'identity'] as const) {
      const shop = await openShop();
      const { house, ada } = shop;
      const { digest, file } = await encrypt(shop, film, alter === 'identity' ? 'urn:other' : objectId);
      const other = await encrypt(shop, film.slice(7), 'urn:third');
      // A merchant's device that was opened and changed.
      const { objects } = stateOf(house);
      const [id, object] = [...objects].find(([, one]) => toHex(one.digest) === toHex(digest))!;
      if (alter === 'key') objects.set(id, { ...object, key: other.key });
      if (alter === 'identity') objects.set(id, { ...object, objectId });
      lying.about = alter === 'signature' ? '!' : '';
      await trade(shop, file, digest);
      lying.about = '';
      expect(refused, alter).toEqual([alter === 'key' ? 'CRYPTOGRAPHIC_FAILURE' : 'MERCHANDISE_WRONG']);
      expect(noticesOf(ada, 'confirm-merchandise')).toEqual([]);
      expect(shop.bank.payments.size).toBe(0);
    }
  });

  test('[CITI-F12] that the merchant never encrypted cannot be sold', async () => {
    const shop = await openShop();
    await trade(shop, film, new Uint8Array(32));
    expect(noticesOf(shop.house, 'fetch-merchandise').length).toBeGreaterThan(0);
    await shop.trusted.run(300_000);
    expect(whyFailed(shop.ada)).toHaveLength(1);
    expect(shop.bank.payments.size).toBe(0);
  });
});
