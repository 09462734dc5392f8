/**
 * What a merchant sells for a fraction of a cent: lookups in its data sets, each paid out of a deposit. They are on a listener of their own
 * that asks for no certificate, because the merchant is not to know who its customers are (ERI-D).
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { toHex, utf8 } from '../codec/hex.ts';
import { sha256 } from '../crypto/digest.ts';
import { createDepositMerchant } from '../deposit/merchant/merchant-machine.ts';
import { receiveTerminate } from '../deposit/merchant/receive-from-customer.ts';
import {
  type OperatorKeys,
  receiveConclude,
  receiveInformation,
  receiveStatement,
} from '../deposit/merchant/receive-from-operator.ts';
import { createTill } from '../deposit/merchant/till.ts';
import { createCharge } from '../deposit/merchant-http/charge.ts';
import { concludeType, statementType, terminateType } from '../deposit/message/conclusion.ts';
import { informationType } from '../deposit/message/initiation.ts';
import { pathOf } from '../deposit/message/route.ts';
import { HandselError } from '../handsel-error.ts';
import { systemClock } from '../journal/clock.ts';
import type { Client } from '../transport/client.ts';
import { createHttpCourier } from '../transport/http-courier.ts';
import type { Handler, Request, Routes } from '../transport/route.ts';
import { serve } from '../transport/server.ts';
import type { CatalogueItem } from './catalogue.ts';
import { chargedHandler } from './charged-handler.ts';
import type { CommunicationIdentity } from './communication.ts';
import { createCommunicationTrust } from './communication-trust.ts';
import type { PaidRoutesConfiguration, StoreConfiguration } from './configuration.ts';
import { readRequest } from './control-request.ts';
import { chainValidation } from './deposit-trust.ts';
import { readKeyFile } from './key-file.ts';
import { type MerchantStatement, merchantStatement } from './merchant-statement.ts';
import { ownCommand } from './own-commands.ts';
import { byScheme } from './routes.ts';
import { closeInOrder, type Surroundings } from './running-party.ts';
import { openJournal, openMachine } from './stores.ts';

export interface PaidRoutes {
  readonly url: string;
  /** For the listener that other parties reach: what the merchant's operator says, and what its own people ask. */
  readonly operatorRoutes: Routes;
  statement(): Promise<MerchantStatement>;
  readonly failed: Promise<unknown>;
  close(): Promise<void>;
}

const closeSchema = z.strictObject({ transaction: z.string().min(1).max(104) });

/** Answers are signed messages, or CBOR null. */
function signed(answer: (request: Request) => Promise<Uint8Array>): Handler {
  return async (request) => ({ contentType: 'application/cose', body: await answer(request) });
}

