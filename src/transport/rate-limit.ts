/** Token buckets, one a peer: so many requests a second with so many at once, in bounded memory. */

export interface RateLimit {
  /** Refill, in requests a second. */
  readonly perPeerPerSecond: number;
  /** Most requests a peer that was quiet may make at once. */
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

const MAX_PEERS = 10_000;

/**
 * Takes one token of the peer's bucket: 0 when it may go on, else the milliseconds after which it may.
 * Peers not seen for longest are forgotten first; a forgotten peer starts with a full bucket, which it had anyway
 * unless more than MAX_PEERS peers are busy at once.
 */
export function createRateLimiter(
  limit: RateLimit,
  monotonicMs: () => number,
  maxPeers = MAX_PEERS,
): (peer: string) => number {
  const buckets = new Map<string, Bucket>();
  return (peer) => {
    const nowMs = monotonicMs();
    const bucket = buckets.get(peer) ?? { tokens: limit.burst, atMs: nowMs };
    bucket.tokens = Math.min(limit.burst, bucket.tokens + ((nowMs - bucket.atMs) * limit.perPeerPerSecond) / 1000);
    bucket.atMs = nowMs;

    buckets.delete(peer);
    buckets.set(peer, bucket);
    if (buckets.size > maxPeers) buckets.delete(buckets.keys().next().value!);

    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) * 1000) / limit.perPeerPerSecond);
    bucket.tokens -= 1;
    return 0;
  };
}
