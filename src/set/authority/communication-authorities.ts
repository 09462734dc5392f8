/**
 * The communication hierarchy (KPN-7), apart from SET's: its own root, one CA below it. Certificates follow RFC 5280 to the letter,
 * key identifiers included, because TLS libraries read them.
 */
import type { KeyObject } from 'node:crypto';
import type { Random } from '../../crypto/random.ts';
import { generateP256 } from '../../crypto/signature.ts';
import { identifyKey } from '../../pki/authority-key.ts';
import { type Extension, makeExtension } from '../../pki/extension.ts';
import { makeName } from '../../pki/name.ts';
import { basicConstraints, keyUsage } from '../../pki/standard-extensions.ts';
import { type Authority, createRoot, issueUnder } from './authority.ts';
import { lifetimes } from './profile.ts';

const GENERATION = 1;

export interface CommunicationAuthoritiesOptions {
  readonly organization: string;
  readonly country: string;
  readonly notBeforeMs: number;
  readonly random: Random;
}

export function createCommunicationAuthorities(options: CommunicationAuthoritiesOptions): readonly Authority[] {
  const { organization, country, notBeforeMs, random } = options;
  const named = (title: string) => makeName({ C: country, O: organization, CN: `${organization} ${title}` });

  const rootKeys = generateP256();
  const root = createRoot(
    { id: 'communication-root', role: 'communication-root', brandId: undefined, generation: GENERATION },
    {
      keys: rootKeys,
      subject: named('Communication Root CA'),
      notBeforeMs,
      lifetimeMs: lifetimes['communication-root'].certificateMs,
      extensions: caExtensions(rootKeys.publicKey),
      random,
    },
  );

  const { publicKey, privateKey } = generateP256();
  const certificate = issueUnder({
    issuer: root,
    subject: named('Communication CA'),
    publicKey,
    notBeforeMs,
    lifetimeMs: lifetimes['communication-ca'].certificateMs,
    // One CA may stand below it: a station's agent authority.
    extensions: caExtensions(publicKey, 1),
    random,
  });
  const ca: Authority = {
    id: 'communication-ca',
    role: 'communication-ca',
    brandId: undefined,
    generation: GENERATION,
    issuerId: root.id,
    certificate,
    privateKey,
    encryption: undefined,
    crlNumber: 0n,
    revoked: [],
  };
  return [root, ca];
}

/** A CA by RFC 5280: what it is, what its key does, and the identifier its subordinates point at. */
export function caExtensions(publicKey: KeyObject, pathLength?: number): readonly Extension[] {
  return [
    makeExtension(basicConstraints, { ca: true, ...(pathLength !== undefined && { pathLength }) }),
    makeExtension(keyUsage, new Set(['keyCertSign', 'cRLSign'] as const)),
    identifyKey(publicKey),
  ];
}
