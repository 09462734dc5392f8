/** Asking the platform of an agent how it fares. What an agent ended with does not change, and is remembered. */
import type { Terms } from '../../agent/guard/allowance.ts';
import { type AgentStatus, agentStatusType, statusType } from '../../agent/message/hosting.ts';
import { decodeShape, type Signer, signMessage } from '../../crypto/signed-message.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Client } from '../../transport/client.ts';
import type { PlatformWord } from './agent-state.ts';

const ENDED: ReadonlySet<AgentStatus['phase']> = new Set(['done', 'failed', 'recalled']);
/** A platform forgets an agent an hour after its mandate has expired. */
const REMEMBERED_MS = 3_600_000;
const ASK_MS = 5000;
/** A platform that cannot be reached is not tried again for each further agent of a list. */
const AWAY_MS = 2000;
const MOST_REMEMBERED = 10_000;

/**
 * `always` asks; `once a time` does not ask a platform that has just not answered, nor of an agent it has forgotten by now;
 * `as remembered` asks nobody.
 */
export type Asking = 'always' | 'once a time' | 'as remembered';

export function createPlatformQuestions(options: {
  readonly client: Client;
  readonly signer: Signer;
  readonly nowMs: () => number;
}): (platform: string, terms: Terms, asking: Asking) => Promise<PlatformWord> {
  const { client, signer, nowMs } = options;
  const ended = new Map<string, AgentStatus>();
  const away = new Map<string, number>();

  const ask = async (platform: string, agent: string): Promise<PlatformWord> => {
    const body = signMessage(statusType, { agent, atMs: nowMs() }, signer);
    const message = { kind: 'status', contentType: 'application/cose', extension: 'cose', body };
    try {
      const answer = await client.post(`${platform}/agent/status`, message, AbortSignal.timeout(ASK_MS));
      away.delete(platform);
      if (answer.status !== 200) return answer.status < 500 ? 'no such agent' : 'unreachable';
      const status = decodeShape(agentStatusType, answer.body);
      if (ENDED.has(status.phase)) {
        if (ended.size >= MOST_REMEMBERED) ended.clear();
        ended.set(agent, status);
      }
      return status;
    } catch (error) {
      if (!(error instanceof HandselError)) throw error;
      away.set(platform, nowMs());
      return 'unreachable'; // what the station itself knows is shown all the same
    }
  };

  return async (platform, { mandateId, expiresAtMs }, asking) => {
    const known = ended.get(mandateId);
    if (known !== undefined) return known;
    if (asking === 'as remembered') return 'no such agent';
    if (asking === 'once a time') {
      if (nowMs() >= expiresAtMs + REMEMBERED_MS) return 'no such agent';
      if (nowMs() - (away.get(platform) ?? -AWAY_MS) < AWAY_MS) return 'unreachable';
    }
    return ask(platform, mandateId);
  };
}
