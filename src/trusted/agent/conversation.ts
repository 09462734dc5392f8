/** What every conversation of an agent has: it opens, hears, and may be lost. New kinds (purchase, credentials, disputes) are added here and in `agent-machine.ts`. */
import type { Outcome } from '../../journal/machine.ts';
import type { Talk } from './talk.ts';
import { tellHost } from './to-host.ts';
import { endTalk, type Turn } from './turn.ts';

export interface Conversation<T extends Talk> {
  /** Both sides know each other. A caller says its first request now; a callee waits. */
  open(turn: Turn, talk: T): void;
  /** A request or an answer. @throws HandselError when it makes no sense: the session is then lost */
  said(turn: Turn, talk: T, payload: Uint8Array): void;
  /** A port of the device that was asked (`port.ts`) has answered, or has not in time. */
  ported?(turn: Turn, talk: T, outcome: Outcome): void;
  /** The session is lost: what is undecided goes on without it. The talk itself is forgotten by the machine. */
  lost(turn: Turn, talk: T, why: string): void;
  /** The payer's money module has the payment ready: it can be paid, and can still be undone. */
  prepared?(turn: Turn, talk: T): void;
  /** This agent's payment port has spoken, and the transaction has ended by it; the other side is told already. */
  decided?(turn: Turn, talk: T, outcome: 'committed' | 'aborted', why: string): void;
}

/** The matter came to nothing (figure 7B): the host side is told, and the session ends. */
export function fail(turn: Turn, talk: Talk, why: string): void {
  tellHost(turn, { type: 'failed', matter: talk.matter, why: why.slice(0, 200) });
  endTalk(turn, talk, why);
}
