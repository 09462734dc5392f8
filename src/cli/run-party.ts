/** Runs a party until it is asked to stop: through failovers of its database, and for an operator above it where it is a shard. */
import { systemClock } from '../journal/clock.ts';
import { keepRunning, mayPassByItself } from '../party/running/keep-running.ts';
import type { RunningParty } from '../party/running/running-party.ts';
import type { Log } from '../transport/log.ts';
import type { OperatorAbove } from './shard-process.ts';
import { listenForStop, PartyStopped, type StopRequest, untilStopped } from './until-stopped.ts';

/** @throws what the party cannot start for; PartyStopped when it had to stop by itself for good */
export async function runParty(options: {
  start(): Promise<RunningParty>;
  /** Called when it runs for the first time. */
  started(party: RunningParty, stop: StopRequest): void;
  /** Whether its store may be away for a while and come back. */
  readonly mayPass: boolean;
  /** What is done until the store is there again. */
  readonly meanwhile?: ((closing: Promise<void>) => Promise<void>) | undefined;
  readonly above?: OperatorAbove | undefined;
  readonly log: Log;
}): Promise<void> {
  const { start, started, mayPass, meanwhile, above, log } = options;
  const signals = listenForStop();
  const stop = above === undefined ? signals : { ...signals, asked: Promise.race([signals.asked, above.gone]) };
  try {
    let first: RunningParty | undefined = await start();
    above?.listening(first.url);
    started(first, stop);
    const kept = keepRunning({
      ...{ what: 'the party', log, clock: systemClock() },
      mayPass: (cause) => mayPass && mayPassByItself(cause),
      ...(meanwhile && { meanwhile }),
      start() {
        const running = first === undefined ? start() : Promise.resolve(first);
        first = undefined;
        return running;
      },
    });
    await untilStopped(kept, stop);
  } catch (cause) {
    await above?.failed(cause instanceof PartyStopped ? cause.cause : cause);
    throw cause;
  } finally {
    stop.release();
  }
}
