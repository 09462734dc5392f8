/** From the outbox of the billing book to the adapters: what each makes of a record decides whether it comes again. */
import { encodeCbor } from '../../codec/cbor.ts';
import { decodeShape } from '../../crypto/signed-message.ts';
import type { Courier, CourierResult } from '../../journal/courier.ts';
import type { Log } from '../../transport/log.ts';
import type { BillingAdapter, ClosedDay } from './billing-adapter.ts';
import { ADAPTER_ROUTE } from './billing-book.ts';
import { BillingError } from './billing-error.ts';
import { dayClosedType, decodeBooked } from './book-message.ts';

const DONE = encodeCbor(null);

export function adapterCourier(options: {
  readonly adapters: ReadonlyMap<string, BillingAdapter>;
  readonly readDay: (day: string) => ClosedDay;
  readonly log: Log;
}): Courier {
  const { adapters, readDay, log } = options;
  return {
    async deliver({ id, to, kind, body }, attempt): Promise<CourierResult> {
      const adapter = adapters.get(to.slice(ADAPTER_ROUTE.length));
      // It is in the book, from where it can be exported.
      if (adapter === undefined) return { type: 'refused', code: 'ROUTE_UNKNOWN', detail: 'no longer configured' };
      try {
        if (kind === dayClosedType.name)
          await adapter.closeDay?.(readDay(decodeShape(dayClosedType, body).day), attempt);
        else await adapter.take(decodeBooked(body), attempt);
        return { type: 'answered', body: DONE };
      } catch (error) {
        if (!(error instanceof BillingError) || error.code !== 'RECORD_REFUSED') throw error;
        log.error({ id, to, err: error }, 'a billing record is refused for good: it is in the book only');
        return { type: 'refused', code: error.code, detail: error.message };
      }
    },
  };
}
