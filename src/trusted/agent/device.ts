/**
 * A transaction device (US 5,671,280, figure 3): the trusted agent behind its external interface, which is all that a host side gets of it.
 * Commands go in, To Host comes out, and what is for other devices passes through sealed.
 */
import { decodeCbor } from '../../codec/cbor.ts';
import { compactKeyOf } from '../../crypto/compact-key.ts';
import type { Random } from '../../crypto/random.ts';
import { SEALING_KEY_LENGTH } from '../../crypto/sealing.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Clock } from '../../journal/clock.ts';
import type { Courier } from '../../journal/courier.ts';
import { type Host, type HostOptions, openHost } from '../../journal/host.ts';
import type { HostLog } from '../../journal/host-log.ts';
import type { Journal } from '../../journal/journal.ts';
import type { OutboxPace } from '../../journal/outbox.ts';
import { createSealedJournal } from '../../journal/sealed-journal.ts';
import type { AgentId } from '../message/agent-id.ts';
import type { AgentCertificate } from '../message/certificate.ts';
import type { ListVersions } from '../message/list-change.ts';
import { versionsOf } from '../message/trust-lists.ts';
import { cipherObject, type FileFacts, inspectObject } from '../object/object-file.ts';
import type { ObjectHeader } from '../object/object-header.ts';
import type { Paper } from '../paper/paper.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import { unitsOf } from '../ticket/components.ts';
import type { Scan } from '../ticket/scan.ts';
import type { TicketStatus } from '../ticket/status.ts';
import { bodyShape } from '../ticket/ticket.ts';
import { answerAtAgent } from './agent-endpoint.ts';
import { type AgentInput, type AgentOptions, createTrustedAgent } from './agent-machine.ts';
import type { AgentRecord, LogEntry } from './agent-record.ts';
import type { AgentState, HeldTicket } from './agent-state.ts';
import { type DeviceFile, openDeviceFile } from './device-file.ts';
import { SCAN_KEY } from './door-state.ts';
import { type ShownSdJwt, showSdJwts } from './exporting.ts';
import { type HostCommand, hostCommandType } from './host-command.ts';
import { asListed } from './known-standings.ts';
import { type ShownDispute, showDisputes } from './shown-dispute.ts';
import {
  HOST_ROUTE,
  type HostNotice,
  hostNoticeType,
  type ShownSections,
  type ShownTicket,
  showHeld,
  showSections,
} from './to-host.ts';
import { LOG_KEY } from './turn.ts';

export interface TransactionDevice {
  /** Resolves when what it led to is durable. @throws HandselError when the command cannot be obeyed */
  command(command: HostCommand): Promise<void>;
  /** A message that came for this device from another one or a server, and its answer. @throws HandselError when it is refused */
  arrived(body: Uint8Array): Promise<Uint8Array>;
  /** The tickets held, as they may be shown (figure 23, step 762). */
  tickets(): readonly ShownTicket[];
  /**
   * Figure 15, steps 494 to 498: encrypts an electronic object under a key that stays in the agent; `write` gets the file piece by piece. It can
   * be sold as often as one likes from then on: the merchandise is named by the digest.
   */
  cipherObject(
    content: AsyncIterable<Uint8Array>,
    options: { readonly header: ObjectHeader; readonly write: (piece: Uint8Array) => Promise<void> },
  ): Promise<Pick<FileFacts, 'digest' | 'length'>>;
  /** Step 506: the answer to the notice `fetch-object`, from wherever the file comes. @throws HandselError when it is not what is bought */
  objectArrived(session: string, file: AsyncIterable<Uint8Array>): Promise<void>;
  /** Undefined for a ticket that is not held. */
  sections(ticketId: string): ShownSections | undefined;
  /** Of an authority: the keys that it signs SD-JWTs with, and signed them with lately, compact. */
  sdJwtKeys(): readonly Uint8Array[];
  /** The lists of authorities that this device goes by, and how old each of them is. */
  standings(): readonly ShownStandings[];
  /** Credentials held as SD-JWT VCs. */
  sdJwts(): readonly ShownSdJwt[];
  /** Disputes of the owner, and with the owner. */
  disputes(): readonly ShownDispute[];
  /** Commercial papers written and received: those of open orders, and of others while there is room. */
  papers(): readonly Paper[];
  /** Tran Log without the tickets themselves (figure 30, step 1056), the newest last. */
  log(limit: number): Promise<readonly ShownLogEntry[]>;
  /** What a door let in, the newest last: with the proofs of both sides, as its journal has them. */
  scans(): Promise<readonly Scan[]>;
  /** Marks that concern these tickets and that their holders may not have. */
  marksFor(ticketIds: readonly string[]): readonly Uint8Array[];
  /** Those of which a code was shown. */
  ticketsShown(): readonly string[];
  /** What this agent took back as issuer. */
  takenBack(): readonly Uint8Array[];
  /** Whether a ticket of that name was issued here, and is one that is used up; undefined when not. */
  issuedHere(ticketId: string): Promise<{ readonly counted: boolean } | undefined>;
  /** Undefined before it has a certificate. */
  self(): AgentCertificate | undefined;
  /** Of the lists that it holds. */
  listVersions(): ListVersions;
  /** The device is switched off. */
  close(): Promise<void>;
  /** Resolves with the cause if it has to stop by itself. */
  readonly failed: Promise<unknown>;
}

