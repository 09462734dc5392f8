/**
 * The acquirer host: the machine of the bank that keeps the merchants' accounts. It takes card messages from payment
 * gateways, asks the issuer through the interchange network, credits the merchant when the issuer has charged the card,
 * and reverses whatever an issuer did not answer in time. What issuers owe it is settled batch by batch.
 */
import type { Decision, Env, Machine, Reply } from '../../journal/machine.ts';
import { UNLIMITED } from '../../ledger/account-table.ts';
import type { OpenAccount } from '../../ledger/command.ts';
import { findAccount } from '../../ledger/ledger.ts';
import type { CardRequest, CardResponse } from '../message/card-message.ts';
import { decodeCardResponse } from '../message/card-message-codec.ts';
import { decideIssuerAnswer, type IssuerAnswer } from './acquirer-answer.ts';
import { decideCredit, decideCreditAnswer } from './acquirer-credit.ts';
import {
  type AcquirerPolicy,
  barTimer,
  decideGatewayRequest,
  decideQueued,
  lapseTimer,
  merchantAccount,
  merchantKey,
  reconcileTimer,
} from './acquirer-request.ts';
import { decideCloseBatch, decideReconcile, decideReconciled } from './acquirer-settlement.ts';
import {
  type AcquirerRecord,
  type AcquirerState,
  applyAcquirer,
  createAcquirerState,
  restoreAcquirer,
  snapshotAcquirer,
} from './acquirer-state.ts';
import type { CardMessageInput } from './host-entrance.ts';
import { InterchangeError } from './interchange-error.ts';
import { openOwnAccounts, requireLedger } from './ledger-step.ts';

export type AcquirerInput =
  | CardMessageInput
  /** Opens the acquirer's own accounts for its issuers in these currencies; done before is fine. */
  | { readonly type: 'set-up'; readonly currencies: readonly string[] }
  /** A merchant and its accounts; done before is fine. `active: false` stops serving it. */
  | {
      readonly type: 'merchant';
      readonly merchantId: string;
      readonly currencies: readonly string[];
      readonly active: boolean;
    }
  /** The end of a batch: settle with every issuer. */
  | { readonly type: 'close-batch' }
  | { readonly type: 'reconcile' }
  | { readonly type: 'queued'; readonly messageId: string; readonly request: CardRequest }
  | ({ readonly type: 'issuer-answer' } & IssuerAnswer)
  | { readonly type: 'credit-answer'; readonly key: string; readonly response: CardResponse }
  | { readonly type: 'reconciled'; readonly book: string; readonly response: CardResponse }
  | { readonly type: 'lapse'; readonly key: string }
  | { readonly type: 'unbar'; readonly key: string };

const MERCHANT_ID = /^[A-Za-z0-9-]{1,15}$/;

export function createAcquirerHost(policy: AcquirerPolicy): Machine<AcquirerState, AcquirerInput, AcquirerRecord> {
  return {
    name: `acquirer-${policy.acquirerId}`,
    initial: createAcquirerState,
    decide: (state, input, env) => decide(state, input, env, policy),
    apply: applyAcquirer,
    snapshot: snapshotAcquirer,
    restore: restoreAcquirer,
    received,
    fired({ id }) {
      if (id === reconcileTimer) return { type: 'reconcile' };
      const key = id.slice(id.indexOf('/') + 1);
      if (id === lapseTimer(key)) return { type: 'lapse', key };
      if (id === barTimer(key)) return { type: 'unbar', key };
      throw new InterchangeError('ANSWER_UNFIT', 'not a timer of an acquirer');
    },
  };
}

function received({ id, outcome }: Reply): AcquirerInput {
  const [about, key] = id.split('/') as [string, string];
  const response = outcome.type === 'answered' ? decodeCardResponse(outcome.body) : undefined;
  if (about === 'ask' || about === 'capture' || about === 'reverse') {
    return { type: 'issuer-answer', about, key, ...(response === undefined ? {} : { response }) };
  }
  if (response === undefined)
    throw new InterchangeError('ANSWER_UNFIT', 'a credit or a reconciliation must be answered');
  if (about === 'credit') return { type: 'credit-answer', key, response };
  return { type: 'reconciled', book: key, response };
}

function decide(
  state: AcquirerState,
  input: AcquirerInput,
  env: Env,
  policy: AcquirerPolicy,
): Decision<AcquirerRecord> {
  switch (input.type) {
    case 'message': {
      const { messageId, request } = input;
      if (request.type === 'credit') return decideCredit(state, { messageId, request }, policy);
      return decideGatewayRequest(state, input, env, policy);
    }
    case 'credit-answer':
      return decideCreditAnswer(state, input, env);
    case 'queued':
      return decideQueued(state, input, env, policy);
    case 'issuer-answer':
      return decideIssuerAnswer(state, input, env, policy);
    case 'set-up': {
      const counterparties = [...new Set(policy.issuers.map(({ issuerId }) => issuerId))];
      return { records: openOwnAccounts(state.ledger, env, { counterparties, currencies: input.currencies }) };
    }
    case 'merchant':
      return decideMerchant(state, input, env);
    case 'close-batch':
      return decideCloseBatch(state);
    case 'reconcile':
      return decideReconcile(state, env, policy);
    case 'reconciled':
      return decideReconciled(state, input, env);
    case 'lapse':
      return state.payments.get(input.key)?.status === 'authorised'
        ? { records: [{ type: 'gone', key: input.key, why: 'never captured' }] }
        : { records: [] };
    case 'unbar':
      return { records: [{ type: 'unbarred', key: input.key }] };
  }
}

function decideMerchant(
  state: AcquirerState,
  { merchantId, currencies, active }: Extract<AcquirerInput, { type: 'merchant' }>,
  env: Env,
): Decision<AcquirerRecord> {
  if (!MERCHANT_ID.test(merchantId)) {
    throw new InterchangeError('MERCHANT_INVALID', 'a merchant number has 1 to 15 letters, digits and dashes');
  }
  // Without limit below zero: a reversal must go through even when the merchant has taken the money out.
  const opened = currencies
    .map((currency) => ({ account: merchantAccount(merchantId, currency), currency }))
    .filter(({ account }) => findAccount(state.ledger, account) === undefined)
    .map((own): OpenAccount => ({ type: 'open', ...own, kind: 'merchant', creditLine: UNLIMITED }));
  const known = state.merchants.get(merchantId) === active;
  return {
    records: [
      ...requireLedger(state.ledger, env, ...opened),
      ...(known ? [] : [{ type: 'merchant' as const, merchantId, active }]),
    ],
    keys: [merchantKey(merchantId)],
  };
}
