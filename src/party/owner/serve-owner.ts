/**
 * A person's own way to a party of his: HTTP on the loopback address, behind a secret in a file only that person may read; nothing here is
 * reachable from the network. The party proves itself first, see `control-proof.ts`.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { z } from 'zod';
import { fromHex, toHex, utf8 } from '../../codec/hex.ts';
import { equalSecrets } from '../../crypto/constant-time.ts';
import { sha256 } from '../../crypto/digest.ts';
import { systemRandom } from '../../crypto/random.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Log } from '../../transport/log.ts';
import type { Request, Routes } from '../../transport/route.ts';
import { type RunningServer, type ServeOptions, type ServerLimits, serve } from '../../transport/server.ts';
import { replaceFile } from '../files/replace-file.ts';
import { controlProof } from './control-proof.ts';
import type { Guarded } from './control-request.ts';

/** What the file beside the configuration says: where the endpoint is, and the secret. */
export const controlFileSchema = z.strictObject({ url: z.url(), secret: z.string().regex(/^[0-9a-f]{64}$/) });

const PROOF_ROUTE = 'GET /proof/:nonce';

export async function serveOwner(options: {
  readonly routes: (guarded: Guarded) => Routes;
  readonly listen: { readonly host: string; readonly port: number };
  readonly limits: ServerLimits;
  readonly file: string;
  readonly log: Log;
}): Promise<RunningServer> {
  const { routes, listen, limits, file, log } = options;
  if (!isLoopback(listen.host)) {
    throw new HandselError('CONTROL_EXPOSED', `passwords come in here in clear: ${listen.host} is no loopback address`);
  }
  const secret = systemRandom(32);
  const proof = sha256(secret);
  const requireSecret = (header: Request['header']) => {
    const given = /^Bearer ([0-9a-f]{64})$/.exec(header('authorization') ?? '')?.[1];
    if (given === undefined || !equalSecrets(sha256(fromHex(given)), proof)) {
      throw new HandselError('NOT_PERMITTED', 'the secret in the control file is needed');
    }
  };
  const guarded: Guarded = (answer) => async (request) => {
    requireSecret(request.header);
    return answer(request);
  };
  const admit: ServeOptions['admit'] = (route, header) => {
    requireLocalHost(header('host'));
    // Before the body: whoever has no secret costs no memory, and may well be a page in the person's own browser.
    if (route !== PROOF_ROUTE) requireSecret(header);
  };
  const all: Routes = {
    [PROOF_ROUTE]: async ({ params }: Request) => {
      if (!/^[0-9a-f]{64}$/.test(params.nonce ?? '')) throw new HandselError('REQUEST_MALFORMED', 'expected a nonce');
      const body = utf8(JSON.stringify({ proof: controlProof(secret, params.nonce!) }));
      return { contentType: 'application/json', body };
    },
    ...routes(guarded),
  };
  const server = await serve({ routes: all, listen, limits, log, admit });
  const content = `${JSON.stringify({ url: server.url, secret: toHex(secret) })}\n`;
  replaceFile(file, content);
  return {
    ...server,
    async close(drainMs) {
      // Unless another one runs here by now.
      if (existsSync(file) && readFileSync(file, 'utf8') === content) rmSync(file);
      await server.close(drainMs);
    },
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/** A name that somebody else's server gives the loopback address would make its pages ours to a browser. @throws HandselError `NOT_PERMITTED` */
function requireLocalHost(host: string | undefined): void {
  const name = URL.parse(`http://${host ?? ''}`)?.hostname ?? '';
  if (!isLoopback(name.replace(/^\[(.*)\]$/, '$1'))) {
    throw new HandselError('NOT_PERMITTED', 'this is reached by its loopback address only');
  }
}
