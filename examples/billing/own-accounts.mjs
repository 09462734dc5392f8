// Accounts of the smallest kind: balances and holds in one file, replaced as a whole.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/** @param {{ options: { file: string, currency: string, balances: Record<string, string> }, path(relative: string): string }} context */
export function createAccounts({ path, options }) {
  const file = path(options.file);
  // Minor units as digits; `holds` keeps what became of every id, for ever.
  const state = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { balances: options.balances, holds: {} };
  const save = () => {
    writeFileSync(`${file}.new`, JSON.stringify(state), { mode: 0o600, flush: true });
    renameSync(`${file}.new`, file);
  };
  const available = (customer) => {
    const held = Object.values(state.holds).filter((hold) => hold.customer === customer && hold.status === 'held');
    return held.reduce((left, { minor }) => left - BigInt(minor), BigInt(state.balances[customer] ?? '0'));
  };

  return {
    async lookUp(customer) {
      if (state.balances[customer] === undefined) return undefined;
      return { currency: options.currency, minor: available(customer) };
    },

    async hold({ id, customer, amount }) {
      const known = state.holds[id];
      if (known === undefined) {
        const covered = amount.currency === options.currency && amount.minor <= available(customer);
        state.holds[id] = { customer, minor: String(amount.minor), status: covered ? 'held' : 'declined' };
        save();
      }
      // Asked again it says the same; a hold that was released before it came is declined.
      const { status } = state.holds[id];
      return status === 'held' || status === 'posted' ? { held: true, availableMinor: available(customer) } : { held: false };
    },

    async post({ id, customer, amount }) {
      const hold = state.holds[id];
      if (hold.status === 'posted') return;
      hold.status = 'posted';
      state.balances[customer] = String(BigInt(state.balances[customer]) - amount.minor);
      save();
    },

    async release({ id, customer }) {
      if (state.holds[id]?.status === 'released') return;
      state.holds[id] = { customer, minor: '0', status: 'released' };
      save();
    },
  };
}
