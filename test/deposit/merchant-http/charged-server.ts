/** Real servers on real sockets that charge for what they serve, once for each way of serving. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Hono } from 'hono';
import { createCharge } from '../../../src/deposit/merchant-http/charge.ts';
import type { Charge, ChargeOptions, ChargeSetup, Payment } from '../../../src/deposit/merchant-http/charge-terms.ts';
import { fetchCharge } from '../../../src/deposit/merchant-http/fetch-charge.ts';
import { honoCharge, type PaidVariables } from '../../../src/deposit/merchant-http/hono-charge.ts';
import { nodeCharge, type PaidIncoming } from '../../../src/deposit/merchant-http/node-charge.ts';
import { createEnds, type Ends, secret, standingClock, UNIT_NANO } from '../payment-ends.ts';

/** What a handler is asked, whatever serves it. */
export interface Served {
  readonly method: string;
  readonly body: string;
  readonly payment: Payment | undefined;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

export type Face = 'node' | 'hono' | 'fetch';

export interface ChargedServer {
  readonly url: string;
  readonly ends: Ends;
  readonly clock: ReturnType<typeof standingClock>;
  readonly served: Served[];
  /** Breaks the connection of the next answers, after they were made. */
  loseAnswers(count: number): void;
  /** New options from the next request on, as after a new start of the server. */
  charge(options: ChargeOptions): void;
  close(): Promise<void>;
}

export interface ServerOptions {
  readonly options?: ChargeOptions;
  readonly setup?: Partial<ChargeSetup>;
  readonly ends?: Ends;
  reply?(served: Served): Reply | Promise<Reply>;
}

type Listener = (req: IncomingMessage, res: ServerResponse) => void;

export async function startCharged(face: Face, given: ServerOptions = {}): Promise<ChargedServer> {
  const { ends = createEnds(), reply = ({ body }) => ({ body: `echo ${body}` }) } = given;
  const clock = standingClock();
  const served: Served[] = [];
  let lost = 0;
  const handle = async (asked: Served) => {
    served.push(asked);
    return reply(asked);
  };
  let listener: Listener = () => {};
  const server = createServer((req, res) => {
    if (lost > 0) {
      lost--;
      // Every other one breaks off in the middle, when its beginning has arrived.
      const inTheMiddle = lost % 2 === 1;
      if (!inTheMiddle) res.write = (() => true) as typeof res.write;
      res.end = (() => {
        setTimeout(() => req.socket.destroy(), inTheMiddle ? 30 : 0);
        return res;
      }) as typeof res.end;
    }
    listener(req, res);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  const realm = `127.0.0.1:${port}`;
  const charge = createCharge({
    ...{ till: ends.till, secrets: [secret], realm, merchant: 'bakery', operator: 'south' },
    ...{ currency: 'EUR', unitNano: UNIT_NANO, clock, ...given.setup },
  });
  const put = (options: ChargeOptions) => {
    listener = faces[face](charge, options, handle);
  };
  put(given.options ?? { price: '0.0004 EUR' });
  return {
    ...{ url: `http://${realm}`, ends, clock, served, charge: put },
    loseAnswers: (count) => {
      lost = count;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Handle = (asked: Served) => Promise<Reply>;

const faces: Readonly<Record<Face, (charge: Charge, options: ChargeOptions, handle: Handle) => Listener>> = {
  node(charge, options, handle) {
    const middleware = nodeCharge(charge)(options);
    return (req, res) =>
      middleware(req, res, async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of req) chunks.push(chunk);
        const { payment } = req as PaidIncoming;
        const {
          status = 200,
          headers,
          body,
        } = await handle({ method: req.method!, body: Buffer.concat(chunks).toString(), payment });
        res.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
        res.write(body.slice(0, 2));
        res.end(body.slice(2));
      });
  },
  hono(charge, options, handle) {
    const app = new Hono<{ Variables: PaidVariables }>();
    app.all('*', honoCharge(charge)(options), async (context) => {
      const asked = { method: context.req.method, body: await context.req.text(), payment: context.get('payment') };
      const { status = 200, headers, body } = await handle(asked);
      return new Response(body, { status, headers: { ...headers } });
    });
    return listening((request) => app.fetch(request));
  },
  fetch(charge, options, handle) {
    return listening(
      fetchCharge(charge)(options, async (request, payment) => {
        const {
          status = 200,
          headers,
          body,
        } = await handle({ method: request.method, body: await request.text(), payment });
        return new Response(body, { status, headers: { ...headers } });
      }),
    );
  },
};

/** The bridge a host of fetch handlers brings along. */
function listening(handler: (request: Request) => Response | Promise<Response>): Listener {
  return async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const headers = Object.entries(req.headersDistinct).map(
      ([name, values]) => [name, values!.join(', ')] as [string, string],
    );
    const request = new Request(`http://${req.headers.host}${req.url}`, {
      ...{ method: req.method!, headers },
      ...(body.length === 0 ? {} : { body }),
    });
    const response = await Promise.resolve(handler(request)).catch(() => new Response('broken', { status: 500 }));
    res.writeHead(response.status, Object.fromEntries(response.headers));
    res.end(Buffer.from(await response.arrayBuffer()));
  };
}
