/** Bugs planted between the machines of a SET purchase and their hosts, each with what it must be found by. */
import type { GuardInput } from '../../src/agent/guard/guard-machine.ts';
import type { GuardRecord } from '../../src/agent/guard/guard-record.ts';
import { CryptographicError } from '../../src/handsel-error.ts';
import type { Host } from '../../src/journal/host.ts';
import type { Decision, Machine } from '../../src/journal/machine.ts';
import type { IssuerState } from '../../src/set/interchange/issuer-state.ts';
import { finish, initiate } from '../../src/set/wallet/wallet-decision.ts';
import { lyingJournal } from './lying-journal.ts';
import { newAcquirer } from './set-people.ts';
import type {
  AcquirerParty,
  Alterations,
  GatewayParty,
  GuardParty,
  IssuerParty,
  MerchantParty,
  WalletParty,
} from './set-world.ts';
import type { Party } from './simulation.ts';

export interface Bug {
  readonly name: string;
  readonly alter: Alterations;
  /** What must be seen to be wrong, for the right reason. */
  readonly seenAs: RegExp;
  /** A seed that found it once, tried first: of what takes a rare coincidence. */
  readonly hint?: number;
}

export const bugs: readonly Bug[] = [
  {
    name: 'the issuer answers before the flush',
    alter: { issuer: hasty },
    seenAs: /never approved|charged|counts|another way/,
    hint: 61,
  },
  {
    name: 'the gateway answers before the flush',
    alter: { gateway: hasty },
    seenAs: /charged|declined|disagree|another way/,
  },
  {
    name: 'the merchant answers before the flush',
    alter: { merchant: hasty },
    seenAs: /disagree|charged|never|another way/,
  },
  { name: 'the guard answers before the flush', alter: { guard: hasty }, seenAs: /guard/ },
  {
    name: 'the issuer does not check message identities',
    alter: { issuer: (party) => forgetful(party) },
    seenAs: /charged/,
  },
  {
    name: 'the merchant does not check message identities',
    alter: { merchant: (party) => forgetful(party) },
    seenAs: /disagree|another way/,
  },
  {
    name: 'the wallet does not check message identities',
    alter: { wallet: forgetfulWallet },
    seenAs: /guard and wallet disagree/,
  },
  {
    name: 'the merchant’s outbox gives a repeat another id',
    alter: { merchant: renamingOutbox },
    seenAs: /the shop heard paid,paid/,
  },
  {
    name: 'the gateway forgets at a restart which instructions were used',
    alter: { gateway: forgetsInstructions },
    seenAs: /charged 2 times|charged 1 times and held 1|held 2 times/,
    hint: 26,
  },
  {
    name: 'the merchant tells its shop twice of a payment',
    alter: { merchant: tellsTwice },
    seenAs: /the shop heard paid,paid/,
  },
  {
    name: 'the wallet begins anew where it should inquire',
    alter: { wallet: beginsAnew },
    seenAs: /wallet and merchant disagree/,
  },
  {
    name: 'the wallet takes unknownLID for final',
    alter: { wallet: givesUpEarly },
    seenAs: /failed for SET_unknownLID without need/,
  },
  { name: 'the guard sets aside in two steps', alter: { guard: inTwoSteps }, seenAs: /the guard commits above/ },
  {
    name: 'the guard keeps what it set aside for a purchase that failed',
    alter: { guard: keepsForFailed },
    seenAs: /the guard sets aside/,
  },
  {
    name: 'the gateway does not reverse what was not answered',
    alter: { gateway: neverReverses },
    seenAs: /not paid, but charged [01] times/,
  },
  {
    name: 'the acquirer does not reverse what was not answered',
    alter: { acquirer: neverUndoes },
    seenAs: /charged|counts/,
  },
  {
    name: 'the issuer charges a repeated purchase again',
    alter: { issuer: (party) => forgetful(chargesAgain(party)) },
    seenAs: /charged 2 times/,
  },
  {
    name: 'the acquirer credits a repeated capture again',
    alter: { acquirer: (party) => forgetful(creditsAgain(party)) },
    seenAs: /the acquirer counts 2 charges/,
    hint: 34,
  },
  {
    name: 'the issuer keeps the hold of a reversed authorization',
    alter: { issuer: keepsHold },
    seenAs: /holds .* without a payment/,
  },
  {
    name: 'the issuer forgets a reversal that overtook its request',
    alter: { issuer: forgetsBars },
    seenAs: /not paid, but charged 1 times|held 1 times/,
    hint: 62,
  },
  {
    name: 'an order the shop was told has expired can still be paid',
    alter: { merchant: expiresInWordsOnly },
    seenAs: /the shop heard (expired,paid|paid,expired)/,
  },
  {
    name: 'the merchant takes an order that it said it had not received',
    alter: { merchant: takesItLater },
    seenAs: /wallet and merchant disagree|saw a decline/,
    hint: 159,
  },
  {
    name: 'the merchant refuses a repeat of what it accepted',
    alter: { merchant: refusesRepeats },
    seenAs: /wallet and merchant disagree|another way/,
  },
  {
    name: 'the gateway refuses a repeat of what it accepted',
    alter: { gateway: refusesRepeats },
    seenAs: /not paid, but charged|another way/,
    hint: 46,
  },
  {
    name: 'the acquirer settles what its gateway may still reverse',
    alter: { acquirer: settlesAtOnce },
    seenAs: /not paid, but charged 1 times/,
  },
];

