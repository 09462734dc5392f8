/** A ledger asked to do what no decision of its own can have led to: its journal or snapshot is damaged, and the host stops. */
import { HandselError } from '../handsel-error.ts';

export class LedgerError extends HandselError {
  declare readonly code: 'LEDGER_RECORD_UNFIT' | 'LEDGER_SNAPSHOT_UNFIT' | 'LEDGER_IMBALANCE';

  constructor(code: LedgerError['code'], message: string, options: { cause?: unknown } = {}) {
    super(code, message, options);
  }
}
