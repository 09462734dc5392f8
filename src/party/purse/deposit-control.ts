/** The person's endpoint, as far as deposits go: fetching what is paid for, and what the desk does. */
import { Readable } from 'node:stream';
import { z } from 'zod';
import { utf8 } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Request, Routes } from '../../transport/route.ts';
import { amountField, priceField } from '../configuration/money-field.ts';
import { type Guarded, inJson, readRequest } from '../owner/control-request.ts';
import type { CustomerDepositsRunning } from './customer-deposits.ts';
import type { FetchEvent, FetchOrder } from './paid-fetch.ts';

const url = z.url({
  protocol: /^https?$/,
  message: 'expected a URL such as https://127.0.0.1:7405/paid/country-facts',
});
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

const between = (least: number, most: number) => {
  const words = `expected a whole number from ${least} to ${most}`;
  return z.number(words).int(words).min(least, words).max(most, words);
};

export const fetchBounds = { urls: 64, times: 1_000_000, atOnce: 16 } as const;
/** Milliseconds: how long a deposit may be open, and how long unused. */
export const depositTimes = { length: [MINUTE_MS, 90 * DAY_MS], idle: [1000, 30 * DAY_MS] } as const;

const fetchSchema = z.strictObject({
  urls: z.array(url).min(1).max(fetchBounds.urls, `expected at most ${fetchBounds.urls} URLs`),
  times: between(1, fetchBounds.times).default(1),
  atOnce: between(1, fetchBounds.atOnce).default(1),
  method: z
    .string()
    .regex(/^[A-Z]{3,10}$/, 'expected a method such as GET')
    .default('GET'),
  headers: z.record(z.string().max(100), z.string().max(4096)).default({}),
  /** Base64. */
  body: z.base64('expected base64').default(''),
  max: amountField.optional(),
  maxPrice: priceField.optional(),
});

const openSchema = z.strictObject({
  url,
  amount: amountField.optional(),
  lengthMs: between(...depositTimes.length).optional(),
  idleMs: between(...depositTimes.idle).optional(),
});

const ratesSchema = z.strictObject({ renew: z.boolean().default(false), price: priceField.optional() });

/** Without deposits every one of these routes says so. */
export function depositControl(deposits: CustomerDepositsRunning | undefined, guarded: Guarded): Routes {
  const running = (): CustomerDepositsRunning => {
    if (deposits !== undefined) return deposits;
    throw new HandselError('DEPOSITS_MISSING', 'this station has no account for deposits: its configuration has none');
  };
  const answering = (answer: (request: Request) => Promise<unknown>) =>
    guarded(async (request) => inJson(await answer(request)));
  const id = ({ params }: Request) => params.id!;

  return {
    'POST /deposits/fetch': guarded(async (request) => {
      const events = running().fetch(orderOf(readRequest(request, fetchSchema)));
      return { contentType: 'application/x-ndjson', body: Readable.from(linesOf(events)) };
    }),
    'POST /deposits/close': answering(() => running().desk.closeAll()),
    'POST /deposits': answering((request) => running().desk.open(openOrder(readRequest(request, openSchema)))),
    'GET /deposits': answering(({ query }) => running().desk.list({ finished: query.get('finished') === 'true' })),
    'GET /deposits/:id': answering((request) => running().desk.show(id(request))),
    'POST /deposits/:id/close': answering((request) => running().desk.close(id(request))),
    'GET /statement': answering(() => running().desk.statement()),
    'POST /rates': answering((request) => {
      const { renew, price } = readRequest(request, ratesSchema);
      return running().desk.rates({ renew, ...(price === undefined ? {} : { price }) });
    }),
  };
}

function orderOf({ max, maxPrice, body, ...rest }: z.infer<typeof fetchSchema>): FetchOrder {
  const dearest = maxPrice === undefined ? {} : { maxPrice };
  return {
    ...rest,
    body: new Uint8Array(Buffer.from(body, 'base64')),
    ...(max === undefined ? dearest : { own: { max, ...dearest } }),
  };
}

function openOrder({ url, amount, lengthMs, idleMs }: z.infer<typeof openSchema>) {
  return {
    url,
    ...(amount === undefined ? {} : { amount }),
    ...(lengthMs === undefined ? {} : { lengthMs }),
    ...(idleMs === undefined ? {} : { idleMs }),
  };
}

/** One JSON object a line; bodies in base64. What goes wrong altogether is the last line. */
async function* linesOf(events: AsyncGenerator<FetchEvent>): AsyncGenerator<Uint8Array> {
  try {
    for await (const event of events) {
      const plain = event.type === 'answer' ? { ...event, body: Buffer.from(event.body).toString('base64') } : event;
      yield utf8(`${JSON.stringify(plain)}\n`);
    }
  } catch (error) {
    if (!(error instanceof HandselError)) throw error;
    yield utf8(`${JSON.stringify({ type: 'failed', code: error.code, detail: error.message })}\n`);
  }
}