function withMachine<S, I, R>(
  party: Party<S, I, R>,
  change: (machine: Machine<S, I, R>) => Partial<Machine<S, I, R>>,
): Party<S, I, R> {
  return { ...party, machine: { ...party.machine, ...change(party.machine) } };
}

function hasty<S, I, R>(party: Party<S, I, R>): Party<S, I, R> {
  return { ...party, wrapJournal: lyingJournal };
}

/** Every delivery is a new message. */
function forgetful<S, I, R>(party: Party<S, I, R>): Party<S, I, R> {
  const { serve } = party;
  if (serve === undefined) throw new Error('a party without an endpoint');
  return {
    ...party,
    serve(host, message, from) {
      const handle: typeof host.handle = (incoming) => {
        const messageId = `${incoming.messageId} ${deliveries++}`;
        const named = typeof incoming.input === 'object' && incoming.input !== null && 'messageId' in incoming.input;
        return host.handle({
          ...incoming,
          messageId,
          input: named ? { ...incoming.input, messageId } : incoming.input,
        });
      };
      return serve.call(party, { ...host, handle }, message, from);
    },
  };
}

let deliveries = 0;

function forgetfulWallet(party: WalletParty): WalletParty {
  return { ...party, identityOf: ({ id }) => `${id} ${deliveries++}` };
}

function renamingOutbox(party: MerchantParty): MerchantParty {
  return {
    ...party,
    wrapCourier: ({ deliver }) => ({
      deliver: (message, attempt) => deliver({ ...message, id: `${message.id} ${deliveries++}` }, attempt),
    }),
  };
}

function forgetsInstructions(party: GatewayParty): GatewayParty {
  return withMachine(party, ({ restore }) => ({
    restore(bytes) {
      const state = restore(bytes);
      for (const [key, { hPI }] of state.used) {
        if (state.open.has(key)) continue;
        state.used.delete(key);
        state.instructions.delete(hPI);
      }
      return state;
    },
  }));
}

function tellsTwice(party: MerchantParty): MerchantParty {
  return withMachine(party, ({ decide }) => ({
    decide(state, input, env) {
      const decision = decide(state, input, env);
      const { send = [] } = decision;
      const again = send
        .filter(({ id }) => id.includes('/paid/'))
        .map((message) => ({ ...message, id: `${message.id}again` }));
      return { ...decision, send: [...send, ...again] };
    },
  }));
}

function beginsAnew(party: WalletParty): WalletParty {
  return withMachine(party, ({ decide }) => ({
    decide(state, input, env) {
      const decision = decide(state, input, env);
      const inquiry = decision.send?.find(({ kind }) => kind === 'InqReq');
      return inquiry === undefined ? decision : initiate(state.payments.get(inquiry.id.split('/')[0]!)!, env);
    },
  }));
}

function givesUpEarly(party: WalletParty): WalletParty {
  return withMachine(party, ({ decide }) => ({
    decide(state, input, env) {
      if (input.type !== 'errored' || input.error.errorCode !== 'unknownLID') return decide(state, input, env);
      const payment = state.payments.get(input.key.paymentId);
      return payment === undefined ? { records: [] } : finish(payment, 'failed', 'SET_unknownLID');
    },
  }));
}

