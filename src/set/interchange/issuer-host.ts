/**
 * The issuer host: the machine of the bank that gave out the cards. It keeps the card accounts, holds money at
 * authorisation, charges it at capture or purchase, gives it back at reversal or when a hold lapses, and owes each
 * acquirer a clearing position until they reconcile. It is the only one who says whether a card is charged.
 */
import { toHex, utf8 } from '../../codec/hex.ts';
import { hmacSha256 } from '../../crypto/digest.ts';
import type { Decision, Env, Machine } from '../../journal/machine.ts';
import { findAccount } from '../../ledger/ledger.ts';
import type { Amount } from '../../money/amount.ts';
import type { CardMessageInput } from './host-entrance.ts';
import { InterchangeError } from './interchange-error.ts';
import { barTimer, decideCardRequest, historyKeyOf, holdTimer, type IssuerPolicy } from './issuer-payment.ts';
import {
  applyIssuer,
  type CardTerms,
  createIssuerState,
  type IssuerRecord,
  type IssuerState,
  restoreIssuer,
  snapshotIssuer,
} from './issuer-state.ts';
import { fundingAccount, openOwnAccounts, requireLedger } from './ledger-step.ts';

export type IssuerInput =
  | CardMessageInput
  /** Opens the issuer's own accounts for these acquirers and currencies; done before is fine. */
  | { readonly type: 'set-up'; readonly acquirerIds: readonly string[]; readonly currencies: readonly string[] }
  /** Done before is fine. `creditLine` in minor units: a debit card's account has none. */
  | { readonly type: 'open-account'; readonly account: string; readonly currency: string; readonly creditLine?: bigint }
  /** The customer brings money. */
  | { readonly type: 'fund'; readonly id: string; readonly account: string; readonly amount: Amount }
  /** A new card, or new terms for one. */
  | { readonly type: 'issue-card'; readonly pan: string; readonly terms: CardTerms }
  /** The stop-list. */
  | { readonly type: 'stop-card'; readonly pan: string; readonly stopped: boolean }
  | { readonly type: 'lapse'; readonly key: string }
  | { readonly type: 'unbar'; readonly key: string };

export interface IssuerHostOptions extends Omit<IssuerPolicy, 'cardIdOf'> {
  /** 32 secret bytes under which card numbers are indexed, so that state and journal hold none. */
  readonly panKey: Uint8Array;
}

const CARD_ID_LENGTH = 32;

export function createIssuerHost(options: IssuerHostOptions): Machine<IssuerState, IssuerInput, IssuerRecord> {
  const { panKey, ...own } = options;
  const cardIdOf = (pan: string) => toHex(hmacSha256(panKey, utf8(pan))).slice(0, CARD_ID_LENGTH);
  const policy: IssuerPolicy = { ...own, cardIdOf };
  return {
    name: `issuer-${options.issuerId}`,
    initial: createIssuerState,
    decide: (state, input, env) => decide(state, input, env, policy),
    apply: applyIssuer,
    snapshot: snapshotIssuer,
    restore: restoreIssuer,
    received() {
      throw new InterchangeError('ANSWER_UNFIT', 'an issuer asks nobody');
    },
    fired({ id }) {
      const key = id.slice(id.indexOf(':') + 1);
      if (id === barTimer(key)) return { type: 'unbar', key };
      if (id === holdTimer(key)) return { type: 'lapse', key };
      throw new InterchangeError('ANSWER_UNFIT', 'not a timer of an issuer');
    },
  };
}

function decide(state: IssuerState, input: IssuerInput, env: Env, policy: IssuerPolicy): Decision<IssuerRecord> {
  const { ledger } = state;
  switch (input.type) {
    case 'message':
      return decideCardRequest(state, input.request, env, policy);
    case 'set-up': {
      const { acquirerIds: counterparties, currencies } = input;
      return { records: openOwnAccounts(ledger, env, { counterparties, currencies }) };
    }
    case 'open-account': {
      const { account, currency, creditLine = 0n } = input;
      if (findAccount(ledger, account) !== undefined) return { records: [] };
      return { records: requireLedger(ledger, env, { type: 'open', account, currency, kind: 'customer', creditLine }) };
    }
    case 'fund': {
      const { id, account, amount } = input;
      const legs = [{ from: fundingAccount(amount.currency), to: account, amount }];
      return { records: requireLedger(ledger, env, { type: 'transfer', id, legs }) };
    }
    case 'issue-card': {
      const { pan, terms } = input;
      if (!/^[0-9]{12,19}$/.test(pan) || findAccount(ledger, terms.account) === undefined) {
        throw new InterchangeError('CARD_UNKNOWN', 'a card needs a number of 12 to 19 digits and an account');
      }
      const cardId = policy.cardIdOf(pan);
      return { records: [{ type: 'card', cardId, terms }], keys: [historyKeyOf(cardId)] };
    }
    case 'stop-card': {
      const cardId = policy.cardIdOf(input.pan);
      if (!state.cards.has(cardId)) throw new InterchangeError('CARD_UNKNOWN', 'there is no such card');
      return { records: [{ type: 'stopped', cardId, stopped: input.stopped }], keys: [historyKeyOf(cardId)] };
    }
    case 'lapse': {
      if (state.payments.get(input.key)?.status !== 'held') return { records: [] };
      const steps = requireLedger(ledger, env, { type: 'release', id: `lapse:${input.key}`, hold: input.key });
      return { records: [...steps, { type: 'lapsed', key: input.key }] };
    }
    case 'unbar':
      return { records: [{ type: 'unbarred', key: input.key }] };
  }
}
