/**
 * An identification authority's server with its data base (US 5,671,280, figure 5, 204) behind the port of its device, and what its clerks tell it.
 * It has a journal of its own, sealed, in the folder of the device.
 */
import { toHex } from '../../codec/hex.ts';
import { systemRandom } from '../../crypto/random.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Courier } from '../../journal/courier.ts';
import type { Host } from '../../journal/host.ts';
import { createSealedJournal } from '../../journal/sealed-journal.ts';
import type { HostCommand } from '../../trusted/agent/host-command.ts';
import { answerAtAuthority } from '../../trusted/authority/authority-endpoint.ts';
import { type AuthorityInput, createAuthorityServer, newVisitCode } from '../../trusted/authority/authority-machine.ts';
import type { AuthorityRecord, AuthorityState } from '../../trusted/authority/authority-state.ts';
import type { Claims } from '../../trusted/credential/claim.ts';
import { standingOrder } from '../../trusted/credential/port-query.ts';
import type { DeviceConfiguration } from '../configuration/configuration.ts';
import { readKeyFile } from '../configuration/key-file.ts';
import { byScheme, localCourier } from '../running/routes.ts';
import type { Surroundings } from '../running/running-party.ts';
import { openJournal, openMachine } from '../running/stores.ts';
import { dayText } from './ticket-view.ts';

export interface AuthorityRegister {
  /** Carries what the device's agent asks its server. */
  readonly courier: Courier;
  readonly failed: Promise<unknown>;
  /** Somebody is known from now on, by the authority's own number; said again, the fields are replaced. */
  record(subject: string, fields: Claims, eligible: boolean): Promise<void>;
  /** Somebody has shown in person who it is. Gives the code that is handed over. */
  visit(subject: string, wanted: string): Promise<string>;
  setStanding(ticketId: string, standing: 'good' | 'suspended' | 'revoked'): Promise<void>;
  issued(): readonly IssuedCredential[];
  close(): Promise<void>;
}

export interface IssuedCredential {
  readonly ticket: string;
  readonly subject: string;
  readonly wanted: string;
  readonly expires: string;
  readonly standing: string;
}

type Authority = NonNullable<DeviceConfiguration['authority']>;

/** A code that is not used within a day is worth nothing. */
const VISIT_MS = 86_400_000;
/** The device, as its server reaches it. */
const DEVICE = 'local:device';

export async function openAuthorityRegister(options: {
  readonly authority: Authority;
  readonly store: DeviceConfiguration['store'];
  readonly path: (relative: string) => string;
  readonly command: (command: HostCommand) => Promise<void>;
  readonly nowMs: () => number;
  readonly surroundings: Surroundings;
}): Promise<AuthorityRegister> {
  const { authority, store, path, command, nowMs, surroundings } = options;
  const journal = await openJournal(store, path, 'register');
  const local = localCourier({
    async device({ body }) {
      await command({ type: 'set-standing', ...standingOrder.decode(body) });
      return new Uint8Array();
    },
  });
  const host: Host<AuthorityState, AuthorityInput, AuthorityRecord> = await openMachine({
    machine: createAuthorityServer({ rules: authority.rules.map(plain), device: DEVICE }),
    journal: createSealedJournal({ journal, key: readKeyFile(path(authority.storageKey)), random: systemRandom }),
    courier: byScheme({ 'local:': local }),
    surroundings,
  });
  return {
    courier: {
      async deliver({ kind, body }) {
        try {
          return { type: 'answered', body: await answerAtAuthority(host, { kind, body }) };
        } catch (error) {
          if (!(error instanceof HandselError) || error.code.startsWith('HOST_')) throw error;
          return { type: 'refused', code: error.code, detail: error.message };
        }
      },
    },
    failed: host.failed,
    record: (subject, fields, eligible) =>
      host.submit({ type: 'command', command: { type: 'record', record: { subject, fields, eligible } } }),
    async visit(subject, wanted) {
      const code = newVisitCode(systemRandom);
      const untilMs = nowMs() + VISIT_MS;
      await host.submit({ type: 'command', command: { type: 'visit', code, subject, wanted, untilMs } });
      return toHex(code);
    },
    setStanding: (ticketId, standing) =>
      host.submit({ type: 'command', command: { type: 'set-standing', ticketId, standing } }),
    issued: () =>
      [...host.state.issued.values()].map(({ ticketId, subject, wanted, expiresDay, standing }) => ({
        ...{ ticket: ticketId, subject, wanted, expires: dayText(expiresDay), standing },
      })),
    close: () => host.close(),
  };
}

type Rule = Authority['rules'][number];

/** Without what was not said. */
function plain(rule: Rule) {
  return Object.fromEntries(Object.entries(rule).filter(([, value]) => value !== undefined)) as unknown as Parameters<
    typeof createAuthorityServer
  >[0]['rules'][number];
}
