/** What the agency's people say of who is trusted: its primary trusted server keeps the lists, and whoever refreshes hears of it. */
import { z } from 'zod';
import type { Host } from '../../journal/host.ts';
import type { Routes } from '../../transport/route.ts';
import { formatAgentId, parseAgentId } from '../../trusted/message/agent-id.ts';
import type { ServerInput } from '../../trusted/server/server-machine.ts';
import type { ServerRecord, ServerState } from '../../trusted/server/server-state.ts';
import { readRequest } from '../owner/control-request.ts';
import { ownCommand } from '../owner/own-commands.ts';

type PrimaryHost = Pick<Host<ServerState, ServerInput, ServerRecord>, 'state' | 'submit'>;

const device = z.string().max(40).transform(parseAgentId);
const order = z.discriminatedUnion('act', [
  z.strictObject({ act: z.enum(['distrust', 'trust-again']), device }).transform(({ act, device: agentId }) => ({
    type: 'change-lists' as const,
    change: { type: act, party: { type: 'agent' as const, agentId } },
  })),
  z
    .strictObject({ act: z.enum(['distrust-name', 'trust-name-again']), name: z.string().min(1).max(120) })
    .transform(({ act, name }) => ({
      type: 'change-lists' as const,
      change: {
        type: act === 'distrust-name' ? ('distrust' as const) : ('trust-again' as const),
        party: { type: 'organisation' as const, name },
      },
    })),
  z
    .strictObject({ act: z.literal('pardon'), device })
    .transform(({ device: agentId }) => ({ type: 'pardon' as const, agentId })),
]);

export interface UntrustedView {
  /** Of the list. */
  readonly version: number;
  /** Numbers of devices, and names in credentials. */
  readonly devices: readonly string[];
  readonly names: readonly string[];
}

/** @throws (the handlers) HandselError `REQUEST_MALFORMED`; TrustedError for what the lists do not take */
export function standingControl(name: string, host: PrimaryHost): Routes {
  const view = (): UntrustedView => {
    const { version, agents, organisations } = host.state.lists.untrusted;
    return { version, devices: [...agents].map(formatAgentId), names: [...organisations] };
  };
  return {
    'GET /trusted/untrusted': ownCommand(name, async () => view()),
    'POST /trusted/untrusted': ownCommand(name, async (request) => {
      await host.submit({ type: 'command', command: readRequest(request, order) });
      return view();
    }),
  };
}
