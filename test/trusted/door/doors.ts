/** Two doors of an opera house that have merchant credentials of their own, and what they scan. */
import { HandselError } from '../../../src/handsel-error.ts';
import type { HostCommand } from '../../../src/trusted/agent/host-command.ts';
import type { DoorReason } from '../../../src/trusted/ticket/door-reason.ts';
import type { Scan } from '../../../src/trusted/ticket/scan.ts';
import { noticesOf, type Opera, openOpera, stateOf } from '../opera.ts';
import { sample } from '../ticket/samples.ts';
import { inTime, type TrustedAgent } from '../trusted-world.ts';

export interface Doors extends Opera {
  readonly east: TrustedAgent;
  readonly west: TrustedAgent;
  /** A code of the ticket, or why there is none. */
  code(holder: TrustedAgent, ticketId: string, options?: CodeOptions): Promise<Uint8Array>;
  /** What the door says to whoever shows the code. */
  scan(door: TrustedAgent, code: Uint8Array, options?: { units?: number; paperTaken?: 0 | 1 }): Promise<DoorSays>;
  /** What the door let in, as it would be told to others. */
  scans(door: TrustedAgent): Promise<readonly Scan[]>;
  command(agent: TrustedAgent, command: HostCommand): Promise<void>;
  refusal(attempt: Promise<unknown>): Promise<string>;
}

export interface CodeOptions {
  readonly paper?: 0 | 1;
  readonly forS?: number;
  readonly door?: number;
}

export interface DoorSays {
  readonly said: 'let in' | DoorReason;
  readonly why?: string;
  readonly units?: number;
  readonly remaining?: number | undefined;
}

export async function openDoors(): Promise<Doors> {
  const opera = await openOpera();
  const { trusted, authority, give } = opera;
  const [east, west] = [trusted.addAgent('east'), trusted.addAgent('west')];
  for (const door of [east, west]) {
    await trusted.certify(door, 'merchant');
    await give(authority, door, [{ type: 'issue', components: sample('merchant') }]);
    door.notices.length = 0;
  }
  let matters = 0;
  const command = (agent: TrustedAgent, one: HostCommand) => inTime(trusted.world, agent.command(one));
  const doors: Doors = {
    ...opera,
    ...{ east, west, command },
    async code(holder, ticketId, { paper = 0, forS = 60, door } = {}) {
      const matter = `code ${matters++}`;
      await command(holder, { type: 'show-code', matter, ticketId, paper, forS, ...(door !== undefined && { door }) });
      await trusted.run(100);
      return noticesOf(holder, 'code').find((notice) => notice.matter === matter)!.code;
    },
    async scan(door, code, { units = 1, paperTaken = 1 } = {}) {
      const matter = `scan ${matters++}`;
      await command(door, { type: 'scan', matter, code, units, paperTaken });
      await trusted.run(100);
      const notice = door.notices.find((one) => 'matter' in one && one.matter === matter);
      if (notice?.type === 'let-in') return { said: 'let in', units: notice.units, remaining: notice.ticket.remaining };
      if (notice?.type === 'turned-away') return { said: notice.reason, why: notice.why };
      throw new Error(`the door says ${notice?.type}`);
    },
    async scans(door) {
      const records = await inTime(trusted.world, door.machine.host!.readByKey('scans'));
      return records.flatMap((record) => (record.type === 'scanned' ? [record.scan] : []));
    },
    refusal: (attempt) =>
      attempt.then(
        () => 'done',
        (error: unknown) => (error instanceof HandselError ? error.code : String(error)),
      ),
  };
  return doors;
}

export const idOf = (agent: TrustedAgent): number => {
  const { identity } = stateOf(agent);
  if (identity.type !== 'certified') throw new Error('no certificate');
  return identity.certificate.agentId;
};

/** Used up step by step, and without a key in it, so that it can be shown by a code. */
export const radio = { ...sample('communications'), decryptionKeys: [] };