/** Judges now and writes down a little later. */
function inTwoSteps(party: GuardParty): GuardParty {
  const judged = new Map<string, Decision<GuardRecord>>();
  let later = '';
  return withMachine(party, ({ decide, fired }) => ({
    decide(state, input, env) {
      if (input.type === 'settled') return judged.get(later) ?? { records: [] };
      const decision = decide(state, input, env);
      if (input.type !== 'claim') return decision;
      const id = `later ${input.claim.paymentId}`;
      judged.set(id, decision);
      return { records: [], timers: [{ id, atMs: env.nowMs + 5 }], answer: decision.answer! };
    },
    fired(timer): GuardInput {
      later = timer.id;
      return timer.id.startsWith('later ') ? { type: 'settled' } : fired(timer);
    },
  }));
}

function keepsForFailed(party: GuardParty): GuardParty {
  return withMachine(party, ({ apply }) => ({
    apply(state, record) {
      apply(state, record);
      if (record.type !== 'ended' || record.status === 'paid') return;
      const { mandateId, price } = state.payments.get(record.paymentId)!;
      state.mandates.get(mandateId)!.committedMinor += price.minor;
    },
  }));
}

function neverReverses(party: GatewayParty): GatewayParty {
  return withMachine(party, ({ decide }) => ({
    decide(state, input, env) {
      const { send, ...rest } = decide(state, input, env);
      return input.type === 'silent' || send === undefined ? rest : { ...rest, send };
    },
  }));
}

function neverUndoes(party: AcquirerParty): AcquirerParty {
  return withMachine(party, ({ decide }) => ({
    decide(state, input, env) {
      const { send, ...rest } = decide(state, input, env);
      if (input.type !== 'issuer-answer' || input.about !== 'ask' || send === undefined) {
        return send === undefined ? rest : { ...rest, send };
      }
      return { ...rest, records: [{ type: 'gone', key: input.key, why: 'nobody answered' }] };
    },
  }));
}

function chargesAgain(party: IssuerParty): IssuerParty {
  return withMachine(party, ({ decide }) => ({
    decide(state, input, env) {
      if (input.type !== 'message' || input.request.type !== 'purchase') return decide(state, input, env);
      const payments: IssuerState['payments'] = new Map();
      return decide({ ...state, payments }, input, env);
    },
  }));
}

function creditsAgain(party: AcquirerParty): AcquirerParty {
  return withMachine(party, ({ decide }) => ({
    decide(state, input, env) {
      if (input.type !== 'message' || input.request.type !== 'capture') return decide(state, input, env);
      const payments = new Map(
        [...state.payments].map(([key, payment]) => {
          return [key, payment.status === 'captured' ? { ...payment, status: 'authorised' as const } : payment];
        }),
      );
      return decide({ ...state, payments }, input, env);
    },
  }));
}

function settlesAtOnce(party: AcquirerParty): AcquirerParty {
  return { ...party, machine: newAcquirer(0) };
}

function keepsHold(party: IssuerParty): IssuerParty {
  return withMachine(party, ({ decide }) => ({
    decide(state, input, env) {
      const decision = decide(state, input, env);
      if (input.type !== 'message' || input.request.type !== 'reverse') return decision;
      return { ...decision, records: decision.records.filter(({ type }) => type !== 'ledger') };
    },
  }));
}

function forgetsBars(party: IssuerParty): IssuerParty {
  return withMachine(party, ({ apply }) => ({
    apply(state, record) {
      if (record.type !== 'barred') apply(state, record);
    },
  }));
}

function expiresInWordsOnly(party: MerchantParty): MerchantParty {
  return withMachine(party, ({ decide }) => ({
    decide(state, input, env) {
      const decision = decide(state, input, env);
      return input.type === 'expired' ? { ...decision, records: [] } : decision;
    },
  }));
}

function takesItLater(party: MerchantParty): MerchantParty {
  return withMachine(party, ({ decide }) => ({
    decide(state, input, env) {
      const decision = decide(state, input, env);
      return input.type === 'inquire' ? { records: [], answer: decision.answer! } : decision;
    },
  }));
}

/** As if certificates were checked before it is known that the message was handled. */
function refusesRepeats<S, I extends { readonly type: string }, R>(party: Party<S, I, R>): Party<S, I, R> {
  const { serve } = party;
  return {
    ...party,
    serve(host, message, from) {
      const handle: Host<S, I, R>['handle'] = (incoming) =>
        incoming.input.type === 'refuse' ? Promise.reject(new CryptographicError('refused')) : host.handle(incoming);
      return serve!.call(party, { ...host, handle }, message, from);
    },
  };
}
