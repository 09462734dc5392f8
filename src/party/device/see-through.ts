/** Commands after which both sides have what was agreed, or neither has: waited for until it is known which. */
import { HandselError } from '../../handsel-error.ts';
import type { TransactionDevice } from '../../trusted/agent/device.ts';
import type { HostCommand } from '../../trusted/agent/host-command.ts';
import type { HostNotice } from '../../trusted/agent/to-host.ts';
import type { DeviceMatters } from './device-matters.ts';

const OUTCOME_MS = 120_000;

/** Done, or why it came to nothing. */
type Ended = 'done' | { readonly why: string };

export interface SeenThrough {
  /** Told of each notice; says whether this one is the end. Where it does not, `over` and `failed` are. */
  hear(notice: HostNotice): Ended | undefined;
  /** What both sides have or neither has, for a person. */
  readonly both: string;
}

/**
 * Gives why it came to nothing; undefined when it is done.
 * @throws HandselError `UNDECIDED` when it goes on by itself, `DEVICE_SILENT`, and whatever refuses the command
 */
export async function seeThrough(
  { device, matters }: { readonly device: TransactionDevice; readonly matters: DeviceMatters },
  command: HostCommand & { readonly matter: string },
  { hear, both }: SeenThrough,
): Promise<string | undefined> {
  const outcome = matters.outcome<Ended | 'undecided'>(command.matter, OUTCOME_MS, (notice) => {
    const ended = hear(notice);
    if (ended !== undefined) return ended;
    if (notice.type === 'over') return 'done';
    if (notice.type === 'undecided') return 'undecided';
    return notice.type === 'failed' ? { why: notice.why } : undefined;
  });
  outcome.catch(() => undefined);
  await device.command(command).catch((error: unknown) => {
    matters.forget(command.matter);
    throw error;
  });
  const ended = await outcome;
  if (ended === 'undecided') {
    throw new HandselError('UNDECIDED', `the other side has not said how it ended: it goes on by itself, and ${both}`);
  }
  return ended === 'done' ? undefined : ended.why;
}

/** Answers a question of the agent's; one that it has given up meanwhile is nobody's loss. */
export function confirmWith(device: TransactionDevice): (session: string, accept: boolean) => void {
  return (session, accept) =>
    void device.command({ type: 'confirm', session, accept: accept ? 1 : 0 }).catch(() => undefined);
}
