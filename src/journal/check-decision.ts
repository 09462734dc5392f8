/** What a host expects of every decision before anything of it takes effect: a fault of the machine refuses that one input. */
import { HostError } from './host-error.ts';
import type { Decision } from './machine.ts';
import type { OpenWork } from './open-work.ts';
import { maxKeyBytes, maxKeys } from './packed-entries.ts';

const maxIdLength = 512;
const maxRouteLength = 4096;

/** @throws HostError `DECISION_MALFORMED` */
export function checkDecision(decision: Decision<unknown>, work: OpenWork): void {
  const { keys = [], send = [], timers = [], answers = [] } = decision;
  // Two places are left for the identities of the messages handled and answered.
  if (keys.length + answers.length > maxKeys - 2) throw malformed(`${keys.length + answers.length} keys`);
  for (const key of keys) {
    if (Buffer.byteLength(key) > maxKeyBytes - 2) throw malformed(`a key of ${key.length} characters`);
  }
  const sent = send.length > 1 ? new Set<string>() : undefined;
  for (const { id, to, kind } of send) {
    if (id.length === 0 || id.length > maxIdLength) throw malformed(`a message id of ${id.length} characters`);
    if (to.length === 0 || to.length > maxRouteLength) throw malformed(`a route of ${to.length} characters`);
    if (sent?.has(id) || work.outbox.has(id)) throw malformed(`message ${kind} with the id ${id} of another one`);
    sent?.add(id);
  }
  for (const { id, atMs } of timers) {
    if (id.length === 0 || id.length > maxIdLength) throw malformed(`a timer id of ${id.length} characters`);
    if (!Number.isSafeInteger(atMs)) throw malformed(`timer ${id} at ${atMs}`);
  }
}

const malformed = (seen: string) => new HostError('DECISION_MALFORMED', `the machine decided ${seen}`);
