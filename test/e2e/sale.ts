/** One sale as a person sees it: an agent is sent, and followed to its receipt, also while parties die and come back. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentView } from '../../src/party/customer/station.ts';
import { createPatience } from '../patience.ts';
import type { RealNetwork } from './real-network.ts';

const POLL_MS = 25;
const PATIENCE_MS = 45_000;

export interface SaleOptions {
  readonly scenario?: 'unattended' | 'ask-person';
}

/** Buys at `atlas`, whose bank is `north`, with a card of `south`: a sale that crosses every party. */
export const orderOf = ({ password }: RealNetwork, { scenario = 'unattended' }: SaleOptions = {}) => ({
  ...{ want: 'country borders', max: '5.00EUR', merchants: ['atlas'], proposalsMs: 5000, byMs: 40_000, scenario },
  ...(scenario === 'unattended' && { password }),
});

/**
 * The mandate. A station or market that dies at that very moment cannot answer: then the person looks whether the agent
 * was sent, and sends it if not.
 */
export async function sendAgent(network: RealNetwork, options: SaleOptions = {}): Promise<string> {
  const before = new Set(await mandatesOf(network));
  const isOver = createPatience(PATIENCE_MS);
  for (;;) {
    try {
      return (await network.station().post<{ mandate: string }>('/agents', orderOf(network, options))).mandate;
    } catch (error) {
      if (isOver()) throw error;
      await network.allUp();
      await sleep(POLL_MS);
      const sent = (await mandatesOf(network)).find((mandate) => !before.has(mandate));
      if (sent !== undefined) return sent;
    }
  }
}

async function mandatesOf(network: RealNetwork): Promise<readonly string[]> {
  const all = await patiently(network, () => network.station().get<readonly { mandate: string }[]>('/agents'));
  return all.map(({ mandate }) => mandate);
}

/** Asks until the view is as wanted. @throws with the last view when it never is */
export async function follow(
  network: RealNetwork,
  mandate: string,
  wanted: (view: AgentView) => boolean,
): Promise<AgentView> {
  const isOver = createPatience(PATIENCE_MS);
  for (;;) {
    const view = await patiently(network, () => network.station().get<AgentView>(`/agents/${mandate}`));
    if (wanted(view)) return view;
    if (isOver()) throw new Error(`it never came about: ${JSON.stringify(view)}`);
    await sleep(POLL_MS);
  }
}

/** Repeats what fails because a party is away. */
export async function patiently<T>(network: RealNetwork, ask: () => Promise<T>): Promise<T> {
  const isOver = createPatience(PATIENCE_MS);
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (isOver()) throw error;
      await network.allUp();
      await sleep(POLL_MS);
    }
  }
}

export const awaitingApproval = ({ payments }: AgentView) =>
  payments.some(({ status }) => status === 'awaiting-approval');

export const delivered = ({ payments }: AgentView) => payments.some(({ status }) => status === 'delivered');

/** Digest of a file as it lies there; undefined when it does not. */
export function sha256Of(file: string): string | undefined {
  return existsSync(file) ? createHash('sha256').update(readFileSync(file)).digest('hex') : undefined;
}
