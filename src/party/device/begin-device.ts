/** What a device does when it is switched on: gets its first certificate, says whom it expects, and meets the network now and then. */
import { rmSync } from 'node:fs';
import { HandselError } from '../../handsel-error.ts';
import type { Clock } from '../../journal/clock.ts';
import type { Log } from '../../transport/log.ts';
import type { TransactionDevice } from '../../trusted/agent/device.ts';
import type { AgentKind } from '../../trusted/message/certificate.ts';
import { readToken } from '../configuration/enrolments.ts';
import type { DoorConfiguration } from '../configuration/trusted-configuration.ts';
import type { DeviceMatters } from './device-matters.ts';
import type { DeviceRefresh } from './device-refresh.ts';
import { DOOR_MATTER } from './door-desk.ts';
import { TILL_MATTER } from './paper-desk.ts';

/** Under which tickets are received. */
const RECEIVE_MATTER = 'receive';
/** Under which disputes are heard. */
const DISPUTE_MATTER = 'disputes';
/** Under which people come for credentials. */
const CREDENTIAL_MATTER = 'credential';
const INITIALISE_MS = 5000;
const PAUSE_MS = 400;
const YEARS_MS = 10 * 365 * 86_400_000;
const MEET_EVERY_MS = 6 * 3_600_000;
/** A server that was away is looked for again after so long. */
const MEET_AGAIN_MS = 60_000;

export interface BeginningDevice {
  readonly device: TransactionDevice;
  readonly matters: DeviceMatters;
  readonly refresh: DeviceRefresh;
  /** Route of the home server. */
  readonly server: string;
  readonly tokenFile: string;
  /** Of a device that is one. */
  readonly door: DoorConfiguration | undefined;
  readonly kind: AgentKind;
  readonly clock: Clock;
  readonly log: Log;
  readonly stop: AbortSignal;
}

/** Resolves when others can deal with the device, or when it is stopped. */
export async function beginDevice(parts: BeginningDevice): Promise<void> {
  const { device, refresh, clock, door, kind, tokenFile, stop } = parts;
  const isNew = device.self() === undefined;
  while (device.self() === undefined && !stop.aborted) await tryToInitialise(parts);
  if (stop.aborted) return;
  rmSync(tokenFile, { force: true });
  // The lists of today came with the certificate.
  if (isNew) refresh.wasMet();
  const untilMs = clock.nowMs() + YEARS_MS;
  // Whoever gives something proves what it is worth: it is taken from anybody.
  await device.command({ type: 'expect', matter: RECEIVE_MATTER, purpose: 'give', untilMs });
  if (kind === 'authority') {
    await device.command({ type: 'expect', matter: CREDENTIAL_MATTER, purpose: 'credential', untilMs });
  }
  if (door !== undefined) await device.command({ type: 'expect', matter: DOOR_MATTER, purpose: 'present', untilMs });
  // Who has a name to be paid in is paid.
  if (kind !== 'customer') await device.command({ type: 'expect', matter: TILL_MATTER, purpose: 'pay', untilMs });
  // Who sold something hears what is wrong with it.
  if (kind === 'merchant')
    await device.command({ type: 'expect', matter: DISPUTE_MATTER, purpose: 'dispute', untilMs });
  const everyMs = door === undefined ? MEET_EVERY_MS : door.refreshMinutes * 60_000;
  meetRegularly({ refresh, clock, stop, log: parts.log, everyMs, firstAfterMs: isNew ? everyMs : 0 });
}

/** A server that is away, or not certified itself yet, is asked again after a pause. */
async function tryToInitialise({ device, matters, server, tokenFile, clock, log, stop }: BeginningDevice) {
  const outcome = matters.outcome<{ readonly why?: string }>('initialise', INITIALISE_MS, (notice) => {
    if (notice.type === 'failed') return { why: notice.why };
    return notice.type === 'certified' ? {} : undefined;
  });
  const answer = outcome.catch((): { readonly why?: string } => ({ why: 'no answer' }));
  const stopped = Promise.withResolvers<{ readonly why?: string }>();
  const onStop = () => stopped.resolve({});
  stop.addEventListener('abort', onStop);
  try {
    await device.command({ type: 'initialise', route: server, token: readToken(tokenFile) }).catch((error: unknown) => {
      // It is under way since before.
      if (!(error instanceof HandselError) || error.code !== 'COMMAND_UNTIMELY') throw error;
    });
    const { why } = await Promise.race([answer, stopped.promise]);
    if (why === undefined) return;
    log.info({ why }, 'the device has no certificate yet: asked again');
    await new Promise<void>((resolve) => clock.after(PAUSE_MS, resolve));
  } finally {
    matters.forget('initialise');
    stop.removeEventListener('abort', onStop);
  }
}

function meetRegularly(parts: {
  readonly refresh: DeviceRefresh;
  readonly clock: Clock;
  readonly stop: AbortSignal;
  readonly log: Log;
  readonly everyMs: number;
  readonly firstAfterMs: number;
}): void {
  const { refresh, clock, stop, log, everyMs, firstAfterMs } = parts;
  const meet = async () => {
    if (stop.aborted) return;
    const why = await refresh.refresh().then(
      ({ serverFailed }) => serverFailed,
      (err: unknown) => err,
    );
    if (why !== undefined) {
      const { listsOf, listsTooOld } = refresh.state();
      const words = listsTooOld ? 'the home server was not met: the lists are too old' : 'the home server was not met';
      log.warn({ why, listsOf }, words);
    }
    again(why === undefined ? everyMs : Math.min(everyMs, MEET_AGAIN_MS));
  };
  let cancel = () => {};
  const again = (afterMs: number) => {
    if (!stop.aborted) cancel = clock.after(afterMs, () => void meet());
  };
  again(firstAfterMs);
  stop.addEventListener('abort', () => cancel());
}
