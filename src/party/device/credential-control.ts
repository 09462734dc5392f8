/** What owners ask of their devices about credentials, and clerks of an authority's, on the command line. */
import { z } from 'zod';
import { fromHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Handler, Request, Routes } from '../../transport/route.ts';
import type { TransactionDevice } from '../../trusted/agent/device.ts';
import { issuerMetadata } from '../../trusted/credential/sd-jwt.ts';
import { type Guarded, inJson, readRequest } from '../owner/control-request.ts';
import type { AuthorityRegister } from './authority-register.ts';
import type { CredentialDesk } from './credential-desk.ts';

const name = z.string().min(1).max(60);
const ticket = z.string().regex(/^[0-9a-fA-F]{1,32}$/, "expected a credential's name: hexadecimal digits");
const pay = z.strictObject({ max: z.string().max(40), card: z.string().max(32).optional() });
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
  pay: pay.optional(),
});
const copy = z.strictObject({
  /** Of a ticket, or with no authority named of what is held as SD-JWT VC. */
  ticket: z.string().regex(/^[\w-]{1,64}$/, 'expected the name of a credential'),
  ...{ at: z.string().min(1).max(200).optional(), fields: z.array(name).max(50).default([]) },
  audience: z.string().min(1).max(300),
  nonce: z.string().min(1).max(300),
});
const foreign = z.strictObject({
  id: z.string().min(1).max(64),
  sdJwt: z.string().min(1).max(262_144),
  issuer: z.url(),
  keys: z.string().min(2).max(16_384),
});
const renewal = z.strictObject({ ticket, at: z.string().min(1).max(200), pay: pay.optional() });
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
    'POST /renew': withSecret(async (request) => desk.renew(readRequest(request, renewal))),
    'GET /export': withSecret(async () => desk.copies()),
    'POST /export': withSecret(async (request) => desk.exportFor(readRequest(request, copy))),
    'POST /export/key': withSecret(async () => desk.newKey()),
    'POST /import': withSecret(async (request) => desk.importFrom(readRequest(request, foreign))),
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

/** What verifiers of SD-JWT VCs ask an issuer for (draft-ietf-oauth-sd-jwt-vc, section 5). */
export function issuerRoutes(url: string, device: TransactionDevice): Routes {
  return { 'GET /.well-known/jwt-vc-issuer': async () => inJson(issuerMetadata(url, device.sdJwtKeys())) };
}
