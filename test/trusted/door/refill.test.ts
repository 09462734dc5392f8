/** Attacks on what a door remembers: marks of somebody else's merchant's device that would give back what was taken. */
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../../src/codec/hex.ts';
import { compactKeyOf } from '../../../src/crypto/compact-key.ts';
import { compareDoors } from '../../../src/trusted/door/compare-doors.ts';
import { readScanFile, writeScanFile } from '../../../src/trusted/door/scan-file.ts';
import { lastMark, type MarkClaims, signMark, writeMark } from '../../../src/trusted/ticket/status.ts';
import { signCode, writeCode } from '../../../src/trusted/ticket/ticket-code.ts';
import { certifiedOf, noticesOf, stateOf } from '../opera.ts';
import { sample } from '../ticket/samples.ts';
import type { TrustedAgent } from '../trusted-world.ts';
import { type Doors, idOf, openDoors, radio } from './doors.ts';

const signerOf = (agent: TrustedAgent) => {
  const { certificate, scalar } = certifiedOf(agent);
  return { certificate, privateKey: compactKeyOf(scalar).privateKey };
};

type Marking = { readonly ticketId: string } & Partial<Omit<MarkClaims, 'ticketId'>>;

/** A mark that whoever has opened a merchant's device can make of any ticket. */
function markBy(agent: TrustedAgent, { trusted }: Doors, { ticketId, ...claims }: Marking) {
  const atS = Math.floor(trusted.world.clock.nowMs() / 1000);
  const usual = { number: 2, standing: 'good', remaining: 1, inUseUntilS: 0, atS } as const;
  return writeMark(signMark({ ...usual, ...claims, ticketId: fromHex(ticketId) }, signerOf(agent)));
}

/** A merchant's device that marks whatever is presented and takes nothing off it. */
function marksForNothing(door: TrustedAgent): void {
  door.react = (notice) => {
    if (notice.type === 'presented') void door.command({ type: 'use', session: notice.session, units: 0, last: 1 });
  };
}

