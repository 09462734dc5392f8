/** A whole interchange network in one process and virtual time: one acquirer, two issuers, their access server, real hosts and real bytes. */
import { randomBytes } from 'node:crypto';
import type { Courier } from '../../../src/journal/courier.ts';
import { type Host, openHost } from '../../../src/journal/host.ts';
import type { Machine } from '../../../src/journal/machine.ts';
import { createMemoryJournal, type MemoryJournal } from '../../../src/journal/memory-journal.ts';
import { clearingAccount } from '../../../src/ledger/clearing.ts';
import { assertLedger } from '../../../src/ledger/invariant.ts';
import { findAccount } from '../../../src/ledger/ledger.ts';
import { parseRate } from '../../../src/money/rate.ts';
import { createAccessServer } from '../../../src/set/interchange/access-server.ts';
import { type AcquirerInput, createAcquirerHost } from '../../../src/set/interchange/acquirer-host.ts';
import { merchantAccount } from '../../../src/set/interchange/acquirer-request.ts';
import type { AcquirerRecord, AcquirerState } from '../../../src/set/interchange/acquirer-state.ts';
import { createHostEntrance } from '../../../src/set/interchange/host-entrance.ts';
import { InterchangeError } from '../../../src/set/interchange/interchange-error.ts';
import { createIso8583Courier } from '../../../src/set/interchange/iso8583-courier.ts';
import { createIssuerHost, type IssuerInput } from '../../../src/set/interchange/issuer-host.ts';
import type { IssuerRecord, IssuerState } from '../../../src/set/interchange/issuer-state.ts';
import type { Iso8583Exchange } from '../../../src/set/interchange/tcp-link.ts';
import type { Iso8583Handler } from '../../../src/set/interchange/tcp-server.ts';
import type { CardRequest, CardResponse } from '../../../src/set/message/card-message.ts';
import {
  decodeCardRequest,
  decodeCardResponse,
  encodeCardRequest,
} from '../../../src/set/message/card-message-codec.ts';
import { decodeIso8583 } from '../../../src/set/message/iso8583-message.ts';
import { silentLog } from '../../../src/transport/log.ts';
import { createVirtualClock } from '../../world/virtual-clock.ts';
import { FOREIGN_PAN, PAN } from './card-fixture.ts';

export const ACQUIRER = '400001';
export const ISSUER = '500001';
export const FOREIGN_ISSUER = '500002';
export const ISSUERS = [
  { prefix: '400001', issuerId: ISSUER },
  { prefix: '400002', issuerId: FOREIGN_ISSUER },
];

/** What happens to a message on its way to an issuer and back. */
export type Weather = 'calm' | 'slow' | 'request-lost' | 'answer-lost';

export interface CardNetwork {
  readonly acquirer: Host<AcquirerState, AcquirerInput, AcquirerRecord>;
  readonly issuer: Host<IssuerState, IssuerInput, IssuerRecord>;
  readonly foreign: Host<IssuerState, IssuerInput, IssuerRecord>;
  readonly acquirerJournal: MemoryJournal;
  readonly issuerJournal: MemoryJournal;
  readonly clock: ReturnType<typeof createVirtualClock>;
  /** Asked for each message to an issuer. */
  weather: (request: CardRequest) => Weather;
  readonly sentToIssuers: CardRequest[];
  ask(request: CardRequest): Promise<CardResponse>;
  askBytes(bytes: Uint8Array): Promise<Uint8Array>;
  askIssuer(request: CardRequest): Promise<CardResponse>;
  /** Lets this much time go by. */
  pass(ms: number): Promise<void>;
  merchantMinor(currency?: string): bigint;
  cardMinor(): { balance: bigint; held: bigint };
  /** What the issuer owes the acquirer, as each side sees it. */
  positions(issuer?: 'issuer' | 'foreign', currency?: string): { owed: bigint; claimed: bigint };
  check(): void;
  close(): Promise<void>;
}

const START_MS = Date.UTC(2026, 10, 21, 11, 0, 0);
const nowhere: Courier = { deliver: () => Promise.reject(new Error('sends nothing')) };

