/** The same as `pay-through.ts` from the payee's side, with the steps of `being-paid.ts`. */
import { toHex } from '../../codec/hex.ts';
import type { PaymentRequest } from '../message/payment-talk.ts';
import { TrustedError } from '../message/trusted-error.ts';
import {
  answerPayer,
  hearCommitted,
  hearHeard,
  routeToModule,
  takeCardPayment,
  takeModulePayment,
  voteForModule,
} from './being-paid.ts';
import { reasonOf } from './check-credential.ts';
import { endDealing } from './dealing.ts';
import { doubt, tellOutcome } from './outcome.ts';
import type { Due } from './pay-through.ts';
import type { Talk } from './talk.ts';
import { tellHost } from './to-host.ts';
import type { Turn } from './turn.ts';

/** `refused` and `given up`: nothing comes of it. `over`: both sides know that it is paid. */
export type Collecting = 'under way' | 'refused' | 'given up' | 'over';

/** @throws TrustedError `SESSION_OUT_OF_ORDER` */
export function hearPayer(turn: Turn, talk: Talk, due: Due, request: PaymentRequest): Collecting {
  const { id } = due;
  if (request.type !== 'routed' && toHex(request.transaction) !== id) {
    throw new TrustedError('SESSION_OUT_OF_ORDER', 'a payment for another transaction');
  }
  switch (request.type) {
    case 'pay-by-card':
      return attempt(turn, talk, request.transaction, () => takeCardPayment(turn, talk, request, due));
    case 'pay-by-module':
      return attempt(turn, talk, request.transaction, () => takeModulePayment(turn, talk, request, due.amount));
    case 'routed':
      routeToModule(turn, talk, id, request.bytes);
      return 'under way';
    case 'vote':
      voteForModule(turn, talk, id, due);
      return 'under way';
    case 'committed':
      return hearCommitted(turn, talk, request) ? 'over' : 'under way';
    case 'not-paying':
      endDealing(turn, id, 'abort');
      answerPayer(turn, talk, { type: 'not-paid', transaction: request.transaction, reason: 'given up' });
      return 'given up';
    case 'heard':
      hearHeard(turn, id);
      answerPayer(turn, talk, { type: 'settled', transaction: request.transaction });
      return 'over';
  }
}

function attempt(turn: Turn, talk: Talk, transaction: Uint8Array, work: () => void): Collecting {
  try {
    work();
    return 'under way';
  } catch (error) {
    answerPayer(turn, talk, { type: 'not-paid', transaction, reason: reasonOf(error) });
    return 'refused';
  }
}

/** The port has spoken: whether the payer is still to say that it has heard. By module it has said so already. */
export function isPayerToSay(turn: Turn, id: string | undefined): boolean {
  return turn.state.dealings.get(id ?? '')?.way !== 'module';
}

/** The session is lost while it was paid for: true when nothing was at stake, and nothing will come of it. */
export function loseCollecting(turn: Turn, { matter }: Talk, id: string): boolean {
  const transaction = turn.state.transactions.get(id);
  if (transaction === undefined) {
    endDealing(turn, id, 'abort');
    return true;
  }
  if (transaction.role === 'decider' && transaction.status === 'committed') {
    tellOutcome(turn, transaction, 'committed');
    return false;
  }
  // A voter asks; a decider has asked the network, whose answer decides, and tells the payer then.
  if (transaction.role === 'voter') doubt(turn, transaction);
  tellHost(turn, { type: 'undecided', matter });
  return false;
}
