/** How commands talk to the running station: over its loopback endpoint, with the secret from the file beside its configuration. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex, toHex } from '../codec/hex.ts';
import { systemRandom } from '../crypto/random.ts';
import { HandselError } from '../handsel-error.ts';
import { readJsonFile } from '../party/configuration.ts';
import { controlFileSchema } from '../party/control.ts';
import { isControlProof } from '../party/control-proof.ts';
import { type GlobalOptions, homeFolder } from './global-options.ts';

export interface StationClient {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<T>;
}

/** The folder of the customer's station in a home. */
export const stationFolder = (options: GlobalOptions) => join(homeFolder(options), 'customer');

/** @throws HandselError `STATION_NOT_RUNNING`, or with the code and words of the station's refusal */
export function stationClient(options: GlobalOptions): StationClient {
  const file = join(stationFolder(options), 'control.json');
  const notRunning = (cause?: unknown) =>
    new HandselError('STATION_NOT_RUNNING', 'the station is not running: `npm start`, or `handsel run customer`', {
      cause,
    });
  if (!existsSync(file)) throw notRunning();
  const { url, secret } = readJsonFile(file, controlFileSchema);
  // Another program may have taken the port of a station that was killed: it hears neither the secret nor a password.
  const requireStation = async () => {
    const nonce = toHex(systemRandom(32));
    const answer = await fetch(`${url}/proof/${nonce}`, { redirect: 'error' }).then((response) => response.json());
    if (!isControlProof((answer as { readonly proof?: unknown } | null)?.proof, fromHex(secret), nonce)) {
      throw new Error(`it is not the station that listens at ${url}`);
    }
  };
  const ask = async <T>(path: string, init: RequestInit): Promise<T> => {
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
    let response: Response;
    try {
      await requireStation();
      response = await fetch(`${url}${path}`, { ...init, headers, redirect: 'error' });
    } catch (cause) {
      throw notRunning(cause);
    }
    const json = (await response.json()) as T & { readonly code?: string; readonly detail?: string };
    if (response.ok) return json;
    throw new HandselError(json.code ?? `HTTP_${response.status}`, json.detail ?? 'the station refused');
  };
  return {
    get: (path) => ask(path, {}),
    post: (path, body = {}) => ask(path, { method: 'POST', body: JSON.stringify(body) }),
  };
}