export async function openCardNetwork(): Promise<CardNetwork> {
  const clock = createVirtualClock(START_MS);
  const [acquirerJournal, issuerJournal] = [createMemoryJournal(), createMemoryJournal()];
  const open = <S, I, R>(machine: Machine<S, I, R>, journal: MemoryJournal, courier: Courier) =>
    openHost({ machine, journal, courier, clock, random: (length) => randomBytes(length), log: silentLog() });

  const rates = [parseRate({ from: 'USD', to: 'EUR', text: '0.9' })];
  const panKey = new Uint8Array(32).fill(7);
  const issuer = await open(createIssuerHost({ issuerId: ISSUER, panKey, rates }), issuerJournal, nowhere);
  const foreign = await open(createIssuerHost({ issuerId: FOREIGN_ISSUER, panKey }), createMemoryJournal(), nowhere);

  const call = async (entrance: Iso8583Handler, bytes: Uint8Array): Promise<Uint8Array> => {
    const answer = await entrance({ bytes, message: decodeIso8583(bytes) });
    if (answer === undefined) throw new InterchangeError('LINK_TIMEOUT', 'silence');
    return answer;
  };
  const linkTo = (entrance: Iso8583Handler): Iso8583Exchange => ({
    async send(bytes) {
      const request = decodeCardRequest(bytes);
      const weather = network.weather(request);
      network.sentToIssuers.push(request);
      if (weather === 'request-lost') throw new InterchangeError('LINK_DOWN', 'lost on the way there');
      if (weather === 'slow') await new Promise<void>((resolve) => clock.after(1000, resolve));
      const answer = await call(entrance, bytes);
      if (weather === 'answer-lost') throw new InterchangeError('LINK_TIMEOUT', 'lost on the way back');
      return answer;
    },
  });
  const links = [createHostEntrance(issuer), createHostEntrance(foreign)].map(linkTo);
  const access = createAccessServer({
    routes: ISSUERS.map((route, index) => ({ ...route, link: links[index]! })),
    log: silentLog(),
  });
  const courier = createIso8583Courier({
    links: { access: { send: (bytes) => call(access, bytes) } },
    name: 'acquirer',
  });
  const machine = createAcquirerHost({ acquirerId: ACQUIRER, issuers: ISSUERS });
  const acquirer = await open(machine, acquirerJournal, courier);
  const entrance = createHostEntrance(acquirer);

  const patiently = async <T>(work: Promise<T>): Promise<T> => {
    let over = false;
    const done = () => {
      over = true;
    };
    work.then(done, done);
    for (let waited = 0; waited < 2000 && !over; waited++) await clock.run(clock.nowMs() + 20);
    return work;
  };
  const ask = async (door: Iso8583Handler, request: CardRequest) => {
    return decodeCardResponse(await patiently(call(door, encodeCardRequest(request))));
  };

  const currencies = ['EUR', 'USD'];
  await acquirer.submit({ type: 'set-up', currencies });
  await acquirer.submit({ type: 'merchant', merchantId: 'MERCHANT1', currencies, active: true });
  const terms = { account: 'alice', expiry: '2812', perTransactionMinor: 20_000n, perDayMinor: 30_000n };
  for (const [host, pan] of [
    [issuer, PAN],
    [foreign, FOREIGN_PAN],
  ] as const) {
    await host.submit({ type: 'set-up', acquirerIds: [ACQUIRER], currencies });
    await host.submit({ type: 'open-account', account: 'alice', currency: 'EUR', creditLine: 0n });
    await host.submit({ type: 'fund', id: 'salary', account: 'alice', amount: { currency: 'EUR', minor: 50_000n } });
    await host.submit({ type: 'issue-card', pan, terms });
  }

  const network: CardNetwork = {
    acquirer,
    issuer,
    foreign,
    acquirerJournal,
    issuerJournal,
    clock,
    weather: () => 'calm',
    sentToIssuers: [],
    ask: (request) => ask(entrance, request),
    askBytes: (bytes) => patiently(call(entrance, bytes)),
    askIssuer: (request) => ask(createHostEntrance(issuer), request),
    pass: (ms) => clock.run(clock.nowMs() + ms),
    merchantMinor: (currency = 'EUR') =>
      findAccount(acquirer.state.ledger, merchantAccount('MERCHANT1', currency))!.balance,
    cardMinor() {
      const { balance, held } = findAccount(issuer.state.ledger, 'alice')!;
      return { balance, held };
    },
    positions(who = 'issuer', currency = 'EUR') {
      const issuerId = who === 'issuer' ? ISSUER : FOREIGN_ISSUER;
      const owed = findAccount(network[who].state.ledger, clearingAccount(ACQUIRER, currency))!.balance;
      const claimed = -findAccount(acquirer.state.ledger, clearingAccount(issuerId, currency))!.balance;
      return { owed, claimed };
    },
    check() {
      for (const host of [acquirer, issuer, foreign]) assertLedger(host.state.ledger);
    },
    async close() {
      network.check();
      await Promise.all([acquirer, issuer, foreign].map((host) => host.close()));
    },
  };
  return network;
}
