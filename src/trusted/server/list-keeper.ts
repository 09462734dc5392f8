/**
 * Untrusted List Manager (US 5,671,280, function 220) and the list of primary keys: the primary server makes and signs the changes, ordinary
 * servers ask for them at short intervals, agents whenever they want, and always when they are recertified.
 */
import { compactKeyOf, signCompact } from '../../crypto/compact-key.ts';
import { dayOf } from '../message/day.ts';
import { encodeTrustedMessage } from '../message/envelope.ts';
import { headText, type ListChange, type ListUpdate, listOf, nextHead } from '../message/list-change.ts';
import { checkUpdate, versionsOf } from '../message/trust-lists.ts';
import { TrustedError } from '../message/trusted-error.ts';
import type { ServerTurn } from './server-turn.ts';

/** @throws TrustedError `COMMAND_UNTIMELY` at an ordinary server; `LIST_STALE` for a key that would be used before everybody has it */
export function changeLists({ state, draft, env }: ServerTurn, change: ListChange): void {
  const { identity, lists } = state;
  if (identity.type !== 'primary')
    throw new TrustedError('COMMAND_UNTIMELY', 'only a primary server changes the lists');
  const name = listOf(change);
  const { version, head } = lists[name];
  const unsigned = { version: version + 1, change, madeOnDay: dayOf(env.nowMs), by: identity.primaryId };
  const text = headText(nextHead(head, unsigned));
  const signed = { ...unsigned, signature: signCompact(compactKeyOf(identity.scalar).privateKey, text) };
  const update: ListUpdate = { untrusted: [], primaryKeys: [], [name]: [signed] };
  // Whoever takes it will check the same.
  draft.records.push({ type: 'lists', update: checkUpdate(lists, update) });
}

export const PULL_TIMER = 'pull';

/** Asks the primary server for what is newer, and sets the time for the next question. */
export function pullLists({ state, draft, env, settings }: ServerTurn): void {
  if (settings.primary === undefined) return;
  draft.timers.push({ id: PULL_TIMER, atMs: env.nowMs + settings.pace.pullMs });
  draft.send.push({
    ...{
      id: `l/${env.nowMs}`,
      to: settings.primary,
      kind: 'TrustLists',
      expiresAtMs: env.nowMs + settings.pace.pullMs,
    },
    body: encodeTrustedMessage({ type: 'lists', versions: versionsOf(state.lists) }),
  });
}

/** @throws HandselError for an update that does not follow on or is not signed */
export function takeLists({ state, draft }: ServerTurn, update: ListUpdate): void {
  const checked = checkUpdate(state.lists, update);
  if (checked.untrusted.length + checked.primaryKeys.length === 0) return;
  draft.records.push({ type: 'lists', update: checked });
}
