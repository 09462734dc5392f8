/**
 * A dispute over an electronic object (US 5,671,280, figure 30, steps 1126 to 1152): ticket and object are validated, the merchant looks at what it
 * sold with the key that opens it; before a trusted server the file itself shows whether the key opens it.
 */
import { describe, expect, test } from 'vitest';
import { concatBytes } from '../../../src/codec/hex.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { decodeTicketBundle } from '../../../src/trusted/message/ticket-ruling.ts';
import { cipherObject, inspectObject } from '../../../src/trusted/object/object-file.ts';
import { verifyTicketRuling } from '../../../src/trusted/ruling/verify-ticket-ruling.ts';
import { noticesOf } from '../opera.ts';
import { heldBy } from '../shop.ts';
import { inTime } from '../trusted-world.ts';
import { type Desk, openDesk, standingOf, statusOf } from './complaint-desk.ts';

const objectId = 'urn:isan:0000-0000-3A8D';
const selection = { type: 'decryption', fields: { objectId } } as const;
async function* pieces(bytes: Uint8Array) {
  yield bytes;
}

/** Ada has bought a film, whose file may be broken where her agent does not look before it is paid. */
async function openCinema(breakIt = (file: Uint8Array) => file) {
  const desk = await openDesk();
  const { ada, house, trusted } = desk;
  const content = systemRandom(5000);
  const key = systemRandom(32);
  const parts: Uint8Array[] = [];
  const header = { objectId, contentType: 'video/mp4', length: content.length };
  await cipherObject(pieces(content), { header, key, write: async (piece) => void parts.push(piece) });
  const file = breakIt(concatBytes(...parts));
  const { digest, length, header: sealed } = await inspectObject(pieces(file));
  await inTime(trusted.world, house.machine.insist({ type: 'ciphered', object: { digest, length, objectId, key } }));
  desk.when(ada, (notice) => {
    if (notice.type !== 'fetch-object') return;
    const arrived = { type: 'object-arrived', session: notice.session, digest, length, header: sealed } as const;
    void ada.command(arrived).catch(() => undefined);
  });
  await desk.sell(house, { selection, merchandise: { type: 'object', digest } });
  await desk.buy(ada, house, { selection });
  await trusted.run(20_000);
  const [ticketId] = heldBy(ada, 'decryption');
  for (const agent of [ada, house]) agent.notices.length = 0;
  return { desk, ticketId: ticketId!, file, object: { digest, length, file } };
}

const ruledIn = ({ ada, trusted }: Desk) =>
  verifyTicketRuling(decodeTicketBundle(noticesOf(ada, 'ruled').at(-1)!.bundle), { lists: trusted.lists }).reasons.map(
    ({ code, basis }) => `${code} ${basis}`,
  );

const escalate = (desk: Desk, number: string) =>
  desk.tell(desk.ada, { type: 'escalate', number, route: 'north', statement: 'It does not open.' }, 60_000);

describe('a dispute over an electronic object', () => {
  test('[CITI-F30] [CITI-F32] brings the object to the merchant with what opens it, and ends with money back and a void ticket', async () => {
    const { desk, ticketId, object } = await openCinema();
    const { ada, house } = desk;
    desk.answer = { replacement: 0 };
    const number = await desk.dispute({ ticketId, object, complaint: 'defective', statement: 'The picture jumps.' });
    expect(noticesOf(house, 'opened')).toMatchObject([{ ticketId, object: objectId }]);
    expect(statusOf(ada, number)).toBe('refunded');
    expect(standingOf(ada, ticketId)).toBe('revoked');
  });

  test('[CITI-F30] shows another object than was sold: it is told so, and is over', async () => {
    const { desk, ticketId, object } = await openCinema();
    const other = object.file.slice();
    other[200]! ^= 1;
    const shown = [
      { ...object, file: other },
      { ...(await inspectObject(pieces(other))), file: other },
      { digest: object.digest, length: object.length + 1 },
    ].map(({ digest, length, ...rest }) => ({ digest, length, ...('file' in rest && { file: rest.file }) }));
    for (const one of shown) {
      await desk.dispute({ ticketId, object: one as typeof object, complaint: 'defective' }, 5000);
      expect(noticesOf(desk.ada, 'dispute-answered').at(-1)!.outcome).toBe('object-invalid');
    }
    expect(noticesOf(desk.house, 'disputed')).toEqual([]);
    expect(noticesOf(desk.house, 'opened')).toEqual([]);
    expect(standingOf(desk.ada, ticketId)).toBe('good');
  });

  test('[CITI-F30] [CITI-E] that its key does not open is paid back by ruling, whatever the merchant says', async () => {
    const { desk, ticketId, object } = await openCinema((file) => {
      const broken = file.slice();
      broken[broken.length - 1]! ^= 1;
      return broken;
    });
    desk.answer = { outcome: 'denied', refund: 0, replacement: 0 };
    desk.when(desk.house, (notice) => {
      if (notice.type !== 'heard-in-dispute') return;
      const say = {
        type: 'state-in-dispute',
        case: notice.case,
        stand: 'contests',
        statement: 'It opens here.',
      } as const;
      void desk.house.command(say).catch(() => undefined);
    });
    const number = await desk.dispute({ ticketId, object, complaint: 'does-not-open' });
    await escalate(desk, number);
    expect(ruledIn(desk)).toEqual(['MERCHANT_DENIED shown', 'KEY_DOES_NOT_OPEN shown']);
  });

  test('[CITI-E] that its key opens is a false complaint', async () => {
    const { desk, ticketId, object } = await openCinema();
    desk.answer = { outcome: 'denied', refund: 0, replacement: 0 };
    const number = await desk.dispute({ ticketId, object, complaint: 'does-not-open' });
    await escalate(desk, number);
    expect(ruledIn(desk)).toEqual(['KEY_OPENS shown']);
    // Without the object its owner cannot even say so.
    await expect(desk.dispute({ ticketId, complaint: 'does-not-open' })).rejects.toMatchObject({
      code: 'COMMAND_UNTIMELY',
    });
  });
});
