/** The lives there are, by name; what every seed of one begins with is made when the first is lived. */
import type { World } from '../../world/simulation.ts';
import { runDisputes } from './dispute-life.ts';
import type { Life } from './life-threads.ts';
import { runLife } from './ticket-life.ts';
import { buildTown, type Town } from './town.ts';
import { runTwins } from './twin-life.ts';

export interface LifeRequest {
  readonly seed: number;
  readonly traced?: boolean;
  readonly watch?: (world: World) => void;
}

export interface Lived {
  /** How often what happened. @throws Error naming every fault found */
  readonly live: (request: LifeRequest) => Promise<ReadonlyMap<string, number>>;
}

let town: Promise<Town> | undefined;
const sharedTown = () => {
  town ??= buildTown();
  return town;
};

export const lives: { readonly [K in Life]: () => Promise<Lived> } = {
  async town() {
    const town = await sharedTown();
    return { live: async (request) => (await runLife({ ...request, town })).seen };
  },
  async twins() {
    const town = await sharedTown();
    return {
      async live(request) {
        const { doubled, suspicions } = await runTwins({ ...request, town });
        return new Map(Object.entries({ doubled, suspicions }));
      },
    };
  },
  async disputes() {
    return { live: async (request) => (await runDisputes(request)).ends };
  },
};
