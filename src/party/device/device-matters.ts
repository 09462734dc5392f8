/**
 * What the host side of a device waits for: a command leads to notices under the matter that it named. To Host says everything at least once,
 * so what nobody waits for any more is let go.
 */
import { toHex } from '../../codec/hex.ts';
import { systemRandom } from '../../crypto/random.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Clock } from '../../journal/clock.ts';
import type { HostNotice } from '../../trusted/agent/to-host.ts';

export interface DeviceMatters {
  /** A name for a new matter. */
  begin(what: string): string;
  /**
   * Resolves with what `outcome` makes of the first notice of the matter of which it makes something.
   * @throws HandselError `DEVICE_SILENT` after `forMs`
   */
  outcome<T>(matter: string, forMs: number, outcome: (notice: HostNotice) => T | undefined): Promise<T>;
  /** Nobody waits for it any more: it stays without outcome. */
  forget(matter: string): void;
  hear(notice: HostNotice): void;
  /** Whoever still waits is told that nothing will come. */
  close(): void;
}

/** A new certificate is told of without a matter. */
const certifying = ['initialise', 'recertify'];

export function createDeviceMatters(clock: Clock): DeviceMatters {
  const waiting = new Map<string, { hear(notice: HostNotice): void; end(): void; stop(): void }>();
  let closed = false;
  const switchedOff = () => new HandselError('DEVICE_SILENT', 'the device was switched off');
  const silent = (forMs: number) =>
    new HandselError('DEVICE_SILENT', `the device has not answered for ${forMs / 1000} s`);
  return {
    begin: (what) => `${what} ${toHex(systemRandom(8))}`,
    outcome(matter, forMs, outcome) {
      return new Promise((resolve, reject) => {
        if (closed) throw switchedOff();
        const stop = clock.after(forMs, () => {
          waiting.delete(matter);
          reject(silent(forMs));
        });
        waiting.set(matter, {
          hear(notice) {
            const result = outcome(notice);
            if (result === undefined) return;
            waiting.delete(matter);
            stop();
            resolve(result);
          },
          end() {
            stop();
            reject(switchedOff());
          },
          stop,
        });
      });
    },
    hear(notice) {
      if ('matter' in notice) waiting.get(notice.matter)?.hear(notice);
      else if (notice.type === 'certified') for (const matter of certifying) waiting.get(matter)?.hear(notice);
    },
    forget(matter) {
      waiting.get(matter)?.stop();
      waiting.delete(matter);
    },
    close() {
      closed = true;
      for (const { end } of waiting.values()) end();
      waiting.clear();
    },
  };
}
