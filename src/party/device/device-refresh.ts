/**
 * What a device does when it meets the network: shows its head to its home server, which finds out copies; takes newer lists; hears what doors made
 * of codes that it showed, what issuers took back and which credentials authorities did; and is recertified before its certificate ends.
 */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { fromHex, toHex } from '../../codec/hex.ts';
import { bytes, list } from '../../codec/shape.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Clock } from '../../journal/clock.ts';
import type { Client } from '../../transport/client.ts';
import type { Routes } from '../../transport/route.ts';
import { TransportError } from '../../transport/transport-error.ts';
import type { TransactionDevice } from '../../trusted/agent/device.ts';
import { agentIdShape } from '../../trusted/message/agent-id.ts';
import { dayOf } from '../../trusted/message/day.ts';
import { decodeTrustedAnswer, encodeTrustedMessage } from '../../trusted/message/envelope.ts';
import { standingUpdateShape } from '../../trusted/message/standing-list.ts';
import { readMark } from '../../trusted/ticket/status.ts';
import { trustedRoute } from '../message/trusted-path.ts';
import type { DeviceMatters } from './device-matters.ts';
import type { DoorDesk } from './door-desk.ts';
import { dayText, timeText } from './ticket-view.ts';

export interface Refreshed {
  /** What came of meeting the home server; absent when all went well. */
  readonly serverFailed?: string;
  /** Versions of the lists. */
  readonly untrusted: number;
  readonly primaryKeys: number;
  /** When the home server was met last, ISO 8601; absent when it never was. */
  readonly listsOf?: string;
  /** The network has not been met for longer than the door's policy allows: what was taken back since is not known here. */
  readonly listsTooOld?: true;
  /** The last day of the certificate. */
  readonly certificateExpires: string;
  /** Marks that were new. */
  readonly marks: number;
  /** Authorities whose list of credentials was heard, and how many stand on each. */
  readonly authorities: Readonly<Record<string, number>>;
  /** Devices that did not answer. */
  readonly silent: readonly string[];
}

/** What was heard of authorities, for people. */
export function authorityLines({ authorities }: Pick<Refreshed, 'authorities'>): readonly string[] {
  return Object.entries(authorities).map(
    ([name, listed]) => `${name} has taken back or replaced ${listed} of its credentials`,
  );
}

export interface DeviceRefresh {
  refresh(): Promise<Refreshed>;
  /** The home server was met just now, otherwise than by `refresh`. */
  wasMet(): void;
  /** What is known without asking anybody. */
  state(): Pick<Refreshed, 'untrusted' | 'primaryKeys' | 'listsOf' | 'listsTooOld' | 'certificateExpires'>;
}

const SERVER_MS = 30_000;
/** A certificate that lives this much longer is not renewed yet. */
const RENEW_DAYS = 20;
const maxAsked = 200;

const idsShape = list(bytes({ min: 16, max: 16 }), { max: maxAsked });
const marksShape = list(bytes({ max: 1024 }), { max: 10_000 });
const limits = { maxBytes: 12 << 20 };

