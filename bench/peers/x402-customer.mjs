/** The customer's end of x402, as its own packages make it: an account of viem signs every payment. */

import { ExactEvmScheme } from '@x402/evm/exact/client';
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client, x402HTTPClient } from '@x402/fetch';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';

export function createX402Customer() {
  const client = new x402Client().register('eip155:*', new ExactEvmScheme(privateKeyToAccount(generatePrivateKey())));
  const http = new x402HTTPClient(client);
  return {
    fetch: wrapFetchWithPayment(fetch, client),
    /** True when the answer says that it was paid. */
    wasPaid: (response) => decodePaymentResponseHeader(response.headers.get('PAYMENT-RESPONSE')).success,
    /** The header fields that pay for as many requests, each signed anew. */
    async payments(url, count) {
      const response = await fetch(url);
      const required = http.getPaymentRequiredResponse((name) => response.headers.get(name), await response.json());
      const fields = [];
      for (let at = 0; at < count; at++) {
        fields.push(http.encodePaymentSignatureHeader(await client.createPaymentPayload(required)));
      }
      return fields;
    },
  };
}
