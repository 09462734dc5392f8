/** What comes in at the person's endpoint, and goes out: JSON, read once at the door. */
import type { z } from 'zod';
import { utf8 } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Handler, Request, Response } from '../../transport/route.ts';

/** Lets only those in who know the secret. */
export type Guarded = (answer: (request: Request) => Promise<Response>) => Handler;

export function inJson(answer: unknown): Response {
  return { contentType: 'application/json', body: utf8(JSON.stringify(answer ?? null)) };
}

/** @throws HandselError `REQUEST_MALFORMED`, in the words of the schema */
export function readRequest<T>({ body }: Pick<Request, 'body'>, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = body.length === 0 ? {} : JSON.parse(Buffer.from(body).toString('utf8'));
  } catch (cause) {
    throw new HandselError('REQUEST_MALFORMED', 'the body is not JSON', { cause });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new HandselError('REQUEST_MALFORMED', inOneLine(parsed.error));
  return parsed.data;
}

function inOneLine({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`).join('; ');
}