export function createDeviceRefresh(parts: {
  readonly device: TransactionDevice;
  readonly matters: DeviceMatters;
  readonly door: DoorDesk | undefined;
  readonly client: Client;
  /** Route of the home server. */
  readonly server: string;
  readonly devices: Readonly<Record<string, string>>;
  /** When the home server was met, Unix milliseconds: kept over restarts by whoever gives it. */
  readonly met: { get(): number | undefined; set(atMs: number): void };
  readonly clock: Clock;
  /** How old lists may be, in milliseconds; without it they are never said to be too old. */
  readonly maxAgeMs: number | undefined;
}): DeviceRefresh {
  const { device, matters, door, client, server, devices, met, clock, maxAgeMs } = parts;
  const wasMet = () => met.set(clock.nowMs());

  const state = () => {
    const { untrusted, primaryKeys } = device.listVersions();
    const atMs = met.get();
    return {
      ...{ untrusted, primaryKeys, certificateExpires: dayText(device.self()?.expiresDay ?? 0) },
      ...(atMs !== undefined && { listsOf: timeText(Math.floor(atMs / 1000)) }),
      ...(maxAgeMs !== undefined && clock.nowMs() - (atMs ?? 0) > maxAgeMs && { listsTooOld: true as const }),
    };
  };

  /** Undefined when all went well. */
  const meetServer = async (): Promise<string | undefined> => {
    const expiresDay = device.self()?.expiresDay ?? 0;
    const type = expiresDay - dayOf(clock.nowMs()) <= RENEW_DAYS ? 'recertify' : 'sync';
    const outcome = matters.outcome<{ readonly why?: string }>(type, SERVER_MS, (notice) => {
      if (notice.type === 'failed') return { why: notice.why };
      return notice.type === 'over' || notice.type === 'certified' ? {} : undefined;
    });
    outcome.catch(() => undefined);
    try {
      await device.command({ type, route: server });
      const { why } = await outcome;
      if (why === undefined) wasMet();
      return why;
    } catch (error) {
      if (!(error instanceof HandselError)) throw error;
      return error.message;
    }
  };

  const ask = async (ids: Uint8Array, url: string): Promise<readonly Uint8Array[]> => {
    const [marks, back] = await Promise.all([
      client.post(`${url}/marks`, { kind: 'Marks', contentType: 'application/cbor', extension: 'cbor', body: ids }),
      client.get(`${url}/taken-back`),
    ]);
    return [marks, back].flatMap(({ status, body }) => (status === 200 ? readMarks(body) : []));
  };

  /** How an authority's credentials stand; undefined for a device that is none, or says nothing. */
  const fetchStandings = async (url: string): Promise<number | undefined> => {
    const { status, body } = await client.get(`${url}/authority`);
    if (status !== 200) return undefined;
    const issuer = agentIdShape().decode(decodeCbor(body, { maxBytes: 16 }), 'authority');
    if (issuer === device.self()?.agentId) return undefined;
    const known = () => device.standings().find((one) => one.issuer === issuer);
    const asked = encodeTrustedMessage({ type: 'standings', issuer, version: known()?.version ?? 0 });
    const said = { kind: 'Standings', body: asked, contentType: 'application/cose', extension: 'cose' };
    const answer = decodeTrustedAnswer((await client.post(trustedRoute(url), said)).body);
    if (answer.type !== 'standings') return undefined;
    const update = encodeCbor(standingUpdateShape.encode(answer.update));
    await device.command({ type: 'take-standings', update });
    return known()?.listed;
  };

  const askAuthorities = async (): Promise<Readonly<Record<string, number>>> => {
    const heard: Record<string, number> = {};
    for (const [name, url] of Object.entries(devices)) {
      // Who does not answer is told to be silent already.
      const listed = await fetchStandings(url).catch(() => undefined);
      if (listed !== undefined) heard[name] = listed;
    }
    return heard;
  };

  /** One at a time: whoever comes meanwhile gets what comes of it. */
  let underWay: Promise<Refreshed> | undefined;
  return {
    ...{ state, wasMet },
    refresh() {
      underWay ??= refreshOnce().finally(() => {
        underWay = undefined;
      });
      return underWay;
    },
  };

  async function refreshOnce(): Promise<Refreshed> {
    const serverFailed = await meetServer();
    const silent: string[] = [];
    const ids = encodeCbor(idsShape.encode(device.ticketsShown().slice(-maxAsked).map(fromHex)));
    const told = await Promise.all(
      Object.entries(devices).map(([name, url]) =>
        ask(ids, url).catch(() => {
          silent.push(name);
          return [];
        }),
      ),
    );
    const marks = await takeMarks(device, told.flat());
    if (door !== undefined) await door.learnMarks(told.flat().filter(isTakenBack)).catch(ignoreOurErrors);
    const authorities = await askAuthorities();
    return { ...(serverFailed !== undefined && { serverFailed }), ...state(), marks, authorities, silent };
  }
}

function readMarks(body: Uint8Array): readonly Uint8Array[] {
  try {
    return marksShape.decode(decodeCbor(body, limits), 'marks');
  } catch (error) {
    ignoreOurErrors(error);
    return [];
  }
}

/** What others say may be nonsense. */
function ignoreOurErrors(error: unknown): void {
  if (!(error instanceof HandselError)) throw error;
}

function isTakenBack(mark: Uint8Array): boolean {
  try {
    return readMark(mark).standing === 'revoked';
  } catch (error) {
    ignoreOurErrors(error);
    return false;
  }
}

/** How many of them were new; the agent refuses those that are none of its business. */
async function takeMarks(device: TransactionDevice, marks: readonly Uint8Array[]): Promise<number> {
  const held = new Set(device.tickets().map(({ ticketId }) => ticketId));
  let taken = 0;
  for (const mark of marks) {
    try {
      if (!held.has(toHex(readMark(mark).ticketId))) continue;
      await device.command({ type: 'take-mark', matter: 'take-mark', mark });
      taken += 1;
    } catch (error) {
      ignoreOurErrors(error);
    }
  }
  return taken;
}

/** What a device tells others without a session: marks on tickets whose names they know, and what it took back. */
export function markRoutes(device: TransactionDevice): Routes {
  const answer = (marks: readonly Uint8Array[]) => ({
    contentType: 'application/cbor',
    body: encodeCbor(marksShape.encode(marks)),
  });
  return {
    'POST /marks': async ({ body }) => {
      const ids = idsShape.decode(decodeCbor(body, { maxBytes: 8192 }), 'tickets');
      return answer(device.marksFor(ids.map(toHex)));
    },
    'GET /taken-back': async () => answer(device.takenBack()),
    /** Under which number an authority's list is to be had; not there for who is none. */
    'GET /authority': async () => {
      const self = device.self();
      if (self?.kind !== 'authority') throw new TransportError('ROUTE_UNKNOWN', 'this is no authority');
      return { contentType: 'application/cbor', body: encodeCbor(self.agentId) };
    },
  };
}
