/** A customer who speaks frames by hand, honest in his words only where a test lets him be. */
import type { WebSocket } from 'ws';
import { type Dialled, dialStream } from '../../../src/deposit/customer-http/dial-stream.ts';
import type { SpentToken } from '../../../src/deposit/customer-http/spender.ts';
import { type PaymentChallenge, parseChallenges } from '../../../src/deposit/message/payment-challenge.ts';
import { type DepositPayload, formatCredential } from '../../../src/deposit/message/payment-credential.ts';
import {
  decodeOffer,
  type Offer,
  streamKeyOf,
  streamPaymentDigest,
} from '../../../src/deposit/message/payment-offer.ts';
import { formatFrame, type MerchantFrame, readMerchantFrame } from '../../../src/deposit/message/stream-frame.ts';
import type { ChargedStreams } from './charged-streams.ts';

export interface RawCustomer {
  readonly socket: WebSocket;
  readonly offer: Offer;
  readonly challenge: PaymentChallenge;
  readonly reference: string;
  readonly key: Uint8Array;
  readonly first: DepositPayload;
  /** What came so far, in order; bytes count as messages. */
  readonly frames: (MerchantFrame | Uint8Array)[];
  /** Resolves with how the connection was closed. */
  readonly closed: Promise<number>;
  say(text: string | Uint8Array): void;
  token(sequence: number, units: number): Promise<SpentToken & { readonly transaction: string }>;
  pay(sequence: number, units: number): Promise<void>;
  until(found: (frames: readonly (MerchantFrame | Uint8Array)[]) => boolean): Promise<void>;
  messages(): number;
}

export async function challengeOf({ url }: Pick<ChargedStreams, 'url'>): Promise<PaymentChallenge> {
  const { response } = refusedBy(await dialWith(url, {}));
  if (response.status !== 402) throw new Error(`expected 402, saw ${response.status}`);
  return parseChallenges(response.headers.get('www-authenticate')!)[0]!;
}

export function dialWith(url: string, headers: Readonly<Record<string, string>>): Promise<Dialled> {
  return dialStream(new URL(url), { headers: new Headers(headers), timeoutMs: 2000 });
}

export function dialPaying(url: string, challenge: PaymentChallenge, payload: DepositPayload): Promise<Dialled> {
  return dialWith(url, { authorization: formatCredential(challenge, payload) });
}

export function refusedBy(dialled: Dialled): Extract<Dialled, { type: 'refused' }> {
  if (dialled.type !== 'refused') throw new Error('expected a refusal');
  return dialled;
}

export async function firstPayment(
  { ends }: Pick<ChargedStreams, 'ends'>,
  offer: Offer,
  ahead: number,
): Promise<DepositPayload> {
  const transaction = await ends.spender.ensure(offer);
  const { token, checkpoint } = await ends.spender.pay(transaction, { units: offer.units, request: offer.resource });
  return { transaction, token, ahead, ...(checkpoint && { checkpoint }) };
}

/** With the first payment made. */
export async function rawCustomer(streams: ChargedStreams, { ahead = 0 } = {}): Promise<RawCustomer> {
  const challenge = await challengeOf(streams);
  const offer = decodeOffer(challenge);
  const first = await firstPayment(streams, offer, ahead);
  const dialled = await dialPaying(streams.url, challenge, first);
  if (dialled.type !== 'connected') throw new Error(`refused: ${await dialled.response.text()}`);
  const number = dialled.headers.get('deposit-purchase')!;
  const reference = `${first.transaction}/${number}`;
  return { ...listen(dialled.socket, streams, offer, reference), challenge, first, key: streamKeyOf(first.token) };
}

export function listen(socket: WebSocket, { ends }: Pick<ChargedStreams, 'ends'>, offer: Offer, reference: string) {
  const frames: (MerchantFrame | Uint8Array)[] = [];
  let change = Promise.withResolvers<void>();
  const closed = new Promise<number>((resolve) => socket.once('close', (code) => resolve(code)));
  const changed = () => {
    const { resolve } = change;
    change = Promise.withResolvers();
    resolve();
  };
  socket.on('message', (data: Buffer, isBinary) => {
    frames.push(isBinary ? new Uint8Array(data) : readMerchantFrame(data.toString()));
    changed();
  });
  socket.on('close', changed);
  socket.resume();
  const token = async (sequence: number, units: number) => {
    const transaction = await ends.spender.ensure(offer);
    const request = streamPaymentDigest(offer.resource, reference, sequence);
    return { transaction, ...(await ends.spender.pay(transaction, { units, request })) };
  };
  return {
    ...{ socket, offer, reference, frames, closed, token },
    say: (text: string | Uint8Array) => socket.send(text),
    async pay(sequence: number, units: number) {
      const { number: _, ...paid } = await token(sequence, units);
      socket.send(formatFrame({ type: 'payment', sequence, ...paid }));
    },
    async until(found: (frames: readonly (MerchantFrame | Uint8Array)[]) => boolean) {
      while (!found(frames)) {
        if (socket.readyState > 1) throw new Error(`closed, with ${JSON.stringify(frames.at(-1))}`);
        await change.promise;
      }
    },
    messages: () => frames.filter((frame) => frame instanceof Uint8Array || frame.type === 'message').length,
  };
}

export const has =
  (type: MerchantFrame['type'], count = 1) =>
  (frames: readonly (MerchantFrame | Uint8Array)[]) =>
    frames.filter((frame) => !(frame instanceof Uint8Array) && frame.type === type).length >= count;
