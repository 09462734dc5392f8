/**
 * Brings money for an operator's customers as fast as it is booked, and writes down each booking that was acknowledged: load.mjs starts it.
 * Ctrl-C, or SIGTERM, ends it early. A booking that gets no answer, or a refusal that says "later", is asked for again under the same reference.
 */
import { randomInt, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { partyClient, readCommunication } from '../../src/party/running/communication.ts';
import { configurationFile, readConfiguration } from '../../src/party/configuration/configuration.ts';
import { silentLog } from '../../src/transport/log.ts';

const AT_ONCE = 16;
const AGAIN_MS = 250;

const { values } = parseArgs({
  options: {
    config: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    acknowledged: { type: 'string', default: 'acknowledged.txt' },
  },
});
process.on('uncaughtException', (error) => {
  process.stderr.write(`load: ${error.message}\n`);
  process.exit(1);
});
if (values.config === undefined) throw new Error('say whose customers it is for: --config scaled/south');
const { configuration, path } = readConfiguration('operator', configurationFile(values.config));
const { name, deposits, communication } = configuration;
const client = partyClient({
  ...{ name, identity: readCommunication(communication, path), peers: {} },
  surroundings: { log: silentLog() },
});
const customers = deposits.customers.filter(({ creditMinor }) => creditMinor === '0');
const written = createWriteStream(values.acknowledged, { flags: 'a' });
let endMs = Date.now() + Number(values.seconds) * 1000;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    endMs = 0;
  });
}
let acknowledged = 0;
let again = 0;
let lastMs = Date.now();
let longestMs = 0;

await Promise.all(Array.from({ length: AT_ONCE }, bringMoney));
client.close();
await new Promise((resolve) => written.end(resolve));
process.stdout.write(
  `${acknowledged} bookings acknowledged, ${again} asked for again, the longest time without one ${(longestMs / 1000).toFixed(1)} s\n`,
);

async function bringMoney() {
  while (Date.now() < endMs) {
    const customer = customers[randomInt(customers.length)];
    const minor = randomInt(1, 100);
    const reference = randomUUID();
    const amount = `${(minor / 100).toFixed(2)}${customer.currency}`;
    const booking = { customer: customer.name, amount, reference };
    let isDone = await isBooked(booking);
    while (!isDone && Date.now() < endMs) {
      again++;
      await sleep(AGAIN_MS);
      isDone = await isBooked(booking);
    }
    // Whether it was booked after all nobody said.
    if (!isDone) return;
    acknowledged++;
    longestMs = Math.max(longestMs, Date.now() - lastMs);
    lastMs = Date.now();
    written.write(`${reference} ${customer.name} ${minor}\n`);
  }
}

/** @throws Error for a refusal that asking again does not mend */
async function isBooked(booking) {
  const body = Buffer.from(JSON.stringify(booking));
  const message = { kind: 'fund', contentType: 'application/json', extension: 'json', body };
  const answer = await client.post(`${deposits.url}/operator/fund`, message).catch(() => undefined);
  if (answer === undefined || answer.status === 429 || answer.status >= 500) return false;
  if (answer.status === 200) return true;
  throw new Error(`refused: ${Buffer.from(answer.body).toString()}`);
}
