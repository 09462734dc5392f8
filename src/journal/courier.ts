/** The courier port: carries one outbox message to its destination once; repeating is the outbox's task. */
import type { Outgoing } from './machine.ts';

export type CourierResult =
  | { readonly type: 'answered'; readonly body: Uint8Array }
  | { readonly type: 'refused'; readonly code: string; readonly detail: string };

export interface DeliveryAttempt {
  /** Aborts when nobody waits for the result any more. Made when it is first asked for: most attempts need none. */
  readonly signal: AbortSignal;
}

export interface Courier {
  /** Throws when the message may not have arrived: it is then delivered again later, byte for byte the same. */
  deliver(message: Outgoing, attempt: DeliveryAttempt): Promise<CourierResult>;
}
