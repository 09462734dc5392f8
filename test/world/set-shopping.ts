/** What happens in one seed of the world of SET purchases: mandates, agents that race for budgets, orders, persons and banks. */
import type { Terms } from '../../src/agent/guard/allowance.ts';
import type { VerifiedClaim } from '../../src/agent/guard/guard-machine.ts';
import type { ItemKey } from '../../src/agent/guard/guard-record.ts';
import { wrapWalletKey } from '../../src/agent/guard/wallet-key.ts';
import { sealToken } from '../../src/agent/message/token.ts';
import { toHex, utf8 } from '../../src/codec/hex.ts';
import { sha256 } from '../../src/crypto/digest.ts';
import type { SeededRandom } from './seeded-random.ts';
import { type CardName, cardNames, merchantId, shopUrl } from './set-people.ts';

export interface Shopping {
  readonly mandates: readonly GivenMandate[];
  readonly purchases: readonly Purchase[];
  /** How long the card network may take, and whether an access server answers for a silent issuer. */
  readonly networkWaitMs: number;
  readonly accessServer: boolean;
  readonly closeBatchAtMs: number;
  /** When a party lacks current news of revocations, so that it refuses every certificate. */
  readonly stale: readonly Stale[];
}

export interface Stale {
  readonly party: 'wallet' | 'merchant' | 'gateway';
  readonly fromMs: number;
  readonly toMs: number;
}

export interface GivenMandate {
  readonly terms: Terms;
  readonly itemKeys: readonly ItemKey[];
  readonly wrappedWalletKey: Uint8Array | undefined;
}

/** Times count from the beginning of the run. */
export interface Purchase {
  readonly paymentId: string;
  readonly claim: VerifiedClaim;
  readonly cardName: CardName;
  readonly claimAtMs: number;
  /** When the shop tells its payment server of the order, and when that lets it go. */
  readonly orderAtMs: number;
  readonly expiresAtMs: number;
  readonly deadlineMs: number;
  readonly captureNow: boolean;
  readonly person: 'approves' | 'rejects' | 'says nothing';
  readonly personAfterMs: number;
  /** What becomes of an authorization that is not captured at once. */
  readonly afterwards: 'reverse' | 'capture' | 'nothing';
  /** The merchant tries to have the same instruction authorized once more. */
  readonly greedyAfterMs: number | undefined;
}

const longMs = 400_000;
const currency = 'EUR';

export function planShopping(random: SeededRandom, startMs: number): Shopping {
  const purse = { name: 'pocket', limitMinor: BigInt(1500 + random.below(1500)) };
  const mandates = [0, 1].map((at) => giveMandate({ at, purse, random, startMs }));
  const purchases = mandates.flatMap(({ mandate, code }) =>
    mandate.itemKeys.map((_, item) => planPurchase({ mandate, code, item, random })),
  );
  return {
    mandates: mandates.map(({ mandate }) => mandate),
    purchases,
    networkWaitMs: random.pick([1000, 6000, 20_000]),
    accessServer: random.chance(0.5),
    closeBatchAtMs: random.below(10_000),
    stale: random.chance(0.25) ? [planStale(random), planStale(random)] : [],
  };
}

function planStale(random: SeededRandom): Stale {
  const fromMs = random.below(8000);
  return { party: random.pick(['wallet', 'merchant', 'gateway']), fromMs, toMs: fromMs + random.below(4000) };
}

function giveMandate(options: {
  readonly at: number;
  readonly purse: NonNullable<Terms['purse']>;
  readonly random: SeededRandom;
  readonly startMs: number;
}) {
  const { at, purse, random, startMs } = options;
  const mandateId = `m${at}`;
  const code = random.bytes(32);
  const walletKey = random.bytes(32);
  const asked = random.chance(0.35);
  const terms: Terms = {
    ...{ mandateId, currency, scenario: asked ? 'ask-person' : 'unattended' },
    wanted: { terms: ['map'], category: '', mustHaves: {} },
    ...{ quantity: 1, priceLimitMinor: 1000n, local: false, cardId: random.chance(0.75) ? 'full' : 'thin' },
    budgetMinor: BigInt(900 + random.below(1500)),
    count: 1 + random.below(4),
    ...{ merchantsAllowed: [], merchantsBarred: ['crook'], agentThumb: `agent-${at}` },
    expiresAtMs: startMs + longMs,
    purse,
  };
  const itemKeys = Array.from({ length: 2 + random.below(2) }, (_, item) => ({
    ...{ itemId: `i${item}`, key: random.bytes(32) },
  }));
  const wrapped = wrapWalletKey({ walletKey, code, mandateId, random: random.bytes });
  return { code, mandate: { terms, itemKeys, wrappedWalletKey: asked ? undefined : wrapped } };
}

function planPurchase(options: {
  readonly mandate: GivenMandate;
  readonly code: Uint8Array;
  readonly item: number;
  readonly random: SeededRandom;
}): Purchase {
  const { mandate, code, item, random } = options;
  const { mandateId, agentThumb, cardId } = mandate.terms;
  const { itemId, key: itemKey } = mandate.itemKeys[item]!;
  const agreement = utf8(`agreement ${mandateId} ${itemId} ${toHex(random.bytes(8))}`);
  const paymentId = toHex(sha256(agreement).subarray(0, 20));
  const orderAtMs = random.below(3000);
  // Together in a few milliseconds, so that the agents race.
  const claimAtMs = random.chance(0.5) ? 500 + random.below(10) : random.below(3000);
  return {
    paymentId,
    claim: {
      ...{ mandateId, agentThumb, paymentId, agreement, quantity: 1, values: {} },
      token: sealToken({ itemKey, mandateId, itemId, code, random: random.bytes }),
      price: { currency, minor: BigInt(100 + random.below(900)) },
      ...{ merchant: merchantId, merchantUrl: shopUrl },
      product: { sku: 'map', name: 'A map', category: '', keywords: [], attributes: {} },
    },
    cardName: cardNames.find((name) => name === cardId)!,
    ...{ claimAtMs, orderAtMs },
    expiresAtMs: random.chance(0.4) ? orderAtMs + 500 + random.below(8000) : longMs,
    deadlineMs: random.chance(0.4) ? claimAtMs + 300 + random.below(8000) : longMs,
    captureNow: random.chance(0.7),
    person: random.chance(0.8) ? 'approves' : random.pick(['rejects', 'says nothing']),
    personAfterMs: random.below(3000),
    afterwards: random.pick(['reverse', 'capture', 'nothing']),
    greedyAfterMs: random.chance(0.3) ? random.below(6000) : undefined,
  };
}
