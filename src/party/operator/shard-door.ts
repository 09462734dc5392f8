/** How an operator's process asks its shards, which let nobody else in. A shard that is away is asked again later by whoever asked us. */
import { HandselError } from '../../handsel-error.ts';
import type { Client } from '../../transport/client.ts';
import { readProblem } from '../../transport/problem.ts';
import type { Request, Response } from '../../transport/route.ts';
import { TransportError } from '../../transport/transport-error.ts';

export interface ShardDoor {
  /** Where it is now. @throws HandselError `ANSWER_PENDING` while it is away */
  urlOf(shard: number): string;
  /** The request as it is, and the shard's answer as it is, refusals too. @throws HandselError `ANSWER_PENDING` */
  forward(shard: number, path: `/${string}`, request: Pick<Request, 'body' | 'signal'>): Promise<Response>;
  /** What it says in JSON. @throws HandselError `ANSWER_PENDING`, or with the shard's own code */
  ask<T>(shard: number, method: 'GET' | 'POST', path: `/${string}`): Promise<T>;
}

/** `urlOf`: where the shard is now; undefined while it is away. */
export function createShardDoor(given: {
  readonly client: Client;
  urlOf(shard: number): string | undefined;
}): ShardDoor {
  const { client, urlOf } = given;
  const requireUrl = (shard: number): string => {
    const url = urlOf(shard);
    if (url === undefined) throw away(shard);
    return url;
  };
  const reach = async <T>(shard: number, call: (url: string) => Promise<T>): Promise<T> => {
    try {
      return await call(requireUrl(shard));
    } catch (cause) {
      if (cause instanceof TransportError && MAY_PASS.has(cause.code)) throw away(shard, cause);
      throw cause;
    }
  };
  return {
    urlOf: requireUrl,
    forward: (shard, path, { body, signal }) =>
      reach(shard, async (url) => {
        const message = { kind: path.slice(path.lastIndexOf('/') + 1), ...FORM, body };
        const { status, contentType, body: answer } = await client.post(`${url}${path}`, message, signal);
        return { status, contentType, body: answer };
      }),
    ask: <T>(shard: number, method: 'GET' | 'POST', path: `/${string}`) =>
      reach(shard, async (url) => {
        const message = { kind: path.slice(1), ...FORM, body: new Uint8Array() };
        const answer = await (method === 'GET' ? client.get(`${url}${path}`) : client.post(`${url}${path}`, message));
        if (answer.status === 200) return JSON.parse(Buffer.from(answer.body).toString('utf8')) as T; // our own shard
        const problem = readProblem(answer.body);
        throw new HandselError(problem?.code ?? 'ANSWER_PENDING', problem?.detail || `shard ${shard} refuses`);
      }),
  };
}

const FORM = { contentType: 'application/cose', extension: 'cose' };
const MAY_PASS = new Set(['PEER_UNREACHABLE', 'ANSWER_TIMEOUT']);

function away(shard: number, cause?: unknown): HandselError {
  return new HandselError('ANSWER_PENDING', `shard ${shard} is not there for the moment: ask again`, { cause });
}
