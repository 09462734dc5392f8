/**
 * Settling deposits between operators: at fixed times this operator pays what it owes, and tells its acquirer what others do not owe any
 * more because it was set off against what we owe them.
 */
import type { AccountInput } from '../../deposit/account-manager/account-input.ts';
import type { AccountState } from '../../deposit/account-manager/account-state.ts';
import type { AcquirerInput } from '../../deposit/acquirer/acquirer-input.ts';
import type { AcquirerState } from '../../deposit/acquirer/acquirer-state.ts';
import { exposureTo } from '../../deposit/acquirer/acquirer-state.ts';
import type { Clock } from '../../journal/clock.ts';
import type { Host } from '../../journal/host.ts';
import { type ClearingPosition, listPositions } from '../../ledger/clearing.ts';
import type { Log } from '../../transport/log.ts';

/** Clearing information of our own acquirer is on our own accounts within this time, or both have stopped. */
const UNDER_WAY_MS = 60_000;

export interface DepositSettlement {
  /** Pays now what is owed. Resolves when it is decided; the other operators are told from then on. */
  settle(): Promise<void>;
  stop(): void;
}

interface SettleOptions {
  readonly acquirer: Pick<Host<AcquirerState, AcquirerInput>, 'submit' | 'state'>;
  readonly clock: Clock;
  readonly everyMs: number;
  readonly log: Log;
}

/** The accounts in one place. */
export function settleDeposits(
  options: SettleOptions & { readonly accounts: Pick<Host<AccountState, AccountInput>, 'submit' | 'state'> },
): DepositSettlement {
  const { accounts, ...others } = options;
  return settlePositions({
    ...others,
    pay: () => accounts.submit({ type: 'settle' }),
    positions: () => Promise.resolve(listPositions(accounts.state.ledger)),
  });
}

/** The accounts wherever they are: `pay` pays what is owed now, `positions` tells who owes what. */
export function settlePositions(
  options: SettleOptions & {
    pay(): Promise<void>;
    positions(): Promise<readonly Pick<ClearingPosition, 'counterparty' | 'currency' | 'theyOweMinor'>[]>;
  },
): DepositSettlement {
  const { pay, positions, acquirer, clock, everyMs, log } = options;
  let stopped = false;
  let cancel = () => {};
  let before = new Map<string, bigint>();
  let lookedAtMs = Number.NEGATIVE_INFINITY;

  /** What was cleared between two looks may not be on the accounts yet: only what was too much at both has been set off. */
  const tellSetOff = async () => {
    if (clock.nowMs() - lookedAtMs < UNDER_WAY_MS) return;
    lookedAtMs = clock.nowMs();
    const now = new Map<string, bigint>();
    for (const { counterparty, currency, theyOweMinor } of await positions()) {
      const excess = exposureTo(acquirer.state, counterparty, currency).clearedMinor - theyOweMinor;
      if (excess <= 0n) continue;
      const key = `${currency} ${counterparty}`;
      const earlier = before.get(key) ?? 0n;
      const minor = earlier < excess ? earlier : excess;
      if (minor > 0n) await acquirer.submit({ type: 'settled', operator: counterparty, amount: { currency, minor } });
      now.set(key, excess - minor);
    }
    before = now;
  };
  const settle = async () => {
    await pay();
    await tellSetOff();
  };
  const repeat = () => {
    if (stopped) return;
    const nowMs = clock.nowMs();
    const dueMs = (Math.floor(nowMs / everyMs) + 1) * everyMs;
    cancel = clock.after(dueMs - nowMs, () => {
      // A clock cuts long delays short.
      const due = clock.nowMs() >= dueMs ? settle() : Promise.resolve();
      void due.catch((err: unknown) => log.error({ err }, 'deposits were not settled')).then(repeat);
    });
  };
  repeat();
  return {
    settle,
    stop() {
      stopped = true;
      cancel();
    },
  };
}
