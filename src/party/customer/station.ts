/** What a person can do at the station: send agents, see how they fare, approve, reject and recall, or buy without any agent. */

import type { GuardInput } from '../../agent/guard/guard-machine.ts';
import { type GuardRecord, type GuardState, historyKey, type Mandated } from '../../agent/guard/guard-record.ts';
import { type AgentStatus, recallType } from '../../agent/message/hosting.ts';
import type { Random } from '../../crypto/random.ts';
import { type Signer, signMessage } from '../../crypto/signed-message.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Host } from '../../journal/host.ts';
import type { Certificate } from '../../pki/certificate.ts';
import type { PaymentPhase } from '../../set/wallet/payment.ts';
import type { Client } from '../../transport/client.ts';
import { unlockWallet, type WalletFile } from '../configuration/wallet-file.ts';
import type { AgentAuthority } from '../message/agent-authority.ts';
import { fullIdentity } from '../owner/full-identity.ts';
import { knownMerchants, meantMerchants, unknownMerchantWarnings } from '../owner/merchant-names.ts';
import type { AgentOrder } from './agent-order.ts';
import { RECALLED_BY_PERSON, stateByBooks } from './agent-state.ts';
import { type AgentSummary, inOrder, type PaymentView, paymentsOf, paymentView, summaryOf } from './agent-view.ts';
import { createPlatformQuestions } from './ask-platform.ts';
import type { Deliveries } from './deliveries.ts';
import type { DirectPurchase, DirectPurchaseStatus, DirectPurchases } from './direct-purchases.ts';
import type { OpenWallet } from './open-wallet.ts';
import { listPurchases, type PurchaseList } from './purchase-list.ts';
import { prepareAgent } from './send-agent.ts';

export interface AgentView extends AgentSummary {
  /** What the market says of the agent; `unknown` when the market cannot be asked. */
  readonly agent: AgentStatus['phase'] | 'unknown';
  readonly proposals: number;
  readonly offers: number;
  readonly payments: readonly PaymentView[];
  /** What the person should know of limits and preferences that had no effect. */
  readonly warnings: readonly string[];
  /** True for an agent on the station's own platform. */
  readonly local: boolean;
}

export interface Station {
  /** What the person should know before sending such an agent: merchants named that nobody knows. */
  check(order: Pick<AgentOrder, 'merchants' | 'barred'>): Promise<readonly string[]>;
  /** The mandate's identity. */
  send(order: AgentOrder): Promise<string>;
  /** Those that are under way first, the newest first. */
  list(): Promise<readonly AgentSummary[]>;
  // Of identities the beginning is enough where only one begins so.
  status(mandateId: string): Promise<AgentView>;
  /** Both give the whole identity. */
  recall(mandateId: string): Promise<string>;
  reject(paymentId: string, reason: string): Promise<string>;
  /** Also opens the wallet again for a payment under way when the station was restarted meanwhile. */
  approve(paymentId: string, password: string): Promise<string>;
  bought(): Promise<PurchaseList>;
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
  /** Names of other parties by URL. */
  readonly peers: Readonly<Record<string, string>>;
  /** Where the wallet stands with a payment; undefined when it is not open there. */
  readonly walletPhase: (paymentId: string) => PaymentPhase | undefined;
  readonly random: Random;
  readonly nowMs: () => number;
}

const ASKED_AT_ONCE = 16;
const UNDER_WAY: ReadonlySet<DirectPurchaseStatus['status']> = new Set(['paying', 'pending']);

