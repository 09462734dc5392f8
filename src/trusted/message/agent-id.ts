/**
 * Names inside the system of trusted agents: TA(id), TS(id), PTS(id) (US 5,671,280, "System Security"). A trusted agent's number begins with
 * that of the trusted server that named it, its home server, so that no two servers give the same one.
 */
import { MessageError } from '../../codec/message-error.ts';
import { type Shape, whole } from '../../codec/shape.ts';

/** 48 bits: the home server's number, then that server's serial number. */
export type AgentId = number;
/** 1 … 65,535. */
export type ServerId = number;
/** 1 … 255. */
export type PrimaryId = number;

const SERIALS = 2 ** 32;

export const maxServerId = 0xffff;

export function agentIdShape(): Shape<AgentId> {
  return whole({ min: SERIALS, max: 2 ** 48 - 1 });
}

export function serverIdShape(): Shape<ServerId> {
  return whole({ min: 1, max: maxServerId });
}

export function primaryIdShape(): Shape<PrimaryId> {
  return whole({ min: 1, max: 255 });
}

export function agentIdOf(home: ServerId, serial: number): AgentId {
  return home * SERIALS + serial;
}

export function homeOf(agentId: AgentId): ServerId {
  return Math.floor(agentId / SERIALS);
}

export function serialOf(agentId: AgentId): number {
  return agentId % SERIALS;
}

/** `17-4093`: as people read it. */
export function formatAgentId(agentId: AgentId): string {
  return `${homeOf(agentId)}-${serialOf(agentId)}`;
}

/** The inverse of `formatAgentId`. @throws MessageError */
export function parseAgentId(text: string): AgentId {
  const match = /^([1-9][0-9]{0,4})-(0|[1-9][0-9]{0,9})$/.exec(text);
  const [home, serial] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || home > maxServerId || serial >= SERIALS) {
    throw new MessageError('MESSAGE_INVALID', `expected an agent's number such as 17-4093, saw ${text.slice(0, 20)}`);
  }
  return agentIdOf(home, serial);
}
