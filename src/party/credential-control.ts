/** What owners ask of their devices about credentials, and clerks of an authority's, on the command line. */
import { z } from 'zod';
import { fromHex } from '../codec/hex.ts';
import { HandselError } from '../handsel-error.ts';
import type { Handler, Request, Routes } from '../transport/route.ts';
import type { AuthorityRegister } from './authority-register.ts';
import { type Guarded, inJson, readRequest } from './control-request.ts';
import type { CredentialDesk } from './credential-desk.ts';

const name = z.string().min(1).max(60);
const ticket = z.string().regex(/^[0-9a-fA-F]{1,32}$/, "expected a credential's name: hexadecimal digits");
const acquisition = z.strictObject({
  wanted: name,
  from: z.string().min(1).max(200),
  code: z
    .string()
    .regex(/^[0-9a-f]{20,128}$/, 'expected the code as the clerk handed it over')
    .transform((text) => fromHex(text))
    .optional(),
  evidence: z
    .array(z.strictObject({ ticket, fields: z.array(name).max(50).optional() }))
    .max(8)
    .default([]),
});
const renewal = z.strictObject({ ticket, at: z.string().min(1).max(200) });
const value = z.union([z.string().max(2000), z.number().int(), z.boolean()]);
const person = z.strictObject({
  subject: name,
  fields: z.record(name, value),
  eligible: z.boolean().default(true),
});
const visit = z.strictObject({ subject: name, wanted: name });
const standing = z.strictObject({
  ticket: z.string().regex(/^[0-9a-f]{32}$/, "expected a credential's whole name"),
  standing: z.enum(['good', 'suspended', 'revoked']),
});

export function credentialControl(parts: {
  readonly desk: CredentialDesk;
  readonly register: AuthorityRegister | undefined;
  readonly guarded: Guarded;
}): Routes {
  const { desk, guarded } = parts;
  const register = (): AuthorityRegister => {
    if (parts.register === undefined) throw new HandselError('NO_AUTHORITY', 'this device is no authority’s');
    return parts.register;
  };
  const withSecret = (handle: (request: Request) => Promise<unknown>): Handler =>
    guarded(async (request) => inJson(await handle(request)));
  return {
    'POST /acquire': withSecret(async (request) => desk.acquire(readRequest(request, acquisition))),
    'POST /renew': withSecret(async (request) => {
      const { ticket: given, at } = readRequest(request, renewal);
      return desk.renew(given, at);
    }),
    'POST /clerk/record': withSecret(async (request) => {
      const { subject, fields, eligible } = readRequest(request, person);
      await register().record(subject, fields, eligible);
      return { subject };
    }),
    'POST /clerk/visit': withSecret(async (request) => {
      const { subject, wanted } = readRequest(request, visit);
      return { code: await register().visit(subject, wanted) };
    }),
    'POST /clerk/standing': withSecret(async (request) => {
      const { ticket: given, standing: to } = readRequest(request, standing);
      await register().setStanding(given, to);
      return { ticket: given, standing: to };
    }),
    'GET /clerk/issued': withSecret(async () => register().issued()),
  };
}
