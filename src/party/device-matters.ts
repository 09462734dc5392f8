/**
 * What the host side of a device waits for: a command leads to notices under the matter that it named. To Host says everything at least once,
 * so what nobody waits for any more is let go.
 */
import { toHex } from '../codec/hex.ts';
import { systemRandom } from '../crypto/random.ts';
import { HandselError } from '../handsel-error.ts';
import type { Clock } from '../journal/clock.ts';
import type { HostNotice } from '../trusted/agent/to-host.ts';

export interface DeviceMatters {
  /** A name for a new matter. */
  begin(what: string): string;
  /**
   * Resolves with what `outcome` makes of the first notice of the matter of which it makes something.
   * @throws HandselError `DEVICE_SILENT` after `forMs`
   */
  outcome<T>(matter: string, forMs: number, outcome: (notice: HostNotice) => T | undefined): Promise<T>;
  hear(notice: HostNotice): void;
}

export function createDeviceMatters(clock: Clock): DeviceMatters {
  const waiting = new Map<string, (notice: HostNotice) => void>();
  return {
    begin: (what) => `${what} ${toHex(systemRandom(8))}`,
    outcome(matter, forMs, outcome) {
      return new Promise((resolve, reject) => {
        const cancel = clock.after(forMs, () => {
          waiting.delete(matter);
          reject(new HandselError('DEVICE_SILENT', `the device has not answered for ${forMs / 1000} s`));
        });
        waiting.set(matter, (notice) => {
          const result = outcome(notice);
          if (result === undefined) return;
          waiting.delete(matter);
          cancel();
          resolve(result);
        });
      });
    },
    hear(notice) {
      if ('matter' in notice) waiting.get(notice.matter)?.(notice);
    },
  };
}
