/** How commands talk to the running station: over its loopback endpoint, with the secret from the file beside its configuration. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex, toHex } from '../codec/hex.ts';
import { systemRandom } from '../crypto/random.ts';
import { HandselError } from '../handsel-error.ts';
import { readJsonFile } from '../party/configuration/configuration.ts';
import { isControlProof } from '../party/owner/control-proof.ts';
import { controlFileSchema } from '../party/owner/serve-owner.ts';
import { type GlobalOptions, homeFolder } from './global-options.ts';

export interface StationClient {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<T>;
  /** An answer that is no JSON. */
  bytes(path: string): Promise<Uint8Array>;
  /** What is posted is no JSON. */
  postBytes<T>(path: string, body: Uint8Array): Promise<T>;
  /** An answer that comes as lines of JSON, each as it comes. */
  lines<T>(path: string, body?: unknown): AsyncGenerator<T>;
}

const CONTROL_FILE = 'control.json';
const PROOF_MS = 5000;

/** The folder of the customer's station in a home. */
export const stationFolder = (options: GlobalOptions) => join(homeFolder(options), 'customer');

/** @throws HandselError `FOLDER_IS_FILE`; `NETWORK_MISSING` when no customer's station was ever made there */
export function requireStationFolder(options: GlobalOptions): string {
  const home = homeFolder(options);
  const found = statSync(home, { throwIfNoEntry: false });
  if (found !== undefined && !found.isDirectory()) throw new HandselError('FOLDER_IS_FILE', `${home} is a file`);
  const folder = stationFolder(options);
  if (!existsSync(folder)) {
    throw new HandselError('NETWORK_MISSING', `there is no network with a customer in ${home}`);
  }
  return folder;
}

/** Whether a station of this home answers right now: then its network runs, here or as processes of their own. */
export async function stationRuns(options: GlobalOptions): Promise<boolean> {
  const file = join(stationFolder(options), CONTROL_FILE);
  if (!existsSync(file)) return false;
  return requireStation(readJsonFile(file, controlFileSchema)).then(
    () => true,
    () => false,
  );
}

/** Another program may have taken the port of a station that was killed: it hears neither the secret nor a password. */
async function requireStation({ url, secret }: { readonly url: string; readonly secret: string }): Promise<void> {
  const nonce = toHex(systemRandom(32));
  const signal = AbortSignal.timeout(PROOF_MS);
  const answer = await fetch(`${url}/proof/${nonce}`, { redirect: 'error', signal }).then((response) =>
    response.json(),
  );
  if (!isControlProof((answer as { readonly proof?: unknown } | null)?.proof, fromHex(secret), nonce)) {
    throw new Error(`it is not the station that listens at ${url}`);
  }
}

/** @throws HandselError as `requireStationFolder` does, `STATION_NOT_RUNNING`, or with the code and words of the station's refusal */
export function stationClient(options: GlobalOptions, folder = stationFolder(options)): StationClient {
  const notRunning = {
    code: 'STATION_NOT_RUNNING',
    message: 'the station is not running: start it with `npm start`, or `handsel run customer --config FILE`',
  };
  const file = join(folder, CONTROL_FILE);
  if (!existsSync(file)) requireStationFolder(options);
  return ownerClient(file, notRunning);
}

/** @throws HandselError with the given words where nobody answers */
export function ownerClient(
  file: string,
  notThere: { readonly code: string; readonly message: string },
): StationClient {
  const notRunning = (cause?: unknown) => new HandselError(notThere.code, notThere.message, { cause });
  if (!existsSync(file)) throw notRunning();
  const { url, secret } = readJsonFile(file, controlFileSchema);
  const open = async (path: string, init: RequestInit): Promise<Response> => {
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
    try {
      await requireStation({ url, secret });
      return await fetch(`${url}${path}`, { ...init, headers, redirect: 'error' });
    } catch (cause) {
      throw notRunning(cause);
    }
  };
  const ask = async <T>(path: string, init: RequestInit): Promise<T> => {
    const response = await open(path, init);
    if (!response.ok) throw await refusalOf(response);
    return (await response.json()) as T; // our own station
  };
  const posted = (body: unknown) => ({ method: 'POST', body: JSON.stringify(body) });
  return {
    get: (path) => ask(path, {}),
    post: (path, body = {}) => ask(path, posted(body)),
    async bytes(path) {
      const response = await open(path, {});
      if (!response.ok) throw await refusalOf(response);
      return new Uint8Array(await response.arrayBuffer());
    },
    postBytes: (path, body) => ask(path, { method: 'POST', body: body as Uint8Array<ArrayBuffer> }),
    async *lines<T>(path: string, body: unknown = {}) {
      const response = await open(path, posted(body));
      if (!response.ok) throw await refusalOf(response);
      try {
        yield* linesIn<T>(response.body!);
      } catch (cause) {
        throw new HandselError('STATION_GONE', 'the station ended before it had answered', { cause });
      }
    },
  };
}

async function refusalOf(response: Response): Promise<HandselError> {
  const { code, detail } = (await response.json()) as { readonly code?: string; readonly detail?: string };
  return new HandselError(code ?? `HTTP_${response.status}`, detail || 'the station could not do it');
}

async function* linesIn<T>(body: ReadableStream<Uint8Array>): AsyncGenerator<T> {
  const decoder = new TextDecoder();
  let begun: string[] = [];
  for await (const chunk of body) {
    const parts = decoder.decode(chunk, { stream: true }).split('\n');
    for (const part of parts.splice(0, parts.length - 1)) {
      yield JSON.parse(`${begun.join('')}${part}`) as T;
      begun = [];
    }
    begun.push(parts[0]!);
  }
}
