/**
 * An agency as files: `agency.json` with all that is public, and the private keys, either sealed under a password in one file or as
 * PKCS #8 PEM, one a key. Where the files are and who may read them is the caller's business.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from '../../codec/hex.ts';
import { openAtRest, sealAtRest } from '../../crypto/key-at-rest.ts';
import type { Random } from '../../crypto/random.ts';
import { readCertificate } from '../../pki/certificate.ts';
import { fromPemLabelled, toPem } from '../../pki/pem.ts';
import { type Agency, type AgencyClock, issuedKey } from './agency.ts';
import { AgencyError } from './agency-error.ts';
import type { Authority } from './authority.ts';

export const STATE_FILE = 'agency.json';
export const SEALED_KEYS_FILE = 'keys.sealed';
const PURPOSE = 'handsel agency keys';

const counter = z.string().regex(/^\d{1,40}$/);
const binary = z.string().regex(/^[A-Za-z0-9_-]+$/);
const reasons = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
] as const;
const roles = [
  'root',
  'brand',
  'geopolitical',
  'cardholder-ca',
  'merchant-ca',
  'gateway-ca',
  'communication-root',
  'communication-ca',
] as const;
const authoritySchema = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9_.-]{1,100}$/),
  role: z.enum(roles),
  brandId: z.string().optional(),
  generation: z.number().int(),
  issuerId: z.string().optional(),
  certificate: binary,
  encryptionCertificate: binary.optional(),
  crlNumber: counter,
  revoked: z.array(z.strictObject({ serial: counter, revokedAtMs: z.number(), reason: z.enum(reasons) })),
});
const issuedSchema = z.strictObject({
  kind: z.enum(['cardholder', 'merchant', 'gateway', 'communication', 'agent-authority']),
  authorityId: z.string(),
  brandId: z.string().optional(),
  serial: counter,
  subject: z.string(),
  notAfterMs: z.number(),
  keyHash: z.string(),
});
const stateSchema = z.strictObject({
  format: z.literal('handsel-agency-1'),
  organization: z.string(),
  country: z.string(),
  brands: z.array(z.strictObject({ brandId: z.string(), country: z.string(), region: z.string().optional() })),
  generation: z.number().int(),
  identifierSequences: z.record(z.string(), counter),
  authorities: z.array(authoritySchema),
  issued: z.array(issuedSchema),
});

export interface WriteOptions {
  /** Seals the keys; without it they are written as plain PEM, for their owner's eyes only. */
  readonly password?: string;
  readonly random: Random;
}

/** File name → content. All but `agency.json` is secret. */
export function writeAgencyFiles(agency: Agency, options: WriteOptions): ReadonlyMap<string, Uint8Array> {
  const files = new Map([[STATE_FILE, utf8(`${JSON.stringify(stateOf(agency), undefined, 2)}\n`)]]);
  const keys = keysOf(agency);
  if (options.password === undefined) {
    for (const [name, der] of keys) files.set(keyFile(name), utf8(toPem('PRIVATE KEY', der)));
  } else {
    const { password, random } = options;
    const secret = encodeCbor(Object.fromEntries(keys));
    files.set(SEALED_KEYS_FILE, sealAtRest({ secret, password, purpose: PURPOSE, random }));
  }
  return files;
}

function stateOf(agency: Agency): z.infer<typeof stateSchema> {
  return {
    format: 'handsel-agency-1',
    organization: agency.organization,
    country: agency.country,
    brands: agency.brands.map((brand) => ({ ...brand })),
    generation: agency.generation,
    identifierSequences: Object.fromEntries([...agency.identifierSequences].map(([id, n]) => [id, n.toString()])),
    authorities: [...agency.authorities.values()].map((authority) => ({
      id: authority.id,
      role: authority.role,
      brandId: authority.brandId,
      generation: authority.generation,
      issuerId: authority.issuerId,
      certificate: toBase64Url(authority.certificate.der),
      encryptionCertificate: authority.encryption && toBase64Url(authority.encryption.certificate.der),
      crlNumber: authority.crlNumber.toString(),
      revoked: authority.revoked.map(({ serial, revokedAt, reason }) => ({
        serial: serial.toString(),
        revokedAtMs: revokedAt.getTime(),
        reason,
      })),
    })),
    issued: [...agency.issued.values()].map((issued) => ({ ...issued, serial: issued.serial.toString() })),
  };
}

