/** A merchant who lets a customer in as the real one does, and then says what a test has him say. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { headerOf } from '../../../src/deposit/merchant-http/node-charge.ts';
import {
  createStreamAdmission,
  type PaidEntry,
  type StreamOptions,
} from '../../../src/deposit/merchant-http/stream-admission.ts';
import { streamPaymentDigest } from '../../../src/deposit/message/payment-offer.ts';
import { decodePurchase, worthOf } from '../../../src/deposit/message/purchase.ts';
import {
  type CustomerFrame,
  formatFrame,
  type MerchantFrame,
  readCustomerFrame,
  STREAM_PROTOCOL,
} from '../../../src/deposit/message/stream-frame.ts';
import { systemClock } from '../../../src/journal/clock.ts';
import { createEnds, type Ends, secret, UNIT_NANO } from '../payment-ends.ts';

export interface Lying {
  readonly entry: PaidEntry;
  readonly socket: WebSocket;
  readonly heard: CustomerFrame[];
  say(frame: MerchantFrame): void;
  /** As the real merchant takes it, with its answer. */
  take(payment: Extract<CustomerFrame, { type: 'payment' }>): Promise<void>;
}

export interface LyingMerchant {
  readonly url: string;
  readonly ends: Ends;
  close(): void;
}

/** @param script runs once a connection; frames of the customer are in `heard` and given to `hears` */
export async function startLying(
  script: (lying: Lying) => void,
  { hears, options }: { hears?: (frame: CustomerFrame, lying: Lying) => void; options?: Partial<StreamOptions> } = {},
): Promise<LyingMerchant> {
  const ends = createEnds();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const realm = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const entries = new Map<string, PaidEntry>();
  const paid = new Set<string>();
  const setup = {
    ...{ till: ends.till, secrets: [secret] as const, realm, merchant: 'bakery', operator: 'south' },
    ...{ currency: 'EUR', unitNano: UNIT_NANO, clock: systemClock() },
  };
  const admission = createStreamAdmission(
    setup,
    { price: '0.0004 EUR', per: 'message', ...options },
    {
      find: (reference) => entries.get(reference),
      add: (entry) => void entries.set(entry.payment.reference, entry),
      isFull: false,
      notePayment: (reference) => !paid.has(reference) && paid.add(reference) !== undefined,
    },
  );
  const answers = new WebSocketServer({ noServer: true, handleProtocols: () => STREAM_PROTOCOL });
  server.on('upgrade', async (request, duplex, head) => {
    duplex.on('error', () => {});
    const admitted = await admission.admit({ target: request.url!, header: (name) => headerOf(request, name) });
    if (admitted.type === 'refused') {
      const fields = Object.entries(admitted.headers).map(([name, value]) => `${name}: ${value}`);
      duplex.end(
        `HTTP/1.1 ${admitted.status} no\r\n${fields.join('\r\n')}\r\nconnection: close\r\n\r\n${Buffer.from(admitted.body)}`,
      );
      return;
    }
    const { entry, headers } = admitted;
    answers.once('headers', (lines: string[]) => {
      for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
    });
    answers.handleUpgrade(request, duplex, head, (socket) => {
      const lying: Lying = {
        ...{ entry, socket, heard: [] },
        say: (frame) => socket.send(formatFrame(frame)),
        async take({ sequence, transaction, token, checkpoint }) {
          if (checkpoint !== undefined) await ends.till.checkpoint(transaction, checkpoint);
          const units = worthOf(decodePurchase(token).steps);
          const request = streamPaymentDigest(entry.resource, entry.payment.reference, sequence);
          await ends.till.purchase(transaction, token, { units, unitNano: UNIT_NANO, request });
          entry.account.pay(units);
          lying.say({ type: 'paid', sequence, paid: entry.account.paidUnits });
        },
      };
      socket.on('message', (data: Buffer) => {
        const frame = readCustomerFrame(data.toString());
        lying.heard.push(frame);
        hears?.(frame, lying);
      });
      const { payment, account, sequence } = entry;
      lying.say({ type: 'open', stream: payment.reference, sequence, paid: account.paidUnits, received: 0 });
      script(lying);
    });
  });
  return {
    ...{ url: `ws://${realm}/ticks`, ends },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
