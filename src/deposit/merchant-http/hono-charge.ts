/** Charging as Hono middleware: `app.get('/weather', forHono({ price: '0.0004 EUR' }), handler)`. */
import type { MiddlewareHandler } from 'hono';
import { MAX_BODY_BYTES } from './bounded-body.ts';
import type { Charge, ChargeOptions, Payment } from './charge-terms.ts';
import { admitRequest, served } from './fetch-charge.ts';

/** What `c.get('payment')` gives the handler; undefined where the route was free for this request. */
export interface PaidVariables {
  payment: Payment | undefined;
}

export function honoCharge(charge: Charge, { maxBodyBytes = MAX_BODY_BYTES }: { readonly maxBodyBytes?: number } = {}) {
  return (options: ChargeOptions): MiddlewareHandler<{ Variables: PaidVariables }> => {
    const gate = charge(options);
    return async (context, next) => {
      const admitted = await admitRequest(gate, context.req.raw, maxBodyBytes);
      if ('response' in admitted) return admitted.response;
      const { admission, request } = admitted;
      context.req.raw = request;
      if (admission.type === 'free') {
        context.set('payment', undefined);
        await next();
        return;
      }
      context.set('payment', admission.payment);
      const response = await served(admission, async () => {
        await next();
        return context.res;
      });
      context.res = undefined; // else Hono adds the headers of the answer as it was
      context.res = response;
    };
  };
}
