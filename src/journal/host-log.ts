/** What a host needs of a log; the structured log of `transport/log.ts` fits. */

export interface HostLog {
  info(detail: object, message: string): void;
  warn(detail: object, message: string): void;
  error(detail: object, message: string): void;
}
