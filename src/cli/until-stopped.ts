/** Keeps what was started running until a person or the system ends it, or it has to end by itself; then closes it without loss. */
import { HandselError } from '../handsel-error.ts';
import type { RunningParty } from '../party/running/running-party.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** A second signal during the closing is for impatient people: nothing durable is lost by it. */
const IMPATIENT_EXIT = 130;

/** Its cause is what stopped the party. */
export class PartyStopped extends HandselError {}

export interface StopRequest {
  readonly asked: Promise<void>;
  /** Signals do again what they do by themselves. */
  release(): void;
}

/** Listens for signals from now on: to be called before anything is started, so that none comes too early. */
export function listenForStop(): StopRequest {
  const stop = Promise.withResolvers<void>();
  let asked = false;
  const onSignal = () => {
    if (asked) process.exit(IMPATIENT_EXIT);
    asked = true;
    stop.resolve();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    asked: stop.promise,
    release() {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}

/**
 * @throws PartyStopped `PARTY_STOPPED` when a host of it failed: starting again recovers; `PARTY_REPLACED` when another process has taken
 * over its stores
 */
export async function untilStopped(
  { failed, close }: Pick<RunningParty, 'failed' | 'close'>,
  stop: Pick<StopRequest, 'asked'>,
): Promise<void> {
  const end = await Promise.race([
    stop.asked.then(() => ({ cause: undefined })),
    failed.then((cause) => ({ cause: cause ?? new Error('unknown') })),
  ]);
  await close();
  if (end.cause instanceof HandselError && end.cause.code === 'JOURNAL_FENCED') {
    throw new PartyStopped(
      'PARTY_REPLACED',
      'another process has taken over its stores; this one has stopped for good',
      {
        cause: end.cause,
      },
    );
  }
  if (end.cause !== undefined) {
    throw new PartyStopped('PARTY_STOPPED', 'a part of it had to stop; start it again and it recovers', {
      cause: end.cause,
    });
  }
}
