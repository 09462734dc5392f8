import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readConfiguration, readJsonFile } from '../../../src/party/configuration/configuration.ts';
import { issuedCards } from '../../../src/party/configuration/issued-cards.ts';
import { type RunningOperator, startOperator } from '../../../src/party/operator/operator.ts';
import { partyClient, readCommunication } from '../../../src/party/running/communication.ts';
import { createIso8583Link, type Iso8583Link } from '../../../src/set/interchange/tcp-link.ts';
import type { CardResponse, PaymentRequest } from '../../../src/set/message/card-message.ts';
import { decodeCardResponse, encodeCardRequest } from '../../../src/set/message/card-message-codec.ts';
import { decodeMessage } from '../../../src/set/message/message-wrapper.ts';
import { provisionIn, readableLog, temporaryFolder } from '../network/network-fixture.ts';

const { folder, remove } = temporaryFolder();
const home = join(folder, 'home');
const southFile = join(home, 'south/party.json');
const { log, lines } = readableLog();
let card: { readonly pan: string; readonly expiry: string };
let south: RunningOperator;
const links: Iso8583Link[] = [];

beforeAll(async () => {
  await provisionIn(home);
  card = readJsonFile(join(home, 'south/issuer/cards.json'), issuedCards)[0]!;
});
beforeEach(async () => {
  south = await startOperator(southFile, { log });
});
afterEach(async () => {
  for (const link of links.splice(0)) link.close();
  await south.close();
});
afterAll(remove);

function identityOf(name: 'north' | 'atlas' | 'south') {
  const kind = name === 'atlas' ? 'merchant' : 'operator';
  const { configuration, path } = readConfiguration(kind, join(home, name, 'party.json'));
  return readCommunication(configuration.communication, path);
}

function linkAs(name: 'north' | 'atlas' | undefined): Iso8583Link {
  const whole = identityOf(name ?? 'north').clientTls;
  const tls = name === undefined ? { anchorsPem: whole.anchorsPem } : whole;
  const link = createIso8583Link({ host: '127.0.0.1', port: south.interchangePort, tls, answerMs: 4000 });
  links.push(link);
  return link;
}

let stan = 0;
function purchase(change: Partial<PaymentRequest> = {}): PaymentRequest {
  stan += 1;
  return {
    ...{ type: 'purchase', transmittedAt: '1121110123', stan, acquirerId: '100001', batch: 1 },
    ...{ retrievalReference: `REFERENCE${String(stan).padStart(3, '0')}`, terminalId: 'SET', merchantId: 'atlas' },
    ...{ pan: card.pan, expiry: card.expiry.slice(2), amount: { currency: 'EUR', minor: 1250n } },
    ...change,
  };
}

async function ask(link: Iso8583Link, request: PaymentRequest): Promise<CardResponse> {
  return decodeCardResponse(await link.send(encodeCardRequest(request)));
}

describe('the interchange network over TCP and TLS', () => {
  test('another operator is answered for cards issued here', async () => {
    expect((await ask(linkAs('north'), purchase())).responseCode).toBe('00');
  });

  test('a foreign currency is charged at the stated rate, one without a rate is declined', async () => {
    const link = linkAs('north');
    expect((await ask(link, purchase({ amount: { currency: 'USD', minor: 100n } }))).responseCode).toBe('00');
    expect((await ask(link, purchase({ amount: { currency: 'JPY', minor: 100n } }))).responseCode).not.toBe('00');
  });

  test('nobody asks in the name of another, nor carries cards of others through here', async () => {
    await expect(ask(linkAs('north'), purchase({ acquirerId: '100002' }))).rejects.toMatchObject({ code: 'LINK_DOWN' });
    const answer = await ask(linkAs('north'), purchase({ pan: `960001${card.pan.slice(6)}` }));
    expect(answer.responseCode).toBe('15');
  });

  test('whoever is no operator, or shows no certificate, is cut off', async () => {
    for (const link of [linkAs('atlas'), linkAs(undefined)]) {
      await expect(ask(link, purchase())).rejects.toMatchObject({ code: 'LINK_DOWN' });
    }
    await expect(linkAs('north').test()).resolves.toBeUndefined();
  });

  test('a restart in between: the same message gets the same answer, and is charged once', async () => {
    const bytes = encodeCardRequest(purchase());
    const before = await linkAs('north').send(bytes);
    await south.close();
    south = await startOperator(southFile, { log });
    expect(await linkAs('north').send(bytes)).toEqual(before);
  });

  test('the stop-list of the file counts from the next start on', async () => {
    const file = join(home, 'south/issuer/cards.json');
    const cards = readFileSync(file, 'utf8');
    const restart = async (text: string) => {
      writeFileSync(file, text);
      await south.close();
      south = await startOperator(southFile, { log });
    };
    await restart(JSON.stringify(JSON.parse(cards).map((one: object) => ({ ...one, stopped: true }))));
    expect((await ask(linkAs('north'), purchase())).responseCode).toBe('05');
    await restart(cards);
    expect((await ask(linkAs('north'), purchase())).responseCode).toBe('00');
  });
});

describe('the endpoints', () => {
  const clientOf = (name: 'north' | 'atlas' | 'south') =>
    partyClient({ name, identity: identityOf(name), surroundings: { log }, peers: {} });

  test('what is no SET message is answered by a SET Error', async () => {
    const client = clientOf('atlas');
    const body = new TextEncoder().encode('no message at all');
    const message = { kind: 'AuthReq', contentType: 'application/set-payment', extension: 'der', body };
    const answer = await client.post(`${south.url}/set`, message);
    client.close();
    expect(answer).toMatchObject({ status: 200, contentType: 'application/set-payment' });
    expect(decodeMessage(answer.body).message.type).toBe('Error');
  });

  test('business is closed by the operator itself and nobody else', async () => {
    const message = { kind: 'close', contentType: 'application/json', extension: 'json', body: new Uint8Array() };
    const statuses: Record<string, number> = {};
    for (const name of ['south', 'north', 'atlas'] as const) {
      const client = clientOf(name);
      statuses[name] = (await client.post(`${south.url}/operator/close-of-business`, message)).status;
      client.close();
    }
    expect(statuses.south).toBe(200);
    expect(statuses.north).toBeGreaterThanOrEqual(400);
    expect(statuses.atlas).toBeGreaterThanOrEqual(400);
  });
});

test('no log line of all this has the card number or its expiry', () => {
  expect(lines.length).toBeGreaterThan(5);
  expect(lines.filter((line) => line.includes(card.pan))).toEqual([]);
});
