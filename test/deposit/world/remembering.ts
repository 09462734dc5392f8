/** A machine whose records are at hand outside, in their order: after a crash just those that a restart has found again. */
import type { Machine } from '../../../src/journal/machine.ts';

const COUNT_LENGTH = 4;

/**
 * `records` is kept in step; a snapshot carries how many there were. `before` are those of a disk that others have begun. `seen` is called
 * with each that is not in the snapshot a restart begins with.
 */
export function remembering<S, I, R>(
  machine: Machine<S, I, R>,
  records: R[],
  {
    before = [],
    seen = () => {},
  }: { readonly before?: readonly R[]; readonly seen?: (state: S, record: R) => void } = {},
): Machine<S, I, R> {
  return {
    ...machine,
    initial() {
      records.length = 0;
      return machine.initial();
    },
    apply(state, record) {
      machine.apply(state, record);
      records.push(record);
      seen(state, record);
    },
    snapshot(state) {
      const body = machine.snapshot(state);
      const counted = new Uint8Array(COUNT_LENGTH + body.length);
      new DataView(counted.buffer).setUint32(0, records.length);
      counted.set(body, COUNT_LENGTH);
      return counted;
    },
    restore(bytes) {
      const count = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
      if (records.length < count) records.splice(0, records.length, ...before);
      records.length = count;
      return machine.restore(bytes.subarray(COUNT_LENGTH));
    },
  };
}
