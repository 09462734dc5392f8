/** Agents for measuring: each machine in a host of its own on a SQLite journal of its own, messages passed in memory. */
import { join } from 'node:path';
import { decodeCbor } from '../src/codec/cbor.ts';
import { toHex } from '../src/codec/hex.ts';
import { compactKeyOf, makeCompactKey } from '../src/crypto/compact-key.ts';
import { systemRandom as random } from '../src/crypto/random.ts';
import { HandselError } from '../src/handsel-error.ts';
import { systemClock } from '../src/journal/clock.ts';
import type { Courier } from '../src/journal/courier.ts';
import { type Host, openHost } from '../src/journal/host.ts';
import type { Decision, Machine } from '../src/journal/machine.ts';
import { openSqliteJournal } from '../src/journal/sqlite-journal.ts';
import { createTrustedAgent } from '../src/trusted/agent/agent-machine.ts';
import { applyAgentRecord } from '../src/trusted/agent/agent-record.ts';
import type { AgentState, HeldTicket } from '../src/trusted/agent/agent-state.ts';
import type { HostCommand } from '../src/trusted/agent/host-command.ts';
import { HOST_ROUTE, hostNoticeType } from '../src/trusted/agent/to-host.ts';
import { createCardNetwork, readPortMessage } from '../src/trusted/card/card-network-machine.ts';
import { decodeInterchangeRequest, encodeInterchangeAnswer } from '../src/trusted/card/interchange-request.ts';
import { dayOf } from '../src/trusted/message/day.ts';
import {
  decodeTrustedMessage,
  isFleeting,
  messageIdentityOf,
  type TrustedMessage,
} from '../src/trusted/message/envelope.ts';
import { nameOfPeer } from '../src/trusted/message/party.ts';
import { answerHello, answerProof } from '../src/trusted/session/answering.ts';
import { call, hearAnswer } from '../src/trusted/session/calling.ts';
import { createKeyRing } from '../src/trusted/session/key-ring.ts';
import {
  applySessionRecord,
  type SessionInput,
  type SessionRecord,
  type Sessions,
} from '../src/trusted/session/session.ts';
import { endSession, type SessionContext, usualPace } from '../src/trusted/session/session-context.ts';
import { encodeTicket } from '../src/trusted/ticket/compact-ticket.ts';
import type { Components } from '../src/trusted/ticket/components.ts';
import { firstStatus } from '../src/trusted/ticket/status.ts';
import { type Ticket, ticketIdOf } from '../src/trusted/ticket/ticket.ts';
import { validateTicket } from '../src/trusted/ticket/validate-ticket.ts';
import { type CertifiedAgent, listsOf, newAgent, newPrimary, newServer } from '../test/trusted/hierarchy.ts';
import { sample } from '../test/trusted/ticket/samples.ts';
import { issue, signOver } from '../test/trusted/ticket/ticket-fixture.ts';

export interface TrustedBench {
  /** Sets one session up; resolves when the caller knows that it is let in, and has ended it. */
  session(): Promise<void>;
  /** Issues a ticket from one agent to another; resolves when both have committed. */
  give(): Promise<void>;
  /** Buys a ticket by card; resolves when both agents have committed and the customer has heard that all is over. */
  purchase(): Promise<void>;
  /** A concert ticket after so many transfers, between agents that never met before. */
  passedOn(times: number): Uint8Array;
  /** Validates it as a gate would that its last receiver calls. */
  validate(ticket: Ticket): void;
  close(): Promise<void>;
}

type SessionOnlyInput =
  | { readonly type: 'call' }
  | { readonly type: 'message'; readonly message: TrustedMessage }
  | { readonly type: 'reply'; readonly id: string; readonly outcome: Parameters<typeof hearAnswer>[3] }
  | SessionInput;

