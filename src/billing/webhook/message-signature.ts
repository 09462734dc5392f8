/**
 * HTTP Message Signatures (RFC 9421) as billing webhooks use them: one signature, of method, address, content type, digest of the content
 * (RFC 9530) and idempotency key, with ECDSA over P-256 and SHA-256.
 */
import { createHash, type KeyObject } from 'node:crypto';
import { signP256, verifyP256 } from '../../crypto/signature.ts';
import { BillingError } from '../book/billing-error.ts';

/** What is signed, in this order. */
const COMPONENTS = ['@method', '@target-uri', 'content-type', 'content-digest', 'idempotency-key'] as const;
export const TAG = 'handsel-billing';
const ALGORITHM = 'ecdsa-p256-sha256';
const LABEL = 'sig1';
/** The least and most a signature of this form can say of itself. */
const MAX_FIELD = 1024;

export interface SignedFields {
  readonly 'content-type': string;
  readonly 'content-digest': string;
  readonly 'idempotency-key': string;
}

/** RFC 9530: of the bytes of the body. */
export function contentDigest(body: Uint8Array): string {
  return `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
}

/** A string of RFC 9651. @throws BillingError `RECORD_REFUSED` for what is not printable ASCII */
export function fieldString(text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text)) throw new BillingError('RECORD_REFUSED', 'expected an id in printable ASCII');
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

export interface SignatureParameters {
  readonly createdSeconds: number;
  readonly keyId: string;
}

/** The fields `Signature-Input` and `Signature` of a request. */
export function signatureFields(
  request: { readonly method: string; readonly url: string; readonly fields: SignedFields },
  parameters: SignatureParameters & { readonly privateKey: KeyObject },
): { readonly 'signature-input': string; readonly signature: string } {
  const { createdSeconds, keyId, privateKey } = parameters;
  const list = COMPONENTS.map((name) => `"${name}"`).join(' ');
  const stated = `(${list});created=${createdSeconds};keyid=${fieldString(keyId)};alg="${ALGORITHM}";tag="${TAG}"`;
  const signature = signP256(privateKey, Buffer.from(baseOf(request, stated), 'utf8'), 'raw');
  return {
    'signature-input': `${LABEL}=${stated}`,
    signature: `${LABEL}=:${Buffer.from(signature).toString('base64')}:`,
  };
}

export interface StatedSignature extends SignatureParameters {
  /** False for a wrong signature and for one by another key alike. */
  isBy(publicKey: KeyObject): boolean;
}

/** @throws BillingError `WEBHOOK_MALFORMED` unless there is one signature, of our form, over all that it has to cover */
export function readSignature(
  request: { readonly method: string; readonly url: string; readonly fields: SignedFields },
  { input, signature }: { readonly input: string; readonly signature: string },
): StatedSignature {
  const stated = afterLabel(input);
  const raw = /^:([A-Za-z0-9+/]{86}==):$/.exec(afterLabel(signature))?.[1];
  const [, components = '', parameters = ''] =
    /^\(([^)]*)\)((?:;[a-z]+=(?:\d+|"(?:[^"\\]|\\["\\])*"))*)$/.exec(stated) ?? [];
  const covered = COMPONENTS.every((name) => components.split(' ').includes(`"${name}"`));
  if (raw === undefined || !covered || components.split(' ').length !== COMPONENTS.length) {
    throw new BillingError('WEBHOOK_MALFORMED', `expected a signature of ${COMPONENTS.join(', ')}`);
  }
  const found = parametersIn(parameters);
  const created = found.get('created') ?? '';
  const keyId = found.get('keyid');
  if (!/^\d{1,12}$/.test(created) || keyId === undefined || found.get('tag') !== TAG) {
    throw new BillingError('WEBHOOK_MALFORMED', `expected a signature with created, keyid and the tag ${TAG}`);
  }
  if ((found.get('alg') ?? ALGORITHM) !== ALGORITHM) {
    throw new BillingError('WEBHOOK_MALFORMED', `expected the algorithm ${ALGORITHM}`);
  }
  const order = components.split(' ').map((name) => name.slice(1, -1));
  return {
    createdSeconds: Number(created),
    keyId,
    isBy: (publicKey) =>
      verifyP256(publicKey, Buffer.from(baseOf(request, stated, order), 'utf8'), Buffer.from(raw, 'base64'), 'raw'),
  };
}

function afterLabel(field: string): string {
  if (field.length <= MAX_FIELD && field.startsWith(`${LABEL}=`)) return field.slice(LABEL.length + 1);
  throw new BillingError('WEBHOOK_MALFORMED', `expected one signature, called ${LABEL}`);
}

function parametersIn(text: string): ReadonlyMap<string, string> {
  const found = [...text.matchAll(/;([a-z]+)=(?:(\d+)|"((?:[^"\\]|\\["\\])*)")/g)];
  return new Map(found.map(([, name, number, string]) => [name!, number ?? string!.replaceAll(/\\(.)/g, '$1')]));
}

/** RFC 9421 section 2.5. */
function baseOf(
  { method, url, fields }: { readonly method: string; readonly url: string; readonly fields: SignedFields },
  stated: string,
  order: readonly string[] = COMPONENTS,
): string {
  const values: Readonly<Record<string, string>> = { '@method': method, '@target-uri': url, ...fields };
  const lines = order.map((name) => `"${name}": ${values[name]!.trim()}`);
  return [...lines, `"@signature-params": ${stated}`].join('\n');
}
