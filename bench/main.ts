/** Runs the measurements by name and prints them: a table for people, `--json` for programs; progress goes to standard error. */
import { describeMachine, type MachineDescription } from './machine.ts';
import type { Measurement } from './measurement.ts';

type Bench = () => Promise<readonly Measurement[]> | readonly Measurement[];

/** Loaded only when asked for, so that one measurement does not carry the memory of the others. */
const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  der: async () => (await import('./der.ts')).benchDer,
  journal: async () => (await import('./journal.ts')).benchJournal,
  ledger: async () => (await import('./ledger.ts')).benchLedger,
  deposit: async () => (await import('./deposit.ts')).benchDeposit,
  'paid-route': async () => (await import('./paid-route.ts')).benchPaidRoute,
  x402: async () => (await import('./x402.ts')).benchX402,
  'account-manager': async () => (await import('./account-manager.ts')).benchAccountManager,
  shards: async () => (await import('./shards.ts')).benchShards,
  'set-purchase': async () => (await import('./set-purchase.ts')).benchSetPurchase,
  delivery: async () => (await import('./delivery.ts')).benchDelivery,
  trusted: async () => (await import('./trusted.ts')).benchTrusted,
  gate: async () => (await import('./gate.ts')).benchGate,
  negotiation: async () => (await import('./negotiation.ts')).benchNegotiation,
  memory: async () => (await import('./memory.ts')).benchMemory,
};

const args = process.argv.slice(2);
const asJson = args.includes('--json');
const asked = args.filter((arg) => !arg.startsWith('-'));
const unknown = asked.filter((name) => !Object.hasOwn(benches, name));

if (unknown.length > 0) {
  process.stderr.write(
    `bench: no measurement is called ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}\n`,
  );
  process.exitCode = 2;
} else {
  const machine = describeMachine();
  const results = await measure(asked.length > 0 ? asked : Object.keys(benches));
  process.stdout.write(asJson ? `${JSON.stringify({ machine, results }, null, 2)}\n` : tableOf(machine, results));
}

async function measure(names: readonly string[]): Promise<readonly Measurement[]> {
  const results: Measurement[] = [];
  for (const name of names) {
    const start = performance.now();
    process.stderr.write(`bench: ${name} …\n`);
    const bench = await benches[name]?.();
    if (bench !== undefined) results.push(...(await bench()));
    process.stderr.write(`bench: ${name} took ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
  }
  return results;
}

function tableOf(machine: MachineDescription, results: readonly Measurement[]): string {
  const { processor, cores, memoryGb, system, node, flushMs } = machine;
  const head = `${processor}, ${cores} cores, ${memoryGb} GB, ${system}, Node ${node}, a flush takes ${flushMs} ms`;
  const width = Math.max(...results.map(({ name }) => name.length), 4);
  const rows = results.map(({ name, value, unit, better, target, met }) => {
    const wanted = target === null ? '' : `${better === 'higher' ? 'at least' : 'at most'} ${shown(target)}`;
    const verdict = target === null ? '' : met ? 'met' : 'MISSED';
    return `${name.padEnd(width)}  ${shown(value).padStart(12)} ${unit.padEnd(14)} ${wanted.padEnd(18)} ${verdict}`.trimEnd();
  });
  return `${head}\n\n${rows.join('\n')}\n`;
}

/** Four significant digits are more than any of these measurements can promise. */
function shown(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(4)));
}