/** A machine that does nothing but set sessions up. */
function sessionMachine(options: {
  readonly agent: CertifiedAgent;
  readonly lists: SessionContext['lists'];
  readonly opened: (session: string) => void;
}): Machine<Sessions, SessionOnlyInput, SessionRecord> {
  const { agent, lists, opened } = options;
  const ring = createKeyRing();
  const { certificate, key, id: agentId } = agent;
  const self: SessionContext['self'] = {
    name: nameOfPeer({ type: 'agent', agentId, certificate }),
    privateKey: key.privateKey,
    replyTo: undefined,
    credential: () => ({ type: 'agent', certificate }),
  };
  return {
    name: 'session-only',
    initial: () => ({ sessions: new Map() }),
    decide(state, input, env) {
      const draft = {
        ...{
          records: [] as SessionRecord[],
          send: [],
          cancel: [],
          timers: [],
          clearTimers: [],
          inputs: [],
          answers: [],
        },
      };
      const context: SessionContext = { state, env, ring, pace: usualPace, lists, self, tokenOf: () => undefined };
      const decision = (answer?: Uint8Array): Decision<SessionRecord> => ({ ...draft, ...(answer && { answer }) });
      if (input.type === 'call') call(context, draft, { purpose: 'give', about: '', route: 'callee' });
      else if (input.type === 'reply') hearAnswer(context, draft, input.id, input.outcome);
      else if (input.type === 'message') {
        const { message } = input;
        if (message.type === 'hello') return decision(answerHello(context, message));
        if (message.type === 'proof') {
          const answer = answerProof(context, draft, message, () => undefined);
          return decision(answer);
        }
      } else if (input.type === 'session' && input.event.type === 'open') {
        // Nobody converses in it: it ends as soon as it is open, on either side.
        const session = state.sessions.get(input.id)!;
        endSession(context, draft, session, 'measured');
        if (session.side === 'caller') opened(input.id);
      }
      return decision();
    },
    apply: applySessionRecord,
    snapshot: () => new Uint8Array(),
    restore: () => ({ sessions: new Map() }),
    received: ({ id, outcome }) => ({ type: 'reply', id, outcome }),
    fired: () => ({ type: 'session', id: '', event: { type: 'lost', why: '' } }),
  };
}

const quiet = { info() {}, warn() {}, error: (detail: object) => process.stderr.write(`${JSON.stringify(detail)}\n`) };

