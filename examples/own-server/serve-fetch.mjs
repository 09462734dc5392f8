// Serves a fetch handler on node:http. Other hosts do this by themselves; for Hono there is @hono/node-server.
import { createServer } from 'node:http';

export function serveFetch(handler, { port, closing }) {
  const server = createServer(async (req, res) => {
    try {
      const chunks = [];
      for await (const chunk of req) chunks.push(chunk);
      const body = chunks.length === 0 ? undefined : Buffer.concat(chunks);
      const { method, headersDistinct } = req;
      const headers = Object.entries(headersDistinct).map(([name, values]) => [name, values.join(', ')]);
      const response = await handler(new Request(`http://${req.headers.host}${req.url}`, { method, headers, body }));
      res.writeHead(response.status, Object.fromEntries(response.headers));
      res.end(Buffer.from(await response.arrayBuffer()));
    } catch {
      if (!res.headersSent) res.writeHead(500);
      res.end();
    }
  });
  server.listen(port, '127.0.0.1');
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, async () => {
      server.close();
      await closing();
      process.exit();
    });
  }
}
