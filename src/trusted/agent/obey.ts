/** What a host side commands, each told to whoever does it. */
import { toHex } from '../../codec/hex.ts';
import { encodeTrustedMessage } from '../message/envelope.ts';
import { versionsOf } from '../message/trust-lists.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { loseKeyless } from '../session/session-context.ts';
import { use } from './accepting.ts';
import { acquire, confirmAcquiring, payForCredential, revalidate } from './acquiring.ts';
import { stateInDispute } from './being-heard.ts';
import { buy, choosePayment, confirmBuying } from './buying.ts';
import { initialise, recertify, sync } from './certifying.ts';
import { choose } from './collect-dispute.ts';
import { confirmCollecting } from './collecting.ts';
import { takeObject } from './delivered.ts';
import { appeal, askRuling, escalate } from './escalate-dispute.ts';
import { exportCredential, importSdJwt, makeSdJwtKey, showSdJwt } from './exporting.ts';
import { confirmGiving, give } from './giving.ts';
import type { HostCommand } from './host-command.ts';
import { confirmDisputing, dispute, pursue } from './initiate-dispute.ts';
import { nameYourself } from './name-yourself.ts';
import { openMerchandise } from './open-merchandise.ts';
import { fetchStandings, readStandings, setStanding, takeStandings } from './own-standings.ts';
import { bringReplacement } from './pay-dispute.ts';
import { confirmPresenting, present } from './presenting.ts';
import { confirmRemitting, remit } from './remitting.ts';
import { answerDispute } from './resolve-dispute.ts';
import { scan } from './scanning.ts';
import { bringMerchandise, confirmSelling, sell } from './selling.ts';
import { showCode } from './showing.ts';
import type { BuyingTalk } from './talk.ts';
import { learn, takeBack, takeMark } from './told-marks.ts';
import type { Turn } from './turn.ts';

type CommandOf<K extends HostCommand['type']> = Extract<HostCommand, { type: K }>;

const orders: { readonly [K in HostCommand['type']]: (turn: Turn, command: CommandOf<K>) => void } = {
  opened: ({ context, draft }) => loseKeyless(context, draft),
  initialise: (turn, { route, token }) => initialise(turn, route, token),
  recertify: (turn, { route }) => recertify(turn, route),
  sync: (turn, { route }) => sync(turn, route),
  'fetch-lists': fetchLists,
  expect,
  give,
  'name-yourself': (turn, { components }) => nameYourself(turn, components),
  present,
  confirm,
  use: useTicket,
  buy,
  sell,
  merchandise: (turn, { session, merchandise }) => {
    const talk = turn.state.talks.get(session);
    if (talk?.type !== 'selling') throw new TrustedError('COMMAND_UNTIMELY', 'nothing is sold in this session');
    bringMerchandise(turn, talk, merchandise);
  },
  pay,
  'object-arrived': (turn, { session, ...object }) => takeObject(turn, buyingIn(turn, session), object),
  'open-merchandise': (turn, { ticketId }) => openMerchandise(turn, ticketId),
  dispute,
  'answer-dispute': answerDispute,
  choose,
  replacement: (turn, { session, merchandise }) => {
    const talk = turn.state.talks.get(session);
    if (talk?.type !== 'resolving') throw new TrustedError('COMMAND_UNTIMELY', 'nothing is replaced in this session');
    bringReplacement(turn, talk, merchandise);
  },
  pursue,
  escalate,
  'state-in-dispute': stateInDispute,
  appeal,
  'ask-ruling': askRuling,
  acquire,
  revalidate,
  export: exportCredential,
  'show-sd-jwt': showSdJwt,
  'make-sd-jwt-key': makeSdJwtKey,
  'import-sd-jwt': importSdJwt,
  remit,
  'set-standing': setStanding,
  'fetch-standings': fetchStandings,
  'take-standings': (turn, { update }) => takeStandings(turn, readStandings(update)),
  'show-code': showCode,
  scan,
  'take-mark': takeMark,
  learn,
  'take-back': takeBack,
};

/** @throws TrustedError when it cannot be done, or not now */
export function obey(turn: Turn, command: HostCommand): void {
  const order = orders[command.type] as (turn: Turn, command: HostCommand) => void;
  order(turn, command);
}

function fetchLists({ draft, env, state }: Turn, { route }: CommandOf<'fetch-lists'>): void {
  draft.send.push({
    ...{ id: `l/${toHex(env.random(8))}`, to: route, kind: 'TrustLists', expiresAtMs: env.nowMs + 60_000 },
    body: encodeTrustedMessage({ type: 'lists', versions: versionsOf(state.lists) }),
  });
}

const maxExpectations = 1000;

function expect({ state, draft, env }: Turn, command: CommandOf<'expect'>): void {
  const { matter, purpose, about, times, untilMs, credential, fields } = command;
  if (state.expectations.size >= maxExpectations) throw new TrustedError('COMMAND_UNTIMELY', 'too much is expected');
  for (const { id, untilMs: until } of state.expectations.values()) {
    if (until < env.nowMs) draft.records.push({ type: 'expected', id, left: 0 });
  }
  draft.records.push({
    type: 'expecting',
    expectation: {
      ...{ id: matter, purpose, about: about && toHex(about), left: times, untilMs, credential },
      ...(fields && { fields }),
    },
  });
}

function confirm(turn: Turn, { session, accept, payment }: CommandOf<'confirm'>): void {
  const talk = turn.state.talks.get(session);
  if (talk?.type === 'giving') confirmGiving(turn, talk, accept === 1);
  else if (talk?.type === 'remitting') confirmRemitting(turn, talk, accept === 1);
  else if (talk?.type === 'collecting') confirmCollecting(turn, talk, accept === 1);
  else if (talk?.type === 'acquiring') confirmAcquiring(turn, talk, accept === 1, payment);
  else if (talk?.type === 'presenting') confirmPresenting(turn, talk, accept === 1);
  else if (talk?.type === 'disputing') confirmDisputing(turn, talk, accept === 1);
  else if (talk?.type === 'buying') confirmBuying(turn, talk, accept === 1);
  else if (talk?.type === 'selling') confirmSelling(turn, talk, accept === 1);
  else throw new TrustedError('COMMAND_UNTIMELY', 'there is nothing to confirm');
}

function buyingIn({ state }: Turn, session: string): BuyingTalk {
  const talk = state.talks.get(session);
  if (talk?.type !== 'buying') throw new TrustedError('COMMAND_UNTIMELY', 'nothing is bought in this session');
  return talk;
}

function pay(turn: Turn, { session, payment }: CommandOf<'pay'>): void {
  const talk = turn.state.talks.get(session);
  if (talk?.type === 'acquiring') payForCredential(turn, talk, payment);
  else choosePayment(turn, buyingIn(turn, session), payment);
}

function useTicket(turn: Turn, { session, units, last }: CommandOf<'use'>): void {
  const talk = turn.state.talks.get(session);
  if (talk?.type !== 'accepting') throw new TrustedError('COMMAND_UNTIMELY', 'no ticket is in use in this session');
  use(turn, talk, { units, last: last === 1 });
}