function keysOf(agency: Agency): ReadonlyMap<string, Uint8Array> {
  const keys = new Map<string, Uint8Array>();
  const add = (name: string, key: KeyObject) =>
    keys.set(name, new Uint8Array(key.export({ format: 'der', type: 'pkcs8' })));
  for (const { id, privateKey, encryption } of agency.authorities.values()) {
    add(id, privateKey);
    if (encryption !== undefined) add(encryptionKeyName(id), encryption.privateKey);
  }
  add(nextRootName(agency.generation), agency.nextRootKeys.privateKey);
  return keys;
}

const keyFile = (name: string) => `keys/${name}.pem`;
/** Under the name it will have once it is the root's: a crash between two files at a rollover loses nothing. */
const nextRootName = (generation: number) => `root-${generation + 1}`;
const encryptionKeyName = (id: string) => `${id}-encryption`;

export interface ReadOptions {
  /** The content of a file by its name, or undefined when there is none. */
  readonly read: (name: string) => Uint8Array | undefined;
  readonly password?: string;
  readonly clock: AgencyClock;
  readonly random: Random;
}

/**
 * @throws AgencyError `AGENCY_FILES_INVALID` when something is missing or malformed, `AGENCY_PASSWORD_NEEDED`
 * @throws CryptographicError for a wrong password
 */
export function readAgencyFiles(options: ReadOptions): Agency {
  const text = options.read(STATE_FILE);
  if (text === undefined) throw new AgencyError('AGENCY_FILES_INVALID', `there is no ${STATE_FILE}`);
  const state = parseState(text);
  const keyNamed = keyReader(options);
  const authorities = state.authorities.map((stored): Authority => {
    const { id, role, brandId, generation, issuerId, encryptionCertificate } = stored;
    return {
      id,
      role,
      brandId,
      generation,
      issuerId,
      certificate: readCertificate(fromBase64Url(stored.certificate)),
      privateKey: keyNamed(id),
      encryption:
        encryptionCertificate === undefined
          ? undefined
          : {
              certificate: readCertificate(fromBase64Url(encryptionCertificate)),
              privateKey: keyNamed(encryptionKeyName(id)),
            },
      crlNumber: BigInt(stored.crlNumber),
      revoked: stored.revoked.map(({ serial, revokedAtMs, reason }) => ({
        serial: BigInt(serial),
        revokedAt: new Date(revokedAtMs),
        reason,
      })),
    };
  });
  const issued = state.issued.map(({ brandId, ...rest }) => ({ ...rest, brandId, serial: BigInt(rest.serial) }));
  const nextRootKey = keyNamed(nextRootName(state.generation));
  return {
    organization: state.organization,
    country: state.country,
    brands: state.brands.map(({ region, ...brand }) => ({ ...brand, ...(region !== undefined && { region }) })),
    clock: options.clock,
    random: options.random,
    authorities: new Map(authorities.map((authority) => [authority.id, authority])),
    issued: new Map(issued.map((entry) => [issuedKey(entry.brandId, entry.keyHash), entry])),
    identifierSequences: new Map(Object.entries(state.identifierSequences).map(([id, n]) => [id, BigInt(n)])),
    generation: state.generation,
    nextRootKeys: { privateKey: nextRootKey, publicKey: createPublicKey(nextRootKey) },
  };
}

function parseState(bytes: Uint8Array): z.infer<typeof stateSchema> {
  try {
    return stateSchema.parse(JSON.parse(fromUtf8(bytes)));
  } catch (cause) {
    throw new AgencyError('AGENCY_FILES_INVALID', `${STATE_FILE} is not the state of an agency`, { cause });
  }
}

function keyReader(options: ReadOptions): (name: string) => KeyObject {
  const sealed = options.read(SEALED_KEYS_FILE);
  if (sealed !== undefined && options.password === undefined) {
    throw new AgencyError('AGENCY_PASSWORD_NEEDED', 'the keys of the agency are sealed under a password');
  }
  const opened =
    sealed === undefined
      ? undefined
      : decodeCbor(openAtRest({ sealed, password: options.password ?? '', purpose: PURPOSE }));
  return (name) => {
    try {
      const der =
        opened === undefined
          ? fromPemLabelled(fromUtf8(options.read(keyFile(name)) ?? new Uint8Array()), 'PRIVATE KEY')[0]
          : (opened as Record<string, unknown>)[name];
      if (!(der instanceof Uint8Array)) throw new Error('no such key');
      return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
    } catch (cause) {
      throw new AgencyError('AGENCY_FILES_INVALID', `the private key of ${name} is missing or damaged`, { cause });
    }
  };
}
