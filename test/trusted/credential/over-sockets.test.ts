/**
 * Credentials between parties that share nothing: trusted servers, the authority's device and its server, a card network, a holder and a shop, each
 * with keys and a journal of its own, over HTTP on real sockets (US 5,671,280, figures 5, 26 to 29).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it, test } from 'vitest';
import { decodeCbor } from '../../../src/codec/cbor.ts';
import { compactKeyOf, makeCompactKey } from '../../../src/crypto/compact-key.ts';
import { systemRandom as random } from '../../../src/crypto/random.ts';
import { systemClock } from '../../../src/journal/clock.ts';
import type { Courier } from '../../../src/journal/courier.ts';
import { openHost } from '../../../src/journal/host.ts';
import { createMemoryJournal } from '../../../src/journal/memory-journal.ts';
import { createClient } from '../../../src/transport/client.ts';
import { createHttpCourier } from '../../../src/transport/http-courier.ts';
import { silentLog } from '../../../src/transport/log.ts';
import { serve } from '../../../src/transport/server.ts';
import type { AgentOptions } from '../../../src/trusted/agent/agent-machine.ts';
import { openDevice } from '../../../src/trusted/agent/device.ts';
import { createDeviceFile } from '../../../src/trusted/agent/device-file.ts';
import type { HostCommand } from '../../../src/trusted/agent/host-command.ts';
import type { HostNotice } from '../../../src/trusted/agent/to-host.ts';
import { answerAtAuthority } from '../../../src/trusted/authority/authority-endpoint.ts';
import { createAuthorityServer, newVisitCode } from '../../../src/trusted/authority/authority-machine.ts';
import { createCardNetwork, readPortMessage } from '../../../src/trusted/card/card-network-machine.ts';
import { standingOrder } from '../../../src/trusted/credential/port-query.ts';
import type { AgentKind } from '../../../src/trusted/message/certificate.ts';
import { messageIdentityOf } from '../../../src/trusted/message/envelope.ts';
import { foundingLists } from '../../../src/trusted/message/trust-lists.ts';
import { answerAtServer } from '../../../src/trusted/server/server-endpoint.ts';
import { createTrustedServer, type ServerOptions } from '../../../src/trusted/server/server-machine.ts';
import { openBank } from '../bank.ts';
import { ada, CARD, CARD_NUMBER, LICENCE, PASS, PERMIT, rulesOf, SEAL } from '../bureau.ts';
import { sample } from '../ticket/samples.ts';

const LIMITS = { maxBytes: 2 * 1024 * 1024, timeoutMs: 5000, perPeerPerSecond: 100_000, burst: 100_000 };
const PACE = { firstPauseMs: 20, longestPauseMs: 200 };
const DAY_MS = 86_400_000;
const about = new Uint8Array([7]);
const amount = { currency: 'EUR', minor: 4_200n };

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function openCounty() {
  let laterMs = 0;
  const real = systemClock();
  const clock = { ...real, nowMs: () => real.nowMs() + laterMs };
  const client = createClient({ name: 'tester', limits: { maxBytes: 4 * 1024 * 1024, timeoutMs: 5000 } });
  closing.push(() => client.close());
  const http = createHttpCourier({ client });
  const common = { clock, random, log: silentLog() };
  const listen = async (answer: (kind: string, body: Uint8Array) => Promise<Uint8Array>) => {
    const server = await serve({
      routes: {
        'POST /:kind': async ({ params, body }) => ({
          contentType: 'application/cose',
          body: await answer(params.kind!, body),
        }),
      },
      ...{ listen: { host: '127.0.0.1', port: 0 }, limits: LIMITS, log: silentLog() },
    });
    closing.push(() => server.close(0));
    return `${server.url}/door`;
  };
  /** Ports of a device are servers of their own: what is said to them goes over sockets, too. */
  const courierTo = (ports: Readonly<Record<string, string>>): Courier => ({
    deliver(message, attempt) {
      const port = ports[message.to];
      return http.deliver(
        port === undefined ? message : { ...message, to: port.replace(/door$/, message.kind) },
        attempt,
      );
    },
  });

  const primaryKey = makeCompactKey(random);
  const lists = foundingLists([{ primaryId: 1, publicKey: primaryKey.x, fromDay: 0 }]);
  const openServer = async (role: ServerOptions['role']) => {
    const machine = createTrustedServer({ foundingLists: lists, role });
    const host = await openHost({
      ...common,
      machine,
      journal: createMemoryJournal(),
      courier: courierTo({}),
      pace: PACE,
    });
    closing.push(() => host.close());
    return { host, url: await listen((_, body) => answerAtServer(host, body)) };
  };
  const primary = await openServer({ type: 'primary', primaryId: 1, scalar: primaryKey.scalar });
  const north = await openServer({ type: 'ordinary', primary: primary.url });
  const token = random(32);
  await primary.host.submit({ type: 'command', command: { type: 'announce', token } });
  await north.host.submit({ type: 'command', command: { type: 'initialise', token } });
  await until(() => north.host.state.identity.type === 'certified');

  const bank = openBank(new Map([[CARD_NUMBER, 100_000n]]));
  const bankUrl = await listen(async (_, body) => bank.answer(body));
  const { scalar } = makeCompactKey(random);
  const network = await openHost({
    ...{ ...common, journal: createMemoryJournal(), courier: courierTo({}), pace: PACE },
    machine: createCardNetwork({ scalar, lists, interchange: bankUrl }),
  });
  closing.push(() => network.close());
  const cardUrl = await listen((_, body) =>
    network.handle({ ...messageIdentityOf(body), input: readPortMessage(body, { scalar }) }),
  );
  const cards = { payment: { card: { port: 'card', networkKey: compactKeyOf(scalar).x } } };

  const make = async (kind: AgentKind, options: Partial<AgentOptions> = {}, ports: Record<string, string> = {}) => {
    const notices: HostNotice[] = [];
    let content: Uint8Array | undefined;
    const file = {
      read: async () => content,
      write: async (written: Uint8Array) => {
        content = written;
      },
    };
    await createDeviceFile({ file, pin: '4711', random, cost: { logN: 4 } });
    let arrived: (body: Uint8Array) => Promise<Uint8Array> = async () => new Uint8Array();
    const url = await listen((_, body) => arrived(body));
    const device = await openDevice({
      ...{ ...common, foundingLists: lists, replyTo: url, pin: '4711', file, outboxPace: PACE, ...options },
      openJournal: async () => createMemoryJournal(),
      courier: courierTo({ 'port:card': cardUrl, ...ports }),
      toHost(notice) {
        notices.push(notice);
        react(notice);
      },
    });
    arrived = device.arrived;
    closing.push(() => device.close());
    const tell = (command: HostCommand) => void device.command(command).catch(() => undefined);
    /** A host side that says yes, and pays with the card that it has. */
    const react = (notice: HostNotice) => {
      if (notice.type === 'confirm-credential' || notice.type === 'confirm-payment') {
        tell({ type: 'confirm', session: notice.session, accept: 1 });
      } else if (notice.type === 'require-credential') {
        tell({ type: 'confirm', session: notice.session, accept: 1 });
      } else if (notice.type === 'confirm-delivery') {
        const card = device.tickets().find((one) => fieldsOf(one).type === 'card');
        const payment = card && ({ type: 'card', ticketId: card.ticketId } as const);
        tell({ type: 'confirm', session: notice.session, accept: 1, ...(notice.price && payment && { payment }) });
      }
    };
    const agentToken = random(16);
    await north.host.submit({ type: 'command', command: { type: 'announce', token: agentToken, kind } });
    await device.command({ type: 'initialise', route: north.url, token: agentToken });
    await until(() => notices.some(({ type }) => type === 'certified'));
    const certified = notices.find(({ type }) => type === 'certified') as Extract<HostNotice, { type: 'certified' }>;
    const last = (type: HostNotice['type']) => notices.findLast((notice) => notice.type === type) as never;
    return { device, notices, url, agentId: certified.agentId, last };
  };

  let answerRegister: (kind: string, body: Uint8Array) => Promise<Uint8Array> = async () => new Uint8Array();
  const registerUrl = await listen((kind, body) => answerRegister(kind, body));
  const bureau = await make('authority', cards, { 'port:authority': registerUrl });
  const register = await openHost({
    ...{ ...common, journal: createMemoryJournal(), pace: PACE },
    machine: createAuthorityServer({ rules: rulesOf(bureau.agentId), device: 'device' }),
    courier: {
      async deliver({ body }) {
        await bureau.device.command({ type: 'set-standing', ...standingOrder.decode(body) });
        return { type: 'answered', body: new Uint8Array() };
      },
    },
  });
  closing.push(() => register.close());
  answerRegister = (kind, body) => answerAtAuthority(register, { kind, body });
  await bureau.device.command({ type: 'name-yourself', components: sample('authority') });
  const untilMs = Date.now() + 400 * DAY_MS;
  await bureau.device.command({ type: 'expect', matter: 'counter', purpose: 'credential', about, untilMs });
  const clerk = (command: Parameters<typeof register.submit>[0] & { type: 'command' }) => register.submit(command);
  await clerk({ type: 'command', command: { type: 'record', record: { subject: 's1', fields: ada, eligible: true } } });

  const visit = async (wanted: string) => {
    const code = newVisitCode(random);
    await clerk({
      type: 'command',
      command: { type: 'visit', code, subject: 's1', wanted, untilMs: clock.nowMs() + DAY_MS },
    });
    return code;
  };
  return {
    ...{ make, bureau, register, bank, cards, visit, clerk, north },
    captured: () => [...bank.payments.values()].filter(({ status }) => status === 'captured'),
    pass(days: number) {
      laterMs += days * DAY_MS;
    },
  };
}

