/** The two lists: changes are taken from anybody, but only in order, only under a primary key, and never back. */
import { describe, expect, it } from 'vitest';
import { decodeCbor, encodeCbor } from '../../../src/codec/cbor.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import { type ListUpdate, listUpdateShape } from '../../../src/trusted/message/list-change.ts';
import {
  checkUpdate,
  foldUpdate,
  headsOf,
  isUntrusted,
  longestCertificateDays,
  restoreLists,
  signedAtTheEnd,
  storeLists,
  type TrustLists,
  updateSince,
  versionsOf,
} from '../../../src/trusted/message/trust-lists.ts';
import { changesAfter, listsOf, newPrimary, TODAY } from '../hierarchy.ts';

const primary = newPrimary(1, systemRandom);
const second = newPrimary(2, systemRandom);
const distrust = (serial: number) =>
  ({ type: 'distrust', party: { type: 'agent', agentId: 17 * 2 ** 32 + serial } }) as const;
const add = (fromDay: number) => ({ type: 'add-primary', primaryId: 2, publicKey: second.key.x, fromDay }) as const;
const take = (lists: TrustLists, update: ListUpdate) => foldUpdate(lists, checkUpdate(lists, update));
const refusal = (lists: TrustLists, update: ListUpdate) => {
  const before = headsOf(lists);
  try {
    checkUpdate(lists, update);
    return 'nothing';
  } catch (error) {
    expect(headsOf(lists)).toBe(before);
    return error instanceof HandselError ? error.code : String(error);
  }
};

describe('changes of the lists', () => {
  it('are taken whole or in pages, with one signature at the end of each, and lead to the same lists', () => {
    const log = changesAfter({
      lists: listsOf(primary),
      primary,
      changes: [distrust(1), distrust(2), { ...distrust(1), type: 'trust-again' }, distrust(3)],
    });
    const [whole, paged] = [listsOf(primary), listsOf(primary)];
    const sent = listUpdateShape.decode(
      decodeCbor(encodeCbor(listUpdateShape.encode(signedAtTheEnd(updateSince(log, versionsOf(whole)))))),
      'update',
    );
    expect(sent.untrusted.filter(({ signature }) => signature !== undefined)).toHaveLength(1);
    take(whole, sent);
    for (let page = 0; page < 2; page++) {
      take(paged, { primaryKeys: [], untrusted: log.untrusted.slice(2 * page, 2 * page + 2) });
    }
    expect(headsOf(paged)).toBe(headsOf(whole));
    expect(whole.untrusted.version).toBe(4);
    const listed = [1, 2, 3].map((serial) => isUntrusted(whole, distrust(serial).party));
    expect(listed).toEqual([false, true, true]);
    expect(headsOf(restoreLists(storeLists(whole)))).toBe(headsOf(whole));
    expect(restoreLists(storeLists(whole))).toEqual(whole);
  });

  it('that are known already change nothing, and overlaps are taken from where they are new', () => {
    const log = changesAfter({ lists: listsOf(primary), primary, changes: [distrust(1), distrust(2), distrust(3)] });
    const lists = listsOf(primary);
    take(lists, { primaryKeys: [], untrusted: log.untrusted.slice(0, 2) });
    expect(checkUpdate(lists, { primaryKeys: [], untrusted: log.untrusted.slice(0, 2) }).untrusted).toEqual([]);
    take(lists, log);
    expect(lists.untrusted.version).toBe(3);
  });

  it('are refused out of order, altered, unsigned, or signed by nobody on the list', () => {
    const lists = listsOf(primary);
    const { untrusted } = changesAfter({ lists, primary, changes: [distrust(1), distrust(2)] });
    const [first, last] = [untrusted[0]!, untrusted[1]!];
    const of = (...changes: ListUpdate['untrusted']) => refusal(lists, { primaryKeys: [], untrusted: changes });
    expect(of(first, last)).toBe('nothing');
    expect(of(last)).toBe('LIST_STALE');
    expect(of(last, first)).toBe('LIST_STALE');
    expect(of({ ...first, change: distrust(9) }, last)).toBe('CRYPTOGRAPHIC_FAILURE');
    expect(of(first, { ...last, madeOnDay: TODAY - 1 })).toBe('CRYPTOGRAPHIC_FAILURE');
    const { signature: _, ...unsigned } = last;
    expect(of(first, unsigned)).toBe('CRYPTOGRAPHIC_FAILURE');
    expect(of(...changesAfter({ lists, primary: second, changes: [distrust(1)] }).untrusted)).toBe(
      'CRYPTOGRAPHIC_FAILURE',
    );
    const impostor = { ...second, id: 1 };
    expect(of(...changesAfter({ lists, primary: impostor, changes: [distrust(1)] }).untrusted)).toBe(
      'CRYPTOGRAPHIC_FAILURE',
    );
  });
});

describe('primary keys', () => {
  it('are listed for longer than any certificate lives before they sign', () => {
    const lists = listsOf(primary);
    const soon = changesAfter({ lists, primary, changes: [add(TODAY + longestCertificateDays - 1)] });
    expect(refusal(lists, soon)).toBe('LIST_STALE');
    const fromDay = TODAY + longestCertificateDays;
    take(lists, changesAfter({ lists, primary, changes: [add(fromDay)] }));
    const early = changesAfter({ lists, primary: second, changes: [distrust(1)], madeOnDay: fromDay - 1 });
    expect(refusal(lists, early)).toBe('CRYPTOGRAPHIC_FAILURE');
    const timely = changesAfter({ lists, primary: second, changes: [distrust(1)], madeOnDay: fromDay });
    expect(refusal(lists, timely)).toBe('nothing');
  });

  it('can be taken away, after which they sign nothing', () => {
    const lists = listsOf(primary);
    const fromDay = TODAY + longestCertificateDays;
    take(lists, changesAfter({ lists, primary, changes: [add(fromDay)] }));
    const removal = { type: 'remove-primary', primaryId: 1 } as const;
    take(lists, changesAfter({ lists, primary: second, changes: [removal], madeOnDay: fromDay }));
    expect([...lists.primaryKeys.keys.keys()]).toEqual([2]);
    const old = changesAfter({ lists, primary, changes: [distrust(1)], madeOnDay: fromDay });
    expect(refusal(lists, old)).toBe('CRYPTOGRAPHIC_FAILURE');
  });

  it('and who is untrusted come in one update to whoever was away when both changed', () => {
    const away = listsOf(primary);
    const lists = listsOf(primary);
    const fromDay = TODAY + longestCertificateDays;
    const first = changesAfter({ lists, primary, changes: [distrust(1), add(fromDay)] });
    take(lists, first);
    const later = changesAfter({
      ...{ lists, primary: second, madeOnDay: fromDay },
      changes: [{ type: 'remove-primary', primaryId: 1 }, distrust(2)],
    });
    take(lists, later);
    const log = {
      untrusted: [...first.untrusted, ...later.untrusted],
      primaryKeys: [...first.primaryKeys, ...later.primaryKeys],
    };
    take(away, updateSince(log, versionsOf(away)));
    expect(headsOf(away)).toBe(headsOf(lists));
  });
});
