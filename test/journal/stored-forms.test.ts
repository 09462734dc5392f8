/** The stored forms of entries: what was written comes back, anything else is reported as damage and as nothing worse. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DecidedEntry, decodeEntry, encodeEntry } from '../../src/journal/decided-entry.ts';
import { JournalError } from '../../src/journal/journal.ts';
import { packEntries, packedKeys, unpackEntry } from '../../src/journal/packed-entries.ts';

const onlyOurs = (act: () => unknown) => {
  try {
    act();
  } catch (cause) {
    expect(cause).toBeInstanceOf(JournalError);
  }
};
const text = fc.string({ maxLength: 40, unit: 'grapheme' });
const bytes = fc.uint8Array({ maxLength: 100 });
const time = fc.integer({ min: 0, max: 2 ** 45 });

describe('a packed entry', () => {
  it('comes back with its keys and its body', () => {
    const entries = fc.array(fc.record({ keys: fc.array(text, { maxLength: 5 }), body: bytes }), { maxLength: 5 });
    fc.assert(
      fc.property(entries, (written) => {
        const packed = packEntries(written);
        const read = packed.ends.map((end, at) => unpackEntry(packed.bytes.subarray(packed.ends[at - 1] ?? 0, end)));
        expect(read.map(({ keys, body }) => ({ keys, body: new Uint8Array(body) }))).toEqual(written);
      }),
    );
  });

  it('is refused after any change of a byte', () => {
    const { bytes: packed } = packEntries([{ keys: ['key'], body: new Uint8Array(20) }]);
    for (let at = 0; at < packed.length; at++) {
      const damaged = packed.slice();
      damaged[at]! ^= 0x10;
      expect(() => unpackEntry(damaged)).toThrow(JournalError);
    }
  });

  it('made of arbitrary bytes only ever fails with our own error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (arbitrary) => {
        onlyOurs(() => unpackEntry(arbitrary));
        onlyOurs(() => packedKeys(arbitrary));
      }),
    );
  });
});

describe('a decided entry', () => {
  const outgoing = fc.record(
    { id: text, to: text, kind: text, body: bytes, expiresAtMs: time },
    { requiredKeys: ['id', 'to', 'kind', 'body'] },
  );
  const timer = fc.record({ id: text, atMs: time, note: text }, { requiredKeys: ['id', 'atMs'] });
  const decided = fc.record(
    {
      message: fc.record({ id: text, digest: bytes }),
      records: fc.array(bytes, { maxLength: 3 }),
      answers: fc.array(fc.record({ messageId: text, body: bytes }), { maxLength: 3 }),
      send: fc.array(outgoing, { maxLength: 3 }),
      cancel: fc.array(text, { maxLength: 3 }),
      timers: fc.array(timer, { maxLength: 3 }),
      clearTimers: fc.array(text, { maxLength: 3 }),
      acknowledged: text,
      fired: text,
    },
    { requiredKeys: ['records', 'answers', 'send', 'cancel', 'timers', 'clearTimers'], noNullPrototype: true },
  );

  it('comes back as it was', () => {
    fc.assert(
      fc.property(decided, (entry) => {
        expect(decodeEntry(encodeEntry(entry as DecidedEntry))).toEqual(entry);
      }),
    );
  });

  it('made of arbitrary bytes only ever fails with our own error', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (arbitrary) => onlyOurs(() => decodeEntry(arbitrary))));
  });
});