const fieldsOf = ({ components }: { readonly components: Uint8Array }) =>
  decodeCbor(components) as Readonly<Record<string, unknown>>;

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !holds(); i++) await sleep(10);
  expect(holds()).toBe(true);
}

test('[CITI-C] [CITI-F26] [CITI-F27] [CITI-F28] merchant, holder and authority acquire, show, revalidate and lose credentials', async () => {
  const { make, bureau, register, visit, clerk, cards, captured, pass } = await openCounty();
  const holder = await make('customer');
  const shop = await make('merchant', cards);
  const held = (what: string) =>
    holder.device.tickets().filter((one) => fieldsOf(one).title === what || fieldsOf(one).type === what);
  const acquire = async (
    wanted: string,
    given: { code?: Uint8Array; evidence?: { ticketId: string; fields: string[] }[] },
  ) => {
    const order = {
      type: 'acquire',
      matter: wanted,
      route: bureau.url,
      about,
      wanted,
      evidence: [],
      check: 1,
    } as const;
    await holder.device.command({ ...order, ...given });
    await until(() =>
      holder.notices.some((one) => (one.type === 'over' || one.type === 'failed') && one.matter === wanted),
    );
  };

  // Of three kinds: a card, a licence that is paid with it, a corporate seal; and a pass for which the licence is shown.
  await acquire(CARD, { code: await visit(CARD) });
  await acquire(LICENCE, { code: await visit(LICENCE) });
  await acquire(SEAL, { code: await visit(SEAL) });
  const [licence] = held(LICENCE);
  await acquire(PASS, { evidence: [{ ticketId: licence!.ticketId, fields: ['name'] }] });
  await acquire(PERMIT, { code: await visit(PERMIT) });
  expect(held('corporate-seal')).toHaveLength(1);
  expect(held(PASS)).toHaveLength(1);
  expect(captured().map(({ minor }) => minor)).toEqual([2_500n, 700n]);
  expect(register.state.issued.size).toBe(5);
  await acquire('fishing licence', { code: await visit(SEAL) });
  expect(holder.last('failed')).toMatchObject({ why: 'refused: wanted' });

  pass(2);
  const [permit] = held(PERMIT);
  await holder.device.command({
    type: 'revalidate',
    matter: 'renew',
    route: bureau.url,
    about,
    ticketId: permit!.ticketId,
  });
  await until(() => holder.notices.some((one) => one.type === 'over' && one.matter === 'renew'));
  expect(held(PERMIT)[0]!.ticketId).not.toBe(permit!.ticketId);
  expect(register.state.issued.get(permit!.ticketId)?.standing).toBe('replaced');
  expect(captured()).toHaveLength(3);

  await clerk({ type: 'command', command: { type: 'set-standing', ticketId: licence!.ticketId, standing: 'revoked' } });
  await until(() => register.state.orders.size === 0);
  await shop.device.command({ type: 'fetch-standings', issuer: bureau.agentId, route: bureau.url });
  await until(() => shop.notices.some(({ type }) => type === 'standings'));
  expect(shop.device.standings()).toMatchObject([{ issuer: bureau.agentId, version: 2, listed: 2 }]);
  await shop.device.command({
    type: 'expect',
    matter: 'door',
    purpose: 'present',
    about,
    untilMs: Date.now() + 400 * DAY_MS,
  });
  const show = {
    type: 'present',
    matter: 'show',
    route: shop.url,
    about,
    ticketId: licence!.ticketId,
    check: 0,
  } as const;
  await holder.device.command({ ...show, fields: ['over 18'] });
  await until(() => holder.notices.some((one) => one.type === 'failed' && one.matter === 'show'));
  expect(holder.last('failed')).toMatchObject({ why: 'refused: TICKET_INACTIVE' });
}, 60_000);

