/**
 * Puts an operator's stores into PostgreSQL nodes and cuts its accounts into shards, a data base each (docs/scale.md):
 *   node examples/scale/configure.mjs --config scaled/south --nodes /tmp/handsel-nodes --shards 2
 */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { connectionString, openCluster } from '../../scripts/postgres-node-files.mjs';

/** Customers for load.mjs to bring money for, on accounts in both shards. */
const CUSTOMERS = ['anna', 'bill', 'chie', 'dora', 'emil', 'fred', 'gaby', 'hans'];

const { values } = parseArgs({
  options: { config: { type: 'string' }, nodes: { type: 'string' }, shards: { type: 'string', default: '2' } },
});
if (values.config === undefined || values.nodes === undefined) {
  process.stderr.write('configure: say --config with the folder of the operator and --nodes with that of the data base\n');
  process.exit(2);
}
const file = statSync(values.config).isDirectory() ? join(values.config, 'party.json') : values.config;
const operator = JSON.parse(readFileSync(file, 'utf8'));
const cluster = openCluster(values.nodes);
const storeIn = (database) => ({ kind: 'postgres', connection: connectionString(cluster, database) });

operator.store = storeIn(operator.name);
operator.deposits.shards = Array.from({ length: Number(values.shards) }, (_, number) => ({
  store: storeIn(`${operator.name}_${number}`),
}));
const known = new Set(operator.deposits.customers.map(({ name }) => name));
for (const name of CUSTOMERS) {
  if (!known.has(name)) operator.deposits.customers.push({ name, currency: 'EUR', creditMinor: '0' });
}
if (!existsSync(`${file}.before`)) writeFileSync(`${file}.before`, readFileSync(file));
// It holds the password of the data base now.
writeFileSync(file, `${JSON.stringify(operator, null, 2)}\n`, { mode: 0o600 });
process.stdout.write(`${operator.name} keeps its accounts in ${operator.deposits.shards.length} shards\n`);
