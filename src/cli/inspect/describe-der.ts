/** Recognises what a DER encoding is, by reading it with the project's own decoders, and says the facts worth knowing first. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import { type Certificate, readCertificate } from '../../pki/certificate.ts';
import { readCertificateRequest } from '../../pki/certificate-request.ts';
import type { Extensions } from '../../pki/extension.ts';
import { formatName } from '../../pki/name.ts';
import { publicKeyHash, readPublicKey } from '../../pki/public-key.ts';
import { readRevocationList } from '../../pki/revocation-list.ts';
import { readBrandCrlIdentifier } from '../../set/message/brand-crl-identifier.ts';
import { decodeMessage, type Message } from '../../set/message/message-wrapper.ts';
import type { DerNode } from './der-node.ts';
import type { Inspection } from './inspection.ts';
import { objectName } from './object-names.ts';
import { holdsPrivateKey } from './private-key.ts';

type Description = Pick<Inspection, 'kind' | 'facts'>;

const recognisers: readonly ((der: Uint8Array) => Description)[] = [
  (der) => ({ kind: 'certificate', facts: certificateFacts(readCertificate(der)) }),
  describeRequest,
  describeBrandCrlIdentifier,
  describeRevocationList,
  (der) => describeMessage(decodeMessage(der)),
  (der) => ({ kind: 'public key', facts: keyFacts(readPublicKey(der)) }),
];

/** @param tree the same bytes without their meaning: what remains when nothing recognises them */
export function describeDer(der: Uint8Array, tree: DerNode): Description {
  if (holdsPrivateKey(tree)) return describePrivateKey(der);
  for (const recognise of recognisers) {
    try {
      return recognise(der);
    } catch (error) {
      if (!(error instanceof HandselError)) throw error;
    }
  }
  return describeContentInfo(tree) ?? { kind: 'DER', facts: {} };
}

export function certificateFacts(certificate: Certificate): Record<string, string> {
  const { subject, issuer, serial, notBefore, notAfter, keyUsage, ca, pathLength, extensions } = certificate;
  return {
    subject: formatName(subject),
    issuer: formatName(issuer),
    serial: serial.toString(16),
    valid: `${notBefore.toISOString()} to ${notAfter.toISOString()}`,
    authority: ca ? `yes${pathLength === undefined ? '' : `, path length ${pathLength}`}` : 'no',
    ...(keyUsage && { 'key usage': [...keyUsage].join(', ') }),
    ...extensionFacts(extensions),
    ...keyFacts(certificate.publicKey),
    thumb: toHex(certificate.thumb),
  };
}

function describeRequest(der: Uint8Array): Description {
  const { subject, publicKey } = readCertificateRequest(der);
  return { kind: 'certificate request', facts: { subject: formatName(subject), ...keyFacts(publicKey) } };
}

function describeRevocationList(der: Uint8Array): Description {
  const { issuer, thisUpdate, nextUpdate, number, revoked } = readRevocationList(der);
  const facts = {
    issuer: formatName(issuer),
    number: number.toString(),
    'this update': thisUpdate.toISOString(),
    'next update': nextUpdate.toISOString(),
    revoked: `${revoked.size} certificates`,
  };
  return { kind: 'revocation list', facts };
}

function describeBrandCrlIdentifier(der: Uint8Array): Description {
  const { brandId, sequenceNumber, notBefore, notAfter, lists } = readBrandCrlIdentifier(der);
  const facts = {
    brand: brandId,
    sequence: sequenceNumber.toString(),
    valid: `${notBefore.toISOString()} to ${notAfter.toISOString()}`,
    lists: `${lists.length} revocation lists`,
  };
  return { kind: 'brand CRL identifier', facts };
}

function describeMessage({ header, message }: Message): Description {
  const { lidC, lidM, xid } = header.messageIds ?? {};
  const facts = {
    version: `${header.version}.${header.revision}`,
    date: header.date.toISOString(),
    software: header.swIdent,
    ...(header.rrpid && { rrpid: toHex(header.rrpid) }),
    ...(lidC && { 'LID-C': toHex(lidC) }),
    ...(lidM && { 'LID-M': toHex(lidM) }),
    ...(xid && { XID: toHex(xid) }),
  };
  return { kind: `SET message ${message.type}`, facts };
}

function describeContentInfo({ children = [] }: DerNode): Description | undefined {
  const [type, content, ...more] = children;
  if (type?.tag !== 'OBJECT IDENTIFIER' || content?.tag !== '[0]' || more.length > 0) return undefined;
  return { kind: 'CMS content', facts: { content: type.value ?? '' } };
}

/** The public half tells which key it is without telling the key. */
function describePrivateKey(der: Uint8Array): Description {
  for (const type of ['pkcs8', 'sec1', 'pkcs1'] as const) {
    try {
      const key = createPrivateKey({ key: Buffer.from(der), format: 'der', type });
      return { kind: 'private key', facts: { algorithm: algorithmOf(key) } };
    } catch {
      // Another of the three forms, or none: the next attempt tells.
    }
  }
  return { kind: 'DER with a private key', facts: {} };
}

function keyFacts(key: KeyObject): Record<string, string> {
  return { 'public key': algorithmOf(key), 'key hash': toHex(publicKeyHash(key)) };
}

function algorithmOf(key: KeyObject): string {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  return [key.asymmetricKeyType, namedCurve, modulusLength].filter((part) => part !== undefined).join(' ');
}

function extensionFacts(extensions: Extensions): Record<string, string> {
  if (extensions.size === 0) return {};
  const listed = [...extensions.values()].map(
    ({ id, critical }) => `${objectName(id) ?? id}${critical ? ' (critical)' : ''}`,
  );
  return { extensions: listed.join(', ') };
}
