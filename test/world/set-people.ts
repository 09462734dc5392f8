/** Who takes part in the world of SET purchases: keys, certificates, and two banks with their accounts. Made once, for all seeds. */

import { openHost } from '../../src/journal/host.ts';
import type { Machine } from '../../src/journal/machine.ts';
import { createMemoryJournal, type MemoryDisk } from '../../src/journal/memory-journal.ts';
import { type AcquirerInput, createAcquirerHost } from '../../src/set/interchange/acquirer-host.ts';
import { createIssuerHost, type IssuerInput } from '../../src/set/interchange/issuer-host.ts';
import type { Trust } from '../../src/set/message/trust.ts';
import type { OpenedCard } from '../../src/set/wallet/opened-card.ts';
import { createParties, type Parties } from '../set/purchase-fixture.ts';
import { createVirtualClock } from './virtual-clock.ts';

export const acquirerId = '400000';
export const issuerId = '500000';
export const merchantId = 'SHOP-1';
export const shopUrl = 'https://shop.example';

/** By the wallet's name for the card: number and what is on its account, minor units. */
export const cards = {
  full: { pan: '4444333322221111', fundsMinor: 1_000_000n },
  thin: { pan: '4444333322221129', fundsMinor: 1_200n },
} as const;
export type CardName = keyof typeof cards;
export const cardNames: readonly CardName[] = ['full', 'thin'];

const panKey = new Uint8Array(32).fill(7);

export const newAcquirer = (reversalMs = 300_000) =>
  createAcquirerHost({ acquirerId, issuers: [{ prefix: '4444', issuerId }], issuerMs: 8000, reversalMs });
export const newIssuer = () => createIssuerHost({ issuerId, panKey });

export interface People {
  readonly parties: Parties;
  readonly cards: Readonly<Record<CardName, OpenedCard>>;
  /** Each party's own, kept over all seeds: validated paths are remembered. */
  readonly trust: Readonly<Record<'wallet' | 'merchant' | 'gateway', Trust>>;
  readonly disks: { readonly acquirer: MemoryDisk; readonly issuer: MemoryDisk };
}

export async function createPeople(): Promise<People> {
  // Certified a day before the world begins, so that no clock is before its certificate.
  const parties = createParties(createVirtualClock().nowMs() - 86_400_000);
  const acquirerInputs: AcquirerInput[] = [
    { type: 'set-up', currencies: ['EUR'] },
    { type: 'merchant', merchantId, currencies: ['EUR'], active: true },
  ];
  const issuerInputs: IssuerInput[] = [
    { type: 'set-up', acquirerIds: [acquirerId], currencies: ['EUR'] },
    ...cardNames.flatMap((name): IssuerInput[] => {
      const { pan, fundsMinor } = cards[name];
      const terms = { account: name, expiry: '2812', perTransactionMinor: 100_000n, perDayMinor: 1_000_000n };
      return [
        { type: 'open-account', account: name, currency: 'EUR' },
        { type: 'fund', id: `fund-${name}`, account: name, amount: { currency: 'EUR', minor: fundsMinor } },
        { type: 'issue-card', pan, terms },
      ];
    }),
  ];
  return {
    parties,
    cards: { full: parties.newCard(cards.full.pan), thin: parties.newCard(cards.thin.pan) },
    trust: { wallet: parties.newTrust(), merchant: parties.newTrust(), gateway: parties.newTrust() },
    disks: {
      acquirer: await diskAfter(newAcquirer(), acquirerInputs),
      issuer: await diskAfter(newIssuer(), issuerInputs),
    },
  };
}

async function diskAfter<S, I, R>(machine: Machine<S, I, R>, inputs: readonly I[]): Promise<MemoryDisk> {
  const journal = createMemoryJournal();
  const host = await openHost({
    ...{ machine, journal, clock: createVirtualClock(), random: (length) => new Uint8Array(length) },
    courier: { deliver: () => Promise.reject(new Error('nobody there')) },
    log: { info() {}, warn() {}, error() {} },
  });
  for (const input of inputs) await host.submit(input);
  return journal.powerCut();
}
