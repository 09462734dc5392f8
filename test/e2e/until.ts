/** Waiting for what other parties do in their own time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createPatience } from '../patience.ts';

const POLL_MS = 20;

/** Asks again until the answer is as wanted. @throws with the last answer when it never is */
export async function until<T>(
  ask: () => T | Promise<T>,
  wanted: (answer: T) => boolean,
  patienceMs = 20_000,
): Promise<T> {
  const isOver = createPatience(patienceMs);
  for (;;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    if (isOver()) throw new Error(`it never came about: ${JSON.stringify(answer)}`);
    await sleep(POLL_MS);
  }
}
