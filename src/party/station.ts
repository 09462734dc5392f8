/** What a person can do at the station: send agents, see how they fare, approve, reject and recall, or buy without any agent. */

import type { GuardInput } from '../agent/guard/guard-machine.ts';
import { type GuardRecord, type GuardState, historyKey, type PaymentStatus } from '../agent/guard/guard-record.ts';
import { type AgentStatus, agentStatusType, recallType, statusType } from '../agent/message/hosting.ts';
import type { Random } from '../crypto/random.ts';
import { decodeShape, type Signer, signMessage } from '../crypto/signed-message.ts';
import { HandselError } from '../handsel-error.ts';
import type { Host } from '../journal/host.ts';
import { formatAmount } from '../money/amount.ts';
import type { Certificate } from '../pki/certificate.ts';
import type { Client } from '../transport/client.ts';
import type { AgentOrder } from './agent-order.ts';
import type { Deliveries } from './deliveries.ts';
import type { DirectPurchase, DirectPurchaseStatus, DirectPurchases } from './direct-purchases.ts';
import type { OpenWallet } from './open-wallet.ts';
import type { Receipt } from './receipt.ts';
import { type AgentAuthority, prepareAgent } from './send-agent.ts';
import { unlockWallet, type WalletFile } from './wallet-file.ts';

export interface PaymentView {
  readonly payment: string;
  readonly status: PaymentStatus | 'delivered' | 'undeliverable';
  readonly product: string;
  readonly merchant: string;
  readonly price: string;
  readonly reason?: string;
  readonly receipt?: Receipt;
}

export interface AgentView {
  readonly mandate: string;
  /** What the market says of the agent; `unknown` when the market cannot be asked. */
  readonly agent: AgentStatus['phase'] | 'unknown';
  readonly reason?: string;
  readonly recalled: boolean;
  readonly proposals: number;
  readonly offers: number;
  /** Set aside and spent of the mandate's budget. */
  readonly committed: string;
  readonly expires: string;
  readonly payments: readonly PaymentView[];
}

/** An agent as the station itself knows it, without asking the market. */
export interface AgentSummary {
  readonly mandate: string;
  /** What it was sent for, in the person's words as far as there are some. */
  readonly want: string;
  readonly max: string;
  /** Set aside and spent of the mandate's budget. */
  readonly committed: string;
  readonly recalled: boolean;
  readonly expires: string;
  /** Payments that wait for the person. */
  readonly waiting: readonly string[];
}

export interface Station {
  /** The mandate's identity. */
  send(order: AgentOrder): Promise<string>;
  list(): Promise<readonly AgentSummary[]>;
  status(mandateId: string): Promise<AgentView>;
  recall(mandateId: string): Promise<void>;
  /** Also opens the wallet again for a payment under way when the station was restarted meanwhile. */
  approve(paymentId: string, password: string): Promise<void>;
  reject(paymentId: string, reason: string): Promise<void>;
  /** Buys at list price without any agent; gives the payment's identity. */
  buy(purchase: DirectPurchase): Promise<{ readonly payment: string }>;
  purchase(paymentId: string): Promise<DirectPurchaseStatus>;
  cards(): readonly {
    readonly id: string;
    readonly brand: string;
    readonly lastFour: string;
    readonly expiry: string;
  }[];
}

export interface StationParts {
  readonly guard: Host<GuardState, GuardInput, GuardRecord>;
  readonly deliveries: Deliveries;
  readonly purchases: DirectPurchases;
  readonly openWallet: OpenWallet;
  readonly wallet: () => WalletFile;
  readonly client: Client;
  readonly signer: Signer;
  readonly certificate: Certificate;
  readonly authority: AgentAuthority;
  readonly url: string;
  readonly market: string;
  readonly random: Random;
  readonly nowMs: () => number;
}

const UNDER_WAY: ReadonlySet<DirectPurchaseStatus['status']> = new Set(['paying', 'pending']);

