/** How a conversation begins on the side that is called, by what the session is for. A new purpose of agents among themselves is added here. */
import type { Purpose } from '../message/purpose.ts';
import type { AgentState, Expectation } from './agent-state.ts';
import type { Talk } from './talk.ts';

type Begin = (state: AgentState, session: string, expectation: Expectation) => Talk;

const baseOf = (session: string, { id, credential, fields }: Expectation) => ({
  ...{ session, matter: id, credential },
  ...(fields && { fields }),
});

export const calleeTalks = {
  give: (_state, session, expectation) => ({
    ...{ ...baseOf(session, expectation), type: 'taking', transaction: undefined },
  }),
  present: ({ log }, session, expectation) => ({
    ...{ ...baseOf(session, expectation), type: 'accepting', begun: log.count },
    ...{ ticketId: undefined, ticket: undefined, owes: false, uses: [], offered: undefined },
  }),
  buy: (_state, session, expectation) => ({
    ...{ ...baseOf(session, expectation), type: 'selling', sale: expectation.sale!, step: 'begun', tries: 0 },
    ...{ checked: false, offered: undefined, transaction: undefined },
  }),
  dispute: (_state, session, expectation) => ({
    ...{ ...baseOf(session, expectation), type: 'resolving', number: undefined, owes: false, step: 'begun', tries: 0 },
    ...{ offered: undefined, transaction: undefined },
  }),
  credential: (_state, session, expectation) => ({
    ...{ ...baseOf(session, expectation), type: 'creating', step: 'open' },
    ...{ transaction: undefined, replaces: undefined },
  }),
  pay: (_state, session, expectation) => ({
    ...{ ...baseOf(session, expectation), type: 'collecting', step: 'begun', transaction: undefined, legs: [] },
  }),
} as const satisfies Partial<Record<Purpose, Begin>>;

/** What a host side can say that it expects somebody to call for. */
export type CalledFor = keyof typeof calleeTalks;

export function isCalledFor(purpose: Purpose): purpose is CalledFor {
  return purpose in calleeTalks;
}
