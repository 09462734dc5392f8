/**
 * Messages to those who are not to know who sends them (ERI-D): a customer tells a merchant that a deposit ends. No certificate is shown, and each
 * message goes over a connection of its own, because whoever comes over the same one is the same.
 */
import type { Courier } from '../../journal/courier.ts';
import { type ClientOptions, createClient } from '../../transport/client.ts';
import { createHttpCourier } from '../../transport/http-courier.ts';

export function strangerCourier({
  anchorsPem,
  ...options
}: Omit<ClientOptions, 'tls'> & { readonly anchorsPem: string }): Courier {
  return {
    async deliver(message, attempt) {
      const client = createClient({ ...options, tls: { anchorsPem } });
      try {
        return await createHttpCourier({ client }).deliver(message, attempt);
      } finally {
        client.close();
      }
    },
  };
}
