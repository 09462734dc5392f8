/** A machine without a host: decides and applies what it is told, and can be restarted from its snapshot. */
import { systemRandom } from '../../src/crypto/random.ts';
import type { Decision, Machine, Reply, Timer } from '../../src/journal/machine.ts';

export function script<S, I, R>(machine: Machine<S, I, R>, startMs: number) {
  let state = machine.initial();
  const records: R[] = [];
  const scripted = {
    nowMs: startMs,
    get state() {
      return state;
    },
    records,
    act(input: I): Decision<R> {
      const decision = machine.decide(state, input, { nowMs: scripted.nowMs, random: systemRandom });
      for (const record of decision.records) {
        machine.apply(state, record);
        records.push(record);
      }
      for (const next of decision.inputs ?? []) scripted.act(next as I);
      return decision;
    },
    reply: (reply: Omit<Reply, 'to' | 'kind'> & { readonly kind?: string }) =>
      scripted.act(machine.received({ to: '', kind: '', ...reply })),
    fire: (timer: Timer) => scripted.act(machine.fired(timer)),
    restart() {
      state = machine.restore(machine.snapshot(state));
    },
  };
  return scripted;
}
