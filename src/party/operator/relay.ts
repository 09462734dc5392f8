/**
 * Outbox messages between the processes of one operator, many in one request: they gather for a moment, and while a request is under way,
 * so that a busy shard pays for a request by the dozen. Each message has its own outcome, and is delivered again by itself.
 */
import { bytes, list, oneOf, optional, record, type Shaped, text } from '../../codec/shape.ts';
import { decodeShape, encodeShape, type MessageType } from '../../crypto/signed-message.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Clock } from '../../journal/clock.ts';
import type { Courier, CourierResult } from '../../journal/courier.ts';
import type { Outgoing } from '../../journal/machine.ts';
import type { Client } from '../../transport/client.ts';
import { problemFor } from '../../transport/problem.ts';

const MAX_MESSAGES = 256;
const MAX_BODY_BYTES = 65_536;
const MAX_BATCH_BYTES = 1024 * 1024;
/** Nobody waits for these messages: so long the first of a batch waits for others. */
const GATHER_MS = 20;

const messageShape = record({
  id: text({ min: 1, max: 256 }),
  to: text({ min: 1, max: 64 }),
  kind: text({ min: 1, max: 64 }),
  body: bytes({ max: MAX_BODY_BYTES }),
});
type Relayed = Shaped<typeof messageShape>;
const messagesType: MessageType<readonly Relayed[]> = {
  name: 'relayed-messages',
  shape: list(messageShape, { min: 1, max: MAX_MESSAGES }),
  maxBytes: 2 * MAX_BATCH_BYTES,
};

const outcomeShape = record({
  /** `later`: nobody knows what became of it. */
  type: oneOf('answered', 'refused', 'later'),
  body: optional(bytes({ max: MAX_BODY_BYTES })),
  code: optional(text({ max: 64 })),
  detail: optional(text({ max: 500 })),
});
type RelayOutcome = Shaped<typeof outcomeShape>;
const outcomesType: MessageType<readonly RelayOutcome[]> = {
  name: 'relay-outcomes',
  shape: list(outcomeShape, { min: 1, max: MAX_MESSAGES }),
  maxBytes: 2 * MAX_BATCH_BYTES,
};

interface Waiting {
  readonly message: Outgoing;
  resolve(result: CourierResult): void;
  reject(cause: unknown): void;
}

/** `url`: where the other process takes them, asked for each request. @throws (`url`) while it is away */
export function relayCourier(given: { readonly client: Client; readonly clock: Clock; url(): string }): Courier {
  const { client, clock, url } = given;
  const waiting: Waiting[] = [];
  let isBusy = false;

  const send = async (batch: readonly Waiting[]) => {
    const messages = batch.map(({ message: { id, to, kind, body } }) => ({ id, to, kind, body }));
    const body = encodeShape(messagesType, messages);
    const { status, body: answer } = await client.post(url(), { kind: messagesType.name, ...FORM, body });
    if (status !== 200) throw new HandselError('ANSWER_PENDING', `the relay answered with status ${status}`);
    const outcomes = decodeShape(outcomesType, answer);
    for (const [at, { message, resolve, reject }] of batch.entries()) {
      const result = resultOf(outcomes[at]);
      if (result === undefined) reject(new HandselError('ANSWER_PENDING', `${message.to} is busy or away`));
      else resolve(result);
    }
  };
  const sendAll = async () => {
    while (waiting.length > 0) {
      const batch = takeBatch(waiting);
      await send(batch).catch((cause: unknown) => {
        for (const { reject } of batch) reject(cause);
      });
    }
    isBusy = false;
  };
  return {
    deliver(message) {
      return new Promise((resolve, reject) => {
        waiting.push({ message, resolve, reject });
        if (isBusy) return;
        isBusy = true;
        clock.after(GATHER_MS, () => void sendAll());
      });
    },
  };
}

const FORM = { contentType: 'application/cbor', extension: 'cbor' };

function takeBatch(waiting: Waiting[]): readonly Waiting[] {
  let size = 0;
  let count = 0;
  for (const { message } of waiting) {
    size += message.body.length;
    if (count > 0 && (size > MAX_BATCH_BYTES || count >= MAX_MESSAGES)) break;
    count++;
  }
  return waiting.splice(0, count);
}

function resultOf(outcome: RelayOutcome | undefined): CourierResult | undefined {
  if (outcome?.type === 'answered') return { type: 'answered', body: outcome.body ?? new Uint8Array() };
  if (outcome?.type === 'refused') return { type: 'refused', code: outcome.code ?? '', detail: outcome.detail ?? '' };
  return undefined;
}

/** At the other end: each message by itself. What is thrown is a refusal where asking again would not help. @throws MessageError */
export async function answerRelay(
  batch: Uint8Array,
  deliver: (message: Relayed) => Promise<CourierResult>,
): Promise<Uint8Array> {
  const messages = decodeShape(messagesType, batch);
  const outcomes = await Promise.all(
    messages.map(async (message): Promise<RelayOutcome> => {
      try {
        const result = await deliver(message);
        return result.type === 'answered' ? result : { ...result, ...bounded(result) };
      } catch (error) {
        if (!(error instanceof HandselError) || problemFor(error).status >= 500) return { type: 'later' };
        return { type: 'refused', ...bounded({ code: error.code, detail: error.message }) };
      }
    }),
  );
  return encodeShape(outcomesType, outcomes);
}

function bounded({ code, detail }: { readonly code: string; readonly detail: string }) {
  return { code: code.slice(0, 64), detail: detail.slice(0, 500) };
}
