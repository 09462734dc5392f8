/** What an encrypted object shows in a dispute, from its file and its decryption ticket alone. */
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import type { About } from '../../../src/trusted/message/dispute.ts';
import { cipherObject, openWhole } from '../../../src/trusted/object/object-file.ts';
import { signObject } from '../../../src/trusted/object/object-header.ts';
import { judgeObject } from '../../../src/trusted/ruling/judge-object.ts';
import type { Ticket } from '../../../src/trusted/ticket/ticket.ts';
import { newAgent, newPrimary, newServer } from '../hierarchy.ts';
import { sample } from '../ticket/samples.ts';

const primary = newPrimary(1, systemRandom);
const server = newServer({ primary, serverId: 1, random: systemRandom });
const merchant = newAgent({ server, serial: 1, random: systemRandom, kind: 'merchant' });

async function made(content: Uint8Array, objectId = 'urn:film:1') {
  const key = systemRandom(32);
  const pieces: Uint8Array[] = [];
  async function* once() {
    yield content;
  }
  const header = { objectId, contentType: 'video/mp4', length: content.length };
  await cipherObject(once(), { header, key, write: async (piece) => void pieces.push(piece) });
  return { key, file: concatBytes(...pieces) };
}

/** Only what the judgement looks at. */
function ticketFor({ file, key }: { file: Uint8Array; key: Uint8Array }, objectId = 'urn:film:1'): Ticket {
  const signed = { objectId, digest: sha256(file), length: file.length };
  const objectSignature = signObject(signed, merchant.key.privateKey);
  const components = { ...sample('decryption'), objectId, decryptionKey: key, objectSignature };
  return { body: { components }, issuerCertificate: merchant.certificate } as unknown as Ticket;
}

const shown = (file: Uint8Array, withFile = true) => ({
  ...{ digest: sha256(file), length: file.length },
  ...(withFile ? { file } : {}),
});
const judged = (ticket: Ticket, object: Parameters<typeof judgeObject>[1], about: About = 'does-not-open') =>
  judgeObject(ticket, object, about)?.code;

describe('an electronic object', () => {
  it('opens, or does not, and both can be seen by anybody', async () => {
    for (const length of [0, 10, 65_536, 65_537, 140_000]) {
      const object = await made(systemRandom(length));
      expect(openWhole(object.file, object.key).content).toHaveLength(length);
      expect(judged(ticketFor(object), shown(object.file))).toBe('KEY_OPENS');
      expect(judged(ticketFor({ ...object, key: systemRandom(32) }), shown(object.file))).toBe('KEY_DOES_NOT_OPEN');
      // Signed as it is, but cut off, or with a byte changed: the merchant signed what its own key does not open.
      const cut = object.file.slice(0, -1);
      expect(judged(ticketFor({ ...object, file: cut }), shown(cut))).toBe('KEY_DOES_NOT_OPEN');
      const changed = object.file.slice();
      changed[changed.length - 1]! ^= 1;
      expect(judged(ticketFor({ ...object, file: changed }), shown(changed))).toBe('KEY_DOES_NOT_OPEN');
    }
  });

  it('that another ticket names is not what was sold', async () => {
    const object = await made(systemRandom(100), 'urn:film:2');
    expect(judged(ticketFor(object, 'urn:film:1'), shown(object.file))).toBe('KEY_DOES_NOT_OPEN');
  });

  it('of somebody else, or another file than its digest says, proves nothing but that', async () => {
    const [sold, other] = [await made(systemRandom(100)), await made(systemRandom(100))];
    const ticket = ticketFor(sold);
    expect(judged(ticket, shown(other.file))).toBe('OBJECT_OF_ANOTHER');
    expect(judged(ticket, { ...shown(sold.file), file: other.file })).toBe('OBJECT_OF_ANOTHER');
    expect(judged(ticket, shown(other.file), 'defective')).toBe('OBJECT_OF_ANOTHER');
  });

  it('is for eyes when it is not there, or its quality is complained about', async () => {
    const sold = await made(systemRandom(100));
    expect(judged(ticketFor(sold), shown(sold.file, false))).toBeUndefined();
    expect(judged(ticketFor(sold), shown(sold.file), 'defective')).toBeUndefined();
  });
});
