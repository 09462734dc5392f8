/**
 * The card authorisation network for trusted agents (US 5,671,280, figure 21) at an operator: merchants' devices ask it, it asks the operator's
 * acquirer in ISO 8583, and through it the issuers. The owner of a device is named to nobody on the way but the card's issuer.
 */
import { systemRandom } from '../crypto/random.ts';
import { createSealedJournal } from '../journal/sealed-journal.ts';
import type { Iso8583Exchange } from '../set/interchange/tcp-link.ts';
import type { CardRequest, CardTransaction } from '../set/message/card-message.ts';
import { decodeCardResponse, encodeCardRequest } from '../set/message/card-message-codec.ts';
import { retrievalReferenceOf, transmissionTime } from '../set/message/card-message-identity.ts';
import { RESPONSE_CODES } from '../set/message/response-code.ts';
import type { Routes } from '../transport/route.ts';
import { createCardNetwork, readPortMessage } from '../trusted/card/card-network-machine.ts';
import {
  decodeInterchangeRequest,
  encodeInterchangeAnswer,
  type InterchangeAnswer,
  type InterchangeIdentity,
  type InterchangeRequest,
} from '../trusted/card/interchange-request.ts';
import { messageIdentityOf } from '../trusted/message/envelope.ts';
import { CARD_NETWORK_PATH } from './card-network-path.ts';
import type { OperatorConfiguration } from './configuration.ts';
import { readKeyFile } from './key-file.ts';
import { readPrimaryKeys } from './primary-keys.ts';
import { byScheme, localCourier } from './routes.ts';
import type { Surroundings } from './running-party.ts';
import { openJournal, openMachine } from './stores.ts';

/** How the network's own terminal is called in card messages. */
const TERMINAL = 'TICKETS';
const INTERCHANGE = 'local:interchange';

export interface RunningCardNetwork {
  readonly routes: Routes;
  readonly failed: Promise<unknown>;
  close(): Promise<void>;
}

export async function openCardNetwork(options: {
  readonly configuration: Pick<OperatorConfiguration, 'acquirer' | 'store'>;
  readonly network: NonNullable<OperatorConfiguration['cardNetwork']>;
  /** Under which card numbers in the journal are sealed. */
  readonly storageKey: Uint8Array;
  readonly acquirer: Iso8583Exchange;
  readonly path: (relative: string) => string;
  readonly surroundings: Surroundings;
}): Promise<RunningCardNetwork> {
  const { configuration, network, storageKey, acquirer, path, surroundings } = options;
  const scalar = readKeyFile(path(network.privateKey));
  const names = { acquirerId: configuration.acquirer.id, merchantId: network.acceptor };
  const interchange = localCourier({
    async interchange({ body }) {
      const request = decodeInterchangeRequest(body);
      const answer = decodeCardResponse(await acquirer.send(encodeCardRequest(cardRequestOf(request, names))));
      return encodeInterchangeAnswer(answerOf(request, answer));
    },
  });
  const host = await openMachine({
    machine: createCardNetwork({ scalar, lists: readPrimaryKeys(path(network.primaryKeys)), interchange: INTERCHANGE }),
    journal: createSealedJournal({
      journal: await openJournal(configuration.store, path, 'card-network'),
      key: storageKey,
      random: systemRandom,
    }),
    courier: byScheme({ 'local:': interchange }),
    surroundings,
  });
  const routes: Routes = {
    [`POST ${CARD_NETWORK_PATH}`]: async ({ body }: { readonly body: Uint8Array }) => ({
      contentType: 'application/cbor',
      body: await host.handle({ ...messageIdentityOf(body), input: readPortMessage(body, { scalar }) }),
    }),
  };
  return { routes, failed: host.failed, close: () => host.close() };
}

interface Names {
  readonly acquirerId: string;
  readonly merchantId: string;
}

/** An identity of ours as a trace number and a time: with the retrieval reference it is unique for ever. */
function transmissionOf({ number, atMs }: InterchangeIdentity) {
  return { stan: ((number - 1) % 999_999) + 1, transmittedAt: transmissionTime(atMs) };
}

function cardRequestOf(request: InterchangeRequest, names: Names): CardRequest {
  const transaction: CardTransaction = {
    ...{ ...names, ...transmissionOf(request), terminalId: TERMINAL },
    retrievalReference: retrievalReferenceOf(request.transaction),
    pan: request.cardNumber,
    expiry: new Date(request.expiresDay * 86_400_000).toISOString().slice(2, 7).replace('-', ''),
    amount: request.amount,
  };
  if (request.type === 'authorise') return { type: 'authorise', ...transaction };
  const { type, original, approvalCode } = request;
  return {
    ...{ type, ...transaction, original: { type: 'authorise', ...transmissionOf(original) } },
    ...(approvalCode !== undefined && { approvalCode }),
  };
}

function answerOf({ type }: InterchangeRequest, answer: ReturnType<typeof decodeCardResponse>): InterchangeAnswer {
  const { responseCode, approvalCode } = answer;
  // An advice is taken by whoever answers it: what was wrong with it is for the banks to settle.
  if (type !== 'authorise') return { type: 'taken' };
  if (responseCode === RESPONSE_CODES.approved) return { type: 'approved', approvalCode: approvalCode ?? '000000' };
  return { type: 'declined', reason: `the issuer says ${responseCode}` };
}
