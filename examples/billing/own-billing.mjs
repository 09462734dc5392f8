// A billing system of the smallest kind: one line of JSON a record, in a file that only grows.
import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs';

/** @param {{ operator: string, timeZone: string, options: Record<string, unknown>, path(relative: string): string }} context */
export function createBillingAdapter({ path, options }) {
  const file = path(options.file ?? 'billing.jsonl');
  // A line with its end has been taken; what a crash left of one is cut off, and comes again.
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole !== text) truncateSync(file, Buffer.byteLength(whole));
  const lines = whole.split('\n').filter((line) => line !== '');
  const taken = new Set(lines.map((line) => JSON.parse(line).id));

  return {
    /** Called at least once for every record: the id says whether it was here before. Whatever is thrown means "again later". */
    async take({ number, day, record, entry }) {
      if (taken.has(record.id)) return;
      // Amounts are bigints in minor units: JSON has no such numbers, so they are written as digits.
      const line = JSON.stringify({ id: record.id, number, day, record, entry }, (_, value) =>
        typeof value === 'bigint' ? String(value) : value,
      );
      appendFileSync(file, `${line}\n`, { mode: 0o600, flush: true });
      taken.add(record.id);
    },

    /** Optional: called at least once for every business day on which something was booked, after its end. */
    async closeDay({ day, accounts }) {
      for (const { account, currency, openingMinor, closingMinor, count } of await accounts()) {
        const id = `${day}:${account}`;
        if (taken.has(id)) continue;
        const balances = { opening: String(openingMinor), closing: String(closingMinor) };
        appendFileSync(file, `${JSON.stringify({ id, currency, count, ...balances })}\n`, { flush: true });
        taken.add(id);
      }
    },
  };
}
