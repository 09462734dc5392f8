/** Watches an agent from the prompt until it has ended, needs the person, or has had its time; each change is said once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HandselError } from '../handsel-error.ts';
import type { AgentView } from '../party/customer/station.ts';
import { paymentLine, proposalsOf, silenceLine, stateWords } from './agent-words.ts';
import { asCalled } from './called-as.ts';
import type { StationClient } from './station-client.ts';

const POLL_MS = 200;
/** A merchant that answers at all usually does within this. */
const SILENCE_MS = 2000;

export interface Followed {
  readonly view: AgentView;
  /** True when the prompt comes back although the agent or a payment of its goes on. */
  readonly goesOn: boolean;
}

interface Pace {
  /** From any beginning. */
  nowMs(): number;
  sleep(ms: number): Promise<unknown>;
}

const realPace: Pace = { nowMs: () => performance.now(), sleep };

/** @throws HandselError `STATION_STOPPED` when the station ends meanwhile: the agent does not */
export async function followAgent(
  station: StationClient,
  mandate: string,
  options: {
    readonly untilMs: number;
    readonly say: (line: string) => void;
    /** The agent is on the station's own platform. */
    readonly local?: boolean;
    readonly pace?: Pace;
  },
): Promise<Followed> {
  const { untilMs, say, local = false, pace = realPace } = options;
  const startMs = pace.nowMs();
  let state = '';
  const said = new Set<string>();
  const once = (line: string) => {
    if (!said.has(line)) say(line);
    said.add(line);
  };
  const silentSinceMs = new Map<string, number>();
  for (;;) {
    const view = await station
      .get<AgentView>(`/agents/${encodeURIComponent(mandate)}`)
      .catch((cause: unknown): never => {
        throw cause instanceof HandselError && cause.code === 'STATION_NOT_RUNNING'
          ? stopped(mandate, local, cause)
          : cause;
      });
    const nowMs = pace.nowMs();
    const heard = view.proposals > 0 && !isOver(view) ? `, ${proposalsOf(view)}` : '';
    const now = `  ${stateWords(view)}${heard}`;
    if (now !== state) say(now);
    state = now;
    for (const payment of view.payments) {
      once(`  ${paymentLine(payment)}`);
      if (!payment.unanswered) silentSinceMs.delete(payment.payment);
      else if (nowMs - (silentSinceMs.get(payment.payment) ?? nowMs) >= SILENCE_MS) {
        once(`  ${silenceLine(payment, view)}`);
      } else if (!silentSinceMs.has(payment.payment)) silentSinceMs.set(payment.payment, nowMs);
    }
    if (isOver(view)) return { view, goesOn: false };
    if (nowMs - startMs >= untilMs) return { view, goesOn: true };
    await pace.sleep(POLL_MS);
  }
}

function isOver(view: AgentView): boolean {
  if (view.payments.some(({ status }) => status === 'paying' || status === 'paid')) return false;
  return ['awaiting-approval', 'done', 'recalled', 'expired', 'failed'].includes(view.state);
}

function stopped(mandate: string, local: boolean, cause: HandselError): HandselError {
  const where = local ? 'goes on when the station runs again' : 'goes on at the market';
  const then = `once the station runs again, \`handsel agent status ${mandate}\` shows what became of it`;
  const words = asCalled(`the station has stopped, but agent ${mandate} ${where}; ${then}`);
  return new HandselError('STATION_STOPPED', words, { cause });
}
