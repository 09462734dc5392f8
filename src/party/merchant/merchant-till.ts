/**
 * A merchant's till and what keeps it in touch: the machine on its journal, what its operator and its own people say to it, and what its
 * customers do. Whoever charges stands on it: the lookups of `paid-routes.ts`, or a developer's own server (`open-till.ts`).
 */
import { z } from 'zod';
import { toHex } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { createDepositMerchant } from '../../deposit/merchant/merchant-machine.ts';
import { receiveTerminate } from '../../deposit/merchant/receive-from-customer.ts';
import {
  type OperatorKeys,
  receiveConclude,
  receiveInformation,
  receiveStatement,
} from '../../deposit/merchant/receive-from-operator.ts';
import { createTill } from '../../deposit/merchant/till.ts';
import type { ChargeSetup } from '../../deposit/merchant-http/charge-terms.ts';
import { concludeType, statementType, terminateType } from '../../deposit/message/conclusion.ts';
import { informationType } from '../../deposit/message/initiation.ts';
import { pathOf } from '../../deposit/message/route.ts';
import { systemClock } from '../../journal/clock.ts';
import type { Client } from '../../transport/client.ts';
import { createHttpCourier } from '../../transport/http-courier.ts';
import type { Handler, Request, Routes } from '../../transport/route.ts';
import type { PaidRoutesConfiguration, StoreConfiguration } from '../configuration/configuration.ts';
import { readKeyFile } from '../configuration/key-file.ts';
import { readRequest } from '../owner/control-request.ts';
import { ownCommand } from '../owner/own-commands.ts';
import type { CommunicationIdentity } from '../running/communication.ts';
import { createCommunicationTrust } from '../running/communication-trust.ts';
import { chainValidation } from '../running/deposit-trust.ts';
import { byScheme } from '../running/routes.ts';
import type { Surroundings } from '../running/running-party.ts';
import { openJournal, openMachine } from '../running/stores.ts';
import { type MerchantStatement, merchantStatement } from './merchant-statement.ts';

export interface MerchantTill {
  /** For the listener that other parties reach: what the merchant's operator says, and what its own people ask. */
  readonly operatorRoutes: Routes;
  /** For a listener that asks for no certificate: what customers say, whom the merchant is not to know (ERI-D). */
  readonly customerRoutes: Routes;
  /** For charging at that host. */
  chargeSetup(realm: string): ChargeSetup;
  statement(): Promise<MerchantStatement>;
  readonly failed: Promise<unknown>;
  close(): Promise<void>;
}

export interface MerchantTillOptions {
  readonly name: string;
  readonly paid: PaidRoutesConfiguration;
  readonly store: StoreConfiguration;
  readonly path: (relative: string) => string;
  readonly identity: CommunicationIdentity;
  readonly client: Client;
  readonly surroundings: Surroundings;
}

/** Customers' requests pay for themselves, and many of them may stand behind one address. */
export const CUSTOMER_LIMITS = {
  maxBytes: 64 * 1024,
  timeoutMs: 15_000,
  perPeerPerSecond: 20_000,
  burst: 40_000,
} as const;

const closeSchema = z.strictObject({ transaction: z.string().min(1).max(104) });

/** Answers are signed messages, or CBOR null. */
function signed(answer: (request: Request) => Promise<Uint8Array>): Handler {
  return async (request) => ({ contentType: 'application/cose', body: await answer(request) });
}

export async function openMerchantTill(options: MerchantTillOptions): Promise<MerchantTill> {
  const { name, paid, store, path, identity, client, surroundings } = options;
  const clock = systemClock();
  const storageKey = readKeyFile(path(paid.storageKey));
  const challengeKey = readKeyFile(path(paid.challengeKey));
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
  const merchant = { name, operator: paid.operator.name, currency: paid.unit.currency };
  const statement = () => merchantStatement(host, merchant);

  return {
    operatorRoutes: {
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
      'GET /merchant/deposits': ownCommand(name, statement),
      // The merchant's own will: it sells nothing more out of this deposit.
      'POST /merchant/deposits/close': ownCommand(name, async (request) => {
        const { transaction } = readRequest(request, closeSchema);
        await till.settled(transaction);
        await host.submit({ type: 'conclude', transaction, ending: 'closed' });
        return { transaction, closed: true };
      }),
    },
    customerRoutes: {
      [`POST ${pathOf(terminateType)}`]: signed(async ({ body }) => {
        const input = receiveTerminate(body, host.state);
        await till.settled(input.transaction);
        const digest = sha256(body);
        const messageId = `terminate:${input.transaction}:${toHex(digest)}`;
        return host.handle({ messageId, digest, input });
      }),
    },
    chargeSetup: (realm) => ({
      ...{ till, clock, realm, merchant: name, operator: paid.operator.name },
      secrets: [challengeKey],
      currency: paid.unit.currency,
      unitNano: paid.unit.nano,
      onFault: (err) => surroundings.log.warn({ err }, 'a request could not be charged'),
    }),
    statement,
    failed: host.failed,
    close: () => host.close(),
  };
}
