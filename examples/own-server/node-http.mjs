// A merchant on plain node:http: one route and one stream that cost something, and one route that is free.
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openTill } from 'handsel';

const { values } = parseArgs({ options: { config: { type: 'string' }, port: { type: 'string', default: '8080' } } });
const url = `http://127.0.0.1:${values.port}`;
const till = await openTill({ config: values.config, url });

const lookUp = till.charge({ price: '0.0004 EUR', description: 'One lookup' }, (req, res) => {
  const { searchParams } = new URL(req.url, url);
  res.setHeader('content-type', 'text/plain');
  res.end(`${searchParams.get('find')} rises at six (${req.payment.reference})\n`);
});
const flour = till.chargeStream({ price: '0.0002 EUR', per: 'message' }, async (stream) => {
  for (let price = 80; price < 110; price++) {
    await stream.send(`flour 0.${price}`);
    await sleep(10);
  }
});

const server = createServer((req, res) => {
  if (req.url.startsWith('/lookup')) lookUp(req, res);
  else res.end('Bread and prices: /lookup?find=dough costs 0.0004 EUR\n');
});
server.on('upgrade', flour.upgrade);
server.listen(Number(values.port), '127.0.0.1', () => process.stdout.write(`sells at ${url}/lookup?find=dough\n`));

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    server.close();
    await till.close();
    process.exit();
  });
}
