/** Whoever carries a dishonest device's messages does with them what it likes: it has no keys. */
import type { Clock } from '../../../src/journal/clock.ts';
import type { Courier, CourierResult } from '../../../src/journal/courier.ts';
import type { Outgoing } from '../../../src/journal/machine.ts';
import type { SeededRandom } from '../../world/seeded-random.ts';
import type { AgentParty, TrustedAgent } from '../trusted-world.ts';
import type { Way } from './plan.ts';

interface Carrying {
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly agent: () => TrustedAgent;
}

/** As the device is made: what is carried for it is carried by somebody else, who may begin to lie later. */
export function carriedBy(
  way: Way,
  party: AgentParty,
  carrying: () => Carrying,
  hasBegun: () => boolean = () => true,
): AgentParty {
  const make = couriers[way];
  if (make === undefined) return party;
  return {
    ...party,
    wrapCourier(direct) {
      const honest = party.wrapCourier?.(direct) ?? direct;
      let lying: Courier | undefined;
      return {
        deliver(message, attempt) {
          if (!within[way].test(message.kind) || !hasBegun()) return honest.deliver(message, attempt);
          lying ??= make(direct, carrying());
          return lying.deliver(message, attempt);
        },
      };
    },
  };
}

/** What is carried by others: between agents all, and to the own ports what leaves a device before its plug is pulled. */
const betweenAgents = /^(Session|Trusted)/;
const within: { readonly [K in Way]: RegExp } = {
  ...{ tampers: betweenAgents, 'holds back': betweenAgents, 'pulls the plug': /^(Session|Trusted|payment)/ },
  ...{ 'goes dark': betweenAgents, misprices: betweenAgents, refuses: betweenAgents },
};

const couriers: { readonly [K in Way]?: (honest: Courier, carrying: Carrying) => Courier } = {
  tampers: tampering,
  'holds back': holdingBack,
  'pulls the plug': pulling,
};

function changed(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const body = bytes.slice();
  if (random.chance(0.2)) return body.subarray(0, random.below(body.length));
  body[random.below(body.length)]! ^= 1 << random.below(8);
  return body;
}

function tampering(honest: Courier, { random }: Carrying): Courier {
  const kept: Outgoing[] = [];
  const answers: CourierResult[] = [];
  return {
    async deliver(message, attempt) {
      kept.push(message);
      if (random.chance(0.03)) throw new Error('dropped');
      if (random.chance(0.05)) void honest.deliver(random.pick(kept), attempt).catch(() => undefined);
      if (random.chance(0.02)) {
        void honest.deliver({ ...message, body: changed(message.body, random) }, attempt).catch(() => undefined);
      }
      const result = await honest.deliver(message, attempt);
      if (result.type !== 'answered') return result;
      answers.push(result);
      if (random.chance(0.01)) return { ...result, body: changed(result.body, random) };
      return random.chance(0.01) ? random.pick(answers) : result;
    },
  };
}

function holdingBack(honest: Courier, { clock, random }: Carrying): Courier {
  return {
    async deliver(message, attempt) {
      if (random.chance(0.1)) {
        const heldMs = random.below(random.pick([1000, 8000, 25_000]));
        await new Promise<void>((resolve) => clock.after(heldMs, resolve));
        // It may come after its sender has given it up, and once more.
        if (random.chance(0.3)) void honest.deliver(message, attempt).catch(() => undefined);
      }
      return honest.deliver(message, attempt);
    },
  };
}

/** Just then, when nothing but the message is gone or nothing but the answer is missing. */
function pulling(honest: Courier, { random, agent }: Carrying): Courier {
  return {
    deliver(message, attempt) {
      if (!random.chance(0.05)) return honest.deliver(message, attempt);
      if (random.chance(0.7)) void honest.deliver(message, attempt).catch(() => undefined);
      agent().machine.crash();
      return new Promise(() => undefined);
    },
  };
}
