/** Decisions gathered into one entry: replayed, it leaves what they left one after the other. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addPart, type DecidedPart, newDraft } from '../../src/journal/entry-draft.ts';
import { followEntry, noWork } from '../../src/journal/open-work.ts';

const id = fc.constantFrom('a', 'b', 'c');
const ids = fc.uniqueArray(id);
const body = new Uint8Array();
const part: fc.Arbitrary<DecidedPart> = fc.record({
  records: fc.constant([]),
  answers: ids.map((all) => all.map((messageId) => ({ messageId, body }))),
  send: ids.map((all) => all.map((one) => ({ id: one, to: 'peer', kind: 'k', body }))),
  cancel: ids,
  timers: fc.uniqueArray(fc.record({ id, atMs: fc.integer({ min: 0, max: 9 }) }), { selector: (timer) => timer.id }),
  clearTimers: ids,
});

/** Before the entry there are one of each already. */
const waiting = {
  send: ['a', 'b', 'c'].map((one) => ({ id: one, to: 'peer', kind: 'k', body })),
  timers: ['a', 'b', 'c'].map((one) => ({ id: one, atMs: 10 })),
};

it('leaves the same messages to answer and to send and the same timers', () => {
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
      const one = { message: { id: 'a', digest: body }, acknowledged: 'b', fired: 'c' };
      const earlier = { answers: [], cancel: [], clearTimers: [], message: { id: 'b', digest: body } };
      const before = { ...earlier, ...waiting };
      const [apart, together] = [noWork(), noWork()];
      const draft = newDraft(one);
      for (const work of [apart, together]) followEntry(work, before, 1);
      parts.forEach((next, at) => {
        addPart(draft, next);
        followEntry(apart, { ...(at === 0 && one), ...next }, 2);
      });
      followEntry(together, { ...one, ...draft }, 2);
      for (const kind of ['unanswered', 'outbox', 'timers'] as const) {
        expect(Object.fromEntries<unknown>(together[kind])).toEqual(Object.fromEntries<unknown>(apart[kind]));
      }
    }),
  );
});
