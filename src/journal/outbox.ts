/**
 * The outbox: delivers each message byte for byte the same, again and again with growing pauses, until it is answered, refused,
 * expired or cancelled. What it owes is the host's open work; here is only how far each delivery has come.
 */
import type { Clock } from './clock.ts';
import type { Courier, DeliveryAttempt } from './courier.ts';
import type { HostLog } from './host-log.ts';
import type { Outcome, Outgoing, Reply } from './machine.ts';
import type { Undelivered } from './open-work.ts';

export interface Outbox {
  /** The message is durable: its delivery begins. `body` spares the first attempt reading the journal. */
  release(id: string, body?: Uint8Array): void;
  /** The machine could not use the reply: ask again later. */
  retry(id: string): void;
  /** The message was cancelled. */
  forget(id: string): void;
  stop(): void;
}

export interface OutboxOptions {
  readonly undelivered: ReadonlyMap<string, Undelivered>;
  readonly courier: Courier;
  readonly clock: Clock;
  readonly random: (length: number) => Uint8Array;
  readonly log: HostLog;
  readonly readBody: (id: string, sequence: number) => Promise<Uint8Array>;
  readonly onReply: (reply: Reply) => void;
  readonly pace?: OutboxPace;
}

export interface OutboxPace {
  readonly firstPauseMs?: number;
  readonly longestPauseMs?: number;
  /** An attempt is given up after this time. */
  readonly attemptMs?: number;
  /** Attempts at the same time to one destination. */
  readonly perDestination?: number;
}

interface Delivery {
  readonly id: string;
  attempts: number;
  /** Kept only for a first attempt that begins at once. */
  body?: Uint8Array | undefined;
  /** Ends whatever the delivery waits for. */
  stop: () => void;
}

interface Destination {
  active: number;
  readonly queue: Set<Delivery>;
}

export function createOutbox(options: OutboxOptions): Outbox {
  const { undelivered, courier, clock, random, log, readBody, onReply } = options;
  const { firstPauseMs = 200, longestPauseMs = 60_000, attemptMs = 60_000, perDestination = 64 } = options.pace ?? {};
  const deliveries = new Map<string, Delivery>();
  const destinations = new Map<string, Destination>();
  let stopped = false;

  const current = (delivery: Delivery) =>
    !stopped && deliveries.get(delivery.id) === delivery ? undelivered.get(delivery.id) : undefined;

  const queue = (delivery: Delivery) => {
    const message = current(delivery);
    if (message === undefined) return;
    const name = destinationOf(message.to);
    let destination = destinations.get(name);
    if (destination === undefined) {
      destination = { active: 0, queue: new Set() };
      destinations.set(name, destination);
    }
    const { queue } = destination;
    queue.add(delivery);
    delivery.stop = () => queue.delete(delivery);
    pump(name, destination);
    // Whoever has to wait for a place waits without its body.
    if (queue.has(delivery)) delivery.body = undefined;
  };

  const pump = (name: string, destination: Destination) => {
    for (const delivery of destination.queue) {
      if (destination.active >= perDestination) return;
      destination.queue.delete(delivery);
      destination.active++;
      void attempt(delivery).finally(() => {
        destination.active--;
        if (destination.active === 0 && destination.queue.size === 0) destinations.delete(name);
        else pump(name, destination);
      });
    }
  };

  const attempt = async (delivery: Delivery) => {
    const message = current(delivery);
    if (message === undefined) return;
    const leftMs = (message.expiresAtMs ?? Number.POSITIVE_INFINITY) - clock.nowMs();
    if (leftMs <= 0) {
      reply(delivery, message, { type: 'expired' });
      return;
    }
    const abandonable = createAbandonable();
    const cancelTimeout = clock.after(Math.min(attemptMs, leftMs), abandonable.abandon);
    delivery.stop = abandonable.abandon;
    try {
      const result = await abandonable.unless(send(delivery, message, abandonable));
      reply(delivery, message, result);
    } catch (cause) {
      // Whatever nobody needs delivered any more is no loss.
      if (current(delivery) === undefined) return;
      log.warn({ id: delivery.id, to: message.to, kind: message.kind, err: cause }, 'not delivered yet');
      pauseThenQueue(delivery);
    } finally {
      cancelTimeout();
    }
  };

  /** Apart, so that whoever waits for the answer keeps no body. */
  const send = async (delivery: Delivery, message: Undelivered, attempt: DeliveryAttempt) => {
    const body = delivery.body ?? (await readBody(delivery.id, message.sequence));
    delivery.body = undefined;
    return courier.deliver(outgoing(delivery.id, message, body), attempt);
  };

  const reply = (delivery: Delivery, { to, kind }: Undelivered, outcome: Outcome) => {
    if (current(delivery) === undefined) return;
    delivery.stop = () => {};
    onReply({ id: delivery.id, to, kind, outcome });
  };

  const pauseThenQueue = (delivery: Delivery) => {
    const message = current(delivery);
    if (message === undefined) return;
    const longest = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(delivery.attempts++, 30));
    const [high = 0, low = 0] = random(2);
    const pauseMs = longest * (0.5 + (high * 256 + low) / 131_072);
    const leftMs = (message.expiresAtMs ?? Number.POSITIVE_INFINITY) - clock.nowMs();
    // An expired message whose report was of no use is reported again, but not in a tight loop.
    delivery.stop = clock.after(leftMs > 0 ? Math.min(pauseMs, leftMs) : pauseMs, () => queue(delivery));
  };

  return {
    release(id, body) {
      if (stopped || deliveries.has(id) || !undelivered.has(id)) return;
      const delivery = { id, attempts: 0, body, stop: () => {} };
      deliveries.set(id, delivery);
      queue(delivery);
    },
    retry(id) {
      const delivery = deliveries.get(id);
      if (delivery !== undefined) pauseThenQueue(delivery);
    },
    forget(id) {
      const delivery = deliveries.get(id);
      deliveries.delete(id);
      delivery?.stop();
    },
    stop() {
      stopped = true;
      for (const delivery of deliveries.values()) delivery.stop();
      deliveries.clear();
    },
  };
}

const outgoing = (id: string, { to, kind, expiresAtMs }: Undelivered, body: Uint8Array): Outgoing => ({
  ...{ id, to, kind, body },
  ...(expiresAtMs === null ? {} : { expiresAtMs }),
});

/** Messages to one server share its limit, whatever their path. */
function destinationOf(route: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.exec(route)?.[0] ?? route;
}

interface Abandonable extends DeliveryAttempt {
  abandon(): void;
  /** The work's result, unless the attempt is abandoned first: a courier that does not listen must not hold a place for ever. */
  unless<T>(work: Promise<T>): Promise<T>;
}

function createAbandonable(): Abandonable {
  let controller: AbortController | undefined;
  let abandoned = false;
  let give: ((cause: Error) => void) | undefined;
  const cause = () => new Error('the attempt was abandoned');
  return {
    get signal() {
      if (controller === undefined) {
        controller = new AbortController();
        if (abandoned) controller.abort();
      }
      return controller.signal;
    },
    abandon() {
      abandoned = true;
      controller?.abort();
      give?.(cause());
    },
    unless(work) {
      return new Promise((resolve, reject) => {
        give = reject;
        if (abandoned) reject(cause());
        work.then(resolve, reject);
      });
    },
  };
}
