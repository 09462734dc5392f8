// A merchant as a fetch handler: what servers of the web's own types run.
import { parseArgs } from 'node:util';
import { openTill } from 'handsel';
import { serveFetch } from './serve-fetch.mjs';

const { values } = parseArgs({ options: { config: { type: 'string' }, port: { type: 'string', default: '8080' } } });
const url = `http://127.0.0.1:${values.port}`;
const till = await openTill({ config: values.config, url });

const handler = till.chargeFetch({ price: '0.0004 EUR' }, (request, payment) => {
  const { searchParams } = new URL(request.url);
  return new Response(`${searchParams.get('find')} rises at six (${payment.reference})\n`);
});

serveFetch(handler, { port: Number(values.port), closing: () => till.close() });
process.stdout.write(`sells at ${url}/lookup?find=dough\n`);