export function createStation(parts: StationParts): Station {
  const { guard, deliveries, purchases, openWallet, wallet, client, signer, url, market, peers, nowMs } = parts;
  const askWord = createPlatformQuestions({ client, signer, nowMs });
  const mandateOf = (given: string): Mandated => {
    const { mandates } = guard.state;
    const mandateId = fullIdentity(given, mandates.keys(), { what: 'agent', unknown: 'MANDATE_UNKNOWN' });
    return mandates.get(mandateId)!;
  };
  const paymentOf = (given: string): string => {
    const known = [...guard.state.payments.keys(), ...purchases.identities()];
    return fullIdentity(given, new Set(known), { what: 'payment', unknown: 'PAYMENT_UNKNOWN' });
  };
  const platformOf = ({ terms }: Mandated) => (terms.local ? url : market);
  const known = () => knownMerchants({ client, signer, market, peers, nowMs: nowMs() });

  return {
    async check({ merchants, barred }) {
      if (merchants.length + barred.length === 0) return [];
      const there = await known();
      return [
        ...unknownMerchantWarnings(meantMerchants(merchants, there.all), '--from', there),
        ...unknownMerchantWarnings(meantMerchants(barred, there.all), '--not', there),
      ];
    },
    async send(asked) {
      const file = wallet();
      const card = file.cards.find(({ id }) => asked.card === undefined || id === asked.card);
      if (card === undefined) {
        throw new HandselError(
          'CARD_UNKNOWN',
          asked.card === undefined ? 'the wallet is empty' : `no card ${asked.card}`,
        );
      }
      const walletKey = asked.password === undefined ? undefined : unlockWallet(file, asked.password);
      try {
        const named = asked.merchants.length + asked.barred.length > 0 ? (await known()).all : [];
        const order = {
          ...asked,
          merchants: [...meantMerchants(asked.merchants, named).names],
          barred: [...meantMerchants(asked.barred, named).names],
        };
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
      const payments = Map.groupBy(guard.state.payments.values(), ({ mandateId }) => mandateId);
      const mandates = [...guard.state.mandates.values()];
      const glance = async (mandate: Mandated) => {
        const own = payments.get(mandate.terms.mandateId) ?? [];
        const decided = stateByBooks(mandate, own) !== undefined;
        const word = await askWord(platformOf(mandate), mandate.terms, decided ? 'as remembered' : 'once a time');
        return summaryOf(mandate, own, word, guard.state, nowMs());
      };
      const all: AgentSummary[] = [];
      for (let at = 0; at < mandates.length; at += ASKED_AT_ONCE) {
        all.push(...(await Promise.all(mandates.slice(at, at + ASKED_AT_ONCE).map(glance))));
      }
      return inOrder(all);
    },
    async status(given) {
      const mandate = mandateOf(given);
      const { terms } = mandate;
      const { mandateId } = terms;
      const word = await askWord(platformOf(mandate), terms, 'always');
      await guard.settled();
      const records = await guard.readByKey(historyKey(mandateId));
      const own = paymentsOf(records);
      const agent = typeof word === 'string' ? undefined : word;
      return {
        ...summaryOf(mandate, own, word, guard.state, nowMs()),
        agent: agent?.phase ?? 'unknown',
        proposals: agent?.proposals ?? 0,
        offers: agent?.offers ?? 0,
        payments: own.map((payment) => paymentView(payment, records, parts)),
        warnings: (agent?.notOffered ?? []).map(
          (issue) => `no offer had ${issue}: what you prefer of it did not count`,
        ),
        local: terms.local,
      };
    },
    async recall(given) {
      const mandate = mandateOf(given);
      const { mandateId, expiresAtMs } = mandate.terms;
      const body = signMessage(recallType, { agent: mandateId, atMs: nowMs() }, signer);
      const to = `${platformOf(mandate)}/agent/recall`;
      const send = { id: `recall ${mandateId}`, to, kind: 'recall', body, expiresAtMs };
      await guard.submit({ type: 'recall', mandateId, reason: RECALLED_BY_PERSON, send });
      return mandateId;
    },
    async approve(given, password) {
      const paymentId = paymentOf(given);
      const payingNow = () => guard.state.payments.get(paymentId)?.status === 'paying';
      const guarded = guard.state.payments.has(paymentId);
      // A purchase without an agent needs no approval, but the wallet is closed to it after a restart.
      const waits = guarded ? payingNow() : UNDER_WAY.has((await purchases.status(paymentId)).status);
      if (!guarded && !waits) throw new HandselError('PAYMENT_NOT_WAITING', 'the purchase is over');
      openWallet.unlocked(paymentId, unlockWallet(wallet(), password));
      if (waits) return paymentId;
      try {
        await guard.submit({ type: 'approve', paymentId });
        return paymentId;
      } catch (error) {
        // Refused a second approval, the payment goes on with the wallet the first one opened.
        if (!payingNow()) openWallet.close(paymentId);
        throw error;
      }
    },
    async reject(given, reason) {
      const paymentId = paymentOf(given);
      await guard.submit({ type: 'reject', paymentId, reason });
      return paymentId;
    },
    async bought() {
      await guard.settled();
      return listPurchases({
        guard: guard.state,
        records: (mandateId) => guard.readByKey(historyKey(mandateId)),
        receipt: deliveries.receipt,
        direct: purchases,
      });
    },
    buy: (purchase) => purchases.buy(purchase),
    purchase: (paymentId) => purchases.status(paymentId),
    cards: () => wallet().cards.map(({ id, brand, lastFour, expiry }) => ({ id, brand, lastFour, expiry })),
  };
}