test('[CITI-F29] [CITI-46] [CITI-47] a bill is paid to whom it should be paid, and both know who the other is', async () => {
  const { make, bureau, visit, cards, captured } = await openCounty();
  const holder = await make('customer');
  const shop = await make('merchant', cards);
  const untilMs = Date.now() + DAY_MS;
  await shop.device.command({ type: 'expect', matter: 'name', purpose: 'give', untilMs });
  const items = [{ type: 'issue', components: sample('merchant') }] as const;
  await bureau.device.command({ type: 'give', matter: 'name', route: shop.url, about, items, check: 0 });
  await until(() => shop.device.tickets().length === 1);
  for (const wanted of [CARD, SEAL]) {
    const order = {
      type: 'acquire',
      matter: wanted,
      route: bureau.url,
      about,
      wanted,
      evidence: [],
      check: 0,
    } as const;
    await holder.device.command({ ...order, code: await visit(wanted) });
    await until(() => holder.notices.some((one) => one.type === 'over' && one.matter === wanted));
  }
  const [card, seal] = holder.device.tickets().map(({ ticketId }) => ticketId);
  await shop.device.command({ type: 'expect', matter: 'till', purpose: 'pay', about, untilMs });
  const day = Math.floor(Date.now() / DAY_MS);
  const advice = { invoiceReferences: ['2026-17'], customer: 'Hansen', day, amountPaid: amount };
  await holder.device.command({
    ...{ type: 'remit', matter: 'bill', route: shop.url, about, amount, advice, invoices: [], credential: seal! },
    payment: { type: 'card', ticketId: card! },
  });
  await until(() => shop.notices.some((one) => one.type === 'over' && one.matter === 'till'));
  await until(() => holder.notices.some((one) => one.type === 'over' && one.matter === 'bill'));
  expect(captured().map(({ minor }) => minor)).toEqual([4_200n]);
  const types = ({ device }: typeof shop) => device.tickets().map((one) => fieldsOf(one).type);
  expect(types(shop)).toEqual(['merchant', 'remittance-advice']);
  expect(types(holder)).toContain('receipt');
  expect(
    fieldsOf((shop.last('confirm-credential') as { credential: { components: Uint8Array } }).credential),
  ).toMatchObject({
    corporateName: ada.corporateName,
  });
}, 60_000);

it('an authority that is away is asked in vain, and later not', async () => {
  const { make, bureau, visit } = await openCounty();
  const holder = await make('customer');
  const code = await visit(SEAL);
  const order = { type: 'acquire', matter: SEAL, about, wanted: SEAL, evidence: [], check: 1, code } as const;
  await holder.device.command({ ...order, route: 'http://127.0.0.1:9/door' });
  await holder.device.command({ ...order, route: bureau.url });
  await until(() => holder.device.tickets().length === 1);
}, 60_000);
