/**
 * The wallet guard: the station's machine between agents and the wallet (EP 1 006 469, the "SET Agent Interface" 12). It holds
 * every mandate's limits and decides, in one recorded step, whether a purchase may be paid; then it has the wallet pay, or
 * first asks the person. Signatures, certificates and the offer chain were checked before (`receive-payment-start.ts`).
 */
import { decodeCborExact, encodeCbor, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import type { Decision, Env, Machine, Outgoing, Reply, Timer } from '../../journal/machine.ts';
import { openToken, type Token } from '../message/token.ts';
import { type Claim, refusalOf, type Terms } from './allowance.ts';
import {
  type ApprovalOptions,
  approvalTimer,
  decideApproval,
  decideRejection,
  decideUnapproved,
  withdraw,
} from './approval.ts';
import { GuardError, refusal } from './guard-error.ts';
import {
  applyGuardRecord,
  emptyGuard,
  type GuardedPayment,
  type GuardRecord,
  type GuardState,
  historyKey,
  type ItemKey,
  type Mandated,
} from './guard-record.ts';
import { unwrapWalletKey } from './wallet-key.ts';

/** A payment start whose signatures, certificate, time stamp and offer chain hold; what remains is judged against the state. */
export interface VerifiedClaim extends Claim {
  readonly mandateId: string;
  /** Thumbprint (hex) of the agent certificate that signed. */
  readonly agentThumb: string;
  readonly token: Token;
  /** Hex of the agreement's digest: one agreement is paid once. */
  readonly paymentId: string;
  readonly merchantUrl: string;
  readonly agreement: Uint8Array;
}

export type WalletOutcome = 'paid' | 'declined' | 'failed';

export type GuardInput =
  | {
      readonly type: 'mandate';
      readonly terms: Terms;
      readonly itemKeys: readonly ItemKey[];
      readonly wrappedWalletKey: Uint8Array | undefined;
      /** Sends the agent off: delivered from here on, whatever happens to the station meanwhile. */
      readonly launch: Outgoing;
    }
  | { readonly type: 'launch-failed'; readonly mandateId: string; readonly reason: string }
  | { readonly type: 'recall'; readonly mandateId: string; readonly reason: string; readonly send?: Outgoing }
  | { readonly type: 'claim'; readonly claim: VerifiedClaim }
  | { readonly type: 'approve'; readonly paymentId: string }
  | { readonly type: 'reject'; readonly paymentId: string; readonly reason: string }
  | { readonly type: 'unapproved'; readonly paymentId: string }
  | {
      readonly type: 'ended';
      readonly paymentId: string;
      readonly outcome: WalletOutcome;
      readonly reason: string;
      readonly xid: string;
    }
  | { readonly type: 'notice'; readonly paymentId: string; readonly agentThumb: string; readonly notice: Uint8Array }
  | { readonly type: 'free'; readonly paymentId: string }
  | { readonly type: 'settled' };

export interface GuardOptions extends ApprovalOptions {
  /**
   * How long a gateway takes a payment instruction after it was made; default 25 hours. That a placed order came to nothing is the
   * merchant's word alone, and a lying one could have the instruction charged later: so long its amount stays set aside.
   */
  readonly instructionMs?: number;
}

/** The wallet key a token gives, or undefined when it does not fit. The result is secret and never recorded. */
export function walletKeyOf(mandate: Mandated, token: Token): Uint8Array | undefined {
  const itemKey = mandate.itemKeys.get(token.itemId);
  if (itemKey === undefined || mandate.wrappedWalletKey === undefined) return undefined;
  const { mandateId } = mandate.terms;
  try {
    const code = openToken(token, { itemKey, mandateId });
    return unwrapWalletKey({ wrapped: mandate.wrappedWalletKey, code, mandateId });
  } catch {
    return undefined;
  }
}

/** @throws GuardError `TOKEN_REFUSED` */
function requireOpens(mandate: Mandated, token: Token): void {
  const walletKey = walletKeyOf(mandate, token);
  if (walletKey === undefined) throw refusal('TOKEN_REFUSED');
  walletKey.fill(0);
}

/** A budget shared by name is counted in one currency: its minor units could not be added up otherwise. */
function requireOneCurrency(state: GuardState, { purse, currency }: Terms): void {
  if (purse === undefined) return;
  for (const { terms } of state.mandates.values()) {
    if (terms.purse?.name === purse.name && terms.currency !== currency) {
      throw new GuardError('PURSE_CURRENCY', `the shared budget ${purse.name} is in ${terms.currency}`);
    }
  }
}

const INSTRUCTION_MS = 25 * 3_600_000;
const FREE = 'free ';

function decideClaim(state: GuardState, claim: VerifiedClaim, env: Env, options: GuardOptions): Decision<GuardRecord> {
  const mandate = state.mandates.get(claim.mandateId);
  if (mandate === undefined) throw refusal('MANDATE_UNKNOWN');
  const { terms } = mandate;
  if (claim.agentThumb !== terms.agentThumb) throw refusal('AGENT_NOT_MANDATED');
  if (state.payments.has(claim.paymentId)) throw refusal('AGREEMENT_USED');
  const unattended = terms.scenario === 'unattended';
  if (mandate.itemsInUse.has(claim.token.itemId) || !mandate.itemKeys.has(claim.token.itemId))
    throw refusal('TOKEN_REFUSED');
  // A code in clear is for an agent on the station's own platform only, and the mandate says which agents those are.
  if (claim.token.protection === 'plain' && !terms.local) throw refusal('TOKEN_REFUSED');
  if (unattended) requireOpens(mandate, claim.token);
  const purse = terms.purse === undefined ? 0n : (state.purses.get(terms.purse.name) ?? 0n);
  const broken = refusalOf(mandate, claim, purse, env.nowMs);
  if (broken !== undefined) throw refusal(broken);

  const status = unattended ? 'paying' : 'awaiting-approval';
  const { agentThumb: _, product, quantity: __, values: ___, ...facts } = claim;
  const payment: GuardedPayment = { ...facts, product: product.name, status, noticed: false };
  return {
    records: [{ type: 'claimed', payment, atMs: env.nowMs }],
    keys: [historyKey(claim.mandateId)],
    answer: encodeCbor({ paymentId: claim.paymentId, status }),
    ...(unattended
      ? { send: [options.payOrder(payment, terms)] }
      : { timers: [approvalTimer(claim.paymentId, terms, env, options)] }),
  };
}

function decideEnd(
  state: GuardState,
  input: Extract<GuardInput, { type: 'ended' }>,
  env: Env,
  options: GuardOptions,
): Decision<GuardRecord> {
  const payment = state.payments.get(input.paymentId);
  // The wallet repeats what it has to say until it is heard: the second time there is nothing left to do.
  if (payment === undefined || payment.status !== 'paying') return { records: [], answer: encodeCbor(null) };
  const { paymentId, reason, xid, outcome: status } = input;
  const instructionMs = options.instructionMs ?? INSTRUCTION_MS;
  const held = status !== 'paid' && xid !== '' && instructionMs > 0;
  return {
    records: [{ type: 'ended', paymentId, status, reason, xid, held, atMs: env.nowMs }],
    keys: [historyKey(payment.mandateId)],
    answer: encodeCbor(null),
    ...(held && { timers: [{ id: `${FREE}${paymentId}`, atMs: env.nowMs + instructionMs, note: paymentId }] }),
  };
}

function decideNotice(
  state: GuardState,
  input: Extract<GuardInput, { type: 'notice' }>,
  env: Env,
): Decision<GuardRecord> {
  const { paymentId, notice } = input;
  const payment = state.payments.get(paymentId);
  if (payment === undefined) throw new GuardError('PAYMENT_UNKNOWN', `there is no payment ${paymentId}`);
  const mandate = state.mandates.get(payment.mandateId)!;
  if (mandate.terms.agentThumb !== input.agentThumb) throw refusal('AGENT_NOT_MANDATED');
  const answer = encodeCbor(null);
  if (payment.noticed) return { records: [], answer };
  return {
    records: [{ type: 'noticed', paymentId, notice, atMs: env.nowMs }],
    keys: [historyKey(payment.mandateId)],
    answer,
  };
}

function decide(state: GuardState, input: GuardInput, env: Env, options: GuardOptions): Decision<GuardRecord> {
  switch (input.type) {
    case 'mandate': {
      const { terms, itemKeys, wrappedWalletKey = null } = input;
      if (state.mandates.has(terms.mandateId)) throw new GuardError('MANDATE_EXISTS', 'a mandate is given once');
      requireOneCurrency(state, terms);
      return {
        records: [{ type: 'mandated', terms, itemKeys, wrappedWalletKey, atMs: env.nowMs }],
        keys: [historyKey(terms.mandateId)],
        send: [input.launch],
      };
    }
    case 'launch-failed': {
      if (state.mandates.get(input.mandateId)?.recalled !== false) return { records: [] };
      return withdraw(state, input, env, options);
    }
    case 'recall': {
      const mandate = state.mandates.get(input.mandateId);
      if (mandate === undefined) throw refusal('MANDATE_UNKNOWN');
      if (mandate.recalled) return { records: [] };
      const decision = withdraw(state, input, env, options);
      return { ...decision, send: [...(input.send ? [input.send] : []), ...decision.send] };
    }
    case 'claim':
      return decideClaim(state, input.claim, env, options);
    case 'approve':
      return decideApproval(state, input.paymentId, env, options);
    case 'reject':
      return decideRejection(state, input, env, options);
    case 'unapproved':
      return decideUnapproved(state, input.paymentId, env, options);
    case 'ended':
      return decideEnd(state, input, env, options);
    case 'notice':
      return decideNotice(state, input, env);
    case 'free': {
      const { paymentId } = input;
      const { mandateId } = state.payments.get(paymentId)!;
      return { records: [{ type: 'freed', paymentId, atMs: env.nowMs }], keys: [historyKey(mandateId)] };
    }
    case 'settled':
      return { records: [] };
  }
}

export function createGuard(options: GuardOptions): Machine<GuardState, GuardInput, GuardRecord> {
  return {
    name: 'guard',
    initial: emptyGuard,
    decide: (state, input, env) => decide(state, input, env, options),
    apply: applyGuardRecord,
    snapshot: ({ mandates, purses, payments }) =>
      encodeCborExact({
        mandates: [...mandates.values()].map((mandate) => ({
          ...mandate,
          itemKeys: [...mandate.itemKeys],
          itemsInUse: [...mandate.itemsInUse],
        })),
        purses: [...purses],
        payments: [...payments.values()],
      } as unknown as CborValue),
    restore: (bytes) => restore(bytes),
    received,
    fired({ id, note: paymentId = '' }: Timer): GuardInput {
      if (id.startsWith(FREE)) return { type: 'free', paymentId };
      return { type: 'unapproved', paymentId };
    },
  };
}

/** What the guard sends is named by what it is about: `pay PAYMENT`, `launch MANDATE`, `recall MANDATE`, `refusal PAYMENT`. */
function received({ id, outcome }: Reply): GuardInput {
  const [act = '', subject = ''] = id.split(' ');
  if (outcome.type === 'answered' || act === 'recall' || act === 'refusal') return { type: 'settled' };
  const reason = outcome.type === 'refused' ? outcome.code : 'EXPIRED';
  if (act === 'launch') return { type: 'launch-failed', mandateId: subject, reason };
  return { type: 'ended', paymentId: subject, outcome: 'failed', reason, xid: '' };
}

const MAX_SNAPSHOT_BYTES = 1 << 30;

function restore(bytes: Uint8Array): GuardState {
  const stored = decodeCborExact(bytes, { maxBytes: MAX_SNAPSHOT_BYTES }) as unknown as {
    mandates: (Omit<Mandated, 'itemKeys' | 'itemsInUse' | 'givenAtMs' | 'recalledFor'> & {
      givenAtMs?: number;
      recalledFor?: string;
      itemKeys: [string, Uint8Array][];
      itemsInUse: string[];
    })[];
    purses: [string, bigint][];
    payments: GuardedPayment[];
  };
  return {
    mandates: new Map(
      stored.mandates.map((mandate) => [
        mandate.terms.mandateId,
        {
          ...mandate,
          givenAtMs: mandate.givenAtMs ?? 0,
          recalledFor: mandate.recalledFor ?? '',
          itemKeys: new Map(mandate.itemKeys),
          itemsInUse: new Set(mandate.itemsInUse),
        },
      ]),
    ),
    purses: new Map(stored.purses),
    payments: new Map(stored.payments.map((payment) => [payment.paymentId, payment])),
  };
}
