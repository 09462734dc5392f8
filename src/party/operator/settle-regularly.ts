/** The acquirer's clock: closes its batch at fixed times of the day, so that what issuers owe is settled, and asks again about books that had not come to rest. */
import type { Clock } from '../../journal/clock.ts';
import type { Host } from '../../journal/host.ts';
import type { AcquirerInput } from '../../set/interchange/acquirer-host.ts';
import type { Log } from '../../transport/log.ts';

const ASK_AGAIN_MS = 60_000;

export interface Settlement {
  /** Close of business, now. Resolves when it is durable; the settling itself follows. */
  closeOfBusiness(): Promise<void>;
  stop(): void;
}

/** `everyMs` divides time from 1970 on: with a day, batches end at midnight UTC. */
export function settleRegularly(options: {
  readonly host: Pick<Host<unknown, AcquirerInput>, 'submit'>;
  readonly clock: Clock;
  readonly everyMs: number;
  readonly log: Log;
}): Settlement {
  const { host, clock, everyMs, log } = options;
  let stopped = false;
  const cancels = new Set<() => void>();

  const tell = async (type: 'close-batch' | 'reconcile') => {
    try {
      await host.submit({ type });
    } catch (err) {
      log.error({ err, type }, 'the acquirer did not take an order');
    }
  };
  const repeat = (delayMs: () => number, act: () => Promise<void>) => {
    if (stopped) return;
    const cancel = clock.after(delayMs(), () => {
      cancels.delete(cancel);
      void act().then(() => repeat(delayMs, act));
    });
    cancels.add(cancel);
  };
  let dueMs = nextMs(clock.nowMs(), everyMs);
  repeat(
    () => Math.max(0, dueMs - clock.nowMs()),
    async () => {
      // A clock cuts long delays short.
      if (clock.nowMs() < dueMs) return;
      dueMs = nextMs(clock.nowMs(), everyMs);
      await tell('close-batch');
    },
  );
  repeat(
    () => ASK_AGAIN_MS,
    () => tell('reconcile'),
  );

  return {
    async closeOfBusiness() {
      await host.submit({ type: 'close-batch' });
    },
    stop() {
      stopped = true;
      for (const cancel of cancels) cancel();
    },
  };
}

function nextMs(nowMs: number, everyMs: number): number {
  return (Math.floor(nowMs / everyMs) + 1) * everyMs;
}