export async function openTrustedBench(folder: string): Promise<TrustedBench> {
  const today = dayOf(Date.now());
  const expiresDay = today + 60;
  const primary = newPrimary(1, random);
  const lists = listsOf(primary);
  const server = newServer({ primary, serverId: 17, random, expiresDay: today + 100 });
  let serial = 0;
  const certified = (kind: 'customer' | 'merchant' | 'authority') =>
    newAgent({ server, serial: ++serial, random, kind, expiresDay });
  const [caller, callee, house, ada] = [
    certified('customer'),
    certified('merchant'),
    certified('merchant'),
    certified('customer'),
  ];

  const doors = new Map<string, (body: Uint8Array) => Promise<Uint8Array>>();
  const courier: Courier = {
    async deliver({ to, body }) {
      try {
        return { type: 'answered', body: await doors.get(to)!(body) };
      } catch (error) {
        if (!(error instanceof HandselError)) throw error;
        return { type: 'refused', code: error.code, detail: error.message };
      }
    },
  };
  const hosts: { close(): Promise<void> }[] = [];
  const open = async <S, I, R>(name: string, machine: Machine<S, I, R>): Promise<Host<S, I, R>> => {
    const host = await openHost({
      ...{ machine, courier, random, clock: systemClock(), log: quiet, pace: { perDestination: 4096 } },
      journal: await openSqliteJournal({ file: join(folder, `${name}.db`) }),
    });
    hosts.push(host);
    return host;
  };

  const waiting: (() => void)[] = [];
  const done = () => waiting.shift()?.();
  const calling = await open('caller', sessionMachine({ agent: caller, lists, opened: done }));
  const called = await open('callee', sessionMachine({ agent: callee, lists, opened: done }));
  doors.set('callee', (body) => {
    const message = decodeTrustedMessage(body);
    const fleeting = isFleeting(message);
    return called.handle({ ...messageIdentityOf(body), fleeting, input: { type: 'message', message } });
  });

  const bank = compactKeyOf(makeCompactKey(random).scalar);
  const network = await open(
    'network',
    createCardNetwork({ scalar: bank.scalar, lists, interchange: 'bank', waitMs: 600_000 }),
  );
  doors.set('port:card', (body) =>
    network.handle({ ...messageIdentityOf(body), input: readPortMessage(body, { scalar: bank.scalar }) }),
  );
  doors.set('bank', async (body) => {
    const { type } = decodeInterchangeRequest(body);
    return encodeInterchangeAnswer(
      type === 'authorise' ? { type: 'approved', approvalCode: '000001' } : { type: 'taken' },
    );
  });
  const payment = { card: { port: 'card', networkKey: bank.x } };
  const authority = certified('authority');
  /** A credential, and its name. */
  const credentialFor = (receiver: CertifiedAgent, components: Components): HeldTicket => {
    const ticket = issue({ issuer: authority, receiver, components, issuedOnDay: today });
    const status = firstStatus(components);
    return { id: ticketIdOf(ticket), bytes: encodeTicket(ticket), status, mark: undefined };
  };
  const naming = credentialFor(house, { ...sample('merchant'), expiresDay });
  const card = credentialFor(ada, { ...sample('card'), expiresDay });

  const openAgent = async (name: string, agent: CertifiedAgent, held: HeldTicket) => {
    const machine = createTrustedAgent({ foundingLists: lists, replyTo: name, payment });
    const initial = () => {
      const state: AgentState = machine.initial();
      applyAgentRecord(state, { type: 'certified', scalar: agent.key.scalar, certificate: agent.certificate });
      applyAgentRecord(state, { type: 'named', ticket: held });
      return state;
    };
    const host = await open(name, { ...machine, initial });
    doors.set(name, (body) => {
      const identity = messageIdentityOf(body);
      const { messageId } = identity;
      const message = decodeTrustedMessage(body);
      return host.handle({
        ...identity,
        fleeting: isFleeting(message),
        input: { type: 'message', message, messageId },
      });
    });
    return { command: (command: HostCommand) => host.submit({ type: 'command', command }) };
  };
  const [seller, buyer] = [await openAgent('house', house, naming), await openAgent('ada', ada, card)];
  const given = new Map<string, () => void>();
  doors.set(HOST_ROUTE, async (body) => {
    const notice = hostNoticeType.shape.decode(decodeCbor(body), 'notice');
    if (notice.type === 'over') given.get(notice.matter)?.();
    if (notice.type === 'confirm-credential' || notice.type === 'confirm-merchandise') {
      void buyer.command({ type: 'confirm', session: notice.session, accept: 1 });
    }
    if (notice.type === 'failed') quiet.error(notice);
    return new Uint8Array();
  });
  await buyer.command({ type: 'expect', matter: 'all', purpose: 'give', untilMs: Date.now() + 3_600_000 });
  const order = sample('purchase-order');
  const concert = sample('event');
  const { price } = concert;

  return {
    session() {
      const settled = new Promise<void>((resolve) => waiting.push(resolve));
      return calling.submit({ type: 'call' }).then(() => settled);
    },
    async give() {
      const matter = toHex(random(8));
      const over = new Promise<void>((resolve) => given.set(matter, resolve));
      const items = [{ type: 'issue', components: order }] as const;
      await seller.command({ type: 'give', matter, route: 'ada', about: new Uint8Array(), items, check: 0 });
      await over;
      given.delete(matter);
    },
    async purchase() {
      const about = random(8);
      const matter = toHex(about);
      const selection = { type: 'event', fields: { seat: matter } } as const;
      const over = new Promise<void>((resolve) => given.set(`buy ${matter}`, resolve));
      const merchandise = { type: 'ticket', components: { ...concert, seat: matter } } as const;
      await seller.command({
        ...{ type: 'sell', matter, about, times: 1, untilMs: Date.now() + 3_600_000, selection, price },
        ...{ ways: ['card'], wantsCredential: 0, merchandise },
      });
      await buyer.command({
        ...{ type: 'buy', matter: `buy ${matter}`, route: 'house', about, selection, price, moneyFirst: 0 },
        payment: { type: 'card', ticketId: card.id },
      });
      await over;
      given.delete(`buy ${matter}`);
    },
    passedOn(times) {
      const nowS = Math.floor(Date.now() / 1000);
      let holder = certified('customer');
      let ticket = issue({
        ...{ issuer: certified('merchant'), receiver: holder, components: sample('event'), issuedOnDay: today },
      });
      for (let i = 0; i < times; i++) {
        const next = certified('customer');
        ticket = signOver(ticket, holder, next, nowS);
        holder = next;
      }
      return encodeTicket(ticket);
    },
    validate(ticket) {
      const last = ticket.transfers.at(-1)?.receiver ?? ticket.receiver;
      validateTicket(ticket, { lists, nowMs: Date.now(), holder: last, taintAllowed: true });
    },
    async close() {
      for (const host of hosts) await host.close();
    },
  };
}