describe('what a door has taken', () => {
  it('is not given back by marks that an accomplice with a merchant’s device makes on the same ticket', async () => {
    const { ada, east, west, issue, code, scan, present, trusted } = await openDoors();
    const ticketId = await issue(ada, sample('event'));
    east.online = false;
    expect((await scan(east, await code(ada, ticketId))).said).toBe('let in');
    marksForNothing(west);
    await trusted.run(61_000);
    await present(ada, west, ticketId);
    // Of a higher number than the door's own, and good.
    expect(stateOf(ada).tickets.get(ticketId)?.status).toMatchObject({ standing: 'good', remaining: 1, number: 2 });
    expect((await scan(east, await code(ada, ticketId))).said).toBe('duplicate');
  });

  it('is not given back by the issuer’s own device either, where one admission is one', async () => {
    const { ada, house, east, issue, code, scan, present, trusted } = await openDoors();
    const ticketId = await issue(ada, sample('event'));
    expect((await scan(east, await code(ada, ticketId))).said).toBe('let in');
    marksForNothing(house);
    await trusted.run(61_000);
    await present(ada, house, ticketId);
    expect(stateOf(ada).tickets.get(ticketId)?.status).toMatchObject({ standing: 'good', number: 2 });
    expect((await scan(east, await code(ada, ticketId))).said).toBe('duplicate');
  });

  it('counts for a session as well, step by step', async () => {
    const { ada, east, west, issue, code, scan, present, trusted } = await openDoors();
    const ticketId = await issue(ada, radio);
    expect(await scan(east, await code(ada, ticketId), { units: 3000 })).toMatchObject({ remaining: 600 });
    marksForNothing(west);
    await trusted.run(61_000);
    await present(ada, west, ticketId);
    expect(stateOf(ada).tickets.get(ticketId)?.status).toMatchObject({ remaining: 3600, number: 2 });
    expect(await scan(east, await code(ada, ticketId), { units: 3000 })).toMatchObject({ units: 600, remaining: 0 });

    const other = await issue(ada, radio);
    expect(await scan(east, await code(ada, other), { units: 3000 })).toMatchObject({ remaining: 600 });
    await trusted.run(61_000);
    await present(ada, west, other);
    east.react = (notice) => {
      if (notice.type === 'presented') void east.command({ type: 'use', session: notice.session, units: 500, last: 1 });
    };
    await trusted.run(61_000);
    await present(ada, east, other);
    expect(stateOf(ada).tickets.get(other)?.status.remaining).toBe(100);
    expect(trusted.breaches).toEqual([]);
  });

  it('is not given back by what an accomplice has its door say, nor by what stands beside the truth in one file', async () => {
    const doors = await openDoors();
    const { ada, east, west, issue, code, scan, command } = doors;
    const ticketId = await issue(ada, sample('event'));
    const bytes = stateOf(ada).tickets.get(ticketId)!.bytes;
    expect((await scan(east, await code(ada, ticketId))).said).toBe('let in');
    const [genuine] = await doors.scans(east);
    const lie = { ticket: bytes, mark: markBy(west, doors, { ticketId }) };
    await command(east, { type: 'learn', entries: [lie] });
    expect((await scan(east, await code(ada, ticketId))).said).toBe('duplicate');

    const third = doors.trusted.addAgent('third');
    await doors.trusted.certify(third, 'merchant');
    await doors.give(doors.authority, third, [{ type: 'issue', components: sample('merchant') }]);
    await command(third, { type: 'learn', entries: [{ ticket: genuine!.ticket, mark: genuine!.mark }, lie] });
    expect((await scan(third, await code(ada, ticketId))).said).toBe('duplicate');
  });

  it('is told by the comparison, whatever another door says is left', async () => {
    const doors = await openDoors();
    const { ada, east, west, trusted, issue, code, scan } = doors;
    const ticketId = await issue(ada, sample('event'));
    const shown = await code(ada, ticketId);
    expect((await scan(east, shown)).said).toBe('let in');
    expect((await scan(west, shown)).said).toBe('let in');
    const fileOf = async (door: TrustedAgent) =>
      readScanFile(writeScanFile({ door: idOf(door), name: door.name, atS: 0, scans: await doors.scans(door) }));
    const [first, second] = [await fileOf(east), await fileOf(west)];
    const [entry] = second.scans;
    const cover = { ...entry!, units: 0, mark: markBy(west, doors, { ticketId, number: 7, remaining: 1000 }) };
    const files = [first, { ...second, scans: [entry!, cover] }];
    const { doubles } = compareDoors(files, { lists: trusted.lists, nowMs: trusted.world.clock.nowMs() });
    expect(doubles.map(({ worth, used }) => [worth, used])).toEqual([[1, 2]]);
  });

  it('cannot be kept from being marked: a ticket that was marked up to the end is let in nowhere', async () => {
    const doors = await openDoors();
    const { ada, east, west, issue, scan, trusted } = doors;
    const ticketId = await issue(ada, sample('event'));
    const { bytes } = stateOf(ada).tickets.get(ticketId)!;
    const fromS = Math.floor(trusted.world.clock.nowMs() / 1000);
    const { certificate, privateKey } = signerOf(ada);
    for (const [number, said] of [
      [lastMark, 'forged'],
      [lastMark - 1, 'used'],
    ] as const) {
      const mark = markBy(west, doors, { ticketId, number });
      const claims = { ticket: bytes, mark, holder: certificate, fromS, untilS: fromS + 60, paper: 0 };
      expect((await scan(east, writeCode(signCode(claims, privateKey)))).said).toMatch(new RegExp(`${said}|altered`));
    }
    expect(trusted.breaches).toEqual([]);
  });
});

describe('what an issuer has taken back', () => {
  it('stays so at a door, whatever others say of the same ticket, and whatever is no mark beside it', async () => {
    const doors = await openDoors();
    const { ada, house, east, west, issue, code, scan, command, trusted } = doors;
    const ticketId = await issue(ada, sample('event'));
    await command(house, { type: 'take-back', matter: 'refund', ticketId, counted: 1 });
    await trusted.run(100);
    const [taken] = noticesOf(house, 'taken-back');
    const lie = markBy(west, doors, { ticketId, standing: 'revoked', remaining: 0 });
    const nonsense = new Uint8Array([1, 2, 3]);
    // One that answers nonsense, or forgeries, does not keep the others from being heard.
    await command(east, { type: 'learn', entries: [{ mark: nonsense }, { mark: taken!.mark }, { mark: lie }] });
    expect((await scan(east, await code(ada, ticketId))).said).toBe('revoked');
    await command(east, { type: 'learn', entries: [{ mark: lie }] });
    const weaker = markBy(house, doors, { ticketId, number: lastMark - 1, standing: 'suspended', remaining: 0 });
    await command(east, { type: 'learn', entries: [{ mark: weaker }] });
    expect((await scan(east, await code(ada, ticketId))).said).toBe('revoked');
  });
});