export interface ShownStandings {
  readonly issuer: AgentId;
  readonly version: number;
  /** When it was signed, Unix seconds. */
  readonly atS: number;
  /** How many credentials are on it. */
  readonly listed: number;
}

export interface ShownLogEntry
  extends Pick<LogEntry, 'kind' | 'atMs' | 'peerClockMs' | 'peer' | 'transaction' | 'note'> {
  readonly ticketIds: readonly string[];
}

export interface DeviceOptions extends AgentOptions {
  readonly file: DeviceFile;
  readonly pin: string;
  /** Called when the PIN was right. What is written to it is sealed: the host side may keep it. */
  readonly openJournal: () => Promise<Journal>;
  readonly clock: Clock;
  readonly random: Random;
  /** Carries what is for others, sealed; and to ports of the device (`port:NAME`). */
  readonly courier: Courier;
  /** The host side. It hears everything at least once. */
  readonly toHost: (notice: HostNotice) => void;
  readonly log: HostLog;
  readonly outboxPace?: OutboxPace;
  /** For tests, as of a host. */
  readonly onBoundary?: HostOptions<AgentState, AgentInput, AgentRecord>['onBoundary'];
}

/** Signs on. @throws TrustedError `PIN_WRONG`, `DEVICE_LOCKED` or `DEVICE_FILE_DAMAGED`; JournalError */
export async function openDevice(options: DeviceOptions): Promise<TransactionDevice> {
  const { clock, random, log } = options;
  const key = await openDeviceFile(options);
  const host = await openHost({
    machine: createTrustedAgent(options),
    journal: createSealedJournal({ journal: await options.openJournal(), key, random }),
    ...{ clock, random, log, courier: messageManager(options) },
    ...(options.outboxPace && { pace: options.outboxPace }),
    ...(options.onBoundary && { onBoundary: options.onBoundary }),
  });
  // The clock is set, and what the last use left is put in order, before anything else is done.
  await host.submit({ type: 'command', command: { type: 'opened' } });
  return externalInterface(host, { clock, random });
}

/** Message Manager: to the host side, or out to the world. */
function messageManager({ courier, toHost }: DeviceOptions): Courier {
  return {
    async deliver(message, attempt) {
      if (message.to !== HOST_ROUTE) return courier.deliver(message, attempt);
      toHost(hostNoticeType.shape.decode(decodeCbor(message.body), hostNoticeType.name));
      return { type: 'answered', body: new Uint8Array() };
    },
  };
}

