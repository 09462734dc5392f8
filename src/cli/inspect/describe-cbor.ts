/** Recognises COSE messages among CBOR (RFC 9052) and says what they are about and who signed them; nothing is verified. */
import { CborTag, type CborValue } from '../../codec/cbor-value.ts';
import { toHex } from '../../codec/hex.ts';
import {
  asHeader,
  type CoseHeader,
  decodeProtected,
  HEADER_ALGORITHM,
  HEADER_CERTIFICATE_CHAIN,
  HEADER_CONTENT_TYPE,
  HEADER_KEY_ID,
} from '../../crypto/cose-header.ts';
import { readCertificate } from '../../pki/certificate.ts';
import { formatName } from '../../pki/name.ts';
import { quoted } from './der-value.ts';
import type { Inspection } from './inspection.ts';

/** A wallet file: faces of its cards. What is sealed in it is left out, so that nobody carries it away to guess at. */
export function describeWallet(value: CborValue): Description | undefined {
  if (typeof value !== 'object' || value === null || !('sealedKey' in value) || !('cards' in value)) return undefined;
  if (!Array.isArray(value.cards)) return undefined;
  const faces = value.cards.map((card) => {
    const { id, brand, lastFour } = Object(card) as Record<string, CborValue>;
    return [id, brand, lastFour].map((part) => (typeof part === 'string' ? quoted(part).slice(1, -1) : '?'));
  });
  const cards = faces.map(([id, brand, lastFour]) => `${id} ${brand} …${lastFour?.slice(-4)}`).join(', ');
  return { kind: 'wallet', facts: { cards: cards === '' ? 'none' : cards, content: 'sealed, not shown' } };
}

type Description = Pick<Inspection, 'kind' | 'facts'>;

const messages: Readonly<Record<number, string>> = {
  16: 'COSE_Encrypt0',
  17: 'COSE_Mac0',
  18: 'COSE_Sign1',
  96: 'COSE_Encrypt',
  98: 'COSE_Sign',
};
/** IANA "COSE Algorithms", those of this suite and their neighbours. */
const algorithms = new Map<CborValue | undefined, string>([
  [-7, 'ES256'],
  [-8, 'EdDSA'],
  [-35, 'ES384'],
  [1, 'A128GCM'],
  [3, 'A256GCM'],
  [5, 'HMAC-SHA-256'],
  [-29, 'ECDH-ES + A128KW'],
  [-31, 'ECDH-ES + A256KW'],
]);

export function describeCbor(value: CborValue): Description {
  const kind = value instanceof CborTag ? messages[value.tag] : undefined;
  if (!(value instanceof CborTag) || kind === undefined || !Array.isArray(value.value))
    return { kind: 'CBOR', facts: {} };
  const [protectedBytes] = value.value;
  if (!(protectedBytes instanceof Uint8Array)) return { kind: 'CBOR', facts: {} };
  return { kind, facts: { ...headerFacts(protectedBytes), ...keyFacts(value.value[1]) } };
}

function headerFacts(bytes: Uint8Array): Record<string, string> {
  let header: CoseHeader;
  try {
    header = decodeProtected(bytes);
  } catch (error) {
    return { header: `not readable: ${error instanceof Error ? error.message : error}` };
  }
  const contentType = header.get(HEADER_CONTENT_TYPE);
  const algorithm = header.get(HEADER_ALGORITHM);
  return {
    ...(typeof contentType === 'string' && { 'content type': quoted(contentType) }),
    ...(algorithm !== undefined && { algorithm: algorithms.get(algorithm) ?? String(algorithm) }),
    ...keyFacts(header),
    ...signerFacts(header.get(HEADER_CERTIFICATE_CHAIN)),
  };
}

function keyFacts(value: CborValue): Record<string, string> {
  try {
    const keyId = asHeader(value).get(HEADER_KEY_ID);
    return keyId instanceof Uint8Array ? { 'key id': toHex(keyId) } : {};
  } catch {
    return {};
  }
}

function signerFacts(chain: CborValue): Record<string, string> {
  const [first] = Array.isArray(chain) ? chain : [chain];
  if (!(first instanceof Uint8Array)) return {};
  try {
    const { subject, issuer } = readCertificate(first);
    return { signer: formatName(subject), 'certified by': formatName(issuer) };
  } catch {
    return { signer: 'a certificate that cannot be read' };
  }
}
