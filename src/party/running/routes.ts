/** Sends each outbox message by the courier its route names: `https:` to another party, `iso8583:` to a bank, `local:` next door. */

import { HandselError } from '../../handsel-error.ts';
import type { Courier, CourierResult } from '../../journal/courier.ts';
import type { Outgoing } from '../../journal/machine.ts';

export type Scheme = 'https:' | 'http:' | 'iso8583:' | 'local:' | 'billing:' | 'accounts:' | 'shard:' | 'port:';

export function byScheme(couriers: Readonly<Partial<Record<Scheme, Courier>>>): Courier {
  return {
    deliver(message, attempt) {
      const scheme = message.to.slice(0, message.to.indexOf(':') + 1) as Scheme;
      const courier = couriers[scheme];
      if (courier === undefined) return Promise.resolve({ type: 'refused', code: 'ROUTE_UNKNOWN', detail: scheme });
      return courier.deliver(message, attempt);
    },
  };
}

/**
 * Hands messages to machines of the same party. A refusal of the machine is an answer; anything else (the host has stopped,
 * or is busy) is tried again, just as with a party far away.
 */
export function localCourier(handlers: Readonly<Record<string, (message: Outgoing) => Promise<Uint8Array>>>): Courier {
  return {
    async deliver(message): Promise<CourierResult> {
      const handle = handlers[message.to.slice('local:'.length)];
      if (handle === undefined) return { type: 'refused', code: 'ROUTE_UNKNOWN', detail: message.to };
      try {
        return { type: 'answered', body: await handle(message) };
      } catch (error) {
        if (!(error instanceof HandselError) || AGAIN_LATER.has(error.code)) throw error;
        return { type: 'refused', code: error.code, detail: error.message };
      }
    },
  };
}

const AGAIN_LATER = new Set(['HOST_STOPPED', 'HOST_BUSY']);
