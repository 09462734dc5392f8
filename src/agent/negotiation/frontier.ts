/** How good an outcome is for both together: the Pareto frontier, the Nash bargaining point and the distances to them. */
import type { Bid } from './issue.ts';
import { outcomesOf } from './outcomes.ts';
import { type UtilitySpace, utilityOf } from './utility.ts';

export interface FrontierPoint {
  readonly bid: Bid;
  readonly utilities: readonly [number, number];
}

export interface Frontier {
  /** Bids that no other bid beats for one party without costing the other; by falling utility of the first party. */
  readonly pareto: readonly FrontierPoint[];
  /** The largest product of gains over the reservation values; absent when no bid is acceptable to both. */
  readonly nash?: FrontierPoint;
}

export function frontierOf(first: UtilitySpace, second: UtilitySpace): Frontier {
  const points: FrontierPoint[] = outcomesOf(first).bids.map((bid) => ({
    bid,
    utilities: [utilityOf(first, bid), utilityOf(second, bid)],
  }));
  points.sort((a, b) => b.utilities[0] - a.utilities[0] || b.utilities[1] - a.utilities[1]);

  const pareto: FrontierPoint[] = [];
  let reached = Number.NEGATIVE_INFINITY;
  for (const point of points) {
    if (point.utilities[1] > reached + 1e-12) {
      pareto.push(point);
      reached = point.utilities[1];
    }
  }

  let nash: FrontierPoint | undefined;
  let most = 0;
  for (const point of pareto) {
    const gains = [point.utilities[0] - first.reservation, point.utilities[1] - second.reservation] as const;
    if (gains[0] < 0 || gains[1] < 0) continue;
    if (nash === undefined || gains[0] * gains[1] > most) {
      nash = point;
      most = gains[0] * gains[1];
    }
  }
  return nash === undefined ? { pareto } : { pareto, nash };
}

/** Euclidean distance in the plane of the two utilities to the nearest of the points. */
export function distanceTo(points: readonly FrontierPoint[], utilities: readonly [number, number]): number {
  return points.reduce(
    (least, point) => Math.min(least, Math.hypot(point.utilities[0] - utilities[0], point.utilities[1] - utilities[1])),
    Number.POSITIVE_INFINITY,
  );
}
