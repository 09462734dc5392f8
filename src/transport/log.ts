/** Structured logs (pino, one JSON object a line). Every fact and text passes `redaction.ts` first, child facts too. */
import { type DestinationStream, pino } from 'pino';
import { redact, redactText } from './redaction.ts';

export type LogFacts = Readonly<Record<string, unknown>>;

/** Facts first, then one sentence. An error goes in as `{ err: error }` and is written with all its causes. */
export interface Log {
  debug(facts: LogFacts, message: string): void;
  info(facts: LogFacts, message: string): void;
  warn(facts: LogFacts, message: string): void;
  error(facts: LogFacts, message: string): void;
  /** A log whose every line carries these facts. */
  child(facts: LogFacts): Log;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** `destination` defaults to standard error, written at once so that a crash loses no line. */
export function createLog(options: { name: string; level: LogLevel; destination?: DestinationStream }): Log {
  const destination = options.destination ?? pino.destination({ dest: 2, sync: true });
  const logger = pino(
    {
      level: options.level,
      base: { name: options.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      // Errors are described by `redact`; pino's own description would drop their causes.
      serializers: { err: (described: unknown) => described },
    },
    destination,
  );
  return wrap(logger, {});
}

type Logger = Pick<ReturnType<typeof pino>, 'debug' | 'info' | 'warn' | 'error' | 'isLevelEnabled'>;

function wrap(logger: Logger, own: LogFacts): Log {
  const write = (level: 'debug' | 'info' | 'warn' | 'error') => (facts: LogFacts, message: string) => {
    if (!logger.isLevelEnabled(level)) return;
    logger[level](redact({ ...own, ...facts }) as object, redactText(message));
  };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (facts) => wrap(logger, { ...own, ...facts }),
  };
}

/** A log that keeps nothing. */
export function silentLog(): Log {
  const log: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
  return log;
}
