/** What a host side commands, each told to whoever does it. */
import { toHex } from '../../codec/hex.ts';
import { encodeTrustedMessage } from '../message/envelope.ts';
import { versionsOf } from '../message/trust-lists.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { loseKeyless } from '../session/session-context.ts';
import { use } from './accepting.ts';
import { acquire, confirmAcquiring, revalidate } from './acquiring.ts';
import { initialise, recertify, sync } from './certifying.ts';
import { confirmGiving, give } from './giving.ts';
import type { HostCommand } from './host-command.ts';
import { nameYourself } from './name-yourself.ts';
import { fetchStandings, readStandings, setStanding, takeStandings } from './own-standings.ts';
import { confirmPresenting, present } from './presenting.ts';
import { scan } from './scanning.ts';
import { showCode } from './showing.ts';
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
  acquire,
  revalidate,
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

function confirm(turn: Turn, { session, accept, card }: CommandOf<'confirm'>): void {
  const talk = turn.state.talks.get(session);
  if (talk?.type === 'giving') confirmGiving(turn, talk, accept === 1);
  else if (talk?.type === 'acquiring') confirmAcquiring(turn, talk, accept === 1, card);
  else if (talk?.type === 'presenting') confirmPresenting(turn, talk, accept === 1);
  else throw new TrustedError('COMMAND_UNTIMELY', 'there is nothing to confirm');
}

function useTicket(turn: Turn, { session, units, last }: CommandOf<'use'>): void {
  const talk = turn.state.talks.get(session);
  if (talk?.type !== 'accepting') throw new TrustedError('COMMAND_UNTIMELY', 'no ticket is in use in this session');
  use(turn, talk, { units, last: last === 1 });
}
