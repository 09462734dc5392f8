/** The adapter for webhooks: each record as a signed POST, until the receiver answers 2xx. Pauses and repeats are the outbox's. */
import type { KeyObject } from 'node:crypto';
import { isIPv4 } from 'node:net';
import type { Client } from '../../transport/client.ts';
import type { BillingAdapter } from '../book/billing-adapter.ts';
import { BillingError } from '../book/billing-error.ts';
import { eventOf } from './billing-event.ts';
import { contentDigest, fieldString, signatureFields } from './message-signature.ts';

export const WEBHOOK_CONTENT = 'application/json';

export function webhookAdapter(options: {
  /** https, or http on this machine. */
  readonly url: string;
  /** For https one with TLS, else one without; it brings the time limit, and follows no redirection. */
  readonly client: Client;
  readonly privateKey: KeyObject;
  /** By which receivers find the public key: SHA-256 of the certificate in hexadecimal. */
  readonly keyId: string;
  nowMs(): number;
}): BillingAdapter {
  const { url, client, privateKey, keyId, nowMs } = options;
  requireWebhookAddress(url);
  return {
    async take(booked, { signal }) {
      const event = eventOf(booked);
      const body = Buffer.from(JSON.stringify(event), 'utf8');
      const fields = {
        'content-type': WEBHOOK_CONTENT,
        'content-digest': contentDigest(body),
        'idempotency-key': fieldString(event.id),
      };
      const created = { createdSeconds: Math.floor(nowMs() / 1000), keyId, privateKey };
      const headers = { ...fields, ...signatureFields({ method: 'POST', url, fields }, created) };
      const message = { kind: `billing-${event.type}`, contentType: WEBHOOK_CONTENT, extension: 'json', body, headers };
      const { status } = await client.post(url, message, signal);
      // Also what says "never": a receiver that is set up wrongly today must not lose what it is told tomorrow.
      if (status < 200 || status > 299) {
        throw new BillingError('RECEIVER_BUSY', `the receiver answered with status ${status}`, { detail: { status } });
      }
    },
  };
}

/** @throws BillingError `WEBHOOK_INSECURE` */
export function requireWebhookAddress(address: string): void {
  const parsed = URL.parse(address);
  if (parsed === null) throw new BillingError('WEBHOOK_INSECURE', 'expected an https address');
  const { protocol, hostname, username, hash, href } = parsed;
  const local = hostname === 'localhost' || hostname === '[::1]' || (isIPv4(hostname) && hostname.startsWith('127.'));
  if (protocol !== 'https:' && !(protocol === 'http:' && local)) {
    throw new BillingError('WEBHOOK_INSECURE', 'billing records go to https addresses, or to http on this machine');
  }
  if (username !== '' || hash !== '') {
    throw new BillingError('WEBHOOK_INSECURE', 'expected an address without user name and fragment');
  }
  if (href !== address) {
    // Both sides sign and verify this text.
    throw new BillingError('WEBHOOK_INSECURE', `expected the address in its normal form: ${href}`);
  }
}
