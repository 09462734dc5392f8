/**
 * Tokens under which devices come to their trusted server for the first time: a file each in a folder, put there when the device is made. Each
 * is announced once and then removed, so that no token can be used a second time.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { fromHex, toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import { type AgentKind, agentKinds } from '../../trusted/message/certificate.ts';
import { flushFolder } from '../files/new-files.ts';
import { ConfigurationError, readJsonFile } from './configuration.ts';

export interface Enrolment {
  readonly token: Uint8Array;
  /** Undefined for a trusted server. */
  readonly kind?: AgentKind;
}

export const TOKEN_LENGTH = 32;

const schema = z.strictObject({
  token: z.string().regex(/^[0-9a-f]{64}$/, 'a token of 64 hexadecimal digits'),
  kind: z.enum(agentKinds).optional(),
});

export function enrolmentText({ token, kind }: Enrolment): string {
  return `${JSON.stringify({ token: toHex(token), ...(kind && { kind }) })}\n`;
}

/** @throws ConfigurationError for a file that is none */
export async function takeEnrolments(folder: string, announce: (enrolment: Enrolment) => Promise<void>): Promise<void> {
  if (!existsSync(folder)) return;
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  for (const name of files) {
    const file = join(folder, name);
    const { token, kind } = readJsonFile(file, schema);
    await announce({ token: fromHex(token), ...(kind && { kind }) }).catch((error: unknown) => {
      // A crash came between announcing and removing.
      if (!(error instanceof HandselError) || error.code !== 'COMMAND_UNTIMELY') throw error;
    });
    rmSync(file);
  }
  if (files.length > 0) flushFolder(folder);
}

/** @throws ConfigurationError, which never repeats what the file holds */
export function readToken(file: string): Uint8Array {
  try {
    return fromHex(readFileSync(file, 'utf8').trim());
  } catch (cause) {
    if (cause instanceof HandselError) throw new ConfigurationError(`${file} holds no token`, cause);
    throw new ConfigurationError(`cannot read ${file}: does it exist, and may this user read it?`, cause);
  }
}
