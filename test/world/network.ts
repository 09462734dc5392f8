/** A network between machines that loses, doubles, delays and so reorders what is sent, as its seed says. */
import type { Clock } from '../../src/journal/clock.ts';
import type { SeededRandom } from './seeded-random.ts';

export interface NetworkFaults {
  /** Probability that a packet is lost. */
  readonly loss: number;
  /** Probability that a packet arrives twice. */
  readonly duplication: number;
  /** Probability that a packet takes up to a hundred times longer. */
  readonly lateness: number;
  readonly maxDelayMs: number;
  /** Probability that somebody keeps a packet and sends it once more within this time; default never. */
  readonly echo?: { readonly probability: number; readonly withinMs: number };
}

export const roughNetwork: NetworkFaults = { loss: 0.1, duplication: 0.1, lateness: 0.05, maxDelayMs: 50 };
export const calmNetwork: NetworkFaults = { loss: 0, duplication: 0, lateness: 0, maxDelayMs: 1 };

export interface Network {
  faults: NetworkFaults;
  /** Calls `arrive` for each copy that arrives: not at all, once, or twice. */
  carry(arrive: () => void): void;
  /** Calls `arrive` much later, if at all: beside what `carry` does. */
  echo(arrive: () => void): void;
}

export function createNetwork(options: { clock: Clock; random: SeededRandom; faults: NetworkFaults }): Network {
  const { clock, random } = options;
  const network: Network = {
    faults: options.faults,
    carry(arrive) {
      const { loss, duplication, lateness, maxDelayMs } = network.faults;
      const copies = random.chance(duplication) ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) {
        if (random.chance(loss)) continue;
        const longest = random.chance(lateness) ? maxDelayMs * 100 : maxDelayMs;
        clock.after(random.fraction() * longest, arrive);
      }
    },
    echo(arrive) {
      const { echo } = network.faults;
      if (echo !== undefined && random.chance(echo.probability)) clock.after(random.fraction() * echo.withinMs, arrive);
    },
  };
  return network;
}
