/** A process that serves one file twice: as a merchant serves its packages, and as the plainest static file server does. */
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import { servePackage } from '../src/delivery/sender/serve-package.ts';
import { silentLog } from '../src/transport/log.ts';
import { serve } from '../src/transport/server.ts';
import { answerParent } from './child.ts';

const [file] = process.argv.slice(2) as [string];
const CHUNK = 262_144;
const LIMITS = { maxBytes: 1 << 20, timeoutMs: 60_000, perPeerPerSecond: 100_000, burst: 100_000 };

const ours = await serve({
  ...{ listen: { host: '127.0.0.1', port: 0 }, limits: LIMITS, log: silentLog() },
  routes: { 'GET /package': (request) => servePackage(request, { file, package: '0'.repeat(64) }) },
});
const plain = createServer((_, response) => {
  response.writeHead(200, { 'content-length': statSync(file).size });
  pipeline(createReadStream(file, { highWaterMark: CHUNK }), response, () => {});
});
await new Promise<void>((resolve) => void plain.listen(0, '127.0.0.1', resolve));
const { port } = plain.address() as AddressInfo;
answerParent({ ours: `${ours.url}/package`, plain: `http://127.0.0.1:${port}/` }, {}, async () => {
  plain.close();
  await ours.close(0);
});