export function createStation(parts: StationParts): Station {
  const { guard, deliveries, purchases, openWallet, wallet, client, signer, url, market, nowMs } = parts;
  const mandateOf = (mandateId: string) => {
    const mandate = guard.state.mandates.get(mandateId);
    if (mandate === undefined) throw new HandselError('MANDATE_UNKNOWN', `no mandate ${mandateId} was given here`);
    return mandate;
  };
  const platformOf = (mandateId: string) => (mandateOf(mandateId).terms.local ? url : market);

  return {
    async send(order) {
      const file = wallet();
      const card = file.cards.find(({ id }) => order.card === undefined || id === order.card);
      if (card === undefined) {
        throw new HandselError(
          'CARD_UNKNOWN',
          order.card === undefined ? 'the wallet is empty' : `no card ${order.card}`,
        );
      }
      const walletKey = order.password === undefined ? undefined : unlockWallet(file, order.password);
      try {
        const mandate = await prepareAgent({
          ...{ order, client, signer, market, walletKey },
          stationUrl: url,
          stationCertificate: parts.certificate,
          authority: parts.authority,
          cardId: card.id,
          nowMs: nowMs(),
          random: parts.random,
        });
        await guard.submit(mandate);
        return mandate.terms.mandateId;
      } finally {
        walletKey?.fill(0);
      }
    },
    async list() {
      await guard.settled();
      const waiting = [...guard.state.payments.values()].filter(({ status }) => status === 'awaiting-approval');
      return [...guard.state.mandates.values()].map(({ terms, recalled, committedMinor }) => ({
        mandate: terms.mandateId,
        want: terms.wanted.terms.join(' ') || terms.wanted.category || Object.keys(terms.wanted.mustHaves).join(', '),
        max: formatAmount({ currency: terms.currency, minor: terms.priceLimitMinor }),
        committed: formatAmount({ currency: terms.currency, minor: committedMinor }),
        recalled,
        expires: new Date(terms.expiresAtMs).toISOString(),
        waiting: waiting.filter(({ mandateId }) => mandateId === terms.mandateId).map(({ paymentId }) => paymentId),
      }));
    },
    async status(mandateId) {
      const { terms, recalled, committedMinor } = mandateOf(mandateId);
      await guard.settled();
      const records = await guard.readByKey(historyKey(mandateId));
      const stopped = records.find((record) => record.type === 'recalled');
      const agent = await askPlatform(parts, platformOf(mandateId), mandateId);
      const reason = stopped?.type === 'recalled' ? stopped.reason : agent?.reason;
      return {
        mandate: mandateId,
        agent: agent?.phase ?? 'unknown',
        ...(reason !== undefined && { reason }),
        recalled,
        proposals: agent?.proposals ?? 0,
        offers: agent?.offers ?? 0,
        committed: formatAmount({ currency: terms.currency, minor: committedMinor }),
        expires: new Date(terms.expiresAtMs).toISOString(),
        payments: paymentsIn(records, guard.state, deliveries),
      };
    },
    async recall(mandateId) {
      const body = signMessage(recallType, { agent: mandateId, atMs: nowMs() }, signer);
      const to = `${platformOf(mandateId)}/agent/recall`;
      const { expiresAtMs } = mandateOf(mandateId).terms;
      const send = { id: `recall ${mandateId}`, to, kind: 'recall', body, expiresAtMs };
      await guard.submit({ type: 'recall', mandateId, reason: 'recalled by the person', send });
    },
    async approve(paymentId, password) {
      const payingNow = () => guard.state.payments.get(paymentId)?.status === 'paying';
      const known = guard.state.payments.has(paymentId);
      // A purchase without an agent needs no approval, but the wallet is closed to it after a restart.
      const waits = known ? payingNow() : UNDER_WAY.has((await purchases.status(paymentId)).status);
      if (!known && !waits) throw new HandselError('PAYMENT_NOT_WAITING', 'the purchase is over');
      openWallet.unlocked(paymentId, unlockWallet(wallet(), password));
      if (waits) return;
      try {
        await guard.submit({ type: 'approve', paymentId });
      } catch (error) {
        // Refused a second approval, the payment goes on with the wallet the first one opened.
        if (!payingNow()) openWallet.close(paymentId);
        throw error;
      }
    },
    reject: (paymentId, reason) => guard.submit({ type: 'reject', paymentId, reason }),
    buy: (purchase) => purchases.buy(purchase),
    purchase: (paymentId) => purchases.status(paymentId),
    cards: () => wallet().cards.map(({ id, brand, lastFour, expiry }) => ({ id, brand, lastFour, expiry })),
  };
}

async function askPlatform(
  { client, signer, nowMs }: StationParts,
  platform: string,
  agent: string,
): Promise<AgentStatus | undefined> {
  const body = signMessage(statusType, { agent, atMs: nowMs() }, signer);
  try {
    const message = { kind: 'status', contentType: 'application/cose', extension: 'cose', body };
    const answer = await client.post(`${platform}/agent/status`, message);
    return answer.status === 200 ? decodeShape(agentStatusType, answer.body) : undefined;
  } catch {
    return undefined; // the market is away: what the station itself knows is shown all the same
  }
}

function paymentsIn(
  records: readonly GuardRecord[],
  state: Readonly<GuardState>,
  deliveries: Deliveries,
): readonly PaymentView[] {
  return records.flatMap((record): PaymentView[] => {
    if (record.type !== 'claimed') return [];
    const { paymentId, product, merchant, price } = record.payment;
    const ended = records.find((other) => other.type === 'ended' && other.paymentId === paymentId);
    const reason = deliveries.failure(paymentId) ?? (ended?.type === 'ended' ? ended.reason : '');
    const receipt = deliveries.receipt(paymentId);
    const status = state.payments.get(paymentId)?.status ?? 'failed';
    return [
      {
        payment: paymentId,
        status: receipt !== undefined ? 'delivered' : deliveries.failure(paymentId) ? 'undeliverable' : status,
        ...{ product, merchant, price: formatAmount(price) },
        ...(reason !== '' && { reason }),
        ...(receipt && { receipt }),
      },
    ];
  });
}
