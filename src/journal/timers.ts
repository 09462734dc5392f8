/** The timers of a machine: which are due is decided by the host's open work, this wakes the host in time. */
import type { Clock } from './clock.ts';
import type { Timer } from './machine.ts';

export interface Timers {
  /** The timer was set, or set anew. */
  watch(timer: Timer): void;
  stop(): void;
}

/** `waiting` is the truth: a timer no longer in it, or in it with another time, is not due. */
export function createTimers(options: {
  readonly clock: Clock;
  readonly waiting: ReadonlyMap<string, Timer>;
  readonly onDue: (timer: Timer) => void;
}): Timers {
  const { clock, waiting, onDue } = options;
  const heap = createTimeHeap();
  let wakeAtMs = Number.POSITIVE_INFINITY;
  let cancelWake = () => {};

  const arm = () => {
    const nextMs = heap.firstMs();
    if (nextMs === undefined || nextMs >= wakeAtMs) return;
    cancelWake();
    wakeAtMs = nextMs;
    cancelWake = clock.after(Math.max(0, nextMs - clock.nowMs()), wake);
  };
  const wake = () => {
    wakeAtMs = Number.POSITIVE_INFINITY;
    for (let atMs = heap.firstMs(); atMs !== undefined && atMs <= clock.nowMs(); atMs = heap.firstMs()) {
      const id = heap.takeFirst();
      const timer = waiting.get(id);
      if (timer?.atMs === atMs) onDue(timer);
    }
    arm();
  };
  const watch = ({ id, atMs }: Timer) => {
    heap.put(atMs, id);
    arm();
  };
  for (const timer of waiting.values()) watch(timer);
  return {
    watch,
    stop() {
      wakeAtMs = Number.NEGATIVE_INFINITY;
      cancelWake();
    },
  };
}

/** A binary heap of (time, id), the earliest first; among equal times the order is that of putting. */
function createTimeHeap() {
  type Node = { readonly atMs: number; readonly order: number; readonly id: string };
  const nodes: Node[] = [];
  let puts = 0;
  const before = (a: Node, b: Node) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
  const swap = (a: number, b: number) => {
    [nodes[a], nodes[b]] = [nodes[b]!, nodes[a]!];
  };
  return {
    firstMs: () => nodes[0]?.atMs,
    put(atMs: number, id: string) {
      nodes.push({ atMs, order: puts++, id });
      for (let at = nodes.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1;
        if (!before(nodes[at]!, nodes[parent]!)) return;
        swap(at, parent);
        at = parent;
      }
    },
    /** Only when there is a first. */
    takeFirst(): string {
      const { id } = nodes[0]!;
      const last = nodes.pop()!;
      if (nodes.length > 0) nodes[0] = last;
      for (let at = 0; ; ) {
        let least = at;
        for (const child of [2 * at + 1, 2 * at + 2]) {
          if (child < nodes.length && before(nodes[child]!, nodes[least]!)) least = child;
        }
        if (least === at) return id;
        swap(at, least);
        at = least;
      }
    },
  };
}