export async function openPaidRoutes(options: {
  readonly name: string;
  readonly paid: PaidRoutesConfiguration;
  readonly store: StoreConfiguration;
  readonly path: (relative: string) => string;
  readonly items: readonly CatalogueItem[];
  readonly identity: CommunicationIdentity;
  readonly client: Client;
  readonly surroundings: Surroundings;
}): Promise<PaidRoutes> {
  const { name, paid, store, path, items, identity, client, surroundings } = options;
  const { log } = surroundings;
  const clock = systemClock();
  const storageKey = readKeyFile(path(paid.storageKey));
  const host = await openMachine({
    machine: createDepositMerchant({
      signer: { privateKey: identity.privateKey, certificateChain: identity.chain.map(({ der }) => der) },
      operatorUrl: paid.operator.url,
      url: paid.url,
      unit: paid.unit,
      storageKey,
    }),
    journal: await openJournal(store, path, 'deposits'),
    courier: byScheme({ 'https:': createHttpCourier({ client }) }),
    surroundings,
  });
  const till = createTill({ host, clock, storageKey });
  const keys: OperatorKeys = {
    merchant: name,
    operator: paid.operator.name,
    validate: chainValidation(createCommunicationTrust(identity.anchors), clock.nowMs),
  };

  const operatorRoutes: Routes = {
    [`POST ${pathOf(informationType)}`]: signed(async ({ body }) => {
      const input = receiveInformation(body, keys, clock.nowMs());
      const messageId = `information:${input.information.transaction}`;
      return host.handle({ messageId, digest: sha256(body), input });
    }),
    [`POST ${pathOf(concludeType)}`]: signed(async ({ body }) => {
      const input = receiveConclude(body, keys, clock.nowMs());
      // Purchases under way count: their customers have released them.
      await till.settled(input.transaction);
      const messageId = `conclude:${input.transaction}`;
      return host.handle({ messageId, digest: sha256(body), input });
    }),
    [`POST ${pathOf(statementType)}`]: signed(async ({ body }) => {
      const input = receiveStatement(body, keys, clock.nowMs());
      const messageId = `statement:${input.transaction}`;
      return host.handle({ messageId, digest: sha256(body), input });
    }),
    'GET /merchant/deposits': ownCommand(name, () => statement()),
    // The merchant's own will: it sells nothing more out of this deposit.
    'POST /merchant/deposits/close': ownCommand(name, async (request) => {
      const { transaction } = readRequest(request, closeSchema);
      await till.settled(transaction);
      await host.submit({ type: 'conclude', transaction, ending: 'closed' });
      return { transaction, closed: true };
    }),
  };
  const merchant = { name, operator: paid.operator.name, currency: paid.unit.currency };
  const statement = () => merchantStatement(host, merchant);
  const terminate = signed(async ({ body }) => {
    const input = receiveTerminate(body, host.state);
    await till.settled(input.transaction);
    const digest = sha256(body);
    const messageId = `terminate:${input.transaction}:${toHex(digest)}`;
    return host.handle({ messageId, digest, input });
  });

  const charge = createCharge({
    ...{ till, clock, merchant: name, operator: paid.operator.name },
    secrets: [readKeyFile(path(paid.challengeKey))],
    realm: new URL(paid.url).host,
    currency: paid.unit.currency,
    unitNano: paid.unit.nano,
    onFault: (err) => log.warn({ err }, 'a request could not be charged'),
  });
  const gate = charge({ price: paid.price, description: 'One lookup in a data set', readsOnly: true });
  const server = await serve({
    listen: paid.listen,
    tls: { ...identity.serverTls, requireClient: false, askClient: false },
    limits: PAID_LIMITS,
    log,
    routes: {
      [`POST ${pathOf(terminateType)}`]: terminate,
      'GET /paid/:sku': async (request) => {
        // Before anything is charged.
        const item = requireItem(request, items);
        return chargedHandler(gate, () => lookUp(request, item.goods.path))(request);
      },
    },
  });
  return {
    url: server.url,
    operatorRoutes,
    statement,
    failed: host.failed,
    close: () => closeInOrder([() => server.close(), () => host.close()]),
  };
}

/** Requests pay for themselves, and many customers may stand behind one address. */
const PAID_LIMITS = { maxBytes: 64 * 1024, timeoutMs: 15_000, perPeerPerSecond: 20_000, burst: 40_000 } as const;
const MAX_LINES = 20;
const MAX_GOODS_BYTES = 1 << 20;
const MAX_LINE_LENGTH = 2000;

/** @throws HandselError `ROUTE_UNKNOWN` */
function requireItem({ params }: Request, items: readonly CatalogueItem[]): CatalogueItem {
  const item = items.find(({ product }) => product.sku === params.sku);
  if (item !== undefined && item.goods.size <= MAX_GOODS_BYTES) return item;
  throw new HandselError('ROUTE_UNKNOWN', 'there is no such data set to look something up in');
}

/** The first lines of a data set in which the words of `find` occur. */
export async function lookUp({ query }: Pick<Request, 'query'>, path: string) {
  const words = (query.get('find') ?? '').toLowerCase();
  const text = await readFile(path, 'utf8');
  const found = text.split('\n').filter((line) => line.toLowerCase().includes(words));
  const lines = found.slice(0, MAX_LINES).map((line) => line.slice(0, MAX_LINE_LENGTH));
  return { contentType: 'text/plain; charset=utf-8', body: utf8(lines.map((line) => `${line}\n`).join('')) };
}
