/**
 * A merchant's till for a server of the merchant's own: whoever has a configuration of `handsel network init` charges for any route with one
 * line. The till has two listeners of its own: one for the merchant's operator and its own people, and one for what customers say
 * besides buying. Routes that are charged for stay on the server they are on.
 */
import type { IncomingMessage } from 'node:http';
import type { MiddlewareHandler } from 'hono';
import { createCharge } from '../../deposit/merchant-http/charge.ts';
import type { Charge, ChargeOptions } from '../../deposit/merchant-http/charge-terms.ts';
import { fetchCharge, type PaidHandler } from '../../deposit/merchant-http/fetch-charge.ts';
import { honoCharge, type PaidVariables } from '../../deposit/merchant-http/hono-charge.ts';
import { type NodeListener, type NodeMiddleware, nodeCharge } from '../../deposit/merchant-http/node-charge.ts';
import type { StreamOptions } from '../../deposit/merchant-http/stream-admission.ts';
import { createStreamCharge, type StreamHandler, type StreamRoute } from '../../deposit/merchant-http/stream-charge.ts';
import { createLog, type LogLevel } from '../../transport/log.ts';
import { serve } from '../../transport/server.ts';
import { ConfigurationError, configurationFile, readConfiguration } from '../configuration/configuration.ts';
import { partyClient, readCommunication, SERVER_LIMITS } from '../running/communication.ts';
import { ownOrigin } from '../running/own-origin.ts';
import { closeInOrder, startInSteps } from '../running/running-party.ts';
import type { MerchantStatement } from './merchant-statement.ts';
import { CUSTOMER_LIMITS, openMerchantTill } from './merchant-till.ts';

export interface TillOptions {
  /** The merchant's configuration file, or its folder. Only one process at a time may run with it. */
  readonly config: string;
  /** Where customers reach the server that charges: `https://api.bakery.example`. They compare it with the URL they asked. */
  readonly url: string;
  /** Of what is written to standard error, one JSON object a line; default `warn`. */
  readonly logLevel?: LogLevel;
}

export interface TillCharge {
  /** Middleware of Hono (`c.get('payment')`) and of Express (`req.payment`). */
  (options: ChargeOptions): NodeMiddleware & MiddlewareHandler<{ Variables: PaidVariables }>;
  /** A listener of node:http: `createServer(till.charge({ price }, (req, res) => …))`; `req.payment`. */
  (options: ChargeOptions, listener: NodeListener): NodeListener;
}

export interface OpenTill {
  /** @throws PaymentError `OPTIONS_UNFIT`, `PRICE_UNFIT`; MoneyError */
  readonly charge: TillCharge;
  /** A fetch handler: `till.chargeFetch({ price }, (request, payment) => new Response(…))`. @throws as `charge` */
  chargeFetch(options: ChargeOptions, handler: PaidHandler): (request: Request) => Promise<Response>;
  /** `server.on('upgrade', till.chargeStream({ price, per: 'message' }, handler).upgrade)`. @throws as `charge` */
  chargeStream(options: StreamOptions, handler: StreamHandler): StreamRoute;
  /** What deposits brought. */
  statement(): Promise<MerchantStatement>;
  /** Resolves with the reason when the till had to stop by itself: end the process, and start it again. */
  readonly failed: Promise<unknown>;
  /** Ends streams, answers what is under way, and closes the listeners. Open deposits stay open for the next start. */
  close(): Promise<void>;
}

/** @throws ConfigurationError; JournalError `JOURNAL_LOCKED` where another process has this merchant's till open */
export async function openTill({ config, url, logLevel = 'warn' }: TillOptions): Promise<OpenTill> {
  const realm = ownOrigin(url).host;
  const file = configurationFile(config);
  const { configuration, path } = readConfiguration('merchant', file);
  const { name, paid, store, listen, peers } = configuration;
  if (paid === undefined)
    throw new ConfigurationError(`${file} has no \`paid\`: this merchant sells nothing out of deposits`);
  const surroundings = { log: createLog({ name, level: logLevel }) };
  const { log } = surroundings;
  const identity = readCommunication(configuration.communication, path);

  return startInSteps(async (opened) => {
    const client = opened(partyClient({ name, identity, surroundings, peers }));
    const till = opened(await openMerchantTill({ name, paid, store, path, identity, client, surroundings }));
    const forOperator = opened(
      await serve({ listen, tls: identity.serverTls, limits: SERVER_LIMITS, log, routes: till.operatorRoutes }),
    );
    const forCustomers = opened(
      await serve({
        listen: paid.listen,
        tls: { ...identity.serverTls, requireClient: false, askClient: false },
        ...{ limits: CUSTOMER_LIMITS, log, routes: till.customerRoutes },
      }),
    );
    const setup = till.chargeSetup(realm);
    const charge = createCharge(setup);
    const chargeStream = createStreamCharge(setup);
    const streams: StreamRoute[] = [];
    return {
      charge: chargeInFront(charge, setup.onFault),
      chargeFetch: fetchCharge(charge),
      chargeStream(options, handler) {
        const route = chargeStream(options, handler);
        streams.push(route);
        return route;
      },
      statement: till.statement,
      failed: till.failed,
      close: () =>
        closeInOrder([
          ...streams.map((route) => () => route.close()),
          () => forCustomers.close(),
          () => forOperator.close(),
          () => till.close(),
          () => client.close(),
        ]),
    };
  });
}

/** One gate a route, whatever calls it: Hono gives a context, Express a request of node:http. */
function chargeInFront(charge: Charge, onFault?: (error: unknown) => void): TillCharge {
  const inFront = (options: ChargeOptions, listener?: NodeListener) => {
    const gate = charge(options);
    const forNode = nodeCharge(() => gate, onFault && { onFault });
    if (listener !== undefined) return forNode(options, listener);
    const [node, hono] = [forNode(options), honoCharge(() => gate)(options)] as readonly Middleware[];
    return (first: unknown, ...rest: unknown[]) => (isIncoming(first) ? node : hono)!(first, ...rest);
  };
  return inFront as unknown as TillCharge;
}

/** Whose type is told by what it is called with. */
type Middleware = (...given: unknown[]) => unknown;

function isIncoming(first: unknown): first is IncomingMessage {
  return typeof first === 'object' && first !== null && 'rawHeaders' in first && 'socket' in first;
}
