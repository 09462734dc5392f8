/**
 * Which hold expires next: a binary heap by time, then id. Holds that were settled earlier stay in the heap as stale
 * entries until they surface or outnumber the live ones, so that settling costs nothing here.
 */

export interface Expiry {
  readonly atMs: number;
  readonly hold: string;
}

export interface ExpiryQueue {
  heap: Expiry[];
}

type IsLive = (entry: Expiry) => boolean;

const STALE_SLACK = 64;

export function pushExpiry(queue: ExpiryQueue, entry: Expiry): void {
  const { heap } = queue;
  let index = heap.push(entry) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!before(entry, heap[parent]!)) break;
    heap[index] = heap[parent]!;
    index = parent;
  }
  heap[index] = entry;
}

/** Drops stale entries that stand at the head, and all of them once they outnumber the live ones. */
export function tidyExpiries(queue: ExpiryQueue, liveCount: number, isLive: IsLive): void {
  if (queue.heap.length > 2 * liveCount + STALE_SLACK) {
    // A sorted array is a heap.
    queue.heap = queue.heap.filter(isLive).sort(order);
    return;
  }
  while (queue.heap.length > 0 && !isLive(queue.heap[0]!)) removeHead(queue.heap);
}

/** The holds due at `nowMs`, soonest first, at most `limit`; the queue is only read. */
export function dueExpiries(queue: ExpiryQueue, nowMs: number, limit: number, isLive: IsLive): readonly Expiry[] {
  const due = new Map<string, Expiry>();
  const pending = [0];
  for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
    const entry = queue.heap[index];
    // Children of an entry that is not due cannot be due either.
    if (entry === undefined || entry.atMs > nowMs) continue;
    if (isLive(entry)) due.set(entry.hold, entry);
    pending.push(2 * index + 1, 2 * index + 2);
  }
  return [...due.values()].sort(order).slice(0, limit);
}

function removeHead(heap: Expiry[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
    if (!before(heap[child]!, last)) break;
    heap[index] = heap[child]!;
    index = child;
  }
  heap[index] = last;
}

function before(a: Expiry, b: Expiry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.hold < b.hold);
}

function order(a: Expiry, b: Expiry): number {
  return before(a, b) ? -1 : before(b, a) ? 1 : 0;
}