function externalInterface(
  host: Host<AgentState, AgentInput, AgentRecord>,
  { clock, random }: Pick<DeviceOptions, 'clock' | 'random'>,
): TransactionDevice {
  return {
    async command(command) {
      // Through its description, so that a host side's object can have nothing on it that was not foreseen.
      const { shape, name } = hostCommandType;
      await host.submit({ type: 'command', command: shape.decode(shape.encode(command), name) });
    },
    async cipherObject(content, { header, write }) {
      const key = random(SEALING_KEY_LENGTH);
      const { digest, length } = await cipherObject(content, { header, key, write });
      const object = { digest, length, objectId: header.objectId, key };
      await host.submit({ type: 'ciphered', object });
      return { digest, length };
    },
    async objectArrived(session, file) {
      const facts = await inspectObject(file);
      await host.submit({ type: 'command', command: { type: 'object-arrived', session, ...facts } });
    },
    arrived: (body) => answerAtAgent(host, body, clock),
    tickets: () =>
      [...host.state.tickets.values()].map((held) =>
        showHeld(asListed(host.state, { ...held, status: statusNow(host.state, held) })),
      ),
    sections(ticketId) {
      const held = host.state.tickets.get(ticketId);
      return held && showSections(decodeTicket(held.bytes));
    },
    sdJwtKeys() {
      const { identity } = host.state;
      return identity.type === 'certified'
        ? [identity.scalar, ...identity.former].map((one) => compactKeyOf(one).x)
        : [];
    },
    sdJwts: () => showSdJwts(host.state),
    disputes: () => showDisputes(host.state),
    papers: () => [...host.state.papers.values()],
    standings: () =>
      [...host.state.standings.known.values()].map(({ issuer, version, atS, listed }) => ({
        ...{ issuer, version, atS, listed: listed.size },
      })),
    async log(limit) {
      const records = await host.readByKey(LOG_KEY, { limit });
      return records.flatMap((record) => (record.type === 'logged' ? [shown(record.entry)] : []));
    },
    async scans() {
      const records = await host.readByKey(SCAN_KEY);
      return records.flatMap((record) => (record.type === 'scanned' ? [record.scan] : []));
    },
    marksFor: (ticketIds) => ticketIds.flatMap((id) => marksOf(host.state, id)),
    ticketsShown: () => [...host.state.door.shown.keys()],
    takenBack: () =>
      [...host.state.door.voided.values()].flat().flatMap(({ by, mark }) => (by === ownId(host.state) ? [mark] : [])),
    async issuedHere(ticketId) {
      const records = await host.readByKey(LOG_KEY);
      for (const record of records) {
        const images = record.type === 'logged' && record.entry.kind === 'given' ? record.entry.before : [];
        const image = images.find((one) => one.ticketId === ticketId);
        if (image !== undefined) return countedIssue(image.ticket);
      }
      return undefined;
    },
    self: () => (host.state.identity.type === 'certified' ? host.state.identity.certificate : undefined),
    listVersions: () => versionsOf(host.state.lists),
    close: () => host.close(),
    failed: host.failed,
  };
}

/** While a code of it counts somewhere, a ticket is in use. */
function statusNow({ door }: AgentState, { id, status }: HeldTicket): TicketStatus {
  const untilS = door.shown.get(id)?.untilS ?? 0;
  return { ...status, inUseUntilS: Math.max(status.inUseUntilS, untilS) };
}

const ownId = ({ identity }: AgentState) => (identity.type === 'certified' ? identity.certificate.agentId : undefined);

function marksOf({ books, door }: AgentState, ticketId: string): readonly Uint8Array[] {
  const marks = [books.get(ticketId)?.unheard, ...(door.voided.get(ticketId) ?? []).map(({ mark }) => mark)];
  return marks.flatMap((mark) => (mark === undefined ? [] : [mark]));
}

/** What was issued stands in the log as its body; what was only passed on, as a whole ticket. */
function countedIssue(body: Uint8Array): { readonly counted: boolean } | undefined {
  try {
    const { components } = bodyShape.decode(decodeCbor(body, { maxDepth: 8 }), 'ticket');
    return { counted: unitsOf(components) !== undefined };
  } catch (error) {
    if (!(error instanceof HandselError)) throw error;
    return undefined;
  }
}

function shown({ kind, atMs, peerClockMs, peer, transaction, note, before, after }: LogEntry): ShownLogEntry {
  const ticketIds = [...new Set([...before, ...after].map(({ ticketId }) => ticketId))];
  return { kind, atMs, peerClockMs, peer, transaction, note, ticketIds };
}
