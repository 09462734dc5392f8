/** Draws a negotiation as SVG: every bid in the plane of the two utilities, the Pareto frontier, the Nash point, the agreement. */
import type { NegotiationResult } from '../agent/negotiation/alternating-offers.ts';
import type { Frontier } from '../agent/negotiation/frontier.ts';

const SIZE = 640;
const MARGIN = 60;
const COLOURS = ['#1f5fa8', '#b4491c'] as const;

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

export function plotBids(options: {
  readonly result: NegotiationResult;
  readonly frontier: Frontier;
  readonly names: readonly [string, string];
}): string {
  const { result, frontier, names } = options;
  const reach = SIZE - 2 * MARGIN;
  const x = (utility: number) => (MARGIN + utility * reach).toFixed(1);
  const y = (utility: number) => (SIZE - MARGIN - utility * reach).toFixed(1);
  const point = (utilities: readonly [number, number]) => `${x(utilities[0])},${y(utilities[1])}`;
  const lines: string[] = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE} ${SIZE}" font-family="sans-serif" font-size="13">`,
    `<title>Bids between ${escaped(names[0])} and ${escaped(names[1])}</title>`,
    `<rect width="${SIZE}" height="${SIZE}" fill="#ffffff"/>`,
    `<path d="M${x(0)},${y(1)} V${y(0)} H${x(1)}" fill="none" stroke="#444444"/>`,
  ];
  for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
    lines.push(`<text x="${x(tick)}" y="${SIZE - MARGIN + 18}" text-anchor="middle">${tick}</text>`);
    lines.push(`<text x="${MARGIN - 8}" y="${y(tick)}" dy="4" text-anchor="end">${tick}</text>`);
  }
  lines.push(`<text x="${SIZE / 2}" y="${SIZE - 16}" text-anchor="middle">utility of ${escaped(names[0])}</text>`);
  lines.push(
    `<text transform="translate(18 ${SIZE / 2}) rotate(-90)" text-anchor="middle">utility of ${escaped(names[1])}</text>`,
  );
  lines.push(
    `<polyline points="${frontier.pareto.map((each) => point(each.utilities)).join(' ')}" fill="none" stroke="#999999" stroke-dasharray="4 3"/>`,
  );
  for (const party of [0, 1] as const) {
    const bids = result.turns.filter((turn) => turn.party === party && turn.move === 'offer' && turn.utilities);
    const colour = COLOURS[party];
    lines.push(
      `<polyline points="${bids.map((turn) => point(turn.utilities!)).join(' ')}" fill="none" stroke="${colour}" stroke-opacity="0.4"/>`,
    );
    for (const turn of bids) {
      const [left, up] = turn.utilities!;
      lines.push(
        `<circle cx="${x(left)}" cy="${y(up)}" r="4" fill="${colour}"><title>round ${turn.round + 1}</title></circle>`,
      );
    }
    lines.push(
      `<text x="${SIZE - MARGIN}" y="${MARGIN - 24 + party * 18}" text-anchor="end" fill="${colour}">${escaped(names[party])}</text>`,
    );
  }
  if (frontier.nash) {
    const [left, up] = frontier.nash.utilities;
    lines.push(
      `<circle cx="${x(left)}" cy="${y(up)}" r="8" fill="none" stroke="#222222"><title>Nash point</title></circle>`,
    );
  }
  if (result.agreement) {
    const [left, up] = result.utilities;
    lines.push(`<circle cx="${x(left)}" cy="${y(up)}" r="6" fill="#1d7d3f"><title>agreement</title></circle>`);
  }
  lines.push('</svg>', '');
  return lines.join('\n');
}
