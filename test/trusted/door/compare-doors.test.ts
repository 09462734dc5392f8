/** Doors that could not ask each other compare what they let in: double admissions come to light, with the proofs of both. */
import { describe, expect, it } from 'vitest';
import { compactKeyOf } from '../../../src/crypto/compact-key.ts';
import { compareDoors } from '../../../src/trusted/door/compare-doors.ts';
import { readScanFile, type ScanFile, writeScanFile } from '../../../src/trusted/door/scan-file.ts';
import { readCode, signCode, writeCode } from '../../../src/trusted/ticket/ticket-code.ts';
import { certifiedOf, stateOf } from '../opera.ts';
import { sample } from '../ticket/samples.ts';
import type { TrustedAgent } from '../trusted-world.ts';
import { type Doors, idOf, openDoors, radio } from './doors.ts';

async function fileOf({ scans, trusted }: Doors, door: TrustedAgent): Promise<ScanFile> {
  const atS = Math.floor(trusted.world.clock.nowMs() / 1000);
  return readScanFile(writeScanFile({ door: idOf(door), name: door.name, atS, scans: await scans(door) }));
}

async function compare(doors: Doors, files?: readonly ScanFile[]) {
  const { east, west, trusted } = doors;
  const all = files ?? [await fileOf(doors, east), await fileOf(doors, west)];
  return compareDoors(all, { lists: trusted.lists, nowMs: trusted.world.clock.nowMs() });
}

describe('two doors without a network', () => {
  it('find nothing where everybody was let in once, also when a file is given twice', async () => {
    const doors = await openDoors();
    const { ada, bob, east, west, issue, code, scan } = doors;
    await scan(east, await code(ada, await issue(ada, sample('event'))));
    await scan(west, await code(bob, await issue(bob, sample('event'))));
    const files = [await fileOf(doors, east), await fileOf(doors, west), await fileOf(doors, east)];
    expect(await compare(doors, files)).toEqual({ admissions: 2, tickets: 2, doubles: [], worthless: [] });
  });

  it('find a code that was shown at both, with the proofs of both', async () => {
    const doors = await openDoors();
    const { ada, east, west, issue, code, scan } = doors;
    const ticketId = await issue(ada, sample('event'));
    const photographed = await code(ada, ticketId);
    await scan(east, photographed);
    await scan(west, photographed);
    const { doubles } = await compare(doors);
    expect(doubles).toHaveLength(1);
    expect(doubles[0]).toMatchObject({ ticketId, worth: 1, used: 2 });
    expect(doubles[0]!.finding).toContain('photographed');
    expect(
      doubles[0]!.admissions.map(({ doorName, how, code: proof, holder }) => [doorName, how, proof, holder]),
    ).toEqual([
      ['east', 'code', photographed, idOf(ada)],
      ['west', 'code', photographed, idOf(ada)],
    ]);
  });

  it('find copies of a paper, and newly made codes of one device', async () => {
    const doors = await openDoors();
    const { ada, east, west, issue, code, scan } = doors;
    const paper = await code(ada, await issue(ada, sample('event')), { paper: 1, forS: 86_400 });
    const other = await issue(ada, sample('event'));
    await scan(east, paper);
    await scan(west, paper);
    await scan(east, await code(ada, other));
    await scan(west, await code(ada, other));
    const findings = (await compare(doors)).doubles.map(({ finding }) => finding);
    expect(findings).toEqual([
      expect.stringContaining('paper'),
      expect.stringContaining('or a copy of it made more than one'),
    ]);
  });

  it('find who used a ticket after giving it away, by its own signature under the transfer', async () => {
    const doors = await openDoors();
    const { ada, bob, east, west, issue, code, scan, give, trusted } = doors;
    const ticketId = await issue(ada, sample('event'));
    // Ada's device was opened: it shows the ticket as it was before.
    const old = readCode(await code(ada, ticketId));
    await trusted.run(61_000);
    await give(ada, bob, [{ type: 'transfer', ticketId }]);
    await scan(east, await code(bob, ticketId));
    const fromS = Math.floor(trusted.world.clock.nowMs() / 1000);
    const newly = signCode({ ...old, fromS, untilS: fromS + 60 }, compactKeyOf(certifiedOf(ada).scalar).privateKey);
    expect((await scan(west, writeCode(newly))).said).toBe('let in');
    const { doubles } = await compare(doors);
    expect(doubles[0]!.finding).toMatch(/^device 1-\d+ used it after it had given it to 1-\d+$/);

    // West has heard of it now: the next one is refused there.
    const [seen] = await doors.scans(east);
    await doors.command(west, { type: 'learn', entries: [{ ticket: seen!.ticket, mark: seen!.mark }] });
    const once = signCode({ ...old, fromS, untilS: fromS + 60 }, compactKeyOf(certifiedOf(ada).scalar).privateKey);
    expect((await scan(west, writeCode(once))).said).toBe('transferred-away');
  });

  it('count what was presented in a session as well, and what is used up step by step only when it is too much', async () => {
    const doors = await openDoors();
    const { ada, east, west, issue, code, scan, present, trusted } = doors;
    const ticketId = await issue(ada, radio);
    east.react = (notice) => {
      if (notice.type === 'presented')
        void east.command({ type: 'use', session: notice.session, units: 3000, last: 1 });
    };
    const before = stateOf(ada).tickets.get(ticketId)!;
    const early = await code(ada, ticketId);
    await trusted.run(61_000);
    await present(ada, east, ticketId);
    expect((await scan(west, await code(ada, ticketId), { units: 600 })).said).toBe('let in');
    expect((await compare(doors)).doubles).toEqual([]);
    // A rolled-back device shows the ticket as it was before it was used.
    const fromS = Math.floor(trusted.world.clock.nowMs() / 1000);
    const { mark: _, ...unmarked } = readCode(early);
    const claims = { ...unmarked, ticket: before.bytes, fromS, untilS: fromS + 60 };
    const rolledBack = signCode(claims, compactKeyOf(certifiedOf(ada).scalar).privateKey);
    const north = trusted.addAgent('third');
    await trusted.certify(north, 'merchant');
    expect((await scan(north, writeCode(rolledBack), { units: 3600 })).said).toBe('let in');
    const files = await Promise.all([east, west, north].map((door) => fileOf(doors, door)));
    const { doubles } = await compare(doors, files);
    expect(doubles.map(({ worth, used }) => [worth, used])).toEqual([[3600, 7200]]);
    expect(doubles[0]!.admissions.map(({ how }) => how)).toEqual(['session', 'code', 'code']);
  });

  it('believe nothing that is not signed', async () => {
    const doors = await openDoors();
    const { ada, east, west, issue, code, scan } = doors;
    await scan(east, await code(ada, await issue(ada, sample('event'))));
    const file = await fileOf(doors, east);
    const [entry] = file.scans;
    const other = await fileOf(doors, west);
    const asIfWest = { ...other, scans: [entry!] };
    const { code: _, ...withoutCode } = entry!;
    const swapped = { ...entry!, code: await code(ada, await issue(ada, sample('event'))) };
    const broken = {
      ...entry!,
      mark: entry!.mark.map((byte, at) => (at === entry!.mark.length - 1 ? byte ^ 1 : byte)),
    };
    const compared = await compare(doors, [asIfWest, { ...file, scans: [swapped, broken] }]);
    expect(compared).toMatchObject({ admissions: 0, doubles: [] });
    expect(compared.worthless.map(({ why }) => why)).toEqual(Array(3).fill('SCAN_WORTHLESS'));
    expect((await compare(doors, [{ ...file, scans: [withoutCode] }])).admissions).toBe(1);
  });
});
