/** `handsel fetch`: fetches what has to be paid for, and pays out of deposits within a limit. The body goes to standard output. */

import { once } from 'node:events';
import { createWriteStream, readFileSync, rmSync, type WriteStream } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { HandselError } from '../handsel-error.ts';
import { fetchBounds } from '../party/purse/deposit-control.ts';
import type { DepositView } from '../party/purse/deposit-view.ts';
import type { FetchEnd, Fetched, NotFetched } from '../party/purse/paid-fetch.ts';
import { amount, wholeFrom } from './agent-options.ts';
import { depositLine } from './deposit-words.ts';
import type { GlobalOptions } from './global-options.ts';
import { paidAddress, price } from './paid-address.ts';
import { stationClient } from './station-client.ts';

interface FetchOptions extends GlobalOptions {
  readonly max?: string;
  readonly maxPrice?: string;
  readonly repeat: number;
  readonly atOnce: number;
  readonly method?: string;
  readonly data?: string;
  readonly header?: Record<string, string>;
  readonly out?: string;
}

const NEWLINE = 0x0a;

type Answer = Omit<Fetched, 'body'> & { readonly body: string };
type Line = Answer | NotFetched | FetchEnd;

const EXAMPLES = `
Examples:
  $ handsel fetch "atlas/paid/country-facts?find=France"          one lookup, for a fraction of a cent
  $ handsel fetch "atlas/paid/country-facts?find=Paris" --max 0.05EUR --repeat 100    a hundred, which may cost five cents altogether
  $ handsel fetch https://api.example/weather -o weather.json
  $ handsel fetch "lexicon/paid/currency-codes?find=EUR" --json

The first request opens a deposit at that merchant, if there is none; when it is used up, another is opened; unused for ten minutes it is
closed, and what is left comes back (\`handsel deposit list\`). Without --max all of it counts towards the station's limit of the day.
What was paid is said on standard error. An answer may have up to 8 MiB.`;

export function fetchCommand(): Command {
  return new Command('fetch')
    .description('fetch what has to be paid for: pays out of deposits, within a limit')
    .argument(
      '<url...>',
      'what to fetch: URLs, or a merchant of this network with a path, such as atlas/paid/country-facts',
    )
    .option('--max <amount>', 'the most all of it may cost, e.g. 0.05EUR (default: the limit of the day)', amount)
    .option('--max-price <price>', 'the most one request may cost, e.g. 0.001EUR (default: as configured)', price)
    .option('--repeat <n>', `fetch all of it so many times, up to ${grouped}`, wholeFrom([1, fetchBounds.times]), 1)
    .option('--at-once <n>', 'requests under way at a time, 1 to 16', wholeFrom([1, fetchBounds.atOnce]), 1)
    .option('--method <name>', 'GET, POST, … (default: GET; POST with --data)', methodName)
    .option('--data <text>', 'the body; @FILE takes it from a file')
    .option('--header <name:value>', 'a header field (may be repeated)', headerField)
    .option('-o, --out <file>', 'write the bodies there')
    .option('--json', 'print one JSON object for each answer')
    .addHelpText('after', EXAMPLES)
    .action(fetchAll);
}

const grouped = fetchBounds.times.toLocaleString('en-US');

async function fetchAll(given: readonly string[], options: FetchOptions): Promise<void> {
  const station = stationClient(options);
  const order = orderOf(given, options);
  const file = options.out === undefined ? undefined : await openFile(options.out);
  const out = file ?? process.stdout;
  const single = order.urls.length * order.times === 1;
  let failure: HandselError | undefined;
  for await (const line of station.lines<Line>('/deposits/fetch', order)) {
    if (line.type === 'failed') failure = new HandselError(line.code, line.detail);
    else if (line.type === 'end') tellEnd(line, single, options);
    else await tellAnswer(line, { out, single, options });
  }
  if (file !== undefined) {
    await new Promise<void>((done) => file.end(done));
    if (failure !== undefined && file.bytesWritten === 0) rmSync(options.out!, { force: true });
  }
  if (failure !== undefined) throw failure;
}

function orderOf(given: readonly string[], options: FetchOptions) {
  const { max, maxPrice, repeat, atOnce, method, data, header } = options;
  return {
    urls: given.map((one) => paidAddress(one, options)),
    ...{ times: repeat, atOnce, max, maxPrice, headers: header },
    method: method ?? (data === undefined ? 'GET' : 'POST'),
    ...(data === undefined ? {} : { body: bodyOf(data).toString('base64') }),
  };
}

const bodyOf = (data: string) => (data.startsWith('@') ? readFileSync(data.slice(1)) : Buffer.from(data));

/** Opened before anything is paid. */
async function openFile(file: string): Promise<WriteStream> {
  const stream = createWriteStream(file);
  await once(stream, 'open');
  return stream;
}

async function tellAnswer(
  answer: Answer,
  {
    out,
    single,
    options,
  }: { readonly out: NodeJS.WritableStream; readonly single: boolean; readonly options: FetchOptions },
): Promise<void> {
  const { url, status, contentType, paid } = answer;
  const body = Buffer.from(answer.body, 'base64');
  if (options.json) await write(out, `${JSON.stringify({ url, status, contentType, ...readable(body), paid })}\n`);
  else await write(out, body);
  // What is said next to it begins on a line of its own.
  if (!options.json && out === process.stdout && body.length > 0 && body.at(-1) !== NEWLINE) process.stderr.write('\n');
  if (status >= 400) {
    process.exitCode = 1;
    process.stderr.write(`${url} answers ${status}${paid === undefined ? '' : ', and was paid'}\n`);
  }
  if (!single || options.json) return;
  process.stderr.write(
    paid === undefined
      ? 'nothing was paid\n'
      : `paid ${paid.price} (${paid.cost}) to ${paid.merchant}: purchase ${paid.number} of deposit ${paid.transaction}\n`,
  );
}

/** As text where it is some. */
function readable(body: Buffer): { readonly body: string } | { readonly bodyBase64: string } {
  const text = body.toString('utf8');
  return Buffer.from(text).equals(body) ? { body: text } : { bodyBase64: body.toString('base64') };
}

function tellEnd({ requests, paid, closed }: FetchEnd, single: boolean, { json }: FetchOptions): void {
  if (json) {
    process.stderr.write(`${JSON.stringify({ requests, paid, closed })}\n`);
    return;
  }
  const lines = single ? [] : [`${requests} requests${paid.length === 0 ? ', nothing was paid' : ''}`];
  for (const { purchases, price: sum, cost, merchant, transaction } of single ? [] : paid) {
    lines.push(`paid ${sum} (${cost}) to ${merchant}: ${purchases} purchases of deposit ${transaction}`);
  }
  process.stderr.write(
    [...lines, ...closed.map((deposit: DepositView) => depositLine(deposit))].map((one) => `${one}\n`).join(''),
  );
}

async function write(out: NodeJS.WritableStream, bytes: Uint8Array | string): Promise<void> {
  if (!out.write(bytes)) await once(out, 'drain');
}

function methodName(text: string): string {
  const name = text.toUpperCase();
  if (/^[A-Z]{3,10}$/.test(name)) return name;
  throw new InvalidArgumentError('write a method such as GET or POST');
}

function headerField(text: string, before: Record<string, string> = {}) {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*)$/.exec(text);
  if (match === null) throw new InvalidArgumentError("write NAME:VALUE, such as 'Accept: text/csv'");
  return { ...before, [match[1]!]: match[2]! };
}
