/**
 * Compares what load.mjs was told with what the operator has: bookings in its billing book, money on its accounts (docs/scale.md).
 *   node examples/scale/compare.mjs acknowledged.txt scaled/south/billing accounts.json
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [acknowledgedFile, billingFolder, accountsFile] = process.argv.slice(2);
if (accountsFile === undefined) {
  process.stderr.write('compare: say three files: acknowledged.txt, the folder of the billing book, accounts.json\n');
  process.exit(2);
}
const linesOf = (file) => readFileSync(file, 'utf8').split('\n').filter(Boolean);
const complaints = [];

const booked = new Map();
const days = readdirSync(billingFolder).filter((name) => name.endsWith('.csv'));
const rows = days.flatMap((day) => linesOf(join(billingFolder, day)).map((line) => line.trim().split(',')));
const column = (name) => rows[0].indexOf(name);
for (const row of rows.filter((one) => one[column('type')] === 'funding')) {
  const reference = row[column('reference')].replace(/^fund:/, '');
  const minor = Math.round(Number(row[column('amount')]) * 100);
  if (booked.has(reference)) complaints.push(`${reference} is booked twice`);
  booked.set(reference, { customer: row[column('customer')], minor });
}

const acknowledged = linesOf(acknowledgedFile).map((line) => line.split(' '));
for (const [reference, customer, minor] of acknowledged) {
  const found = booked.get(reference);
  if (found === undefined) complaints.push(`${reference} was acknowledged and is lost`);
  else if (found.customer !== customer || found.minor !== Number(minor)) complaints.push(`${reference} is booked wrong`);
}

const { deposits } = JSON.parse(readFileSync(accountsFile, 'utf8'));
const sums = new Map();
for (const { customer, minor } of booked.values()) sums.set(customer, (sums.get(customer) ?? 0) + minor);
for (const [customer, minor] of sums) {
  const { balance } = deposits.accounts.find(({ account }) => account === `customer:${customer}`);
  if (Number(balance) !== minor) complaints.push(`${customer} has ${balance}, but ${minor} were booked`);
}
const totals = new Map();
for (const { currency, balance } of deposits.accounts) totals.set(currency, (totals.get(currency) ?? 0n) + BigInt(balance));
for (const [currency, total] of totals) if (total !== 0n) complaints.push(`all accounts in ${currency} sum to ${total}`);
complaints.push(...deposits.violations);

for (const complaint of complaints.slice(0, 20)) process.stdout.write(`WRONG: ${complaint}\n`);
process.stdout.write(
  `${acknowledged.length} acknowledged, ${booked.size} booked: ${complaints.length === 0 ? 'nothing lost, nothing doubled' : `${complaints.length} complaints`}\n`,
);
process.exitCode = complaints.length === 0 ? 0 : 1;
