// A merchant with Hono: the charge is middleware of the route, and a payment for the bytes of a body is one as well.
import { parseArgs } from 'node:util';
import { openTill } from 'handsel';
import { Hono } from 'hono';
import { serveFetch } from './serve-fetch.mjs';

const { values } = parseArgs({ options: { config: { type: 'string' }, port: { type: 'string', default: '8080' } } });
const url = `http://127.0.0.1:${values.port}`;
const till = await openTill({ config: values.config, url });

const app = new Hono();
app.get('/lookup', till.charge({ price: '0.0004 EUR' }), (c) =>
  c.text(`${c.req.query('find')} rises at six (${c.get('payment').reference})\n`),
);
const perWord = ({ body }) => `${(Buffer.from(body).toString().split(' ').length * 0.0001).toFixed(4)} EUR`;
app.post('/translate', till.charge({ priceOf: perWord }), async (c) => c.text((await c.req.text()).toUpperCase()));
app.get('/', (c) => c.text('/lookup?find=dough costs 0.0004 EUR, /translate 0.0001 EUR a word\n'));

serveFetch(app.fetch, { port: Number(values.port), closing: () => till.close() });
process.stdout.write(`sells at ${url}/lookup?find=dough\n`);
